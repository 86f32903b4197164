"""Monitors: each span judged once, whatever happens to clock, process, settings or members."""

from __future__ import annotations

import contextlib
import logging

import pytest

from incident_management.detection.monitors import monitor
from incident_management.worker.monitors import runner as monitoring
from incident_management.worker.monitors.checkpoints import thinned
from tests.fakes import Unavailable
from tests.unit.detection.watching import HOUR, START, Watched, judged, mixed, newest, ratio


def test_the_backfill_teaches_and_raises_nothing():
    watched = ratio()
    for span in range(-12, -2):
        mixed(watched, START + span * 300, 10, 90)
    watched.run()

    assert watched.signals == []
    assert watched.windows == [(START - HOUR - 300, START - 300)]


def test_a_run_that_ends_anywhere_is_repeated_without_loss_or_double():
    """The store fails after each number of calls; the end state is that of an undisturbed run."""

    def world() -> Watched:
        watched = ratio()
        watched.run()
        for span in range(6):
            mixed(watched, START + span * 300 + 1, 50, 50)
        watched.clock.advance(6 * 300 + 61)
        return watched

    undisturbed = world()
    undisturbed.run()
    expected = undisturbed.raised()
    assert len(expected) == 6
    for calls in range(30):
        watched = world()
        watched.stores.fail_after(calls)
        with contextlib.suppress(Unavailable):
            watched.run()
        watched.stores.heal()
        watched.run()
        assert watched.raised() == expected, calls
        (incident,) = watched.stores.incidents.all()
        assert (incident["signals"], incident["events"]) == (6, 300), calls


def test_skipped_runs_are_made_up_span_by_span():
    watched = ratio()
    watched.run()
    for span in range(100):
        mixed(watched, START + span * 300 + 1, 50, 50)
    watched.clock.advance(100 * 300 + 61)
    watched.run()

    assert [time for _entity, time in watched.raised()] == [n * 300 for n in range(100)]
    assert watched.run() == {"monitor_spans": 0, "monitor_signals": 0}


def test_late_events_within_the_lag_are_counted():
    watched = ratio(lag="2m")
    watched.run()
    watched.clock.advance(300 + 100)
    assert watched.run()["monitor_spans"] == 1  # the one before the start
    mixed(watched, START + 299, 10, 50)
    watched.clock.advance(30)
    watched.run()

    assert watched.raised() == [("orders", 0)]


def test_a_clock_that_jumped_ahead_and_back_costs_no_span_and_counts_none_twice():
    watched = ratio()
    watched.run()
    mixed(watched, START + 1, 50, 50)
    watched.pass_time(600)
    assert watched.raised() == [("orders", 0)]

    watched.clock.advance(20 * HOUR)
    watched.run()
    watched.clock.advance(-20 * HOUR)
    mixed(watched, watched.clock.now() + 1, 50, 50)
    at = int(watched.clock.now() // 300 * 300) - START
    watched.pass_time(900)

    assert watched.raised() == [("orders", 0), ("orders", at)]
    assert "the clock was changed" in watched.told[0]
    assert watched.stores.incidents.all()[0]["signals"] == 2


@pytest.mark.parametrize("hours", [1, 5, 20])
def test_a_clock_that_stays_wrong_for_long_costs_no_span_either(hours):
    """All checkpoints that are kept were made by the wrong clock."""
    watched = ratio()
    watched.run()
    watched.pass_time(6 * HOUR, 1, failed="0")
    watched.clock.advance(40 * HOUR)
    for _run in range(hours * 12):
        watched.clock.advance(300)
        true = watched.clock.now() - 40 * HOUR
        mixed(watched, true - 200, 50, 50)
        watched.run()
    watched.clock.advance(-40 * HOUR)
    watched.pass_time(600)
    raised = [time for _entity, time in watched.raised()]

    assert len(raised) == len(set(raised)) == hours * 12
    assert sum("the clock was changed" in sentence for sentence in watched.told) == 1


def test_the_trail_stays_short_and_reaches_back():
    trail: list[float] = []
    for end in range(0, 10_000_000, 300):
        trail = thinned([*trail, end], end + 300, 300)
        assert len(trail) <= 34
    for back in (600, 5000, 100_000, 4_000_000):
        moment = 10_000_000 - back
        assert any(moment - 2 * back <= end <= moment for end in trail), back


def test_of_two_members_at_once_one_sets_the_next_step():
    first = ratio()
    first.run()
    mixed(first, START + 1, 50, 50)
    first.clock.advance(400)
    second = ratio()
    second.stores, second.clock, second.events = first.stores, first.clock, first.events
    second.holder = "member-2"
    turn = "monitor:orders:turn"

    def other_member_runs(_start, _end):
        first.before = lambda _start, _end: None
        first.stores.claims.delete(turn)  # it took the first for dead
        second.run()

    first.before = other_member_runs
    first.run()

    assert len(first.signals) == 1
    assert first.stores.incidents.all()[0]["signals"] == 1
    assert judged(first)[-1] == 300


def test_a_member_waits_for_the_turn_of_another_unless_it_is_old():
    first = ratio()
    first.run()
    first.clock.advance(400)
    claim = {"_key": "monitor:orders:turn", "purpose": "monitor turn", "holder": "member-2"}
    first.stores.claims.insert({**claim, "time": first.clock.now(), "value": {}})
    assert first.run()["monitor_spans"] == 0

    first.clock.advance(1000)
    assert first.run()["monitor_spans"] == 5


def test_a_span_that_was_not_judged_whole_is_not_covered(monkeypatch):
    monkeypatch.setattr(monitoring, "MAX_EVENTS", 20)
    watched = Watched(detector="new_template", by="service")
    watched.run()
    since = newest(watched)["covered_from"]
    watched.pass_time(HOUR, 1, _raw="order 7", service="pay")
    assert newest(watched)["covered_from"] == since == START - 60
    watched.pass_time(300, 30, _raw="order 7", service="pay")
    watched.pass_time(600, 1, _raw="order 7", service="pay")

    assert newest(watched)["covered_from"] == START + HOUR + 300
    assert "more than 20 rows" in watched.told[-1]


@pytest.mark.parametrize(
    "change",
    [{"by": "host"}, {"span": "10m"}, {"monitor_search": "index=web"}, {"detector": "silence"}],
)
def test_changed_settings_are_learned_anew_and_cost_no_span(change):
    """The old series would be judged as silent for good: nothing comes by their names any more."""
    watched = Watched(season="none", by="service")
    for span in range(-12, 24):
        watched.add(START + span * 300 + 1, 50 + span % 3, service="pay", host="web-1")
    watched.run()
    watched.pass_time(HOUR)
    stood_at = judged(watched)[-1]
    watched.change(**change)
    watched.windows.clear()
    watched.pass_time(HOUR)

    assert watched.signals == []
    assert "learns again" in watched.told[0]
    assert watched.windows[0][0] <= START + stood_at - HOUR
    assert all(one[1] == after[0] for one, after in zip(watched.windows, watched.windows[1:]))
    assert newest(watched)["raising_from"] == START + stood_at


def test_what_another_version_of_the_app_has_learned_is_learned_anew(monkeypatch):
    watched = Watched(season="none")
    for span in range(-12, 24):
        watched.add(START + span * 300 + 1, 50 + span % 3)
    watched.run()
    watched.pass_time(HOUR)
    stood_at = judged(watched)[-1]
    monkeypatch.setattr(monitor, "STATE_VERSION", "next")
    watched.pass_time(HOUR)

    assert "learns again" in watched.told[0]
    assert watched.levels[0] == logging.WARNING  # an upgrade is no failure
    assert newest(watched)["raising_from"] == START + stood_at
    assert judged(watched)[-1] > stood_at


def test_checkpoints_of_before_there_was_a_trail_are_gone_on_from():
    """The first versions wrote none: a monitor that read one failed from an upgrade on."""
    watched = Watched(season="none")
    watched.run()
    watched.pass_time(HOUR)
    stood_at = judged(watched)[-1]
    for one in watched.stores.claims.all():
        if one["purpose"].startswith("monitor:"):
            del one["value"]["trail"]
            watched.stores.claims.save([one])
    watched.pass_time(HOUR)
    assert judged(watched)[-1] == stood_at + HOUR

    for one in watched.stores.claims.all():
        if one["purpose"].startswith("monitor:"):
            one["value"].pop("trail", None)
            watched.stores.claims.save([one])
    watched.change(season="daily")
    watched.pass_time(HOUR)
    assert judged(watched)[-1] == stood_at + 2 * HOUR


def test_a_span_that_was_due_before_the_change_is_still_raised():
    watched = ratio(by="service")
    watched.run()
    watched.pass_time(HOUR)
    mixed(watched, watched.clock.now() + 1, 50, 50, service="pay", host="web-1")
    at = watched.clock.now() - START
    watched.clock.advance(1800)
    watched.change(by="host")
    watched.run()

    assert watched.raised() == [("web-1", at)]


def test_a_checkpoint_that_can_not_be_read_is_passed_over():
    watched = Watched(season="none")
    watched.run()
    watched.pass_time(HOUR, 50)
    (last,) = [
        c for c in watched.stores.claims.all() if c["value"].get("end") == newest(watched)["end"]
    ]
    watched.stores.claims.save([{**last, "value": {**last["value"], "state": "eJw="}}])
    watched.pass_time(600, 50)

    assert any("goes on from before" in sentence for sentence in watched.told)
    assert judged(watched)[-1] == HOUR + 300
