"""Timeline entries become events in an index, and an incident can be rebuilt from them alone."""

from __future__ import annotations

import json
import random
from contextlib import suppress

import pytest

from incident_management.incidents import lifecycle, timeline
from incident_management.incidents.act import Act
from incident_management.incidents.model import Entry
from incident_management.incidents.upkeep.audit import (
    AuditWriter,
    entry_of,
    event_of,
    history_from_events,
)
from tests.fakes import ManualClock, Unavailable
from tests.unit.incidents.builders import ingest, signal

TOKEN = "xox" + "b-123456789012-abcdefghijkl"


class Index:
    """The events sent, as raw text; fails on request."""

    def __init__(self):
        self.raws = []
        self.failing = None

    def send(self, entries):
        if self.failing:
            raise self.failing
        self.raws += [event_of(entry) for entry in entries]

    @property
    def keys(self):
        return [json.loads(raw)["key"] for raw in self.raws]


@pytest.fixture
def index():
    return Index()


def an_incident(stores, clock, entity="checkout", run=0):
    (outcome,) = ingest(stores, clock).ingest([signal(entity, run)])
    return outcome.incident_id


def test_an_event_becomes_its_entry_again():
    entry = Entry.create("INC-1", "note", {"text": 'ü "quoted"\n\x01'}, "ann", 1700000000.125)
    raw = event_of(entry)

    assert raw.isascii()
    assert "\n" not in raw
    assert entry_of(raw) == (entry, False)
    assert entry_of(raw)[0].hash() == entry.key


def test_small_fields_stand_before_the_data_that_splunk_may_cut():
    entry = Entry.create("INC-1", "opened", {"signals": {"f" * 40: 1}}, "ann", 1.0)
    names = list(json.loads(event_of(entry)))

    assert names[:4] == ["time", "key", "incident_id", "kind"]
    assert names[-1] == "data"


def test_secrets_never_reach_the_index():
    data = {"text": f"use {TOKEN}", "params": [{"password": "hunter22"}, {"count": 3}]}
    entry = Entry.create("INC-1", "note", data, "ann", 1.0)
    raw = event_of(entry)

    assert TOKEN not in raw
    assert "hunter22" not in raw
    read, masked = entry_of(raw)
    assert masked
    assert read.data["params"][1] == {"count": 3}


def test_each_entry_is_sent_once(stores, clock, index):
    writer = AuditWriter(stores, clock, index.send)
    incident = an_incident(stores, clock)
    assert writer.run() == {"audit_events": 2}
    assert writer.run() == {"audit_events": 0}
    clock.advance(30)
    lifecycle.add_note(Act(stores, clock, "ann"), incident, "looking")
    assert writer.run() == {"audit_events": 1}

    assert sorted(index.keys) == sorted(entry.key for entry in timeline.read(stores, incident))


def test_another_member_continues_where_the_first_stopped(stores, clock, index):
    an_incident(stores, clock)
    AuditWriter(stores, clock, index.send).run()

    assert AuditWriter(stores, clock, index.send).run() == {"audit_events": 0}


def test_an_entry_that_comes_late_is_sent(stores, clock, index):
    writer = AuditWriter(stores, clock, index.send)
    incident = an_incident(stores, clock)
    clock.advance(300)
    lifecycle.add_note(Act(stores, clock, "ann"), incident, "now")
    writer.run()
    clock.advance(-200)  # a member whose clock is behind, or whose insert was slow
    lifecycle.add_note(Act(stores, clock, "bob"), incident, "earlier")

    assert writer.run() == {"audit_events": 1}


def test_a_clock_that_is_ahead_hides_no_entries_of_other_members(stores, clock, index):
    writer = AuditWriter(stores, clock, index.send)
    incident = an_incident(stores, clock)
    clock.advance(86_400)
    lifecycle.add_note(Act(stores, clock, "ann"), incident, "from tomorrow")
    clock.advance(-86_400)
    writer.run()
    clock.advance(60)
    lifecycle.add_note(Act(stores, clock, "bob"), incident, "from today")

    assert writer.run() == {"audit_events": 1}
    assert len(index.keys) == len(set(index.keys)) == 4


@pytest.mark.parametrize("minutes", [4, 30, 24 * 60])
def test_a_clock_that_ran_ahead_once_keeps_nothing_from_the_index(stores, clock, index, minutes):
    writer = AuditWriter(stores, clock, index.send)
    incident = an_incident(stores, clock)
    writer.run()
    clock.advance(60 * minutes)
    lifecycle.add_note(Act(stores, clock, "ann"), incident, "from later")
    writer.run()
    clock.advance(60 - 60 * minutes)
    lifecycle.add_note(Act(stores, clock, "bob"), incident, "from now")
    writer.run()
    clock.advance(60)
    lifecycle.add_note(Act(stores, clock, "bob"), incident, "and from then on")
    writer.run()

    assert set(index.keys) == {entry.key for entry in timeline.read(stores, incident)}


def test_of_two_members_one_of_which_is_always_ahead_each_entry_is_sent_once(stores, clock, index):
    ahead = ManualClock(clock.now() + 3600)
    rivals = AuditWriter(stores, clock, index.send), AuditWriter(stores, ahead, index.send)
    incident = an_incident(stores, clock)
    for number in range(60):
        lifecycle.add_note(
            Act(stores, (clock, ahead)[number % 2], "ann"), incident, f"note {number}"
        )
        for one in rivals:
            one.run()
        clock.advance(30)
        ahead.advance(30)

    keys = [entry.key for entry in timeline.read(stores, incident)]
    assert sorted(index.keys) == sorted(keys)


def test_entries_that_splunk_did_not_accept_are_sent_again(stores, clock, index):
    writer = AuditWriter(stores, clock, index.send)
    an_incident(stores, clock)
    index.failing = OSError("queues are full")
    with pytest.raises(OSError):
        writer.run()
    index.failing = None

    assert writer.run() == {"audit_events": 2}


@pytest.mark.parametrize("calls", range(12))
def test_a_kill_at_any_call_loses_no_event(stores, clock, index, calls):
    incident = an_incident(stores, clock)
    stores.fail_after(calls)
    with suppress(Unavailable):
        AuditWriter(stores, clock, index.send).run()
    stores.heal()
    AuditWriter(stores, clock, index.send).run()
    AuditWriter(stores, clock, index.send).run()

    assert set(index.keys) == {entry.key for entry in timeline.read(stores, incident)}
    assert len(index.keys) <= 4  # at most sent twice


def test_a_backlog_is_sent_in_rounds_oldest_first(stores, clock, index, monkeypatch):
    monkeypatch.setattr("incident_management.incidents.upkeep.audit.ENTRIES_A_ROUND", 10)
    incident = an_incident(stores, clock)
    for number in range(43):
        clock.advance(40)
        lifecycle.add_note(Act(stores, clock, "ann"), incident, str(number))
    writer = AuditWriter(stores, clock, index.send)
    sent = []
    while count := writer.run()["audit_events"]:
        sent.append(count)

    assert (sum(sent), max(sent)) == (45, 10)
    assert len(set(index.keys)) == 45


def test_many_entries_of_one_moment_all_leave(stores, clock, index, monkeypatch):
    monkeypatch.setattr("incident_management.incidents.upkeep.audit.ENTRIES_A_ROUND", 10)
    incident = an_incident(stores, clock)
    for number in range(43):
        lifecycle.add_note(Act(stores, clock, "ann"), incident, str(number))
    writer = AuditWriter(stores, clock, index.send)
    for _round in range(8):
        writer.run()

    assert set(index.keys) == {entry.key for entry in timeline.read(stores, incident)}


def test_records_of_sent_entries_do_not_accumulate(stores, clock, index):
    writer = AuditWriter(stores, clock, index.send)
    incident = an_incident(stores, clock)
    for number in range(60):
        clock.advance(3600)
        lifecycle.add_note(Act(stores, clock, "ann"), incident, str(number))
        writer.run()

    records = [one for one in stores.claims.all() if one["purpose"] == "audited"]
    assert len(records) <= 25
    assert len(index.keys) == 62


def rebuilt(stores, clock, index):
    incident = an_incident(stores, clock)
    clock.advance(60)
    lifecycle.acknowledge(Act(stores, clock, "ann"), incident)
    lifecycle.resolve(
        Act(stores, clock, "ann"), incident, lifecycle.Ending(resolution="rolled back")
    )
    AuditWriter(stores, clock, index.send).run()
    return timeline.refresh(stores, incident)


def test_events_alone_give_the_incident_back(stores, clock, index):
    before = rebuilt(stores, clock, index)
    raws = [*index.raws, *index.raws[:3]]
    random.Random(4).shuffle(raws)
    found = history_from_events(raws)

    assert found.verify().ok
    assert timeline.fold(found.entries) == before


def test_a_changed_event_shows(stores, clock, index):
    rebuilt(stores, clock, index)
    raws = [raw.replace("rolled back", "restarted") for raw in index.raws]
    (problem,) = history_from_events(raws).verify().problems

    assert "was changed after it was written" in problem


def test_a_missing_event_shows(stores, clock, index):
    rebuilt(stores, clock, index)
    problems = history_from_events(index.raws[:1] + index.raws[2:]).verify().problems

    assert any("which is missing" in problem for problem in problems)


def test_a_forged_copy_does_not_hide_the_true_event(stores, clock, index):
    before = rebuilt(stores, clock, index)
    forged = [raw.replace("rolled back", "restarted") for raw in index.raws]

    for raws in ([*forged, *index.raws], [*index.raws, *forged]):
        found = history_from_events(raws)
        assert found.verify().ok
        assert timeline.fold(found.entries) == before


def test_an_event_that_was_cut_shows(stores, clock, index):
    rebuilt(stores, clock, index)
    found = history_from_events([*index.raws[:-1], index.raws[-1][:80]])

    assert "1 events could not be read." in found.verify().problems


def test_a_masked_event_is_checked_by_its_links_alone(stores, clock, index):
    incident = an_incident(stores, clock)
    lifecycle.add_note(Act(stores, clock, "ann"), incident, f"the token is {TOKEN}")
    lifecycle.add_note(Act(stores, clock, "ann"), incident, "revoked")
    AuditWriter(stores, clock, index.send).run()
    found = history_from_events(index.raws)

    assert len(found.masked) == 1
    assert found.verify().ok
