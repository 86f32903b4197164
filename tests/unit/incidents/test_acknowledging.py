"""If several people acknowledge an incident at once, one gets it, and the others learn who."""

from __future__ import annotations

import threading

import pytest

from incident_management.incidents import lifecycle, timeline
from incident_management.incidents.act import Act
from incident_management.incidents.clocks import assignment
from incident_management.incidents.errors import IllegalMove
from incident_management.incidents.routing import Routing
from tests.fakes import Unavailable
from tests.unit.incidents.builders import ingest, signal


@pytest.fixture
def incident(stores, clock):
    (opened,) = ingest(stores, clock).ingest([signal()])
    return opened.incident_id


def acknowledge(stores, clock, incident, actor, once=""):
    return lifecycle.acknowledge(Act(stores, clock, actor, once), incident)


def just_before(collection, verb, act):
    """Do something once, just before the next call of this method."""

    def run(called, _name):
        if called == verb:
            collection.before = None
            act()

    collection.before = run


def begun(stores, incident):
    entries = timeline.effective(timeline.read(stores, incident))
    return [(e.kind, e.actor) for e in entries if e.kind in ("assigned", "status")]


def test_a_late_acknowledgement_reports_who_was_first(stores, clock, incident):
    just_before(stores.claims, "insert", lambda: acknowledge(stores, clock, incident, "bob"))
    with pytest.raises(IllegalMove, match=rf"^{incident} is already acknowledged by bob\.$"):
        acknowledge(stores, clock, incident, "ann")
    assert begun(stores, incident) == [("assigned", "bob"), ("status", "bob")]
    assert timeline.refresh(stores, incident).owner == "bob"


def test_both_have_read_it_as_new_and_the_first_has_not_written_yet(stores, clock, incident):
    def late():
        lifecycle.add_note(
            Act(stores, clock, "cy"), incident, "What is written meanwhile changes nothing."
        )
        with pytest.raises(IllegalMove, match="by bob"):
            acknowledge(stores, clock, incident, "ann", "anns request")

    just_before(stores.timeline, "insert", late)
    assert acknowledge(stores, clock, incident, "bob", "bobs request").owner == "bob"
    assert begun(stores, incident) == [("assigned", "bob"), ("status", "bob")]
    assert lifecycle.find_done(stores, incident, "bobs request")
    assert not lifecycle.find_done(stores, incident, "anns request")


def test_of_many_at_once_one_has_it(stores, clock, incident):
    names, told = [f"user{number}" for number in range(8)], []
    together = threading.Barrier(len(names))

    def press(name):
        together.wait()
        try:
            told.append(acknowledge(stores, clock, incident, name).owner)
        except IllegalMove as refusal:
            told.append(str(refusal).rpartition("by ")[2].strip("."))

    threads = [threading.Thread(target=press, args=(name,)) for name in names]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    owner = timeline.refresh(stores, incident).owner
    assert told == [owner] * len(names)
    assert begun(stores, incident) == [("assigned", owner), ("status", owner)]


def test_an_owner_is_named_beside_who_began(stores, clock, incident):
    assignment.assign(Act(stores, clock, "lee"), Routing(), incident, owner="zoe")
    acknowledge(stores, clock, incident, "bob")
    lifecycle.add_note(Act(stores, clock, "cy"), incident, "looking")
    with pytest.raises(IllegalMove, match=r"already acknowledged by bob, and zoe owns it\.$"):
        acknowledge(stores, clock, incident, "ann")


def test_one_that_was_never_written_stands_in_nobodys_way_later(stores, clock, incident):
    stores.timeline.fail_after(1)
    with pytest.raises(Unavailable):
        acknowledge(stores, clock, incident, "bob")
    stores.timeline.heal()
    assert begun(stores, incident) == []
    clock.advance(61)
    assert acknowledge(stores, clock, incident, "ann").owner == "ann"


def test_a_new_life_is_acknowledged_anew(stores, clock, incident):
    for actor in ("bob", "ann"):
        acknowledge(stores, clock, incident, actor)
        lifecycle.resolve(Act(stores, clock, actor), incident)
        lifecycle.reopen(Act(stores, clock, actor), incident)
    assert [who for kind, who in begun(stores, incident) if kind == "status"][::3] == ["bob", "ann"]
