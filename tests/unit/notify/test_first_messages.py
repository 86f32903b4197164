"""The first message of an incident's thread says where the incident stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from incident_management.incidents.stores import claim_document
from incident_management.notify import first_messages
from incident_management.notify.channel import dead, retry, sent
from incident_management.notify.first_messages import FirstMessages
from incident_management.notify.services.slack_buttons import PRESSES
from tests.unit.notify.desk import INCIDENT, ROUTING, Desk
from tests.unit.notify.services import Crash, FakeService

OTHER = "INC-20260101-BBBBBB"


class FakeSlack(FakeService):
    """Threads a message under the one it is sent in; ``shown`` is what each was changed to."""

    def __init__(self):
        super().__init__()
        self.shown = {}
        self.updates = 0
        self.trouble = []

    def send(self, notification):
        thread = notification.thread or {}
        receipt = {"channel": "C1", "ts": f"{len(self.arrived) + 1}.0"}
        if thread.get("ts"):
            receipt["thread_ts"] = thread["ts"]
        self.script = self.script or [sent(receipt)]
        return super().send(notification)

    def update(self, channel, ts, message, notification_id):
        assert channel == "C1" and notification_id in self.arrived
        step = self.trouble.pop(0) if self.trouble else None
        if step == "die before":
            raise Crash
        if step in (None, "die after"):
            self.shown[ts] = message
            self.updates += 1
        if step == "die after":
            raise Crash
        return step or sent({})


# No summaries: here each incident has a first message.
SINGLY = replace(ROUTING, tell_singly=0)


class ShownDesk(Desk):
    """A desk whose worker also brings first messages up to date; these show ``fields``."""

    def __init__(self):
        super().__init__()
        self.fields: Sequence[Sequence[str]] = ()
        self.slack = self.services["slack"] = FakeSlack()
        self.senders["slack"] = lambda: self.slack
        self.restart()
        self.look()

    def restart(self):
        super().restart()
        self.first = FirstMessages(self.stores, self.clock)

    def look(self):
        return self.first.run(lambda: self.slack, "https://splunk.example", self.fields)

    def turn(self, seconds=5.0):
        self.clock.advance(seconds)
        self.announce(SINGLY)
        self.run()
        self.look()

    def status(self, before, after, incident=INCIDENT, by="dana", **more):
        self.write("status", incident, **{"from": before, "to": after, **more})

    def shows(self, ts="1.0"):
        message = self.slack.shown.get(ts)
        return (message.status, message.severity, message.owner) if message else None


@pytest.fixture
def desk():
    desk = ShownDesk()
    desk.open()
    desk.turn()
    assert len(desk.slack.arrived) == 1
    return desk


def test_what_the_first_message_says_already_is_not_sent_again(desk):
    for _turn in range(3):
        desk.turn()
    assert desk.slack.updates == 0


def test_it_follows_status_severity_and_owner(desk):
    desk.status("new", "in_progress")
    desk.write("assigned", owner="dana", team="payments")
    desk.turn()
    assert desk.shows() == ("in_progress", "high", "dana")
    message = desk.slack.shown["1.0"]
    assert message.headline == "Incident acknowledged by tester"
    assert message.title == "High Error Rate: checkout" and message.event == "standing"
    desk.write("severity", **{"from": "high", "to": "low"})
    desk.turn()
    assert desk.shows() == ("in_progress", "low", "dana")
    assert desk.slack.shown["1.0"].headline == (
        "Incident acknowledged by tester · Severity changed by tester"
    )
    desk.write("role", role="scribe", person="zoe")
    desk.turn()
    assert desk.slack.shown["1.0"].roles == "scribe: zoe"
    desk.turn()
    assert desk.slack.updates == 3
    desk.status("in_progress", "resolved", resolution="Rolled back.")
    desk.turn()
    assert desk.shows() == ("resolved", "low", "dana")
    assert "Rolled back." in desk.slack.shown["1.0"].text
    desk.status("resolved", "new", reason="again")
    desk.turn()
    assert desk.slack.shown["1.0"].headline == "Incident reopened"
    assert desk.slack.updates == 5


def test_of_several_changes_the_last_is_shown_once_and_the_thread_has_them_all(desk):
    desk.status("new", "in_progress")
    desk.write("severity", **{"from": "high", "to": "critical"})
    desk.status("in_progress", "resolved")
    desk.turn()
    assert desk.slack.updates == 1 and desk.shows()[0] == "resolved"
    assert [one.event for one in desk.slack.messages] == ["opened", "resolved"]


def test_more_signals_alone_change_nothing(desk):
    for number in range(5):
        desk.write("signal", signals={f"b{number}": 3})
        desk.turn()
    assert desk.slack.updates == 0


@pytest.mark.parametrize("when", ["die before", "die after"])
def test_a_worker_that_is_killed_leaves_it_to_the_next(desk, when):
    desk.status("new", "in_progress")
    desk.slack.trouble = [when]
    with pytest.raises(Crash):
        desk.turn()
    desk.restart()
    desk.turn()
    assert desk.shows()[0] == "in_progress"
    updates = desk.slack.updates
    desk.turn()
    assert desk.slack.updates == updates


def test_a_slack_that_asks_to_slow_down_is_left_alone_and_gets_the_newest_state(desk):
    desk.status("new", "in_progress")
    desk.slack.trouble = [retry("Slack asks to slow down (429).", 60.0)]
    desk.turn()
    desk.status("in_progress", "resolved")
    for _turn in range(11):
        desk.turn()
    assert desk.slack.updates == 0
    desk.turn(10)
    assert desk.slack.updates == 1 and desk.shows()[0] == "resolved"


def test_a_message_that_was_deleted_or_may_not_be_changed_is_not_tried_again(desk):
    desk.status("new", "in_progress")
    desk.slack.trouble = [dead("Slack rejected the message for C1: edit_window_closed.")] * 2
    desk.turn()
    desk.status("in_progress", "resolved")
    desk.turn()
    desk.restart()
    desk.turn()
    assert desk.slack.updates == 0 and len(desk.slack.trouble) == 1
    assert [one.event for one in desk.slack.messages] == ["opened", "resolved"]


def test_there_are_at_most_three_updates_each_time_and_none_is_left_out():
    desk = ShownDesk()
    many = [f"INC-20260101-{number:06d}" for number in range(10)]
    for incident in many:
        desk.open(incident)
    desk.turn()
    for incident in many:
        desk.status("new", "resolved", incident)
    desk.turn()
    assert desk.slack.updates == 3
    desk.restart()
    for _turn in range(3):
        desk.turn()
    assert desk.slack.updates == 10
    assert {message.status for message in desk.slack.shown.values()} == {"resolved"}


def test_a_turn_of_a_storm_reads_the_messages_of_a_few_incidents_alone(monkeypatch):
    """Those of 500 incidents, with all that was told of each, were read each five seconds."""
    monkeypatch.setattr(first_messages, "AT_ONCE", 10)
    desk = ShownDesk()
    many = [f"INC-20260101-{number:06d}" for number in range(60)]
    for incident in many:
        desk.open(incident)
    for _turn in range(10):
        desk.turn()
    for incident in many:
        desk.status("new", "resolved", incident)
    desk.turn()
    read, find = [], desk.stores.outbox.find

    def counted(*args, **kwargs):
        found = find(*args, **kwargs)
        read.extend(found)
        return found

    desk.stores.outbox.find = counted
    for _turn in range(20):
        read.clear()
        desk.clock.advance(5)
        desk.look()
        assert len(read) <= 4 * first_messages.AT_ONCE
    assert desk.slack.updates == 60


def test_in_a_storm_what_people_work_on_comes_first_and_what_is_over_last():
    desk = ShownDesk()
    many = [f"INC-20260101-{number:06d}" for number in range(40)]
    for incident in many:
        desk.open(incident)
    desk.turn()
    for incident in many[:30]:
        desk.status("new", "resolved", incident)
    desk.turn()
    for incident in many[30:37]:
        desk.write("severity", incident, **{"from": "high", "to": "low"})
    desk.write("severity", many[37], **{"from": "high", "to": "critical"})
    desk.status("new", "in_progress", many[38])
    desk.status("new", "in_progress", many[39])
    desk.write("severity", many[39], **{"from": "high", "to": "critical"})
    desk.restart()
    order: list[str] = []
    for _turn in range(14):
        before = set(desk.slack.shown)
        desk.turn()
        order += [desk.slack.shown[ts].incident_id for ts in desk.slack.shown if ts not in before]
    assert order[:3] == [many[39], many[38], many[37]]
    assert sorted(order[3:10]) == many[30:37], "what else is open, before what is over"
    assert len(order) == 40 - 3 and {one.status for one in desk.slack.shown.values()} == {
        "resolved", "new", "in_progress",
    }  # fmt: skip


def test_a_worker_that_takes_over_in_a_storm_leaves_nothing_out():
    desk = ShownDesk()
    many = [f"INC-20260101-{number:06d}" for number in range(12)]
    for incident in many:
        desk.open(incident)
    desk.turn()
    for number, incident in enumerate(many):
        desk.status("new", "resolved" if number % 2 else "in_progress", incident)
        desk.clock.advance(400)
    for _turn in range(5):
        desk.restart()
        desk.turn()
    assert desk.slack.updates == len(many)


def test_messages_that_can_not_be_changed_cost_no_more_requests_than_others():
    """An archived channel, say: hundreds of refusals in a row would hold up the pages."""
    desk = ShownDesk()
    many = [f"INC-20260101-{number:06d}" for number in range(8)]
    for incident in many:
        desk.open(incident)
    desk.turn()
    for incident in many:
        desk.status("new", "resolved", incident)
    desk.slack.trouble = [dead("Slack rejected the message for C1: is_archived.")] * 20
    desk.turn()
    assert len(desk.slack.trouble) == 17
    for _turn in range(5):
        desk.turn()
    assert len(desk.slack.trouble) == 12, "each is tried once"


def test_a_clock_that_is_put_back_does_not_silence_it(desk):
    desk.status("new", "in_progress")
    desk.slack.trouble = [retry("Slack asks to slow down (429).", 60.0)]
    desk.turn()
    desk.clock.advance(-86400)
    desk.look()
    assert desk.slack.updates == 1


def test_what_changes_while_the_first_message_waits_is_shown_when_it_has_arrived():
    desk = ShownDesk()
    desk.open()
    desk.clock.advance(5)
    desk.announce()
    desk.status("new", "in_progress")
    desk.look()
    assert desk.slack.updates == 0
    desk.turn()
    desk.turn()
    assert desk.shows()[0] == "in_progress"


def test_while_a_press_is_answered_the_message_is_left_to_it(desk):
    """The answer lays it out as it was when the button was pressed."""
    claim = claim_document(
        f"{PRESSES}:k", desk.clock.now(), {"target": INCIDENT}, purpose=PRESSES, holder="sh1"
    )
    desk.stores.claims.insert(claim)
    desk.status("new", "in_progress")
    desk.turn()
    assert desk.slack.updates == 0
    desk.stores.claims.delete(f"{PRESSES}:k")
    desk.turn()
    assert desk.slack.updates == 1


def test_messages_from_before_this_version_stay_as_they_are_until_something_changes(desk):
    desk.status("new", "in_progress")
    desk.clock.advance(3600)
    desk.stores.claims.delete("worker:slack first:checkpoint")
    desk.restart()
    desk.look()
    assert desk.slack.updates == 0
    desk.status("in_progress", "resolved")
    desk.look()
    assert desk.shows()[0] == "resolved"


def test_two_incidents_are_distinguished(desk):
    desk.open(OTHER)
    desk.turn()
    desk.status("new", "resolved", OTHER)
    desk.turn()
    assert desk.shows("1.0") is None and desk.shows("2.0")[0] == "resolved"
