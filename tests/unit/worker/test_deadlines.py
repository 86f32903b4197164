"""Deadlines over simulated days: recorded once, on time, for all kinds of hours."""

from __future__ import annotations

import contextlib
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incident_management.incidents import lifecycle, timeline
from incident_management.incidents.act import Act
from incident_management.incidents.clocks import assignment
from incident_management.incidents.editing import edit
from incident_management.incidents.errors import IllegalMove
from incident_management.incidents.routing import Routing
from incident_management.worker.clocks import Clocks
from tests.fakes.api import FakeApi
from tests.unit.worker.desk import BERLIN, Desk, local


def test_the_clocks_warn_and_breach_once_each_and_on_time():
    desk = Desk()
    desk.open()
    assert desk.dues() == ("Mon 10:15", "Mon 14:00")
    assert desk.incident["sla_status"] == "ok"
    desk.wait(13)
    assert desk.incident["sla_status"] == "warning"
    desk.wait(300)
    assert desk.happened() == [
        ("warning", "acknowledge", "Mon 10:12"),
        ("breached", "acknowledge", "Mon 10:15"),
        ("warning", "resolve", "Mon 13:12"),
        ("breached", "resolve", "Mon 14:00"),
    ]
    assert desk.incident["sla_status"] == "breached"
    lifecycle.resolve(Act(desk.stores, desk.clock, "dana"), desk.id)
    assert desk.incident["sla_status"] == "missed"


def test_what_is_done_in_time_is_met_and_nothing_is_reported():
    desk = Desk()
    desk.open()
    desk.wait(10)
    lifecycle.acknowledge(Act(desk.stores, desk.clock, "dana"), desk.id)
    desk.wait(120)
    lifecycle.resolve(Act(desk.stores, desk.clock, "dana"), desk.id)
    desk.wait(600, step=600)
    assert desk.happened() == []
    assert desk.incident["sla_status"] == "met"


def test_an_acknowledgement_ends_the_first_clock_only():
    desk = Desk()
    desk.open()
    desk.wait(13)
    lifecycle.acknowledge(Act(desk.stores, desk.clock, "dana"), desk.id)
    assert desk.incident["sla_status"] == "ok"
    desk.wait(240)
    assert [event[:2] for event in desk.happened()] == [
        ("warning", "acknowledge"),
        ("warning", "resolve"),
        ("breached", "resolve"),
    ]


def test_a_late_acknowledgement_is_a_breach_even_if_no_worker_saw_it():
    desk = Desk()
    desk.open()
    desk.clock.advance(16 * 60)
    lifecycle.acknowledge(Act(desk.stores, desk.clock, "dana"), desk.id)
    assert desk.incident["sla_status"] == "breached"
    desk.wait(1)
    assert [event[:2] for event in desk.happened()] == [("breached", "acknowledge")]


def test_only_service_hours_count_over_a_weekend():
    desk = Desk("2026-11-27T16:00")
    desk.open("high")
    assert desk.dues() == ("Mon 10:00", "Tue 16:00")
    desk.until("2026-12-02T12:00", step=300)
    assert desk.happened() == [
        ("warning", "acknowledge", "Mon 09:30"),
        ("breached", "acknowledge", "Mon 10:00"),
        ("warning", "resolve", "Tue 12:00"),
        ("breached", "resolve", "Tue 16:00"),
    ]


def test_a_warning_says_how_much_service_time_is_left():
    desk = Desk("2026-11-27T16:30")
    desk.open("high")
    desk.until("2026-11-30T10:05")
    warning = [e for e in timeline.read(desk.stores, desk.id) if e.data.get("event") == "warning"]
    assert warning[0].data["reason"] == (
        "Acknowledgement is due by 2026-11-30 10:30 Europe/Berlin, as 'office' promises "
        "(hours: office). 30 minutes are left."
    )


def test_a_holiday_moves_the_deadline():
    desk = Desk("2026-04-30T16:30")
    desk.open("high")
    assert desk.dues() == ("Mon 10:30", "Tue 16:30")


@pytest.mark.parametrize(
    ("opened", "due"),
    [("2026-03-27T16:00", "Sat 08:00"), ("2026-03-28T16:00", "Sun 09:00")],
)
def test_sixteen_hours_around_the_clock_are_sixteen_hours_when_the_clocks_change(opened, due):
    desk = Desk(opened, sla__office={"hours": "24x7"})
    desk.open("high")
    assert desk.dues()[1] == due


def test_office_hours_of_the_week_after_the_clocks_changed_begin_at_nine():
    desk = Desk("2026-10-23T16:00")
    desk.open("high")
    assert desk.dues() == ("Mon 10:00", "Tue 16:00")
    assert desk.incident["sla_ack_due"] - desk.clock.now() == (2 * 24 + 18 + 1) * 3600


def test_a_graver_severity_gets_its_time_from_the_change():
    desk = Desk()
    desk.open("high")
    desk.wait(60)
    edit(Act(desk.stores, desk.clock, "dana"), desk.id, {"severity": "critical"})
    desk.wait(1)
    assert desk.dues() == ("Mon 11:15", "Mon 15:00")
    assert desk.happened() == []
    desk.wait(15)
    assert desk.happened()[-1] == ("breached", "acknowledge", "Mon 11:15")


def test_a_graver_severity_never_gives_more_time():
    desk = Desk()
    desk.open("high")
    desk.wait(110)
    edit(Act(desk.stores, desk.clock, "dana"), desk.id, {"severity": "critical"})
    desk.wait(1)
    assert desk.dues()[0] == "Mon 12:00"


def test_a_milder_severity_counts_from_the_beginning():
    desk = Desk()
    desk.open("critical")
    desk.wait(14)
    assert desk.incident["sla_status"] == "warning"
    edit(Act(desk.stores, desk.clock, "dana"), desk.id, {"severity": "high"})
    desk.wait(1)
    assert desk.dues() == ("Mon 12:00", "Wed 10:00")
    assert desk.incident["sla_status"] == "ok"


def unrouted(**more):
    """Return a desk whose rules give no team, with an incident of three hours ago."""
    desk = Desk(rule__default={"entity": "no such"}, **more)
    desk.open("high")
    assert desk.incident["team"] == "" and "sla_ack_due" not in desk.incident
    desk.wait(180)
    return desk


def test_a_milder_severity_undoes_no_late_acknowledgement():
    desk = Desk()
    desk.open()
    desk.wait(20)
    lifecycle.acknowledge(Act(desk.stores, desk.clock, "dana"), desk.id)
    desk.wait(1)
    edit(Act(desk.stores, desk.clock, "dana"), desk.id, {"severity": "high"})
    desk.wait(1)
    assert desk.dues() == ("Mon 10:15", "Wed 10:00")
    assert desk.incident["sla_status"] == "breached"


def test_a_team_that_is_given_it_later_has_its_time_from_then():
    desk = unrouted(escalation__office={"team": "pay*", "step.1": "20m, channel:slack"})
    assignment.assign(Act(desk.stores, desk.clock, "ann"), Routing(), desk.id, team="payments")
    desk.wait(1)
    assert desk.dues() == ("Mon 15:00", "Wed 13:00")
    assert desk.happened() == desk.happened("escalation") == []
    desk.wait(20)
    assert desk.happened("escalation") == [(1, "", "Mon 13:20")]
    desk.wait(100)
    assert desk.happened() == [
        ("warning", "acknowledge", "Mon 14:30"),
        ("breached", "acknowledge", "Mon 15:00"),
    ]


def test_what_is_promised_whatever_the_team_counts_from_the_start():
    anybody = {"team": "*", "hours": "24x7"}
    desk = Desk(rule__default={"entity": "no such"}, sla__office=anybody)
    desk.open("high")
    assert desk.dues() == ("Mon 12:00", "Tue 02:00")
    desk.wait(60)
    assignment.assign(Act(desk.stores, desk.clock, "ann"), Routing(), desk.id, team="payments")
    desk.wait(1)
    assert desk.dues() == ("Mon 12:00", "Tue 02:00")


def test_no_promise_means_no_clock():
    desk = Desk()
    desk.open("low")
    desk.wait(60)
    assert desk.incident["sla_status"] == "" and "sla_ack_due" not in desk.incident
    assert [e.kind for e in timeline.read(desk.stores, desk.id)] == ["opened", "routed"]


def test_a_reopening_starts_both_clocks_anew():
    desk = Desk()
    desk.open()
    desk.wait(5)
    lifecycle.acknowledge(Act(desk.stores, desk.clock, "dana"), desk.id)
    lifecycle.resolve(Act(desk.stores, desk.clock, "dana"), desk.id)
    assert desk.incident["sla_status"] == "met"
    desk.wait(55)
    lifecycle.reopen(Act(desk.stores, desk.clock, "dana"), desk.id)
    desk.wait(1)
    assert desk.dues() == ("Mon 11:15", "Mon 15:00")
    desk.wait(20)
    assert desk.happened()[-1] == ("breached", "acknowledge", "Mon 11:15")


def test_a_reopening_can_go_on_with_the_old_deadline():
    desk = Desk(sla__critical={"on_reopen": "continue"})
    desk.open()
    desk.wait(5)
    lifecycle.acknowledge(Act(desk.stores, desk.clock, "dana"), desk.id)
    lifecycle.resolve(Act(desk.stores, desk.clock, "dana"), desk.id)
    desk.wait(55)
    lifecycle.reopen(Act(desk.stores, desk.clock, "dana"), desk.id)
    desk.wait(1)
    assert local(desk.incident["sla_resolve_due"]) == "Mon 14:00"
    assert "sla_ack_due" not in desk.incident


def test_a_merged_incident_has_no_clock_of_its_own_until_it_is_taken_out_again():
    desk = Desk()
    merged, into = desk.open(), desk.open(entity="pay-2")
    api = FakeApi(desk.stores, desk.clock)
    assert api.call("POST", f"/incidents/{merged}/merge", {"into": into})[0] == 200
    desk.wait(60)
    desk.id = merged
    assert (desk.happened(), desk.happened("escalation")) == ([], [])
    assert desk.incident["sla_status"] == "met"
    desk.id = into
    assert ("breached", "acknowledge", "Mon 10:15") in desk.happened()

    assert api.call("POST", f"/incidents/{into}/split", {"incident": merged})[0] == 200
    desk.id = merged
    desk.wait(1)
    assert desk.dues() == ("Mon 11:15", "Mon 15:00")
    desk.wait(20)
    assert desk.happened()[-1] == ("breached", "acknowledge", "Mon 11:15")


def test_an_escalation_does_not_change_what_was_promised():
    desk = Desk()
    desk.open("high")
    assignment.escalate(
        Act(desk.stores, desk.clock, "dana"), Routing(), desk.id, "stuck", team="leads"
    )
    desk.wait(1)
    assert desk.incident["team"] == "leads"
    assert desk.dues() == ("Mon 12:00", "Wed 10:00")


def test_a_changed_conf_moves_the_deadlines_of_open_incidents():
    desk = Desk()
    desk.open()
    desk.routing = Desk(sla__critical={"acknowledge": "30m"}).routing
    desk.wait(1)
    assert desk.dues()[0] == "Mon 10:30"
    desk.routing = Desk().routing
    desk.wait(1)
    assert desk.dues()[0] == "Mon 10:15"
    desk.routing = Routing()
    desk.wait(1)
    assert desk.incident["sla_status"] == ""


def test_the_api_shows_lists_and_counts_what_is_late():
    desk = Desk()
    late = desk.open()
    desk.wait(20)
    desk.open("high", "pay-2")
    api = FakeApi(desk.stores, desk.clock)
    _, answer = api.call("GET", "/incidents", query={"sla_status": "breached, missed"})
    assert [one["id"] for one in answer["incidents"]] == [late]
    assert api.call("GET", "/incidents", query={"sla_status": "late"})[0] == 400
    _, stats = api.call("GET", "/stats")
    assert stats["open"]["by_sla_status"] == {"breached": 1, "ok": 1}
    _, text = api.call("GET", "/metrics")
    assert 'incident_management_open_incidents_sla{sla_status="breached"} 1\n' in text
    _, text = api.call("GET", f"/incidents/{late}/report")
    assert "| Service level | breached, acknowledge by 2026-11-30 09:15:00" in text


def test_without_promises_and_paths_nothing_is_asked_of_the_kv_store():
    desk = Desk()
    calls = desk.stores.claims.calls
    assert Clocks(desk.stores, desk.clock).run(Routing()) == {}
    assert desk.stores.claims.calls == calls + 1
    assert desk.stores.incidents.calls == 0


def test_a_week_with_a_holiday_in_which_the_clocks_change_against_single_minutes():
    desk = Desk("2026-10-23T07:00", calendar__office={"holidays": "2026-10-27"})
    start = desk.clock.now()

    def open_minutes(first):
        minute = first
        while True:
            wall = datetime.fromtimestamp(minute, BERLIN)
            working = wall.weekday() < 5 and 9 <= wall.hour < 17
            if working and wall.date().isoformat() != "2026-10-27":
                yield minute + 60
            minute += 60

    expected = {}
    for number in range(24):
        # Every seven hours and a bit, so at all times of all days.
        desk.until(start + number * 7.25 * 3600, step=900)
        opened = desk.open("medium", f"pay-{number}")
        minutes = open_minutes(desk.clock.now())
        expected[opened] = [next(minutes) for _minute in range(960)][119::840]
    desk.until(start + 15 * 86400, step=900)

    for incident_id, (acknowledge, resolve) in expected.items():
        desk.id = incident_id
        assert desk.incident["sla_ack_due"] == acknowledge
        assert desk.incident["sla_resolve_due"] == resolve
        breaches = [
            (entry.data["clock"], entry.time)
            for entry in timeline.read(desk.stores, incident_id)
            if entry.data.get("event") == "breached"
        ]
        assert [clock for clock, _time in breaches] == ["acknowledge", "resolve"]
        for (_clock, said), due in zip(breaches, (acknowledge, resolve)):
            assert 0 <= said - due <= 900


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["acknowledge", "resolve", "reopen", "critical", "high", "low", "wait"]),
        st.integers(1, 90),
    ),
    max_size=6,
)


@settings(deadline=None, max_examples=25)
@given(ACTIONS, st.integers(1, 240), st.sampled_from(["restart", "continue"]))
def test_how_often_the_worker_looks_does_not_change_how_it_ends(actions, pause, on_reopen):
    """One worker checks every two minutes, another only now and then."""
    desks = [Desk(sla__critical={"on_reopen": on_reopen}) for _desk in range(2)]
    steps = (120.0, 60.0 * pause)
    for desk in desks:
        desk.open("high")
    for action, minutes in actions:
        for desk, step in zip(desks, steps):
            desk.wait(minutes, step)
            with contextlib.suppress(IllegalMove):
                if action in ("critical", "high", "low"):
                    edit(Act(desk.stores, desk.clock, "ann"), desk.id, {"severity": action})
                elif action != "wait":
                    getattr(lifecycle, action)(Act(desk.stores, desk.clock, "ann"), desk.id)
    for desk in desks:
        desk.wait(1)

    often, seldom = (desk.incident for desk in desks)
    for name in ("status", "severity", "sla_ack_due", "sla_resolve_due", "sla_status"):
        assert often.get(name) == seldom.get(name), name
    for desk in desks:
        entries = timeline.read(desk.stores, desk.id)
        onces = [entry.once for entry in entries if entry.kind in ("sla", "escalation")]
        assert len(set(onces)) == len(onces)
        assert timeline.fold(entries).to_document() == desk.incident
