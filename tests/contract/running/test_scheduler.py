"""The scheduler: when searches run, when they alert, what survives a restart."""

import sqlite3
import threading

import pytest

from tests.contract.running.fakes import NOON
from tools.splunkd_lite.alerting import Alerting
from tools.splunkd_lite.core import Options
from tools.splunkd_lite.runners import alert_action
from tools.splunkd_lite.runners.errors import RunnerError
from tools.splunkd_lite.schedule import due_times
from tools.splunkd_lite.scheduler import Scheduler

EVERY_5 = {"enableSched": "1", "cron_schedule": "*/5 * * * *", "search": "index=main error"}


def schedule(splunk, **settings):
    splunk.conf.confs["savedsearches"] = {"High": {**EVERY_5, **settings}}
    splunk.conf.confs["alert_actions"] = {"page": {"is_custom": "1", "track_alert": "1"}}


def times(splunk):
    return [(call[1] - NOON) / 60 for call in splunk.jobs.dispatched]


def test_a_search_runs_at_its_cron_times_over_its_own_time_range(splunk, acted):
    schedule(splunk, **{"dispatch.earliest_time": "-5m@m", "dispatch.latest_time": "@m"})
    scheduler = Scheduler(splunk)
    scheduler.tick(NOON + 299)
    assert splunk.jobs.dispatched == []
    scheduler.tick(NOON + 301)
    scheduler.tick(NOON + 302)
    assert splunk.jobs.dispatched == [("High", NOON + 300, "-5m@m", "@m", "admin")]


def test_a_disabled_or_unscheduled_search_never_runs(splunk, acted):
    schedule(splunk, disabled="1")
    Scheduler(splunk).run_until(NOON + 3600)
    schedule(splunk, enableSched="0")
    Scheduler(splunk).run_until(NOON + 3600)
    assert splunk.jobs.dispatched == []


def test_long_spans_run_at_each_scheduled_time(splunk, acted):
    schedule(splunk)
    Scheduler(splunk).run_until(NOON + 900)
    assert times(splunk) == [5, 10, 15]


def test_a_pace_runs_searches_more_often_than_their_schedules_say(splunk, acted):
    schedule(splunk)
    splunk.options = Options(cron_pace=60)
    Scheduler(splunk).run_until(NOON + 16)
    assert [call[1] - NOON for call in splunk.jobs.dispatched] == [5, 10, 15]


def test_a_restart_in_the_second_before_a_run_is_due_does_not_leave_it_out(splunk, acted):
    schedule(splunk)
    Scheduler(splunk).tick(NOON + 10)
    splunk.clock.advance(299.5)
    Scheduler(splunk).tick(NOON + 300.5)
    assert times(splunk) == [5]


def test_real_time_scheduling_leaves_out_what_was_missed(splunk, acted):
    schedule(splunk)
    Scheduler(splunk).tick(NOON + 300)
    splunk.clock.advance(3720)
    restarted = Scheduler(splunk)
    restarted.tick(NOON + 3720)
    assert times(splunk) == [5]
    restarted.tick(NOON + 3900)
    assert times(splunk) == [5, 65]
    assert splunk.logged("Splunk was down")


def test_continuous_scheduling_catches_up(splunk, acted):
    schedule(splunk, realtime_schedule="0")
    Scheduler(splunk).tick(NOON + 300)
    splunk.clock.advance(1210)
    Scheduler(splunk).tick(NOON + 1210)
    assert times(splunk) == [5, 10, 15, 20]


def test_a_restart_runs_no_period_twice(splunk, acted):
    schedule(splunk, realtime_schedule="0", **{"action.page": "1"})
    Scheduler(splunk).tick(NOON + 301)
    Scheduler(splunk).tick(NOON + 302)
    assert times(splunk) == [5]
    assert len(acted) == 1


def test_one_search_never_overlaps_itself(splunk, acted):
    schedule(splunk)
    started, go_on = threading.Event(), threading.Event()

    def slow(now):
        started.set()
        go_on.wait(60)
        return []

    splunk.jobs.answer = slow
    scheduler = Scheduler(splunk)
    first = threading.Thread(target=scheduler.tick, args=(NOON + 300,))
    first.start()
    assert started.wait(60)
    scheduler.tick(NOON + 600)
    go_on.set()
    first.join(60)
    scheduler.tick(NOON + 601)
    scheduler.tick(NOON + 900)
    assert times(splunk) == [5, 15]
    assert splunk.logged("still running")


CONDITIONS = [
    ({"counttype": "number of events", "relation": "greater than", "quantity": "1"}, True),
    ({"counttype": "number of events", "relation": "greater than", "quantity": "2"}, False),
    ({"counttype": "number of results", "relation": "equal to", "quantity": "2"}, True),
    ({"counttype": "number of events", "relation": "less than", "quantity": "2"}, False),
    ({"counttype": "number of events", "relation": "not equal to", "quantity": "2"}, False),
    ({"counttype": "number of hosts", "relation": "equal to", "quantity": "1"}, True),
    ({"alert_condition": "search keep=1"}, True),
    ({"alert_condition": "search keep=2"}, False),
    ({"counttype": "always"}, True),
]


@pytest.mark.parametrize(("condition", "alerts"), CONDITIONS)
def test_conditions(splunk, acted, condition, alerts):
    schedule(splunk, **{"action.page": "1", "alert.track": "1", **condition})
    splunk.jobs.rows = [{"host": "a", "keep": "1"}, {"host": "a"}]
    Scheduler(splunk).tick(NOON + 300)
    assert len(acted) == len(splunk.alerts.fired) == int(alerts)


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ({"counttype": "number of moons"}, "number of moons"),
        ({"counttype": "number of events", "relation": "doubles", "quantity": "1"}, "doubles"),
        (
            {"counttype": "number of events", "relation": "less than", "quantity": "5%"},
            "percentage",
        ),
        (
            {"counttype": "number of events", "relation": "less than", "quantity": "x"},
            "whole number",
        ),
    ],
)
def test_a_condition_that_is_not_done_here_fails_the_run_by_name(splunk, acted, condition, says):
    schedule(splunk, **{"action.page": "1", **condition})
    Scheduler(splunk).tick(NOON + 300)
    assert splunk.logged(says)
    assert acted == []


def test_a_fired_alert_says_what_happened(splunk, acted):
    schedule(splunk, **{"action.page": "1", "alert.severity": "5", "alert.expires": "2h"})
    splunk.conf.confs["savedsearches"]["High"] |= {
        "counttype": "number of events", "relation": "greater than", "quantity": "0",
    }  # fmt: skip
    splunk.jobs.rows = [{"host": "a"}]
    Scheduler(splunk).tick(NOON + 301)
    [fired] = splunk.alerts.fired
    assert fired.trigger_time == NOON + 301
    assert (fired.severity, fired.expires_seconds, fired.actions) == (5, 7200, "page")
    assert fired.sid == f"scheduler_High_at_{NOON + 300:.0f}"


def test_results_are_kept_longer_where_an_alert_points_at_them(splunk, acted):
    schedule(splunk, **{"action.page": "1", "alert.track": "1", "alert.expires": "2h"})
    splunk.conf.confs["savedsearches"]["High"]["alert_condition"] = "search keep=1"
    scheduler = Scheduler(splunk)
    scheduler.tick(NOON + 300)
    splunk.jobs.rows = [{"keep": "1"}]
    scheduler.tick(NOON + 600)
    assert [job.ttl for job in splunk.jobs.made] == [2 * 300, 2 * 3600]


def test_digest_throttling_silences_the_search_for_its_period(splunk, acted):
    schedule(splunk, **{"action.page": "1", "alert.suppress": "1", "alert.suppress.period": "12m"})
    splunk.jobs.rows = [{"host": "a"}]
    scheduler = Scheduler(splunk)
    scheduler.run_until(NOON + 900)
    scheduler = Scheduler(splunk)  # the silence outlives a restart
    scheduler.run_until(NOON + 1200)
    assert [sid[-10:] for _, sid, _ in acted] == [f"{NOON + 300:.0f}", f"{NOON + 1200:.0f}"]


def test_per_result_throttling_silences_each_value_alone(splunk, acted):
    schedule(
        splunk,
        **{
            "action.page": "1", "alert.digest_mode": "0", "alert.suppress": "1",
            "alert.suppress.period": "1h", "alert.suppress.fields": "host",
        },
    )  # fmt: skip
    splunk.jobs.rows = [{"host": "a"}, {"host": "b"}, {"host": "a"}]
    scheduler = Scheduler(splunk)
    scheduler.tick(NOON + 300)
    assert [row for _, _, row in acted] == [0, 1]
    splunk.jobs.rows = [{"host": "c"}, {"host": "b"}]
    scheduler.tick(NOON + 600)
    assert [row for _, _, row in acted] == [0, 1, 0]


@pytest.mark.parametrize(("limit", "triggers"), [(None, 500), ("2", 2), ("0", 600)])
def test_so_many_results_of_one_run_trigger_and_no_more(splunk, acted, limit, triggers):
    """``max_per_result_alerts`` in limits.conf."""
    schedule(splunk, **{"action.page": "1", "alert.digest_mode": "0"})
    if limit is not None:
        splunk.conf.confs["limits"] = {"scheduler": {"max_per_result_alerts": limit}}
    splunk.jobs.rows = [{"host": str(n)} for n in range(600)]
    Scheduler(splunk).tick(NOON + 300)
    assert [row for _, _, row in acted] == list(range(triggers))


class Killed(BaseException):
    """What stands for kill -9: nothing below catches it."""


def kill_at(monkeypatch, target, name):
    real = getattr(target, name)

    def die(*args, **kwargs):
        raise Killed

    monkeypatch.setattr(target, name, die)
    return lambda: monkeypatch.setattr(target, name, real)


@pytest.mark.parametrize("point", ["dispatch", "fire", "act"])
def test_a_kill_at_any_point_neither_loses_nor_doubles_the_alert(splunk, acted, monkeypatch, point):
    schedule(splunk, **{"action.page": "1", "alert.track": "1", "alert.suppress": "1"})
    splunk.conf.confs["savedsearches"]["High"]["alert.suppress.period"] = "1h"
    splunk.jobs.rows = [{"host": "a"}]
    targets = {
        "dispatch": (splunk.jobs, "dispatch"), "fire": (splunk.alerts, "fire"),
        "act": (Alerting, "act"),
    }  # fmt: skip
    revive = kill_at(monkeypatch, *targets[point])
    with pytest.raises(Killed):
        Scheduler(splunk).tick(NOON + 300)
    revive()
    splunk.clock.advance(310)
    restarted = Scheduler(splunk)
    restarted.tick(NOON + 310)
    restarted.tick(NOON + 311)
    assert len(splunk.alerts.fired) == 1
    assert len(acted) == 1


@pytest.mark.parametrize(
    "cron",
    ["*/5 * * * * *", "0 0 L * *", "0 0 * * 5#2", "0 0 * * MON", "0 0 1 JAN *", "0 0 * * 7",
     "0 0 * * 1-7", "5/15 * * * *", "@daily", ""],
)  # fmt: skip
def test_a_cron_schedule_is_of_five_fields_of_the_documented_forms(cron):
    with pytest.raises(RunnerError):
        due_times(cron, NOON, NOON + 60)


def test_ranges_lists_and_steps_of_a_cron_schedule_are_taken_together():
    assert due_times("1,7-59/20 0-23 * * 0-6", NOON, NOON + 3600) == [
        NOON + minute * 60 for minute in (1, 7, 27, 47)
    ]


def test_a_bad_cron_schedule_is_named_once_and_stops_nothing_else(splunk, acted):
    schedule(splunk)
    splunk.conf.confs["savedsearches"]["Bad"] = {**EVERY_5, "cron_schedule": "61 * * * *"}
    scheduler = Scheduler(splunk)
    scheduler.tick(NOON + 300)
    scheduler.tick(NOON + 301)
    assert len(splunk.logged("61 * * * *")) == 1
    assert times(splunk) == [5]


def test_a_full_disk_delays_a_run_and_loses_nothing(splunk, acted, monkeypatch):
    schedule(splunk, **{"action.page": "1", "alert.track": "1"})
    splunk.jobs.rows = [{"host": "a"}]
    scheduler = Scheduler(splunk)
    scheduler.tick(NOON + 10)
    state = splunk.state("scheduler")

    def full(key, value):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(state, "set", full)
    scheduler.tick(NOON + 301)
    scheduler.tick(NOON + 302)
    assert splunk.alerts.fired == acted == []
    assert len(splunk.logged("disk is full")) == 1
    monkeypatch.undo()
    monkeypatch.setattr(alert_action, "run", lambda *args: acted.append(args[1]))
    scheduler.tick(NOON + 303)
    assert len(splunk.alerts.fired) == 1
    assert acted == ["page"]


def test_stopping_ends_an_action_that_would_run_on(splunk, monkeypatch):
    monkeypatch.setattr("tools.splunkd_lite.scheduler.STOP_SECONDS", 0.5)
    schedule(splunk, **{"action.page": "1"})
    splunk.conf.confs["alert_actions"]["page"] = {"is_custom": "1", "payload_format": "json"}
    splunk.script("page.py", "import time; time.sleep(60)")
    scheduler = Scheduler(splunk)
    running = threading.Thread(target=scheduler.tick, args=(NOON + 300,))
    running.start()
    marks = splunk.home / "var/run/splunk/processes"
    while not marks.is_dir() or not list(marks.iterdir()):
        threading.Event().wait(0.05)
    scheduler.stop()
    running.join(60)
    assert not list(marks.iterdir())
    assert splunk.logged("because Splunk stops")


def test_too_many_missed_periods_are_an_error_and_not_a_flood():
    with pytest.raises(RunnerError, match="More than 10000"):
        due_times("* * * * *", NOON, NOON + 86400 * 30)
