"""What a search tells the scan to leave out does not change what it finds."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.contract.spl.memory import MemoryContext
from tests.standin import StandIn
from tools.splunkd_lite.indexes import Indexes
from tools.splunkd_lite.job import Job
from tools.splunkd_lite.job_context import JobContext
from tools.splunkd_lite.spl import SplError, run
from tools.splunkd_lite.spl.context import ScanHint

NOW = 1_700_000_000.0
PIECES = ["kiss", "KISS", "\u212aiss", "k\u0130ss", "f=1", "f=k", 'f="a b"', "F=K", "100%", "a_b",
          "aXb", "\0", "\ud7ff", "é", "É", " ", ",", "'", "f=\u212a"]  # fmt: skip
RAW = st.lists(st.sampled_from(PIECES), min_size=1, max_size=5).map("".join)
STORED = st.lists(
    st.tuples(RAW, st.sampled_from(["web1", "WEB1", "db"]), st.sampled_from([None, "1", "k"])),
    min_size=1,
    max_size=5,
)
TERMS = st.sampled_from(
    ["kiss", "k*", "f=1", "f=k", "f=K", '"a b"', '"100%"', "a_b", "aXb", "é", "host=web1", "f!=1",
     "host=w*", "NOT kiss", "(kiss OR f=1)", "TERM(kiss)", "CASE(KISS)", "index=main", "f=*",
     "source=s", "_time>5", "splunk_server=*", '_raw="kiss"', "kis*", "'"]
)  # fmt: skip
TAILS = ["", " | stats count", " | stats count by host f", " | table _time host", " | fields f",
         " | stats values(*)", " | head 1", " | stats latest(f) by index"]  # fmt: skip


@pytest.fixture
def indexes(standin: StandIn) -> Indexes:
    return standin.splunk.indexes


def context_of(standin: StandIn) -> JobContext:
    who = standin.splunk.access.user("admin")
    folder = standin.splunk.home / "none"
    job = Job("hint", "", "admin", "admin", "search", folder, NOW, NOW)
    return JobContext(standin.splunk, job, who)


def found(search: str, context: Any) -> Any:
    try:
        rows = run(search, context).rows
    except SplError as error:
        return error.message
    return [dict(sorted(row.items())) for row in rows]


@given(STORED, st.lists(TERMS, min_size=1, max_size=3), st.sampled_from(TAILS))
@example([("\u212aiss", "web1", None)], ["kiss"], "")
@example([("a\0 kiss", "web1", None)], ["kiss"], " | stats count")
@example([("x", "web1", "k")], ["f=k"], " | stats count by f")
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_search_of_an_index_on_disk_finds_what_one_in_memory_does(
    standin: StandIn, stored: list[tuple[str, str, str | None]], terms: list[str], tail: str
) -> None:
    events: list[dict[str, Any]] = [
        {
            "_raw": raw,
            "_time": float(100 - place),
            "index": "main",
            "host": host,
            "source": "s",
            "sourcetype": "t",
            **({} if f is None else {"f": f}),
        }
        for place, (raw, host, f) in enumerate(stored)
    ]
    standin.splunk.indexes.clean("main")
    standin.splunk.indexes.write("main", events)
    search = f"search index=main {' '.join(terms)}{tail}"
    plain = MemoryContext(list(standin.splunk.indexes.scan(["main"])))
    assert found(search, context_of(standin)) == found(search, plain)


def test_only_the_named_fields_are_read(indexes: Indexes) -> None:
    indexes.write("main", [{"_raw": "x", "_time": 5, "host": "h", "made": "1"}])
    hint = ScanHint(frozenset(("host", "index")))
    assert list(indexes.scan(["main"], None, None, hint)) == [
        {"_time": 5.0, "host": "h", "index": "main", "made": "1"}
    ]


def test_a_text_that_does_not_stand_in_the_event_spares_reading_it(indexes: Indexes) -> None:
    indexes.write("main", [{"_raw": f"n={n}", "_time": n} for n in range(50)])
    hint = ScanHint(contains=("n=7",))
    assert [event["_raw"] for event in indexes.scan(["main"], None, None, hint)] == ["n=7"]


def test_an_index_of_an_older_stand_in_is_read_before_its_next_write(indexes: Indexes) -> None:
    indexes.write("main", [{"_raw": "kiss me", "_time": 5}, {"_raw": "not me", "_time": 6}])
    path = indexes._path("main")
    indexes.close()
    with sqlite3.connect(path) as db:
        db.execute("DROP INDEX odd")  # it came with the texts that a scan looks for
    hint = ScanHint(contains=("kiss",))
    assert [event["_raw"] for event in indexes.scan(["main"], None, None, hint)] == ["kiss me"]
