"""Runs of alerts that splunkd does not list are found by their jobs."""

from __future__ import annotations

import pytest

from incident_management.ports import SearchFailed
from incident_management.worker.reconciling.untracked import is_tracked
from tests.unit.worker.lossy_desk import LossyDesk


@pytest.fixture
def desk():
    desk = LossyDesk()
    desk.settings["alert.track"] = "0"
    desk.history["High Error Rate"] = []
    return desk


@pytest.fixture
def worker(desk):
    """Return a worker that knows the search, and has checked it."""
    worker = desk.reconciler()
    desk.work(worker)
    return worker


def test_a_run_of_an_untracked_alert_is_made_good_once(desk, worker):
    desk.ran(ago=0)
    assert desk.work(worker, 140) == 0, "Not before five minutes have passed."
    assert desk.work(worker, 170) == 2
    assert desk.work(worker, 310) == 0
    assert desk.reads == 1 and desk.troubles == []


def test_a_process_goes_on_where_the_one_before_it_ended(desk, worker):
    desk.ran(ago=0)
    assert desk.work(desk.reconciler(), 170) == 0
    assert desk.work(desk.reconciler(), 170) == 2
    assert desk.listed == ["High Error Rate", "High Error Rate"]


def test_searches_that_a_process_did_not_come_to_are_checked_by_the_next(desk):
    """With more than a hundred, the last ones used to be skipped by every process."""
    desk.history = {f"Search {n:02}": [] for n in range(25)}
    for seconds in (0, 20, 20):
        desk.work(desk.reconciler(), seconds)
    assert set(desk.listed) == set(desk.history)
    desk.ran("Search 24", ago=0)
    assert sum(desk.work(desk.reconciler(), seconds) for seconds in (310, 20, 20)) == 2


def test_a_search_whose_runs_can_not_be_read_keeps_no_other_from_its_turn(desk):
    desk.history = {f"Search {n:02}": SearchFailed("Down.") for n in range(12)}
    for seconds in (0, 20):
        desk.work(desk.reconciler(), seconds)
    assert set(desk.listed) == set(desk.history)


def test_a_clock_that_was_ahead_costs_no_run(desk, worker):
    desk.clock.advance(86400)
    desk.work(worker, 0)
    desk.clock.advance(-86400)
    desk.ran(ago=0)
    assert desk.work(desk.reconciler(), 310) == 2


def test_a_run_that_arrived_changes_nothing(desk, worker):
    desk.ran(ago=0)
    desk.ingest(desk.signals(), "nobody")
    assert desk.work(worker, 310) == 0
    assert len(desk.stores.signals.all()) == 2


def test_what_ran_before_the_search_opened_incidents_opens_none(desk, worker):
    desk.ran("New", ago=60)
    assert desk.work(worker, 310) == 0
    desk.ran("New", sid="scheduler__later", ago=0)
    desk.results["scheduler__later"] = desk.results.popitem()[1]
    assert desk.work(worker, 310) == 2
    assert desk.reads == 1


@pytest.mark.parametrize("run", [{"results": 0}, {"failed": True}, {"done": False}])
def test_a_run_that_raised_no_alert_is_none_of_these(desk, worker, run):
    desk.ran(ago=0, **run)
    assert desk.work(worker, 310) == 0 and desk.reads == 0


def test_of_an_alert_that_throttles_nothing_is_guessed_and_nothing_said(desk, worker):
    desk.settings["alert.suppress"] = "1"
    desk.ran(ago=0)
    assert desk.work(worker, 310) == 0
    assert desk.reads == 0 and desk.troubles == []


def test_runs_that_could_not_be_read_are_read_at_the_next_look(desk, worker):
    desk.ran(ago=0)
    runs, desk.history["High Error Rate"] = desk.history["High Error Rate"], SearchFailed("Down.")
    assert desk.work(worker, 310) == 0
    assert desk.troubles == ["Down. It is retried."]
    desk.history["High Error Rate"] = runs
    assert desk.work(worker, 310) == 2


def test_searches_that_could_not_be_listed_are_listed_in_the_next_round(desk, worker):
    desk.ran(ago=0)
    history, desk.history = desk.history, SearchFailed("Down.")
    assert desk.work(worker, 310) == 0
    desk.history = history
    assert desk.work(worker, 20) == 2


@pytest.mark.parametrize(
    ("settings", "tracked"),
    [
        ({"alert.track": "1", "counttype": "always"}, True),
        ({"alert.track": "True"}, True),
        ({"alert.track": "0", "counttype": "number of events"}, False),
        ({"alert.track": "auto", "counttype": "number of events"}, True),
        ({"counttype": "number of events"}, True),
        ({"alert.track": "auto"}, False),
        ({"alert.track": "auto", "alert_condition": "search count > 5"}, True),
    ],
)
def test_whether_splunkd_lists_an_alert(settings, tracked):
    assert is_tracked(settings) is tracked
