"""Commands that keep every row keep few of them in memory, and give what they gave before."""

from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.spl.memory import NOW, MemoryContext, event
from tools.splunkd_lite.spl import SplError, holding, run
from tools.splunkd_lite.spl.context import Environment
from tools.splunkd_lite.spl.values import Fixed

ROWS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "a": st.sampled_from(["1", "10", "9", "x", "X", ""]),
            "b": st.one_of(st.integers(-3, 3), st.lists(st.sampled_from("xyz"), min_size=2)),
            "_time": st.integers(0, 5).map(float),
        },
    ),
    max_size=40,
)
TAILS = ["sort 0 a, -b", "sort 0 -a, b", "sort 3 -a", "sort 12 b", "reverse",
         "eventstats count BY a",
         "eventstats values(*) AS all_*", "dedup a sortby -b", "streamstats count(*) AS n_*",
         "fillnull", "table *", "stats count(*)", "bin bins=3 b", "appendpipe [stats count]",
         "sort 0 -_time | transaction a maxpause=2s keepevicted=t"]  # fmt: skip


def rows_of(tail: str, rows: list[dict[str, Any]]) -> Any:
    context = MemoryContext()
    try:
        return run(f"| {tail}", context, rows=[dict(row) for row in rows]).rows
    except SplError as error:
        return error.message


@given(ROWS, st.sampled_from(TAILS))
@settings(
    max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_rows_on_disk_are_the_rows_in_memory(rows: list[dict[str, Any]], tail: str) -> None:
    in_memory = rows_of(tail, rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(holding, "IN_MEMORY", 3)
        patch.setattr(holding, "_BLOCK", 2)
        assert rows_of(tail, rows) == in_memory


def test_values_come_back_from_disk_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holding, "IN_MEMORY", 0)
    monkeypatch.setattr(holding, "_BLOCK", 1)
    context = MemoryContext()
    context.dispatch_dir = tmp_path  # type: ignore[attr-defined]
    row = {"a": "é\0", "b": 1, "c": 1.5, "d": ["x", 2], "e": None, "f": Fixed(2.5, 3)}
    held = holding.hold([row, {"g": 10**30}], Environment(context))
    assert list(held) == [row, {"g": 10**30}]
    assert list(reversed(held)) == [{"g": 10**30}, row]
    first = next(iter(held))["f"]
    assert isinstance(first, Fixed) and first.decimals == 3
    assert held.spilled_bytes > 0 and list(tmp_path.iterdir()) == []  # the file has no name


@given(st.integers(0, 30), st.integers(-35, 35), st.integers(-35, 35))
@settings(max_examples=300, deadline=None)
def test_a_part_of_the_rows_is_that_of_a_list(count: int, start: int, stop: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(holding, "IN_MEMORY", 4)
        patch.setattr(holding, "_BLOCK", 3)
        held, plain = holding.Held(), [{"n": n} for n in range(count)]
        for row in plain:
            held.append(row)
        assert held[start:stop] == plain[start:stop]
        assert held[start:stop:2] == plain[start:stop:2]
        if -count <= start < count:
            assert held[start] == plain[start]
        else:
            with pytest.raises(IndexError):
                held[start]


def test_rows_are_read_while_others_are_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "IN_MEMORY", 10)
    monkeypatch.setattr(holding, "_BLOCK", 3)
    held = holding.Held()

    def add() -> None:
        for number in range(20_000):
            held.append({"n": number})

    adding = threading.Thread(target=add)
    adding.start()
    while adding.is_alive():
        seen = [row["n"] for row in held]
        assert seen == list(range(len(seen)))
    adding.join()
    assert [row["n"] for row in held] == list(range(20_000))


def many(count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        yield {"_time": NOW - number, "user": f"user{number % 97}", "text": f"{number} " + "x" * 80}


@pytest.mark.parametrize(
    "tail",
    [
        "eventstats count BY user",
        "sort 0 text",
        "sort text",
        "reverse",
        "transaction user maxspan=1m",
    ],
)
def test_memory_does_not_grow_with_the_rows(tail: str) -> None:
    tracemalloc.start()
    try:
        run(f"| {tail} | stats count", MemoryContext(), rows=many(60_000))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 32_000_000  # 60,000 of these rows held are above 40 MB


LIMITS = {"limits": {"searchresults": {"maxresultrows": "1000"}, "default": {}}}


def test_eventstats_stops_adding_fields_when_both_its_limits_are_reached() -> None:
    LIMITS["limits"]["default"] = {"max_mem_usage_mb": "1"}
    rows = [{"n": n, "text": f"{n} " + "x" * 900} for n in range(holding.IN_MEMORY + 5_000)]
    results = run("| eventstats count", MemoryContext(confs=LIMITS), rows=rows)
    with_count = [row for row in results.rows if "count" in row]
    assert len(results.rows) == len(rows)
    assert holding.IN_MEMORY < len(with_count) < len(rows)
    assert {row["count"] for row in with_count} == {str(len(with_count))}
    assert "stopped adding fields" in results.messages[0].text


def test_eventstats_goes_on_when_one_limit_is_reached() -> None:
    LIMITS["limits"]["default"] = {"max_mem_usage_mb": "200"}
    rows = [{"n": n} for n in range(3_000)]
    results = run("| eventstats count", MemoryContext(confs=LIMITS), rows=rows)
    assert all(row["count"] == "3000" for row in results.rows) and not results.messages


def test_mvexpand_leaves_out_what_its_memory_does_not_hold() -> None:
    confs = {"limits": {"mvexpand": {"max_mem_usage_mb": "1"}}}
    rows = [{"mv": ["a", "b"], "text": "x" * 100_000} for _ in range(20)]
    results = run("| mvexpand mv", MemoryContext(confs=confs), rows=rows)
    assert len(results.rows) == 10
    assert results.messages[0].text.startswith(
        "command.mvexpand: output will be truncated at 10 results due to excessive memory usage."
    )


def transactions(options: str, confs: dict[str, Any] | None = None) -> Any:
    events = [event(f"s={name}", NOW - 10 - place) for place, name in enumerate("abcabc")]
    return run(f"index=main | transaction s {options}", MemoryContext(events, confs=confs or {}))


def test_transactions_beyond_maxopentxn_are_evicted_the_longest_unused_first() -> None:
    results = transactions("maxopentxn=2")
    assert sorted((row["s"], row["eventcount"]) for row in results.rows) == [("b", "1"), ("c", "1")]
    assert results.messages[0].text.startswith("Some transactions have been discarded.")
    kept = transactions("maxopentxn=2 keepevicted=true")
    assert [row["eventcount"] for row in kept.rows] == ["1"] * 6
    assert {row["closed_txn"] for row in kept.rows} == {"0"} and not kept.messages


def test_maxopenevents_bounds_the_events_of_open_transactions() -> None:
    found = transactions("maxopenevents=3").rows
    assert sorted((row["s"], row["eventcount"]) for row in found) == [("b", "1"), ("c", "1")]
    assert len(transactions("maxopenevents=6").rows) == 3
    confs = {"limits": {"transactions": {"maxopenevents": "1"}}}
    assert len(transactions("", confs).rows) == 1


def test_a_transaction_over_events_that_are_not_newest_first_is_refused() -> None:
    events = [event("s=a", NOW - 10), event("s=a", NOW - 20)]
    with pytest.raises(SplError, match="descending order of _time") as caught:
        run("index=main | reverse | transaction s", MemoryContext(events))
    assert caught.value.position == len("index=main | reverse | ")
    found = run("index=main | reverse | sort 0 -_time | transaction s", MemoryContext(events))
    assert len(found.rows) == 1
