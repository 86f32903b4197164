"""A night of on-call people: first line, second line, a handover, and their messages."""

from __future__ import annotations

from incident_management.incidents import lifecycle, timeline
from incident_management.incidents.act import Act
from incident_management.incidents.clocks import assignment, handover
from tests.unit.worker.desk import Desk

DAILY = {"handover": "daily 11:00", "start": "2026-11-30", "time_zone": "Europe/Berlin"}


def desk_on_call(**more):
    """Set up Monday 10:00: until 11:00 lee and zoe are on call, then dana and max."""
    return Desk(
        team__payments={"rota": "first"},
        team__leads={"members": "max, zoe"},
        rota__first={"members": "dana, lee", **DAILY},
        rota__second={"members": "max, zoe", **DAILY},
        announce={"assigned": "slack", "escalation": "slack"},
        member__dana={"slack_id": "U0DANA001"},
        **more,
    )


def told(desk):
    """Return the Slack messages about assignments, in order."""
    desk.announce()
    events = sorted((one["order"], one["event"]) for one in desk.stores.outbox.all())
    return [event for _order, event in events if event in ("assigned", "escalation")]


def test_each_line_is_reported_once_and_the_next_person_at_the_handover():
    desk = desk_on_call(
        escalation__critical={"step.1": "20m, rota:second", "step.2": "", "repeat": "0"}
    )
    desk.open()
    assignment.assign_waiting(desk.stores, desk.clock, desk.routing)
    assert desk.incident["owner"] == "lee"
    desk.until("2026-11-30T10:30")
    assert desk.happened("escalation") == [(1, "zoe", "Mon 10:20")]
    assert desk.incident["rota"] == "second"
    desk.until("2026-11-30T11:00")
    for _worker in range(2):
        handover.hand_over(desk.stores, desk.clock, desk.routing, set())
    assert desk.incident["owner"] == "max"
    assert told(desk) == ["assigned", "escalation", "assigned"]
    desk.wait(60)
    handover.hand_over(desk.stores, desk.clock, desk.routing, set())
    assert told(desk) == ["assigned", "escalation", "assigned"]


def test_a_step_passes_over_who_has_it_and_goes_to_the_next_in_the_order():
    desk = desk_on_call(
        escalation__critical={"step.1": "20m, rota:first", "step.2": "", "repeat": "0"}
    )
    desk.open()
    assignment.assign_waiting(desk.stores, desk.clock, desk.routing)
    desk.until("2026-11-30T10:30")
    assert desk.happened("escalation") == [(1, "dana", "Mon 10:20")]
    reason = timeline.read(desk.stores, desk.id)[-1].data["reason"]
    assert reason.endswith("dana is on call in rota 'first': lee already has the incident.")
    # It is not handed back to lee, who is on call by the rota still.
    handover.hand_over(desk.stores, desk.clock, desk.routing, set())
    assert desk.incident["owner"] == "dana"


def test_where_nobody_is_on_call_the_step_s_team_gets_it_and_that_is_reported():
    desk = desk_on_call(
        calendar__night={"time_zone": "Europe/Berlin", "hours": "mon-sun 22:00-06:00"},
        escalation__critical={
            "step.1": "20m, rota:nights, team:leads",
            "step.2": "40m, rota:nights, channel:slack",
            "repeat": "0",
        },
        rota__nights={"members": "max", **DAILY, "hours": "night"},
    )
    desk.open()
    desk.wait(50)
    assert desk.happened("escalation") == [(1, "max", "Mon 10:20"), (2, "", "Mon 10:40")]
    first, second = (
        entry.data for entry in timeline.read(desk.stores, desk.id) if entry.kind == "escalation"
    )
    off = "Nobody is on call in rota 'nights' until Mon 22:00 Europe/Berlin: the rota is off."
    assert off in first["reason"] and "max of team 'leads' takes the incident" in first["reason"]
    assert off in second["reason"] and "rota" not in second
    assert desk.incident["owner"] == "max"


def test_a_handover_prevented_by_an_acknowledgement_is_not_announced():
    desk = desk_on_call(escalation__critical={"step.1": "2d, team:leads", "step.2": ""})
    desk.open()
    assignment.assign_waiting(desk.stores, desk.clock, desk.routing)
    desk.until("2026-11-30T11:00")

    def meanwhile(verb, _name):
        if verb == "save":
            desk.stores.timeline.before = None
            lifecycle.acknowledge(Act(desk.stores, desk.clock, "lee"), desk.id)

    desk.stores.timeline.before = meanwhile
    handover.hand_over(desk.stores, desk.clock, desk.routing, set())
    assert (desk.incident["owner"], desk.incident["status"]) == ("lee", "in_progress")
    assert told(desk) == ["assigned"]
