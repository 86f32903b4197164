"""Documents that do not match their timelines are rebuilt, whatever the reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, List, Tuple

import pytest

from incident_management.api.incidents import listing
from incident_management.incidents import timeline
from incident_management.incidents.act import Act
from incident_management.incidents.model import Entry, Head
from incident_management.incidents.upkeep.retention import TOMBSTONE
from incident_management.ports import SearchFailed
from incident_management.worker import document_sweep
from incident_management.worker.document_sweep import EVERY_SECONDS, sweep_documents
from tests.fakes import FakeStores, ManualClock

BUILD = "1795837599"


class Walk:
    """A store with incidents, and the duty."""

    def __init__(self, count: int = 0) -> None:
        self.stores, self.clock = FakeStores(), ManualClock()
        self.told: List[Tuple[str, str]] = []
        self.index: List[Entry] = []
        self.ids = [f"INC-20260101-{number:06d}" for number in range(count)]
        for incident_id in self.ids:
            self.append(incident_id, "opened", {"title": "t", "severity": "high"})
            self.append(incident_id, "note", {"text": "n"})
            timeline.refresh(self.stores, incident_id)

    def append(self, incident_id: str, kind: str, data: Any) -> None:
        timeline.append(Act(self.stores, self.clock, "x"), incident_id, kind, data)

    def round(self, build: str = BUILD) -> int:
        self.clock.advance(60)
        done = sweep_documents(
            self.stores,
            self.clock,
            build,
            lambda incident_id: [e for e in self.index if e.incident_id == incident_id],
            lambda name, text: self.told.append((name, text)),
        )
        return done.get("incidents_renewed", 0)

    def documents(self) -> List[Any]:
        return sorted(self.stores.incidents.all(), key=lambda one: str(one["_key"]))


def listed(stores: FakeStores, sort: str) -> List[str]:
    """Return the incidents that a reader of a list in pages of two gets."""
    found, place, asked = [], None, listing.Asked([], "", sort)
    while True:
        page, place = listing._page(stores.incidents, asked, place, 2)
        found += [str(one["id"]) for one in page]
        if place is None:
            return found


@pytest.mark.parametrize("sort", listing.SORTS)
def test_documents_of_an_earlier_version_are_in_every_list_again(sort):
    walk = Walk(7)
    before = walk.documents()
    for document in before[:5]:
        lacking = {k: v for k, v in document.items() if k not in ("next_due", "last_seen")}
        walk.stores.incidents.save([lacking])

    assert walk.round() == 5
    assert walk.documents() == before
    assert sorted(listed(walk.stores, sort)) == walk.ids


@pytest.mark.parametrize("name", document_sweep.KINDS)
@pytest.mark.parametrize("is_there", [False, True])
def test_what_an_earlier_version_or_a_hand_wrote_otherwise_is_whole_again(name, is_there):
    walk = Walk(3)
    before = walk.documents()
    other = {name: 5 if isinstance(before[0][name], str) else "5"} if is_there else {}
    lacking = {k: v for k, v in before[0].items() if k != name}
    walk.stores.incidents.save([{**lacking, **other}])

    assert walk.round() == 1
    assert walk.documents() == before
    assert walk.round() == 0


def test_a_deleted_document_is_rebuilt():
    walk = Walk(3)
    before = walk.documents()
    walk.stores.incidents.delete(walk.ids[1])

    assert walk.round() == 1
    assert walk.documents() == before
    assert walk.stores.claims.get(f"clock:{walk.ids[1]}"), "Its deadlines are looked at."


def test_a_document_deleted_by_age_does_not_come_back():
    walk = Walk(2)
    stone = {"_key": f"{TOMBSTONE}:{walk.ids[0]}", "value": {"incident_id": walk.ids[0]}}
    walk.stores.claims.save([{"purpose": "pruned", "holder": "", "time": 0.0, **stone}])
    walk.stores.incidents.delete(walk.ids[0])

    assert walk.round() == 0
    assert len(walk.documents()) == 1


def test_lost_entries_are_reported_and_stay_in_the_document():
    walk = Walk(2)
    before = walk.documents()
    (opened,) = walk.stores.timeline.find({"incident_id": walk.ids[0], "kind": "opened"})
    walk.stores.timeline.delete(opened["_key"])

    assert walk.round() == 0
    assert walk.documents() == before
    assert [f"Entries of {walk.ids[0]} are" in text for _name, text in walk.told] == [True]


@pytest.mark.parametrize("afterwards", [False, True])
def test_lost_entries_are_restored_from_the_index(afterwards):
    walk = Walk(2)
    entries = timeline.read(walk.stores, walk.ids[0])
    walk.index = [replace(entries[0], data={"title": "forged", "severity": "info"}), *entries]
    walk.stores.timeline.delete(entries[0].key)
    if afterwards:  # somebody acts on the incident, whose document then has lost its title, too
        walk.append(walk.ids[0], "note", {"text": "later"})
        assert timeline.refresh(walk.stores, walk.ids[0]).title == ""

    assert walk.round() == 1
    assert timeline.verify(timeline.read(walk.stores, walk.ids[0])).ok
    document = walk.stores.incidents.get(walk.ids[0])
    assert (document["title"], document["severity"]) == ("t", "high")
    assert walk.told == []


def test_of_many_that_lost_something_each_has_its_turn():
    walk = Walk(12)
    walk.index = [one for i in walk.ids for one in timeline.read(walk.stores, i)]
    for one in walk.index[::2]:
        walk.stores.timeline.delete(one.key)

    assert [walk.round() for _ in range(4)] == [5, 5, 2, 0]
    assert all(timeline.verify(timeline.read(walk.stores, i)).ok for i in walk.ids)


def test_an_event_that_is_not_named_brings_nothing():
    """A user who may write to the index must not be able to write into timelines."""
    walk = Walk(1)
    entries = timeline.read(walk.stores, walk.ids[0])
    forged = Entry.create(walk.ids[0], "severity", {"to": "info"}, "x", 1.0, Head(9, ()))
    walk.index = [forged, *entries]
    walk.stores.timeline.delete(entries[0].key)

    assert walk.round() == 1
    assert [e.key for e in timeline.read(walk.stores, walk.ids[0])] == [e.key for e in entries]


def test_an_index_that_can_not_be_searched_keeps_nothing_else_waiting():
    """A failed search may have taken its whole time: the round tries no other."""
    walk = Walk(4)
    for incident_id in walk.ids[:3]:
        walk.stores.timeline.delete(timeline.read(walk.stores, incident_id)[0].key)
    walk.stores.incidents.delete(walk.ids[3])
    asked = []

    def refused(incident_id: str) -> Any:
        asked.append(incident_id)
        raise SearchFailed("The licence was violated.")

    walk.clock.advance(60)
    tell: Any = walk.told.append
    done = sweep_documents(
        walk.stores, walk.clock, BUILD, refused, lambda name, text: tell((name, text))
    )
    assert done == {"incidents_renewed": 1}
    assert asked == walk.ids[:1]
    told = [text for _name, text in walk.told]
    assert len(told) == 3 and all("can't be searched" in text for text in told), (
        "Nobody may be told that the index lacks what was not looked for."
    )


def test_what_leaves_while_the_index_is_searched_is_not_brought_back():
    walk = Walk(2)
    walk.index = [one for i in walk.ids for one in timeline.read(walk.stores, i)]
    for incident_id in walk.ids:
        walk.stores.timeline.delete(timeline.read(walk.stores, incident_id)[0].key)

    def slow(incident_id: str) -> List[Entry]:
        left = walk.ids[1]
        stone = {"_key": f"{TOMBSTONE}:{left}", "value": {"incident_id": left}}
        walk.stores.claims.save([{"purpose": "left", "holder": "", "time": 0.0, **stone}])
        walk.stores.incidents.delete(left)
        walk.stores.timeline.delete_matching({"incident_id": left})
        return [one for one in walk.index if one.incident_id == incident_id]

    sweep_documents(walk.stores, walk.clock, BUILD, slow, lambda name, text: None)
    assert [one["_key"] for one in walk.documents()] == walk.ids[:1]
    assert timeline.read(walk.stores, walk.ids[1]) == []


@pytest.mark.parametrize("entries_a_round", [2, 3, 100])
def test_a_timeline_that_is_gone_as_a_whole_comes_back_from_the_index(monkeypatch, entries_a_round):
    monkeypatch.setattr(document_sweep, "ENTRIES_A_ROUND", entries_a_round)
    walk = Walk(5)
    before = walk.documents()
    walk.index = [one for i in walk.ids for one in timeline.read(walk.stores, i)]
    for incident_id in (walk.ids[0], walk.ids[2], walk.ids[4]):
        walk.stores.timeline.delete_matching({"incident_id": incident_id})

    assert sum(walk.round() for _ in range(9)) == 3
    assert len(walk.stores.timeline.all()) == 10
    assert walk.documents() == before
    assert walk.told == []


def test_numbers_that_an_editor_made_texts_of_are_numbers_again():
    """Texts sort after all numbers: the incident used to be last in each list."""
    walk = Walk(1)
    before = walk.documents()
    walk.stores.incidents.save([{**before[0], "urgency": str(before[0]["urgency"])}])

    assert walk.round() == 1
    assert walk.documents() == before


def test_a_sweep_continues_where_it_was_and_misses_none(monkeypatch):
    monkeypatch.setattr(document_sweep, "ENTRIES_A_ROUND", 5)
    monkeypatch.setattr(document_sweep, "RENEWED_A_ROUND", 2)
    walk = Walk(11)
    before = walk.documents()
    for incident_id in walk.ids:
        walk.stores.incidents.delete(incident_id)

    rounds = [walk.round() for _ in range(8)]
    assert sum(rounds) == 11 and max(rounds) <= 2
    assert walk.documents() == before


def test_between_two_walks_a_round_costs_one_read_and_another_build_begins_anew():
    walk = Walk(3)
    walk.round()
    walk.stores.incidents.delete(walk.ids[0])
    calls = walk.stores.calls
    assert walk.round() == 0
    assert walk.stores.calls == calls + 1

    assert walk.round("1795837600") == 1
    walk.stores.incidents.delete(walk.ids[0])
    walk.clock.advance(EVERY_SECONDS)
    assert walk.round("1795837600") == 1


def test_a_beginning_in_the_future_keeps_nothing_from_being_checked():
    walk = Walk(1)
    walk.clock.advance(86_400)
    walk.round()
    walk.clock.advance(-86_400)
    walk.stores.incidents.delete(walk.ids[0])
    assert walk.round() == 1


def test_entries_that_can_not_be_read_all_come_back_in_one_walk():
    walk = Walk(2 * document_sweep.BROUGHT_BACK_A_ROUND + 1)
    walk.index = [one for i in walk.ids for one in timeline.read(walk.stores, i)]
    for note in [one for one in walk.index if one.kind == "note"]:
        walk.stores.timeline.save([{**note.to_document(), "data": {"signals": {"a": "x"}}}])
        timeline.refresh(walk.stores, note.incident_id)

    for _round in range(3):
        walk.round()
    assert walk.stores.claims.get(document_sweep.CHECKPOINT)["value"]["over"]
    found = timeline.read_many(walk.stores, walk.ids)
    assert [one for i in walk.ids for one in found[i]] == walk.index


def test_one_that_names_what_is_lost_for_ever_gets_what_a_later_version_holds():
    walk = Walk(1)
    (lost,) = [one for one in timeline.read(walk.stores, walk.ids[0]) if one.kind == "note"]
    walk.stores.timeline.delete(lost.key)
    walk.append(walk.ids[0], "note", {"text": "after the restore"})
    timeline.refresh(walk.stores, walk.ids[0])
    (document,) = walk.documents()
    walk.stores.incidents.save([{k: v for k, v in document.items() if k != "tasks"}])

    walk.round()
    assert walk.documents() == [document]
    assert document["lost"] == [lost.key]
    assert len(walk.told) == 1
