"""What happens to a service besides faults, and how often it wakes somebody: five weeks each.

Traffic in 5-minute spans by the clocks of Berlin, half as much at weekends, learned for two weeks.
"""

from __future__ import annotations

import math
import random
import zoneinfo
from datetime import date, datetime
from typing import Callable, List, Optional

import pytest

from incident_management.detection.baselines.baseline import Baseline
from incident_management.detection.baselines.zone import Zone

DAY = 86400
SPAN = 300
LEARNED = 14 * DAY
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
BEGIN = int(datetime(2026, 5, 4, tzinfo=BERLIN).timestamp())
"""A Monday."""
WHIT_MONDAY = date(2026, 5, 25)
SEEDS = [1, 2]

Values = Callable[[int], Optional[float]]


def traffic(at: int) -> float:
    local = datetime.fromtimestamp(at, BERLIN)
    level = 400 + 300 * math.sin(2 * math.pi * (local.hour + local.minute / 60 - 9) / 24)
    return level * (0.5 if local.weekday() >= 5 else 1.0)


def noisy(rng: random.Random, mean: float) -> int:
    return max(0, round(rng.gauss(mean, 1.5 * math.sqrt(mean))))


def told(values: Values, direction: str = "both") -> List[float]:
    """When something is told, in days from the beginning, once two weeks are learned."""
    baseline, found = Baseline(zone=Zone("Europe/Berlin"), direction=direction), []
    for at in range(BEGIN, BEGIN + 35 * DAY, SPAN):
        value = values(at)
        if value is not None and baseline.add(value, at).is_anomaly and at >= BEGIN + LEARNED:
            found.append((at - BEGIN) / DAY)
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_a_holiday_is_reported_on_its_morning_and_the_days_after_it_are_not(seed: int) -> None:
    rng = random.Random(seed)

    def office(at: int) -> float:
        local = datetime.fromtimestamp(at, BERLIN)
        works = local.weekday() < 5 and 9 <= local.hour < 18 and local.date() != WHIT_MONDAY
        return noisy(rng, 900 if works else 60)

    found = told(office)
    assert [round(day * 24 - 21 * 24) for day in found] in ([9], [10])


@pytest.mark.parametrize("seed", SEEDS)
def test_a_launch_is_reported_while_traffic_rises_and_not_on_the_days_after(seed: int) -> None:
    rng, launch = random.Random(seed), BEGIN + 22 * DAY + 10 * 3600

    def launched(at: int) -> float:
        return noisy(rng, traffic(at) * (1 + min(1.5, max(0, at - launch) / 9600)))

    found = told(launched)
    assert 1 <= len(found) <= 3
    assert found[-1] - 22 < 12.5 / 24


@pytest.mark.parametrize("seed", SEEDS)
def test_a_job_at_another_hour_of_each_night_is_usual_after_two_weeks(seed: int) -> None:
    rng = random.Random(seed)
    starts = [BEGIN + day * DAY + rng.uniform(1, 5) * 3600 for day in range(36)]

    def with_job(at: int) -> float:
        runs = any(start <= at < start + 1500 for start in starts)
        return noisy(rng, traffic(at) + (1500 if runs else 0))

    assert told(with_job) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_a_counter_that_begins_anew_every_few_days_pages_nobody(seed: int) -> None:
    rng, total = random.Random(seed), 0
    restarts = set()
    moment = float(BEGIN)
    while moment < BEGIN + 36 * DAY:
        moment += rng.uniform(1, 6) * DAY
        restarts.add(int(moment // SPAN))

    def counter(at: int) -> float:
        nonlocal total
        total = (0 if at // SPAN in restarts else total) + noisy(rng, traffic(at))
        return total

    assert told(counter) == []


@pytest.mark.parametrize("of_counter", [False, True])
def test_two_hours_without_values_are_no_anomaly(of_counter: bool) -> None:
    rng, total = random.Random(1), 0

    def with_gap(at: int) -> Optional[float]:
        nonlocal total
        value = noisy(rng, traffic(at))
        total += value
        if 0 <= at - (BEGIN + 18 * DAY + 12 * 3600) < 7200:
            return None
        return total if of_counter else value

    assert told(with_gap) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_a_backlog_that_comes_after_a_gap_is_reported_once_for_each_end(seed: int) -> None:
    rng, gap = random.Random(seed), BEGIN + 18 * DAY + 12 * 3600

    def held(at: int) -> float:
        if 0 <= at - gap < 7200:
            return 0
        return noisy(rng, traffic(at) * (24 if 0 <= at - gap - 7200 < SPAN else 1))

    assert [round((day - 18) * 24, 2) for day in told(held)] == [12.0, 14.0]
