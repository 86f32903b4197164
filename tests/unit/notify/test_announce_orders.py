"""Two workers that announce while an incident goes on, in every order of their KV calls."""

from __future__ import annotations

import pytest

from incident_management.notify.announcing.announcer import Announcer
from tests.fakes.turns import orders
from tests.unit.notify.desk import ROUTING, Desk

pytestmark = pytest.mark.one_python


def test_two_workers_tell_everything_once_whatever_is_written_meanwhile():
    made = []

    def begun():
        desk = Desk()
        desk.open()
        workers = [Announcer(desk.stores, desk.clock, desk.outbox) for _ in range(2)]
        made.append((desk, workers))

        def announce(worker):
            return lambda: worker.run(ROUTING, "https://splunk.example", desk.set_up)

        def resolve():
            data = {"from": "new", "to": "resolved", "reason": ""}
            desk.write("status", **data)

        return desk.stores, [*map(announce, workers), resolve]

    for _stores, order in orders(begun, 1):
        desk, workers = made.pop()
        # Whichever worker goes on: it remembers what it has told.
        desk.clock.advance(5)
        workers[len(order) % 2].run(ROUTING, "https://splunk.example", desk.set_up)
        wanted = [("pagerduty", "opened"), ("pagerduty", "resolved")]
        wanted += [("slack", "opened"), ("slack", "resolved")]
        assert desk.told() == wanted, order
