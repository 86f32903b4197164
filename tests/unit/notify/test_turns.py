"""Whose turn it is: what is grave waits for nothing lesser, and no channel for another."""

from __future__ import annotations

from typing import Any, Callable, List

from incident_management.notify.channel import Delivery, Notification, retry, sent, unknown
from tests.unit.notify.services import FakeService, Office

HOUR = 3600.0
DOWN = retry("No connection to slack.com could be made.")


class SlowService(FakeService):
    """Takes 20 seconds for each message; the clock is the office's."""

    clock: Any = None

    def send(self, notification: Notification) -> Delivery:
        self.clock.advance(20)
        return super().send(notification)


class LateService(FakeService):
    """Something happens before it takes its first message."""

    before_the_first: Callable[[], None]

    def send(self, notification: Notification) -> Delivery:
        if not self.arrived:
            self.before_the_first()
        return super().send(notification)


class DownService(FakeService):
    """Refuses connections until it is up again; ``spoiled`` are messages that it never takes."""

    def __init__(self) -> None:
        super().__init__()
        self.is_up = False
        self.spoiled: List[str] = []
        self.tried = 0

    def send(self, notification: Notification) -> Delivery:
        self.tried += 1
        if not self.is_up or notification.incident_id in self.spoiled:
            return DOWN
        return super().send(notification)


def incident(number: int) -> str:
    return f"INC-20260101-{number:06d}"


def backlog(office: Office, count: int, channel: str = "slack", severity: str = "low") -> None:
    for number in range(count):
        office.enqueue(
            f"{channel}-{number:05d}", channel, incident_id=incident(number), severity=severity
        )
        office.clock.advance(0.01)


def test_what_is_gravest_goes_first_and_of_equals_the_oldest():
    slack = FakeService()
    office = Office(slack=slack)
    backlog(office, 120)
    for severity in ("high", "critical"):
        office.enqueue(severity, incident_id=f"INC-20260101-{severity}", severity=severity)
    office.run()
    assert [m.incident_id[13:] for m in slack.messages[:4]] == [
        "critical",
        "high",
        "000000",
        "000001",
    ]


def test_a_grave_message_takes_with_it_what_its_incident_was_to_say_before():
    """It was opened as a low one, behind a long queue, and is critical now."""
    slack = FakeService()
    office = Office(slack=slack)
    backlog(office, 300)
    office.enqueue("1-opened", severity="low")
    office.enqueue("2-worse", event="severity", severity="critical")
    office.run()
    assert [m.event for m in slack.messages[:2]] == ["opened", "severity"]
    assert len(slack.arrived) == len(set(slack.arrived)) == 50


def test_a_backlog_of_one_channel_holds_no_other_up():
    office = Office(slack=FakeService(), pagerduty=FakeService())
    backlog(office, 400, severity="critical")
    office.enqueue("page", "pagerduty", severity="low")
    office.run()
    assert len(office.services["pagerduty"].arrived) == 1
    assert len(office.services["slack"].arrived) == 50


def test_a_slow_service_has_one_turn_in_a_round():
    slow = SlowService()
    office = Office(**{"webhook:slow": slow, "pagerduty": FakeService()})
    slow.clock = office.clock
    backlog(office, 50, "webhook:slow", "critical")
    office.enqueue("page", "pagerduty", severity="critical")
    began = office.clock.now()
    office.run()
    assert len(slow.arrived) == 1 and len(office.services["pagerduty"].arrived) == 1
    assert office.clock.now() - began < 30


def test_a_service_that_is_down_is_tried_ever_less_often_and_at_once_when_it_is_back():
    slack = DownService()
    office = Office(slack=slack)
    backlog(office, 200, severity="high")
    office.run(seconds=600)
    assert 15 <= slack.tried <= 40
    slack.is_up = True
    office.run(seconds=35)
    assert len(slack.arrived) >= 50


def test_a_service_without_an_answer_is_asked_ever_less_often():
    slack = FakeService(asking="later")
    slack.script = [unknown("Slack did not answer within 20 s.")] * 1000
    office = Office(slack=slack)
    backlog(office, 200)
    office.run(seconds=600)
    assert slack.asked + len(slack.arrived) <= 40


def test_what_waits_for_a_channel_that_rests_is_not_read_again_and_again():
    office = Office(slack=DownService(), teams=FakeService())
    backlog(office, 1000)
    office.run(seconds=300)
    read: List[int] = []
    real = office.stores.outbox.find

    def find(*given: Any, **named: Any) -> Any:
        found = real(*given, **named)
        read.append(len(found))
        return found

    office.stores.outbox.find = find
    office.outbox.deliver_due(office.senders)
    office.outbox.deliver_due(office.senders)
    assert sum(read) <= 400


def test_a_service_that_is_down_overnight_costs_no_message():
    slack = DownService()
    office = Office(slack=slack)
    backlog(office, 3, severity="critical")
    for _ in range(int(9 * HOUR / 60)):
        office.run()
        office.clock.advance(60)
    assert office.states() == ["pending"] * 3
    slack.is_up = True
    office.run(seconds=1000)
    assert office.states() == ["sent"] * 3
    assert len(slack.arrived) == len(set(slack.arrived)) == 3


def test_a_message_that_a_service_takes_least_of_all_is_given_up_alone():
    """Others went through meanwhile: its incident's next messages wait for it no day long."""
    slack = DownService()
    slack.is_up = True
    office = Office(slack=slack)
    slack.spoiled = ["INC-20260101-AAAAAA"]
    office.enqueue("1-opened")
    office.enqueue("2-resolved", event="resolved", incident_id="INC-20260101-AAAAAA")
    for number in range(300):
        office.enqueue(f"other-{number:03d}", incident_id=incident(number))
        office.run()
        office.clock.advance(60)
    spoiled = [d for d in office.stores.outbox.all() if d["order"] == "1-opened"]
    assert spoiled[0]["state"] == "dead" and spoiled[0]["attempts"] == 20
    assert len(slack.arrived) == 300


def test_a_retry_that_a_person_asks_for_has_a_day_of_its_own():
    slack = DownService()
    office = Office(slack=slack)
    office.enqueue("1-opened")
    for _ in range(26):
        office.run(seconds=HOUR)
    assert office.states() == ["dead"]
    office.outbox.retry(office.only()["_key"], lambda _: {})
    office.run(seconds=5 * HOUR)
    assert office.states() == ["pending"]
    slack.is_up = True
    office.run(seconds=HOUR)
    assert office.states() == ["sent"]


def test_sent_ones_come_once_however_the_pages_of_the_queue_lie():
    slack = FakeService()
    slack.script = [sent({"ts": "1.0"})]
    office = Office(slack=slack, teams=FakeService())
    backlog(office, 450)
    backlog(office, 450, "teams", "medium")
    office.run(seconds=60)
    for service in office.services.values():
        assert len(service.arrived) == len(set(service.arrived)) == 450


def test_what_another_worker_sends_meanwhile_hides_nothing_behind_it():
    """A lane that waits for its first message stands before the rest of the queue."""
    slack = LateService()
    office = Office(slack=slack)
    for number in range(150):
        office.enqueue(f"lane-{number:03d}", incident_id=incident(999_999))
    first = min(office.stores.outbox.all(), key=lambda one: one["order"])
    office.stores.outbox.save([{**first, "next_attempt": office.clock.now() + HOUR}])
    backlog(office, 300)

    def another_worker() -> None:
        lane = office.stores.outbox.find({"incident_id": incident(999_999)})
        office.stores.outbox.save([{**one, "state": "sent"} for one in lane])

    slack.before_the_first = another_worker
    office.outbox.deliver_due(office.senders, 1000)
    assert len(set(slack.arrived)) == len(slack.arrived) == 300


def test_of_more_than_a_page_of_one_moment_each_has_its_turn():
    slack = FakeService()
    office = Office(slack=slack)
    for number in range(700):
        office.enqueue(f"opened-{number:03d}", incident_id=incident(number))
    office.outbox.deliver_due(office.senders, 1000)
    assert len(set(slack.arrived)) == len(slack.arrived) == 700


def test_what_an_older_version_put_there_without_an_urgency_is_sent_too():
    """What has no value comes first in an order, and is in no range (MongoDB's comparison)."""
    slack = FakeService()
    office = Office(slack=slack)
    for number in range(700):
        office.enqueue(f"opened-{number:03d}", incident_id=incident(number))
    for one in office.stores.outbox.all()[:450]:
        del one["urgency"]
        office.stores.outbox.save([one])
    for _round in range(3):
        office.outbox.deliver_due(office.senders, 1000)
    assert len(set(slack.arrived)) == len(slack.arrived) == 700


def test_a_clock_that_was_ahead_keeps_no_message_back():
    """It was put on the outbox, or tried, by a member whose clock has been put right since."""
    slack = FakeService()
    office = Office(slack=slack)
    right = office.clock.now()
    office.clock.set(right + 6 * HOUR)
    office.enqueue("1-opened")
    office.clock.set(right)
    office.run(worker=office.worker("sh2"))
    assert len(slack.arrived) == 1

    office.clock.set(right + 6 * HOUR)
    slack.script = [DOWN]
    office.enqueue("2-note")
    office.run(worker=office.worker("sh1"))
    office.clock.set(right + 10)
    office.run(worker=office.worker("sh2"))
    assert len(slack.arrived) == 2


def test_a_pause_by_a_clock_that_was_ahead_does_not_last():
    slack = FakeService()
    slack.script = [retry("Slack asks to slow down (429).", 30.0)]
    office = Office(slack=slack)
    right = office.clock.now()
    office.clock.set(right + 6 * HOUR)
    office.enqueue("1-opened")
    office.run()
    office.clock.set(right)
    office.enqueue("2-other", incident_id=incident(2))
    office.run(seconds=60)
    assert len(slack.arrived) == 2


def test_a_receiver_that_never_answers_in_time_gets_no_message_a_day_long():
    """It may well have it each time; only a service that joins repeats is asked for longer."""

    class Silent(FakeService):
        def send(self, notification: Notification) -> Delivery:
            self.arrived.append(notification.id)
            return unknown("hooks.example.com did not answer within 20 s.")

    hook, pagerduty = Silent(asking="marked"), Silent(asking="harmless")
    office = Office(**{"webhook:slow": hook, "pagerduty": pagerduty})
    office.enqueue("1", "webhook:slow")
    office.enqueue("1", "pagerduty")
    office.run(seconds=8 * HOUR)
    by_channel = {d["channel"]: d for d in office.stores.outbox.all()}
    told = by_channel["webhook:slow"]
    assert (told["state"], len(hook.arrived)) == ("unconfirmed", 20)
    assert told["last_error"] == (
        "Sent 20 times without an answer. A repeat carries the same delivery id."
    )
    assert by_channel["pagerduty"]["state"] in ("pending", "sending")


def test_a_service_that_never_accepts_a_connection_takes_little_of_the_time():
    """Each attempt lasts until it times out, and meanwhile nobody else is told anything."""

    class Walled(DownService):
        def send(self, notification: Notification) -> Delivery:
            office.clock.advance(10)
            return super().send(notification)

    walled = Walled()
    office = Office(**{"webhook:old": walled})
    backlog(office, 100, "webhook:old")
    began = office.clock.now()
    office.run(seconds=3600)
    assert 10 * walled.tried <= 0.2 * (office.clock.now() - began)
