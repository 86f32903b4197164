"""Documents that lack entries are refreshed, without reading whole timelines for it."""

from __future__ import annotations

import contextlib
from typing import Any, List

import pytest

from incident_management.incidents import timeline
from incident_management.incidents.act import Act
from incident_management.incidents.model import Entry
from incident_management.worker import stale_documents
from incident_management.worker.document_sweep import sweep_documents
from incident_management.worker.stale_documents import refresh_stale
from tests.fakes import FakeStores, ManualClock, Unavailable

INCIDENT = "INC-20260101-AAAAAA"


def test_a_document_that_lacks_its_newest_entry_is_brought_up_to_it():
    stores, clock = FakeStores(), ManualClock()
    timeline.append(Act(stores, clock, "x"), INCIDENT, "opened", {"title": "t", "severity": "high"})
    timeline.refresh(stores, INCIDENT)
    timeline.append(Act(stores, clock, "x"), INCIDENT, "note", {"text": "n"})
    assert refresh_stale(stores, clock) == {"incidents_refreshed": 0}, "its writer may be at it"
    clock.advance(15)
    assert refresh_stale(stores, clock) == {"incidents_refreshed": 1}
    assert stores.incidents.get(INCIDENT)["entries"] == 2
    assert refresh_stale(stores, clock) == {"incidents_refreshed": 0}


def test_a_document_that_was_never_written_is_written():
    stores, clock = FakeStores(), ManualClock()
    timeline.append(Act(stores, clock, "x"), INCIDENT, "opened", {"title": "t", "severity": "high"})
    clock.advance(15)
    assert refresh_stale(stores, clock) == {"incidents_refreshed": 1}
    assert stores.incidents.get(INCIDENT)["title"] == "t"


def opened(stores, clock, count, first=0):
    """Return incidents whose documents could not be written."""
    ids = [f"INC-20260101-{number:06d}" for number in range(first, first + count)]
    for incident_id in ids:
        data = {"title": "t", "severity": "high"}
        timeline.append(Act(stores, clock, "x"), incident_id, "opened", data)
    return ids


def test_what_was_not_written_in_an_outage_of_any_length_is_written_after_it():
    stores, clock = FakeStores(), ManualClock()
    refresh_stale(stores, clock)
    opened(stores, clock, 3)
    stores.incidents.fail_after(0)
    for _minute in range(300):
        clock.advance(60)
        with contextlib.suppress(Unavailable):
            refresh_stale(stores, clock)
    stores.heal()
    assert refresh_stale(stores, clock) == {"incidents_refreshed": 3}


def test_a_history_that_no_round_has_checked_is_caught_up_with_in_parts(monkeypatch):
    monkeypatch.setattr(stale_documents, "MAX_OLDER", 4)
    stores, clock = FakeStores(), ManualClock()
    ids = opened(stores, clock, 10)  # More than a part at one moment.
    for first in range(10, 20):
        clock.advance(3600)
        ids += opened(stores, clock, 1, first)
    clock.advance(86_400)
    rounds = [refresh_stale(stores, clock)["incidents_refreshed"] for _round in range(6)]
    assert rounds == [10, 4, 4, 2, 0, 0]
    assert {one["_key"] for one in stores.incidents.all()} == set(ids)
    stores.timeline.calls = 0
    refresh_stale(stores, clock)
    assert stores.timeline.calls == 2, "What is caught up with is not read again."


def test_a_clock_that_was_ahead_leaves_no_document_unwritten():
    stores, clock = FakeStores(), ManualClock()
    clock.advance(86_400)
    refresh_stale(stores, clock)
    clock.advance(-86_400)
    opened(stores, clock, 1)
    clock.advance(2 * 3600)
    assert refresh_stale(stores, clock) == {"incidents_refreshed": 1}


def test_an_incident_that_is_leaving_gets_no_document_again():
    stores, clock = FakeStores(), ManualClock()
    (incident_id,) = opened(stores, clock, 1)
    key = f"pruned:{incident_id}"
    stores.claims.insert({"_key": key, "purpose": "pruned", "value": {"incident_id": incident_id}})
    clock.advance(3600)
    assert refresh_stale(stores, clock) == {"incidents_refreshed": 0}
    assert stores.incidents.all() == []


def told(stores, clock, incident_id, *texts):
    """Add notes that the document knows of."""
    for text in texts:
        timeline.append(Act(stores, clock, "x"), incident_id, "note", {"text": text})
    timeline.refresh(stores, incident_id)


@pytest.fixture
def reads(monkeypatch):
    """Record each read of timelines: the query and the number of entries."""

    def noting(stores):
        noted = []
        real = stores.timeline.find

        def find(query=None, *args, **named):
            found = real(query, *args, **named)
            noted.append((query, len(found)))
            return found

        monkeypatch.setattr(stores.timeline, "find", find)
        return noted

    return noting


def test_of_a_long_timeline_a_round_reads_what_is_recent(reads):
    stores, clock = FakeStores(), ManualClock()
    (incident_id,) = opened(stores, clock, 1)
    for number in range(200):
        clock.advance(60)
        told(stores, clock, incident_id, str(number))
        refresh_stale(stores, clock)
    clock.advance(15)

    noted = reads(stores)
    refresh_stale(stores, clock)

    assert sum(entries for _query, entries in noted) <= 31


def test_an_entry_beside_the_last_one_is_not_taken_for_one_that_the_document_holds():
    stores, clock = FakeStores(), ManualClock()
    (incident_id,) = opened(stores, clock, 1)
    told(stores, clock, incident_id, "before")
    head = timeline.head_of(timeline.read(stores, incident_id))
    late = Entry.create(incident_id, "note", {"text": "late"}, "y", clock.now(), head)
    told(stores, clock, incident_id, "after")
    stores.timeline.insert(late.to_document())
    clock.advance(15)

    assert refresh_stale(stores, clock) == {"incidents_refreshed": 1}
    assert stores.incidents.get(incident_id)["entries"] == 4


def test_entries_that_come_while_a_round_reads_cost_no_count(monkeypatch, reads):
    stores, clock = FakeStores(), ManualClock()
    (incident_id,) = opened(stores, clock, 1)
    told(stores, clock, incident_id, *"abcdefgh")
    clock.advance(15)
    real = stores.incidents.find
    noted: List[Any] = []

    def find(*args, **named):
        monkeypatch.setattr(stores.incidents, "find", real)
        told(stores, clock, incident_id, "i", "j")
        noted[:] = [reads(stores)]
        return real(*args, **named)

    monkeypatch.setattr(stores.incidents, "find", find)

    assert refresh_stale(stores, clock) == {"incidents_refreshed": 0}
    assert [entries for _query, entries in noted[0]] == [1, 1], "the head, and the one before it"


def test_a_document_that_skips_an_entry_in_between_is_found_when_the_incident_rests():
    """Its writer read while two entries arrived, and was killed before its second check."""
    stores, clock = FakeStores(), ManualClock()
    (incident_id,) = opened(stores, clock, 1)
    told(stores, clock, incident_id, "skipped", "last")
    stores.incidents.save([{**stores.incidents.get(incident_id), "entries": 2}])
    clock.advance(15)
    assert refresh_stale(stores, clock) == {"incidents_refreshed": 0}
    clock.advance(1860)
    assert refresh_stale(stores, clock) == {"incidents_refreshed": 1}
    assert stores.incidents.get(incident_id)["entries"] == 3


def test_what_a_round_has_not_come_to_waits_for_the_next_one(monkeypatch):
    monkeypatch.setattr(stale_documents, "COUNTED_ENTRIES", 2)
    stores, clock = FakeStores(), ManualClock()
    opened(stores, clock, 3)  # More than a part at one moment.
    for first in range(3, 7):
        clock.advance(1)
        opened(stores, clock, 1, first)
    clock.advance(86_400)

    rounds = [refresh_stale(stores, clock)["incidents_refreshed"] for _round in range(4)]
    assert rounds == [3, 2, 2, 0]


def test_a_document_that_alone_names_lost_entries_stays_until_they_are_brought_back():
    stores, clock = FakeStores(), ManualClock()
    (incident_id,) = opened(stores, clock, 1)
    told(stores, clock, incident_id, "kept", "lost")
    entries = timeline.read(stores, incident_id)
    stores.timeline.delete(entries[-1].key)
    clock.advance(1860)
    assert refresh_stale(stores, clock) == {"incidents_refreshed": 0}
    clock.advance(1860)

    sweep_documents(stores, clock, "1", lambda _incident: entries, lambda _name, _text: None)

    assert timeline.read(stores, incident_id) == entries
