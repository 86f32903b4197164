"""What commands do beyond tables: time ranges, limits, lookups, writing, other programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from tests.contract.spl.memory import NOW, MemoryContext, MemoryTable, event
from tools.splunkd_lite.spl import SplError, execute, run


def minutes(*counts: int) -> list[dict[str, Any]]:
    """So many events in each minute before NOW, the last minute last."""
    start = NOW - 60 * len(counts)
    return [
        event(f"n={number} kind={'a' if number % 2 else 'b'}", start + minute * 60 + number)
        for minute, count in enumerate(counts)
        for number in range(count)
    ]


def test_timechart_covers_the_whole_search_range() -> None:
    context = MemoryContext(minutes(2, 0, 3), earliest=NOW - 300, latest=NOW)
    rows = run("index=main | timechart span=1m count", context).rows
    assert [row["count"] for row in rows] == ["0", "0", "2", "0", "3", "0"]
    assert rows[0]["_time"] == str(int(NOW - 300) // 60 * 60)
    assert {row["_span"] for row in rows} == {"60"}


@pytest.mark.parametrize(
    ("seconds", "span"),
    [(900, "10"), (3600, "60"), (4 * 3600, "300"), (86400, "1800"), (7 * 86400, "86400")],
)
def test_timechart_picks_the_span_that_splunk_picks(seconds: int, span: str) -> None:
    """https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/timechart"""
    context = MemoryContext(minutes(1), earliest=NOW - seconds, latest=NOW)
    assert run("index=main | timechart count", context).rows[0]["_span"] == span


def test_timechart_splits_and_gathers_the_rest() -> None:
    events = [event(f"kind=k{n}", NOW - 30) for n in range(12) for _ in range(n + 1)]
    row = run("index=main | timechart span=1h count BY kind limit=2", MemoryContext(events)).rows[0]
    assert (row["k11"], row["k10"], row["OTHER"]) == ("12", "11", str(sum(range(1, 11))))
    plain = run(
        "index=main | timechart span=1h count BY kind limit=2 useother=f", MemoryContext(events)
    )
    assert "OTHER" not in plain.fields


def test_tstats_counts_without_reading_raw_events() -> None:
    rows = run(
        "| tstats count max(_time) AS newest WHERE index=main host=web* BY host, _time span=1m",
        MemoryContext(minutes(2, 3)),
    ).rows
    assert [row["count"] for row in rows] == ["2", "3"]
    assert rows[1]["newest"] == str(int(NOW - 58))
    assert {row["host"] for row in rows} == {"web01"}
    none = run("| tstats count WHERE index=main BY kind", MemoryContext(minutes(2)))
    assert none.rows == []  # kind is found at search time only


def test_sort_keeps_10000_rows_unless_told_otherwise() -> None:
    search = "| makeresults count=10500 | streamstats count AS n | sort {}n | stats count AS kept"
    assert run(search.format(""), MemoryContext()).rows == [{"kept": "10000"}]
    assert run(search.format("0 "), MemoryContext()).rows == [{"kept": "10500"}]


def test_head_reads_no_more_events_than_it_needs() -> None:
    class Counting(MemoryContext):
        read = 0

        def scan(self, *arguments: Any) -> Iterator[dict[str, Any]]:
            for found in super().scan(*arguments):
                self.read += 1
                yield found

    context = Counting(minutes(50))
    assert len(run("index=main | head 3", context).rows) == 3
    assert context.read <= 4


def test_execute_gives_rows_as_they_come() -> None:
    stream = execute("| makeresults count=1000000 | eval x=1", MemoryContext())
    assert next(stream)["x"] == "1"


TABLE = [
    {"user": "al", "team": "red", "net": "10.0.0.0/8"},
    {"user": "al", "team": "blue", "net": "192.168.0.0/16"},
    {"user": "B*", "team": "star", "net": "172.16.0.0/12"},
]


@pytest.mark.parametrize(
    ("stanza", "command", "expected"),
    [
        ({}, "lookup t user OUTPUT team", ["red", "blue"]),
        ({"max_matches": "1"}, "lookup t user OUTPUT team", "red"),
        ({}, "lookup t user AS who OUTPUT team AS team", ["red", "blue"]),
        ({}, "lookup t user OUTPUTNEW team", "kept"),
        ({"match_type": "CIDR(net)"}, "lookup t net AS ip OUTPUT team", "blue"),
        ({"match_type": "WILDCARD(user)", "case_sensitive_match": "false"},
         "lookup t user AS wild OUTPUT team", "star"),
        ({"min_matches": "1", "default_match": "none"}, "lookup t user AS ip OUTPUT team", "none"),
        ({}, "lookup t user AS ip OUTPUT team", None),
    ],
)  # fmt: skip
def test_a_lookup_adds_fields(stanza: dict[str, str], command: str, expected: Any) -> None:
    context = MemoryContext(tables={"t": MemoryTable(TABLE)}, confs={"transforms": {"t": stanza}})
    setup = '| makeresults | eval user="al", who="al", ip="192.168.3.4", wild="bob", team="kept" | '
    assert run(setup + command, context).rows[0].get("team") == expected


def test_a_lookup_without_the_field_is_refused() -> None:
    context = MemoryContext(tables={"t": MemoryTable(TABLE)})
    with pytest.raises(SplError, match="Could not find the field 'colour'"):
        run("| makeresults | lookup t colour", context)


def test_outputlookup_replaces_or_appends_and_passes_rows_on() -> None:
    context = MemoryContext(tables={"t": MemoryTable([{"a": "0"}])})
    search = "| makeresults | eval a=1 | fields a | outputlookup {} t | stats count AS n"
    assert run(search.format("append=t"), context).rows == [{"n": "1"}]
    assert [row["a"] for row in context.tables["t"].rows()] == ["0", 1]
    run(search.format(""), context)
    assert [row["a"] for row in context.tables["t"].rows()] == [1]
    run("| inputlookup t where a=9 | outputlookup override_if_empty=f t", context)
    assert len(context.tables["t"].rows()) == 1


def test_inputlookup_filters_and_pages() -> None:
    context = MemoryContext(tables={"t": MemoryTable([{"n": str(n)} for n in range(5)])})
    rows = run("| inputlookup t start=1 max=2 where n>1", context).rows
    assert [row["n"] for row in rows] == ["2", "3"]
    rows = run("| makeresults | fields - _time | inputlookup append=t t", context).rows
    assert len(rows) == 6


def test_inputlookup_of_a_missing_table_fails_only_when_strict() -> None:
    """https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/inputlookup"""
    results = run("| inputlookup gone.csv | stats count", MemoryContext())
    assert results.rows == [{"count": "0"}]
    assert [message.level for message in results.messages] == ["WARN"]
    with pytest.raises(SplError, match=r"gone\.csv"):
        run("| inputlookup strict=true gone.csv | stats count", MemoryContext())


def test_the_where_clause_of_inputlookup_is_a_search_expression() -> None:
    """https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/inputlookup"""
    context = MemoryContext(tables={"t": MemoryTable([{"code": "de"}, {"code": "fr"}, {}])})
    for where in ("code=de", 'code="de"', "code=D*", "NOT code=fr code=*", "code IN (de, it)"):
        assert run(f"| inputlookup t where {where}", context).rows == [{"code": "de"}]


def test_collect_writes_events_that_can_be_searched_again() -> None:
    context = MemoryContext(earliest=NOW - 60, latest=NOW + 1)
    run('| makeresults | eval who="a b", n=3 | collect index=summary source=report', context)
    rows = run("index=summary | table who n source sourcetype", context).rows
    assert rows == [{"who": "a b", "n": "3", "source": "report", "sourcetype": "stash"}]


def test_rest_gives_the_entries_of_an_endpoint() -> None:
    context = MemoryContext(endpoints={"/services/server/info": [{"version": "9.4.0"}]})
    rows = run("| rest /services/server/info splunk_server=local | table version", context).rows
    assert rows == [{"version": "9.4.0"}]


def test_rest_takes_a_path_without_its_slash() -> None:
    context = MemoryContext(endpoints={"/services/apps/local": [{"build": "7"}]})
    rows = run("| rest services/apps/local splunk_server=local | fields build", context).rows
    assert rows == [{"build": "7"}]


def test_rows_may_feed_the_first_command() -> None:
    rows = [{"x": "1"}, {"x": "2"}]
    assert run("| where x>1", MemoryContext(), rows=rows).rows == [{"x": "2"}]
    assert run("search x=1", MemoryContext(), rows=rows).rows == [{"x": "1"}]


def test_addinfo_tells_the_search_range() -> None:
    row = run("| makeresults | addinfo", MemoryContext(earliest=5.0)).rows[0]
    assert (row["info_min_time"], row["info_max_time"]) == ("5", "+Infinity")


class Shout:
    """A custom command that notes what it was given."""

    def __init__(self) -> None:
        self.calls: list[tuple[list[str], bool]] = []

    def run(
        self, args: list[str], rows: Iterable[dict[str, Any]] | None, context: Any
    ) -> Iterator[dict[str, Any]]:
        self.calls.append((args, rows is None))
        yield from rows if rows is not None else [{"loud": "made"}]


def test_a_custom_command_gets_its_tokens_as_written() -> None:
    shout = Shout()
    context = MemoryContext(commands={"shout": shout})
    run('| makeresults | shout pattern="\\\\w+ x" field_a, field_b max=3', context)
    assert shout.calls == [(['pattern="\\\\w+ x"', "field_a", "field_b", "max=3"], False)]


def test_a_custom_command_may_generate() -> None:
    shout = Shout()
    assert run("| shout", MemoryContext(commands={"shout": shout})).rows == [{"loud": "made"}]
    assert shout.calls == [([], True)]


@pytest.mark.parametrize(
    ("options", "groups"),
    [
        ("maxspan=30s", ["1", "3"]),
        ("maxpause=15s", ["1", "3"]),
        ("maxevents=2", ["2", "2"]),
        ('startswith="begin"', ["4"]),
        ("startswith=eval(n=1)", ["4"]),
        ('startswith="begin" endswith="finish"', ["4"]),
    ],
)
def test_a_transaction_ends_where_its_limits_say(options: str, groups: list[str]) -> None:
    texts = ["begin n=1", "step n=2", "step n=3", "finish n=4"]
    times = [NOW - 100, NOW - 60, NOW - 50, NOW - 40]
    events = [event(f"s=x {raw}", time) for raw, time in zip(texts, times, strict=True)]
    rows = run(f"index=main | transaction s {options}", MemoryContext(events)).rows
    assert sorted(row["eventcount"] for row in rows) == groups


def test_the_order_of_columns_is_kept() -> None:
    results = run("| makeresults | eval z=1, a=2 | table z _time a", MemoryContext())
    assert results.fields == ["z", "_time", "a"]


def test_a_run_keeps_at_most_its_limit_and_reads_no_further() -> None:
    seen: list[float] = []

    class Watched(MemoryContext):
        def scan(self, *arguments: Any) -> Iterator[dict[str, Any]]:
            for one in super().scan(*arguments):
                seen.append(one["_time"])
                yield one

    events = [event(f"n={n}", NOW - 10 - n) for n in range(100)]
    assert len(run("index=main", Watched(events), limit=5).rows) == 5
    assert len(seen) == 6


def test_what_a_search_writes_does_not_depend_on_the_rows_that_are_kept() -> None:
    table = MemoryTable()
    context = MemoryContext([event("x", NOW - 10 - n) for n in range(9)], tables={"t": table})
    assert len(run("index=main | table _raw | outputlookup t", context, limit=2).rows) == 2
    assert len(table.rows()) == 9
    inner = "| makeresults count=5 | append [| makeresults count=3 | outputlookup t]"
    assert len(run(inner, context, limit=2).rows) == 2
    assert len(table.rows()) == 3
