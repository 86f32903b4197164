"""Days that begin when local clocks say so, also where clocks are changed."""

from __future__ import annotations

import json
import math
import random
import time
import zoneinfo
from datetime import datetime, timezone

import pytest

from incident_management.detection.baselines.baseline import Baseline
from incident_management.detection.baselines.season import PERIODS
from incident_management.detection.baselines.weeks import season_class
from incident_management.detection.baselines.zone import UTC, Zone
from incident_management.detection.monitors.monitor import Monitor
from incident_management.ports import SearchResult
from tests.unit.detection.watching import STANZA, Watched

BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
HOUR, DAY = 3600, 86400
SPRING = datetime(2026, 3, 29, 1, tzinfo=timezone.utc).timestamp()
"""When the clocks of Berlin go from 2 to 3."""
AUTUMN = datetime(2026, 10, 25, 1, tzinfo=timezone.utc).timestamp()
"""And from 3 to 2."""


def _office(moment):
    """Many events from 8 to 18 in Berlin, few else."""
    rng = random.Random(moment)
    mean = 4800 if 8 <= datetime.fromtimestamp(moment, BERLIN).hour < 18 else 600
    return round(rng.gauss(mean, math.sqrt(mean)))


def _pages(change, step, zone):
    """Days from the change of the clocks, of what is found from the day before it on."""
    baseline = Baseline(zone=zone)
    start, end = int(change) - 34 * DAY, int(change) + 12 * DAY
    moments = [at for at in range(start, end, step) if baseline.add(_office(at), at).is_anomaly]
    return [(at - change) / DAY for at in moments if at > change - DAY]


@pytest.mark.parametrize("step", [300, 900, 3600])
@pytest.mark.parametrize("change", [SPRING, AUTUMN])
def test_office_hours_page_nobody_when_the_clocks_change(change, step):
    assert _pages(change, step, Zone("Europe/Berlin")) == []


def test_cut_by_utc_they_would():
    assert len(_pages(SPRING, 900, UTC)) >= 3


@pytest.mark.parametrize("change", [SPRING, AUTUMN])
@pytest.mark.parametrize("at", [2 * HOUR, 2 * HOUR + 1800])
def test_a_job_that_follows_utc_pages_nobody_for_the_hour_by_which_it_moves(change, at):
    """It paged for nine nights: each moved it to an hour in which it had never been."""
    baseline, pages = Baseline(zone=Zone("Europe/Berlin")), []
    for moment in range(int(change) - 22 * DAY, int(change) + 20 * DAY, 300):
        job = 2000 if at <= moment % DAY < at + 600 else 0
        found = baseline.add(_office(moment) / 5 + job, moment)
        if found.is_anomaly and moment > change - DAY:
            pages.append((moment - change) / DAY)
    assert len(pages) <= 1, pages


def test_a_fault_beside_that_job_is_found_in_the_weeks_after_the_change():
    baseline = Baseline(zone=Zone("Europe/Berlin"))
    fault = int(AUTUMN) + 3 * DAY + 20 * HOUR
    found = []
    for moment in range(int(AUTUMN) - 22 * DAY, int(AUTUMN) + 5 * DAY, 300):
        job = 2000 if 2 * HOUR <= moment % DAY < 2 * HOUR + 600 else 0
        value = 4000 if moment == fault else _office(moment) / 5 + job
        if baseline.add(value, moment).is_anomaly and moment > AUTUMN + DAY:
            found.append(moment)
    assert found == [fault]


def test_from_a_state_both_clocks_still_count():
    """A run in between saves and reads it."""
    zone = Zone("Europe/Berlin")
    whole, saved = Baseline(zone=zone), Baseline(zone=zone)
    for moment in range(int(AUTUMN) - 22 * DAY, int(AUTUMN) + 3 * DAY, 900):
        if moment > AUTUMN and moment % HOUR == 0:
            saved = Baseline.from_state(json.loads(json.dumps(saved.to_state())), zone=zone)
        assert saved.add(_office(moment), moment).upper == pytest.approx(
            whole.add(_office(moment), moment).upper, rel=1e-5
        )


def test_a_fault_on_the_day_of_the_change_is_found():
    baseline = Baseline(zone=Zone("Europe/Berlin"))
    night = int(SPRING) + 30 * 60
    found = [
        at
        for at in range(int(SPRING) - 34 * DAY, int(SPRING) + DAY, 900)
        if baseline.add(4800 if at == night else _office(at), at).is_anomaly and at > SPRING - DAY
    ]
    assert found == [night]


@pytest.mark.parametrize(
    ("name", "moment", "hours"),
    [
        ("Europe/Berlin", SPRING - 1, 1),
        ("Europe/Berlin", SPRING, 2),
        ("Asia/Kathmandu", SPRING, 5.75),
        ("UTC", SPRING, 0),
        ("utc", -1e9, 0),
        ("America/New_York", 1e300, -5),
        ("America/New_York", -1e12, -5),
    ],
)
def test_an_offset_is_that_of_the_moment(name, moment, hours):
    zone = Zone(name)
    for _ in range(2):
        assert zone.offset(moment) == hours * HOUR
        zone.offset(SPRING + 100 * DAY)


def test_without_a_name_it_is_the_machine_s_own_zone(monkeypatch):
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert Zone().offset(SPRING) == -4 * HOUR
    finally:
        monkeypatch.undo()
        time.tzset()


def test_without_a_time_zone_database_a_name_is_refused_and_utc_is_not(monkeypatch):
    def none(_name):
        raise zoneinfo.ZoneInfoNotFoundError

    monkeypatch.setattr(zoneinfo, "ZoneInfo", none)
    assert Zone("UTC").offset(SPRING) == 0
    with pytest.raises(
        ValueError, match="'Europe/Berlin' is not a time zone that this machine knows"
    ):
        Zone("Europe/Berlin")


def _hours(zone, period, days=15):
    """A season of days up to SPRING, in which each value is the hour in Berlin."""
    season = season_class(period)(PERIODS[period], zone)
    for at in range(int(SPRING) - days * DAY, int(SPRING), 1800):
        season.expected(at)
        season.learn(float(datetime.fromtimestamp(at, BERLIN).hour))
    return json.loads(json.dumps(season.to_state()))


def _expects_the_hour(season, start):
    for at in range(int(start), int(start) + DAY, 1800):
        hour = datetime.fromtimestamp(at, BERLIN).hour
        assert abs(season.expected(at) - hour) <= 1 or hour in (23, 0), (at, hour)


@pytest.mark.parametrize("period", ["daily", "weekly"])
@pytest.mark.parametrize("before", ["Europe/Berlin", "UTC", "Asia/Tokyo", "America/New_York"])
def test_what_was_learned_under_another_zone_moves(period, before):
    state = _hours(Zone(before), period)
    season = season_class(period).from_state(PERIODS[period], Zone("Europe/Berlin"), state)
    _expects_the_hour(season, SPRING)


def test_what_was_learned_before_there_were_zones_moves():
    state = _hours(UTC, "daily")
    del state["offset"], state["end"]
    _expects_the_hour(
        season_class("daily").from_state(PERIODS["daily"], Zone("Europe/Berlin"), state), SPRING
    )


class _Shop(Watched):
    """A monitor of what is busy in the hours of Berlin's offices."""

    def answer(self, earliest, latest, limit):
        moments = range(int(earliest), int(latest), self.monitor.span)
        return SearchResult([{"_time": str(at), "events": str(_office(at))} for at in moments])


def _signals(**settings):
    shop = _Shop(detector="baseline", span="15m", backfill="28d", **settings)
    shop.clock.set(SPRING - DAY)
    shop.run()
    for _ in range(5 * 24):
        shop.clock.advance(HOUR)
        shop.run()
    return len(shop.signals)


def test_a_monitor_cuts_days_by_its_time_zone():
    assert _signals(time_zone="Europe/Berlin") == 0
    assert _signals(time_zone="UTC") > 0


def test_a_monitor_goes_on_when_only_its_time_zone_is_changed():
    shop = Watched(detector="baseline")
    before = shop.monitor.learned_as
    shop.change(time_zone="Europe/Berlin")
    assert shop.monitor.learned_as == before


def test_a_time_zone_that_is_none_is_named():
    with pytest.raises(ValueError, match="time_zone is wrong: 'Mars/Base' is not a time zone"):
        Monitor.read(STANZA, {"search": "index=app", "time_zone": "Mars/Base"})
