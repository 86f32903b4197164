"""Merging: one problem, one incident, every signal counted once."""

import threading

import pytest

from incident_management.incidents import lifecycle, timeline
from incident_management.incidents.act import Act
from incident_management.incidents.errors import Contended, IllegalMove, NotFound
from incident_management.incidents.joining import execution, merging, moves
from incident_management.incidents.joining.signals import signals_query
from tests.unit.incidents.builders import ingest, signal
from tests.unit.incidents.movers import check, holders, merge, opened, split


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


def test_a_pin_goes_along_until_it_is_taken_off_or_the_merge_is_undone(stores, clock, two):
    """A pin asks for attention: after a merge, the incident used to resolve automatically."""
    a, b = two
    lifecycle.pin(Act(stores, clock, "ann"), a, True)
    assert merge(stores, clock, a, b).pinned
    merging.undo_merge(Act(stores, clock, "bob"), b, a)
    assert (stores.incidents.get(a)["pinned"], stores.incidents.get(b)["pinned"]) == (True, False)

    merge(stores, clock, a, b)
    lifecycle.pin(Act(stores, clock, "ann"), b, False)
    ingest(stores, clock).ingest([signal("checkout", 1)])
    execution.forward(stores, clock, a)
    assert not stores.incidents.get(b)["pinned"]
    check(stores)


def test_a_pin_of_its_own_stays_when_a_merge_is_undone(stores, clock, two):
    a, b = two
    for incident in two:
        lifecycle.pin(Act(stores, clock, "ann"), incident, True)
    merge(stores, clock, a, b)
    merging.undo_merge(Act(stores, clock, "bob"), b, a)
    assert stores.incidents.get(b)["pinned"] and stores.incidents.get(a)["pinned"]
    check(stores)


def test_after_the_resolve_of_the_whole_the_problem_begins_a_new_episode(stores, clock, two):
    a, b = two
    merge(stores, clock, a, b)
    lifecycle.resolve(Act(stores, clock, "ann"), b)
    clock.advance(5 * 3600)
    (outcome,) = ingest(stores, clock).ingest([signal("checkout", 60)])

    assert outcome.what == "opened"
    assert stores.incidents.get(outcome.incident_id)["previous"] == b
    check(stores)


def test_an_impossible_merge_is_refused_in_one_sentence(stores, clock, two):
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
    lifecycle.resolve(Act(stores, clock, "ann"), b)
    c = opened(stores, clock, signal("pay"))
    with pytest.raises(IllegalMove, match=r"is resolved\. Reopen it before you merge"):
        merge(stores, clock, c, b)
    lifecycle.close(Act(stores, clock, "ann"), b)
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


def test_a_large_incident_is_merged_in_entries_of_bounded_size(stores, clock, monkeypatch):
    monkeypatch.setattr(execution, "ENTRY_SIGNALS", 10)
    a = opened(stores, clock, *(signal(run=run) for run in range(35)))
    b = opened(stores, clock, signal("cart"))
    merge(stores, clock, a, b)
    assert [e.kind for e in timeline.read(stores, b)].count("joined") == 4
    merging.undo_merge(Act(stores, clock, "ann"), b, a)
    assert stores.incidents.get(a)["signals"] == 35
    check(stores)


@pytest.fixture
def half_merged(stores, clock, monkeypatch):
    """Return a merge of which the request has corrected 4 of 9 signals' documents."""
    monkeypatch.setattr(execution, "SAVED_AT_ONCE", 2)
    monkeypatch.setattr(merging, "IN_A_REQUEST", 4)
    a = opened(stores, clock, *(signal(run=run) for run in range(9)))
    b = opened(stores, clock, signal("cart"))
    merge(stores, clock, a, b)
    assert len(stores.signals.keys({"incident_id": a})) == 5
    return a, b


def test_of_a_large_merge_the_worker_corrects_the_documents_that_are_left(
    stores, clock, half_merged
):
    a, b = half_merged
    # What counts is told by the timelines, and right at once.
    assert (stores.incidents.get(a)["signals"], stores.incidents.get(b)["signals"]) == (0, 10)
    assert len(holders(stores)) == 10 and set(holders(stores).values()) == {b}
    execution.finish_recent(stores, clock)
    check(stores)


def test_a_large_merge_is_finished_however_late_the_worker_comes(stores, clock, half_merged):
    clock.advance(execution.LOOK_BACK_SECONDS * 24)
    execution.finish_recent(stores, clock)
    check(stores)


def test_signals_that_still_name_a_merged_incident_are_found_by_the_one_that_has_them(
    stores, clock, half_merged
):
    a, b = (timeline.refresh(stores, incident_id) for incident_id in half_merged)
    suppressed = {**signal("other").to_document(), "suppressed_by": "SUP-1"}
    stores.signals.save([suppressed])
    assert len(stores.signals.find(signals_query(b))) == 10
    assert stores.signals.find(signals_query(a)) == []


def test_during_a_large_merge_the_next_move_is_asked_to_retry(stores, clock, half_merged):
    a, b = half_merged
    with pytest.raises(Contended, match=f"of {a} are still being moved to {b}"):
        split(stores, clock, b, signal("cart"))
    # Each attempt does its part, so that it goes on without a worker too.
    split(stores, clock, b, signal("cart"))
    check(stores)


def test_a_later_signal_of_a_large_merge_is_taken_in_meanwhile(stores, clock, half_merged):
    _a, b = half_merged
    (outcome,) = ingest(stores, clock).ingest([signal(run=20)])
    assert (outcome.incident_id, stores.incidents.get(b)["signals"]) == (b, 11)
    (again,) = ingest(stores, clock).ingest([signal(run=8)])
    assert again.what == "duplicate"
    execution.finish_recent(stores, clock)
    check(stores)
