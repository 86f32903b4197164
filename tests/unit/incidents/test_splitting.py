"""Splitting, and undoing a merge: signals and their problems go to the right incident."""

import pytest

from incident_management.incidents.act import Act
from incident_management.incidents.errors import IllegalMove, Invalid
from incident_management.incidents.grouping import Topology
from incident_management.incidents.intake.ingest import Ingest
from incident_management.incidents.joining import merging
from incident_management.incidents.story import StoryCache
from tests.unit.incidents.builders import ROUTING, ingest, signal
from tests.unit.incidents.movers import check, merge, opened, split


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
    """It remembered the episode at the worst moment: between the split and its claim."""
    a, b = two
    app = Ingest(stores, clock, ROUTING, Topology(), StoryCache())
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
    new = merging.split(Act(stores, clock, "ann"), ROUTING, a, keys)
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
    with pytest.raises(IllegalMove, match="must leave at least one signal"):
        split(stores, clock, a, signal())
    with pytest.raises(Invalid, match="has no signal"):
        split(stores, clock, a, signal("cart"))
    with pytest.raises(Invalid, match="Choose 1 to 1000"):
        split(stores, clock, a)
    check(stores)


def test_an_undone_merge_gives_back_what_was_there_and_what_came_since(stores, clock, two):
    a, b = two
    merge(stores, clock, a, b)
    ingest(stores, clock).ingest([signal("checkout", 1), signal("cart", 1)])
    restored = merging.undo_merge(Act(stores, clock, "ann"), b, a, "a mistake")

    assert (restored.id, restored.status, restored.signals) == (a, "new", 2)
    left = stores.incidents.get(b)
    assert (left["signals"], left["entities"], left["merged"]) == (2, ["cart"], [])
    outcomes = ingest(stores, clock).ingest([signal("checkout", 2), signal("cart", 2)])
    assert [outcome.incident_id for outcome in outcomes] == [a, b]
    with pytest.raises(IllegalMove, match="is not merged into"):
        merging.undo_merge(Act(stores, clock, "ann"), b, a)
    check(stores)


def test_what_was_split_off_since_stays_away_when_the_merge_is_undone(stores, clock, two):
    a, b = two
    ingest(stores, clock).ingest([signal("checkout", 1)])
    merge(stores, clock, a, b)
    new = split(stores, clock, b, signal("checkout", 1))
    restored = merging.undo_merge(Act(stores, clock, "ann"), b, a)

    assert restored.signals == new.signals == 1
    check(stores)


def test_incidents_merged_into_the_undone_one_leave_with_it(stores, clock, two):
    a, b = two
    c = opened(stores, clock, signal("search"))
    merge(stores, clock, c, a)
    merge(stores, clock, a, b)
    new = split(stores, clock, b, signal("search"))
    restored = merging.undo_merge(Act(stores, clock, "ann"), b, a)

    assert restored.signals == new.signals == 1
    check(stores)
