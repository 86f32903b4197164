"""Monitors that were switched off or removed, and are there again."""

from __future__ import annotations

from itertools import count

import pytest

from incident_management.worker.cleanup import delete_removed_monitors
from incident_management.worker.monitors.app_off import record_app_off
from incident_management.worker.monitors.roster import MonitorRoster, off_since
from incident_management.worker.monitors.troubles import TroubleBook
from tests.fakes.stores import Unavailable
from tests.unit.detection.watching import HOUR, START, Watched, judged, mixed, newest, ratio

DAY = 24 * HOUR


def signed(watched: Watched, member: str = "sh1", on: bool = True) -> None:
    """The worker of a member says which monitors it has."""
    own = {"orders": watched.values} if on else {}
    MonitorRoster(watched.stores, watched.clock, member, lambda: own).sign()


def off_for(watched: Watched, seconds: float) -> None:
    """Switch the monitor off; every span is bad but the last. It is on again, but not run yet.

    Of more than a day, one span in each hour is bad.
    """
    signed(watched)
    watched.clock.advance(30)
    signed(watched, on=False)
    now, step = int(watched.clock.now()), 300 if seconds <= DAY else HOUR
    for at in range(now, int(now + seconds - 300), step):
        mixed(watched, at + 1, 50, 50)
    watched.clock.advance(seconds)


def test_what_was_found_while_it_was_off_is_not_raised_a_week_later():
    watched = ratio()
    watched.run()
    watched.pass_time(HOUR)
    off_for(watched, 7 * DAY)
    on_at = int(watched.clock.now())
    watched.run()
    assert watched.signals == []
    assert newest(watched)["covered_from"] > on_at - 600
    assert "It was off from" in watched.told[-1]

    mixed(watched, on_at + 1, 50, 50)
    watched.pass_time(900)
    assert [at + START > on_at - 600 for _entity, at in watched.raised()] == [True]
    assert judged(watched)[-1] == (int(watched.clock.now()) - 60) // 300 * 300 - START


def test_what_a_baseline_learned_before_and_meanwhile_is_kept():
    watched = Watched(season="none")
    for span in range(-12, 24):
        watched.add(START + span * 300 + 1, 50 + span % 3)
    watched.run()
    watched.pass_time(2 * HOUR)
    off_for(watched, HOUR)
    watched.windows.clear()
    watched.run()

    assert watched.windows[0][0] == START + 2 * HOUR - 300


def test_one_that_is_removed_and_made_anew_with_another_search_raises_from_now_on():
    """It had the name of one of three months ago: its first run paged for all that time."""
    watched = ratio()
    watched.run()
    off_for(watched, 90 * DAY)
    watched.change(monitor_search="index=web")
    watched.windows.clear()
    on_at = watched.clock.now()
    watched.run()

    assert watched.signals == []
    assert watched.windows[0][0] >= on_at - 2 * HOUR
    mixed(watched, on_at + 1, 50, 50)
    watched.pass_time(900)
    assert len(watched.signals) == 1


@pytest.mark.parametrize("at", [0, 1])
def test_a_worker_that_is_killed_while_it_signs_reports_it_the_next_time(at):
    watched = ratio()
    watched.run()
    signed(watched)
    saves = count()

    def kill(verb, _collection):
        if verb == "save" and next(saves) == at:
            raise Unavailable()

    watched.stores.claims.before = kill
    with pytest.raises(Unavailable):
        signed(watched, on=False)
    watched.stores.claims.before = None
    off_at = watched.clock.now()
    watched.clock.advance(60)
    signed(watched, on=False)
    mixed(watched, int(off_at + HOUR), 50, 50)
    watched.clock.advance(7 * DAY)
    watched.run()
    assert watched.signals == []


def test_a_short_break_costs_no_span():
    watched = ratio()
    watched.run()
    off_for(watched, 600)
    watched.pass_time(300)

    assert len(watched.signals) == 1


def test_what_splunkd_was_down_for_is_raised_though_it_was_off_once_before():
    watched = ratio()
    watched.run()
    off_for(watched, DAY)
    watched.run()
    signed(watched)
    watched.pass_time(HOUR)
    down_at = int(watched.clock.now())
    mixed(watched, down_at + 1000, 50, 50)
    watched.clock.advance(DAY)
    watched.run()

    assert [at for _entity, at in watched.raised()] == [(down_at + 1000) // 300 * 300 - START]


def test_one_that_another_member_still_has_is_not_off():
    watched = ratio()
    watched.run()
    signed(watched, "sh2")
    off_for(watched, DAY)
    watched.run()

    assert len(watched.signals) >= DAY // 300 - 2


def purposes(watched: Watched) -> set[str]:
    return {one["purpose"] for one in watched.stores.claims.all()}


def found_and_off_for(seconds: float) -> Watched:
    """One that found something, waited for events, and was switched off."""
    watched = Watched(season="none")
    for span in range(-12, 12):
        watched.add(START + span * 300 + 1, 50 + span % 3)
    watched.run()
    watched.pass_time(HOUR)
    watched.pass_time(600, count=500)
    assert watched.signals
    watched.warnings = ["A peer is down."]
    watched.pass_time(300)
    off_for(watched, seconds)
    return watched


def test_what_a_monitor_learned_is_deleted_when_nobody_has_had_it_for_three_months():
    watched = found_and_off_for(91 * DAY)
    assert purposes(watched) > {"monitor:orders", "monitor memory:orders", "monitor off"}
    delete_removed_monitors(watched.stores, watched.clock, set)
    left = {one for one in purposes(watched) if "monitor" in one}
    assert left <= {"monitor trouble"}, "MonitorMessages takes that away."
    watched.warnings = []
    watched.run()
    assert watched.windows[-1][1] > watched.clock.now() - 600, "It begins anew."


def test_what_is_on_or_was_lately_is_kept():
    watched = found_and_off_for(89 * DAY)
    before = purposes(watched)
    delete_removed_monitors(watched.stores, watched.clock, set)
    assert purposes(watched) == before
    watched.clock.advance(2 * DAY)
    delete_removed_monitors(watched.stores, watched.clock, lambda: {"orders"})
    assert purposes(watched) == before - {"monitors of a member"}


def test_one_that_is_made_anew_while_the_old_one_is_deleted_keeps_its_beginning():
    watched = found_and_off_for(91 * DAY)
    watched.warnings = []
    watched.change(monitor_search="index=web")

    def none_yet():
        watched.run()
        return set()

    delete_removed_monitors(watched.stores, watched.clock, none_yet)
    assert "monitor:orders" in purposes(watched)
    assert "monitor memory:orders" not in purposes(watched)


@pytest.mark.parametrize(
    ("hours", "started", "switched", "others", "raises"),
    [
        (DAY / HOUR, START - DAY, START + DAY, (), False),
        (0.6, START - DAY, START + 0.6 * HOUR, (), False),
        # splunkd was down, or may have been
        (DAY / HOUR, START + 2 * HOUR, START + DAY, (), True),
        # Nobody switched the app off: the KV store failed, or the worker.
        (DAY / HOUR, START - DAY, START - HOUR, (), True),
        (DAY / HOUR, START - DAY, 0.0, (), True),
        # another member has it as well
        (DAY / HOUR, START - DAY, START + DAY, ("sh2",), True),
        (0.3, START - DAY, START + 0.3 * HOUR, (), True),
    ],
)
def test_while_the_app_was_disabled_its_monitors_were_off(hours, started, switched, others, raises):
    """It paged for each trouble of the week in which somebody had disabled the app."""
    watched = ratio()
    watched.run()
    signed(watched)
    watched.pass_time(300)
    mixed(watched, watched.clock.now() + 1, 50, 50)
    watched.clock.advance(hours * HOUR)
    for member in others:
        signed(watched, member)
    record_app_off(
        watched.stores, watched.clock, "sh1", lambda: ["orders"], lambda: started, lambda: switched
    )
    watched.run()
    assert bool(watched.signals) == raises


def test_a_monitor_that_ran_and_could_not_judge_was_not_off():
    watched = ratio()
    watched.run()
    signed(watched)
    watched.clock.advance(2 * HOUR)
    TroubleBook(watched.stores, watched.clock).note("orders", "sh1", "No license.")
    record_app_off(
        watched.stores,
        watched.clock,
        "sh1",
        lambda: ["orders"],
        lambda: START - DAY,
        watched.clock.now,
    )
    assert off_since(watched.stores, "orders") is None
