"""Monitors that were switched off or removed, and are there again."""

from __future__ import annotations

from incident_management.worker.monitor_roster import MonitorRoster
from tests.unit.detection.watching import HOUR, START, Watched, judged, mixed, newest, ratio

DAY = 24 * HOUR


def signed(watched: Watched, member: str = "sh1", on: bool = True) -> None:
    """The worker of a member says which monitors it has."""
    own = {"orders": watched.values} if on else {}
    MonitorRoster(watched.stores, watched.clock, member, lambda: own).sign()


def off_for(watched: Watched, seconds: float) -> None:
    """Switch the monitor off; every span is bad but the last. It is on again, but not run yet."""
    signed(watched)
    watched.clock.advance(30)
    signed(watched, on=False)
    for at in range(int(watched.clock.now()), int(watched.clock.now() + seconds - 300), 300):
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
