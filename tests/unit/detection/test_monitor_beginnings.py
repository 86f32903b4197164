"""Monitors: from where on they raise, after edits, wrong clocks and failed beginnings."""

from __future__ import annotations

import contextlib

import pytest

from incident_management.ports import SearchFailed
from tests.unit.detection.watching import HOUR, START, Watched, judged, mixed, newest, ratio

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
    watched.change(monitor_search="index=app | satts")
    refuse(watched)
    watched.pass_time(300)
    watched.before = lambda _start, _end: None
    watched.change(monitor_search="index=app | fields host")
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
    watched.change(monitor_search="index=app status=*")
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


def all_bad(watched: Watched, spans: int) -> list[tuple[str, int]]:
    """Let every span be bad from now on, and run at each; returns what is to be raised by then."""
    begin = int(watched.clock.now()) - START
    for _span in range(spans):
        mixed(watched, watched.clock.now() + 1, 50, 50)
        watched.pass_time(300)
    # The last one is complete a minute later.
    return [("orders", begin + span * 300) for span in range(spans - 1)]


@pytest.mark.parametrize("runs", [1, 3, 9])
def test_a_clock_that_was_ahead_when_a_monitor_began_does_not_blind_it(runs):
    watched = ratio()
    watched.clock.set(START + 10 * HOUR)
    watched.run()
    watched.pass_time((runs - 1) * 300)
    watched.clock.set(START)
    expected = all_bad(watched, 24)

    assert watched.raised() == expected
    assert judged(watched)[-1] == 24 * 300 - 300
    (said,) = [sentence for sentence in watched.told if "the clock was changed" in sentence]
    assert "raises from now on" in said


def test_a_backfill_by_a_clock_that_was_ahead_does_not_blind_it_either():
    """What it judged lies in the past, but it would raise nothing for ten hours."""
    watched = ratio(backfill="14d")
    watched.clock.set(START + 10 * HOUR)
    end_after(watched, 3)
    assert newest(watched)["end"] < START
    watched.clock.set(START)

    assert all_bad(watched, 3) == watched.raised()


def test_an_edit_while_the_clock_is_ahead_costs_no_span():
    """All checkpoints that are kept are of the new settings and the wrong clock."""
    watched = ratio()
    watched.run()
    expected = all_bad(watched, 12)
    watched.clock.advance(40 * HOUR)
    watched.run()
    watched.change(monitor_search="index=app status=*")
    watched.pass_time(HOUR)
    watched.clock.advance(-41 * HOUR)
    last = int(watched.clock.now()) - 300 - START
    expected += [("orders", last), *all_bad(watched, 12)]

    assert watched.raised() == expected


def test_a_clock_that_was_wrong_is_reported_to_people_even_when_no_span_is_due():
    watched = ratio()
    watched.run()
    watched.clock.set(START + 10 * HOUR)
    watched.run()
    watched.clock.set(START)
    assert watched.run()["monitor_spans"] == 0
    (sentence,) = watched.troubles().values()
    assert sentence.startswith(
        "Monitor 'orders': Its checkpoint is at 2023-11-15 07:55:00 UTC, "
        "but it is 2023-11-14 22:00:00 UTC"
    )
    watched.pass_time(600)

    assert watched.troubles() == {}


def test_spans_stay_due_when_the_very_first_searches_fail():
    watched = ratio()
    refuse(watched)
    expected = all_bad(watched, 12)
    assert watched.signals == []
    watched.before = lambda _start, _end: None
    watched.run()

    assert watched.raised() == expected
    assert watched.windows[-1][0] == START - HOUR


@pytest.mark.parametrize("backfill", ["1m", "5m"])
def test_a_monitor_with_next_to_no_backfill_begins_all_the_same(backfill):
    watched = ratio(backfill=backfill)
    watched.run()

    assert all_bad(watched, 4) == watched.raised()


def test_a_backfill_is_learned_at_once_and_what_comes_after_it_in_the_monitors_rhythm():
    watched = ratio(every="1d")
    watched.run()
    assert judged(watched) == [-3900, -300]
    watched.pass_time(DAY - 300)
    assert judged(watched)[-1] == -300
    watched.pass_time(300)

    assert judged(watched)[-1] == DAY - 300


def test_a_turn_is_given_back_whatever_happens_in_it():
    watched = ratio()
    watched.run()
    watched.clock.advance(600)

    def break_down(_start: int, _end: int) -> None:
        raise Ended

    watched.before = break_down
    with pytest.raises(Ended):
        watched.run()

    assert watched.stores.claims.get("monitor:orders:turn") is None


def test_two_members_with_other_settings_under_one_name_are_reported():
    """Edited on one member alone, as Splunk does not replicate inputs.conf: both learn for ever."""
    watched = ratio(by="service")
    watched.run()
    watched.pass_time(300)
    watched.holder = "member-2"
    watched.change(by="host")
    watched.pass_time(300)
    assert (
        "The search head member-1 has a monitor of this name with different settings"
        in watched.troubles()["orders"]
    )
    watched.pass_time(300)
    assert watched.troubles() == {}


def test_an_edit_on_the_member_that_has_it_is_no_trouble():
    watched = ratio(by="service")
    watched.add(START - 1000, failed="0", host="web-1")
    watched.run()
    watched.pass_time(300)
    watched.change(by="host")
    watched.pass_time(300)
    assert watched.troubles() == {}
