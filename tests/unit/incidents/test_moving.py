"""Merges and splits that are interrupted, raced, or done in any order; and their reports."""

import contextlib
import json
import threading

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

from incident_management.incidents import lifecycle, report, timeline
from incident_management.incidents.act import Act
from incident_management.incidents.errors import IllegalMove
from incident_management.incidents.grouping import Topology
from incident_management.incidents.intake.ingest import Ingest
from incident_management.incidents.joining import execution, merging
from incident_management.incidents.joining.signals import latest_signals
from incident_management.incidents.model import Incident
from incident_management.incidents.story import StoryCache
from incident_management.splunk.kv.store import URL_QUERY_BYTES
from incident_management.splunk.session import SplunkError
from tests.fakes import FakeStores, ManualClock
from tests.unit.incidents.builders import ROUTING, START, ingest, signal
from tests.unit.incidents.movers import check, holders, merge, opened, split


def test_a_signal_that_arrives_while_its_incident_is_merged_is_handed_on(stores, clock, two):
    """A writer has read the incident as open, and writes after the merge."""
    a, b = two
    done: list[bool] = []

    def before(verb, name):
        if (verb, name) == ("save", "timeline") and not done:
            done.append(True)
            merge(stores, clock, a, b)

    stores.timeline.before = before
    (outcome,) = ingest(stores, clock).ingest([signal("checkout", 1)])

    assert done and outcome.incident_id == b
    assert stores.incidents.get(b)["signals"] == 3
    check(stores)


def test_a_signal_whose_document_is_written_after_the_merge_is_corrected_by_the_worker(
    stores, clock, two
):
    a, b = two
    done: list[bool] = []

    def before(verb, name):
        if (verb, name) == ("save", "signals") and not done:
            done.append(True)
            merge(stores, clock, a, b)

    stores.signals.before = before
    ingest(stores, clock).ingest([signal("checkout", 1)])
    stores.signals.before = None
    execution.finish_recent(stores, clock)

    assert done and stores.incidents.get(b)["signals"] == 3
    check(stores)


@pytest.mark.parametrize("stop", range(0, 60, 3))
@pytest.mark.parametrize("kind", ["merge", "split", "undo"])
def test_a_move_that_was_interrupted_is_finished_by_the_worker(kind, stop):
    stores, clock = FakeStores(), ManualClock(START + 100)
    a, b = (opened(stores, clock, signal(name)) for name in ("checkout", "cart"))
    if kind != "merge":
        merge(stores, clock, a, b)
    left = [stop]

    def before(_verb, _name):
        if left[0] == 0:
            raise SplunkError(503, "ended here")
        left[0] -= 1

    for collection in stores.collections:
        collection.before = before
    with contextlib.suppress(SplunkError):
        if kind == "merge":
            merge(stores, clock, a, b)
        elif kind == "split":
            split(stores, clock, b, signal("checkout"))
        else:
            merging.undo_merge(Act(stores, clock, "ann"), b, a)
    for collection in stores.collections:
        collection.before = None
    execution.finish_recent(stores, clock)
    check(stores)
    before_again = {name: getattr(stores, name).all() for name in stores.NAMES}
    execution.finish_recent(stores, clock)
    assert {name: getattr(stores, name).all() for name in stores.NAMES} == before_again


@pytest.mark.parametrize("is_stopped", [True, False])
def test_the_last_split_is_finished_after_an_outage_and_then_left_alone(
    stores, clock, two, is_stopped
):
    a, b = two
    merge(stores, clock, a, b)

    def before(verb, name):
        if (verb, name) == ("save", "signals") and is_stopped:
            raise SplunkError(503, "ended here")

    stores.signals.before = before
    with contextlib.suppress(SplunkError):
        split(stores, clock, b, signal("checkout"))
    stores.signals.before = None
    clock.advance(2 * execution.LOOK_BACK_SECONDS)
    execution.finish_recent(stores, clock)
    check(stores)

    calls = []
    stores.timeline.before = lambda verb, _name: calls.append(verb)
    execution.finish_recent(stores, clock)
    assert calls == [], "what is finished is not read again each minute"


def test_the_report_describes_merges_and_splits(stores, clock, two):
    a, b = two
    merge(stores, clock, a, b, reason="same outage")
    split(stores, clock, b, signal("checkout"), reason="another fault")

    assert f"Merged into {b}" in report.to_markdown(timeline.read(stores, a)).replace("\\", "")
    told = report.to_markdown(timeline.read(stores, b)).replace("\\", "")
    assert f"Merged in {a}" in told
    assert "Split 1 signal off to" in told


def test_writers_and_movers_at_once_lose_nothing(stores, clock):
    names = [f"service-{n}" for n in range(6)]
    ids = [opened(stores, clock, signal(name)) for name in names]
    errors = []

    def deliver(number):
        try:
            for run in range(1, 13):
                mine = ManualClock(START + 5000 + number * 37 + run)
                ingest(stores, mine).ingest([signal(name, run) for name in names[number::2]])
        except Exception as error:  # noqa: BLE001 - a thread must not fail in silence
            errors.append(error)

    def move(first):
        try:
            for a, b in zip(ids[first:], ids[first + 1 :]):
                with contextlib.suppress(IllegalMove):
                    merge(stores, clock, a, b)
                with contextlib.suppress(IllegalMove):
                    merging.undo_merge(Act(stores, clock, "ann"), b, a)
                with contextlib.suppress(IllegalMove):
                    merge(stores, clock, b, a)
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=deliver, args=(n,)) for n in range(2)]
    threads += [threading.Thread(target=move, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    execution.finish_recent(stores, clock)

    assert errors == []
    assert len(stores.signals.all()) == 6 * 13
    assert set(holders(stores)) == {d["_key"] for d in stores.signals.all()}
    check(stores)


class Moving(RuleBasedStateMachine):
    """Any order of signals, merges, splits, undone merges, resolves and interruptions."""

    incidents = Bundle("incidents")

    @initialize(target=incidents)
    def begin(self):
        self.stores, self.clock, self.run = FakeStores(), ManualClock(START + 100), 0
        self.sent = set()
        # Two processes: one that remembers what it has read, and one that was just started.
        self.memory = StoryCache()
        return multiple(*(self._signals(name) for name in ("a", "b", "c")))

    def _signals(self, name):
        self.run += 1
        self.clock.advance(300)
        found = signal(name, self.run)
        self.sent.add(found.key)
        remembered = self.memory if self.run % 3 else StoryCache()
        app = Ingest(self.stores, self.clock, ROUTING, Topology(), remembered)
        return app.ingest([found])[0].incident_id

    @rule(target=incidents, name=st.sampled_from("abcd"))
    def find(self, name):
        return self._signals(name)

    @rule(name=st.sampled_from("abc"), run=st.integers(1, 6))
    def redeliver(self, name, run):
        if signal(name, run).key in self.sent:
            ingest(self.stores, self.clock).ingest([signal(name, run)])

    @rule(source=incidents, into=incidents)
    def merge(self, source, into):
        with contextlib.suppress(IllegalMove):
            merge(self.stores, self.clock, source, into)

    @rule(target=incidents, source=incidents, data=st.data())
    def split(self, source, data):
        here = [d["_key"] for d in self.stores.signals.all() if d["incident_id"] == source]
        if len(here) < 2:
            return multiple()
        keys = data.draw(st.lists(st.sampled_from(here), min_size=1, unique=True))
        try:
            made = merging.split(Act(self.stores, self.clock, "ann"), ROUTING, source, keys)
        except IllegalMove:
            return multiple()
        return made.id

    @rule(holder=incidents, merged=incidents)
    def undo(self, holder, merged):
        with contextlib.suppress(IllegalMove):
            merging.undo_merge(Act(self.stores, self.clock, "ann"), holder, merged)

    @rule(incident=consumes(incidents))
    def resolve(self, incident):
        with contextlib.suppress(IllegalMove):
            lifecycle.resolve(Act(self.stores, self.clock, "ann"), incident)

    @rule(source=incidents, into=incidents, stop=st.integers(0, 40))
    def interrupted(self, source, into, stop):
        for collection in self.stores.collections:
            collection.fail_after(stop)
        with contextlib.suppress(IllegalMove, SplunkError):
            merge(self.stores, self.clock, source, into)
        for collection in self.stores.collections:
            collection.heal()
        execution.finish_recent(self.stores, self.clock)

    @invariant()
    def nothing_is_lost_or_counted_twice(self):
        if hasattr(self, "stores"):
            assert {d["_key"] for d in self.stores.signals.all()} == self.sent
            check(self.stores)


TestMoving = Moving.TestCase
TestMoving.settings = settings(
    max_examples=25,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def test_the_signals_of_an_incident_into_which_many_were_merged_are_read_in_pages(
    stores, monkeypatch
):
    """One query would be too long for a URL, and each page would read all signals."""
    merged = [f"INC-20260101-{number:06d}" for number in range(100)]
    incident = Incident("INC-20260101-AAAAAA", merged=merged)
    named = [incident.id, *merged]
    stores.signals.save(
        [{"_key": f"k{n}", "incident_id": named[n % 101], "last_time": n // 2} for n in range(300)]
    )
    asked = []
    real = stores.signals.find

    def find(query, sort, limit, *skip):
        asked.append((len(json.dumps(query)), limit))
        return real(query, sort, limit, *skip)

    monkeypatch.setattr(stores.signals, "find", find)
    found = latest_signals(stores, incident, 10, 20)

    wanted = sorted(stores.signals.all(), key=lambda one: (one["last_time"], one["_key"]))
    assert found == wanted[::-1][20:30]
    assert all(length <= URL_QUERY_BYTES and limit == 30 for length, limit in asked)
