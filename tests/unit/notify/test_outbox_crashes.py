"""A message whose answer was lost, or whose process died, is neither lost nor sent twice."""

from __future__ import annotations

import threading
from contextlib import suppress

import pytest

from incident_management.notify.channel import Delivery, unknown
from incident_management.notify.delivery.outbox import Outbox
from tests.unit.notify.services import Crash, FakeService, Office

pytestmark = pytest.mark.one_python


def test_a_lost_answer_is_settled_by_asking():
    slack = FakeService()
    slack.script = [unknown("Slack did not answer within 20 s.")]
    office = Office(slack=slack)
    office.enqueue("entry-1")
    office.run()
    assert office.only()["state"] == "sending"
    assert "Checking whether the message arrived" in office.only()["last_error"]
    office.run(seconds=60)
    assert len(slack.arrived) == 1 and office.only()["state"] == "sent"
    assert office.only()["receipt"] == {"ts": "9.0"}


def test_a_lost_answer_of_a_service_that_can_not_be_asked_stays_unconfirmed():
    teams = FakeService(asking="impossible")
    teams.script = [unknown("No answer.")]
    office = Office(teams=teams)
    office.enqueue("entry-1", "teams")
    office.run(seconds=3600)
    assert len(teams.arrived) == 1 and office.only()["state"] == "unconfirmed"
    assert office.records == [(office.only()["_key"], "unconfirmed")]


def test_a_person_sends_an_unconfirmed_one_again():
    teams = FakeService(asking="impossible")
    teams.script = ["die before"]
    office = Office(teams=teams)
    office.enqueue("entry-1", "teams")
    with pytest.raises(Crash):
        office.run()
    office.run(seconds=300)
    assert office.only()["state"] == "unconfirmed" and teams.arrived == []
    assert office.outbox.retry(office.only()["_key"], lambda _: {})["state"] == "pending"
    office.run(seconds=60)
    assert len(teams.arrived) == 1 and office.only()["state"] == "sent"


@pytest.mark.parametrize("step", [unknown("No answer."), "die after"])
def test_a_lost_answer_of_a_channel_that_is_no_longer_set_up_stays_unconfirmed(step):
    """Dead would say that it was not sent."""
    slack = FakeService()
    slack.script = [step]
    office = Office(slack=slack, teams=FakeService())
    office.enqueue("entry-1")
    with suppress(Crash):
        office.run()
    del office.senders["slack"]
    office.run(seconds=60)
    assert office.states() == ["unconfirmed" if isinstance(step, Delivery) else "pending"]
    office.run(seconds=120)
    document = office.only()
    assert document["state"] == "unconfirmed" and document["attempts"] == 1
    reason = "Delivery can't be checked: There is no channel 'slack': use teams."
    assert document["last_error"] == reason
    assert office.records == [(document["_key"], "unconfirmed")]


def test_what_is_known_of_a_message_counts_also_when_its_channel_is_no_longer_set_up():
    """The store took the outcome, and not the document."""
    office = Office(slack=FakeService())
    office.enqueue("entry-1")
    old = office.only()
    office.run()
    del office.senders["slack"]
    for state in ("pending", "sending"):
        office.stores.outbox.save([{**old, "state": state, "attempts": int(state == "sending")}])
        office.run(seconds=60)
        assert office.states() == ["sent"]


def test_a_sent_one_is_not_sent_again_by_anybody():
    office = Office(slack=FakeService())
    office.enqueue("entry-1")
    office.run()
    assert office.outbox.retry(office.only()["_key"], lambda _: {})["state"] == "sent"
    office.run(seconds=60)
    assert len(office.services["slack"].arrived) == 1
    assert office.outbox.retry("unknown", lambda _: {}) is None


@pytest.mark.parametrize("step", ["die before", "die after"])
@pytest.mark.parametrize("asking", ["history", "harmless", "impossible"])
def test_a_process_that_dies_at_the_send_neither_loses_nor_repeats(step, asking):
    service = FakeService(asking)
    service.script = [step]
    office = Office(slack=service)
    office.enqueue("entry-1")
    with pytest.raises(Crash):
        office.run()
    office.run(seconds=30, worker=office.worker("sh2"))
    assert len(service.arrived) == (1 if step == "die after" else 0), "the lease still runs"
    office.run(seconds=300, worker=office.worker("sh2"))
    state = office.only()["state"]
    if asking == "history":
        assert len(service.arrived) == 1 and state == "sent"
    elif asking == "harmless":
        assert len(set(service.arrived)) == 1 and state == "sent"
    else:
        assert len(service.arrived) <= 1 and state == "unconfirmed"


@pytest.mark.parametrize("asking", ["history", "impossible"])
@pytest.mark.parametrize("moment", range(40))
def test_a_process_killed_at_any_store_call_neither_loses_nor_repeats(asking, moment):
    """Kills the worker ahead of its n-th request to the KV store, for every n."""
    service = FakeService(asking)
    office = Office(slack=service)
    office.enqueue("1-opened", event="opened")
    office.enqueue("2-resolved", event="resolved")
    office.stores.fail_after(moment, Crash)
    try:
        office.run()
        survived = True
    except Crash:
        survived = False
    office.stores.heal()
    for _ in range(3):
        office.run(seconds=200, worker=office.worker("sh2"))
    assert len(service.arrived) == len(set(service.arrived)), "sent twice"
    states = office.states()
    assert set(states) <= {"sent", "unconfirmed"}
    assert {key for key, _state in office.records} == {
        d["_key"] for d in office.stores.outbox.all()
    }, "an outcome is missing on the timeline"
    if asking == "history":
        assert states == ["sent", "sent"]
        assert [m.event for m in service.messages] == ["opened", "resolved"]
    else:
        assert states.count("sent") + states.count("unconfirmed") == 2
        if survived:
            assert states == ["sent", "sent"]


def test_killing_at_every_store_call_covers_the_whole_delivery():
    """The test above really runs past the last call: fewer than 40 are made."""
    office = Office(slack=FakeService())
    office.enqueue("1-opened")
    office.enqueue("2-resolved")
    before = office.stores.calls
    office.run()
    assert 10 < office.stores.calls - before < 40


def test_of_what_a_dead_process_began_the_service_may_tell_later():
    slack = FakeService(asking="later")
    slack.script = ["die after"]
    office = Office(slack=slack)
    office.enqueue("entry-1")
    with pytest.raises(Crash):
        office.run()
    office.run(seconds=300)
    assert (office.only()["state"], office.only()["attempts"]) == ("sending", 1)
    slack.asking = "history"
    office.run(seconds=60)
    assert (office.only()["state"], office.only()["attempts"]) == ("sent", 1)
    assert len(slack.arrived) == 1


def test_a_writer_that_was_overtaken_can_not_cause_a_second_message():
    """It saves an old document over the newest; the claims still know."""
    office = Office(slack=FakeService())
    office.enqueue("entry-1")
    old = office.only()
    office.run()
    office.stores.outbox.save([old])
    office.run(seconds=300)
    assert len(office.services["slack"].arrived) == 1
    assert office.only()["state"] == "sent"


def test_two_workers_at_once_send_each_message_once():
    slack = FakeService()
    office = Office(slack=slack)
    for number in range(60):
        office.enqueue(f"entry-{number}", incident_id=f"INC-20260101-{number:06d}")
    workers = [office.worker(f"sh{number}") for number in range(4)]
    threads = [
        threading.Thread(target=lambda worker=worker: worker.deliver_due(office.senders, 100))
        for worker in workers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    office.run(seconds=300)
    assert len(slack.arrived) == 60 and len(set(slack.arrived)) == 60
    assert set(office.states()) == {"sent"}


def test_a_stopped_clock_in_one_process_does_not_let_it_send_late():
    """It slept between its claim and its send, so long that others may act: it does not send."""
    slack = FakeService()
    office = Office(slack=slack)
    office.enqueue("entry-1")

    def sleep(verb: str, name: str) -> None:
        if (verb, name) == ("insert", "claims"):
            office.clock.advance(100)
            office.stores.claims.before = None

    office.stores.claims.before = sleep
    office.run()
    assert slack.arrived == []
    office.run(seconds=60)
    assert len(slack.arrived) == 1


@pytest.mark.parametrize("step", ["die before", "die after"])
def test_what_a_process_left_that_has_certainly_ended_is_settled_at_once(step):
    """The next process of the same machine does not wait for the lease."""
    service = FakeService()
    service.script = [step]
    office = Office(slack=service)
    office.enqueue("entry-1")
    with pytest.raises(Crash):
        office.run()
    successor = Outbox(
        office.stores, office.clock, "sh1#2", office._record, gone=lambda holder: holder == "sh1"
    )
    office.run(seconds=10, worker=successor)
    assert len(service.arrived) == 1 and office.only()["state"] == "sent"
