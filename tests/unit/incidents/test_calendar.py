"""Working hours, compared with a count of minutes, over clock changes and holidays."""

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_management.incidents.clocks.calendar import ALWAYS, DAYS, Calendar, Days
from incident_management.incidents.errors import RoutingError

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC")
# Days around which the clocks of these zones change, and the turn of a year.
AROUND = ("2026-03-08", "2026-03-29", "2026-04-05", "2026-10-04", "2026-10-25", "2026-12-31")


def at(text, zone="UTC"):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def calendar(hours="mon-fri 09:00-17:00", zone="Europe/Berlin", holidays=""):
    values = {"time_zone": zone, "hours": hours, "holidays": holidays}
    return Calendar.read("[calendar:x]", "x", values)


windows = st.lists(
    st.tuples(st.sampled_from(DAYS), st.integers(0, 1439), st.integers(0, 1439)).filter(
        lambda window: window[1] != window[2]
    ),
    min_size=1,
    max_size=4,
)


@st.composite
def weeks(draw):
    """A calendar, and the same rules as a plain function of the wall clock's time."""
    chosen, zone = draw(windows), draw(st.sampled_from(ZONES))
    begin = datetime.fromisoformat(draw(st.sampled_from(AROUND))) - timedelta(days=2)
    holidays = draw(st.sets(st.integers(0, 4), max_size=2))
    off = {(begin + timedelta(days=n)).date() for n in holidays}
    hours = ", ".join(f"{day} {_clock(start)}-{_clock(end)}" for day, start, end in chosen)

    def is_open(wall):
        minute, today = wall.hour * 60 + wall.minute, wall.weekday()
        if wall.date() in off:
            return False
        for day, start, end in chosen:
            began = DAYS.index(day)
            if start < end and today == began and start <= minute < end:
                return True
            if start > end and today == began and minute >= start:
                return True
            if start > end and today == (began + 1) % 7 and minute < end:
                return True
        return False

    made = calendar(hours, zone, ", ".join(day.isoformat() for day in off))
    return made, is_open, ZoneInfo(zone), begin.replace(tzinfo=timezone.utc).timestamp()


def _clock(minute):
    return f"{minute // 60:02d}:{minute % 60:02d}"


def minutes(case, start, count):
    """Return whether each of some consecutive minutes is open."""
    _made, is_open, zone, begin = case
    first = begin + start * 60
    return [is_open(datetime.fromtimestamp(first + n * 60, zone)) for n in range(count)]


@given(weeks(), st.integers(0, 3 * 1440), st.integers(0, 2 * 1440))
def test_open_time_is_what_counting_minutes_gives(case, start, length):
    made, begin = case[0], case[3]
    first = begin + start * 60

    counted = minutes(case, start, length)

    assert made.service_seconds(first, first + length * 60) == 60 * sum(counted)
    for n in range(0, length, 97):
        assert made.is_open(first + n * 60) == counted[n]


@given(weeks(), st.integers(0, 2 * 1440), st.integers(1, 600))
def test_a_deadline_is_where_counting_minutes_ends(case, start, wanted):
    made, begin = case[0], case[3]
    first = begin + start * 60
    left = wanted
    expected = None
    for n, is_open in enumerate(minutes(case, start, 3 * 1440)):
        left -= is_open
        if not left:
            expected = first + (n + 1) * 60
            break

    due = made.after(first, wanted * 60)

    if expected is None:
        assert due is None or due > first + 3 * 86400
    else:
        assert due == expected


@given(weeks(), st.floats(0, 4 * 86400), st.floats(0, 4 * 86400), st.floats(0, 4 * 86400))
def test_open_time_adds_up_and_leads_back_to_the_deadline(case, one, other, third):
    made, begin = case[0], case[3]
    a, b, c = sorted(begin + moment for moment in (one, other, third))
    assert made.service_seconds(a, b) + made.service_seconds(b, c) == pytest.approx(
        made.service_seconds(a, c), abs=1e-3
    )
    due = made.after(a, 3600.0)
    if due is not None:
        assert made.service_seconds(a, due) == pytest.approx(3600.0, abs=1e-3)


@given(weeks(), st.integers(0, 2 * 1440))
def test_the_next_opening_is_the_first_open_minute(case, start):
    made, begin = case[0], case[3]
    first = begin + start * 60
    opened = [n for n, is_open in enumerate(minutes(case, start, 2 * 1440)) if is_open]
    found = made.next_open(first)
    if opened:
        assert found == first + opened[0] * 60
    else:
        assert found is None or found >= first + 2 * 86400


def test_a_skipped_hour_was_not_open_and_one_that_comes_twice_is_open_twice():
    night = calendar("sun 01:00-04:00")
    spring, autumn = at("2026-03-29T00:00"), at("2026-10-24T22:00")

    assert night.service_seconds(spring - 86400, spring + 86400) == 2 * 3600
    assert night.service_seconds(autumn - 86400, autumn + 86400) == 4 * 3600


def test_a_weekend_and_a_holiday_are_not_counted():
    office = calendar(holidays="05-01, 2026-12-24..2026-12-26")
    thursday = at("2026-04-30T16:00", "Europe/Berlin")

    assert office.after(thursday, 2 * 3600) == at("2026-05-04T10:00", "Europe/Berlin")
    assert office.next_open(at("2026-12-24T12:00", "Europe/Berlin")) == at(
        "2026-12-28T09:00", "Europe/Berlin"
    )


def test_a_night_shift_belongs_to_the_evening_it_begins_on():
    night = calendar("fri 22:00-06:00")
    assert night.is_open(at("2026-11-28T05:59", "Europe/Berlin"))
    assert not night.is_open(at("2026-11-27T05:59", "Europe/Berlin"))


@pytest.mark.parametrize(
    ("hours", "open_days"),
    [
        ("sat sun 10:00-14:00", "Sat Sun"),
        ("fri-mon 10:00-24:00", "Mon Fri Sat Sun"),
        ("MON,Wed-Thu 00:00-24:00", None),
        ("wed 11:00-13:00, wed 12:00-15:00, tue 10:00-12:30", "Tue Wed"),
    ],
)
def test_days_are_written_in_several_ways(hours, open_days):
    if open_days is None:
        with pytest.raises(RoutingError, match="has 'MON'"):
            calendar(hours)
        return
    made, noon = calendar(hours, "UTC"), at("2026-11-30T12:15")
    found = [day.capitalize() for n, day in enumerate(DAYS) if made.is_open(noon + n * 86400)]
    assert " ".join(found) == open_days
    if "wed 12" in hours:
        assert made.service_seconds(noon, noon + 3 * 86400) == 6.5 * 3600


def test_a_day_that_comes_every_four_years_is_a_holiday():
    made = calendar("24x7", "UTC", "02-29")
    assert made.service_seconds(at("2028-02-28T00:00"), at("2028-03-02T00:00")) == 2 * 86400


def test_around_the_clock_is_plain_time():
    assert ALWAYS.always and calendar("").always
    assert ALWAYS.after(1000.5, 60) == 1060.5
    assert ALWAYS.service_seconds(10, 5) == 0


def test_a_calendar_that_is_never_open_has_no_deadline():
    closed = calendar("mon 09:00-10:00").without(Days.read("away", "2026-01-01..2026-12-31"))
    assert closed.next_open(at("2026-01-05T00:00")) == at("2027-01-04T09:00", "Europe/Berlin")
    shut = Calendar("shut", "UTC", ((),) * 7)
    assert shut.after(0, 1) is None and shut.next_open(0) is None


def test_a_moment_is_named_as_people_there_do():
    office, now = calendar(), at("2026-11-28T12:00")
    assert office.shown(at("2026-11-30T08:00"), now) == "Mon 09:00 Europe/Berlin"
    assert office.shown(at("2026-12-07T08:00"), now) == "Mon 2026-12-07 09:00 Europe/Berlin"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"hours": "mon-fri 9-17"}, "[calendar:x] hours has 'mon-fri 9-17'"),
        ({"hours": "mon-fry 09:00-17:00"}, "hours has 'mon-fry 09:00-17:00'"),
        ({"hours": "09:00-17:00"}, "hours has '09:00-17:00'"),
        ({"hours": "mon 09:00-09:00"}, "hours has 'mon 09:00-09:00'"),
        ({"hours": "mon 09:00-25:00"}, "hours has 'mon 09:00-25:00'"),
        ({"holidays": "Christmas"}, "[calendar:x] holidays has 'Christmas'"),
        ({"holidays": "2026-12-31..2026-12-01"}, "holidays has '2026-12-31..2026-12-01'"),
        ({"holidays": "13-01"}, "holidays has '13-01'"),
        ({"time_zone": "Mars/Base"}, "[calendar:x] time_zone is 'Mars/Base'"),
        ({"time_zone": "../etc/passwd"}, "time_zone is '../etc/passwd'"),
    ],
)
def test_a_malformed_value_is_named_with_its_key(values, said):
    with pytest.raises(RoutingError) as error:
        Calendar.read("[calendar:x]", "x", values)
    assert said in str(error.value)


def test_without_a_time_zone_database_utc_still_works(monkeypatch):
    import zoneinfo

    def none(_name):
        raise zoneinfo.ZoneInfoNotFoundError

    monkeypatch.setattr(zoneinfo, "ZoneInfo", none)
    assert calendar(zone="UTC").after(at("2026-11-27T16:30"), 3600) == at("2026-11-30T09:30")
    with pytest.raises(RoutingError, match="or UTC, which needs no time zone database"):
        calendar(zone="Europe/Berlin")
