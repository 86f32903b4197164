"""What people write afterwards: a review's texts, its state, follow-ups."""

from __future__ import annotations

import pytest

from incident_management.incidents import lifecycle, timeline
from incident_management.incidents.act import Act
from incident_management.incidents.errors import IllegalMove, Invalid, NotFound
from incident_management.incidents.joining import merging
from incident_management.incidents.model import Entry
from incident_management.incidents.review import writing
from incident_management.incidents.review.reminders import FORGOTTEN_SECONDS, send_reminders
from incident_management.incidents.upkeep import retention
from incident_management.incidents.upkeep.retention import Retention, tombstone
from tests.unit.incidents.builders import START, signal
from tests.unit.incidents.movers import agreed, opened

DAY = 86_400.0
DUE = START + 7 * DAY


@pytest.fixture
def over(stores, clock):
    """Return a resolved incident."""
    incident_id = opened(stores, clock, signal("checkout"))
    lifecycle.resolve(Act(stores, clock, "ann"), incident_id, lifecycle.Ending("Rolled back."))
    return incident_id


def review(stores, clock, incident_id, actor="ann", state="", reason="", **texts):
    return writing.write_review(Act(stores, clock, actor), incident_id, texts, state, reason)


def follow_up(stores, clock, incident_id, title="Alert on the pool", owner="Bob", due=DUE):
    incident = writing.add_follow_up(Act(stores, clock, "ann"), incident_id, title, owner, due)
    return incident.follow_ups[-1]["id"]


def change(stores, clock, incident_id, key, actor="bob", **changes):
    incident = writing.change_follow_up(Act(stores, clock, actor), incident_id, key, changes)
    return next(one for one in incident.follow_ups if one["id"] == key)


def agrees(stores, incident_id):
    agreed(stores, incident_id)
    return stores.incidents.get(incident_id)


def test_what_was_written_stands_until_somebody_writes_it_anew(stores, clock, over):
    review(stores, clock, over, summary="The pool was empty.", lessons="Watch it.")
    incident = review(stores, clock, over, "bob", summary="The pool was too small.", lessons="")
    assert incident.review == "begun"
    entries = [e for e in timeline.read(stores, over) if e.kind == "review"]
    assert [e.data for e in entries] == [
        {"summary": "The pool was empty.", "lessons": "Watch it."},
        {"summary": "The pool was too small.", "lessons": ""},
    ]
    review(stores, clock, over, summary="The pool was too small.")  # it says so already
    assert len([e for e in timeline.read(stores, over) if e.kind == "review"]) == 2
    agrees(stores, over)


def test_a_person_ends_the_review_and_a_second_one_learns_who(stores, clock, over):
    assert review(stores, clock, over, state="done").review == "done"
    with pytest.raises(IllegalMove, match="ann has already marked the review"):
        review(stores, clock, over, "bob", state="done")
    assert review(stores, clock, over, state="open").review == "begun"
    with pytest.raises(IllegalMove, match="neither done nor not needed"):
        review(stores, clock, over, state="open")
    with pytest.raises(Invalid, match="Give a 'reason'"):
        review(stores, clock, over, state="not_needed")
    said = review(stores, clock, over, state="not_needed", reason="A drill.")
    assert said.review == "not_needed"
    agrees(stores, over)


def test_a_reason_that_goes_with_nothing_is_refused_and_not_lost_in_silence(stores, clock, over):
    key = follow_up(stores, clock, over)
    with pytest.raises(Invalid, match="only with a new 'state'"):
        review(stores, clock, over, reason="Known.", summary="x")
    for changes in ({"title": "Else"}, {"state": "open"}):
        with pytest.raises(Invalid, match="only with a new 'state'"):
            change(stores, clock, over, key, reason="Done by Bob.", **changes)
    assert agrees(stores, over)["review"] == ""


def test_of_two_simultaneous_ends_the_second_is_refused(stores, clock, over):
    def other(verb, name):
        if (verb, name) == ("insert", "claims"):
            stores.claims.before = None
            review(stores, clock, over, "bob", state="done")

    stores.claims.before = other
    with pytest.raises(IllegalMove, match="bob has just changed"):
        review(stores, clock, over, state="done")
    assert agrees(stores, over)["review"] == "done"


def test_an_open_incident_has_no_review_that_is_done_and_a_reopened_one_none_any_more(
    stores, clock, over
):
    review(stores, clock, over, state="done")
    assert lifecycle.reopen(Act(stores, clock, "ann"), over).review == "begun"
    review(stores, clock, over, causes="Known already.")
    with pytest.raises(IllegalMove, match="after it is resolved"):
        review(stores, clock, over, state="done")
    agrees(stores, over)


def test_a_merged_incident_is_reviewed_with_the_one_that_took_it_over(stores, clock, two):
    first, second = two
    merging.merge(Act(stores, clock, "ann"), first, second)
    with pytest.raises(IllegalMove, match=f"was merged into {second}"):
        review(stores, clock, first, summary="x")
    with pytest.raises(IllegalMove, match=f"was merged into {second}"):
        follow_up(stores, clock, first)


def test_a_follow_up_has_an_owner_a_date_and_a_state(stores, clock, over):
    key = follow_up(stores, clock, over)
    document = agrees(stores, over)
    (one,) = document["follow_ups"]
    assert (one["owner"], one["due"], one["state"], one["by"]) == ("bob", DUE, "open", "ann")
    assert document["follow_ups_open"] == 1
    assert change(stores, clock, over, key, due=DUE + DAY, owner="cy")["owner"] == "cy"
    with pytest.raises(Invalid, match="Give a 'reason' for dropping it"):
        change(stores, clock, over, key, state="dropped")
    ended = change(stores, clock, over, key, state="done", reason="Merged.")
    assert (ended["state"], ended["reason"], ended["by"]) == ("done", "Merged.", "bob")
    assert agrees(stores, over)["follow_ups_open"] == 0
    with pytest.raises(IllegalMove, match="is already done"):
        change(stores, clock, over, key, "cy", state="done")
    with pytest.raises(IllegalMove, match="Reopen it first"):
        change(stores, clock, over, key, title="Else")
    assert change(stores, clock, over, key, state="open")["state"] == "open"
    with pytest.raises(NotFound):
        change(stores, clock, over, "FUP-none", state="done")


def test_of_two_who_end_a_follow_up_in_the_same_moment_the_first_has_it(stores, clock, over):
    key = follow_up(stores, clock, over)

    def other(verb, name):
        if (verb, name) == ("insert", "claims"):
            stores.claims.before = None
            change(stores, clock, over, key, "bob", state="done")

    stores.claims.before = other
    with pytest.raises(IllegalMove, match="bob has just changed"):
        change(stores, clock, over, key, "cy", state="done")
    assert agrees(stores, over)["follow_ups"][0]["by"] == "bob"


@pytest.mark.parametrize(
    "wrong", [{"title": " "}, {"owner": ""}, {"due": 0}, {"due": -1.0}, {"title": "x" * 301}]
)
def test_a_follow_up_without_what_it_takes_is_refused(stores, clock, over, wrong):
    given = {"title": "Do it", "owner": "bob", "due": DUE, **wrong}
    with pytest.raises(Invalid):
        writing.add_follow_up(Act(stores, clock, "ann"), over, **given)
    assert stores.incidents.get(over)["follow_ups"] == []


def test_an_owner_is_reminded_once_for_a_date(stores, clock, over):
    key = follow_up(stores, clock, over)
    assert send_reminders(stores, clock)["follow_ups_overdue"] == 0
    clock.set(DUE + 1)
    assert send_reminders(stores, clock)["follow_ups_overdue"] == 1
    assert send_reminders(stores, clock)["follow_ups_overdue"] == 0
    change(stores, clock, over, key, due=DUE + DAY)
    assert send_reminders(stores, clock)["follow_ups_overdue"] == 0
    clock.set(DUE + DAY + 1)
    assert send_reminders(stores, clock)["follow_ups_overdue"] == 1
    change(stores, clock, over, key, state="done")
    assert send_reminders(stores, clock)["follow_ups_overdue"] == 0
    told = [
        e.data["owner"] for e in timeline.read(stores, over) if e.data.get("event") == "overdue"
    ]
    assert told == ["bob", "bob"]
    agrees(stores, over)


def test_at_most_fifty_are_reminded_in_a_round(stores, clock):
    for number in range(3):
        incident_id = opened(stores, clock, signal(f"service-{number}"))
        for _ in range(20):
            follow_up(stores, clock, incident_id)
    clock.set(DUE + 1)
    assert [send_reminders(stores, clock)["follow_ups_overdue"] for _ in range(3)] == [50, 10, 0]


def test_an_incident_with_open_follow_ups_does_not_leave_and_what_is_forgotten_is_dropped(
    stores, clock, over
):
    follow_up(stores, clock, over)
    lifecycle.close(Act(stores, clock, "ann"), over)
    indexed: dict[str, set[str]] = {}
    duty = Retention(
        stores,
        clock,
        lambda ids: {one: indexed.get(one, set()) for one in ids},
        lambda entries: None,
        lambda name, text: None,
    )

    def leaves():
        duty.run(7 * DAY, 90 * DAY)
        indexed[over] = {e.key for e in timeline.read(stores, over)}
        clock.advance(301)
        duty.run(7 * DAY, 90 * DAY)
        return stores.incidents.get(over) is None

    clock.advance(200 * DAY)
    assert not leaves() and tombstone(stores, over) is None
    send_reminders(stores, clock)
    clock.set(DUE + FORGOTTEN_SECONDS + 1)
    assert send_reminders(stores, clock)["follow_ups_dropped"] == 1
    (one,) = stores.incidents.get(over)["follow_ups"]
    assert one["state"] == "dropped" and "a year overdue" in one["reason"]
    clock.advance(91 * DAY)
    assert leaves()
    assert not stores.claims.find({"purpose": writing.FOLLOW_UPS})


@pytest.mark.parametrize("killed", [False, True])
def test_a_follow_up_that_came_in_as_the_incident_left_keeps_it(stores, clock, over, killed):
    lifecycle.close(Act(stores, clock, "ann"), over)
    clock.advance(91 * DAY)
    duty = Retention(stores, clock, lambda ids: {}, lambda entries: None, lambda name, text: None)
    duty.run(0, 90 * DAY)
    assert tombstone(stores, over)
    before = stores.incidents.get(over)
    follow_up(stores, clock, over)
    if killed:  # between the entry and the document
        stores.incidents.save([before])
    clock.advance(301)
    duty.run(0, 90 * DAY)
    assert tombstone(stores, over) is None
    assert agrees(stores, over)["follow_ups_open"] == 1
    duty.run(0, 90 * DAY)
    assert tombstone(stores, over) is None


def test_a_merged_incident_with_an_open_follow_up_keeps_the_one_that_took_it_over(
    stores, clock, two
):
    first, second = two
    key = follow_up(stores, clock, first)
    merging.merge(Act(stores, clock, "ann"), first, second)
    lifecycle.resolve(Act(stores, clock, "ann"), second)
    lifecycle.close(Act(stores, clock, "ann"), second)
    clock.advance(91 * DAY)
    duty = Retention(stores, clock, lambda ids: {}, lambda entries: None, lambda name, text: None)
    duty.run(0, 90 * DAY)
    assert tombstone(stores, first) is None and tombstone(stores, second) is None
    assert change(stores, clock, first, key, state="done")["state"] == "done"
    clock.advance(91 * DAY)
    duty.run(0, 90 * DAY)
    assert tombstone(stores, first) and tombstone(stores, second)


def test_what_waits_for_follow_ups_keeps_nothing_else_from_leaving(stores, clock, monkeypatch):
    monkeypatch.setattr(retention, "LOOKED_AT_ONCE", 2)
    for number in range(3):
        first = opened(stores, clock, signal(f"first-{number}"))
        second = opened(stores, clock, signal(f"second-{number}"))
        follow_up(stores, clock, first)
        merging.merge(Act(stores, clock, "ann"), first, second)
        lifecycle.resolve(Act(stores, clock, "ann"), second)
        lifecycle.close(Act(stores, clock, "ann"), second)
    clock.advance(1)
    other = opened(stores, clock, signal("cart"))
    lifecycle.resolve(Act(stores, clock, "ann"), other)
    lifecycle.close(Act(stores, clock, "ann"), other)
    clock.advance(91 * DAY)
    duty = Retention(stores, clock, lambda ids: {}, lambda entries: None, lambda name, text: None)
    duty.run(0, 90 * DAY)
    assert tombstone(stores, other) and tombstone(stores, second) is None


def test_entries_of_a_later_version_change_nothing(stores, clock, over):
    """An older version ignores a newer one's entries, so that it works on during an upgrade."""
    before = timeline.current(stores, over).to_document()
    entries = timeline.read(stores, over)
    head = timeline.head_of(entries)
    strange = [
        Entry.create(over, "follow_up", {"follow_up": "FUP-1", "event": "overdue"}, "x", 1.0, head),
        Entry.create(over, "review", {"state": "published", "stars": 5}, "x", 1.0, head),
        Entry.create(over, "never heard of", {"a": [1]}, "x", 1.0, head),
    ]
    timeline.write(stores, strange)
    after = timeline.current(stores, over).to_document()
    for name in ("status", "review", "follow_ups", "follow_ups_open", "owner"):
        assert after[name] == before[name]
