"""What is switched off each night or weekend is not missed then, and is when it is due back."""

from __future__ import annotations

import json
import zoneinfo
from datetime import datetime
from typing import Callable, List

import pytest

from incident_management.detection.monitors.detectors import detector_for
from incident_management.detection.monitors.monitor import Monitor
from tests.unit.detection.watching import STANZA

SPAN, HOUR, DAY = 300, 3600, 86400
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
MONDAY = int(datetime(2026, 10, 12, tzinfo=BERLIN).timestamp())
"""The clocks change on the Sunday after the next, 2026-10-25."""

Runs = Callable[[datetime], bool]
HOURS = {
    "a stop of two hours each night": lambda at: not 2 <= at.hour < 4,
    "a stop of one hour each night": lambda at: at.hour != 3,
    "days": lambda at: 6 <= at.hour < 22,
    "office hours": lambda at: at.weekday() < 5 and 8 <= at.hour < 18,
    "no weekends": lambda at: at.weekday() < 5,
    "always": lambda at: True,
}


def pages(runs: Runs, begin: int = MONDAY, days: int = 16, **settings: str) -> List[str]:
    """When a silence begins to be found, once the backfill is learned."""
    given = {"monitor_search": "index=app", "detector": "silence", "time_zone": "Europe/Berlin"}
    monitor = Monitor.read(STANZA, {**given, "by": "host", **settings})
    detector, found, was_found = detector_for(monitor), [], False
    for at in range(begin - int(monitor.backfill), begin + days * DAY, SPAN):
        local = datetime.fromtimestamp(at, BERLIN)
        rows = [{"_time": str(at), "events": "5", "host": "web-1"}] if runs(local) else []
        is_found = bool(detector.judge(at, rows))
        if is_found and not was_found and at >= begin:
            found.append(local.strftime("%a %d %H:%M"))
        was_found = is_found
        if at % (6 * HOUR) == 0:
            state = json.loads(json.dumps(detector.to_state()))
            detector = detector_for(monitor)
            detector.restore(state)
    return found


@pytest.mark.parametrize("begin", [MONDAY, MONDAY + 34 * HOUR])
@pytest.mark.parametrize("hours", HOURS)
def test_what_pauses_by_the_clock_pages_nobody_also_when_the_clocks_change(hours, begin):
    """A stop of an hour each night was a page each night."""
    assert pages(HOURS[hours], begin) == []


def test_without_a_backfill_a_nightly_stop_is_known_after_one_night():
    found = pages(HOURS["a stop of two hours each night"], backfill="2h")
    assert found == ["Mon 12 02:10"]


def test_what_does_not_come_back_is_found_when_it_is_due():
    broken = datetime(2026, 10, 21, 3, tzinfo=BERLIN)
    assert pages(lambda at: not 2 <= at.hour < 4 and at < broken, days=10) == ["Wed 21 04:15"]
    broken = datetime(2026, 10, 17, 3, tzinfo=BERLIN)
    assert pages(lambda at: at.weekday() < 5 and at < broken, days=10) == ["Mon 19 00:15"]


@pytest.mark.parametrize(
    ("hours", "back"), [("days", "Wed 21 06:15"), ("office hours", "Wed 21 08:15")]
)
def test_what_is_off_for_half_of_the_time_is_watched_when_it_is_due(hours, back):
    """Its nights made it irregular, so that nothing of it was ever found."""
    runs = HOURS[hours]
    broken = datetime(2026, 10, 21, 3, tzinfo=BERLIN)
    assert pages(lambda at: runs(at) and at < broken, days=10) == [back]
    assert pages(lambda at: runs(at) and not (at.day == 20 and at.hour == 12), days=10) == [
        "Tue 20 12:10"
    ]


def test_an_outage_at_another_time_is_found_as_before():
    def runs(at: datetime) -> bool:
        return not 2 <= at.hour < 4 and not (at.day == 20 and 12 <= at.hour < 13)

    assert pages(runs) == ["Tue 20 12:10"]


@pytest.mark.parametrize(
    ("days", "found"),
    [
        ((13, 14), ["Tue 13 12:10", "Wed 14 12:10"]),
        ((13, 20), ["Tue 13 12:10", "Tue 20 12:10"]),
        # What comes at the same time for the third time within a week is usual.
        ((13, 14, 15), ["Tue 13 12:10", "Wed 14 12:10"]),
    ],
)
def test_one_outage_hides_none_at_the_same_time_of_the_next_day_or_week(days, found):
    assert pages(lambda at: not (at.day in days and 12 <= at.hour < 13), days=10) == found


def test_a_night_in_which_it_came_back_late_is_no_measure():
    def runs(at: datetime) -> bool:
        late = at.day == 14 and 4 <= at.hour < 9
        return not (2 <= at.hour < 4 or late or (at.day == 16 and 4 <= at.hour < 5))

    assert pages(runs, days=6) == ["Wed 14 04:15", "Fri 16 04:15"]
