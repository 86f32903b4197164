"""An incident assigned to a team in which nobody can take it waits for that team."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from incident_management.incidents import editing, lifecycle, timeline
from incident_management.incidents.act import Act
from incident_management.incidents.clocks import assignment
from incident_management.incidents.routing import Routing
from incident_management.worker.clocks import Clocks
from tests.fakes import ManualClock
from tests.unit.incidents.shifts import MONDAY, kinds, last, opened, routing

TONIGHT = datetime(2026, 11, 30, 22, 5, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()


@pytest.fixture
def clock():
    return ManualClock(MONDAY)


@pytest.fixture
def mine(stores, clock):
    """Return an incident of dana's."""
    incident_id = opened(stores, clock, routing())
    assignment.assign_waiting(stores, clock, routing())
    return incident_id


def assign(stores, clock, conf, incident_id):
    return assignment.assign(Act(stores, clock, "ann"), conf, incident_id, team="night")


def escalate(stores, clock, conf, incident_id):
    return assignment.escalate(Act(stores, clock, "ann"), conf, incident_id, "stuck", team="night")


def step(stores, clock, conf, incident_id):
    clock.advance(20 * 60)
    Clocks(stores, clock).run(conf)
    return timeline.refresh(stores, incident_id)


HANDING = {
    "by hand": (assign, routing()),
    "escalated": (escalate, routing()),
    "step": (step, routing(escalation__up={"step.1": "15m, team:night"})),
}


@pytest.fixture(params=HANDING)
def handed(request, stores, clock, mine):
    """Assign dana's incident to the night team, during the day."""
    hand_on, conf = HANDING[request.param]
    incident = hand_on(stores, clock, conf, mine)
    assert (incident.team, incident.owner, incident.handed_on) == ("night", "dana", True)
    return conf


def owner(stores, incident_id):
    return timeline.refresh(stores, incident_id).owner


def test_the_first_member_whose_shift_begins_gets_it(stores, clock, mine, handed):
    told: set[tuple[str, str]] = set()
    for _turn in range(3):
        assignment.assign_waiting(stores, clock, handed, told)
    waits = last(stores, mine)
    assert (waits.kind, waits.data["team"], owner(stores, mine)) == ("unassigned", "night", "dana")
    assert "nik is off shift until Mon 22:00" in waits.data["reason"]
    assert waits.data["reason"].endswith("dana keeps the incident until then.")
    assert kinds(stores, mine).count("unassigned") == 1

    clock.set(TONIGHT)
    counts = assignment.assign_waiting(stores, clock, handed, told)
    assert counts == {"incidents_assigned": 1, "incidents_unassigned": 0}
    incident = timeline.refresh(stores, mine)
    assert (incident.team, incident.owner, incident.handed_on) == ("night", "nik", False)
    assert assignment.assign_waiting(stores, clock, handed, told)["incidents_assigned"] == 0


def test_an_interim_owner_who_begins_work_keeps_it(stores, clock, mine, handed):
    lifecycle.acknowledge(Act(stores, clock, "dana"), mine)
    clock.set(TONIGHT)
    assignment.assign_waiting(stores, clock, handed)
    assert owner(stores, mine) == "dana"


def test_an_interim_owner_who_begins_just_before_the_worker_writes_keeps_it(
    stores, clock, mine, handed
):
    clock.set(TONIGHT)

    def acknowledge(verb, name):
        if verb in ("save", "insert"):
            stores.timeline.before = None
            lifecycle.acknowledge(Act(stores, ManualClock(TONIGHT - 1), "dana"), mine)

    stores.timeline.before = acknowledge
    assignment.assign_waiting(stores, clock, handed)
    incident = timeline.refresh(stores, mine)
    assert stores.timeline.before is None
    assert (incident.status, incident.owner) == ("in_progress", "dana")


def test_a_person_who_is_named_meanwhile_gets_it(stores, clock, mine, handed):
    assignment.assign(Act(stores, clock, "ann"), Routing(), mine, owner="zoe")
    clock.set(TONIGHT)
    assignment.assign_waiting(stores, clock, handed)
    assert owner(stores, mine) == "zoe"


def test_a_manually_chosen_owner_from_outside_the_team_stays(stores, clock, mine):
    assignment.assign(Act(stores, clock, "ann"), routing(), mine, owner="zoe", team="payments")
    assignment.assign_waiting(stores, clock, routing())
    assert owner(stores, mine) == "zoe"


def test_a_corrected_owner_stays(stores, clock, mine, handed):
    editing.edit(Act(stores, clock, "ann"), mine, {"owner": "zoe"})
    clock.set(TONIGHT)
    assignment.assign_waiting(stores, clock, handed)
    assert owner(stores, mine) == "zoe"


def test_an_escalation_within_the_team_waits_for_another_member(stores, clock, mine):
    """lee and kim are away today; the escalation because of dana must not go back to dana."""
    away = {"away": "2026-11-30"}
    conf = routing(member__lee=away, member__kim=away)
    assignment.escalate(Act(stores, clock, "ann"), conf, mine, "no answer", team="payments")
    assignment.assign_waiting(stores, clock, conf)
    assert owner(stores, mine) == "dana" and last(stores, mine).kind == "unassigned"
    clock.set(MONDAY + 86400)
    assignment.assign_waiting(stores, clock, conf)
    assert owner(stores, mine) == "lee"


def test_the_final_owner_does_not_restart_the_escalation_path(stores, clock, mine):
    conf = routing(
        team__night={"fallback": "leads"},
        team__leads={"members": "max", "calendar": "night"},
        member__nik={"away": "2026-11-30"},
        escalation__up={
            "team": "payments",
            "step.1": "15m, team:night",
            "step.2": "13h, member:kim",
        },
    )
    clocks = Clocks(stores, clock)
    clock.advance(20 * 60)
    clocks.run(conf)
    clock.set(TONIGHT)
    assignment.assign_waiting(stores, clock, conf)
    assert owner(stores, mine) == "max"
    clock.set(MONDAY + 14 * 3600)
    clocks.run(conf)
    steps = [e.data["step"] for e in timeline.read(stores, mine) if e.kind == "escalation"]
    assert steps == [1, 2]
