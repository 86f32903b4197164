"""The index store."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.standin import StandIn
from tools.splunkd_lite.errors import SplunkdError
from tools.splunkd_lite.indexes import Indexes

EVENTS = 100_000


@pytest.fixture
def indexes(standin: StandIn) -> Indexes:
    return standin.splunk.indexes


def events(count: int, start: float = 1_700_000_000.0) -> Iterator[dict]:
    for number in range(count):
        yield {
            "_raw": f"2023-11-14T22:13:20Z level=info number={number} path=/a/b/c user=ann",
            "_time": start + number / 100,
            "host": "web-1",
            "source": "/var/log/app.log",
            "sourcetype": "app",
        }


def test_newest_first_over_several_indexes_start_in_and_end_out(indexes: Indexes) -> None:
    indexes.write("main", [{"_raw": f"m{n}", "_time": n} for n in (3, 1, 2)])
    indexes.write("shop", [{"_raw": f"s{n}", "_time": n + 0.5} for n in range(4)])

    found = [event["_raw"] for event in indexes.scan(["main", "shop"], 1, 3)]

    assert found == ["s2", "m2", "s1", "m1"]


def test_of_equal_times_the_latest_written_comes_first(indexes: Indexes) -> None:
    indexes.write("main", [{"_raw": "first", "_time": 1}, {"_raw": "second", "_time": 1}])

    assert [event["_raw"] for event in indexes.scan(["main"])] == ["second", "first"]


def test_an_event_has_splunk_s_fields_and_its_own(indexes: Indexes) -> None:
    indexes.write("main", [{"_raw": "x", "_time": 1.25, "region": "eu", "tags": ["a", "b"]}])
    event = next(indexes.scan(["main"]))

    assert (event["_time"], event["index"], event["region"]) == (1.25, "main", "eu")
    assert event["tags"] == ["a", "b"]
    assert event["_cd"] == "0:1" and event["_bkt"].startswith("main~0~")
    assert event["host"] == event["splunk_server"]


def test_wildcards_leave_out_internal_indexes(indexes: Indexes) -> None:
    assert indexes.matching(["*"]) == ["history", "main", "shop", "summary"]
    assert indexes.matching(["_int*", "m*"]) == ["_internal", "_introspection", "main"]
    assert indexes.matching(["nowhere"]) == []


def test_an_index_that_is_just_being_made_is_empty(indexes: Indexes) -> None:
    path = indexes._path("summary")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()  # its first write has opened the file, and not made the table yet

    assert list(indexes.scan(["summary"])) == []
    indexes.write("summary", events(1))
    assert len(list(indexes.scan(["summary"]))) == 1


def test_a_write_is_all_or_nothing(indexes: Indexes) -> None:
    with pytest.raises(KeyError):
        indexes.write("main", [{"_raw": "good", "_time": 1}, {"_time": 2}])
    with pytest.raises(SplunkdError, match="'nowhere'"):
        indexes.write("nowhere", [{"_raw": "x"}])

    assert list(indexes.scan(["*"])) == []


def test_an_event_delivered_twice_is_stored_once(indexes: Indexes) -> None:
    batch = [{"_raw": "a", "_dedup": "file:0"}, {"_raw": "b", "_dedup": "file:2"}]

    assert indexes.write("main", batch) == 2
    assert indexes.write("main", [*batch, {"_raw": "c", "_dedup": "file:4"}]) == 1
    assert indexes.count("main") == 3
    assert all("_dedup" not in event for event in indexes.scan(["main"]))


def test_a_scan_sees_what_was_there_when_it_began(indexes: Indexes) -> None:
    indexes.write("main", events(10_000))
    scan = indexes.scan(["main"])
    first = next(scan)
    indexes.write("main", [{"_raw": "late", "_time": 1}])

    assert sum(1 for _ in scan) == 9_999
    assert first["_raw"].startswith("2023")


def test_memory_does_not_grow_with_the_events_that_a_scan_reads(indexes: Indexes) -> None:
    stored = list(events(EVENTS))
    for start in range(0, EVENTS, 20_000):
        indexes.write("main", stored[start : start + 20_000])
    del stored
    tracemalloc.start()
    count = sum(1 for _ in indexes.scan(["main"]))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert count == EVENTS
    assert peak < 16 * 2**20


@given(
    st.lists(
        st.tuples(st.integers(0, 50), st.text(min_size=1, max_size=20)), min_size=1, max_size=40
    ),
    st.integers(0, 50),
    st.integers(0, 50),
)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_scan_is_the_sorted_part_of_what_was_written(
    standin: StandIn, written: list[tuple[int, str]], earliest: int, latest: int
) -> None:
    indexes = standin.splunk.indexes
    indexes.clean("main")
    indexes.write("main", [{"_raw": text, "_time": when} for when, text in written])
    found = [(event["_time"], event["_raw"]) for event in indexes.scan(["main"], earliest, latest)]

    expected = [(when, text) for when, text in written if earliest <= when < latest]
    assert sorted(found) == sorted(expected)
    assert all(first[0] >= second[0] for first, second in itertools.pairwise(found))
