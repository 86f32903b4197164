"""Who is on call for a team, and since when the report counts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from incident_management.incidents.covers import Cover
from incident_management.incidents.errors import Invalid
from incident_management.incidents.routing import Routing
from incident_management.shifts.shift import shift_of, team_named
from tests.unit.worker.desk import at

HOUR, DAY = 3600.0, 86_400.0
DAILY = {"handover": "daily 09:00", "start": "2026-11-30", "time_zone": "Europe/Berlin"}


def routing(*covers, **more):
    stanzas = {
        "team:payments": {"members": "dana, lee", "rota": "first"},
        "team:web": {"members": "dana, sam"},
        "rota:first": {"members": "dana, lee, sam", **DAILY},
    }
    for name, values in more.items():
        stanzas.setdefault(name.replace("__", ":"), {}).update(values)
    made = Routing.from_stanzas(stanzas)
    assert made.problems == ()
    return replace(made, covers=covers)


def cover(person, start, end, instead_of=""):
    return Cover(f"COV-{person}", "first", person, at(start), at(end), instead_of)


def test_who_takes_over_after_a_short_cover_reads_of_the_shift_before_that_too():
    covered = routing(cover("sam", "2026-12-01T08:30", "2026-12-01T09:15"))
    for moment, since in (
        ("2026-12-01T08:30", "2026-11-30T09:00"),  # sam
        ("2026-12-01T09:15", "2026-11-30T09:00"),  # lee
        ("2026-12-01T10:30", "2026-12-01T08:30"),
        ("2026-12-01T11:15", "2026-12-01T09:15"),
    ):
        assert shift_of(covered, "payments", at(moment)).since == at(since), moment


def test_within_two_hours_it_reports_the_shift_before_and_then_of_the_present_one():
    early = shift_of(routing(), "payments", at("2026-12-01T10:59"))
    assert (early.person, early.began) == ("lee", at("2026-12-01T09:00"))
    assert early.since == at("2026-11-30T09:00")
    late = shift_of(routing(), "payments", at("2026-12-01T11:00"))
    assert (late.person, late.since) == ("lee", at("2026-12-01T09:00"))
    assert (late.next_person, late.next_at) == ("sam", at("2026-12-02T09:00"))


def test_a_cover_in_the_middle_of_a_shift_is_a_shift_of_its_own():
    covered = routing(cover("sam", "2026-11-30T18:00", "2026-11-30T22:00", "dana"))
    begun = shift_of(covered, "payments", at("2026-11-30T18:00"))
    assert (begun.person, begun.since) == ("sam", at("2026-11-30T09:00"))
    assert (begun.next_person, begun.next_at) == ("dana", at("2026-11-30T22:00"))
    over = shift_of(covered, "payments", at("2026-11-30T22:30"))
    assert (over.person, over.began) == ("dana", at("2026-11-30T22:00"))
    assert over.since == at("2026-11-30T18:00")


@pytest.mark.parametrize(
    ("day", "hours"), [("2027-03-28", 23.0), ("2027-10-31", 25.0), ("2027-06-01", 24.0)]
)
def test_a_shift_in_which_the_clocks_change_is_as_long_as_it_was(day, hours):
    # It ends at 09:00 of this day, having begun at 09:00 of the day before.
    shift = shift_of(routing(), "payments", at(f"{day}T09:00"))
    assert shift.began == at(f"{day}T09:00") and shift.began - shift.since == hours * HOUR


def test_where_nobody_is_on_call_it_tells_since_the_last_one_was():
    office = {"time_zone": "Europe/Berlin", "hours": "mon-sun 09:00-17:00"}
    nights = routing(calendar__office=office, rota__first={"hours": "office"})
    shift = shift_of(nights, "payments", at("2026-12-01T03:00"))
    assert (shift.person, shift.since) == ("", at("2026-11-30T17:00"))
    assert "Nobody is on call" in shift.reason and shift.next_at == at("2026-12-01T09:00")
    # And who begins reads of the night.
    assert shift_of(nights, "payments", at("2026-12-01T09:00")).since == at("2026-11-30T17:00")


@pytest.mark.parametrize("team", ["web", "unheard-of"])
def test_without_a_rota_it_reports_a_day(team):
    now = at("2026-12-01T03:00")
    shift = shift_of(routing(), team, now)
    assert (shift.since, shift.person, shift.rota) == (now - DAY, "", "")
    assert shift.reason == f"Team {team} has no on-call rotation."


def test_of_somebody_who_is_on_call_for_longer_than_is_looked_back_it_reports_a_day():
    now = at("2027-03-01T03:00")
    shift = shift_of(routing(rota__first={"members": "dana"}), "payments", now)
    assert (shift.person, shift.began, shift.since) == ("dana", 0.0, now - DAY)
    assert (shift.next_person, shift.next_at) == ("", 0.0)


def test_another_beginning_may_be_asked_for():
    now = at("2026-12-01T12:00")
    assert shift_of(routing(), "payments", now, now - 5).since == now - 5
    for wrong in (now, now + 1, now - 32 * DAY):
        with pytest.raises(Invalid, match="at most 31 days ago"):
            shift_of(routing(), "payments", now, wrong)


def test_the_team_is_ones_own_where_that_is_one():
    assert team_named(routing(), "", "LEE") == "payments"
    assert team_named(routing(), "web", "lee") == "web"
    # dana is of two; max of none.
    for person in ("dana", "max"):
        with pytest.raises(Invalid, match="Choose a team: one of payments, web"):
            team_named(routing(), "", person)
    with pytest.raises(Invalid, match="There is no team 'x'"):
        team_named(routing(), "x", "lee")
    with pytest.raises(Invalid, match="Response teams"):
        team_named(Routing(), "", "lee")
