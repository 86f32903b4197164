"""Deliveries beside merges and undone merges, in every order of their KV calls.

Each scenario lost a signal, counted it twice, or let its document name the wrong incident.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable

import pytest

from incident_management.incidents.act import Act
from incident_management.incidents.errors import IllegalMove
from incident_management.incidents.joining import execution, merging
from tests.fakes import FakeStores, ManualClock
from tests.fakes.turns import orders
from tests.unit.incidents.builders import START, ingest, signal
from tests.unit.incidents.movers import check, holders, merge, opened

pytestmark = pytest.mark.one_python

LATE = signal("checkout", 1)


class Scene:
    """Incidents of checkout, cart and pay, and a writer's possible moves."""

    def __init__(self) -> None:
        self.stores, self.clock = FakeStores(), ManualClock(START + 100)
        begun, self.ids = _begun()
        for collection in begun.collections:
            getattr(self.stores, collection.name).documents.update(collection.documents)

    def deliver(self) -> None:
        ingest(self.stores, ManualClock(START + 150)).ingest([LATE])

    def merge(self, source: int, into: int) -> None:
        merge(self.stores, self.clock, self.ids[source], self.ids[into])

    def undo(self, holder: int, merged: int) -> None:
        ids = self.ids
        merging.undo_merge(Act(self.stores, self.clock, "ann"), ids[holder], ids[merged])


@functools.cache
def _begun() -> tuple[FakeStores, list[str]]:
    stores, clock = FakeStores(), ManualClock(START + 100)
    names = ("checkout", "cart", "pay")
    return stores, [opened(stores, clock, signal(name)) for name in names]


def moves(*wanted: Callable[[], None]) -> Callable[[], None]:
    """Make a person's moves in order, as far as the others' moves allow them."""

    def go() -> None:
        for move in wanted:
            with contextlib.suppress(IllegalMove):
                move()

    return go


def one_after_the_other():
    """Two interruptions let the delivery write the removed signal to cart again."""
    scene = Scene()
    person = moves(lambda: scene.merge(0, 1), lambda: scene.undo(1, 0))
    return scene.stores, [scene.deliver, person]


def two_people():
    """The second person undoes the merge while the first still executes it."""
    scene = Scene()
    people = [moves(lambda: scene.merge(0, 1)), moves(lambda: scene.undo(1, 0))]
    return scene.stores, [scene.deliver, *people]


def twice_delivered():
    """One delivery saw the merge, the other did not."""
    scene = Scene()
    scene.merge(0, 1)
    return scene.stores, [scene.deliver, scene.deliver, moves(lambda: scene.undo(1, 0))]


@pytest.mark.parametrize(
    ("begun", "interruptions", "at"),
    [
        (one_after_the_other, 2, ("timeline",)),
        (two_people, 1, FakeStores.NAMES),
        (twice_delivered, 1, FakeStores.NAMES),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_whatever_the_order_each_signal_is_counted_once_and_names_its_incident(
    begun, interruptions, at
):
    tried = 0
    for stores, order in orders(begun, interruptions, at):
        told = "".join(map(str, order))
        if begun is not twice_delivered:
            holders(stores)
        execution.finish_recent(stores, ManualClock(START + 200))
        assert LATE.key in {d["_key"] for d in stores.signals.all()}, told
        check(stores)
        tried += 1
    assert tried > 20, "that many orders there are at least"


@pytest.mark.parametrize("written", ["incidents", "timeline"])
def test_a_signal_on_its_way_stays_with_the_incident_whose_merge_is_undone(written):
    """Its writer saw no merge, and has yet to write the signal, or to move it on.

    Another merge came in between, so the undo does not move the signal on first.
    """
    scene = Scene()
    stores = scene.stores

    def meanwhile(collection, act):
        def before(verb, _name):
            if verb == "save":
                collection.before = None
                act()

        collection.before = before

    def merged():
        scene.merge(0, 1)
        scene.merge(2, 1)
        meanwhile(getattr(stores, written), lambda: scene.undo(1, 0))

    meanwhile(stores.timeline, merged)
    scene.deliver()

    assert holders(stores)[LATE.key] == scene.ids[0]
    execution.finish_recent(stores, scene.clock)
    assert holders(stores)[LATE.key] == scene.ids[0]
    check(stores)
