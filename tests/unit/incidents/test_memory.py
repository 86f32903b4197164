"""What a process remembers between calls of ingest changes its reads, never its decisions."""

from __future__ import annotations

import random

import pytest

from incident_management.incidents import lifecycle, timeline
from incident_management.incidents.act import Act
from incident_management.incidents.canonical import digest
from incident_management.incidents.errors import Contended, IllegalMove
from incident_management.incidents.intake.ingest import Ingest
from incident_management.incidents.intake.planning import Planner
from incident_management.incidents.keyset import KeySet
from incident_management.incidents.model import Entry, Head
from incident_management.incidents.story import LATE_SECONDS, SETTLE_FROM, StoryCache
from tests.fakes import FakeStores, ManualClock
from tests.unit.incidents.builders import ROUTING, START, signal

PERIOD = 300.0


class Process:
    """A process that ingests, with a memory of its own."""

    def __init__(self, stores, clock):
        self.stores, self.clock = stores, clock
        self.memory = StoryCache(monotonic=clock.now)

    def ingest(self, *signals):
        ingest = Ingest(self.stores, self.clock, ROUTING, remembered=self.memory)
        return ingest.ingest(list(signals))


@pytest.fixture
def process(stores, clock):
    return Process(stores, clock)


def only(stores):
    (document,) = stores.incidents.all()
    return document


def late_entry(stores, incident_id, number, seq, prev):
    """Return an entry of a writer that read the timeline long ago."""
    head = Head(seq - 1, tuple(prev))
    entry = Entry.create(incident_id, "note", {"text": f"late {number}"}, "ann", START, head)
    stores.timeline.insert(entry.to_document())
    return entry


def test_what_is_read_of_an_open_incident_does_not_grow_with_it(stores, clock, process):
    seen: list[int] = []
    real = stores.timeline.keys

    def counted(query):
        found = real(query)
        seen.append(len(found))
        return found

    stores.timeline.keys = counted
    read = []
    for run in range(3 * SETTLE_FROM):
        seen.clear()
        process.ingest(signal(run=run))
        read.append(max(seen, default=0))
        clock.advance(PERIOD)

    assert only(stores)["signals"] == 3 * SETTLE_FROM
    assert only(stores)["entries"] == 3 * SETTLE_FROM + 1
    assert max(read[10:]) <= 4


def test_runs_within_seconds_of_one_another_are_all_counted(stores, clock, process):
    for run in range(50):
        process.ingest(signal(run=run))
        Process(stores, clock).ingest(signal(run=1000 + run))
        clock.advance(7)

    assert only(stores)["signals"] == 100
    assert timeline.verify(timeline.read(stores, only(stores)["id"])).ok


@pytest.mark.parametrize("pause", [LATE_SECONDS / 5, LATE_SECONDS / 2.2])
def test_an_entry_that_comes_late_in_the_order_is_in_the_document(stores, clock, process, pause):
    """Each of these writers reads, and writes almost as late as it may."""
    process.ingest(signal(run=0))
    incident_id = only(stores)["id"]
    late = int(LATE_SECONDS // pause)
    read = []
    for run in range(1, 25):
        read.append(timeline.read(stores, incident_id)[-1])
        process.ingest(signal(run=run))
        if run > late:
            behind = read[-1 - late]
            late_entry(stores, incident_id, run, behind.seq + 1, [behind.key])
        process.ingest(signal(run=1000 + run))
        assert only(stores)["entries"] == len(timeline.read(stores, incident_id))
        clock.advance(pause)

    assert timeline.refresh(stores, incident_id).to_document() == only(stores)


def test_a_reopened_incident_of_an_earlier_episode_gets_no_more_signals(stores, clock, process):
    """The newest episode gets them, even in a process that only remembers the one before."""
    process.ingest(signal(run=0))
    process.ingest(signal(run=1))
    first = only(stores)["id"]
    lifecycle.resolve(Act(stores, clock, "ann"), first, lifecycle.Ending("Mended."))
    clock.advance(100_000)
    (later,) = Process(stores, clock).ingest(signal(run=400))
    lifecycle.reopen(Act(stores, clock, "ann"), first, "Not mended.")
    (outcome,) = process.ingest(signal(run=401))

    assert outcome.incident_id == later.incident_id != first


def test_an_entry_later_than_any_may_be_shows_as_soon_as_another_follows_it(stores, clock, process):
    process.ingest(signal(run=0))
    incident_id = only(stores)["id"]
    behind = timeline.read(stores, incident_id)[-1]
    for run in range(1, 6):
        process.ingest(signal(run=run))
        clock.advance(PERIOD)
    late_entry(stores, incident_id, 1, behind.seq + 1, [behind.key])
    lifecycle.add_note(Act(stores, clock, "ann"), incident_id, "Somebody who reads everything.")
    process.ingest(signal(run=6))

    assert only(stores)["entries"] == len(timeline.read(stores, incident_id))


def test_a_plan_that_waited_too_long_is_given_up_before_anything_is_written(
    stores, clock, process, monkeypatch
):
    process.ingest(signal(run=0))
    before = stores.timeline.all()
    real = Planner._add_to_open

    def slowly(self, problems, batch):
        clock.advance(LATE_SECONDS)
        return real(self, problems, batch)

    monkeypatch.setattr(Planner, "_add_to_open", slowly)
    with pytest.raises(Contended):
        process.ingest(signal(run=1))
    assert stores.timeline.all() == before
    monkeypatch.undo()

    process.ingest(signal(run=1))
    assert only(stores)["signals"] == 2


def test_a_timeline_that_is_gone_is_noticed(stores, clock, process):
    for run in range(4):
        process.ingest(signal(run=run))
        clock.advance(PERIOD)
    for name in ("timeline", "incidents", "signals", "claims"):
        getattr(stores, name).documents.clear()
    process.ingest(signal(run=9))

    assert only(stores)["signals"] == 1
    assert timeline.verify(timeline.read(stores, only(stores)["id"])).ok


@pytest.mark.parametrize("seed", range(6))
def test_two_that_remember_do_what_one_that_remembers_nothing_does(seed):
    """Runs, resolves, reopens and notes in any order give the same incidents and entries."""
    ends = []
    for forgetful in (False, True):
        dice, clock, stores = random.Random(seed), ManualClock(START + 100), FakeStores()
        processes = [Process(stores, clock), Process(stores, clock)]
        for run in range(60):
            if forgetful:
                processes = [Process(stores, clock), Process(stores, clock)]
            some = [signal(f"service-{n}", run) for n in range(4) if dice.random() < 0.7]
            dice.choice(processes).ingest(*some)
            act(dice, stores, clock)
            clock.advance(dice.choice((1.0, 60.0, PERIOD, 20_000.0)))
        ends.append(sorted((d["_key"], digest(d)) for d in stores.incidents.all()))
        keys = sorted(stores.timeline.documents)
        ends[-1].append(("timeline", digest(keys)))
    assert ends[0] == ends[1]


def act(dice, stores, clock):
    """Do something to one of the incidents, as a person."""
    ids = sorted(document["_key"] for document in stores.incidents.all())
    if not ids or dice.random() < 0.5:
        return
    incident_id, what = dice.choice(ids), dice.choice(("resolve", "reopen", "note", "close"))
    try:
        if what == "resolve":
            lifecycle.resolve(Act(stores, clock, "ann"), incident_id, lifecycle.Ending("Mended."))
        elif what == "reopen":
            lifecycle.reopen(Act(stores, clock, "ann"), incident_id, "Not mended.")
        elif what == "close":
            lifecycle.close(Act(stores, clock, "ann"), incident_id)
        else:
            lifecycle.add_note(Act(stores, clock, "ann"), incident_id, f"Seen at {clock.now()}.")
    except IllegalMove:
        return


def test_a_set_of_short_keys_knows_what_was_added():
    keys = [digest([number], 40) for number in range(3000)]
    known = KeySet()
    for start in range(0, 2000, 500):
        known.update(keys[start : start + 500])

    assert len(known) == 2000
    assert [key in known for key in keys] == [True] * 2000 + [False] * 1000
    assert digest(["something else"], 40) not in KeySet()
