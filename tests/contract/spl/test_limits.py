"""The limits of subsearches, joins and sorts; options that would be ignored are refused."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.spl.memory import MemoryContext, MemoryTable
from tools.splunkd_lite.spl import SplError, execute, parse, run


class Slow(MemoryContext):
    """One event every so many seconds, for as long as anyone asks."""

    def scan(self, *arguments: Any) -> Iterator[dict[str, Any]]:
        for number in range(1_000_000):
            time.sleep(0.05)
            yield {"_time": self.now - number, "_raw": f"n={number}", "index": "main"}


def texts(results: Any) -> list[str]:
    return [message.text for message in results.messages]


def test_a_subsearch_of_a_search_gives_at_most_10_000_rows() -> None:
    results = run(
        "search index=main [| makeresults count=10001 | streamstats count AS n | fields n]",
        MemoryContext(),
    )
    assert texts(results) == [
        "[subsearch]: Subsearch produced more than 10000 results, truncating to maxout 10000."
    ]


def test_a_join_looks_at_50_000_rows_of_its_subsearch() -> None:
    rows = "| makeresults count=50001 | streamstats count AS n | fields n"
    search = f"| makeresults count=50001 | streamstats count AS n | join n [{rows}] | stats count"
    results = run(search, MemoryContext())
    assert results.rows == [{"count": "50000"}]
    assert "truncating to maxout 50000" in texts(results)[0]


@pytest.mark.parametrize(
    ("command", "kept"), [("sort n", 10_000), ("sort 0 n", 12_000), ("sort 11000 n", 11_000)]
)
def test_a_sort_keeps_10_000_rows_unless_told(command: str, kept: int) -> None:
    rows = "| makeresults count=12000 | streamstats count AS n"
    assert run(f"{rows} | {command} | stats count", MemoryContext()).rows == [{"count": str(kept)}]


@pytest.mark.parametrize("command", ["append", "appendcols", "union"])
def test_maxout_bounds_a_subsearch(command: str) -> None:
    search = f"| makeresults count=1 | {command} maxout=2 [| makeresults count=5]"
    results = run(search, MemoryContext())
    assert len(results.rows) == (2 if command == "appendcols" else 3)
    assert "truncating to maxout 2." in texts(results)[0]


@pytest.mark.parametrize(
    "options", ["append maxtime=1", "appendcols maxtime=1", "union maxtime=9 timeout=1"]
)
def test_maxtime_ends_a_subsearch_and_keeps_what_it_had(options: str) -> None:
    started = time.monotonic()
    results = run(f"| makeresults count=1 | {options} [search index=main]", Slow())
    assert 0.9 < time.monotonic() - started < 10
    assert len(results.rows) > 5
    assert texts(results) == [
        "[subsearch]: Search auto-finalized after time limit (1 seconds) reached."
    ]


@pytest.mark.parametrize(
    "search",
    [
        "| makeresults | append extendtimerange=true [| makeresults]",
        "| makeresults | append timeout=5 [| makeresults]",
        "| makeresults | lookup event_time_field=x t a",
        "| makeresults | outputlookup create_empty=false t",
        "| makeresults | outputlookup createinapp=false t",
        "| tstats summariesonly=true count where index=main",
        "| tstats allow_old_summaries=true count where index=main",
        "| tstats prestats=t count where index=main",
    ],
)
def test_an_option_without_effect_here_is_refused(search: str) -> None:
    with pytest.raises(SplError) as raised:
        parse(search)
    assert "option" in raised.value.message
    assert raised.value.position is not None


def test_options_that_change_nothing_on_one_instance_are_taken() -> None:
    table = MemoryTable([{"a": "1", "b": "2"}])
    search = '| makeresults | eval a="1" | lookup local=true update=true t a OUTPUT b | table a b'
    assert list(execute(search, MemoryContext(tables={"t": table}))) == [{"a": "1", "b": "2"}]


def test_list_gives_100_values_and_values_gives_all() -> None:
    search = (
        "| makeresults count=250 | streamstats count AS n | stats list(n) AS l values(n) AS v"
        " | eval l=mvcount(l), v=mvcount(v)"
    )
    assert run(search, MemoryContext()).rows == [{"l": "100", "v": "250"}]


@pytest.mark.parametrize(
    ("stanza", "setting", "search"),
    [
        ("subsearch", "maxout", "search index=main [| makeresults count=9 | fields - _time]"),
        ("join", "subsearch_maxout", "| makeresults | eval n=1 | join n [| makeresults count=9]"),
    ],
)
def test_limits_conf_sets_what_a_subsearch_may_give(stanza: str, setting: str, search: str) -> None:
    results = run(search, MemoryContext(confs={"limits": {stanza: {setting: "7"}}}))
    assert texts(results) == [
        "[subsearch]: Subsearch produced more than 7 results, truncating to maxout 7."
    ]


def test_percentiles_are_exact_above_1_000_values_too() -> None:
    search = (
        "| makeresults count=5000 | streamstats count AS n"
        " | stats perc95(n) AS a upperperc95(n) AS b exactperc95(n) AS c"
    )
    assert run(search, MemoryContext()).rows == [{"a": "4750.05", "b": "4750.05", "c": "4750.05"}]
