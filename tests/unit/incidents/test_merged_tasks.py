"""Tasks move along when their incident is merged, and come back when that is undone."""

from __future__ import annotations

import contextlib

import pytest

from incident_management.incidents import lifecycle, timeline, updates
from incident_management.incidents.act import Act
from incident_management.incidents.entry_text import describe_entry
from incident_management.incidents.errors import IllegalMove, NotFound
from incident_management.incidents.intake.ingest import ByHand, Ingest
from incident_management.incidents.joining import execution, merging
from incident_management.incidents.review.document import Review
from incident_management.incidents.review.statements import ReviewedTimeline
from incident_management.incidents.tasks import writing
from tests.fakes import FakeStores, ManualClock
from tests.fakes.turns import orders
from tests.unit.incidents.builders import START, signal
from tests.unit.incidents.movers import check, merge, opened
from tests.unit.incidents.test_tasks import ROUTING, add, change, give, shown


def standing(stores, incident):
    """Return the tasks of an incident, by its entries and its document."""
    check(stores)
    return {
        one["title"]: (one["state"], one["owner"], one["by"], one["from"])
        for one in timeline.current(stores, incident).tasks
    }


def undo(stores, clock, holder, merged):
    return merging.undo_merge(Act(stores, clock, "ann"), holder, merged)


def test_tasks_go_along_as_they_are_and_go_on_where_they_went(stores, clock, two):
    first, second = two
    task = add(stores, clock, first, owner="kim")
    ended = add(stores, clock, first, "Restart it", actor="bob")
    clock.advance(5)
    change(stores, clock, first, ended, "cy", state="dropped", reason="It came back.")
    merge(stores, clock, first, second)
    assert standing(stores, second) == {
        "Call the vendor": ("open", "kim", "ann", first),
        "Restart it": ("dropped", "", "cy", first),
    }
    (entry,) = [one for one in timeline.read(stores, second) if one.kind == "joined"]
    assert describe_entry(entry) == f"Merged in {first} with 1 signal and 2 tasks."
    for act in (
        lambda: add(stores, clock, first),
        lambda: give(stores, clock, first, "scribe", "bob"),
        lambda: change(stores, clock, first, task, state="done"),
    ):
        with pytest.raises(IllegalMove, match=f"was merged into {second}: continue there"):
            act()
    seen = timeline.current(stores, second).tasks[0]["at"]
    assert change(stores, clock, second, task, "bob", seen_at=seen, state="done")
    updates.resolve(Act(stores, clock, "ann"), ROUTING, second, lifecycle.Ending())
    left = timeline.read(stores, second)[-1].data["tasks_left"]
    assert left == ["Tell support", "Watch it"]


def test_an_automatic_resolve_lists_the_merged_open_tasks(stores, clock, two):
    first, second = two
    add(stores, clock, first)
    merge(stores, clock, first, second)
    lifecycle.resolve(Act(stores, clock, "incident_management"), second, by_itself=True)
    text = Review(ReviewedTimeline(timeline.read(stores, second)), None, ["high"], []).to_markdown()
    assert "When it was resolved 1 task was open: Call the vendor." in text


def test_of_a_step_that_both_have_touched_the_survivors_stands(stores, clock):
    first, second = (
        opened(stores, clock, signal(name, severity="critical")) for name in ("checkout", "cart")
    )
    support, watch = [one["id"] for one in shown(stores, first)]
    change(stores, clock, first, support, state="done")
    change(stores, clock, first, watch, state="done")
    change(stores, clock, second, watch, "cy", owner="cy")
    merge(stores, clock, first, second)
    assert standing(stores, second) == {
        "Watch it": ("open", "cy", "cy", ""),
        "Tell support": ("done", "", "bob", first),
    }
    undo(stores, clock, second, first)
    assert standing(stores, second) == {"Watch it": ("open", "cy", "cy", "")}
    assert standing(stores, first)["Watch it"] == ("done", "", "bob", "")


def test_an_undone_merge_gives_tasks_back_as_they_were_left(stores, clock, two):
    first, second = two
    task, mine = add(stores, clock, first), add(stores, clock, second, "Mine")
    merge(stores, clock, first, second)
    clock.advance(5)
    change(stores, clock, second, task, "dan", state="done")
    undo(stores, clock, second, first)
    assert standing(stores, first) == {"Call the vendor": ("done", "", "dan", "")}
    assert standing(stores, second) == {"Mine": ("open", "", "ann", "")}
    with pytest.raises(NotFound):
        change(stores, clock, second, task, state="open")
    clock.advance(5)
    change(stores, clock, first, task, "eve", state="open")
    merge(stores, clock, first, second)
    assert standing(stores, second)["Call the vendor"] == ("open", "", "eve", first)
    assert change(stores, clock, second, task, "fay", state="done")
    assert change(stores, clock, second, mine, "fay", state="done")


def test_a_merge_of_what_has_no_signals_is_undone_in_whole(stores, clock, two):
    """It was opened by hand, or all of its signals were split off since."""
    second = two[1]
    ingest = Ingest(stores, clock, ROUTING)
    first = ingest.open_by_hand(ByHand(title="Seen by hand"), "ann", "k1", clock.now()).id
    add(stores, clock, first)
    merge(stores, clock, first, second)
    assert timeline.current(stores, second).merged == [first]
    clock.advance(5)
    undo(stores, clock, second, first)
    assert timeline.current(stores, second).merged == []
    (entry,) = [one for one in timeline.read(stores, second) if one.kind == "split"]
    assert describe_entry(entry) == f"Undid the merge of {first} with 0 signals."
    assert standing(stores, second) == {}
    assert list(standing(stores, first)) == ["Call the vendor"]
    merge(stores, clock, first, second)
    assert list(standing(stores, second)) == ["Call the vendor"]


def test_what_came_with_another_goes_on_with_the_next_one_and_comes_back_through_both(
    stores, clock, two
):
    first, second = two
    third = opened(stores, clock, signal("pay"))
    task = add(stores, clock, first)
    merge(stores, clock, first, second)
    merge(stores, clock, second, third)
    assert standing(stores, third)["Call the vendor"] == ("open", "", "ann", second)
    clock.advance(5)
    change(stores, clock, third, task, "dan", state="done")
    undo(stores, clock, third, second)
    assert standing(stores, third) == {}
    assert standing(stores, second)["Call the vendor"] == ("done", "", "dan", first)
    undo(stores, clock, second, first)
    assert standing(stores, second) == {}
    assert standing(stores, first)["Call the vendor"] == ("done", "", "dan", "")


@pytest.mark.one_python
@pytest.mark.parametrize("kills", [0, 1])
@pytest.mark.parametrize("what", ["add", "tick"])
def test_what_is_reported_in_the_moment_of_the_merge_goes_along(what: str, kills: int) -> None:
    """After any kill, once the worker has run, the survivor has the written task."""

    def writers():
        stores, clock = FakeStores(), ManualClock(START + 100)
        first, second = (opened(stores, clock, signal(name)) for name in ("checkout", "cart"))
        task = add(stores, clock, first)
        later = ManualClock(START + 105)

        def says() -> None:
            with contextlib.suppress(IllegalMove):
                if what == "add":
                    writing.add_task(Act(stores, later, "bob", "b"), first, "Look")
                else:
                    change(stores, later, first, task, state="done")

        return stores, [says, lambda: merge(stores, clock, first, second)]

    for stores, order in orders(writers, 2 - kills, ("timeline", "claims"), kills=kills):
        execution.finish_recent(stores, ManualClock(START + 200))
        both = {one["id"]: one for one in stores.incidents.all()}
        for one in list(both):
            timeline.refresh(stores, one)
        check(stores)
        first, second = (timeline.current(stores, one) for one in both)
        if second.merged_into:
            first, second = second, first
        if first.merged_into:
            here = {one["id"]: one for one in second.tasks}
            for one in first.tasks:
                assert here[one["id"]] == {**one, "from": first.id}, order


@pytest.mark.one_python
def test_a_task_that_is_ticked_as_a_merge_is_undone_is_in_one_of_both_incidents() -> None:
    """The later user is told where the task is."""
    told: list[str] = []

    def writers():
        stores, clock = FakeStores(), ManualClock(START + 100)
        first, second = (opened(stores, clock, signal(name)) for name in ("checkout", "cart"))
        task = add(stores, clock, first)
        merge(stores, clock, first, second)
        told.clear()

        def ticks() -> None:
            try:
                change(stores, ManualClock(START + 105), second, task, state="done")
            except (IllegalMove, NotFound) as error:
                told.append(str(error))

        return stores, [ticks, lambda: undo(stores, ManualClock(START + 104), second, first)]

    seen: set[str] = set()
    for stores, order in orders(writers, 2, ("timeline", "claims")):
        check(stores)
        both = [document["tasks"] for document in stores.incidents.all()]
        assert sorted(map(len, both)) == [0, 1], order
        seen.update(text.partition(" has ")[2][:13] for text in told)
    assert seen == {"just moved ba", "no task TASK-"}
