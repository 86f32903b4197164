"""No message is lost without a word, and none is sent twice, whatever dies whenever."""

from __future__ import annotations

import threading

import pytest

from incident_management.notify import turns
from incident_management.notify.channel import NotConfigured, dead, retry, sent, unknown
from incident_management.notify.outbox import Outbox
from tests.unit.notify.services import Crash, FakeService, Office


def test_a_notification_is_sent_once():
    office = Office(slack=FakeService())
    assert office.enqueue("entry-1") is True
    office.run(seconds=300)
    assert len(office.services["slack"].arrived) == 1
    document = office.only()
    assert document["state"] == "sent" and document["receipt"] == {"ts": "1.0"}
    assert office.records == [(document["_key"], "sent")]


def test_more_than_a_page_of_notifications_is_sent(monkeypatch):
    monkeypatch.setattr(turns, "PAGE", 2)
    office = Office(slack=FakeService())
    for number in range(5):
        office.enqueue(f"entry-{number}", incident_id=f"INC-20260101-AAAAA{number}")
        office.clock.advance(1)
    office.run(seconds=300)
    assert len(office.services["slack"].arrived) == 5
    assert set(office.states()) == {"sent"}


def test_the_same_entry_is_put_on_the_outbox_once():
    office = Office(slack=FakeService())
    assert office.enqueue("entry-1")
    assert not office.enqueue("entry-1")
    office.run(seconds=300)
    assert not office.enqueue("entry-1")
    office.run(seconds=300)
    assert len(office.services["slack"].arrived) == 1


def test_what_the_service_can_not_take_now_is_sent_later_with_growing_pauses():
    slack = FakeService()
    slack.script = [retry("Slack answered 503.")] * 3
    office = Office(slack=slack)
    office.enqueue("entry-1")
    waits = []
    for _ in range(3):
        office.run()
        document = office.only()
        assert document["state"] == "pending" and document["last_error"] == "Slack answered 503."
        waits.append(document["next_attempt"] - office.clock.now())
        office.clock.advance(waits[-1])
    office.run()
    assert waits == [1.0, 2.0, 4.0]
    assert office.only()["state"] == "sent" and office.only()["attempts"] == 4


def test_retry_after_is_waited_for_by_the_whole_channel():
    slack = FakeService()
    slack.script = [retry("Slack asks to slow down (429).", 30.0)]
    office = Office(slack=slack)
    office.enqueue("entry-1")
    office.enqueue("entry-2", incident_id="INC-20260101-BBBBBB")
    office.run(seconds=25)
    assert slack.arrived == []
    office.run(seconds=10)
    assert len(slack.arrived) == 2


def test_jitter_spreads_retries_and_stays_within_the_backoff():
    slack = FakeService()
    slack.script = [retry("no")] * 2
    office = Office(slack=slack)
    office.outbox = type(office.outbox)(
        office.stores, office.clock, "sh1", office._record, jitter=lambda: 0.999
    )
    office.enqueue("entry-1")
    office.run()
    assert 1.9 < office.only()["next_attempt"] - office.clock.now() <= 2.0


def test_a_service_that_is_down_for_a_day_ends_in_a_dead_letter_that_says_so():
    slack = FakeService()
    slack.script = [retry("No connection to slack.com could be made.")] * 100
    office = Office(slack=slack)
    office.enqueue("entry-1")
    for _ in range(85):
        office.run()
        office.clock.advance(1000)
    assert office.only()["state"] == "pending"
    office.run(seconds=3000)
    document = office.only()
    assert document["state"] == "dead" and document["attempts"] > 80
    assert document["last_error"] == (
        f"Given up after {document['attempts']} attempts; the last: No connection to slack.com "
        "could be made."
    )


def test_a_refusal_is_final_and_the_other_channels_go_on():
    slack = FakeService()
    slack.script = [dead("Slack refused it: is_archived.")]
    office = Office(slack=slack, teams=FakeService())
    office.enqueue("entry-1", "slack")
    office.enqueue("entry-1", "teams")
    office.run(seconds=600)
    assert sorted(office.states()) == ["dead", "sent"]
    assert slack.arrived == [] and len(office.services["teams"].arrived) == 1


def test_a_channel_without_a_token_ends_at_once_in_one_sentence():
    office = Office(slack=FakeService(), teams=FakeService())

    def no_token():
        raise NotConfigured("No Slack token is set: set it under Configuration > Slack.")

    office.senders["slack"] = no_token
    office.enqueue("entry-1", "slack")
    office.enqueue("entry-1", "teams")
    office.run()
    by_channel = {d["channel"]: d for d in office.stores.outbox.all()}
    assert by_channel["slack"]["state"] == "dead"
    assert by_channel["slack"]["last_error"].startswith("No Slack token is set: ")
    assert by_channel["teams"]["state"] == "sent"


def test_resolved_never_overtakes_opened():
    slack = FakeService()
    slack.script = [retry("Slack answered 503.")] * 4
    office = Office(slack=slack)
    office.enqueue("1-opened", event="opened")
    office.run()
    office.enqueue("2-resolved", event="resolved")
    office.enqueue("1-other", event="opened", incident_id="INC-20260101-BBBBBB")
    office.run(seconds=120)
    own = [m.event for m in slack.messages if m.incident_id.endswith("AAAAAA")]
    assert own == ["opened", "resolved"]


def test_resolved_waits_while_it_is_unknown_whether_opened_arrived():
    slack = FakeService(asking="later")
    slack.script = [unknown("No answer.")]
    office = Office(slack=slack)
    office.enqueue("1-opened", event="opened")
    office.enqueue("2-resolved", event="resolved")
    office.run(seconds=600)
    assert [m.event for m in slack.messages] == ["opened"]
    slack.asking = "history"
    office.run(seconds=60)
    assert [m.event for m in slack.messages] == ["opened", "resolved"]


def test_resolved_does_not_wait_for_an_opened_that_died():
    slack = FakeService()
    slack.script = [dead("Slack refused it.")]
    office = Office(slack=slack)
    office.enqueue("1-opened")
    office.enqueue("2-resolved", event="resolved")
    office.run(seconds=60)
    assert office.states() == ["dead", "sent"]


def test_later_messages_go_to_the_first_ones_thread():
    slack = FakeService()
    office = Office(slack=slack)
    for number in range(3):
        office.enqueue(f"{number}-entry")
        office.run()
    assert [dict(m.thread or {}) for m in slack.messages] == [{}, {"ts": "1.0"}, {"ts": "1.0"}]


def test_a_reply_that_began_a_thread_of_its_own_is_gone_on_with():
    first, second = {"channel": "C1", "ts": "1.0"}, {"channel": "C2", "ts": "2.0"}
    slack = FakeService()
    office = Office(slack=slack)
    slack.script = [sent(first), sent({**first, "ts": "1.1", "thread_ts": "1.0"}), sent(second)]
    slack.script += [sent({**second, "ts": "2.1", "thread_ts": "2.0"})] * 2
    for number in range(5):
        office.enqueue(f"{number}-entry")
        office.run()
        office.clock.advance(1)
    assert [dict(m.thread or {}) for m in slack.messages] == [{}, first, first, second, second]


def test_later_messages_go_to_the_ticket_that_the_last_one_went_to():
    first, second = {"ticket": "a", "number": "INC1"}, {"ticket": "b", "number": "INC2"}
    jira = FakeService()
    office = Office(jira=jira)
    jira.script = [sent(first), sent(first), sent(second), sent(second)]
    for number in range(4):
        office.enqueue(f"{number}-entry", "jira")
        office.run()
        office.clock.advance(1)
    assert [dict(m.thread or {}) for m in jira.messages] == [{}, first, first, second]


def test_a_lost_answer_is_settled_by_asking():
    slack = FakeService()
    slack.script = [unknown("Slack did not answer within 20 s.")]
    office = Office(slack=slack)
    office.enqueue("entry-1")
    office.run()
    assert office.only()["state"] == "sending"
    assert "being asked" in office.only()["last_error"]
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
    assert office.outbox.retry(office.only()["_key"])["state"] == "pending"
    office.run(seconds=60)
    assert len(teams.arrived) == 1 and office.only()["state"] == "sent"


def test_a_sent_one_is_not_sent_again_by_anybody():
    office = Office(slack=FakeService())
    office.enqueue("entry-1")
    office.run()
    assert office.outbox.retry(office.only()["_key"])["state"] == "sent"
    office.run(seconds=60)
    assert len(office.services["slack"].arrived) == 1
    assert office.outbox.retry("unknown") is None


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


def test_a_round_is_bounded():
    office = Office(slack=FakeService())
    for number in range(120):
        office.enqueue(f"{number:03d}", incident_id=f"INC-20260101-{number:06d}")
    assert office.outbox.deliver_due(office.senders) == {"sent": 50}


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


@pytest.mark.parametrize("held", [(), ("slack",)])
def test_of_a_channel_that_takes_nothing_not_all_that_waits_is_read_in_each_round(held):
    office = Office(slack=FakeService(), pagerduty=FakeService())
    for number in range(1000):
        office.enqueue(f"{number:04}", incident_id=f"INC-20260101-{number:06}")
    office.enqueue("page", "pagerduty", incident_id="INC-20260101-999999")
    office.services["slack"].script = [retry("Slack answered 503.")]
    read = []
    find = office.stores.outbox.find

    def counted(*asked, **named):
        found = find(*asked, **named)
        read.extend(found)
        return found

    office.stores.outbox.find = counted
    counts = office.outbox.deliver_due(office.senders, held=held)
    assert counts.get("sent") == 1 and len(office.services["pagerduty"].arrived) == 1
    assert len(read) < 300


def test_messages_for_a_held_channel_wait():
    office = Office(slack=FakeService(), teams=FakeService())
    office.enqueue("entry-1", "slack")
    office.enqueue("entry-1", "teams")
    office.outbox.deliver_due(office.senders, held={"slack"})
    assert sorted(office.states()) == ["pending", "sent"]
    office.run()
    assert office.states() == ["sent", "sent"]
