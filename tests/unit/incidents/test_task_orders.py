"""Simultaneous changes of tasks and roles, in every order of their calls, with kills."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable

import pytest

from incident_management.incidents import timeline
from incident_management.incidents.act import Act
from incident_management.incidents.errors import IllegalMove
from incident_management.incidents.tasks import writing
from incident_management.incidents.tasks.task_list import tasks_of
from tests.fakes import FakeStores, ManualClock
from tests.fakes.turns import Killed, orders
from tests.unit.incidents.builders import START, signal
from tests.unit.incidents.movers import check, opened
from tests.unit.incidents.test_tasks import ROUTING

pytestmark = pytest.mark.one_python

WRITING = ("timeline", "claims", "incidents")


def begun():
    stores, clock = FakeStores(), ManualClock(START + 100)
    incident = opened(stores, clock, signal("checkout", severity="critical"))
    return stores, clock, incident


def told(done: list[str], who: str, act: Callable[[str], object]) -> Callable[[], None]:
    """A person who acts; ``done`` names them if they were not told of another's change."""

    def go() -> None:
        with contextlib.suppress(IllegalMove):
            act(who)
            done.append(who)

    return go


@pytest.mark.parametrize("kills", [0, 1])
@pytest.mark.parametrize("what", ["state", "owner", "title", "role"])
def test_of_two_users_one_wins_and_the_other_learns_who(what: str, kills: int) -> None:
    done: list[str] = []

    def writers():
        stores, clock, incident = begun()
        done.clear()
        step = tasks_of(ROUTING, timeline.current(stores, incident))[0]["id"]

        def act(who):
            theirs = Act(stores, clock, who)
            if what == "role":
                return writing.assign_role(theirs, ROUTING, incident, "scribe", who, seen_at=0.0)
            changes = {"state": "done"} if what == "state" else {what: who}
            return writing.change_task(theirs, ROUTING, incident, step, changes, seen_at=0.0)

        return stores, [told(done, "ann", act), told(done, "bob", act)]

    for stores, order in orders(writers, 2, WRITING, kills=kills):
        (incident,) = [one["id"] for one in stores.incidents.all()]
        timeline.refresh(stores, incident)
        check(stores)
        entries = [one for one in timeline.read(stores, incident) if one.kind in ("task", "role")]
        actors = [entry.actor for entry in entries]
        assert len(actors) <= 1, order
        assert set(done) <= set(actors), order
        if not kills:
            assert done == actors and len(done) == 1, order


def test_of_a_rename_and_a_tick_at_once_one_is_done_and_the_other_told() -> None:
    def writers():
        stores, clock, incident = begun()
        key = tasks_of(ROUTING, timeline.current(stores, incident))[0]["id"]

        def changes(who, **news):
            def act():
                with contextlib.suppress(IllegalMove):
                    writing.change_task(Act(stores, clock, who), ROUTING, incident, key, news)

            return act

        return stores, [changes("ann", title="Tell them all"), changes("bob", state="done")]

    found = set()
    for stores, order in orders(writers, 2, WRITING):
        check(stores)
        (document,) = stores.incidents.all()
        (task,) = document["tasks"]
        story = timeline.read(stores, document["id"])
        actors = [one.actor for one in story if one.kind == "task"]
        # One after the other does both.
        assert len(actors) == len(set(actors)), order
        assert (task["title"] == "Tell them all") == ("ann" in actors), order
        assert (task["state"] == "done") == ("bob" in actors), order
        found.add(tuple(actors))
    assert ("ann",) in found and ("bob",) in found


def test_of_the_orders_that_are_left_out_none_ends_otherwise() -> None:
    """Compared with all orders, see tests/fakes/turns.py."""

    def writers():
        stores, clock, incident = begun()
        step = tasks_of(ROUTING, timeline.current(stores, incident))[0]["id"]

        def act(who):
            theirs = Act(stores, clock, who)
            changes = {"state": "done"}
            return writing.change_task(theirs, ROUTING, incident, step, changes, seen_at=0.0)

        return stores, [told([], "ann", act), told([], "bob", act)]

    def ends(elsewhere: bool) -> list[tuple[object, ...]]:
        found: list[tuple[object, ...]] = []
        for stores, _order in orders(writers, 1, WRITING, kills=1, elsewhere=elsewhere):
            (document,) = stores.incidents.all()
            entries = timeline.read(stores, document["id"])
            written = tuple((entry.kind, entry.actor, entry.seq) for entry in entries)
            found.append((document["entries"], written, len(stores.claims.documents)))
        return found

    every, tried = ends(elsewhere=True), ends(elsewhere=False)
    assert set(tried) == set(every) and len(set(every)) > 1
    assert len(tried) < len(every) / 2


def test_what_they_add_up_to_does_not_depend_on_the_order_in_which_entries_are_read() -> None:
    """A step is completed, assigned, renamed and dropped by people who saw no other's change."""
    stores, clock, incident = begun()
    before = timeline.read(stores, incident)
    step = tasks_of(ROUTING, timeline.fold(before))[0]["id"]
    entries = []
    for who, changes in (
        ("ann", {"state": "done"}),
        ("bob", {"owner": "bob"}),
        ("cy", {"state": "dropped", "reason": "No."}),
        ("dee", {"title": "Tell them all"}),
    ):
        alone, _clock, _same = begun()
        writing.change_task(
            Act(alone, ManualClock(clock.now()), who), ROUTING, incident, step, changes
        )
        entries += timeline.read(alone, incident)[len(before) :]
    found = [
        timeline.fold([*before, *several]).to_document()
        for several in itertools.permutations(entries)
    ]
    assert len(entries) == 4 and all(one == found[0] for one in found)
    (task,) = found[0]["tasks"]
    assert (task["title"], task["checklist"]) == ("Tell them all", "first")


def test_a_writer_who_was_killed_with_its_turn_holds_up_nobody_for_longer_than_a_minute() -> None:
    stores, clock, incident = begun()

    def dies(verb: str, name: str) -> None:
        if (verb, name) == ("insert", "timeline"):
            stores.timeline.before = None
            raise Killed

    stores.timeline.before = dies
    with pytest.raises(Killed):
        writing.assign_role(Act(stores, clock, "ann"), ROUTING, incident, "scribe", "ann")
    with pytest.raises(IllegalMove, match="ann has just changed"):
        writing.assign_role(Act(stores, clock, "bob"), ROUTING, incident, "scribe", "bob")
    clock.advance(61)
    found = writing.assign_role(Act(stores, clock, "bob"), ROUTING, incident, "scribe", "bob")
    assert [one["person"] for one in found.roles] == ["bob"]
