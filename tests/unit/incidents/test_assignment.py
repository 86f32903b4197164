"""Who of a team gets an incident, and why: shifts, skills, room, and what happens without any."""

import contextlib
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from incident_management.incidents import lifecycle, timeline
from incident_management.incidents.clocks import assignment
from incident_management.incidents.editing import edit
from incident_management.incidents.errors import Invalid
from incident_management.incidents.routing import Routing
from tests.fakes import ManualClock, Unavailable
from tests.fakes.api import FakeApi
from tests.unit.incidents.builders import ingest, signal

# Monday 30 November 2026, 10:00 in Berlin.
MONDAY = datetime(2026, 11, 30, 10, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
SATURDAY = MONDAY - 2 * 86400

STANZAS = {
    "calendar:office": {
        "time_zone": "Europe/Berlin",
        "hours": "mon-fri 09:00-17:00",
        "holidays": "12-25",
    },
    "calendar:night": {"time_zone": "Europe/Berlin", "hours": "mon-fri 22:00-06:00"},
    "team:payments": {"members": "dana, lee, kim", "capacity": "5", "calendar": "office"},
    "team:night": {"members": "nik", "calendar": "night"},
    "member:dana": {"skills": "java, db"},
    "member:kim": {"skills": "java", "capacity": "2"},
    "rule:db": {"order": "1", "tag": "database", "team": "payments", "skills": "db"},
    "rule:payments-high": {"order": "2", "entity": "pay*", "team": "payments"},
    "rule:default": {"team": "night"},
}


def routing(**more):
    stanzas = {name: dict(values) for name, values in STANZAS.items()}
    for name, values in more.items():
        stanzas.setdefault(name.replace("__", ":"), {}).update(values)
    made = Routing.from_stanzas(stanzas)
    assert made.problems == ()
    return made


@pytest.fixture
def clock():
    return ManualClock(MONDAY)


def opened(stores, clock, conf, entity="payments", run=0, **more):
    finding = signal(entity, run, first_time=clock.now() - 60, last_time=clock.now(), **more)
    (outcome,) = ingest(stores, clock, conf).ingest([finding])
    return outcome.incident_id


def owners(stores):
    return [one["owner"] for one in sorted(stores.incidents.all(), key=lambda d: d["opened_at"])]


def kinds(stores, incident_id):
    return [entry.kind for entry in timeline.read(stores, incident_id)]


def last(stores, incident_id):
    return timeline.read(stores, incident_id)[-1]


def test_an_assignment_says_who_has_how_much_and_who_is_away(stores, clock):
    conf = routing(member__lee={"away": "2026-11-30"})
    incident_id = opened(stores, clock, conf)

    assert assignment.place_waiting(stores, clock, conf)["incidents_assigned"] == 1

    entries = timeline.read(stores, incident_id)
    assert [entry.kind for entry in entries] == ["opened", "routed", "assigned"]
    assert entries[1].data["reason"] == (
        "Rule 'payments-high' gives it to team 'payments': entity 'payments' matches 'pay*'."
    )
    assert entries[2].data == {
        "team": "payments",
        "owner": "dana",
        "vacant": True,
        "reason": "dana of team 'payments' takes it: dana has 0 of 5, the least of those who can "
        "take it; lee is off shift until Tue 09:00 Europe/Berlin; kim has 0 of 2.",
    }
    assert stores.incidents.get(incident_id)["status"] == "assigned"


def test_a_hundred_incidents_fill_people_to_their_capacity_and_no_further(stores, clock):
    conf = routing()
    for number in range(100):
        opened(stores, clock, conf, f"pay-{number}", severity=("high", "low")[number % 2])
        clock.advance(1)
    for _turn in range(3):
        assignment.place_waiting(stores, clock, conf)

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
        "Nobody of team 'payments' can take it now: dana is full with 5 of 5; "
        "lee is full with 5 of 5; kim is full with 2 of 2."
    )


def test_the_least_loaded_takes_the_next_one(stores, clock):
    conf = routing()
    for number in range(4):
        opened(stores, clock, conf, f"pay-{number}")
        clock.advance(1)
        assignment.place_waiting(stores, clock, conf)
    # dana and lee have as much room as each other, kim has less.
    assert owners(stores) == ["dana", "lee", "kim", "dana"]


def test_weights_make_a_critical_incident_more_work(stores, clock):
    conf = routing(capacity={"critical": "3", "info": "0"})
    for number in range(4):
        opened(stores, clock, conf, f"pay-{number}", severity="critical")
        clock.advance(1)
    opened(stores, clock, conf, "pay-info", severity="info")
    assignment.place_waiting(stores, clock, conf)
    # kim takes one although it is more than 2: nobody else would. An info is no work at all.
    assert owners(stores) == ["dana", "lee", "kim", "", "dana"]


def test_whoever_finishes_something_gets_what_waits(stores, clock):
    conf = routing(team__payments={"members": "kim"})
    ids = [opened(stores, clock, conf, f"pay-{n}", severity="low") for n in range(3)]
    assignment.place_waiting(stores, clock, conf)
    waiting = next(i for i in ids if not stores.incidents.get(i)["owner"])
    done = next(i for i in ids if i != waiting)

    assert assignment.place_waiting(stores, clock, conf)["incidents_assigned"] == 0
    lifecycle.resolve(stores, clock, done, "kim")
    assert assignment.place_waiting(stores, clock, conf)["incidents_assigned"] == 1
    assert kinds(stores, waiting) == ["opened", "routed", "unassigned", "assigned"]


def test_what_comes_on_the_weekend_waits_for_monday(stores, clock):
    clock.set(SATURDAY)
    conf = routing()
    incident_id = opened(stores, clock, conf)
    assignment.place_waiting(stores, clock, conf)
    assert (
        "dana is off shift until Mon 09:00 Europe/Berlin"
        in last(stores, incident_id).data["reason"]
    )
    clock.set(MONDAY - 3600 - 1)
    assignment.place_waiting(stores, clock, conf)
    assert owners(stores) == [""]
    clock.advance(1)
    assignment.place_waiting(stores, clock, conf)
    assert owners(stores) == ["dana"]


def test_a_team_that_is_off_shift_falls_back_and_says_so(stores, clock):
    clock.set(MONDAY + 13 * 3600)
    conf = routing(team__payments={"fallback": "night"})
    incident_id = opened(stores, clock, conf)
    assignment.place_waiting(stores, clock, conf)

    incident = stores.incidents.get(incident_id)
    assert (incident["team"], incident["owner"]) == ("night", "nik")
    assert last(stores, incident_id).data["reason"] == (
        "Nobody of team 'payments' can take it now: dana is off shift until Tue 09:00 "
        "Europe/Berlin; lee is off shift until Tue 09:00 Europe/Berlin; kim is off shift until "
        "Tue 09:00 Europe/Berlin. It falls back to team 'night'. nik of team 'night' takes it: "
        "nik has 0, the least of those who can take it."
    )


def test_teams_that_fall_back_to_each_other_end(stores, clock):
    clock.set(SATURDAY)
    conf = routing(team__payments={"fallback": "night"}, team__night={"fallback": "payments"})
    incident_id = opened(stores, clock, conf)
    assignment.place_waiting(stores, clock, conf)
    assert kinds(stores, incident_id)[-1] == "unassigned"


def test_a_rule_can_ask_for_a_skill(stores, clock):
    conf = routing(member__dana={"away": "2026-11-30"})
    incident_id = opened(stores, clock, conf, "orders-db", tags=["Database"])
    assignment.place_waiting(stores, clock, conf)
    reason = last(stores, incident_id).data["reason"]
    assert owners(stores) == [""]
    assert "lee lacks 'db'; kim lacks 'db'" in reason
    clock.advance(86400)
    assignment.place_waiting(stores, clock, conf)
    assert owners(stores) == ["dana"]


def test_what_nobody_can_take_is_not_read_again_at_every_turn(stores, clock):
    clock.set(SATURDAY)
    told: set[tuple[str, str]] = set()
    conf = routing()
    first = opened(stores, clock, conf)
    assignment.place_waiting(stores, clock, conf, told)
    calls = stores.timeline.calls
    for _turn in range(5):
        assert assignment.place_waiting(stores, clock, conf, told)["incidents_unassigned"] == 0
    assert stores.timeline.calls == calls
    # Another team is another matter, and so is somebody who has come.
    edit(stores, clock, first, "ann", {"team": "night"})
    assert assignment.place_waiting(stores, clock, conf, told)["incidents_unassigned"] == 1
    clock.set(MONDAY + 12 * 3600)
    assert assignment.place_waiting(stores, clock, conf, told)["incidents_assigned"] == 1
    assert told == set()


def test_a_team_that_is_full_holds_no_other_team_up(stores, clock, monkeypatch):
    monkeypatch.setattr(assignment, "MOST_PLACED", 3)
    conf = routing(team__payments={"capacity": "0"}, member__kim={"capacity": "0"})
    for number in range(6):
        opened(stores, clock, conf, f"pay-{number}", severity="critical")
    clock.set(MONDAY + 12 * 3600)
    opened(stores, clock, conf, "web", severity="low")
    assignment.place_waiting(stores, clock, conf)
    assert [owner for owner in owners(stores) if owner] == ["nik"]


def test_a_team_that_assigns_by_hand_is_left_alone(stores, clock):
    conf = routing(team__payments={"assign": "manual"})
    incident_id = opened(stores, clock, conf)
    assignment.place_waiting(stores, clock, conf)
    assert kinds(stores, incident_id) == ["opened", "routed"]


def test_two_workers_at_once_give_an_incident_to_one_person(stores, clock):
    conf = routing()
    incident_id = opened(stores, clock, conf)
    busy: list[int] = []
    rival = ManualClock(MONDAY + 1)

    def meanwhile(verb, name):
        """A second worker runs from beginning to end while the first is about to write."""
        if (verb, name) == ("save", "timeline") and not busy:
            busy.append(1)
            assignment.place_waiting(stores, rival, conf)

    stores.timeline.before = meanwhile
    assignment.place_waiting(stores, clock, conf)

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
            lifecycle.acknowledge(stores, clock, incident_id, "ann")

    stores.timeline.before = meanwhile
    assignment.place_waiting(stores, clock, conf)
    incident = timeline.refresh(stores, incident_id)
    assert "assigned" in kinds(stores, incident_id)
    assert (incident.owner, incident.status) == ("ann", "in_progress")


@pytest.mark.parametrize("moment", range(8))
def test_a_worker_that_is_killed_at_any_store_call_assigns_once(stores, clock, moment):
    conf = routing()
    incident_id = opened(stores, clock, conf)
    stores.fail_after(moment)
    with contextlib.suppress(Unavailable):
        assignment.place_waiting(stores, clock, conf)
    stores.heal()
    assignment.place_waiting(stores, clock, conf)
    assert kinds(stores, incident_id).count("assigned") == 1
    timeline.refresh(stores, incident_id)
    assert owners(stores) == ["dana"]


# --- by hand ------------------------------------------------------------------------------------


def test_giving_it_to_a_team_gives_it_to_whoever_can_take_it(stores, clock):
    conf = routing(member__dana={"away": "2026-11-30"})
    incident_id = opened(stores, clock, conf, "web")
    incident = assignment.assign(stores, clock, conf, incident_id, "ann", team="payments")
    assert (incident.team, incident.owner) == ("payments", "lee")
    assert "dana is off shift until Tue 09:00" in last(stores, incident_id).data["reason"]


def test_a_named_owner_is_taken_at_their_word(stores, clock):
    incident_id = opened(stores, clock, routing(), "web")
    incident = assignment.assign(
        stores, clock, routing(), incident_id, "ann", owner="zoe", team="payments"
    )
    assert (incident.team, incident.owner) == ("payments", "zoe")
    assert "reason" not in last(stores, incident_id).data


def test_an_escalation_to_a_team_passes_by_who_has_it(stores, clock):
    conf = routing()
    incident_id = opened(stores, clock, conf)
    assignment.place_waiting(stores, clock, conf)
    incident = assignment.escalate(
        stores, clock, conf, incident_id, "ann", "stuck", team="payments"
    )
    assert (incident.owner, incident.level) == ("lee", 1)
    reason = last(stores, incident_id).data["reason"]
    assert (
        reason.startswith("stuck lee of team 'payments' takes it") and "dana has it now" in reason
    )


def test_an_escalation_without_a_target_goes_to_the_next_step_of_the_path(stores, clock):
    conf = routing(
        escalation__up={
            "step.1": "15m, member:dana, channel:slack",
            "step.2": "30m, team:night",
        }
    )
    incident_id = opened(stores, clock, conf)
    first = assignment.escalate(stores, clock, conf, incident_id, "ann", "no answer")
    assert (first.owner, last(stores, incident_id).data["channels"]) == ("dana", ["slack"])
    second = assignment.escalate(stores, clock, conf, incident_id, "ann", "still none")
    # Nobody of the night team works now, so dana keeps it.
    assert (second.team, second.owner, second.level) == ("night", "dana", 2)


def test_an_escalation_without_a_target_and_a_path_is_one_level_up(stores, clock):
    incident_id = opened(stores, clock, routing())
    incident = assignment.escalate(stores, clock, routing(), incident_id, "ann", "loud")
    assert (incident.level, incident.owner, incident.team) == (1, "", "payments")


def test_an_escalation_needs_its_reason_before_anything_else(stores, clock):
    incident_id = opened(stores, clock, routing())
    with pytest.raises(Invalid, match="needs a reason"):
        assignment.escalate(stores, clock, routing(), incident_id, "ann", " ", team="night")


def test_a_team_that_does_not_exist_is_refused_by_name(stores, clock):
    api = FakeApi(stores, clock)
    api.routing_value = routing()
    path = f"/incidents/{opened(stores, clock, api.routing_value)}"
    for method, target, body in (
        ("POST", f"{path}/assign", {"team": "paymets"}),
        ("POST", f"{path}/escalate", {"team": "paymets", "reason": "stuck"}),
        ("PATCH", path, {"team": "paymets"}),
    ):
        status, problem = api.call(method, target, body)
        assert status == 400
        assert "no team 'paymets'" in problem["detail"] and "night, payments" in problem["detail"]
    ids = [path.rpartition("/")[2]]
    _, bulk = api.call(
        "POST", "/incidents/bulk", {"action": "assign", "team": "paymets", "ids": ids}
    )
    assert bulk["results"][0]["status"] == 400


def test_a_team_that_was_taken_out_of_the_file_does_not_bar_other_corrections(stores, clock):
    api = FakeApi(stores, clock)
    path = f"/incidents/{opened(stores, clock, routing())}"
    api.routing_value = Routing.from_stanzas({"team:night": {"members": "nik"}})
    body = {"title": "Other", "severity": "low", "team": "payments"}
    status, incident = api.call("PUT", path, body, headers={"If-Match": "*"})
    assert (status, incident["team"]) == (200, "payments")


def test_the_api_assigns_and_lists_teams_with_their_people(stores, clock):
    api = FakeApi(stores, clock)
    api.routing_value = routing(member__lee={"away": "2026-11-30"})
    incident_id = opened(stores, clock, api.routing_value)
    opened(stores, clock, api.routing_value, "pay-2")
    status, incident = api.call("POST", f"/incidents/{incident_id}/assign", {"team": "payments"})
    assert (status, incident["owner"]) == (200, "dana")

    status, answer = api.call("GET", "/teams")
    assert status == 200
    night, payments = answer["teams"]
    assert (payments["name"], payments["on_shift"]) == ("payments", ["dana", "kim"])
    assert (payments["open_incidents"], payments["unassigned"]) == (2, 1)
    assert payments["people"][0] == {
        "name": "dana",
        "on_shift": True,
        "on_shift_again": "",
        "load": 1,
        "capacity": 5,
        "skills": ["db", "java"],
    }
    assert payments["people"][1]["on_shift_again"] == "Tue 09:00 Europe/Berlin"
    assert night["people"][0]["capacity"] is None
    assert api.call("GET", "/teams", capabilities=["incident_write"])[0] == 403
