"""What a message that had to wait says of itself, and of the incident that went on meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from incident_management.incidents import timeline
from incident_management.incidents.act import Act
from incident_management.notify.channel import Inquiry, Notification, retry, unknown
from incident_management.notify.delivery.notification import NewNotification
from incident_management.notify.delivery.record import recorder
from tests.fakes import FakeStores, ManualClock
from tests.unit.notify.services import FakeService, Office

INCIDENT = "INC-20260101-AAAAAA"
DOWN = retry("No connection could be made.")


def waiting(seconds: float, status: str = "new", event: str = "opened") -> Notification:
    """Put one on the outbox, let it wait so long, and return what the service got."""
    service = FakeService()
    office = Office(pagerduty=service)
    office.enqueue("1", "pagerduty", event=event)
    office.stores.incidents.insert({"_key": INCIDENT, "id": INCIDENT, "status": status})
    office.clock.advance(seconds)
    office.run()
    (message,) = service.messages
    assert office.only()["message"]["text"] == "As it was.", "what is kept stays as it was"
    return message


def test_one_that_goes_out_in_time_says_what_it_said():
    message = waiting(600)
    assert message.message["text"] == "As it was."
    assert (message.late, message.is_over) == (0.0, False)


def test_one_that_waited_for_hours_says_how_long():
    message = waiting(3 * 3600 + 120)
    assert message.message["text"] == (
        "Delayed notification: this was at 2023-11-14 22:13:20 UTC, 3 h 2 min ago. As it was."
    )
    assert message.late == 3 * 3600 + 120 and not message.is_over


@pytest.mark.parametrize("status", ["resolved", "closed"])
def test_one_that_waited_says_that_its_incident_is_over(status):
    message = waiting(7200, status)
    assert message.is_over
    assert f"2 h ago. The incident is now {status}. As it was." in message.message["text"]


def test_that_an_incident_is_over_is_no_news_in_the_message_that_tells_it():
    message = waiting(7200, "resolved", "resolved")
    assert message.is_over
    assert "now." not in message.message["text"]


def test_an_incident_that_ended_within_minutes_is_known_to_be_over():
    message = waiting(90, "resolved")
    assert message.is_over and message.message["text"] == "As it was."


def test_what_was_announced_late_is_not_called_late_twice():
    service = FakeService()
    office = Office(slack=service)
    told = (
        "Delayed notification: this was at 2023-11-13 21:13:20 UTC, and no notifications were sent "
        "then."
    )
    said = {"event": "opened", "time": office.clock.now() - 90000, "text": told}
    office.outbox.enqueue(NewNotification("1", "slack", "opened", said))
    office.clock.advance(1000)
    office.run()
    assert service.messages[0].message["text"] == told


def test_a_lost_answer_is_asked_about_by_when_its_own_attempt_was():
    """Not by when the first was: Jira's search needs a minute to know what was just made."""
    asked = []

    class Jira(FakeService):
        def ask(self, notification: Notification) -> Inquiry:
            asked.append(office.clock.now() - notification.begun)
            return super().ask(notification)

    jira: Any = Jira()
    jira.script = [DOWN] * 9 + [unknown("No answer.")]
    office = Office(jira=jira)
    office.enqueue("1", "jira")
    office.run(seconds=3600)
    assert office.states() == ["sent"]
    assert len(asked) == 1 and 15 <= asked[0] <= 30


def test_the_timeline_says_that_nobody_was_paged_for_what_was_over():
    stores, clock = FakeStores(), ManualClock()
    timeline.append(Act(stores, clock, "app"), INCIDENT, "opened", {"title": "x"})
    document = {
        "_key": "n",
        "incident_id": INCIDENT,
        "channel": "pagerduty",
        "event": "opened",
        "state": "sent",
        "last_error": "",
        "attempts": 1,
        "receipt": {"dedup_key": INCIDENT, "note": "Nobody was paged: it was over."},
    }
    recorder(stores, clock)(document)
    assert timeline.read(stores, INCIDENT)[-1].data["detail"] == "Nobody was paged: it was over."
