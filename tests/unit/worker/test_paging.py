"""Ordered reads while others change the data: nothing is missed because another row moved."""

from __future__ import annotations

from typing import Any

from incident_management.incidents.model import Incident
from incident_management.incidents.upkeep.quiet_resolve import QuietResolver
from incident_management.notify.first_messages import FirstMessages
from incident_management.worker.clocks import Clocks, _marks, _Reached
from incident_management.worker.tracked_tickets import TicketTracker
from tests.fakes import FakeCollection, FakeStores, ManualClock

START = 1_800_000_000.0


def restless(collection: FakeCollection, name: str) -> None:
    """Move the first row of each read to the end of the order before the next read."""
    find: Any = collection.find

    def moved(*asked: Any, **named: Any) -> Any:
        found = find(*asked, **named)
        if found:
            document = collection.get(found[0]["_key"]) or {}
            collection.save([{**document, name: START + 10_000}])
        return found

    setattr(collection, "find", moved)  # noqa: B010 - mypy knows of no other way


def with_incidents(count: int) -> FakeStores:
    stores = FakeStores()
    rows = [
        Incident(f"INC-20260101-{number:06}", "Row", updated_at=START + number / 1000)
        for number in range(count)
    ]
    documents = [row.to_document() for row in rows]
    stores.incidents.save([{**one, "last_seen": one["updated_at"]} for one in documents])
    return stores


def test_an_incident_that_changed_is_checked_though_another_moved():
    stores = with_incidents(501)
    clocks = Clocks(stores, ManualClock(START + 20_000))
    known = {one["_key"]: _marks(one) for one in stores.incidents.all()}
    wanted = "INC-20260101-000500"
    clocks._seen = {key: marks for key, marks in known.items() if key != wanted}
    restless(stores.incidents, "updated_at")
    assert clocks._changed(_Reached(START, "", None)) == [wanted]


def test_a_first_message_is_brought_up_to_date_though_another_incident_moved():
    stores = with_incidents(1001)
    messages = FirstMessages(stores, ManualClock(START + 60))
    messages._read_to = START
    restless(stores.incidents, "updated_at")
    messages._read_changes()
    assert {f"INC-20260101-{number:06}" for number in range(1001)} <= set(messages._waiting)


def test_each_open_incident_may_be_found_quiet_though_another_moved():
    stores = with_incidents(5001)
    restless(stores.incidents, "last_seen")
    nobody: Any = None
    found = QuietResolver(stores, ManualClock(START), nobody, nobody)._open()
    assert len({incident.id for incident in found}) == 5001


def test_each_ticket_is_followed_though_another_message_was_sent_again():
    stores = FakeStores()
    stores.outbox.save(
        [
            {
                "_key": f"{number:06}",
                "channel": "jira",
                "state": "sent",
                "incident_id": f"INC-20260101-{number:06}",
                "sent_at": START + number / 1000,
                "receipt": {"ticket": f"OPS-{number}"},
            }
            for number in range(1001)
        ]
    )
    restless(stores.outbox, "sent_at")
    book = TicketTracker("jira", since=START)
    book.follow_new(stores, START + 60)
    assert len(book.tickets) == 1001
