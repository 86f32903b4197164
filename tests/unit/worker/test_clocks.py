"""The worker's clocks: each entry once and on time, after any kill and with several workers."""

from __future__ import annotations

import contextlib
import threading

import pytest

from incident_management.incidents import lifecycle, timeline
from incident_management.incidents.act import Act
from incident_management.incidents.clocks import assignment
from incident_management.notify.announcing.announcer import Announcer
from incident_management.worker.clocks import Clocks
from incident_management.worker.stale_documents import refresh_stale
from tests.fakes import ManualClock, Unavailable
from tests.unit.incidents.builders import ingest, signal
from tests.unit.notify.services import Crash
from tests.unit.worker.desk import Desk


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
    desk.announce()
    desk.run(seconds=30)
    assert [m.event for m in desk.services["slack"].messages] == ["sla_breached", "escalation"]


def test_a_step_that_lost_to_an_acknowledgement_takes_nothing_away():
    """The worker had read the timeline before; its entry comes after."""
    desk = Desk()
    desk.open()
    desk.wait(21)
    step = next(e for e in timeline.read(desk.stores, desk.id) if e.kind == "escalation")
    desk.id = desk.open("critical", "pay-2")
    lifecycle.acknowledge(Act(desk.stores, desk.clock, "dana"), desk.id)
    timeline.append(Act(desk.stores, desk.clock, "w"), desk.id, "escalation", step.data, step.once)
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
        desk.announce()
    except (Crash, Unavailable):
        desk.clocks = Clocks(desk.stores, desk.clock)
        desk.announcer = Announcer(desk.stores, desk.clock, desk.worker("sh2"))
    desk.stores.heal()
    desk.clocks.run(desk.routing)
    desk.announce()
    desk.run(seconds=60)

    told = [m.event for m in desk.services["slack"].messages]
    assert told == ["sla_breached", "escalation"]
    refresh_stale(desk.stores, desk.clock)
    assert desk.incident["sla_status"] == "breached"
    entries = timeline.read(desk.stores, desk.id)
    assert timeline.fold(entries).to_document() == desk.incident


def test_more_incidents_than_one_turn_takes_are_all_checked(monkeypatch):
    from incident_management.worker import clocks

    monkeypatch.setattr(clocks, "MAX_AT_ONCE", 7)
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


def test_a_document_that_was_written_late_is_checked():
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


def test_what_a_member_opens_whose_clock_is_ten_minutes_behind_is_escalated():
    """It used to be announced, but its deadlines were never checked."""
    desk = Desk()
    desk.wait(10)
    behind = ManualClock(desk.clock.now() - 600)
    now = behind.now()
    finding = signal("payments", severity="critical", first_time=now, last_time=now)
    (outcome,) = ingest(desk.stores, behind, desk.routing).ingest([finding])
    desk.id = outcome.incident_id
    desk.wait(15)
    assert [step for step, _owner, _time in desk.happened("escalation")] == [1]


def test_a_document_that_was_written_much_too_late_is_checked():
    """The KV store refused writes for 40 minutes; the clocks worked before the repair."""
    desk = Desk()
    desk.clocks.run(desk.routing)
    now = desk.clock.now()
    desk.stores.incidents.fail_after(0)
    finding = signal("payments", severity="critical", first_time=now, last_time=now)
    with pytest.raises(Unavailable):
        ingest(desk.stores, desk.clock, desk.routing).ingest([finding])
    desk.stores.heal()
    desk.wait(40)
    desk.id = desk.stores.timeline.all()[0]["incident_id"]
    assert desk.incident is None
    refresh_stale(desk.stores, desk.clock)
    desk.wait(1)
    assert [step for step, _owner, _time in desk.happened("escalation")] == [1, 2]


def test_a_document_that_an_editor_of_lookups_saved_is_made_anew_and_not_read_again_and_again():
    """Its numbers were texts, so it used to look changed in each round."""
    desk = Desk()
    desk.open()
    desk.clock.advance(400)
    desk.stores.incidents.save([{**desk.incident, "level": "0"}])
    desk.stores.claims.save([{**desk.stores.claims.get(f"clock:{desk.id}"), "time": 0.0}])
    desk.until(desk.clock.now() + 60, step=5.0)
    read = desk.stores.timeline.calls
    desk.until(desk.clock.now() + 120, step=5.0)
    assert desk.stores.timeline.calls == read
    assert desk.incident["level"] == 0


@pytest.mark.parametrize("minutes", [4, 30, 24 * 60])
def test_a_clock_that_ran_ahead_once_silences_nobody(minutes):
    desk = Desk()
    desk.clocks.run(desk.routing)
    desk.clock.advance(60 * minutes)
    desk.open("critical", "while-ahead")
    desk.clock.advance(-60 * minutes)
    desk.open("critical", "victim")
    desk.wait(22)
    assert [step for step, _owner, _time in desk.happened("escalation")] == [1]
    assert ("breached", "acknowledge", "Mon 10:15") in desk.happened()


def test_what_was_opened_while_the_clock_of_the_worker_was_ahead_is_checked():
    """Another member opened it, long enough before the correction to lie before the overlap."""
    desk = Desk()
    desk.clocks.run(desk.routing)
    desk.clock.advance(3600)
    desk.clocks.run(desk.routing)
    desk.clock.advance(-3600)
    now = desk.clock.now()
    finding = signal("payments", severity="critical", first_time=now, last_time=now)
    (outcome,) = ingest(desk.stores, desk.clock, desk.routing).ingest([finding])
    desk.clock.advance(600)
    desk.id = outcome.incident_id
    Clocks(desk.stores, desk.clock).run(desk.routing)
    assert desk.dues()[0] == "Mon 10:15"


def test_a_member_that_is_always_ahead_hides_nobodys_incidents(monkeypatch):
    from incident_management.worker import clocks

    monkeypatch.setattr(clocks, "MAX_AT_ONCE", 7)
    desk = Desk()
    now = desk.clock.now()
    items = [
        signal(f"pay-{n}", severity="critical", first_time=now, last_time=now) for n in range(40)
    ]
    ahead = ManualClock(now + 400)
    Clocks(desk.stores, ahead).run(desk.routing)
    ingest(desk.stores, desk.clock, desk.routing).ingest(items)
    desk.clock.advance(400)  # This member's worker was down for a while.
    ahead.advance(400)
    rival = Clocks(desk.stores, ahead)
    for _turn in range(10):
        rival.run(desk.routing)
        desk.clocks.run(desk.routing)
    assert all(document["sla_ack_due"] for document in desk.stores.incidents.all())


def test_a_sweep_that_is_on_is_followed_by_another_when_the_clock_was_wrong(monkeypatch):
    from incident_management.worker import clocks

    monkeypatch.setattr(clocks, "MAX_AT_ONCE", 7)
    desk = Desk()
    desk.clocks.run(desk.routing)
    items = [signal(f"pay-{n}", severity="critical") for n in range(40)]
    opened = ingest(desk.stores, desk.clock, desk.routing).ingest(items)
    half_way = sorted(one.incident_id for one in opened)[20]
    desk.clock.advance(600)
    reached = desk.stores.claims.get(clocks.CHECKPOINT)
    value = {**reached["value"], "sweeping": True, "after": half_way}
    desk.stores.claims.save([{**reached, "time": desk.clock.now() + 3600, "value": value}])
    for _turn in range(12):
        desk.clocks.run(desk.routing)
    assert all(document["sla_ack_due"] for document in desk.stores.incidents.all())
    assert desk.stores.claims.get(clocks.CHECKPOINT)["value"]["sweeping"] is False


def test_a_week_of_incidents_leaves_no_heap_of_notes():
    desk = Desk("2026-11-23T09:00")
    for day in range(7):
        desk.open("critical", f"pay-{day}")
        desk.wait(60)
        lifecycle.resolve(Act(desk.stores, desk.clock, "dana"), desk.id)
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
                    assignment.assign_waiting(desk.stores, clock, desk.routing)
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
