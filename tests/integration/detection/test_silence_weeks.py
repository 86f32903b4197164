"""Weeks of hosts that are silent when nobody needs them: *Service Went Silent* pages for none."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Callable

import pytest

from tests.integration.detection.conftest import APP_NAME, Detections

MINUTE = timedelta(minutes=1)
Runs = Callable[[datetime], bool]


def write(detections: Detections, host: str, runs: Runs, born: datetime, until: datetime) -> None:
    """Write an event each five minutes in which a host runs, where the search may look."""
    events = []
    at = born
    while at < until:
        if runs(at):
            events.append({"_time": at.timestamp(), "_raw": "here", "host": host})
        at += 5 * MINUTE
    more = {"source": "app", "sourcetype": "app"}
    detections.standin.index("main", [{**one, **more} for one in events])


def pages(detections: Detections, first: datetime, last: datetime) -> list[str]:
    """Run the search every five minutes; returns when it begins to raise something."""
    settings = detections.standin.splunk.conf.stanzas("savedsearches", APP_NAME)[
        "Service Went Silent"
    ]
    begun, before = [], False
    while first <= last:
        job = detections.standin.splunk.jobs.dispatch(
            settings["search"],
            "admin",
            APP_NAME,
            settings["dispatch.earliest_time"],
            settings["dispatch.latest_time"],
            now=first.timestamp(),
        )
        assert job.state == "DONE", job.messages
        found = bool(list(job.rows))
        if found and not before:
            begun.append(f"{first:%a %H:%M}")
        before, first = found, first + 5 * MINUTE
    return begun


def office(at: datetime) -> bool:
    return at.weekday() < 5 and 8 <= at.hour < 18


def batch(at: datetime) -> bool:
    return 2 <= at.hour < 4


def weekly(at: datetime) -> bool:
    return at.weekday() == 6 and batch(at)


def steady(_at: datetime) -> bool:
    return True


def day(weekday: int, hour: int, minute: int = 0) -> datetime:
    """A moment of the third week, which the search runs in."""
    monday = datetime(2023, 10, 30, tzinfo=timezone.utc)
    return monday + timedelta(days=weekday, hours=hour, minutes=minute)


OLD = timedelta(days=21)


@pytest.mark.parametrize(
    ("runs", "stop", "age"),
    [
        (office, day(0, 18), OLD),
        (office, day(1, 18), OLD),
        (office, day(4, 18), OLD),
        # In its second week, and on its second day.
        (office, day(2, 18), timedelta(days=8, hours=12)),
        (office, day(2, 18), timedelta(days=2, hours=12)),
        (batch, day(3, 4), OLD),
        (weekly, day(6, 4), OLD),
        (steady, day(3, 4), OLD),
    ],
)
def test_its_rhythm_pages_nobody(
    detections: Detections, runs: Runs, stop: datetime, age: timedelta
) -> None:
    write(detections, "web-1", runs, stop - age, stop + timedelta(hours=2))
    assert pages(detections, stop - 20 * MINUTE, stop + timedelta(hours=1)) == []


def test_a_quarter_of_an_hour_more_or_less_pages_nobody(detections: Detections) -> None:
    early = day(1, 17, 35)
    write(detections, "web-1", office, early - OLD, early)
    assert pages(detections, early, early + timedelta(hours=1)) == []


@pytest.mark.parametrize(
    ("runs", "broken", "age"),
    [
        (office, day(1, 11), OLD),
        # After a weekend, in which it was silent at that time.
        (office, day(0, 11), OLD),
        (batch, day(3, 3), OLD),
        (weekly, day(6, 3), OLD),
        (steady, day(3, 3), OLD),
        (steady, day(3, 3), timedelta(days=1)),
        (steady, day(3, 3), timedelta(hours=4)),
    ],
)
def test_an_outage_is_raised_by_the_second_run_after_the_threshold(
    detections: Detections, runs: Runs, broken: datetime, age: timedelta
) -> None:
    write(detections, "web-1", runs, broken - age, broken)
    (first, *_rest) = pages(detections, broken, broken + 30 * MINUTE)
    assert first in {f"{broken + (15 + more) * MINUTE:%a %H:%M}" for more in (5, 10)}


@pytest.mark.parametrize("week", [7, 14])
def test_one_outage_of_the_weeks_before_hides_none(detections: Detections, week: int) -> None:
    broken = day(1, 11)
    then = broken - timedelta(days=week)

    def runs(at: datetime) -> bool:
        return not then <= at < then + timedelta(hours=3)

    write(detections, "web-1", runs, broken - OLD, broken)
    assert pages(detections, broken, broken + 30 * MINUTE) == [f"{broken + 20 * MINUTE:%a %H:%M}"]


def test_a_host_that_is_not_back_from_its_nightly_stop_is_raised(detections: Detections) -> None:
    def runs(at: datetime) -> bool:
        return not 2 <= at.hour < 4

    write(detections, "web-1", runs, day(2, 3) - OLD, day(2, 3))
    (back,) = pages(detections, day(2, 2), day(2, 4, 40))
    assert "Wed 04:05" <= back <= "Wed 04:20"


def test_an_evening_after_a_week_with_a_holiday_pages_nobody(detections: Detections) -> None:
    evening = day(0, 18)
    holiday = (evening - timedelta(days=7)).date()

    def runs(at: datetime) -> bool:
        return office(at) and at.date() != holiday

    write(detections, "web-1", runs, evening - OLD, evening)
    assert pages(detections, evening, evening + timedelta(hours=1)) == []


def test_a_replay_goes_by_the_days_before_each_run(detections: Detections) -> None:
    monday = day(0, 18)
    write(detections, "web-1", office, monday - OLD, monday + timedelta(days=1))
    write(detections, "web-2", steady, monday - OLD, monday)
    spl = (
        '| incidentbacktest search="Service Went Silent" step=5m '
        f"earliest={monday.timestamp():.0f} latest={monday.timestamp() + 3600:.0f}"
    )
    rows = detections.standin.search(spl, app=APP_NAME)
    assert [row["entities"] for row in rows if row["kind"] == "incident"] == ["web-2"]


def test_days_before_that_are_not_checked_hide_no_outage(detections: Detections) -> None:
    """Should splunkd not heed the times of a tstats, it looks at today for each of them."""
    macros = detections.standin.splunk.conf.stanzas("macros", APP_NAME)
    before = macros["incident_silence_before(1)"]["definition"]
    timeless = re.sub(r" (?:earliest|latest)=\S+", "", before)
    assert timeless != before
    broken = day(3, 3)
    write(detections, "web-1", steady, broken - OLD, broken)
    found = detections.standin.splunk.jobs.dispatch(
        "| " + timeless.replace("$days$", "7"),
        "admin",
        APP_NAME,
        "-4h@m",
        "@m",
        now=broken.timestamp() + 1200,
    )
    assert (found.state, list(found.rows)) == ("DONE", [])
