"""Which team member gets an incident, and why: shifts, skills, capacity, and vacancies."""

import contextlib

import pytest

from incident_management.incidents import lifecycle, timeline
from incident_management.incidents.act import Act
from incident_management.incidents.clocks import assignment
from incident_management.incidents.editing import edit
from tests.fakes import ManualClock, Unavailable
from tests.unit.incidents.shifts import MONDAY, SATURDAY, kinds, last, opened, owners, routing


@pytest.fixture
def clock():
    return ManualClock(MONDAY)


def test_an_assignment_explains_everyones_load_and_absence(stores, clock):
    conf = routing(member__lee={"away": "2026-11-30"})
    incident_id = opened(stores, clock, conf)

    assert assignment.assign_waiting(stores, clock, conf)["incidents_assigned"] == 1

    entries = timeline.read(stores, incident_id)
    assert [entry.kind for entry in entries] == ["opened", "routed", "assigned"]
    assert entries[1].data["reason"] == (
        "Rule 'payments-high' assigns it to team 'payments': entity 'payments' matches 'pay*'."
    )
    assert entries[2].data == {
        "team": "payments",
        "owner": "dana",
        "vacant": True,
        "reason": "dana of team 'payments' takes the incident: dana has 0 of 5, the least of those "
        "who can take it; lee is off shift until Tue 09:00 Europe/Berlin; kim has 0 of 2.",
    }
    assert stores.incidents.get(incident_id)["status"] == "assigned"


def test_a_hundred_incidents_fill_people_to_their_capacity_and_no_further(stores, clock):
    conf = routing()
    for number in range(100):
        opened(stores, clock, conf, f"pay-{number}", severity=("high", "low")[number % 2])
        clock.advance(1)
    for _turn in range(3):
        assignment.assign_waiting(stores, clock, conf)

    given = owners(stores)
    assert {name: given.count(name) for name in set(given)} == {
        "dana": 5,
        "lee": 5,
        "kim": 2,
        "": 88,
    }
    # The graver ones came first, and of those the oldest.
    assert {d["severity"] for d in stores.incidents.all() if d["owner"]} == {"high"}
    waiting = next(d for d in stores.incidents.all() if not d["owner"])
    assert kinds(stores, waiting["id"]) == ["opened", "routed", "unassigned"]
    assert last(stores, waiting["id"]).data["reason"] == (
        "Nobody in team 'payments' can take the incident now: dana is full with 5 of 5; "
        "lee is full with 5 of 5; kim is full with 2 of 2."
    )


def test_rules_are_not_evaluated_repeatedly_while_nobody_is_on_shift(stores, monkeypatch):
    """5,000 waiting incidents at night and 300 rules would keep the worker busy all the time."""
    clock, conf = ManualClock(SATURDAY), routing()
    for number in range(5):
        opened(stores, clock, conf, f"pay-{number}")
    told: set[tuple[str, str]] = set()
    assert assignment.assign_waiting(stores, clock, conf, told)["incidents_unassigned"] == 5
    asked = []
    monkeypatch.setattr(type(conf), "decide", lambda *given: asked.append(given))

    assert assignment.assign_waiting(stores, clock, conf, told)["incidents_unassigned"] == 0
    assert asked == []


def test_the_least_loaded_takes_the_next_one(stores, clock):
    conf = routing()
    for number in range(4):
        opened(stores, clock, conf, f"pay-{number}")
        clock.advance(1)
        assignment.assign_waiting(stores, clock, conf)
    # dana and lee have as much room as each other, kim has less.
    assert owners(stores) == ["dana", "lee", "kim", "dana"]


def test_weights_make_a_critical_incident_more_work(stores, clock):
    conf = routing(capacity={"critical": "3", "info": "0"})
    for number in range(4):
        opened(stores, clock, conf, f"pay-{number}", severity="critical")
        clock.advance(1)
    opened(stores, clock, conf, "pay-info", severity="info")
    assignment.assign_waiting(stores, clock, conf)
    # kim takes one although it is more than 2: nobody else would. An info is no work at all.
    assert owners(stores) == ["dana", "lee", "kim", "", "dana"]


def test_a_member_who_finishes_work_gets_a_waiting_incident(stores, clock):
    conf = routing(team__payments={"members": "kim"})
    ids = [opened(stores, clock, conf, f"pay-{n}", severity="low") for n in range(3)]
    assignment.assign_waiting(stores, clock, conf)
    waiting = next(i for i in ids if not stores.incidents.get(i)["owner"])
    done = next(i for i in ids if i != waiting)

    assert assignment.assign_waiting(stores, clock, conf)["incidents_assigned"] == 0
    lifecycle.resolve(Act(stores, clock, "kim"), done)
    assert assignment.assign_waiting(stores, clock, conf)["incidents_assigned"] == 1
    assert kinds(stores, waiting) == ["opened", "routed", "unassigned", "assigned"]


def test_an_incident_of_the_weekend_waits_for_monday(stores, clock):
    clock.set(SATURDAY)
    conf = routing()
    incident_id = opened(stores, clock, conf)
    assignment.assign_waiting(stores, clock, conf)
    assert (
        "dana is off shift until Mon 09:00 Europe/Berlin"
        in last(stores, incident_id).data["reason"]
    )
    clock.set(MONDAY - 3600 - 1)
    assignment.assign_waiting(stores, clock, conf)
    assert owners(stores) == [""]
    clock.advance(1)
    assignment.assign_waiting(stores, clock, conf)
    assert owners(stores) == ["dana"]


def test_a_team_that_is_off_shift_falls_back_and_says_so(stores, clock):
    clock.set(MONDAY + 13 * 3600)
    conf = routing(team__payments={"fallback": "night"})
    incident_id = opened(stores, clock, conf)
    assignment.assign_waiting(stores, clock, conf)

    incident = stores.incidents.get(incident_id)
    assert (incident["team"], incident["owner"]) == ("night", "nik")
    assert last(stores, incident_id).data["reason"] == (
        "Nobody in team 'payments' can take the incident now: dana is off shift until Tue 09:00 "
        "Europe/Berlin; lee is off shift until Tue 09:00 Europe/Berlin; kim is off shift until "
        "Tue 09:00 Europe/Berlin. Falling back to team 'night'. nik of team 'night' takes the "
        "incident: nik has 0, the least of those who can take it."
    )


def test_teams_that_fall_back_to_each_other_end(stores, clock):
    clock.set(SATURDAY)
    conf = routing(team__payments={"fallback": "night"}, team__night={"fallback": "payments"})
    incident_id = opened(stores, clock, conf)
    assignment.assign_waiting(stores, clock, conf)
    assert kinds(stores, incident_id)[-1] == "unassigned"


def test_a_rule_can_ask_for_a_skill(stores, clock):
    conf = routing(member__dana={"away": "2026-11-30"})
    incident_id = opened(stores, clock, conf, "orders-db", tags=["Database"])
    assignment.assign_waiting(stores, clock, conf)
    reason = last(stores, incident_id).data["reason"]
    assert owners(stores) == [""]
    assert "lee lacks the skill 'db'; kim lacks the skill 'db'" in reason
    clock.advance(86400)
    assignment.assign_waiting(stores, clock, conf)
    assert owners(stores) == ["dana"]


def test_an_unassignable_incident_is_not_read_again_in_every_turn(stores, clock):
    clock.set(SATURDAY)
    told: set[tuple[str, str]] = set()
    conf = routing()
    first = opened(stores, clock, conf)
    assignment.assign_waiting(stores, clock, conf, told)
    calls = stores.timeline.calls
    for _turn in range(5):
        assert assignment.assign_waiting(stores, clock, conf, told)["incidents_unassigned"] == 0
    assert stores.timeline.calls == calls
    # Another team is another matter, and so is somebody who has come.
    edit(Act(stores, clock, "ann"), first, {"team": "night"})
    assert assignment.assign_waiting(stores, clock, conf, told)["incidents_unassigned"] == 1
    clock.set(MONDAY + 12 * 3600)
    assert assignment.assign_waiting(stores, clock, conf, told)["incidents_assigned"] == 1
    assert told == set()


def test_a_team_that_is_full_holds_no_other_team_up(stores, clock, monkeypatch):
    monkeypatch.setattr(assignment, "MAX_WAITING", 3)
    conf = routing(team__payments={"capacity": "0"}, member__kim={"capacity": "0"})
    for number in range(6):
        opened(stores, clock, conf, f"pay-{number}", severity="critical")
    clock.set(MONDAY + 12 * 3600)
    opened(stores, clock, conf, "web", severity="low")
    assignment.assign_waiting(stores, clock, conf)
    assert [owner for owner in owners(stores) if owner] == ["nik"]


def test_waiting_incidents_are_queried_once_for_all_teams(stores, clock):
    conf = routing(team__payments={"capacity": "0"}, member__kim={"capacity": "0"})
    for name in ("pay-1", "web"):
        opened(stores, clock, conf, name)
    clock.set(SATURDAY)
    told: set[tuple[str, str]] = set()
    assignment.assign_waiting(stores, clock, conf, told)
    assert len(conf.teams) == 2
    reads = stores.incidents.calls
    assignment.assign_waiting(stores, clock, conf, told)
    assert stores.incidents.calls - reads == 2, "what waits, and who has how much"


def test_unassignable_incidents_do_not_block_assignable_ones(stores, clock):
    """More severe ones wait for a skill that nobody on shift has; other members are idle."""
    conf = routing(member__dana={"away": "2026-11-30"})
    for number in range(7):
        opened(stores, clock, conf, f"db-{number}", severity="critical", tags=["database"])
    free = opened(stores, clock, conf, "pay-1", severity="low")
    told: set[tuple[str, str]] = set()
    for _turn in range(3):
        assignment.assign_waiting(stores, clock, conf, told)
    assert stores.incidents.get(free)["owner"] in ("lee", "kim")
    reads = stores.timeline.calls
    assignment.assign_waiting(stores, clock, conf, told)
    assert stores.timeline.calls == reads, "what nobody can take is not read again"


@pytest.mark.parametrize(
    ("team", "owner"),
    [({"calendar": "24x7"}, "nik"), ({}, ""), ({"calendar": "24x7", "capacity": "5"}, "")],
)
def test_only_a_sole_member_without_limits_owns_it_from_the_start(stores, clock, team, owner):
    """For others it must first be known whether they are on shift and have capacity."""
    opened(stores, clock, routing(team__night=team), "search")
    assert owners(stores) == [owner]


def test_a_team_that_assigns_by_hand_is_left_alone(stores, clock):
    conf = routing(team__payments={"assign": "manual"})
    incident_id = opened(stores, clock, conf)
    assignment.assign_waiting(stores, clock, conf)
    assert kinds(stores, incident_id) == ["opened", "routed"]


def test_two_workers_at_once_give_an_incident_to_one_person(stores, clock):
    conf = routing()
    incident_id = opened(stores, clock, conf)
    busy: list[int] = []
    rival = ManualClock(MONDAY + 1)

    def meanwhile(verb, name):
        """Run a second worker from start to end while the first is about to write."""
        if (verb, name) == ("save", "timeline") and not busy:
            busy.append(1)
            assignment.assign_waiting(stores, rival, conf)

    stores.timeline.before = meanwhile
    assignment.assign_waiting(stores, clock, conf)

    entries = timeline.read(stores, incident_id)
    assert [e.kind for e in entries].count("assigned") == 2
    assert [e.kind for e in timeline.effective(entries)].count("assigned") == 1
    assert timeline.verify(entries).ok
    assert (
        stores.incidents.get(incident_id)["owner"] == timeline.effective(entries)[-1].data["owner"]
    )


def test_a_person_who_is_faster_than_the_worker_keeps_it(stores, clock):
    conf = routing()
    incident_id = opened(stores, clock, conf)
    busy: list[int] = []

    def meanwhile(verb, name):
        if (verb, name) == ("save", "timeline") and not busy:
            busy.append(1)
            lifecycle.acknowledge(Act(stores, clock, "ann"), incident_id)

    stores.timeline.before = meanwhile
    assignment.assign_waiting(stores, clock, conf)
    incident = timeline.refresh(stores, incident_id)
    assert "assigned" in kinds(stores, incident_id)
    assert (incident.owner, incident.status) == ("ann", "in_progress")


@pytest.mark.parametrize("moment", range(8))
def test_a_worker_that_is_killed_at_any_store_call_assigns_once(stores, clock, moment):
    conf = routing()
    incident_id = opened(stores, clock, conf)
    stores.fail_after(moment)
    with contextlib.suppress(Unavailable):
        assignment.assign_waiting(stores, clock, conf)
    stores.heal()
    assignment.assign_waiting(stores, clock, conf)
    assert kinds(stores, incident_id).count("assigned") == 1
    timeline.refresh(stores, incident_id)
    assert owners(stores) == ["dana"]
