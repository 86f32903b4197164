"""The timeline: guarantees of the fold and of refresh, and what verify finds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_management.incidents import lifecycle, timeline
from incident_management.incidents.act import Act
from incident_management.incidents.canonical import canonical, digest
from incident_management.incidents.clocks import assignment
from incident_management.incidents.entry_validation import readable_entries
from incident_management.incidents.errors import IllegalMove, Invalid, NotFound
from incident_management.incidents.intake.ingest import ByHand
from incident_management.incidents.model import Entry, Head, Incident
from incident_management.incidents.routing import Routing
from incident_management.incidents.signal import Signal
from tests.fakes import FakeStores, ManualClock
from tests.unit.incidents.builders import START, ingest, signal

ID = "INC-20260101-0A1B2C"
KEYS = st.sampled_from([f"{n:040x}" for n in range(6)])
SIGNALS = st.dictionaries(KEYS, st.integers(1, 9), max_size=4)
SEVERITY = st.sampled_from(["critical", "high", "medium", "low", "info"])
STATUS = st.sampled_from(["new", "assigned", "in_progress", "resolved", "closed", "odd"])
SPAN = st.tuples(st.floats(0, 1e9), st.floats(0, 1e9)).map(sorted)


@st.composite
def entry_data(draw):
    kind = draw(
        st.sampled_from(["opened", "signal", "routed", "assigned", "status", "severity", "note"])
    )
    if kind in ("opened", "signal"):
        first, last = draw(SPAN)
        data = {
            "title": draw(st.text(max_size=5)),
            "signals": draw(SIGNALS),
            "severity": draw(SEVERITY),
            "first_time": first,
            "last_time": last,
            "rule": draw(st.sampled_from(["a", "b"])),
            "entities": draw(st.lists(st.sampled_from(["x", "y", "z"]), max_size=3)),
        }
    elif kind in ("routed", "assigned"):
        data = {"owner": draw(st.sampled_from(["", "ann", "bob"])), "team": "ops"}
    elif kind == "status":
        data = {"from": draw(STATUS), "to": draw(STATUS), "resolution": "done"}
    else:
        data = {"to": draw(SEVERITY), "text": draw(st.text(max_size=9))}
    return kind, data


@st.composite
def histories(draw):
    """Yield entries of several writers, each of whom saw some of the others' entries."""
    entries: list[Entry] = []
    for _number in range(draw(st.integers(1, 12))):
        kind, data = draw(entry_data())
        seen = [entry for entry in entries if draw(st.booleans())]
        entries.append(
            Entry.create(
                ID,
                kind,
                data,
                draw(st.sampled_from(["ann", "bob"])),
                START + draw(st.floats(-500, 500)),
                timeline.head_of(seen),
                draw(st.sampled_from(["", "", "once-a", "once-b"])),
            )
        )
    return list({entry.key: entry for entry in entries}.values())


@given(histories(), st.randoms(use_true_random=False))
def test_the_fold_does_not_depend_on_the_order_of_arrival(entries, rng):
    shuffled = [*entries, rng.choice(entries)]
    rng.shuffle(shuffled)

    assert timeline.fold(shuffled) == timeline.fold(entries)


@given(histories())
def test_every_signal_is_counted_once(entries):
    keys = {k for e in entries if e.kind in ("opened", "signal") for k in e.data["signals"]}

    assert timeline.fold(entries).signals == len(keys)


@given(histories())
def test_an_entry_survives_the_kv_store_and_is_whole(entries):
    through = [Entry.from_document(entry.to_document()) for entry in entries]

    assert through == entries
    assert all(entry.hash() == entry.key for entry in through)


@given(histories())
def test_an_incident_survives_the_kv_store(entries):
    incident = timeline.fold(entries)

    assert Incident.from_document(incident.to_document()) == incident


@given(histories())
def test_refreshing_twice_gives_the_same_document(entries):
    stores = FakeStores()
    timeline.write(stores, entries)
    timeline.refresh(stores, ID)
    first = stores.incidents.all()
    timeline.refresh(stores, ID)

    assert stores.incidents.all() == first


@given(histories(), st.data())
def test_a_changed_entry_is_found(entries, data):
    victim = data.draw(st.sampled_from(entries))
    field = data.draw(st.sampled_from(["kind", "actor", "time", "data", "seq", "once"]))
    document = victim.to_document()
    document[field] = {"x": 1} if field == "data" else 99 if field in ("time", "seq") else "forged"
    forged = [Entry.from_document(document) if e is victim else e for e in entries]

    verdict = timeline.verify(forged)
    assert not verdict.ok
    assert any(victim.key[:12] in problem for problem in verdict.problems)


def story(stores, clock):
    """Create an incident with a few entries; return its id."""
    app = ingest(stores, clock)
    (opened,) = app.ingest([signal(run=0)])
    app.ingest([signal(run=1)])
    lifecycle.acknowledge(Act(stores, clock, "ann"), opened.incident_id)
    lifecycle.add_note(Act(stores, clock, "bob"), opened.incident_id, "looking at it")
    return opened.incident_id


def test_a_timeline_of_the_app_is_whole(stores, clock):
    incident_id = story(stores, clock)
    head = stores.incidents.get(incident_id)["head"]

    assert timeline.verify(timeline.read(stores, incident_id), head) == timeline.Verdict(True, 6)


def test_a_deleted_entry_is_found_by_the_one_that_follows_it(stores, clock):
    entries = timeline.read(stores, story(stores, clock))
    del entries[2]

    assert any("is missing" in problem for problem in timeline.verify(entries).problems)


def test_a_deleted_last_entry_is_found_by_the_documents_head(stores, clock):
    incident_id = story(stores, clock)
    entries = timeline.read(stores, incident_id)[:-1]

    assert timeline.verify(entries).ok
    assert not timeline.verify(entries, stores.incidents.get(incident_id)["head"]).ok


def test_an_entry_that_was_put_in_without_knowing_the_hash_is_found(stores, clock):
    incident_id = story(stores, clock)
    document = timeline.read(stores, incident_id)[3].to_document()
    stores.timeline.insert({**document, "_key": "f" * 64, "actor": "mallory"})

    assert not timeline.verify(timeline.read(stores, incident_id)).ok


def test_of_an_entry_whose_text_was_masked_the_place_is_checked(stores, clock):
    *others, last = timeline.read(stores, story(stores, clock))
    moved = Entry.from_document({**last.to_document(), "seq": last.seq + 1})

    (problem,) = timeline.verify([*others, moved], masked={last.key}).problems
    assert problem.endswith(f"has seq {last.seq + 1} after {last.seq - 1}.")


def test_whole_timelines_of_two_incidents_are_not_one(stores, clock):
    other = ingest(stores, clock).open_by_hand(ByHand("Slow", severity="low"), "ann", "k").id
    entries = timeline.read(stores, story(stores, clock)) + timeline.read(stores, other)

    verdict = timeline.verify(entries)
    assert verdict.problems == ["Entries of several incidents are mixed."]


def test_causal_order_survives_a_skewed_clock(stores, clock):
    incident_id = story(stores, clock)
    clock.set(START - 100_000)
    lifecycle.resolve(Act(stores, clock, "ann"), incident_id, lifecycle.Ending(resolution="fixed"))

    assert timeline.read(stores, incident_id)[-1].data["resolution"] == "fixed"
    assert stores.incidents.get(incident_id)["status"] == "resolved"


def test_a_writer_that_comes_in_between_is_in_the_last_document(stores, clock):
    incident_id = story(stores, clock)
    late = ManualClock(START + 5)

    def write_in_between(verb, _name):
        if verb == "save":
            stores.incidents.before = None
            data = {"text": "from another member"}
            timeline.append(Act(stores, late, "eve"), incident_id, "note", data)

    stores.incidents.before = write_in_between
    incident = lifecycle.add_note(Act(stores, clock, "ann"), incident_id, "mine")

    assert incident.entries == 8
    assert stores.incidents.get(incident_id)["entries"] == 8


def test_once_writes_once(stores, clock):
    incident_id = story(stores, clock)
    first = timeline.append(Act(stores, clock, "w"), incident_id, "note", {"text": "a"}, once="x")
    again = timeline.append(Act(stores, clock, "w"), incident_id, "note", {"text": "b"}, once="x")

    assert again == first


def test_entries_that_race_on_once_count_once(stores, clock):
    incident_id = story(stores, clock)
    head = timeline.head_of(timeline.read(stores, incident_id))
    for actor, time in (("member-1", START + 2), ("member-2", START + 1)):
        data = {"from": "in_progress", "to": "resolved", "resolution": actor}
        entry = Entry.create(incident_id, "status", data, actor, time, head, "auto-resolve")
        timeline.write(stores, [entry])
    incident = timeline.refresh(stores, incident_id)

    assert incident.resolution == "member-2"
    assert len(timeline.effective(timeline.read(stores, incident_id))) == incident.entries - 1


def test_an_unknown_incident_is_not_written_to(stores, clock):
    with pytest.raises(NotFound, match="No incident INC-20260101-0A1B2C exists"):
        timeline.append(Act(stores, clock, "ann"), ID, "note", {"text": "x"})
    with pytest.raises(NotFound):
        timeline.refresh(stores, ID)
    assert stores.timeline.all() == []


@pytest.mark.parametrize("name", ["a.b", "$where", ""])
def test_a_field_name_that_the_kv_store_refuses_is_refused_first(name):
    with pytest.raises(Invalid, match="can't be a field name"):
        Entry.create(ID, "note", {"deep": [{name: 1}]}, "ann", START, Head())


def test_numbers_hash_alike_however_json_prints_them():
    assert canonical({"t": 1.0, "n": [2.0]}) == canonical({"n": [2], "t": 1})
    with pytest.raises(ValueError, match="JSON"):
        canonical(float("nan"))


def test_an_entry_whose_numbers_come_back_as_floats_is_the_same_entry():
    entry = Entry.create(ID, "sla", {"due": 5}, "ann", START, Head(1, ("a" * 64,)))
    stored = entry.to_document()
    (read,) = readable_entries([{**stored, "seq": float(stored["seq"]), "data": {"due": 5.0}}])
    assert read == entry and read.hash() == entry.key


@pytest.mark.parametrize(
    ("moves", "move", "sentence"),
    [
        ([], "reopen", "is new; only a resolved incident can be reopened"),
        (["acknowledge"], "acknowledge", "is already acknowledged"),
        (["resolve"], "acknowledge", "is resolved and can't be acknowledged; reopen it first"),
        (["resolve"], "resolve", "is resolved and can't be resolved; reopen it first"),
        (["resolve"], "assign", "is resolved and can't be assigned; reopen it first"),
        (
            ["resolve", "close"],
            "acknowledge",
            "it stays closed, and the next signal of its problem",
        ),
    ],
)
def test_an_illegal_move_explains_itself_and_writes_nothing(stores, clock, moves, move, sentence):
    (opened,) = ingest(stores, clock).ingest([signal()])

    def do(name):
        act = Act(stores, clock, "ann")
        if name == "assign":
            assignment.assign(act, Routing(), opened.incident_id, owner="bob")
        else:
            getattr(lifecycle, name)(act, opened.incident_id)

    for name in moves:
        do(name)
    before = len(stores.timeline.all())
    with pytest.raises(IllegalMove, match=sentence):
        do(move)
    assert len(stores.timeline.all()) == before


def test_an_automatic_resolve_may_be_tried_again(stores, clock):
    incident_id = story(stores, clock)
    for _attempt in range(2):
        incident = lifecycle.resolve(
            Act(stores, clock, "incident_management", "auto:PLAN-1"),
            incident_id,
            lifecycle.Ending("recovered"),
        )
    assert incident.status == "resolved"
    assert incident.entries == 7


def test_two_reopens_at_once_count_once(stores, clock):
    incident_id = story(stores, clock)
    lifecycle.resolve(Act(stores, clock, "ann"), incident_id)
    entries = timeline.read(stores, incident_id)
    data, once = lifecycle.reopen_entry(
        timeline.fold(entries), entries[-1].key, "again", found=False
    )
    for actor in ("ann", "bob"):
        entry = Entry.create(
            incident_id, "status", data, actor, clock.now(), timeline.head_of(entries), once
        )
        timeline.write(stores, [entry])
    lifecycle.acknowledge(Act(stores, clock, "ann"), incident_id)

    assert stores.incidents.get(incident_id)["status"] == "in_progress"


@given(entry_data(), st.floats(0, 1e10), st.text(max_size=9), st.lists(KEYS, max_size=2))
def test_a_key_is_the_digest_of_all_the_rest(drawn, time, once, prev):
    """However the hashed text was put together."""
    kind, data = drawn
    entry = Entry.create(ID, kind, data, "ann", time, Head(3, tuple(prev)), once)
    document = entry.to_document()

    assert document.pop("_key") == digest(document) == entry.hash()
    assert Entry.from_document(entry.to_document()).hash() == entry.key


@given(st.dictionaries(st.text(max_size=4), st.text(max_size=6), max_size=3), st.text(max_size=9))
def test_a_signals_keys_are_digests_of_what_makes_it_the_same(values, run):
    made = Signal.create(
        rule='High "errors"\n\u20ac',
        entity="web",
        severity="high",
        first_time=START,
        last_time=START,
        run=run,
        received_at=START,
        app="shop",
        dedup=values,
    )
    expected = digest(["shop", made.rule, values or {"entity": "web"}], 40)

    assert vars(made).keys() == Signal.__dataclass_fields__.keys()
    assert made.dedup_key == expected
    assert made.key == digest([expected, run], 40)
