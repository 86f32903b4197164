"""A holiday is told as it begins; the return to work and the days after it are no anomalies."""

from __future__ import annotations

import json
import math
import random
from typing import List, Tuple

import pytest

from incident_management.detection.baselines.baseline import Baseline
from incident_management.detection.baselines.previous_normal import Move, PreviousNormal

SPAN = 300
DAY = 86400 // SPAN
WEEKS = 5
MONDAY = WEEKS * 7
LIKE_SUNDAY = 0.35


def orders(day: float, first: int, days: int, dice: random.Random, broken: float = 1.0) -> int:
    """Return the orders of a span of a shop that rests on some days; ``broken``: what is left."""
    is_rest = int(day) % 7 >= 5 or first <= int(day) < first + days
    hours = math.exp(-((((day % 1.0) * 24.0 - 14.0) / 4.5) ** 2))
    usual = 60.0 + 1500.0 * hours * (LIKE_SUNDAY if is_rest else 1.0)
    return max(0, round(dice.gauss(usual * broken, math.sqrt(usual))))


def told(days: int, first: int = MONDAY, outage: Tuple[float, float] = (0.0, 0.0)) -> List[float]:
    """Return when something is told, in days since the holidays begin.

    What was learned is written down and read again in the midst of them, as between two runs.
    """
    dice, baseline, found = random.Random(days + first), Baseline(), []
    for at in range((first + days + 8) * DAY):
        day = at / DAY
        is_out = outage[0] <= day - first < outage[1]
        score = baseline.add(
            orders(day, first, days, dice, 0.1 if is_out else 1.0), float(at * SPAN)
        )
        if score.is_anomaly and day >= MONDAY:
            found.append(round(day - first, 2))
        if at == first * DAY + 220:
            saved = json.loads(json.dumps(baseline.to_state()))
            baseline = Baseline.from_state(saved)
    return found


@pytest.mark.parametrize("days", [1, 3])
@pytest.mark.parametrize("first", [MONDAY, MONDAY + 2])
def test_it_is_reported_as_it_begins_and_the_return_to_work_is_not(days: int, first: int):
    found = told(days, first)
    assert 0.25 < found[0] < 0.6
    # Once more at most while it lasts: 4 to 8 times in all, before a shift could be over.
    assert len(found) <= 2
    assert found[-1] < days


def test_a_fault_on_the_day_after_is_reported():
    found = told(1, outage=(1.55, 1.7))
    assert any(1.55 <= time < 1.6 for time in found)


@pytest.mark.parametrize(
    ("value", "is_explained"),
    [(400.0, True), (500.0, True), (1000.0, False), (150.0, False), (0.0, False)],
)
def test_only_what_is_near_to_what_was_usual_is_no_anomaly(value: float, is_explained: bool):
    """Also of a noisy series, where a value must be far off to be one."""
    before = PreviousNormal()
    before.note(Move(2.5, 0.0, 1.0, 2.5), 0.0)
    assert (before.bounds(value, 86400.0, 1000.0, 1000.0, 600.0) is not None) == is_explained


def test_after_ten_days_and_after_a_small_shift_nothing_of_it_is_known():
    before = PreviousNormal()
    before.note(Move(2.5, 0.0, 1.0, 2.5), 0.0)
    assert before.bounds(400.0, 11 * 86400.0, 1000.0, 1000.0, 600.0) is None
    before.note(Move(1.2, 0.0, 1.0, 1.2), 0.0)
    assert before.bounds(830.0, 86400.0, 1000.0, 1000.0, 600.0) is None
