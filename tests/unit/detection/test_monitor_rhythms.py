"""Weeks of services that are silent when nobody needs them, on no minute in particular."""

from __future__ import annotations

import random
import zoneinfo
from datetime import datetime, timedelta
from typing import Callable, List

import pytest

from incident_management.detection.monitors.detectors import detector_for
from incident_management.detection.monitors.monitor import Monitor
from incident_management.detection.monitors.unused_settings import unused_setting
from tests.unit.detection.watching import STANZA

pytestmark = pytest.mark.one_python

SPAN, DAY = 300, 86400
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 9, 7)
"""When what is found is raised; the clocks do not change in these weeks."""
GIVEN = {
    "monitor_search": "index=app",
    "detector": "silence",
    "time_zone": "Europe/Berlin",
    "by": "host",
}
Runs = Callable[[datetime], bool]


def service(kind: str, seed: int = 0, varies: float = 0.0) -> Runs:
    """Whether a service has events at a local time; ``varies``: hours, either way."""

    def around(at: datetime, hour: float, which: str) -> float:
        return hour + random.Random(f"{seed} {at:%j} {which}").uniform(-varies, varies)

    def runs(at: datetime) -> bool:
        hour, weekday = at.hour + at.minute / 60, at.weekday()
        if kind == "office":
            return weekday < 5 and around(at, 8, "on") <= hour < around(at, 18, "off")
        if kind == "office with a quiet evening":
            if weekday < 5 and 17 <= hour < 20:
                return random.Random(f"{seed} {at}").random() < (20 - hour) / 3.3
            return weekday < 5 and around(at, 8, "on") <= hour < 17
        if kind in ("nightly batch", "weekly job"):
            is_day = kind == "nightly batch" or weekday == 6
            return is_day and around(at, 2, "on") <= hour < around(at, 4, "off")
        return kind == "steady"

    return runs


def found(
    runs: Runs, days: int = 21, born: datetime = datetime.min, **settings: str
) -> List[datetime]:
    """When silences begin to be found, once the default backfill is learned; local times."""
    monitor = Monitor.read(STANZA, {**GIVEN, **settings})
    detector, begun, was_found = detector_for(monitor), [], False
    first = int(MONDAY.replace(tzinfo=BERLIN).timestamp())
    for at in range(first - int(monitor.backfill), first + days * DAY, SPAN):
        local = datetime.fromtimestamp(at, BERLIN).replace(tzinfo=None)
        is_present = local >= born and runs(local)
        rows = [{"_time": str(at), "events": "5", "host": "web-1"}] if is_present else []
        is_found = bool(detector.judge(at, rows))
        if is_found and not was_found and at >= first:
            begun.append(local)
        was_found = is_found
    return begun


def until(broken: datetime, runs: Runs) -> Runs:
    return lambda at: at < broken and runs(at)


def day(number: int, hour: int = 0, minute: int = 0) -> datetime:
    return MONDAY + timedelta(days=number, hours=hour, minutes=minute)


KINDS = ("office", "office with a quiet evening", "nightly batch", "weekly job", "steady")


@pytest.mark.parametrize("kind", ["office", "nightly batch", "weekly job", "steady"])
def test_three_weeks_by_the_clock_page_nobody(kind):
    assert found(service(kind)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_who_goes_home_at_another_minute_each_day_pages_hardly_ever(kind):
    """Twelve weeks of each: evenings and mornings were a page each week and more."""
    pages = [len(found(service(kind, seed, 0.25))) for seed in range(4)]
    assert sum(pages) <= 2, pages


@pytest.mark.parametrize(
    ("kind", "broken", "at"),
    [
        ("office", day(15, 11), day(15, 11, 10)),
        # In the night, and found when it is due back.
        ("office", day(15, 3), day(15, 8, 15)),
        # At a weekend, and not on any of the days before.
        ("office", day(19, 12), day(21, 8, 15)),
        ("nightly batch", day(15, 0), day(15, 2, 15)),
        ("nightly batch", day(15, 3), day(15, 3, 10)),
        ("weekly job", day(15), day(20, 2, 15)),
        ("steady", day(15, 3), day(15, 3, 10)),
    ],
)
def test_an_outage_is_found_within_two_spans_and_the_one_that_it_began_in(kind, broken, at):
    """The threshold is three spans; one that begins in a pause counts from when it is due."""
    assert found(until(broken, service(kind)), days=28) == [at]


@pytest.mark.parametrize("kind", ["office", "nightly batch", "weekly job"])
def test_where_a_rhythm_varies_an_outage_is_found_an_hour_after_it_is_due_at_most(kind):
    due = {"office": day(15, 8), "nightly batch": day(15, 2), "weekly job": day(20, 2)}[kind]
    for seed in range(4):
        runs = service(kind, seed, 0.25)
        at = [one for one in found(until(day(15), runs)) if one >= day(15)]
        assert due <= at[0] <= due + timedelta(hours=1), (seed, at)


def test_a_steady_service_of_a_day_is_watched():
    def runs(at: datetime) -> bool:
        return not day(0, 12) <= at < day(0, 13)

    assert found(runs, days=3, born=day(-1)) == [day(0, 12, 10)]


def test_a_service_of_a_day_pages_at_its_first_evening_and_weekend_alone():
    """Nothing of it tells that they are usual, so hours have to."""
    born = day(0, 8)
    assert found(service("office"), 14, born) == [day(0, 18, 10), day(5, 8, 15)]
    assert found(service("nightly batch"), 14, born) == [day(1, 4, 10)]
    assert found(service("office"), 14, born, hours="mon-fri 08:00-18:00") == []


def test_a_lunch_break_is_no_evening():
    def runs(at: datetime) -> bool:
        is_lunch = at.hour == 15 and at.minute >= 30
        return service("office")(at) and not is_lunch and not day(15, 16) > at >= day(15, 15, 30)

    assert found(lambda at: service("office")(at) and not day(15, 15) <= at < day(16)) == [
        day(15, 15, 10)
    ]
    assert found(runs, days=14) == []
    broken = day(15, 15, 30)
    assert found(until(broken, runs), days=17) == [day(15, 16, 15)]


HOLIDAY = day(14)


def with_a_holiday(at: datetime) -> bool:
    return service("office")(at) and at.date() != HOLIDAY.date()


def test_a_holiday_is_a_page_unless_it_is_named():
    assert found(with_a_holiday) == [HOLIDAY + timedelta(hours=8, minutes=15)]
    assert found(with_a_holiday, holidays=f"{HOLIDAY:%Y-%m-%d}") == []
    assert found(with_a_holiday, holidays=f"{HOLIDAY:%m-%d}", hours="mon-fri 07:00-19:00") == []


def test_after_a_holiday_what_is_missing_is_found():
    holidays = f"{HOLIDAY:%Y-%m-%d}"
    assert found(until(HOLIDAY, with_a_holiday), holidays=holidays) == [day(15, 8, 15)]


def test_who_is_due_back_when_the_hours_are_over_is_missed_as_they_begin():
    def by_night(at: datetime) -> bool:
        return not 13 * 60 <= at.hour * 60 + at.minute < 18 * 60 + 30

    gone = until(day(15, 13), by_night)
    assert found(gone, days=21, hours="mon-fri 08:00-18:00") == [day(16, 8, 15)]


def test_an_outage_of_a_day_makes_the_next_one_at_its_hour_no_usual_one():
    """Who was forgotten for it, and is back, is not new."""

    def runs(at: datetime) -> bool:
        return not day(1, 8) <= at < day(2, 16)

    broken = day(3, 9)
    assert found(until(broken, runs), days=6) == [day(1, 8, 10), day(3, 9, 10)]


@pytest.mark.parametrize("days", [7, 14])
def test_a_long_outage_of_one_week_hides_none_of_another(days):
    """The week that is left tells that it was none that comes each week."""
    broken = day(20, 10, 30)
    then = broken - timedelta(days=days, minutes=30)

    def runs(at: datetime) -> bool:
        return not then <= at < then + timedelta(hours=8)

    assert found(until(broken, runs))[-1] == broken + timedelta(minutes=10)


def test_days_off_that_begin_at_noon_do_not_make_a_service_irregular():
    holidays = f"{day(9):%Y-%m-%d}..{day(18):%Y-%m-%d}"

    def runs(at: datetime) -> bool:
        is_off = day(9, 12) <= at < day(21)
        return service("office")(at) and not is_off

    gone = until(day(22, 10), runs)
    at = found(gone, 24, hours="mon-fri 08:00-18:00", holidays=holidays)
    assert at == [day(22, 10, 10)]


def test_a_long_weekend_hides_no_outage_of_the_next_week():
    assert found(until(day(21, 3), with_a_holiday), days=28)[1:] == [day(21, 8, 15)]


def test_what_was_found_goes_on_when_the_hours_are_over():
    """Or it would look like a recovery."""
    monitor = Monitor.read(STANZA, {**GIVEN, "hours": "mon-fri 08:00-18:00"})
    detector = detector_for(monitor)
    noon = int(day(0, 12).replace(tzinfo=BERLIN).timestamp())
    row = {"events": "1", "host": "web-1"}
    for at in range(noon - DAY, noon, SPAN):
        detector.judge(at, [{"_time": str(at), **row}])
    for at in range(noon, noon + DAY // 2, SPAN):
        detector.judge(at, [])
    assert detector.unwell == {("web-1",)}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"hours": "mon-fri 08:00-18:00", "time_zone": ""}, "need time_zone"),
        ({"hours": "weekdays"}, "hours"),
        ({"holidays": "easter"}, "write a day as 2026-12-25"),
    ],
)
def test_hours_that_can_not_be_read_are_refused(settings, said):
    with pytest.raises(ValueError, match=said):
        Monitor.read(STANZA, {**GIVEN, **settings})


@pytest.mark.parametrize("given", [{"hours": "mon-fri 08:00-18:00"}, {"holidays": "12-25"}])
def test_hours_are_for_silence(given):
    values = {**GIVEN, "detector": "baseline", **given}
    assert unused_setting(Monitor.read(STANZA, values), values).startswith(
        f"{next(iter(given))} is for silence; leave it out"
    )
