"""Typical searches over 100,000 events: each within 2 s of processor time, in bounded memory."""

from __future__ import annotations

import random
import time
import tracemalloc
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from tests.contract.spl.memory import NOW, MemoryContext, MemoryTable, event
from tools.splunkd_lite.spl import run

EVENTS = 100_000
LIMIT = 2.0
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


@pytest.mark.parametrize("search", SEARCHES)
def test_a_typical_search_takes_less_than_2_s(search: str, events: list[dict[str, Any]]) -> None:
    start = time.process_time()
    assert run(search, context(events)).rows
    assert time.process_time() - start < LIMIT


def test_a_report_over_many_events_does_not_hold_them() -> None:
    tracemalloc.start()
    try:
        run("index=main | timechart span=1h count by path", context(generate(20_000)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4_000_000  # 20,000 rows held would be some 30 MB
