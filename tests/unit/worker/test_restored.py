"""Missing entries of a restored timeline come back, even if others write before the sweep.

Only the incident's document names its last entry, and each writer saves that document again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from incident_management.incidents import editing, lifecycle, timeline
from incident_management.incidents.act import Act
from incident_management.incidents.errors import IllegalMove
from incident_management.incidents.intake.ingest import Ingest
from incident_management.incidents.model import Entry
from incident_management.incidents.story import StoryCache
from incident_management.incidents.timeline import RESTORE_SECONDS
from incident_management.worker.document_sweep import sweep_documents
from incident_management.worker.stale_documents import refresh_stale
from tests.fakes import FakeStores, ManualClock, Unavailable
from tests.fakes.turns import orders
from tests.unit.incidents.builders import ROUTING, START, ingest, signal
from tests.unit.incidents.movers import opened

pytestmark = pytest.mark.one_python


class House:
    """One incident whose newest entry is only in the index and in its document's head."""

    def __init__(self) -> None:
        self.stores, self.clock = FakeStores(), ManualClock(START + 100)
        self.id = opened(self.stores, self.clock, signal("checkout"))
        lifecycle.add_note(self.act("ann"), self.id, "the last one before the backup")
        self.indexed = timeline.read(self.stores, self.id)
        self.told: list[str] = []

    def act(self, actor: str) -> Act:
        return Act(self.stores, self.clock, actor)

    def restore(self) -> None:
        self.stores.timeline.documents.pop(self.indexed[-1].key, None)

    def restore_at(self, calls: int) -> None:
        """Restore it before the call with that number."""

        def before(_verb: str, _name: str) -> None:
            if self.stores.calls == calls:
                self.restore()

        for collection in self.stores.collections:
            collection.before = before

    def walk(self, build: str = "1") -> None:
        def indexed(_incident_id: str) -> list[Entry]:
            return self.indexed

        sweep_documents(
            self.stores, self.clock, build, indexed, lambda _name, text: self.told.append(text)
        )

    def check(self, order: Any) -> None:
        """Check that after the next sweep, everything is there."""
        self.clock.advance(60)
        self.walk("2")
        entries = timeline.read(self.stores, self.id)
        assert {one.key for one in self.indexed} <= {one.key for one in entries}, order
        assert timeline.verify(entries).ok, order
        document = timeline.fold(entries).to_document()
        assert self.stores.incidents.get(self.id) == document, order
        assert not self.told, order


def noting(house: House, actor: str) -> Callable[[], Any]:
    return lambda: lifecycle.add_note(house.act(actor), house.id, f"by {actor}")


def taking(house: House) -> Callable[[], Any]:
    def take() -> None:
        with contextlib.suppress(IllegalMove):  # It was theirs before the answer was lost.
            lifecycle.acknowledge(house.act("bob"), house.id)

    return take


WRITERS: dict[str, Callable[[House], Callable[[], Any]]] = {
    "somebody adds a note": lambda house: noting(house, "bob"),
    "somebody edits it": lambda house: (
        lambda: editing.edit(house.act("bob"), house.id, {"title": "t", "severity": "low"})
    ),
    "somebody takes it": taking,
    "it is found again": lambda house: (
        lambda: ingest(house.stores, house.clock).ingest([signal("checkout", 1)])
    ),
    "the worker sees to documents": lambda house: lambda: refresh_stale(house.stores, house.clock),
}


@pytest.mark.parametrize("name", WRITERS)
def test_two_writers_and_the_walk_forget_nothing_in_any_order(name):
    houses: list[House] = []

    def begun() -> Any:
        house = House()
        house.restore()
        houses.append(house)
        return house.stores, [noting(house, "ann"), WRITERS[name](house), house.walk]

    for _stores, order in orders(begun, 1, ("timeline", "incidents")):
        houses.pop().check(order)


@pytest.mark.parametrize("name", WRITERS)
def test_a_writer_that_fails_at_any_call_and_tries_again_forgets_nothing(name):
    calls, failed = 0, True
    while failed:
        house, failed = House(), False
        house.restore()
        write = WRITERS[name](house)
        house.stores.fail_after(calls)
        try:
            write()
        except Unavailable:
            failed = True
        house.stores.heal()
        write()
        house.check(calls)
        calls += 1


@pytest.mark.parametrize("name", WRITERS)
def test_a_restore_at_any_point_of_a_writer_costs_nothing(name):
    calls, is_restored = 0, True
    while is_restored:
        house = House()
        house.restore_at(house.stores.calls + calls)
        WRITERS[name](house)()
        house.stores.heal()
        is_restored = house.indexed[-1].key not in house.stores.timeline.documents
        house.check(calls)
        calls += 1


@pytest.mark.parametrize("seconds", [1.0, 121.0])
def test_a_process_that_remembers_the_incident_from_before_forgets_nothing(seconds):
    house, times = House(), [1000.0]
    process = Ingest(
        house.stores, house.clock, ROUTING, remembered=StoryCache(monotonic=lambda: times[0])
    )
    process.ingest([signal("checkout", 1)])
    times[0] += seconds
    if seconds > RESTORE_SECONDS:  # by somebody else, just before the backup
        noting(house, "bob")()
    house.indexed = timeline.read(house.stores, house.id)
    house.restore()

    process.ingest([signal("checkout", 2)])
    house.check(seconds)


def test_unrestorable_entries_stay_named_until_they_can_be_restored():
    house = House()
    house.restore()
    known, house.indexed = house.indexed, []
    noting(house, "bob")()
    noting(house, "cyd")()
    house.walk()
    assert len(house.told) == 1
    (document,) = house.stores.incidents.all()
    assert document["lost"] == [known[-1].key]
    assert not timeline.read_verified(house.stores, house.id)[1].ok

    house.indexed, house.told = known, []
    house.check("when the index can be searched")


def test_what_no_entry_can_be_named_is_not_kept():
    house = House()
    (document,) = house.stores.incidents.all()
    house.stores.incidents.save([{**document, "head": ["x", 5, None], "lost": {"a": 1}}])
    noting(house, "bob")()
    house.check("a head that somebody saved by hand")
