"""Workers that send one message, and a person who has it sent again, in every order of their calls.

A service's answer is such a call, too. Left out: more than two interruptions; and a worker that is
killed right after it saved an ending over what a person asked for in that very moment, who then
sees that ending, and can ask again.
"""

from __future__ import annotations

import pytest

from incident_management.notify.channel import Delivery
from tests.fakes.turns import orders
from tests.unit.notify.services import FakeService, Office

pytestmark = pytest.mark.one_python

LATER_SECONDS = 150


class SlowService(FakeService):
    """One whose answer takes a while, so that others may go on meanwhile, or the sender die."""

    before = None

    def send(self, notification):
        answer = super().send(notification)
        if self.before:
            self.before("send", "service")
        return answer


def office_with(*sources, asking="history", script=()):
    service = SlowService(asking)
    service.script = list(script)
    office = Office(slack=service)
    office.stores.services.append(service)
    for source in sources:
        office.enqueue(source, event=source)
    return office, service


def worker(office, name):
    return lambda: office.worker(name).deliver_due(office.senders)


def is_told(office):
    """Whether each ending is on the timeline, the last one last."""
    told = dict(office.records)
    return told == {one["_key"]: one["state"] for one in office.stores.outbox.all()}


@pytest.mark.parametrize("asking", ["history", "impossible"])
def test_what_two_workers_send_leaves_once_and_in_order_whoever_is_killed_whenever(asking):
    made = []

    def begun():
        office, service = office_with("1-opened", "2-resolved", asking=asking)
        made.append((office, service))
        return office.stores, [worker(office, "sh1"), worker(office, "sh2")]

    for _stores, order in orders(begun, 1, ("claims", "service"), kills=1, elsewhere=True):
        office, service = made.pop()
        for _ in range(2):
            office.run(seconds=LATER_SECONDS, worker=office.worker("sh3"))
        assert len(service.arrived) == len(set(service.arrived)), order
        events = [one.event for one in service.messages]
        assert events == sorted(events), order
        assert set(office.states()) <= {"sent", "unconfirmed"}, order
        assert asking == "impossible" or office.states() == ["sent", "sent"], order
        assert is_told(office), order


@pytest.mark.parametrize(("workers", "people", "interruptions"), [(1, 1, 2), (1, 2, 1), (2, 1, 1)])
def test_what_a_person_has_sent_again_is_sent_whatever_workers_save_meanwhile(
    workers, people, interruptions
):
    made = []

    def begun():
        office, service = office_with("1-opened", script=[Delivery("dead", "No such channel.")])
        asked = []

        def person():
            before = office.only()
            asked.append(before["state"])
            office.outbox.retry(before["_key"], lambda _: {"target": "#new"})

        made.append((office, service, asked))
        writers = [worker(office, f"sh{number}") for number in range(workers)]
        return office.stores, [*writers, *[person] * people]

    again = 0
    for _stores, order in orders(
        begun, interruptions, ("outbox", "claims", "service"), elsewhere=True
    ):
        office, service, asked = made.pop()
        office.run(seconds=LATER_SECONDS, worker=office.worker("sh9"))
        assert is_told(office), order
        if "dead" in asked:
            again += 1
            assert office.states() == ["sent"], order
            assert [one.target for one in service.messages] == ["#new"], order
    assert again, "somebody saw that it was not sent"
