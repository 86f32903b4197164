"""No message is lost without a word, and none is sent twice, whatever dies whenever."""

from __future__ import annotations

import pytest

from incident_management.notify.channel import dead, retry, sent, unknown
from incident_management.notify.delivery import turns
from incident_management.outside.network import NotConfigured
from tests.unit.notify.services import FakeService, Office


def test_a_notification_is_sent_once():
    office = Office(slack=FakeService())
    assert office.enqueue("entry-1") is True
    office.run(seconds=300)
    assert len(office.services["slack"].arrived) == 1
    document = office.only()
    assert document["state"] == "sent" and document["receipt"] == {"ts": "1.0"}
    assert office.records == [(document["_key"], "sent")]


def test_a_sender_learns_which_message_the_service_may_have_already():
    service = FakeService("marked")
    office = Office(slack=service)
    service.script = [unknown("The answer was lost.")]
    office.enqueue("entry-1")
    office.run(seconds=60)
    office.enqueue("entry-2")
    office.run()
    assert [one.is_repeat for one in service.messages] == [False, True, False]


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
        f"Gave up after {document['attempts']} attempts. Last error: No connection to slack.com "
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


def test_a_round_is_bounded():
    office = Office(slack=FakeService())
    for number in range(120):
        office.enqueue(f"{number:03d}", incident_id=f"INC-20260101-{number:06d}")
    assert office.outbox.deliver_due(office.senders) == {"sent": 50}


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


def test_a_service_that_answers_what_nobody_expects_holds_no_other_up():
    """Jira answers {"issues": 7}: what its sender raises must not end the round for PagerDuty."""
    jira, pagerduty = FakeService(asking="missing"), FakeService()
    jira.script = [TypeError("'int' object is not subscriptable")] * 3
    office = Office(jira=jira, pagerduty=pagerduty)
    office.enqueue("entry-1", "jira", severity="critical")
    office.enqueue("entry-1", "pagerduty", severity="low")
    office.run()
    assert len(pagerduty.arrived) == 1
    waiting = next(d for d in office.stores.outbox.all() if d["channel"] == "jira")
    assert waiting["state"] == "sending" and "can't be read (TypeError)" in waiting["last_error"]
    office.run(seconds=900)
    assert set(office.states()) == {"sent"}


def test_nor_does_one_that_can_not_be_asked_what_arrived(monkeypatch):
    jira, pagerduty = FakeService(), FakeService()
    jira.script = [unknown("No answer.")]
    monkeypatch.setattr(jira, "ask", lambda notification: [][7])
    office = Office(jira=jira, pagerduty=pagerduty)
    office.enqueue("entry-1", "jira", severity="critical")
    office.run()
    office.enqueue("entry-2", "pagerduty", severity="low")
    office.run(seconds=120)
    assert len(pagerduty.arrived) == 1
    monkeypatch.undo()
    office.run(seconds=600)
    assert set(office.states()) == {"sent"}
