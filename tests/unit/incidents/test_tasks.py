"""Tasks, including steps of checklists, and roles of an incident."""

from __future__ import annotations

from dataclasses import replace

import pytest

from incident_management.incidents import editing, lifecycle, timeline, updates
from incident_management.incidents.act import Act
from incident_management.incidents.entry_text import describe_entry
from incident_management.incidents.errors import IllegalMove, Invalid, NotFound
from incident_management.incidents.report import to_markdown
from incident_management.incidents.review.document import Review
from incident_management.incidents.review.statements import ReviewedTimeline
from incident_management.incidents.routing import Routing
from incident_management.incidents.signal import TITLE_CHARACTERS
from incident_management.incidents.tasks import writing
from incident_management.incidents.tasks.task_list import roles_of, tasks_of
from tests.fakes import Unavailable
from tests.unit.incidents.builders import signal
from tests.unit.incidents.movers import agreed, opened

STANZAS = {
    "checklist:first": {
        "severity": "high, critical",
        "step.2": "Watch it | role: lead",
        "step.1": "Tell support | role: communications | runbook: https://wiki/support",
    },
    "checklist:else": {"rule": "Nothing finds it", "step.1": "Never shown"},
}
ROUTING = Routing.from_stanzas(STANZAS)


@pytest.fixture
def incident(stores, clock):
    incident_id = opened(stores, clock, signal("checkout"))
    editing.edit(Act(stores, clock, "ann"), incident_id, {"severity": "high", "owner": "lee"})
    return incident_id


def add(stores, clock, incident, title="Call the vendor", owner="", actor="ann", **more):
    found = writing.add_task(Act(stores, clock, actor), incident, title, owner, **more)
    return found.tasks[-1]["id"]


def change(stores, clock, incident, task, actor="bob", routing=ROUTING, seen_at=None, **changes):
    act = Act(stores, clock, actor)
    found = writing.change_task(act, routing, incident, task, changes, seen_at)
    return next(one for one in found.tasks if one["id"] == task)


def give(stores, clock, incident, role, to, actor="ann", routing=ROUTING, **more):
    found = writing.assign_role(Act(stores, clock, actor), routing, incident, role, to, **more)
    return {one["id"]: one["person"] for one in found.roles}


def shown(stores, incident, routing=ROUTING):
    return tasks_of(routing, timeline.current(stores, incident))


def test_the_steps_of_what_fits_are_shown_without_a_write(stores, clock, incident):
    before = agreed(stores, incident)
    found = shown(stores, incident)
    assert [(one["title"], one["state"], one["checklist"]) for one in found] == [
        ("Tell support", "open", "first"),
        ("Watch it", "open", "first"),
    ]
    assert found[0]["runbook"] == "https://wiki/support"
    assert [one["who"] for one in found] == ["", "lee"]
    give(stores, clock, incident, "communications", "Kim")
    assert shown(stores, incident)[0]["who"] == "kim"
    assert len(agreed(stores, incident)) == len(before) + 1
    editing.edit(Act(stores, clock, "ann"), incident, {"severity": "low"})
    assert shown(stores, incident) == []


def test_a_ticked_step_stays_as_it_was_whatever_becomes_of_the_checklist(stores, clock, incident):
    first, second = shown(stores, incident)
    assert change(stores, clock, incident, first["id"], state="done")["by"] == "bob"
    entry = agreed(stores, incident)[-1]
    assert entry.data == {
        "task": first["id"],
        "event": "changed",
        "title": "Tell support",
        "role": "communications",
        "runbook": "https://wiki/support",
        "checklist": "first",
        "state": "done",
        "reason": "",
    }
    reworded = {**STANZAS["checklist:first"], "step.1": "Tell support and sales", "step.3": "Rest"}
    later = Routing.from_stanzas({"checklist:first": reworded})
    assert [(one["title"], one["state"]) for one in shown(stores, incident, later)] == [
        ("Tell support and sales", "open"),
        ("Watch it", "open"),
        ("Rest", "open"),
        ("Tell support", "done"),
    ]
    # Another order, or another place for its instructions, is the same step.
    moved = {"step.9": "Tell support", "step.1": "Watch it", "severity": "high"}
    moved_to = shown(stores, incident, Routing.from_stanzas({"checklist:first": moved}))
    assert [(one["id"], one["state"]) for one in moved_to] == [
        (second["id"], "open"),
        (first["id"], "done"),
    ]
    assert moved_to[1]["runbook"] == "https://wiki/support"
    # Taken back, it can be ticked without a checklist.
    assert change(stores, clock, incident, first["id"], routing=Routing(), state="open")
    with pytest.raises(NotFound, match="has no task"):
        change(stores, clock, incident, second["id"], routing=Routing(), state="done")


def test_a_task_is_added_ticked_unticked_handed_over_and_dropped_with_a_reason(
    stores, clock, incident
):
    task = add(stores, clock, incident, " Call  the\nvendor ", "Kim")
    (one,) = timeline.current(stores, incident).tasks
    assert (one["title"], one["owner"], one["state"]) == ("Call the vendor", "kim", "open")
    assert change(stores, clock, incident, task, owner="LEE")["owner"] == "lee"
    assert change(stores, clock, incident, task, state="done", reason="They call back.")
    with pytest.raises(IllegalMove, match="is already done"):
        change(stores, clock, incident, task, "cy", state="done")
    with pytest.raises(IllegalMove, match="Reopen it first"):
        change(stores, clock, incident, task, owner="cy")
    assert change(stores, clock, incident, task, state="open")["reason"] == ""
    with pytest.raises(Invalid, match="Give a 'reason' for dropping it"):
        change(stores, clock, incident, task, state="dropped")
    change(stores, clock, incident, task, state="dropped", reason="They are closed.")
    assert [
        describe_entry(entry) for entry in agreed(stores, incident) if entry.kind == "task"
    ] == [
        "Task added: Call the vendor, for kim.",
        "Task assigned to lee: Call the vendor.",
        "Task done: Call the vendor. They call back.",
        "Task reopened: Call the vendor.",
        "Task dropped: Call the vendor. They are closed.",
    ]


def test_a_task_and_a_step_are_renamed_and_stay_what_they_are(stores, clock, incident):
    task = add(stores, clock, incident, "Cal the vendor", "kim")
    title = "<b>Call</b> *the*  vendor\u202e"
    renamed = change(stores, clock, incident, task, title=title)
    assert (renamed["title"], renamed["owner"]) == ("<b>Call</b> *the* vendor\ufffd", "kim")
    # What is so already is not written again.
    before = len(agreed(stores, incident))
    change(stores, clock, incident, task, title=title)
    assert len(agreed(stores, incident)) == before
    step = shown(stores, incident)[0]["id"]
    change(stores, clock, incident, step, title="Tell support at once", owner="lee")
    first = shown(stores, incident)[0]
    assert (first["id"], first["title"], first["role"], first["checklist"]) == (
        step, "Tell support at once", "communications", "first",
    )  # fmt: skip
    assert len(shown(stores, incident)) == 3
    change(stores, clock, incident, step, state="done")
    with pytest.raises(IllegalMove, match="Reopen it first"):
        change(stores, clock, incident, step, title="Tell nobody")
    for wrong in ("", "x" * (TITLE_CHARACTERS + 1)):
        with pytest.raises(Invalid, match="must say what is to be done"):
            change(stores, clock, incident, task, title=wrong)
    said = [describe_entry(entry) for entry in agreed(stores, incident) if entry.kind == "task"]
    assert said[1].startswith("Task renamed from “Cal the vendor”: ")
    assert said[2:] == [
        "Task renamed from “Tell support”, assigned to lee: Tell support at once.",
        "Task done: Tell support at once.",
    ]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"state": "later"}, "is not a state"),
        ({"state": "open", "reason": "x"}, "only with a new 'state'"),
        ({"owner": "x" * 201}, "in 1 to 200"),
        ({"state": "done", "reason": "x" * 1001}, "at most 1000"),
    ],
)
def test_what_a_task_does_not_take_is_refused_and_nothing_is_written(
    stores, clock, incident, changes, error
):
    step = shown(stores, incident)[0]["id"]
    before = agreed(stores, incident)
    with pytest.raises(Invalid, match=error):
        change(stores, clock, incident, step, **changes)
    with pytest.raises(Invalid, match="in 1 to"):
        add(stores, clock, incident, "x" * (TITLE_CHARACTERS + 1))
    with pytest.raises(Invalid, match="what is to be done"):
        add(stores, clock, incident, " \n")
    assert agreed(stores, incident) == before


def test_an_incident_has_so_many_tasks_and_no_more(stores, clock, incident, monkeypatch):
    monkeypatch.setattr(writing, "MAX_TASKS", 1)
    task = add(stores, clock, incident)
    with pytest.raises(Invalid, match="already has 1 tasks, the maximum"):
        add(stores, clock, incident)
    with pytest.raises(Invalid, match="already has 1 tasks, the maximum"):
        change(stores, clock, incident, shown(stores, incident)[0]["id"], state="done")
    assert change(stores, clock, incident, task, state="done")


@pytest.mark.parametrize("what", ["tick", "hand over", "role"])
def test_of_two_simultaneous_users_the_second_learns_who_was_first(stores, clock, incident, what):
    step = shown(stores, incident)[0]["id"]
    act = {
        "tick": lambda who: change(stores, clock, incident, step, who, state="done"),
        "hand over": lambda who: change(stores, clock, incident, step, who, owner=who),
        "role": lambda who: give(stores, clock, incident, "scribe", who, who),
    }[what]

    def other(verb, name):
        if (verb, name) == ("insert", "claims"):
            stores.claims.before = None
            act("cy")

    before = len(agreed(stores, incident))
    stores.claims.before = other
    with pytest.raises(IllegalMove, match="cy has just changed"):
        act("bob")
    assert len(agreed(stores, incident)) == before + 1


def test_a_change_based_on_an_outdated_state_is_refused(stores, clock, incident):
    task = add(stores, clock, incident)
    seen = timeline.current(stores, incident).tasks[0]["at"]
    clock.advance(5)
    change(stores, clock, incident, task, "bob", owner="cy", seen_at=seen)
    with pytest.raises(IllegalMove, match="was changed by bob"):
        change(stores, clock, incident, task, "ann", owner="dan", seen_at=seen)
    step = shown(stores, incident)[0]
    change(stores, clock, incident, step["id"], "bob", state="done", seen_at=step["at"])
    give(stores, clock, incident, "scribe", "bob", seen_at=0.0)
    with pytest.raises(IllegalMove, match="scribe was changed by ann"):
        give(stores, clock, incident, "scribe", "cy", seen_at=0.0)


def test_a_role_is_given_taken_over_and_given_up(stores, clock, incident):
    assert give(stores, clock, incident, "scribe", "Bob") == {"scribe": "bob"}
    with pytest.raises(IllegalMove, match="bob already has the role scribe"):
        give(stores, clock, incident, "scribe", "bob")
    assert give(stores, clock, incident, "scribe", "cy") == {"scribe": "cy"}
    assert give(stores, clock, incident, "scribe", "") == {"scribe": ""}
    with pytest.raises(IllegalMove, match="The role scribe is already unassigned"):
        give(stores, clock, incident, "scribe", " ")
    with pytest.raises(NotFound, match="There is no role 'pilot'; use communications, scribe"):
        give(stores, clock, incident, "pilot", "bob")
    with pytest.raises(NotFound, match="The lead is the incident's owner: assign the incident"):
        give(stores, clock, incident, "lead", "bob")
    assert [
        describe_entry(entry) for entry in agreed(stores, incident) if entry.kind == "role"
    ] == [
        "Role scribe assigned to bob.",
        "Role scribe assigned to cy, instead of bob.",
        "Role scribe unassigned, instead of cy.",
    ]


def test_a_role_removed_from_the_settings_stays_until_it_is_given_up(stores, clock, incident):
    give(stores, clock, incident, "scribe", "bob")
    later = replace(ROUTING, roles=("communications",))
    found = roles_of(later, timeline.current(stores, incident))
    assert [(one["id"], one["person"]) for one in found] == [
        ("communications", ""),
        ("scribe", "bob"),
    ]
    give(stores, clock, incident, "scribe", "", routing=later)
    found = roles_of(later, timeline.current(stores, incident))
    assert [one["id"] for one in found] == ["communications"]


def test_what_was_open_at_the_resolve_is_on_the_timeline_and_in_the_review(stores, clock, incident):
    first, second = shown(stores, incident)
    change(stores, clock, incident, first["id"], state="done")
    add(stores, clock, incident, "Call the <b>vendor</b>", "kim")
    give(stores, clock, incident, "scribe", "bob")
    updates.resolve(
        Act(stores, clock, "ann"), ROUTING, incident, lifecycle.Ending(resolution="Restarted.")
    )
    entries = agreed(stores, incident)
    assert entries[-1].data["tasks_left"] == ["Watch it", "Call the <b>vendor</b>"]
    # The checklist was begun: what nobody touched of it is shown yet, and can be ticked.
    assert [one["title"] for one in shown(stores, incident)] == [
        *("Tell support", "Watch it"),
        "Call the <b>vendor</b>",
    ]
    assert change(stores, clock, incident, second["id"], state="done")
    text = Review(ReviewedTimeline(entries), None, ["high"], []).to_markdown()
    escaped = r"Call the \<b\>vendor\</b\>"
    assert f"When it was resolved 2 tasks were open: Watch it, {escaped}." in text
    assert "| Roles | scribe: bob |" in text and "Role scribe assigned to bob." in text
    report = to_markdown(entries)
    assert "| Tell support | communications | done | bob |" in report
    assert f"| {escaped} | kim | open | ann |" in report and "| Roles | scribe: bob |" in report


def test_an_automatic_resolve_lists_the_recorded_open_tasks(stores, clock, incident):
    add(stores, clock, incident, "Call the vendor")
    lifecycle.resolve(
        Act(stores, clock, "incident_management"),
        incident,
        lifecycle.Ending("Quiet."),
        by_itself=True,
    )
    text = Review(ReviewedTimeline(agreed(stores, incident)), None, ["high"], []).to_markdown()
    assert "When it was resolved 1 task was open: Call the vendor." in text


def test_of_a_checklist_that_nobody_began_nothing_is_shown_when_the_incident_is_over(
    stores, clock, incident
):
    add(stores, clock, incident)
    lifecycle.resolve(Act(stores, clock, "ann"), incident)
    assert [one["title"] for one in shown(stores, incident)] == ["Call the vendor"]
    lifecycle.reopen(Act(stores, clock, "ann"), incident)
    assert len(shown(stores, incident)) == 3


def test_whatever_is_killed_between_nothing_is_written_twice(stores, clock, incident):
    """Each act is repeated with its ``once`` after a failure at each call of the KV store."""
    step = shown(stores, incident)[0]["id"]
    acts = [
        lambda: writing.add_task(Act(stores, clock, "ann", "a"), incident, "Call"),
        lambda: writing.change_task(
            Act(stores, clock, "ann", "b"), ROUTING, incident, step, {"owner": "kim"}
        ),
        lambda: writing.assign_role(
            Act(stores, clock, "ann", "c"), ROUTING, incident, "scribe", "kim"
        ),
    ]
    for number, act in enumerate(acts):
        before = len(timeline.read(stores, incident))
        for calls in range(20):
            stores.fail_after(calls)
            try:
                act()
            except Unavailable:
                stores.heal()
                continue
            except IllegalMove:
                # It was done, and its answer was lost: the API finds that by its mark.
                assert number == 2
            stores.heal()
            break
        else:
            pytest.fail("It never succeeded.")
        timeline.refresh(stores, incident)
        assert len(agreed(stores, incident)) == before + 1
