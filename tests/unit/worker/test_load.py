"""A night of on-call people as the worker runs it, and the load report's figures of it."""

from __future__ import annotations

from incident_management.incidents import lifecycle
from incident_management.incidents.act import Act
from incident_management.incidents.clocks import assignment
from incident_management.shifts.load.report import load_of
from tests.unit.worker.desk import Desk

DAILY = {"handover": "daily 11:00", "start": "2026-11-30", "time_zone": "Europe/Berlin"}


def at_night():
    """Set up Tuesday 02:00: lee is on call, and max is in the second line."""
    return Desk(
        now="2026-12-01T02:00",
        team__payments={"rota": "first"},
        team__leads={"members": "max, zoe"},
        rota__first={"members": "lee, dana", **DAILY},
        rota__second={"members": "max, zoe", **DAILY},
        escalation__critical={"step.1": "20m, rota:second", "step.2": "", "repeat": "0"},
        announce={"opened": "slack, pagerduty", "assigned": "slack", "escalation": "slack"},
    )


def work(desk, minutes):
    """Let the whole worker work for that long."""
    for _minute in range(minutes):
        assignment.assign_waiting(desk.stores, desk.clock, desk.routing)
        desk.wait(1)
        desk.announce()
        desk.run()


def people(desk):
    load = load_of(desk.stores, desk.routing, "payments", 7, desk.clock.now(), lambda names: {})
    return {one["person"]: one for one in load.people if one["calls"]}, load


def test_what_was_missed_is_the_first_lines_and_what_was_answered_the_seconds():
    desk = at_night()
    desk.open()
    work(desk, 25)
    assert desk.happened("escalation") == [(1, "max", "Tue 02:20")]
    lifecycle.acknowledge(Act(desk.stores, desk.clock, "max"), desk.id)
    work(desk, 5)
    lifecycle.resolve(
        Act(desk.stores, desk.clock, "max"),
        desk.id,
        lifecycle.Ending("Restarted.", feedback="false_positive"),
    )
    work(desk, 5)
    found, load = people(desk)
    assert set(found) == {"lee", "max"}
    lee, second = found["lee"], found["max"]
    # Told on two channels, and of its deadline within the quarter of an hour: one call.
    assert (lee["calls"], lee["on_duty"], lee["nights"], lee["missed"]) == (1, 1, 1, 1)
    assert (second["calls"], second["on_duty"], second["acknowledged"]) == (1, 0, 1)
    assert 180.0 <= second["ack_median"] <= 300.0
    assert (load.totals["judged"], load.totals["noise"], load.totals["night_calls"]) == (2, 2, 2)
    assert load.detections[0]["calls"] == 2


def test_who_takes_an_incident_was_not_called():
    desk = at_night()
    desk.open()
    lifecycle.acknowledge(Act(desk.stores, desk.clock, "dana"), desk.id)
    work(desk, 5)
    found, _load = people(desk)
    assert "dana" not in found
