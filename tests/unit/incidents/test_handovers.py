"""Incidents of a team with a rota: who gets them, and what a handover does with them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from incident_management.incidents import covers, lifecycle, timeline
from incident_management.incidents.act import Act
from incident_management.incidents.clocks import assignment, handover
from incident_management.incidents.routing import Routing
from tests.fakes import ManualClock
from tests.unit.incidents.shifts import kinds, last, opened

BERLIN = ZoneInfo("Europe/Berlin")
# Wednesday 2 December 2026, 10:00 in Berlin: dana's turn, until Monday 09:00.
WEDNESDAY = datetime(2026, 12, 2, 10, tzinfo=BERLIN).timestamp()
MONDAY = datetime(2026, 12, 7, 9, tzinfo=BERLIN).timestamp()
PEOPLE = {"dana", "lee", "kim"}
WEEKLY = {"handover": "mon 09:00", "start": "2026-11-30", "time_zone": "Europe/Berlin"}


def routing(**more):
    stanzas = {
        "team:payments": {"members": "dana, lee, kim", "rota": "first", "capacity": "2"},
        "rota:first": {"members": "dana, lee", **WEEKLY},
        "member:kim": {"skills": "db"},
        "rule:db": {"order": "1", "tag": "database", "team": "payments", "skills": "db"},
        "rule:default": {"team": "payments"},
    }
    for name, values in more.items():
        stanzas.setdefault(name.replace("__", ":"), {}).update(values)
    made = Routing.from_stanzas(stanzas)
    assert made.problems == ()
    return made


@pytest.fixture
def clock():
    return ManualClock(WEDNESDAY)


def given(stores, clock, conf, entity="payments", **more):
    incident_id = opened(stores, clock, conf, entity, **more)
    assignment.assign_waiting(stores, clock, conf)
    return incident_id


def owner(stores, incident_id):
    return stores.incidents.get(incident_id)["owner"]


def hand_over(stores, clock, conf, seen=None):
    return handover.hand_over(stores, clock, conf, set() if seen is None else seen)


def covering(stores, clock, hours=24.0, **wanted):
    ends_at = clock.now() + hours * 3600
    body = {"rota": "first", "ends_at": ends_at, **wanted}
    return covers.add(Act(stores, clock, "lee"), body, PEOPLE, {"dana", "lee"}, True)


def test_the_person_on_call_gets_it_and_the_entry_says_why(stores, clock):
    incident_id = given(stores, clock, routing())
    entry = last(stores, incident_id)
    assert (entry.kind, entry.data["owner"], entry.data["rota"]) == ("assigned", "dana", "first")
    assert entry.data["reason"] == (
        "dana is on call in rota 'first', in the turn until Mon 09:00 Europe/Berlin. "
        "dana has 0 of 2."
    )


def test_a_full_or_unskilled_person_on_call_is_skipped_with_a_reason(stores, clock):
    conf = routing()
    ids = [given(stores, clock, conf, f"pay-{n}") for n in range(3)]
    assert [owner(stores, one) for one in ids] == ["dana", "dana", "lee"]
    assert (
        "dana is full with 2 of 2. lee of team 'payments' takes the incident"
        in (last(stores, ids[2]).data["reason"])
    )
    skilled = given(stores, clock, conf, "db", tags=("database",))
    assert owner(stores, skilled) == "kim"
    assert (
        "until Mon 09:00 Europe/Berlin. dana lacks the skill 'db'. kim of"
        in (last(stores, skilled).data["reason"])
    )


def test_a_team_may_have_a_rota_and_no_members(stores, clock):
    conf = routing(team__payments={"members": "", "rota": "first"}, member__dana={}, member__lee={})
    first, second, third = (given(stores, clock, conf, f"pay-{n}") for n in range(3))
    assert [owner(stores, one) for one in (first, second, third)] == ["dana", "dana", ""]
    assert last(stores, third).data["reason"] == (
        "dana is on call in rota 'first', in the turn until Mon 09:00 Europe/Berlin. "
        "dana is full with 2 of 2."
    )


def test_a_cover_counts_from_the_moment_it_is_made(stores, clock):
    conf = routing()
    covering(stores, clock, instead_of="dana")
    incident_id = given(stores, clock, conf)
    assert owner(stores, incident_id) == "lee"
    assert (
        "lee is on call in rota 'first', covering for dana until"
        in (last(stores, incident_id).data["reason"])
    )


def test_an_unacknowledged_incident_is_handed_over_once(stores, clock):
    conf = routing()
    begun, left = given(stores, clock, conf, "pay-1"), given(stores, clock, conf, "pay-2")
    lifecycle.acknowledge(Act(stores, clock, "dana"), begun)
    clock.advance(MONDAY - clock.now() - 1)
    assert hand_over(stores, clock, conf) == {"incidents_handed_over": 0}
    clock.advance(1)
    assert hand_over(stores, clock, conf) == {"incidents_handed_over": 1}
    assert hand_over(stores, clock, conf) == {"incidents_handed_over": 0}
    assert (owner(stores, begun), owner(stores, left)) == ("dana", "lee")
    assert kinds(stores, left) == ["opened", "routed", "assigned", "assigned"]
    assert last(stores, left).data["reason"] == (
        "Handover: dana had not acknowledged the incident. lee is on call in rota 'first', in the "
        "turn until Mon 2026-12-14 09:00 Europe/Berlin. lee has 0 of 2."
    )


def test_a_clock_that_is_behind_or_set_back_gives_nothing_back(stores, clock):
    conf = routing()
    incident_id = given(stores, clock, conf)
    clock.advance(MONDAY - clock.now())
    hand_over(stores, clock, conf)
    behind = ManualClock(MONDAY - 600)
    assert hand_over(stores, behind, conf) == {"incidents_handed_over": 0}
    behind.advance(600)
    assert hand_over(stores, behind, conf) == {"incidents_handed_over": 0}
    assert owner(stores, incident_id) == "lee"
    assert kinds(stores, incident_id).count("assigned") == 2


def in_between(stores, act, next_verb="save"):
    """Do something after entries were read, and before new ones are written."""

    def meanwhile(verb, _name):
        if verb == next_verb:
            stores.timeline.before = None
            act()

    stores.timeline.before = meanwhile


def test_of_two_workers_the_first_hands_over(stores, clock):
    conf = routing()
    incident_id = given(stores, clock, conf)
    clock.advance(MONDAY - clock.now())
    in_between(stores, lambda: hand_over(stores, ManualClock(MONDAY + 1), conf))
    hand_over(stores, clock, conf)
    entries = timeline.read(stores, incident_id)
    assert [entry.kind for entry in entries].count("assigned") == 3
    assert [entry.kind for entry in timeline.effective(entries)].count("assigned") == 2
    assert owner(stores, incident_id) == "lee"


@pytest.mark.parametrize("later", [0.0, 0.5])
def test_an_acknowledgement_in_the_moment_of_the_handover_wins(stores, clock, later):
    conf = routing()
    incident_id = given(stores, clock, conf)
    clock.advance(MONDAY - clock.now())
    then = ManualClock(MONDAY + later)
    in_between(stores, lambda: lifecycle.acknowledge(Act(stores, then, "dana"), incident_id))
    assert hand_over(stores, clock, conf) == {"incidents_handed_over": 1}
    incident = stores.incidents.get(incident_id)
    assert (incident["owner"], incident["status"]) == ("dana", "in_progress")
    # So it does where it is read in the other order, as two clocks may have it.
    entries = timeline.read(stores, incident_id)
    times = iter(range(len(entries), 0, -1))
    turned = timeline.fold([replace(entry, time=MONDAY + next(times)) for entry in entries])
    assert (turned.owner, turned.status) == ("dana", "in_progress")


def test_a_full_person_coming_on_call_leaves_it_and_the_entry_says_so(stores, clock):
    conf = routing()
    incident_id = given(stores, clock, conf)
    for number in range(2):
        other = given(stores, clock, conf, f"other-{number}")
        assignment.assign(Act(stores, clock, "dana"), conf, other, owner="lee")
        lifecycle.acknowledge(Act(stores, clock, "lee"), other)
    clock.advance(MONDAY - clock.now())
    seen: handover.Seen = set()
    hand_over(stores, clock, conf, seen)
    hand_over(stores, clock, conf, seen)
    hand_over(stores, clock, conf)
    entry = last(stores, incident_id)
    assert kinds(stores, incident_id) == ["opened", "routed", "assigned", "note"]
    assert entry.data["text"] == (
        "Handover: lee is on call in rota 'first', in the "
        "turn until Mon 2026-12-14 09:00 Europe/Berlin. lee is full with 2 of 2. "
        "dana keeps the incident."
    )
    assert owner(stores, incident_id) == "dana"


def test_a_manually_assigned_incident_is_not_handed_over(stores, clock):
    conf = routing()
    incident_id = given(stores, clock, conf)
    assignment.assign(Act(stores, clock, "lee"), conf, incident_id, owner="kim")
    clock.advance(MONDAY - clock.now())
    assert hand_over(stores, clock, conf) == {"incidents_handed_over": 0}
    assert owner(stores, incident_id) == "kim"


def test_a_cover_that_begins_or_ends_is_a_handover(stores, clock):
    conf = routing()
    incident_id = given(stores, clock, conf)
    clock.advance(60)
    made = covering(stores, clock, instead_of="dana")
    clock.advance(5)
    hand_over(stores, clock, conf)
    assert owner(stores, incident_id) == "lee"
    clock.advance(60)
    covers.end(Act(stores, clock, "lee"), made.id, False)
    clock.advance(5)
    hand_over(stores, clock, conf)
    assert owner(stores, incident_id) == "dana"


def test_a_storm_at_a_handover_notifies_each_person_once(stores, clock):
    conf = routing(team__payments={"capacity": ""})
    ids = [given(stores, clock, conf, f"pay-{n}") for n in range(30)]
    clock.advance(MONDAY - clock.now())
    seen: handover.Seen = set()
    assert hand_over(stores, clock, conf, seen) == {"incidents_handed_over": 30}
    assert hand_over(stores, clock, conf, seen) == {"incidents_handed_over": 0}
    assert {owner(stores, one) for one in ids} == {"lee"}
    assert seen == set()


def test_a_manual_escalation_goes_to_the_person_on_call_by_the_path(stores, clock):
    conf = routing(
        rota__second={"members": "kim, dana", **WEEKLY},
        escalation__all={"step.1": "10m, rota:second"},
    )
    incident_id = given(stores, clock, conf)
    assignment.escalate(Act(stores, clock, "dana"), conf, incident_id, "Too much for me")
    entry = last(stores, incident_id)
    assert (entry.data["owner"], entry.data["rota"]) == ("kim", "second")
    assert entry.data["reason"].startswith(
        "Too much for me. kim is on call in rota 'second', in the turn until"
    )


def test_a_handover_holds_over_a_change_of_the_clocks(stores):
    before = datetime(2027, 3, 27, 12, tzinfo=BERLIN)
    clock = ManualClock(before.timestamp())
    conf = routing(rota__first={"handover": "daily 09:00"})
    incident_id = given(stores, clock, conf)
    first = owner(stores, incident_id)
    turn = datetime(2027, 3, 28, 9, tzinfo=BERLIN).timestamp()
    assert turn - before.timestamp() == timedelta(hours=20).total_seconds()
    clock.advance(turn - clock.now() - 1)
    assert hand_over(stores, clock, conf) == {"incidents_handed_over": 0}
    clock.advance(1)
    assert hand_over(stores, clock, conf) == {"incidents_handed_over": 1}
    assert owner(stores, incident_id) != first


def test_who_is_on_call_for_longer_than_is_looked_back_is_no_handover_again_and_again(
    stores, clock
):
    conf = routing(rota__first={"handover": "every 4w", "start": "2026-11-09 09:00"})
    incident_id = given(stores, clock, conf)
    for number in range(2):
        other = given(stores, clock, conf, f"other-{number}")
        assignment.assign(Act(stores, clock, "dana"), conf, other, owner="lee")
        lifecycle.acknowledge(Act(stores, clock, "lee"), other)
    clock.advance(MONDAY - clock.now())
    seen: handover.Seen = set()
    for _day in range(20):
        for _round in range(3):
            hand_over(stores, clock, conf, seen)
            clock.advance(5)
        clock.advance(86400)
    assert kinds(stores, incident_id) == ["opened", "routed", "assigned", "note"]


def test_what_was_passed_on_stays_where_the_one_on_call_has_it_for_longer(stores, clock):
    conf = routing(
        rota__first={"members": "dana", "fallback": "second"},
        rota__second={"members": "lee", **WEEKLY},
        escalation__all={"step.1": "10m, rota:first"},
    )
    incident_id = given(stores, clock, conf)
    assignment.escalate(Act(stores, clock, "dana"), conf, incident_id, "Help.")
    for _day in range(20):
        clock.advance(86400)
        hand_over(stores, clock, conf)
    assert owner(stores, incident_id) == "lee"


def test_an_incident_assigned_as_a_cover_begins_is_handed_over(stores, clock):
    conf = routing()
    incident_id = opened(stores, clock, conf)

    behind = ManualClock(clock.now() - 0.5)
    in_between(stores, lambda: covering(stores, behind, instead_of="dana"))
    assignment.assign_waiting(stores, clock, conf)
    assert owner(stores, incident_id) == "dana"
    clock.advance(5)
    hand_over(stores, clock, conf)
    assert owner(stores, incident_id) == "lee"


def test_an_escalation_that_was_decided_just_before_a_handover_is_handed_over(stores, clock):
    conf = routing(escalation__all={"step.1": "10m, rota:first"})
    incident_id = given(stores, clock, conf)
    assignment.assign(Act(stores, clock, "dana"), conf, incident_id, owner="kim")
    clock.advance(MONDAY - clock.now() - 0.5)
    # Who is on call is asked before it, and the entry is written after it.
    in_between(stores, lambda: clock.advance(1), "find")
    stores.timeline.before, meanwhile = None, stores.timeline.before
    stores.covers.before = lambda _verb, _name: setattr(stores.timeline, "before", meanwhile)
    assignment.escalate(Act(stores, clock, "kim"), conf, incident_id, "Help.")
    assert owner(stores, incident_id) == "dana" and clock.now() > MONDAY
    hand_over(stores, clock, conf)
    assert owner(stores, incident_id) == "lee"


def test_a_person_marked_away_today_hands_over_todays_incidents(stores, clock):
    incident_id = given(stores, clock, routing())
    clock.advance(3600)
    hand_over(stores, clock, routing(member__dana={"away": "2026-12-02"}))
    assert owner(stores, incident_id) == "lee"


def test_what_waits_for_another_team_goes_on_waiting_for_it_after_a_handover(stores, clock):
    conf = routing(
        calendar__noon={"time_zone": "Europe/Berlin", "hours": "mon-fri 12:00-13:00"},
        team__leads={"members": "max", "calendar": "noon"},
    )
    incident_id = given(stores, clock, conf)
    assignment.escalate(Act(stores, clock, "dana"), conf, incident_id, "Help.", team="leads")
    assert stores.incidents.get(incident_id)["handed_on"]
    clock.advance(60)
    covering(stores, clock, instead_of="dana")
    hand_over(stores, clock, conf)
    incident = stores.incidents.get(incident_id)
    assert (incident["owner"], incident["team"], incident["handed_on"]) == ("lee", "leads", True)
    clock.advance(2.5 * 3600)
    assignment.assign_waiting(stores, clock, conf)
    assert owner(stores, incident_id) == "max"


def test_a_person_removed_from_the_rota_hands_over_unacknowledged_incidents(stores, clock):
    incident_id = given(stores, clock, routing())
    clock.advance(60)
    without = routing(team__payments={"members": "lee, kim"}, rota__first={"members": "lee"})
    hand_over(stores, clock, without)
    hand_over(stores, clock, without)
    assert owner(stores, incident_id) == "lee"
    assert kinds(stores, incident_id).count("assigned") == 2


def test_without_rotas_a_look_asks_the_kv_store_nothing(stores, clock):
    given(stores, clock, routing())
    before = stores.calls
    hand_over(stores, clock, Routing.from_stanzas({"team:payments": {"members": "dana"}}))
    assert stores.calls == before
    hand_over(stores, clock, routing())
    assert stores.calls == before + 2


def test_since_when_somebody_is_on_call_is_the_same_long_after_a_cover_before_it(stores):
    clock = ManualClock(datetime(2026, 11, 28, 10, tzinfo=BERLIN).timestamp())
    turns = {"members": "lee, dana", "handover": "every 2w", "start": "2026-11-16 09:00"}
    conf = routing(rota__first=turns)
    begun = clock.now()
    covering(stores, clock, 47.0, person="dana", instead_of="lee")
    found = []
    for _time in range(5):
        clock.advance(2.5 * 86400)
        on_call = assignment.with_covers(stores, clock, conf).on_call
        assert on_call.at("first", clock.now()).person == "dana"
        found.append(on_call.since("first", clock.now()))
    # In the end it is longer than is looked back. It is never later, which would be a handover.
    assert found == [begun, begun, begun, 0.0, 0.0]
