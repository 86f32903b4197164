"""A trouble that no single span shows, but several together: it goes on until they do not."""

from __future__ import annotations

import functools
import json
import math
import random
from typing import Any, Dict, List, Tuple

import pytest

from incident_management.detection.monitors.detector import Detector, Found
from incident_management.detection.monitors.detectors import detector_for
from incident_management.detection.monitors.monitor import Monitor
from incident_management.detection.monitors.rejudging import Problem, is_present

pytestmark = pytest.mark.one_python

SPAN = 300
DAY = 86400 // SPAN
BEGIN = 21 * DAY
LONG = 60
"""Spans that the trouble lasts."""

MONITOR = Monitor.read(
    "incident_monitor://orders", {"monitor_search": "index=a", "time_zone": "UTC"}
)


def count(at: int, dice: random.Random, factor: float, noise: float) -> int:
    usual = 1000.0 * (1.0 + 0.5 * math.sin(2.0 * math.pi * at / DAY))
    is_on = BEGIN <= at < BEGIN + LONG
    return round(dice.gauss(usual * (factor if is_on else 1.0), 60.0 * (noise if is_on else 1.0)))


@functools.cache
def watched(seed: int, factor: float, noise: float) -> Tuple[List[int], List[int], List[int]]:
    """Return the counts, and in which spans something was found and was out of order.

    The detector is kept in its state between the spans, as a monitor's is from the trouble on.
    """
    dice = random.Random(seed)
    detector: Detector = detector_for(MONITOR)
    counts, found, unwell = [], [], []
    for at in range(BEGIN + LONG + 3 * DAY):
        counts.append(count(at, dice, factor, noise))
        if at >= BEGIN:
            state = json.loads(json.dumps(detector.to_state()))
            detector = detector_for(MONITOR)
            detector.restore(state)
        found += [at] * bool(detector.judge(at * SPAN, [{"events": str(counts[-1])}]))
        unwell += [at] * bool(detector.unwell)
    return counts, found, unwell


@pytest.mark.parametrize(
    ("seed", "factor", "noise"), [(1, 1.12, 1.0), (6, 1.12, 1.0), (11, 1.0, 2.5)]
)
def test_it_goes_on_until_the_spans_are_as_usual(seed: int, factor: float, noise: float):
    _counts, found, unwell = watched(seed, factor, noise)
    first = min(at for at in found if at >= BEGIN)
    assert first < BEGIN + LONG - 12
    during = [at for at in unwell if first <= at < BEGIN + LONG]
    pauses = [after - before for before, after in zip(during, [*during[1:], BEGIN + LONG])]
    assert max(pauses) <= 12
    # It is over soon after, so that the incident can be.
    assert [at for at in unwell if at >= BEGIN + LONG + 24] == []


def test_it_proves_no_recovery_as_a_window_has_too_few_spans_to_show_it():
    counts, found, _unwell = watched(1, 1.12, 1.0)
    first = min(at for at in found if at >= BEGIN)
    known = detector_for(MONITOR)
    for at in range(first):
        known.judge(at * SPAN, [{"events": str(counts[at])}])
    (finding,) = known_then(known.to_state(), first, counts[first])
    memory = known.memory(known.to_state(), [finding])
    problem = Problem("orders", "orders")
    rows: List[Dict[str, Any]] = [
        {"_time": str(at * SPAN), "events": str(one)} for at, one in enumerate(counts)
    ]

    def there(begin: int, end: int) -> bool:
        window = begin * SPAN, end * SPAN
        return is_present(MONITOR, problem, memory, rows[begin - 1 : end], window)

    # It goes on in the second window, in which no value is beyond its bound: were it found in the
    # first, that would look like a recovery.
    assert not there(first + 12, first + 18)
    assert not there(first - 2, first + 4)


def known_then(state: Dict[str, Any], at: int, events: int) -> List[Found]:
    detector = detector_for(MONITOR)
    detector.restore(state)
    return detector.judge(at * SPAN, [{"events": str(events)}])
