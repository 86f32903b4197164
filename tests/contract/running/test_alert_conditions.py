"""Alerts on a change, priorities and windows of the schedule, and how long results are kept.

Sources: savedsearches.conf.spec (help.splunk.com, Admin Manual 10.0, "savedsearches.conf"):
``relation``, ``quantity``, ``schedule_priority``, ``schedule_window``, ``dispatch.ttl``; "Configure
alert trigger conditions" in the Alerting Manual.
"""

import threading

import pytest

from tests.contract.running.fakes import NOON
from tests.contract.running.test_scheduler import schedule
from tools.splunkd_lite.scheduler import Scheduler

EVENTS = {"counttype": "number of events"}


def counts(splunk, *numbers):
    """Each run, every five minutes from noon on, finds that many events."""
    by_time = {NOON + 300 * (n + 1): count for n, count in enumerate(numbers)}
    splunk.jobs.answer = lambda now: [{"host": f"h{i}"} for i in range(by_time[now])]


def alerted(acted):
    return [round((float(sid[-10:]) - NOON) / 300) - 1 for _, sid, _ in acted]


@pytest.mark.parametrize(
    ("relation", "quantity", "numbers", "alerts_at"),
    [
        ("rises by", "5", [3, 8, 12, 30], [1, 3]),
        ("drops by", "5", [30, 26, 21, 0], [2, 3]),
        ("rises by", "50%", [10, 15, 22, 33], [1, 3]),
        ("drops by", "10%", [100, 91, 80, 80], [2]),
        ("rises by perc", "50", [10, 15, 22, 33], [1, 3]),
        ("rises by", "50%", [0, 0, 1, 1], [2]),
        ("drops by", "50%", [0, 0, 0, 0], []),
    ],
)
def test_a_change_is_measured_against_the_run_before(
    splunk,
    acted,
    relation,
    quantity,
    numbers,
    alerts_at,
):
    schedule(splunk, **EVENTS, relation=relation, quantity=quantity, **{"action.page": "1"})
    counts(splunk, *numbers)
    Scheduler(splunk).run_until(NOON + 300 * len(numbers))
    assert alerted(acted) == alerts_at


def test_a_restart_between_two_runs_keeps_what_was_counted(splunk, acted):
    schedule(splunk, **EVENTS, relation="rises by", quantity="5", **{"action.page": "1"})
    counts(splunk, 1, 9)
    Scheduler(splunk).tick(NOON + 300)
    splunk.clock.advance(310)
    Scheduler(splunk).tick(NOON + 600)
    assert alerted(acted) == [1]


def test_a_killed_run_is_compared_with_the_run_before_it_and_not_with_itself(
    splunk,
    acted,
    monkeypatch,
):
    class Killed(BaseException):
        pass

    schedule(splunk, **EVENTS, relation="rises by", quantity="5", **{"action.page": "1"})
    counts(splunk, 1, 9)
    Scheduler(splunk).tick(NOON + 300)
    with monkeypatch.context() as patch, pytest.raises(Killed):

        def die(*args):
            raise Killed

        # After the counts were kept, before the decision was written down.
        patch.setattr("tools.splunkd_lite.runners.alert_condition.Throttle.passing", die)
        Scheduler(splunk).tick(NOON + 600)
    splunk.clock.advance(610)
    Scheduler(splunk).tick(NOON + 610)
    assert alerted(acted) == [1]


def test_digest_throttling_takes_no_notice_of_fields(splunk, acted):
    """``alert.suppress.fields`` is for alerts of single results."""
    schedule(
        splunk,
        **{
            "action.page": "1", "alert.suppress": "1", "alert.suppress.period": "1h",
            "alert.suppress.fields": "host",
        },
    )  # fmt: skip
    splunk.jobs.rows = [{"host": "a"}]
    scheduler = Scheduler(splunk)
    scheduler.tick(NOON + 300)
    splunk.jobs.rows = [{"host": "b"}]
    scheduler.tick(NOON + 600)
    assert len(acted) == 1


@pytest.mark.parametrize(
    ("ttl", "action_ttl", "kept"),
    [("90", "10p", 3000), ("86400", "10p", 3000), ("90", "7200", 7200)],
)
def test_an_alert_that_acts_keeps_its_results_as_long_as_its_action_says(
    splunk,
    acted,
    ttl,
    action_ttl,
    kept,
):
    schedule(splunk, **{"action.page": "1", "dispatch.ttl": ttl, "action.page.ttl": action_ttl})
    splunk.conf.confs["savedsearches"]["High"]["alert.track"] = "0"
    Scheduler(splunk).tick(NOON + 300)
    assert splunk.jobs.made[0].ttl == kept


@pytest.fixture
def one_at_a_time(splunk, monkeypatch):
    """One CPU, one search at once; searches wait at a gate where asked to."""
    splunk.conf.confs["limits"] = {
        "search": {"base_max_searches": "2", "max_searches_per_cpu": "0"},
        "scheduler": {"max_searches_perc": "50"},
    }


def several(splunk, **searches):
    base = {"enableSched": "1", "cron_schedule": "*/5 * * * *", "search": "x"}
    splunk.conf.confs["savedsearches"] = {name: {**base, **own} for name, own in searches.items()}


def order(splunk):
    return [call[0] for call in splunk.jobs.dispatched]


SIX = {
    "f": {"realtime_schedule": "0"},
    "e": {"realtime_schedule": "0", "schedule_priority": "higher"},
    "d": {},
    "c": {"schedule_priority": "higher"},
    "b": {"realtime_schedule": "0", "schedule_priority": "highest"},
    "a": {"schedule_priority": "highest"},
}


def test_due_searches_run_in_the_order_of_the_manual(splunk, acted, one_at_a_time):
    several(splunk, **SIX)
    Scheduler(splunk).tick(NOON + 300)
    assert order(splunk) == ["a", "b", "c", "d", "e", "f"]


def test_priority_needs_a_capability_of_the_owner(splunk, acted, one_at_a_time):
    splunk.access.capabilities = frozenset()
    several(splunk, plain={}, urgent={"schedule_priority": "highest"})
    Scheduler(splunk).tick(NOON + 300)
    assert order(splunk) == ["plain", "urgent"]


def test_a_search_with_a_window_lets_the_others_go_first(splunk, acted, one_at_a_time):
    several(splunk, patient={"schedule_window": "4"}, prompt={}, also={"schedule_window": "auto"})
    Scheduler(splunk).tick(NOON + 300)
    assert order(splunk) == ["prompt", "patient", "also"]


@pytest.mark.parametrize(
    ("settings", "runs"),
    [({"schedule_window": "2"}, False), ({"schedule_window": "4"}, True), ({}, True),
     ({"schedule_window": "2", "realtime_schedule": "0"}, True)],
)  # fmt: skip
def test_a_window_is_how_long_a_search_waits_for_its_turn(
    splunk,
    acted,
    one_at_a_time,
    settings,
    runs,
):
    several(splunk, slow={"schedule_priority": "highest"}, waiting=settings)
    started, go_on = threading.Event(), threading.Event()

    def slow(now):
        if not go_on.is_set():
            started.set()
            go_on.wait(60)
        return []

    splunk.jobs.answer = slow
    scheduler = Scheduler(splunk)
    first = threading.Thread(target=scheduler.tick, args=(NOON + 300,))
    first.start()
    assert started.wait(60)
    scheduler.tick(NOON + 301)
    scheduler.tick(NOON + 302)
    assert len(splunk.logged("status=deferred")) == 1
    scheduler.tick(NOON + 300 + 130)
    go_on.set()
    first.join(60)
    scheduler.tick(NOON + 300 + 140)
    assert ("waiting" in order(splunk)) is runs
    assert bool(splunk.logged("window has passed")) is not runs


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ({"schedule_window": "5"}, "not shorter than its period"),
        ({"schedule_window": "soon"}, "not a number of minutes"),
        ({"schedule_priority": "mine"}, "does not exist"),
    ],
)
def test_a_malformed_window_or_priority_is_named(splunk, acted, one_at_a_time, setting, says):
    several(splunk, first={}, odd=setting)
    said = threading.Event()
    log = splunk.log

    def hear(component, level, text):
        log(component, level, text)
        if says in text:
            said.set()

    splunk.log = hear

    def while_the_other_waits(_now):
        said.wait(10)
        return []

    splunk.jobs.answer = while_the_other_waits
    Scheduler(splunk).tick(NOON + 300)
    assert len(splunk.logged(says)) == 1
    assert sorted(order(splunk)) == ["first", "odd"]
