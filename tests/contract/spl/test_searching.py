"""Search expressions over events.

https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/search
https://help.splunk.com/en/splunk-enterprise/search/search-manual/9.4/search-primer/use-case-and-term-to-match-phrases
"""

from __future__ import annotations

import pytest

from tests.contract.spl.memory import NOW, MemoryContext, MemoryTable, event
from tools.splunkd_lite.spl import run

LINES = {
    "error": "level=ERROR code=500 ip=10.1.2.3 msg=failed",
    "phrase": 'level=info code=200 note="user login failed twice"',
    "token": "average=0.9*x src=127.0.0.1 errors=0",
    "path": "GET /cart/view?id=7 Mozilla code=404 Error-handler",
}
EVENTS = [
    event(raw, NOW - 100 + index * 10, name=name, host=f"web0{index}")
    for index, (name, raw) in enumerate(LINES.items())
]


def found(search: str, **settings: object) -> set[str]:
    context = MemoryContext(list(EVENTS), **settings)  # type: ignore[arg-type]
    return {row["name"] for row in run(search, context).rows}


@pytest.mark.parametrize(
    ("search", "names"),
    [
        ("error", {"error", "path"}),
        ("ERROR", {"error", "path"}),
        ("CASE(ERROR)", {"error"}),
        ("err*", {"error", "token", "path"}),
        ("err", set()),
        ('"login failed"', {"phrase"}),
        ("login failed", {"phrase"}),
        ("failed login", {"phrase"}),
        ("failed NOT login", {"error"}),
        ("login OR cart", {"phrase", "path"}),
        ("failed login OR code=500", {"error", "phrase"}),
        ("(failed login) OR cart", {"phrase", "path"}),
        ("TERM(127.0.0.1)", set()),
        ("127.0.0.1", {"token"}),
        ("TERM(src=127.0.0.1)", {"token"}),
        ("code=500", {"error"}),
        ("code!=500", {"phrase", "path"}),
        ("NOT code=500", {"phrase", "token", "path"}),
        ("code>=404", {"error", "path"}),
        ("code IN (200, 404)", {"phrase", "path"}),
        ("code IN (4*)", {"path"}),
        ("code=*", {"error", "phrase", "path"}),
        ("level=error", {"error"}),
        ('note="user login failed twice"', {"phrase"}),
        ("note=*login*", {"phrase"}),
        ("ip=10.0.0.0/8", {"error"}),
        ("host=WEB01", {"phrase"}),
        ("host::web02", {"token"}),
        ("sourcetype=app source=*app.log host=web00", {"error"}),
        ("index=other", set()),
        ("index=* code=500", {"error"}),
    ],
)
def test_a_search_finds(search: str, names: set[str]) -> None:
    assert found(search) == names


def test_the_newest_event_comes_first() -> None:
    times = [row["_time"] for row in run("index=main", MemoryContext(list(EVENTS))).rows]
    assert times == sorted(times, reverse=True)


def test_earliest_is_inclusive_and_latest_exclusive() -> None:
    assert found(f"earliest={NOW - 100} latest={NOW - 90}") == {"error"}


def test_times_in_the_search_win_over_the_picker() -> None:
    assert found("earliest=-95s", earliest=NOW - 5, latest=NOW) == {"phrase", "token", "path"}


def test_roles_limit_the_indexes() -> None:
    events = [event("a"), event("b", index="secret"), event("c", index="_internal")]
    context = MemoryContext(events, allowed_indexes=["*"])
    assert {row["_raw"] for row in run("index=*", context).rows} == {"a", "b"}
    assert run("index=_internal", context).rows == []
    narrow = MemoryContext(events, allowed_indexes=["main"])
    assert {row["_raw"] for row in run("index=*", narrow).rows} == {"a"}


def test_without_an_index_the_default_indexes_are_searched() -> None:
    events = [event("a"), event("b", index="web")]
    assert [r["_raw"] for r in run("*", MemoryContext(events, default_indexes=["web"])).rows] == [
        "b"
    ]


def test_a_subsearch_becomes_an_expression() -> None:
    table = MemoryTable([{"code": "500"}, {"code": "404"}])
    context = MemoryContext(list(EVENTS), tables={"bad": table})
    rows = run("index=main [| inputlookup bad | fields code]", context).rows
    assert {row["name"] for row in rows} == {"error", "path"}


def test_a_subsearch_without_rows_finds_nothing() -> None:
    context = MemoryContext(list(EVENTS), tables={"none": MemoryTable()})
    assert run("index=main [| inputlookup none | fields code]", context).rows == []


def test_a_subsearch_stops_at_10000_rows_and_says_so() -> None:
    search = "index=main [| makeresults count=10001 | streamstats count AS code | fields code]"
    results = run(search, MemoryContext(list(EVENTS)))
    assert {row["name"] for row in results.rows} == {"error", "phrase", "path"}
    assert "10000 results" in results.messages[0].text


def test_event_types_and_tags_find_and_mark() -> None:
    confs = {
        "eventtypes": {
            "failing": {"search": "code>=404"},
            "off": {"search": "code=*", "disabled": "1"},
        },
        "tags": {
            "eventtype=failing": {"trouble": "enabled", "old": "disabled"},
            "host=web01": {"lab": "enabled"},
        },
    }
    context = MemoryContext(list(EVENTS), confs=confs)
    assert {r["name"] for r in run("eventtype=failing", context).rows} == {"error", "path"}
    assert {r["name"] for r in run("tag=trouble", context).rows} == {"error", "path"}
    assert {r["name"] for r in run("tag::host=lab", context).rows} == {"phrase"}
    assert run("tag=old", context).rows == []
    rows = run("index=main | stats count BY eventtype, tag", context).rows
    assert rows == [{"eventtype": "failing", "tag": "trouble", "count": "2"}]
