"""Entries lost before their notifications were sent are announced after the sweep restores them."""

from __future__ import annotations

from typing import Any

import pytest

from incident_management.incidents import timeline
from incident_management.incidents.routing import Routing
from incident_management.notify.announcing import restored
from incident_management.notify.announcing.restored import RESTORED
from incident_management.worker.document_sweep import sweep_documents
from tests.fakes import Unavailable
from tests.fakes.turns import orders
from tests.unit.notify.desk import INCIDENT, Desk

HOUR = 3600.0
OPENED = [("pagerduty", "opened"), ("slack", "opened")]
pytestmark = pytest.mark.one_python


class Restored(Desk):
    """A desk whose sweep finds the lost entries in an index."""

    def __init__(self) -> None:
        super().__init__()
        self.open()
        self.indexed = timeline.read(self.stores, INCIDENT)

    def lose(self, *kinds: str) -> None:
        for one in self.indexed:
            if one.kind in kinds:
                self.stores.timeline.delete(one.key)

    def walk(self, build: str = "1") -> None:
        sweep_documents(
            self.stores, self.clock, build, lambda _id: self.indexed, lambda *_told: None
        )

    def work_for(self, seconds: float) -> None:
        """Announce until the checkpoint is that much later."""
        for _round in range(3):
            self.announce()
            self.clock.advance(seconds / 3)
        self.announce()

    def notes(self) -> list[Any]:
        return [one for one in self.stores.claims.all() if one["purpose"] == RESTORED]


@pytest.mark.parametrize("kinds", [["opened"], ["opened", "routed"]])
def test_it_is_announced_once_however_late(kinds):
    desk = Restored()
    desk.lose(*kinds)
    desk.work_for(3 * HOUR)
    assert desk.told() == []

    desk.walk()
    assert desk.announce() == 2
    assert desk.told() == OPENED
    assert desk.notes() == []
    desk.restart()
    assert desk.announce() == 0


def test_entries_announced_before_the_loss_are_not_announced_again():
    desk = Restored()
    desk.announce()
    desk.lose("opened")
    desk.clock.advance(3 * HOUR)
    desk.walk()
    for _process in range(2):
        desk.restart()
        assert desk.announce() == 0
    assert desk.told() == OPENED
    assert desk.notes() == []


def test_a_channel_that_came_meanwhile_hears_nothing_from_before_it_was_there():
    desk = Restored()
    routing = Routing.from_stanzas({"announce": {"opened": "slack?, pagerduty"}})
    slack = desk.services.pop("slack")
    desk.lose("opened")
    desk.announce(routing)
    desk.clock.advance(3 * HOUR)
    desk.announce(routing)
    desk.services["slack"] = slack
    desk.walk()
    desk.announce(routing)
    assert desk.told() == [("pagerduty", "opened")]


def test_a_day_later_it_is_no_news():
    desk = Restored()
    desk.lose("opened")
    desk.work_for(25 * HOUR)
    desk.walk()
    assert desk.announce() == 0
    assert desk.notes() == []


def test_a_note_waits_for_its_entries_for_a_day():
    desk = Restored()
    desk.announce()
    restored.note(desk.stores, desk.clock.now(), ["f" * 64])
    desk.work_for(23 * HOUR)
    assert len(desk.notes()) == 1
    desk.clock.advance(2 * HOUR)
    desk.announce()
    assert desk.notes() == []


def test_a_note_that_somebody_changed_by_hand_stops_nobody():
    desk = Restored()
    note = {"_key": f"{RESTORED}:x", "purpose": RESTORED, "time": "x", "value": {"keys": 5}}
    desk.stores.claims.save([note])
    assert desk.announce() == 2
    assert desk.notes() == []


@pytest.mark.parametrize(
    "value",
    [
        5,
        [1],
        {"since": 5},
        {"since": [5, ["slack"]]},
        {"left_out": {"slack": "x"}},
        {"left_out": 5},
    ],
)
def test_a_checkpoint_that_somebody_changed_by_hand_stops_nobody(value):
    desk = Restored()
    checkpoint = {"_key": "worker:announce:checkpoint", "time": None, "value": value}
    desk.stores.claims.save([checkpoint])
    assert desk.announce() == 2


def test_after_a_failure_at_any_call_a_retry_announces_it_once():
    for duty in ("walk", "announce"):
        calls, failed = 0, True
        while failed:
            desk, failed = Restored(), False
            desk.lose("opened", "routed")
            desk.work_for(HOUR)
            if duty == "announce":
                desk.walk()
            desk.stores.fail_after(calls)
            try:
                getattr(desk, duty)()
            except Unavailable:
                failed = True
            desk.stores.heal()
            desk.restart()
            desk.walk()
            desk.announce()
            assert desk.told() == OPENED, (duty, calls)
            assert desk.notes() == [], (duty, calls)
            calls += 1
        assert calls > 3


def test_the_sweep_and_two_announcers_announce_it_once_in_any_order():
    desks: list[Restored] = []

    def begun() -> Any:
        desk = Restored()
        desk.lose("opened", "routed")
        desk.work_for(HOUR)
        desks.append(desk)
        other = Restored.__new__(Restored)
        other.__dict__.update(desk.__dict__)
        other.restart()
        return desk.stores, [desk.walk, desk.announce, other.announce]

    for _stores, order in orders(begun, 1, ("timeline", "claims")):
        desk = desks.pop()
        desk.announce()
        assert desk.told() == OPENED, order
        assert desk.notes() == [], order
