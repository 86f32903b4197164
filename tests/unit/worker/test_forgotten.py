"""Runs that splunkd forgot in a restart are found by their remaining jobs."""

from __future__ import annotations

import pytest

from incident_management.ports import SearchFailed
from incident_management.worker.reconciling.run_history import alerted
from tests.unit.worker.lossy_desk import ROWS, SID, LossyDesk


@pytest.fixture
def desk():
    return LossyDesk()


def test_a_run_that_splunkd_forgot_at_its_restart_is_made_good_once(desk):
    after = desk.restarted()
    desk.ran(ago=20)
    assert desk.work(after, 100) == 0, "What was going on at the start may still end."
    assert desk.work(after, 100) == 2
    assert desk.work(after) == 0
    assert desk.listed == ["High Error Rate"], "Nothing is looked through a second time."
    assert desk.work(desk.restarted()) == 0
    assert desk.reads == 1 and len(desk.stores.signals.all()) == 2


def test_a_run_that_was_reconciled_before_the_restart_is_not_read_again(desk):
    desk.fire(ago=100)
    desk.ran(ago=100)
    after = desk.restarted()
    assert desk.reads == 1
    assert desk.work(after) == 0
    assert desk.reads == 1


def test_a_run_that_splunkd_forgot_is_made_good_though_the_clock_had_been_ahead(desk):
    desk.clock.advance(86_400)
    desk.work(desk.reconciler())
    desk.clock.advance(-86_400)
    desk.splunkd = desk.clock.now()
    after = desk.reconciler()
    desk.ran(ago=20)
    assert desk.work(after) == 2


@pytest.mark.parametrize(
    "run",
    [
        {"results": 0},
        {"failed": True},
        {"done": False},
        {"ago": 2 * 3600.0},  # from long before the moment up to which all was reconciled
        {"ago": -60.0},  # since the start, so that splunkd lists it
    ],
)
def test_a_run_that_raised_no_alert_or_is_listed_is_none_of_these(desk, run):
    after = desk.restarted()
    desk.ran(**{"ago": 20, **run})
    assert desk.work(after) == 0
    assert desk.reads == 0 and desk.troubles == []


def test_a_run_of_which_it_cannot_be_reported_whether_it_alerted_is_reported(desk):
    desk.settings["alert.suppress"] = "1"
    after = desk.restarted()
    desk.ran(ago=20)
    assert desk.work(after) == 0 and desk.reads == 0
    (sentence,) = desk.troubles
    assert sentence.startswith("Whether runs of 'High Error Rate' from before the restart alerted")


def test_a_worker_that_begins_anew_under_the_same_splunkd_looks_through_nothing(desk):
    desk.settings["alert.suppress"] = "1"
    desk.ran(ago=20)
    for _process in range(3):
        desk.work(desk.reconciler(), 200.0)
    assert desk.listed == [] and desk.troubles == []
    desk.work(desk.restarted())
    desk.work(desk.reconciler())
    assert desk.listed == ["High Error Rate"], "once after a restart"


@pytest.mark.parametrize("run", [{"results": 0}, {"sid": "done"}])
def test_a_run_without_results_or_that_is_reconciled_is_not_judged(desk, run):
    desk.settings["alert.suppress"] = "1"
    desk.stores.claims.insert({"_key": "reconciled:done", "purpose": "reconciled"})
    after = desk.restarted()
    desk.ran(**{"ago": 20, **run})
    desk.work(after)
    assert desk.listed == ["High Error Rate"] and desk.troubles == []


def test_a_start_of_splunkd_that_can_not_be_read_is_read_again(desk):
    after = desk.restarted()
    desk.ran(ago=20)
    began, desk.splunkd = (
        desk.splunkd,
        SearchFailed("The start time of splunkd can't be read: busy."),
    )
    assert desk.work(after) == 0
    desk.splunkd = began
    assert desk.work(after, 20) == 2


@pytest.mark.parametrize(
    ("changed", "results", "verdict"),
    [
        ({}, 1, True),
        ({}, 0, False),
        ({"relation": "less than", "quantity": "2"}, 1, True),
        ({"relation": "equal to", "quantity": "2"}, 1, False),
        ({"relation": "not equal to", "quantity": "2"}, 1, True),
        ({"counttype": "always"}, 0, True),
        ({"counttype": ""}, 0, True),
        ({"relation": "rises by"}, 9, None),
        ({"counttype": "number of hosts"}, 9, None),
        ({"counttype": "custom", "alert_condition": "search count > 5"}, 9, None),
        ({"alert.suppress": "1"}, 9, None),
        ({"alert.suppress": "0"}, 9, True),
        ({"quantity": "10%"}, 9, None),
    ],
)
def test_whether_a_run_alerted_follows_from_its_condition_or_is_not_known(
    desk, changed, results, verdict
):
    assert alerted({**desk.settings, **changed}, results) is verdict


def test_many_searches_are_looked_through_in_several_rounds(desk):
    after = desk.restarted()
    for number in range(25):
        desk.ran(f"Search {number}", sid=f"sid {number}", ago=20, results=0)
    counts: list[int] = []
    for _round in range(4):
        desk.work(after, 20 if counts else 200)
        counts.append(len(desk.listed))
    assert counts == [10, 20, 25, 25]


def test_a_second_restart_in_the_middle_loses_nothing(desk):
    after = desk.restarted()
    for number in range(15):
        desk.ran(f"Search {number}", sid=SID if number == 14 else f"{number}", ago=20, results=0)
    desk.history["Search 14"][0].results = 2
    desk.work(after)
    again = desk.reconciler()
    assert desk.work(again, 7200.0) + desk.work(again, 20) == 2


def test_a_history_that_cannot_be_read_is_tried_again_and_given_up_with_a_word(desk):
    desk.fire(ago=20)
    after = desk.restarted()
    desk.fire("other")
    desk.results["other"] = ROWS
    desk.history = SearchFailed("The saved searches can't be read: busy.")
    assert desk.work(after) == 2, "What is listed is reconciled all the same."
    desk.history = {"High Error Rate": SearchFailed("The runs can't be read: busy.")}
    desk.work(after, 20)
    desk.history["High Error Rate"] = []
    desk.ran(ago=300)
    desk.work(after, 20)
    assert SID not in desk.history and desk.stores.claims.get(f"reconciled:{SID}")

    later = desk.restarted()
    desk.history["High Error Rate"] = SearchFailed("The runs can't be read: gone.")
    desk.troubles.clear()
    desk.work(later)
    desk.work(later, 4000.0)
    desk.work(later)
    assert desk.troubles == ["The runs can't be read: gone. Some of its signals may be missing."]


def test_a_first_start_looks_through_nothing(desk):
    desk.ran(ago=20)
    assert desk.work(desk.reconciler()) == 0
    assert desk.listed == []


def test_searches_that_a_process_did_not_come_to_are_checked_by_the_next(desk):
    """After a restart with more than some forty, the last ones used to be skipped forever."""
    desk.history = {f"Search {n:02}": [] for n in range(25)}
    worker = desk.restarted()
    desk.ran("Search 24", ago=1)
    recovered = []
    for _process in range(4):
        recovered.append(desk.work(worker))
        worker = desk.reconciler()
    assert recovered == [0, 0, 2, 0]
    assert sorted(desk.listed) == sorted(desk.history)


def test_a_search_is_not_done_before_its_runs_are_taken_in(desk):
    desk.history = {f"Search {n:02}": [] for n in range(15)}
    worker = desk.restarted()
    desk.ran("Search 00", ago=1)
    rows = desk.results.pop(SID)
    assert desk.work(worker) == 0
    desk.results[SID] = rows
    assert desk.work(desk.reconciler()) == 2
