"""Merging and splitting: one problem, one incident, every signal counted once, all of it undone."""

import contextlib
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
from incident_management.incidents.errors import IllegalMove, Invalid, NotFound
from incident_management.incidents.grouping import Topology
from incident_management.incidents.intake.ingest import Ingest
from incident_management.incidents.joining import merging, moves, moving
from incident_management.incidents.story import Stories, Story
from incident_management.splunk.session import SplunkError
from tests.fakes import FakeStores, ManualClock
from tests.unit.incidents.builders import ROUTING, START, ingest, signal


def opened(stores, clock, *found):
    """The incident that these signals open, each signal of its own problem joined by hand."""
    outcomes = ingest(stores, clock).ingest(list(found))
    return outcomes[0].incident_id


def merge(stores, clock, source, into, **more):
    return merging.merge(stores, clock, source, into, "ann", **more)


def split(stores, clock, incident_id, *found, **more):
    keys = [one.key for one in found]
    return merging.split(stores, clock, ROUTING, incident_id, keys, "ann", **more)


def holders(stores):
    """Who holds each signal, by the timelines; fails when two do."""
    held: dict[str, str] = {}
    for incident_id in {entry["incident_id"] for entry in stores.timeline.all()}:
        story = Story(timeline.read(stores, incident_id))
        for key in story.owned():
            if story.counts(key):
                assert key not in held, f"{held[key]} and {incident_id} both count {key}"
                held[key] = incident_id
    return held


def check(stores):
    """Every signal counted once, on the incident that it names; documents and links are right."""
    named = {d["_key"]: d["incident_id"] for d in stores.signals.all()}
    held = holders(stores)
    assert held == named
    for document in stores.incidents.all():
        entries = timeline.read(stores, document["id"])
        assert timeline.verify(entries, document["head"]).ok
        assert timeline.fold(entries).to_document() == document
        incident = Story(entries).incident
        assert incident is not None and incident.to_document() == document
        assert document["signals"] == list(held.values()).count(document["id"])


@pytest.fixture
def two(stores, clock):
    """Two open incidents, of checkout and of cart."""
    return opened(stores, clock, signal("checkout")), opened(stores, clock, signal("cart"))


def test_a_merged_incident_is_closed_and_its_signals_count_in_the_other(stores, clock, two):
    a, b = two
    result = merge(stores, clock, a, b, reason="same outage")

    assert (result.id, result.signals, result.events) == (b, 2, 10)
    assert result.entities == ["cart", "checkout"] and result.merged == [a]
    closed = stores.incidents.get(a)
    assert (closed["status"], closed["merged_into"], closed["signals"]) == ("closed", b, 0)
    assert {d["incident_id"] for d in stores.signals.all()} == {b}
    assert [e.kind for e in timeline.read(stores, a)][-1] == "merged"
    assert [e.kind for e in timeline.read(stores, b)][-1] == "joined"
    check(stores)


def test_later_signals_of_a_merged_problem_add_to_the_incident_that_took_it_over(
    stores, clock, two
):
    a, b = two
    merge(stores, clock, a, b)
    (outcome,) = ingest(stores, clock).ingest([signal("checkout", 1)])

    assert (outcome.what, outcome.incident_id) == ("added", b)
    assert stores.incidents.get(b)["signals"] == 3
    check(stores)


def test_merges_may_follow_each_other(stores, clock, two):
    a, b = two
    c = opened(stores, clock, signal("pay"))
    merge(stores, clock, a, b)
    merge(stores, clock, b, c)
    (outcome,) = ingest(stores, clock).ingest([signal("checkout", 1)])

    assert outcome.incident_id == c
    assert stores.incidents.get(c)["signals"] == 4
    check(stores)


def test_after_the_resolve_of_the_whole_the_problem_begins_a_new_episode(stores, clock, two):
    a, b = two
    merge(stores, clock, a, b)
    lifecycle.resolve(stores, clock, b, "ann")
    clock.advance(5 * 3600)
    (outcome,) = ingest(stores, clock).ingest([signal("checkout", 60)])

    assert outcome.what == "opened"
    assert stores.incidents.get(outcome.incident_id)["previous"] == b
    check(stores)


def test_what_cannot_be_merged_is_refused_in_one_sentence(stores, clock, two):
    a, b = two
    with pytest.raises(IllegalMove, match="can't be merged with itself"):
        merge(stores, clock, a, a)
    with pytest.raises(NotFound):
        merge(stores, clock, a, "INC-20260101-000000")
    merge(stores, clock, a, b)
    with pytest.raises(IllegalMove, match=f"{a} is merged into {b}"):
        merge(stores, clock, b, a)
    with pytest.raises(IllegalMove, match=f"{a} is merged into {b}"):
        merge(stores, clock, a, b)
    lifecycle.resolve(stores, clock, b, "ann")
    c = opened(stores, clock, signal("pay"))
    with pytest.raises(IllegalMove, match="is resolved and can't take another one over"):
        merge(stores, clock, c, b)
    lifecycle.close(stores, clock, b, "ann")
    with pytest.raises(IllegalMove, match="is closed"):
        merge(stores, clock, c, b)
    check(stores)


def test_two_people_who_merge_into_each_other_at_once_end_in_one_merge(stores, clock, two):
    a, b = two
    both, refused = threading.Barrier(2), []

    def go(source, into):
        both.wait()
        try:
            merge(stores, clock, source, into)
        except IllegalMove as error:
            refused.append(str(error))

    threads = [threading.Thread(target=go, args=pair) for pair in ((a, b), (b, a))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(refused) == 1
    open_ones = [d for d in stores.incidents.all() if d["status"] != "closed"]
    assert [d["signals"] for d in open_ones] == [2]
    check(stores)


def test_a_loser_of_the_race_decides_again_on_what_the_winner_did(stores, clock, two, monkeypatch):
    a, b = two
    take = moves.take

    def beaten(stores_, move):
        monkeypatch.setattr(moves, "take", take)
        merge(stores, clock, b, a)
        return take(stores_, move)

    monkeypatch.setattr(moves, "take", beaten)
    with pytest.raises(IllegalMove, match=f"{b} is merged into {a}"):
        merge(stores, clock, a, b)
    check(stores)


def test_a_split_gives_signals_to_a_new_incident_and_their_problem_goes_along(stores, clock, two):
    a, b = two
    merge(stores, clock, a, b)
    new = split(stores, clock, b, signal("checkout"), reason="another fault")

    assert (new.signals, new.entities, new.split_from, new.team) == (1, ["checkout"], b, "shop")
    left = stores.incidents.get(b)
    assert (left["signals"], left["entities"]) == (1, ["cart"])
    (outcome,) = ingest(stores, clock).ingest([signal("checkout", 1)])
    assert (outcome.what, outcome.incident_id) == ("added", new.id)
    check(stores)


def test_a_process_that_remembers_where_a_problem_went_follows_its_moves(stores, clock, two):
    """Its memory of the episode was made at the worst moment: between the split and its claim."""
    a, b = two
    app = Ingest(stores, clock, ROUTING, Topology(), Stories())
    app.ingest([signal("checkout", 1)])
    merge(stores, clock, b, a)
    assert app.ingest([signal("cart", 1)])[0].incident_id == a
    done: list[bool] = []

    def before(verb, name):
        if (verb, name) == ("insert", "claims") and not done:
            written = [e for e in stores.timeline.all() if e["kind"] == "split"]
            if written:
                done.append(True)
                app.ingest([signal("checkout", 2)])

    stores.claims.before = before
    keys = [signal("checkout").key, signal("checkout", 1).key]
    new = merging.split(stores, clock, ROUTING, a, keys, "ann")
    stores.claims.before = None
    (outcome,) = app.ingest([signal("checkout", 3)])

    assert done and outcome.incident_id == new.id
    check(stores)


def test_a_problem_that_is_split_in_part_stays(stores, clock):
    b = opened(stores, clock, signal(), signal(run=1))
    new = split(stores, clock, b, signal(run=1), title="Something else")
    (outcome,) = ingest(stores, clock).ingest([signal(run=2)])

    assert new.title == "Something else"
    assert outcome.incident_id == b
    assert stores.incidents.get(b)["entities"] == ["checkout"]
    check(stores)


@pytest.mark.parametrize("again", ["back", "other"])
def test_what_was_split_off_can_be_merged_again(stores, clock, two, again):
    a, b = two
    merge(stores, clock, a, b)
    new = split(stores, clock, b, signal("checkout"))
    source, into = (new.id, b) if again == "back" else (b, new.id)
    result = merge(stores, clock, source, into)

    assert result.signals == 2
    (outcome,) = ingest(stores, clock).ingest([signal("checkout", 1)])
    assert outcome.incident_id == result.id
    check(stores)


def test_a_problem_that_was_split_off_and_merged_back_adds_to_where_it_began(stores, clock):
    b = opened(stores, clock, signal("checkout"))
    a = opened(stores, clock, signal("cart"))
    merge(stores, clock, a, b)
    new = split(stores, clock, b, signal("checkout"))
    merge(stores, clock, new.id, b)
    (outcome,) = ingest(stores, clock).ingest([signal("checkout", 1)])

    assert (outcome.what, outcome.incident_id) == ("added", b)
    check(stores)


def test_a_wrong_split_is_refused(stores, clock, two):
    a, _b = two
    with pytest.raises(IllegalMove, match="leave one there"):
        split(stores, clock, a, signal())
    with pytest.raises(Invalid, match="has no signal"):
        split(stores, clock, a, signal("cart"))
    with pytest.raises(Invalid, match="Name 1 to 1000"):
        split(stores, clock, a)
    check(stores)


def test_an_undone_merge_gives_back_what_was_there_and_what_came_since(stores, clock, two):
    a, b = two
    merge(stores, clock, a, b)
    ingest(stores, clock).ingest([signal("checkout", 1), signal("cart", 1)])
    restored = merging.undo_merge(stores, clock, b, a, "ann", "a mistake")

    assert (restored.id, restored.status, restored.signals) == (a, "new", 2)
    left = stores.incidents.get(b)
    assert (left["signals"], left["entities"], left["merged"]) == (2, ["cart"], [])
    outcomes = ingest(stores, clock).ingest([signal("checkout", 2), signal("cart", 2)])
    assert [outcome.incident_id for outcome in outcomes] == [a, b]
    with pytest.raises(IllegalMove, match="is not merged into"):
        merging.undo_merge(stores, clock, b, a, "ann")
    check(stores)


def test_what_was_split_off_since_stays_away_when_the_merge_is_undone(stores, clock, two):
    a, b = two
    ingest(stores, clock).ingest([signal("checkout", 1)])
    merge(stores, clock, a, b)
    new = split(stores, clock, b, signal("checkout", 1))
    restored = merging.undo_merge(stores, clock, b, a, "ann")

    assert restored.signals == new.signals == 1
    check(stores)


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
    moving.finish_recent(stores, clock)

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
            merging.undo_merge(stores, clock, b, a, "ann")
    for collection in stores.collections:
        collection.before = None
    moving.finish_recent(stores, clock)
    check(stores)
    before_again = {name: getattr(stores, name).all() for name in stores.NAMES}
    moving.finish_recent(stores, clock)
    assert {name: getattr(stores, name).all() for name in stores.NAMES} == before_again


def test_a_large_incident_is_merged_in_entries_of_bounded_size(stores, clock, monkeypatch):
    monkeypatch.setattr(moving, "ENTRY_SIGNALS", 10)
    a = opened(stores, clock, *(signal(run=run) for run in range(35)))
    b = opened(stores, clock, signal("cart"))
    merge(stores, clock, a, b)
    assert [e.kind for e in timeline.read(stores, b)].count("joined") == 4
    merging.undo_merge(stores, clock, b, a, "ann")
    assert stores.incidents.get(a)["signals"] == 35
    check(stores)


def test_the_report_tells_of_merge_and_split(stores, clock, two):
    a, b = two
    merge(stores, clock, a, b, reason="same outage")
    split(stores, clock, b, signal("checkout"), reason="another fault")

    assert f"merged into {b}" in report.markdown(timeline.read(stores, a)).replace("\\", "")
    told = report.markdown(timeline.read(stores, b)).replace("\\", "")
    assert f"took over {a}" in told
    assert "1 signals split off" in told


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
                    merging.undo_merge(stores, clock, b, a, "ann")
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
    moving.finish_recent(stores, clock)

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
        self.memory = Stories()
        return multiple(*(self._signals(name) for name in ("a", "b", "c")))

    def _signals(self, name):
        self.run += 1
        self.clock.advance(300)
        found = signal(name, self.run)
        self.sent.add(found.key)
        remembered = self.memory if self.run % 3 else Stories()
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
            made = merging.split(self.stores, self.clock, ROUTING, source, keys, "ann")
        except IllegalMove:
            return multiple()
        return made.id

    @rule(holder=incidents, merged=incidents)
    def undo(self, holder, merged):
        with contextlib.suppress(IllegalMove):
            merging.undo_merge(self.stores, self.clock, holder, merged, "ann")

    @rule(incident=consumes(incidents))
    def resolve(self, incident):
        with contextlib.suppress(IllegalMove):
            lifecycle.resolve(self.stores, self.clock, incident, "ann")

    @rule(source=incidents, into=incidents, stop=st.integers(0, 40))
    def interrupted(self, source, into, stop):
        for collection in self.stores.collections:
            collection.fail_after(stop)
        with contextlib.suppress(IllegalMove, SplunkError):
            merge(self.stores, self.clock, source, into)
        for collection in self.stores.collections:
            collection.heal()
        moving.finish_recent(self.stores, self.clock)

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
