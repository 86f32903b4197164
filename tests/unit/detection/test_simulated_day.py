"""A simulated day: a season, a deploy that shifts the level for good, three faults, maintenance.

Requests in 5-minute spans, under a clock that the test moves, watched by three monitors: what their
number should be (two weeks learned), whether they stop, and the share that fails. Pages are
incidents that are opened.
"""

from __future__ import annotations

import math
import random
from functools import cache
from typing import Dict, List, Tuple

import pytest

from incident_management.incidents import suppression
from incident_management.incidents.act import Act
from incident_management.ports import SearchResult
from tests.unit.detection.watching import START, Watched

pytestmark = pytest.mark.one_python

SPAN = 300
DAY = 86400
DEPLOY = 6 * 3600
SHIFT = 1.6
OUTAGE, FLOOD, FAILURES, MAINTENANCE = 10 * 3600, 15 * 3600, 20 * 3600, 12 * 3600
FAULT_SECONDS = 1800
SEEDS = [1, 2, 3]
# A week that was seen once: what it says of an hour was taken for its record.
YOUNG_WEEKS = [13, 128]
MONITORS: Dict[str, Dict[str, str]] = {
    "traffic": {"detector": "baseline", "backfill": "14d"},
    "silence": {"detector": "silence", "threshold": "1", "backfill": "1d"},
    "failures": {"detector": "ratio", "value": "failed", "backfill": "1h"},
}


class Day(Watched):
    """One monitor's day; each span's count is drawn once, from the seed."""

    def __init__(self, name: str, seed: int, eventful: bool, deploy: bool) -> None:
        super().__init__(**MONITORS[name])
        self._random = random.Random(seed)
        self._drawn: Dict[int, int] = {}
        self._eventful, self._deploy = eventful, deploy

    def expected(self, at: int) -> float:
        level = 400 + 250 * math.sin(2 * math.pi * (at % DAY / DAY - 0.3))
        level *= SHIFT if self._deploy and at >= START + DEPLOY else 1.0
        if self.within(at, OUTAGE) or self.within(at, MAINTENANCE):
            return 0.0
        return level * (4.0 if self.within(at, FLOOD) else 1.0)

    def within(self, at: int, begin: int) -> bool:
        return self._eventful and begin <= at - START < begin + FAULT_SECONDS

    def count(self, at: int) -> int:
        if at not in self._drawn:
            expected = self.expected(at)
            noise = self._random.gauss(0.0, math.sqrt(expected) * 1.5)
            self._drawn[at] = max(0, round(expected + noise))
        return self._drawn[at]

    def answer(self, earliest: str, latest: str, limit: int) -> SearchResult:
        self.windows.append((int(earliest), int(latest)))
        rows = []
        for at in range(int(earliest), int(latest), SPAN):
            count = self.count(at)
            share = 0.3 if self.within(at, FAILURES) else 0.01
            if count:
                part = str(round(count * share))
                rows.append({"_time": str(at), "events": str(count), "part": part})
        return SearchResult(rows)

    def live(self) -> None:
        """Learn what came before, then live the day span by span."""
        self.run()
        self.pass_time(DAY)

    def found(self) -> List[float]:
        """When something was found that was not held back, seconds into the day."""
        return sorted(one["first_time"] - START for one in self.signals if one["incident_id"])


@cache
def lived(seed: int, eventful: bool, deploy: bool) -> List[Day]:
    """A day of each monitor, lived once for all tests: they only look at it."""
    days = [Day(name, seed, eventful, deploy) for name in MONITORS]
    for day in days:
        hold_back(day)
        day.live()
    return days


def hold_back(day: Day) -> None:
    begin = START + MAINTENANCE
    given = {
        "kind": "maintenance",
        "reason": "New switch.",
        "entity": "orders",
        "starts_at": begin - SPAN,
        "ends_at": begin + FAULT_SECONDS + 2 * SPAN,
    }
    suppression.add(Act(day.stores, day.clock, "ann"), given)


def pages(days: List[Day]) -> int:
    return sum(len(day.stores.incidents.all()) for day in days)


@pytest.mark.parametrize("seed", [*SEEDS, *YOUNG_WEEKS])
def test_the_season_alone_pages_nobody(seed: int) -> None:
    assert pages(lived(seed, eventful=False, deploy=False)) == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_a_lasting_shift_pages_at_most_once(seed: int) -> None:
    assert pages(lived(seed, eventful=False, deploy=True)) <= 1


@pytest.mark.parametrize("seed", SEEDS)
def test_each_fault_is_found_within_two_spans(seed: int) -> None:
    found = [moment for day in lived(seed, eventful=True, deploy=True) for moment in day.found()]

    for begin in (OUTAGE, FLOOD, FAILURES):
        assert any(begin <= moment < begin + 2 * SPAN for moment in found), begin


@pytest.mark.parametrize("seed", SEEDS)
def test_maintenance_is_found_but_suppressed(seed: int) -> None:
    days = lived(seed, eventful=True, deploy=True)
    span = (MAINTENANCE, MAINTENANCE + FAULT_SECONDS + SPAN)
    during = [s for d in days for s in d.signals if span[0] <= s["first_time"] - START < span[1]]

    assert during
    # The shift goes on after it, so that its incident may take in what was held back.
    before = [s for d in days for s in d.signals if s["first_time"] - START < MAINTENANCE]
    opened = {signal["incident_id"] for signal in before}
    assert all(signal["incident_id"] in {"", *opened} for signal in during)


def test_no_span_is_read_twice_and_a_run_reads_only_its_own() -> None:
    traffic = lived(1, eventful=True, deploy=True)[0]
    windows: List[Tuple[int, int]] = sorted(traffic.windows)

    assert all(one[1] == after[0] for one, after in zip(windows, windows[1:]))
    assert all(end - start == SPAN for start, end in windows if start >= START)
