"""Monitors: from where on they raise, after edits, wrong clocks and failed beginnings."""

from __future__ import annotations

import contextlib

import pytest

from incident_management.ports import SearchFailed
from tests.unit.detection.watching import HOUR, START, Watched, mixed, newest, ratio

DAY = 24 * HOUR


class Ended(Exception):
    """The process was ended, as by a restart of Splunk."""


def end_after(watched: Watched, searches: int) -> None:
    """Run, and end the process at a search."""
    left = [searches]

    def count(_start: int, _end: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Ended

    watched.before = count
    with contextlib.suppress(Ended):
        watched.run()
    watched.before = lambda _start, _end: None


def refuse(watched: Watched) -> None:
    def fail(_start: int, _end: int) -> None:
        raise SearchFailed("splunkd refused the search: Unknown search command 'satts'.")

    watched.before = fail


def test_a_second_edit_raises_nothing_of_the_backfill_either():
    """The first edit was a typo, so that the backfill of the new beginning was never searched."""
    watched = ratio()
    mixed(watched, START - 2400, 50, 50)
    watched.run()
    watched.pass_time(600)
    watched.change(search="index=app | satts")
    refuse(watched)
    watched.pass_time(300)
    watched.before = lambda _start, _end: None
    watched.change(search="index=app | stats count")
    mixed(watched, watched.clock.now() - 200, 50, 50)
    at = int(watched.clock.now() - 300) - START
    watched.pass_time(300)

    assert watched.raised() == [("orders", at)]


@pytest.mark.parametrize("searches", [1, 3, 10])
def test_an_edit_within_a_long_backfill_raises_nothing_of_it(searches):
    watched = ratio(backfill="14d")
    mixed(watched, START - 3 * DAY, 50, 50)
    end_after(watched, searches)
    assert newest(watched)["end"] < START - 3 * DAY
    watched.change(search="index=app status=*")
    watched.pass_time(600)

    assert watched.signals == []
    assert newest(watched)["raising_from"] == START - 60


def test_an_edit_of_the_span_begins_at_a_whole_span():
    watched = ratio(backfill="5m")
    watched.run()
    watched.pass_time(600)
    watched.change(span="7m")
    watched.windows.clear()
    watched.pass_time(1260)

    assert watched.windows[0][0] % watched.monitor.span == 0
