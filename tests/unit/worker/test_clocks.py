"""Deadlines and escalations over simulated days: said once, on time, whoever is killed."""

from __future__ import annotations

import contextlib
import threading
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incident_management.incidents import lifecycle, timeline
from incident_management.incidents.clocks import assignment
from incident_management.incidents.editing import edit
from incident_management.incidents.errors import IllegalMove
from incident_management.incidents.routing import Routing
from incident_management.notify.announce import Announcer
from incident_management.worker.clocks import Clocks
from incident_management.worker.tidy import refresh_stale
from tests.fakes import ManualClock, Unavailable
from tests.fakes.api import FakeApi
from tests.unit.incidents.builders import ingest, signal
from tests.unit.notify.services import Crash, FakeService, Office

BERLIN = ZoneInfo("Europe/Berlin")

STANZAS = {
    "calendar:office": {
        "time_zone": "Europe/Berlin",
        "hours": "mon-fri 09:00-17:00",
        "holidays": "2026-05-01",
    },
    "team:payments": {"members": "dana, lee", "calendar": "office"},
    "team:leads": {"members": "max"},
    "rule:default": {"team": "payments"},
    "sla:critical": {
        "severity": "critical",
        "acknowledge": "15m",
        "resolve": "4h",
        "warn_at": "80%",
    },
    "sla:office": {
        "severity": "high, medium",
        "team": "pay*",
        "acknowledge": "2h",
        "resolve": "16h",
        "hours": "team",
        "order": "200",
    },
    "escalation:critical": {
        "severity": "critical",
        "step.1": "20m, team:leads",
        "step.2": "40m, member:zoe, channel:pagerduty",
        "repeat": "2",
        "repeat_every": "30m",
    },
    "announce": {"sla_breached": "slack", "escalation": "slack", "sla_warning": "slack"},
}


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()


def local(moment):
    return datetime.fromtimestamp(moment, BERLIN).strftime("%a %H:%M")


class Desk(Office):
    """Incidents, clocks, a worker, and services that hear of it."""

    def __init__(self, now="2026-11-30T10:00", **more):
        super().__init__(slack=FakeService(), pagerduty=FakeService())
        stanzas = {name: dict(values) for name, values in STANZAS.items()}
        for name, values in more.items():
            stanzas.setdefault(name.replace("__", ":"), {}).update(values)
        self.routing = Routing.from_stanzas(stanzas)
        assert self.routing.problems == ()
        self.clock.set(at(now))
        self.clocks = Clocks(self.stores, self.clock)
        self.announcer = Announcer(self.stores, self.clock, self.outbox)

    def open(self, severity="critical", entity="payments"):
        now = self.clock.now()
        finding = signal(entity, severity=severity, first_time=now, last_time=now)
        (outcome,) = ingest(self.stores, self.clock, self.routing).ingest([finding])
        self.id = outcome.incident_id
        self.clocks.run(self.routing)
        return self.id

    def until(self, moment, step=60.0):
        """Let the worker work until then."""
        end = at(moment) if isinstance(moment, str) else moment
        while self.clock.now() < end:
            self.clock.advance(min(step, end - self.clock.now()))
            self.clocks.run(self.routing)

    def wait(self, minutes, step=60.0):
        self.until(self.clock.now() + 60 * minutes, step)

    def happened(self, kind="sla"):
        """What was said, and when: (event or step, clock, time of the day)."""
        found = []
        for entry in timeline.effective(timeline.read(self.stores, self.id)):
            if entry.kind == "sla" == kind and entry.data["event"] != "timed":
                found.append((entry.data["event"], entry.data["clock"], local(entry.time)))
            if entry.kind == "escalation" == kind:
                found.append((entry.data["step"], entry.data["owner"], local(entry.time)))
        return found

    @property
    def incident(self):
        return self.stores.incidents.get(self.id)

    def dues(self):
        return tuple(local(self.incident[f"sla_{name}_due"]) for name in ("ack", "resolve"))


# --- deadlines ----------------------------------------------------------------------------------


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
    lifecycle.resolve(desk.stores, desk.clock, desk.id, "dana")
    assert desk.incident["sla_status"] == "missed"


def test_what_is_done_in_time_is_met_and_nothing_is_said():
    desk = Desk()
    desk.open()
    desk.wait(10)
    lifecycle.acknowledge(desk.stores, desk.clock, desk.id, "dana")
    desk.wait(120)
    lifecycle.resolve(desk.stores, desk.clock, desk.id, "dana")
    desk.wait(600, step=600)
    assert desk.happened() == []
    assert desk.incident["sla_status"] == "met"


def test_an_acknowledgement_ends_the_first_clock_only():
    desk = Desk()
    desk.open()
    desk.wait(13)
    lifecycle.acknowledge(desk.stores, desk.clock, desk.id, "dana")
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
    lifecycle.acknowledge(desk.stores, desk.clock, desk.id, "dana")
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
        "It is to be acknowledged by 2026-11-30 10:30 Europe/Berlin, as 'office' promises "
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
    edit(desk.stores, desk.clock, desk.id, "dana", {"severity": "critical"})
    desk.wait(1)
    assert desk.dues() == ("Mon 11:15", "Mon 15:00")
    assert desk.happened() == []
    desk.wait(15)
    assert desk.happened()[-1] == ("breached", "acknowledge", "Mon 11:15")


def test_a_graver_severity_never_gives_more_time():
    desk = Desk()
    desk.open("high")
    desk.wait(110)
    edit(desk.stores, desk.clock, desk.id, "dana", {"severity": "critical"})
    desk.wait(1)
    assert desk.dues()[0] == "Mon 12:00"


def test_a_milder_severity_counts_from_the_beginning():
    desk = Desk()
    desk.open("critical")
    desk.wait(14)
    assert desk.incident["sla_status"] == "warning"
    edit(desk.stores, desk.clock, desk.id, "dana", {"severity": "high"})
    desk.wait(1)
    assert desk.dues() == ("Mon 12:00", "Wed 10:00")
    assert desk.incident["sla_status"] == "ok"


def test_what_nobody_promised_has_no_clock():
    desk = Desk()
    desk.open("low")
    desk.wait(60)
    assert desk.incident["sla_status"] == "" and "sla_ack_due" not in desk.incident
    assert [e.kind for e in timeline.read(desk.stores, desk.id)] == ["opened", "routed"]


def test_a_reopening_starts_both_clocks_anew():
    desk = Desk()
    desk.open()
    desk.wait(5)
    lifecycle.acknowledge(desk.stores, desk.clock, desk.id, "dana")
    lifecycle.resolve(desk.stores, desk.clock, desk.id, "dana")
    assert desk.incident["sla_status"] == "met"
    desk.wait(55)
    lifecycle.reopen(desk.stores, desk.clock, desk.id, "dana")
    desk.wait(1)
    assert desk.dues() == ("Mon 11:15", "Mon 15:00")
    desk.wait(20)
    assert desk.happened()[-1] == ("breached", "acknowledge", "Mon 11:15")


def test_a_reopening_can_go_on_with_the_old_deadline():
    desk = Desk(sla__critical={"on_reopen": "continue"})
    desk.open()
    desk.wait(5)
    lifecycle.acknowledge(desk.stores, desk.clock, desk.id, "dana")
    lifecycle.resolve(desk.stores, desk.clock, desk.id, "dana")
    desk.wait(55)
    lifecycle.reopen(desk.stores, desk.clock, desk.id, "dana")
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
    lifecycle.escalate(desk.stores, desk.clock, desk.id, "dana", "stuck", team="leads")
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
    assert "| Service level | breached, acknowledge until 2026\\-11\\-30 09\\:15\\:00" in text


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
    """A worker that looks every two minutes, and one that comes by now and then."""
    desks = [Desk(sla__critical={"on_reopen": on_reopen}) for _desk in range(2)]
    steps = (120.0, 60.0 * pause)
    for desk in desks:
        desk.open("high")
    for action, minutes in actions:
        for desk, step in zip(desks, steps):
            desk.wait(minutes, step)
            with contextlib.suppress(IllegalMove):
                if action in ("critical", "high", "low"):
                    edit(desk.stores, desk.clock, desk.id, "ann", {"severity": action})
                elif action != "wait":
                    getattr(lifecycle, action)(desk.stores, desk.clock, desk.id, "ann")
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


# --- escalation ---------------------------------------------------------------------------------


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
    lifecycle.acknowledge(desk.stores, desk.clock, desk.id, "max")
    desk.wait(300)
    assert len(desk.happened("escalation")) == 1


def test_a_path_can_go_on_until_the_resolve():
    desk = Desk(escalation__critical={"until": "resolved", "repeat": "0"})
    desk.open()
    lifecycle.acknowledge(desk.stores, desk.clock, desk.id, "max")
    desk.wait(30)
    lifecycle.resolve(desk.stores, desk.clock, desk.id, "max")
    desk.wait(300)
    assert [step for step, _owner, _time in desk.happened("escalation")] == [1]


def test_a_path_begins_when_the_incident_becomes_grave_enough():
    desk = Desk()
    desk.open("high")
    desk.wait(60)
    edit(desk.stores, desk.clock, desk.id, "dana", {"severity": "critical"})
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
    desk.announcer.run(desk.routing, "")
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
        "It was to be acknowledged by 2026-11-30 09:15 UTC, as 'critical' promises (hours: 24x7)."
    )


# --- together -----------------------------------------------------------------------------------


def test_two_workers_at_once_escalate_once():
    desk = Desk()
    desk.open()
    desk.clock.advance(21 * 60)
    busy: list[int] = []
    rival = Clocks(desk.stores, ManualClock(desk.clock.now() + 2))

    def meanwhile(verb, name):
        if (verb, name) == ("save", "timeline") and not busy:
            busy.append(1)
            rival.run(desk.routing)

    desk.stores.timeline.before = meanwhile
    desk.clocks.run(desk.routing)
    desk.stores.timeline.before = None

    entries = timeline.read(desk.stores, desk.id)
    assert [e.kind for e in entries].count("escalation") == 2
    assert len(desk.happened("escalation")) == 1
    assert timeline.verify(entries).ok
    assert desk.incident["level"] == 1
    desk.announcer.run(desk.routing, "")
    desk.run(seconds=30)
    assert [m.event for m in desk.services["slack"].messages] == ["sla_breached", "escalation"]


def test_a_step_that_lost_to_an_acknowledgement_takes_nothing_away():
    """The worker had read the timeline before; its entry comes after."""
    desk = Desk()
    desk.open()
    desk.wait(21)
    step = next(e for e in timeline.read(desk.stores, desk.id) if e.kind == "escalation")
    desk.id = desk.open("critical", "pay-2")
    lifecycle.acknowledge(desk.stores, desk.clock, desk.id, "dana")
    timeline.append(desk.stores, desk.clock, desk.id, "escalation", step.data, "w", step.once)
    timeline.refresh(desk.stores, desk.id)
    assert (desk.incident["owner"], desk.incident["level"]) == ("dana", 1)


@pytest.mark.parametrize("moment", range(26))
def test_a_worker_killed_at_any_store_call_says_everything_once(moment):
    desk = Desk()
    desk.open()
    desk.clock.advance(21 * 60)
    desk.stores.fail_after(moment, Crash if moment % 2 else Unavailable)
    try:
        desk.clocks.run(desk.routing)
        desk.announcer.run(desk.routing, "")
    except (Crash, Unavailable):
        desk.clocks = Clocks(desk.stores, desk.clock)
        desk.announcer = Announcer(desk.stores, desk.clock, desk.worker("sh2"))
    desk.stores.heal()
    desk.clocks.run(desk.routing)
    desk.announcer.run(desk.routing, "")
    desk.run(seconds=60)

    told = [m.event for m in desk.services["slack"].messages]
    assert told == ["sla_breached", "escalation"]
    refresh_stale(desk.stores, desk.clock)
    assert desk.incident["sla_status"] == "breached"
    entries = timeline.read(desk.stores, desk.id)
    assert timeline.fold(entries).to_document() == desk.incident


def test_more_incidents_than_one_turn_takes_are_all_looked_at(monkeypatch):
    from incident_management.worker import clocks

    monkeypatch.setattr(clocks, "MOST_AT_ONCE", 7)
    desk = Desk()
    now = desk.clock.now()
    items = [
        signal(f"pay-{n}", severity="critical", first_time=now, last_time=now) for n in range(40)
    ]
    ingest(desk.stores, desk.clock, desk.routing).ingest(items)
    # A worker that lives for one turn only, again and again.
    for _turn in range(30):
        Clocks(desk.stores, desk.clock).run(desk.routing)
    assert {d["sla_status"] for d in desk.stores.incidents.all()} == {"ok"}
    desk.clock.advance(21 * 60)
    for _turn in range(30):
        Clocks(desk.stores, desk.clock).run(desk.routing)
    assert {(d["sla_status"], d["level"]) for d in desk.stores.incidents.all()} == {("breached", 1)}


def test_a_document_that_was_written_late_is_looked_at():
    desk = Desk()
    now = desk.clock.now()
    desk.clocks.run(desk.routing)
    desk.stores.incidents.fail_after(0)
    finding = signal("payments", severity="critical", first_time=now, last_time=now)
    with pytest.raises(Unavailable):
        ingest(desk.stores, desk.clock, desk.routing).ingest([finding])
    desk.stores.heal()
    desk.wait(2)
    desk.id = desk.stores.timeline.all()[0]["incident_id"]
    timeline.refresh(desk.stores, desk.id)
    desk.wait(1)
    assert desk.dues()[0] == "Mon 10:15"


def test_a_week_of_incidents_leaves_no_heap_of_notes():
    desk = Desk("2026-11-23T09:00")
    for day in range(7):
        desk.open("critical", f"pay-{day}")
        desk.wait(60)
        lifecycle.resolve(desk.stores, desk.clock, desk.id, "dana")
        desk.wait(23 * 60, step=600)
    notes = [d for d in desk.stores.claims.all() if d["purpose"] == "clock"]
    assert len(notes) <= 1
    assert {d["sla_status"] for d in desk.stores.incidents.all()} == {"missed"}


def test_three_members_with_failures_in_between_say_everything_once():
    desk = Desk()
    now = desk.clock.now()
    items = [
        signal(f"pay-{n}", severity="critical", first_time=now, last_time=now) for n in range(30)
    ]
    ingest(desk.stores, desk.clock, desk.routing).ingest(items)
    calls, lock, errors = [0], threading.Lock(), []

    def flaky(_verb, _name):
        with lock:
            calls[0] += 1
            if calls[0] % 11 == 0:
                raise Unavailable

    for collection in desk.stores.collections:
        collection.before = flaky

    def member(number):
        clock = ManualClock(now + number)
        worker = Clocks(desk.stores, clock)
        try:
            for _turn in range(40):
                clock.advance(60)
                with contextlib.suppress(Unavailable):
                    assignment.place_waiting(desk.stores, clock, desk.routing)
                with contextlib.suppress(Unavailable):
                    worker.run(desk.routing)
        except Exception as error:  # noqa: BLE001 - a thread must not fail in silence
            errors.append(error)

    threads = [threading.Thread(target=member, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    desk.stores.heal()
    for collection in desk.stores.collections:
        collection.before = None
    desk.clock.set(now + 41 * 60)
    desk.clocks.run(desk.routing)

    assert errors == []
    for document in desk.stores.incidents.all():
        desk.id = document["id"]
        incident = timeline.refresh(desk.stores, desk.id)
        entries = timeline.read(desk.stores, desk.id)
        assert timeline.verify(entries, incident.head).ok
        assert [event[:2] for event in desk.happened()].count(("breached", "acknowledge")) == 1
        assert [step for step, _o, _t in desk.happened("escalation")] == [1, 2]
        assert (incident.sla_status, incident.level) == ("breached", 2)
        assert [e.kind for e in timeline.effective(entries)].count("assigned") == 1
