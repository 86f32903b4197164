"""The owner of an overdue follow-up is notified once, like other personal messages."""

from __future__ import annotations

from incident_management.incidents import lifecycle
from incident_management.incidents.act import Act
from incident_management.incidents.review.reminders import send_reminders
from incident_management.incidents.review.writing import add_follow_up
from incident_management.notify.message import Message
from tests.unit.worker.desk import Desk

DAY = 86_400.0


def overdue_desk():
    desk = Desk(
        announce={"follow_up_overdue": "slack"},
        member__lee={"slack_id": "U0LEE", "email": "lee@example.com"},
    )
    desk.open()
    lifecycle.resolve(Act(desk.stores, desk.clock, "dana"), desk.id)
    due = desk.clock.now() + DAY
    add_follow_up(Act(desk.stores, desk.clock, "dana"), desk.id, "Alert on the pool", "Lee", due)
    desk.announce()
    desk.clock.advance(DAY + 1)
    return desk


def told(desk):
    return [
        one["message"] for one in desk.stores.outbox.all() if one["event"] == "follow_up_overdue"
    ]


def test_the_owner_of_the_follow_up_is_called_and_not_that_of_the_incident():
    desk = overdue_desk()
    for _ in range(3):
        send_reminders(desk.stores, desk.clock)
        desk.announce()
    (message,) = told(desk)
    assert (message["owner"], message["mention"]) == ("lee", "U0LEE")
    assert message["headline"] == "Follow-up overdue"
    assert message["text"].startswith("Alert on the pool. Owner: lee. Due 2026-12-01.")


def test_nobody_else_receives_notes_and_changes_unless_it_is_asked_for():
    desk = overdue_desk()
    assert not [one for one in desk.stores.outbox.all() if one["event"].startswith("follow_up")]
    assert told(desk) == []


def test_an_owner_whom_nobody_has_named_is_reported_by_name():
    desk = overdue_desk()
    add_follow_up(Act(desk.stores, desk.clock, "dana"), desk.id, "Ask", "zed", desk.clock.now() - 1)
    send_reminders(desk.stores, desk.clock)
    desk.announce()
    assert {(one["owner"], one["mention"]) for one in told(desk)} == {("lee", "U0LEE"), ("zed", "")}
    assert {Message.from_document(one).event for one in told(desk)} == {"follow_up_overdue"}
