"""On-call rotas: whose turn it is at any moment, and why; their settings and invariants."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incident_management.incidents.covers import Cover
from incident_management.incidents.routing import Routing
from incident_management.incidents.routing.on_call import OnCall

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC")
BERLIN = ZoneInfo("Europe/Berlin")
PEOPLE = ("dana", "lee", "sam", "kim", "max")
WEEKLY = {"handover": "mon 09:00", "start": "2026-11-30", "time_zone": "Europe/Berlin"}


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()


def read(*covers, **stanzas):
    found = {name.replace("__", ":"): values for name, values in stanzas.items()}
    found["team:all"] = {"members": ", ".join(PEOPLE)}
    routing = Routing.from_stanzas(found)
    assert routing.problems == ()
    return OnCall(routing.rotas, routing.members, covers)


def weekly(*covers, members="dana, lee", **stanzas):
    return read(*covers, rota__first={"members": members, **WEEKLY}, **stanzas)


def cover(person, starts, ends, instead_of="", n=1):
    return Cover(f"COV-{n}", "first", person, at(starts), at(ends), instead_of, created_at=n)


def reason_at(on_call, text, rota="first", excluded=""):
    duty = on_call.at(rota, at(text), excluded)
    return duty.person, duty.reason


def problem(**values):
    (text,) = Routing.from_stanzas(
        {"team:all": {"members": "dana, lee"}, "rota:first": {"members": "dana", **values}}
    ).problems
    return text


def test_turns_change_at_the_handover_by_the_wall_clock():
    on_call = weekly()
    assert reason_at(on_call, "2026-12-07T08:59:59") == (
        "dana",
        "dana is on call in rota 'first', in the turn until Mon 09:00 Europe/Berlin.",
    )
    assert on_call.at("first", at("2026-12-07T09:00")).person == "lee"
    # Before the start the order counts backwards, so there never is a gap.
    assert on_call.at("first", at("2026-11-30T08:59")).person == "lee"
    # In summer 09:00 comes an hour earlier by UTC.
    assert on_call.at("first", at("2027-03-29T08:59")).person == "dana"
    assert on_call.at("first", at("2027-03-29T09:00")).person == "lee"


def test_an_absent_member_is_skipped_with_a_reason():
    on_call = weekly(members="dana, lee, sam", member__dana={"away": "2026-12-02"})
    assert on_call.at("first", at("2026-12-01T23:59")).person == "dana"
    assert reason_at(on_call, "2026-12-02T00:00") == (
        "lee",
        "lee is on call in rota 'first': dana is away.",
    )
    assert on_call.at("first", at("2026-12-03T00:00")).person == "dana"


def test_if_all_are_away_nobody_is_on_call_with_a_reason():
    away = {"away": "2026-12-02"}
    on_call = weekly(member__dana=away, member__lee=away)
    assert reason_at(on_call, "2026-12-02T12:00") == (
        "",
        "Nobody is on call in rota 'first': dana is away, lee is away.",
    )


def test_outside_its_hours_a_rota_is_off_and_another_is_asked():
    nights = {"members": "dana", **WEEKLY, "hours": "night"}
    calendar = {"time_zone": "Europe/Berlin", "hours": "mon-sun 20:00-08:00"}
    on_call = read(rota__first=nights, calendar__night=calendar)
    assert reason_at(on_call, "2026-12-02T12:00") == (
        "",
        "Nobody is on call in rota 'first' until Wed 20:00 Europe/Berlin: the rota is off.",
    )
    assert on_call.at("first", at("2026-12-02T21:00")).person == "dana"
    nights["fallback"] = "days"
    days = {"members": "lee", **WEEKLY}
    on_call = read(rota__first=nights, rota__days=days, calendar__night=calendar)
    person, reason = reason_at(on_call, "2026-12-02T12:00")
    assert person == "lee"
    assert "Falling back to rota 'days'. lee is on call in rota 'days'" in reason


def test_a_cover_counts_while_it_lasts_and_the_later_word_wins():
    weekend = ("2026-12-04T18:00", "2026-12-07T09:00")
    one = cover("lee", *weekend, instead_of="dana")
    on_call = weekly(one, member__dana={"away": "2026-12-05"}, member__lee={"away": "2026-12-05"})
    assert on_call.at("first", at("2026-12-04T17:59")).person == "dana"
    assert reason_at(on_call, "2026-12-05T12:00") == (
        "lee",
        "lee is on call in rota 'first', covering for dana until Mon 09:00 Europe/Berlin.",
    )
    # Somebody else's turn is not covered, and another's word after it counts more.
    assert weekly(cover("sam", *weekend, "lee")).at("first", at("2026-12-05T12:00")).person == (
        "dana"
    )
    later = cover("sam", *weekend, instead_of="lee", n=2)
    duty = weekly(one, later).at("first", at("2026-12-05T12:00"))
    assert (duty.person, duty.instead_of, duty.cover) == ("sam", "dana", "COV-2")


def test_since_when_somebody_is_on_call_looks_past_a_handover_to_the_same_person():
    begins, ends = "2026-12-04T18:00", "2026-12-05T18:00"
    on_call = weekly(cover("lee", begins, ends))
    assert on_call.since("first", at("2026-12-05T10:00")) == at(begins)
    assert on_call.since("first", at("2026-12-06T10:00")) == at(ends)
    alone = weekly(members="dana")
    assert alone.since("first", at("2026-12-07T10:00")) == 0.0
    # A turn that is longer than is looked back is known from its beginning.
    rota = {"members": "dana, lee", "handover": "every 4w", "start": "2026-11-30 09:00"}
    long = read(rota__first={**rota, "time_zone": "Europe/Berlin"})
    assert long.since("first", at("2026-12-27T10:00")) == at("2026-11-30T09:00")
    # What begins in the next second has not begun.
    assert weekly().since("first", at("2026-12-07T08:59:59.500")) == at("2026-11-30T09:00")


def test_the_current_owner_is_skipped():
    person, reason = reason_at(
        weekly(members="dana, lee, sam"), "2026-12-01T10:00", excluded="dana"
    )
    assert (person, reason) == (
        "lee",
        "lee is on call in rota 'first': dana already has the incident.",
    )


def test_who_covers_for_whoever_and_has_it_already_leaves_the_next_in_the_order():
    on_call = weekly(cover("sam", "2026-12-01T00:00", "2026-12-02T00:00"), members="dana, lee, kim")
    assert reason_at(on_call, "2026-12-01T10:00", excluded="sam") == (
        "lee",
        "lee is on call in rota 'first': sam already has the incident.",
    )


def test_a_cover_counts_for_whom_a_rota_falls_back_to():
    nights = {"members": "dana", **WEEKLY, "hours": "night", "fallback": "days"}
    calendar = {"time_zone": "Europe/Berlin", "hours": "mon-sun 20:00-08:00"}
    days = {"members": "lee", **WEEKLY}
    for instead_of in ("", "lee"):
        one = cover("sam", "2026-12-02T11:00", "2026-12-02T22:00", instead_of)
        on_call = read(one, rota__first=nights, rota__days=days, calendar__night=calendar)
        spans = on_call.spans("first", at("2026-12-02T10:00"), at("2026-12-02T21:00"))
        found = [(span.start, span.duty.person) for span in spans]
        assert found == [
            (at("2026-12-02T10:00"), "lee"),
            (at("2026-12-02T11:00"), "sam"),
            (at("2026-12-02T20:00"), "dana" if instead_of else "sam"),
        ]
        # Of those who ask the other rota itself nobody agreed on anything.
        assert on_call.at("days", at("2026-12-02T12:00")).person == "lee"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({**WEEKLY, "members": ""}, "[rota:first] has no members; list the people who take turns"),
        ({**WEEKLY, "members": "lee, lee"}, "lists 'lee' twice; list each member once."),
        ({**WEEKLY, "members": "lee, lea"}, "names 'lea', who is in no team and not listed"),
        ({**WEEKLY, "handover": "monday"}, "handover is 'monday'; write mon 09:00, daily 09:00"),
        ({**WEEKLY, "handover": "mon 25:00"}, "handover is 'mon 25:00'; write mon 09:00"),
        ({**WEEKLY, "handover": "every 3h"}, "a turn lasts 4 hours to 52 weeks."),
        ({**WEEKLY, "handover": "every 3d"}, "set a day and time such as 2026-12-07 09:00"),
        ({**WEEKLY, "start": "2026-12-02"}, "start is '2026-12-02', a wed, but the handover is on"),
        ({**WEEKLY, "start": ""}, "start is ''; set a day such as 2026-12-07, when the first"),
        (
            {**WEEKLY, "time_zone": "Mars/Base"},
            "time_zone is 'Mars/Base', which is not a time zone",
        ),
        ({**WEEKLY, "fallback": "none"}, "fallback is 'none'; choose another existing rota"),
        ({**WEEKLY, "fallback": "first"}, "fallback is 'first'; choose another existing rota"),
        ({**WEEKLY, "hours": "night"}, "hours is 'night'; choose an existing calendar"),
        ({**WEEKLY, "handovers": "x"}, "[rota:first] has no setting 'handovers'; use members,"),
    ],
)
def test_what_is_wrong_is_reported_in_one_sentence(values, said):
    assert said in problem(**values)


def test_a_malformed_rota_puts_nobody_on_call_and_says_so():
    routing = Routing.from_stanzas({"rota:first": {"members": ""}})
    duty = routing.on_call.at("first", 0.0)
    assert duty.person == "" and "its stanza is malformed" in duty.reason


HANDOVERS = st.one_of(
    st.just({"handover": "mon 02:30", "start": "2026-11-30"}),
    st.just({"handover": "daily 02:30", "start": "2026-11-30"}),
    st.builds(
        lambda number, unit: {"handover": f"every {number}{unit}", "start": "2026-11-30 02:30"},
        st.integers(4, 30),
        st.sampled_from("hd"),
    ),
)
YEARS = st.floats(at("2025-01-01T00:00"), at("2029-01-01T00:00"))


@given(HANDOVERS, st.sampled_from(ZONES), st.integers(1, 5), YEARS, st.integers(1, 4))
@settings(max_examples=150, deadline=None)
def test_turns_follow_each_other_and_everybody_has_equally_many(
    handover, zone, many, moment, cycles
):
    members = ", ".join(PEOPLE[:many])
    rota = {"members": members, "time_zone": zone, **handover}
    on_call = read(rota__first=rota)
    turns = on_call._rotas["first"].handovers
    first = turns.number_at(moment)
    assert turns.begins(first) <= moment < turns.begins(first + 1)
    edges = [turns.begins(first + n) for n in range(many * cycles + 1)]
    assert edges == sorted(set(edges))
    had = Counter(on_call.at("first", edge).person for edge in edges[:-1])
    assert had == dict.fromkeys(PEOPLE[:many], cycles)
    for edge in edges:
        local = turns.local(edge)
        wanted = turns.first + turns.number_at(edge) * turns.step
        # The wall clock shows the handover's time, but where it leaves that time out.
        assert local == wanted or timedelta(0) < local - wanted <= timedelta(hours=1)


DAYS = st.lists(st.integers(1, 28), max_size=4).map(
    lambda days: {"away": ", ".join(f"2027-03-{day:02d}" for day in days)}
)
MARCH = at("2027-03-01T00:00")
MOMENTS = st.floats(0, 31 * 86400)
COVERS = st.lists(
    st.tuples(
        st.sampled_from(PEOPLE), st.sampled_from(("", *PEOPLE[:3])), MOMENTS, st.integers(1, 9)
    ),
    max_size=4,
).map(
    lambda found: [
        Cover(f"COV-{n}", "first", person, MARCH + start, MARCH + start + days * 40_000, for_, "")
        for n, (person, for_, start, days) in enumerate(found)
    ]
)


@given(HANDOVERS, COVERS, st.tuples(DAYS, DAYS, DAYS), MOMENTS, st.booleans())
@settings(max_examples=150, deadline=None)
def test_the_schedule_says_at_any_moment_what_is_true_then(handover, covers, away, offset, nights):
    stanzas = {f"member__{name}": days for name, days in zip(PEOPLE, away)}
    rota = {"members": "dana, lee, sam", "time_zone": "Europe/Berlin", **handover}
    if nights:
        rota["hours"] = "night"
    calendar = {"hours": "mon-sun 20:00-08:00", "time_zone": "America/New_York"}
    on_call = read(*covers, rota__first=rota, calendar__night=calendar, **stanzas)
    spans = on_call.spans("first", MARCH, MARCH + 31 * 86400)
    assert [span.end for span in spans[:-1]] == [span.start for span in spans[1:]]
    moment = MARCH + offset * 0.999
    span = next(one for one in spans if one.start <= moment < one.end)
    duty = on_call.at("first", moment)
    assert span.duty.shown == duty.shown
    # Exactly one person, or the reason why nobody.
    assert duty.reason.startswith(duty.person or "Nobody is on call in rota 'first'")
