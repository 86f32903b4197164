"""Typical searches give what plain evaluation gives, from memory and from disk, and hold little.

How long they take is measured by `./build.sh bench searches`.
"""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from tests.contract.spl.memory import NOW, MemoryContext, MemoryTable, event
from tests.standin import StandIn, start_standin
from tools.splunkd_lite.spl import parse, run
from tools.splunkd_lite.spl.context import Environment
from tools.splunkd_lite.spl.execute import run_pipeline

EVENTS = 4_000
SEARCHES = [
    "index=main | stats count",
    "index=main error | stats count by host",
    "index=main level=ERROR | stats count by host, path",
    "index=main status=500 | timechart span=5m count",
    "index=main | stats count by status",
    "index=main | stats avg(duration_ms) perc95(duration_ms) max(duration_ms) by path",
    "index=main | timechart span=10m avg(duration_ms) by host",
    "index=main | timechart span=10m count by path",
    "index=main | top limit=10 user",
    "index=main | eval slow=if(duration_ms>500,1,0) | stats sum(slow) AS slow count by host"
    " | eval pct=round(slow/count*100,2)",
    'index=main | rex "item/(?<item>\\d+)" | stats dc(item) by host',
    "index=main | where duration_ms>800 | table _time host user duration_ms",
    "index=main status>=400 | dedup user | sort - duration_ms | head 20",
    "index=main | streamstats count by user | where count=5 | stats count",
    "index=main | bin _time span=1h | stats count dc(user) by _time",
    "index=main | lookup t status OUTPUT text | stats count by text",
    "index=main | eventstats avg(duration_ms) AS a by host | where duration_ms>a*1.9"
    " | stats count by host",
    "| tstats count where index=main by host _time span=1h",
    'index=main "client 77" | table _raw',
    "index=main status=500 | stats values(user) latest(msg) earliest(_time) by host",
    "index=main level=ERROR | transaction user maxspan=5m | stats avg(duration)",
    "index=main | head 1000",
    "index=main | chart count over status by host",
]


def generate(count: int) -> Iterator[dict[str, Any]]:
    """Events of a web shop, newest first, the same each time."""
    chance = random.Random(1)
    for number in range(count):
        status = chance.choice([200] * 8 + [404, 500])
        level = "ERROR" if status == 500 else "INFO"
        yield event(
            f"2023-11-14T22:13:20.{number % 1000:03d}Z level={level} logger=shop.api "
            f"status={status} user=user{chance.randrange(500)} "
            f'duration_ms={chance.randrange(900)} path="/api/item/{chance.randrange(50)}" '
            f'msg="request done for client {chance.randrange(1000)}"',
            NOW - number * 0.86,
            host=f"web{number % 8:02d}",
        )


class Stream(MemoryContext):
    """Hands out events as they come, as an index on disk would."""

    source: Iterable[dict[str, Any]] = ()

    def scan(self, *arguments: Any) -> Iterator[dict[str, Any]]:
        yield from map(dict, self.source)


def context(source: Iterable[dict[str, Any]]) -> Stream:
    table = MemoryTable([{"status": str(s), "text": f"t{s}"} for s in (200, 404, 500)])
    made = Stream(earliest=NOW - 86400, latest=NOW, tables={"t": table})
    made.source = source
    return made


@pytest.fixture(scope="module")
def events() -> list[dict[str, Any]]:
    return list(generate(EVENTS))


def plainly(search: str, events: list[dict[str, Any]]) -> Any:
    """The rows of a search over events of which every field is extracted first, and which it gets
    as another search's results."""
    whole = context(events)
    fields = [text for text in search.split("|")[0].split() if not text.startswith("index=")]
    tail = search.partition("|")[2]
    filtered = f"| search {' '.join(fields)} | {tail}" if fields else f"| {tail}"
    rows = list(run_pipeline(parse("search index=main", whole), Environment(whole)))
    return run(filtered, context(events), rows=rows).rows


@pytest.mark.parametrize("search", SEARCHES)
def test_a_typical_search_gives_what_plain_evaluation_gives(
    search: str, events: list[dict[str, Any]]
) -> None:
    found = run(search, context(events)).rows
    assert found
    if not search.startswith("|"):
        assert found == plainly(search, events)


@pytest.fixture(scope="module")
def standin(
    tmp_path_factory: pytest.TempPathFactory, events: list[dict[str, Any]]
) -> Iterator[StandIn]:
    with start_standin(tmp_path_factory.mktemp("typical"), []) as running:
        running.index("main", events)
        yield running


@pytest.mark.parametrize("search", [text for text in SEARCHES if "lookup" not in text])
def test_a_typical_search_of_an_index_on_disk_gives_the_same(
    search: str, events: list[dict[str, Any]], standin: StandIn
) -> None:
    job = standin.splunk.jobs.dispatch(
        search, "admin", earliest=NOW - 86400, latest=NOW + 1, now=NOW
    )
    whole = context(events)
    whole.latest = NOW + 1
    expected = run(search, whole).rows
    apart = {"_cd", "_bkt", "_indextime", "splunk_server"}
    for row in (*job.rows, *expected):
        for name in apart & row.keys():
            del row[name]
    assert job.state == "DONE" and job.rows == expected


def test_a_report_over_many_events_does_not_hold_them() -> None:
    tracemalloc.start()
    try:
        run("index=main | timechart span=1h count by path", context(generate(20_000)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4_000_000  # 20,000 rows held would be some 30 MB
