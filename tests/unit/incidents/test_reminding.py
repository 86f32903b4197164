"""Reminders of follow-ups in unusual lives: reassigned, rescheduled, or ended at the same time."""

from __future__ import annotations

import pytest

from incident_management.incidents import timeline
from incident_management.incidents.review import reminders
from incident_management.incidents.review.reminders import FORGOTTEN_SECONDS, send_reminders
from incident_management.incidents.review.writing import claim_key
from tests.fakes import FakeStores, ManualClock
from tests.fakes.turns import orders
from tests.unit.incidents.builders import START, signal
from tests.unit.incidents.movers import opened
from tests.unit.incidents.test_reviewing import DAY, DUE, agrees, change, follow_up


@pytest.fixture
def incident(stores, clock):
    return opened(stores, clock, signal("checkout"))


@pytest.fixture
def overdue(stores, clock, incident):
    """Return the id of a follow-up of which bob was reminded."""
    key = follow_up(stores, clock, incident)
    clock.set(DUE + 1)
    assert send_reminders(stores, clock)["follow_ups_overdue"] == 1
    return key


def reminded(stores, incident):
    entries = timeline.effective(timeline.read(stores, incident))
    return [e.data["owner"] for e in entries if e.data.get("event") == "overdue"]


def rounds(stores, clock):
    return [tuple(send_reminders(stores, clock).values()) for _ in range(3)]


def test_a_follow_up_moved_later_and_back_is_reminded_once_more(stores, clock, incident, overdue):
    change(stores, clock, incident, overdue, due=DUE + DAY)
    clock.set(DUE + DAY + 1)
    assert rounds(stores, clock) == [(1, 0), (0, 0), (0, 0)]
    change(stores, clock, incident, overdue, due=DUE)
    assert rounds(stores, clock) == [(1, 0), (0, 0), (0, 0)]
    agrees(stores, incident)


def test_a_new_owner_of_an_overdue_follow_up_is_reminded_too(stores, clock, incident, overdue):
    change(stores, clock, incident, overdue, owner="cy")
    assert rounds(stores, clock) == [(1, 0), (0, 0), (0, 0)]
    change(stores, clock, incident, overdue, title="Alert on the pool of checkout")
    assert rounds(stores, clock) == [(0, 0)] * 3
    assert reminded(stores, incident) == ["bob", "cy"]
    agrees(stores, incident)


def test_a_year_counts_from_the_last_change(stores, clock, incident, overdue):
    clock.set(DUE + FORGOTTEN_SECONDS - DAY)
    change(stores, clock, incident, overdue, title="Alert on each pool")
    clock.advance(2 * DAY)
    assert rounds(stores, clock) == [(0, 0)] * 3
    clock.advance(FORGOTTEN_SECONDS)
    assert rounds(stores, clock) == [(0, 1), (0, 0), (0, 0)]
    assert change(stores, clock, incident, overdue, state="open")["state"] == "open"
    assert rounds(stores, clock) == [(0, 0)] * 3
    clock.advance(FORGOTTEN_SECONDS + 1)
    assert rounds(stores, clock) == [(0, 1), (0, 0), (0, 0)]
    agrees(stores, incident)


def test_a_date_long_past_is_reminded_of_and_not_dropped_at_once(stores, clock, incident):
    clock.set(DUE + 2 * FORGOTTEN_SECONDS)
    follow_up(stores, clock, incident)
    assert rounds(stores, clock) == [(1, 0), (0, 0), (0, 0)]


@pytest.mark.parametrize("verb, name", [("find", "timeline"), ("insert", "claims")])
def test_a_follow_up_done_while_it_is_dropped_stays_done(stores, clock, incident, verb, name):
    key = follow_up(stores, clock, incident)
    clock.set(DUE + FORGOTTEN_SECONDS + 1)
    collection = getattr(stores, name)

    def other(*what):
        if what == (verb, name):
            collection.before = None
            change(stores, clock, incident, key, state="done", reason="Long ago.")

    collection.before = other
    assert rounds(stores, clock) == [(0, 0)] * 3
    (one,) = agrees(stores, incident)["follow_ups"]
    assert (one["state"], one["by"], one["reason"]) == ("done", "bob", "Long ago.")


def test_no_reminder_of_a_follow_up_done_by_a_killed_request(stores, clock, incident):
    key = follow_up(stores, clock, incident)
    before = stores.incidents.get(incident)
    change(stores, clock, incident, key, state="done")
    stores.incidents.save([before])  # it was ended between the entry and the document
    clock.set(DUE + 1)
    assert rounds(stores, clock) == [(0, 0)] * 3
    assert reminded(stores, incident) == []
    agrees(stores, incident)


def test_a_change_during_the_end_does_not_replace_who_ended_it(stores, clock, incident):
    key = follow_up(stores, clock, incident)
    seen = timeline.head_of(timeline.read(stores, incident))
    clock.advance(1)
    change(stores, clock, incident, key, "bob", state="done", reason="Merged.")
    data = {"follow_up": key, "event": "changed", "title": "Alert on each pool"}
    late = timeline.Entry.create(incident, "follow_up", data, "cy", clock.now() + 1, seen)
    timeline.write(stores, [late])
    timeline.refresh(stores, incident)
    (one,) = agrees(stores, incident)["follow_ups"]
    assert (one["state"], one["by"], one["reason"]) == ("done", "bob", "Merged.")
    assert one["title"] == "Alert on each pool"


def test_an_old_incident_is_reminded_of_and_listed_however_many_came_after_it(
    stores, clock, incident, monkeypatch
):
    monkeypatch.setattr(reminders, "MOST_INCIDENTS", 2)
    monkeypatch.setattr(reminders, "LOOKED_AT_A_ROUND", 2)
    key = follow_up(stores, clock, incident)
    for service in ("cart", "search", "mail"):
        clock.advance(DAY)
        other = opened(stores, clock, signal(service))
        change(stores, clock, other, follow_up(stores, clock, other), state="done")
    clock.advance(60)
    assert rounds(stores, clock) == [(0, 0)] * 3
    assert [one["_key"] for one in open_ones(stores)] == [incident]
    clock.set(DUE)
    assert sum(told for told, _dropped in rounds(stores, clock)) == 1
    assert reminded(stores, incident) == ["bob"]
    assert change(stores, clock, incident, key, state="done")["state"] == "done"


def test_an_incident_without_due_reminders_is_checked_once_a_day(stores, clock, incident):
    follow_up(stores, clock, incident)
    clock.advance(60)
    rounds(stores, clock)
    stores.incidents.log.clear()
    clock.advance(DAY - 1)
    rounds(stores, clock)
    assert stores.incidents.log == []
    clock.advance(61)
    rounds(stores, clock)
    assert stores.incidents.log == ["find incidents"] * 2, "before it is put off, and after"


def test_a_follow_up_added_during_a_check_is_reminded_in_time(stores, clock, incident):
    follow_up(stores, clock, incident, due=DUE + 30 * DAY)
    clock.set(DUE)

    def look(*what):
        if what == ("insert", "timeline"):
            stores.timeline.before = None
            rounds(stores, clock)

    stores.timeline.before = look
    follow_up(stores, clock, incident, "Raise the limit", "cy", due=DUE + 10)
    clock.advance(60)
    assert rounds(stores, clock) == [(1, 0), (0, 0), (0, 0)]
    assert reminded(stores, incident) == ["cy"]


def test_a_follow_up_added_while_the_check_is_put_off_is_reminded_in_time():
    """In a quarter of all orders, the reminder used to come up to a day late."""

    def begun():
        stores, clock = FakeStores(), ManualClock(START)
        incident = opened(stores, clock, signal("checkout"))
        change(stores, clock, incident, follow_up(stores, clock, incident), state="done")
        clock.advance(DAY)
        due = clock.now() + 600
        return stores, [
            lambda: send_reminders(stores, clock),
            lambda: follow_up(stores, clock, incident, "Raise the limit", "cy", due),
        ]

    tried = 0
    for stores, order in orders(begun, 2):
        assert open_ones(stores), order
        later = ManualClock(START + DAY + 601)
        assert send_reminders(stores, later)["follow_ups_overdue"] == 1, order
        tried += 1
    assert tried > 30


def test_a_check_put_off_by_a_clock_far_ahead_still_happens(stores, clock, incident):
    change(stores, clock, incident, follow_up(stores, clock, incident), state="done")
    wrong = ManualClock(DUE + 300 * DAY)
    send_reminders(stores, wrong)
    follow_up(stores, wrong, incident, "Raise the limit", "cy", due=DUE)
    clock.advance(60)
    assert rounds(stores, clock) == [(0, 0)] * 3
    clock.set(DUE + 1)
    assert rounds(stores, clock) == [(1, 0), (0, 0), (0, 0)]


def test_one_that_leaves_while_it_is_put_off_leaves_no_claim(stores, clock, incident):
    change(stores, clock, incident, follow_up(stores, clock, incident), state="done")
    clock.advance(60)

    def leaves(*what):
        if what == ("save", "claims"):
            stores.claims.before = None
            stores.incidents.delete(incident)
            stores.claims.delete(claim_key(incident))

    stores.claims.before = leaves
    rounds(stores, clock)
    assert stores.claims.get(claim_key(incident)) is None


def test_follow_ups_are_listed_again_when_the_document_is_back(stores, clock, incident):
    follow_up(stores, clock, incident)
    document = stores.incidents.get(incident)
    stores.incidents.delete(incident)
    clock.advance(60)
    rounds(stores, clock)
    stores.incidents.save([document])
    assert [one["_key"] for one in open_ones(stores)] == [incident]


def open_ones(stores):
    return reminders.incidents_with_follow_ups(stores, (), only_open=True)
