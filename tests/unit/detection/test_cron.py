"""When a cron schedule runs."""

from __future__ import annotations

from datetime import datetime, timezone
from zoneinfo import ZoneInfo

import pytest

from incident_management.detection.cron import Cron

UTC = timezone.utc
BERLIN = ZoneInfo("Europe/Berlin")


def runs(schedule, begin, end, zone=UTC, most=2000):
    earliest, latest = (datetime.fromisoformat(one).replace(tzinfo=zone) for one in (begin, end))
    found = Cron(schedule, zone).between(earliest.timestamp(), latest.timestamp(), most)
    return [datetime.fromtimestamp(one, zone).strftime("%d %H:%M") for one in found]


@pytest.mark.parametrize(
    ("schedule", "wanted"),
    [
        ("30 2 * * *", ["12 02:30", "13 02:30"]),
        ("30 */12 * * *", ["12 00:30", "12 12:30", "13 00:30", "13 12:30"]),
        ("0 9 * * 5", ["13 09:00"]),
        ("0 9 13 * *", ["13 09:00"]),
        ("0 9 * 4 *", []),
        ("0 9 12 * 5", ["12 09:00", "13 09:00"]),
        ("0 23 * * 0,7", []),
        ("5,7-8 4 * * 1-4", ["12 04:05", "12 04:07", "12 04:08"]),
    ],
)
def test_the_moments_are_those_of_all_five_fields(schedule, wanted):
    """2026-03-12 is a Thursday."""
    assert runs(schedule, "2026-03-12T00:00:00", "2026-03-13T23:59:00") == wanted


def test_a_step_begins_where_it_says():
    assert runs("3-59/20 * * * *", "2026-03-12T10:00:00", "2026-03-12T11:03:00") == [
        "12 10:03",
        "12 10:23",
        "12 10:43",
        "12 11:03",
    ]
    assert runs("50/5 9 * * *", "2026-03-12T00:00:00", "2026-03-12T23:00:00") == [
        "12 09:50",
        "12 09:55",
    ]


def test_both_ends_count_and_a_begin_within_a_minute_does_not():
    assert runs("* * * * *", "2026-03-12T10:00:00", "2026-03-12T10:02:00") == [
        "12 10:00",
        "12 10:01",
        "12 10:02",
    ]
    assert runs("* * * * *", "2026-03-12T10:00:01", "2026-03-12T10:01:59") == ["12 10:01"]


def test_it_follows_the_clock_of_its_zone_over_a_change_of_the_hours():
    assert runs("30 8 * * *", "2026-03-28T00:00:00", "2026-03-29T23:00:00", BERLIN) == [
        "28 08:30",
        "29 08:30",
    ]
    eight = Cron("30 8 * * *", BERLIN).between(1774652400.0, 1774821600.0, 10)
    assert eight[1] - eight[0] == 23 * 3600
    # 02:30 comes twice when the clocks go back, and not at all when they go forward
    assert runs("30 2 * * *", "2026-10-25T00:00:00", "2026-10-25T23:00:00", BERLIN) == [
        "25 02:30",
        "25 02:30",
    ]
    assert runs("30 2 * * *", "2026-03-29T00:00:00", "2026-03-29T23:00:00", BERLIN) == []


def test_it_stops_one_beyond_what_is_wanted():
    assert len(runs("* * * * *", "2026-01-01T00:00:00", "2026-12-31T00:00:00", most=100)) == 101


@pytest.mark.parametrize(
    ("schedule", "match"),
    [
        ("", "five fields"),
        ("* * * *", "five fields"),
        ("60 * * * *", "'60' is not a valid minute"),
        ("* 24 * * *", "'24' is not a valid hour"),
        ("* * 0 * *", "'0' is not a valid day"),
        ("* * * 13 *", "'13' is not a valid month"),
        ("* * * * MON", "'MON' is not a valid weekday"),
        ("*/0 * * * *", r"'\*/0' is not a valid minute"),
        ("30-10 * * * *", "'30-10' is not a valid minute"),
        ("1, * * * *", "'1,' is not a valid minute"),
    ],
)
def test_what_is_no_schedule_is_refused(schedule, match):
    with pytest.raises(ValueError, match=match):
        Cron(schedule)
