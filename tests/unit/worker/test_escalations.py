"""Escalation paths: who is called next, when, and what stops them."""

from __future__ import annotations

from incident_management.incidents import lifecycle
from incident_management.incidents.act import Act
from incident_management.incidents.clocks.escalation import Due
from incident_management.incidents.editing import edit
from incident_management.incidents.routing.policies import Step
from tests.unit.worker.desk import Desk


def test_a_path_is_walked_until_somebody_acknowledges():
    desk = Desk()
    desk.open()
    desk.wait(300)
    assert desk.happened("escalation") == [
        (1, "max", "Mon 10:20"),
        (2, "zoe", "Mon 10:40"),
        (1, "max", "Mon 11:10"),
        (2, "zoe", "Mon 11:30"),
        (1, "max", "Mon 12:00"),
        (2, "zoe", "Mon 12:20"),
    ]
    assert desk.incident["level"] == 6
    assert desk.incident["team"] == "leads"


def test_an_acknowledgement_stops_the_path():
    desk = Desk()
    desk.open()
    desk.wait(30)
    lifecycle.acknowledge(Act(desk.stores, desk.clock, "max"), desk.id)
    desk.wait(300)
    assert len(desk.happened("escalation")) == 1


def test_a_path_can_go_on_until_the_resolve():
    desk = Desk(escalation__critical={"until": "resolved", "repeat": "0"})
    desk.open()
    lifecycle.acknowledge(Act(desk.stores, desk.clock, "max"), desk.id)
    desk.wait(30)
    lifecycle.resolve(Act(desk.stores, desk.clock, "max"), desk.id)
    desk.wait(300)
    assert [step for step, _owner, _time in desk.happened("escalation")] == [1]


def test_a_path_begins_when_the_incident_becomes_grave_enough():
    desk = Desk()
    desk.open("high")
    desk.wait(60)
    edit(Act(desk.stores, desk.clock, "dana"), desk.id, {"severity": "critical"})
    desk.wait(25)
    assert desk.happened("escalation") == [(1, "max", "Mon 11:20")]


def test_a_path_counts_the_hours_it_says():
    desk = Desk("2026-11-27T16:50", escalation__critical={"hours": "team"})
    desk.open()
    desk.until("2026-11-30T09:11", step=300)
    assert desk.happened("escalation") == [(1, "max", "Mon 09:10")]


def test_after_an_outage_each_step_is_taken_once():
    desk = Desk()
    desk.open()
    desk.clock.advance(5 * 3600)
    desk.wait(1)
    assert [step for step, _owner, _time in desk.happened("escalation")] == [1, 2]
    desk.wait(60)
    assert len(desk.happened("escalation")) == 2


def test_a_step_reaches_the_channels_that_it_names():
    desk = Desk()
    desk.open()
    desk.wait(45)
    desk.announce()
    told = [
        (d["channel"], d["event"])
        for d in sorted(desk.stores.outbox.all(), key=lambda d: d["order"])
    ]
    assert [one for one in told if one[0] == "pagerduty"] == [("pagerduty", "escalation")]
    assert [event for channel, event in told if channel == "slack"] == [
        "sla_warning",
        "sla_breached",
        "escalation",
        "escalation",
    ]
    message = next(d["message"] for d in desk.stores.outbox.all() if d["event"] == "sla_breached")
    assert message["headline"] == "Deadline missed"
    assert message["text"] == (
        "Acknowledgement was due by 2026-11-30 09:15 UTC, as 'critical' promises (hours: 24x7)."
    )


def test_a_path_begins_anew_where_it_was_resolved_and_is_back_between_two_looks():
    off = {name: {"disabled": "1"} for name in ("sla__critical", "sla__office")}
    desk = Desk(**off, escalation__critical={"repeat": "0"})
    desk.open()
    desk.wait(60)
    assert [step for step, _owner, _time in desk.happened("escalation")] == [1, 2]
    lifecycle.resolve(Act(desk.stores, desk.clock, "dana"), desk.id)
    lifecycle.reopen(Act(desk.stores, desk.clock, "dana"), desk.id)
    desk.wait(25)
    assert [step for step, _owner, _time in desk.happened("escalation")] == [1, 2, 1]


def test_the_reason_counts_the_rounds_in_words():
    step = Step(2, 60.0)
    said = {
        number: Due("leads", step, number - 1, 0.0, "", "resolved").reason
        for number in (1, 2, 3, 4, 11, 12, 13, 20, 21, 22, 23, 112)
    }
    assert said[1] == "Step 2 of 'leads': nobody acted in time."
    assert [text.split(" the ")[1].split()[0] for number, text in said.items() if number > 1] == [
        *("2nd", "3rd", "4th", "11th", "12th", "13th"),
        *("20th", "21st", "22nd", "23rd", "112th"),
    ]
