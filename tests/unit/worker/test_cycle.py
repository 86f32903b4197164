"""Duties run on one member at a time, and none stops another."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

import pytest

from incident_management.splunk.configuration.settings import SettingsError
from incident_management.splunk.session import SplunkError
from incident_management.worker.cycle import Duty, Worker
from tests.fakes import FakeStores, ManualClock


class Member:
    """One search head with its worker; ``ran`` lists the work of its duties."""

    def __init__(self, stores, clock, name, *duties, stopping=lambda: False):
        self.ran = []
        self.notices: Any = []
        self.lines: Any = []
        log = logging.Logger(name)
        log.addHandler(_Keep(self.lines))
        made = [
            Duty(d, partial(self._run, d), **options)
            for d, options in ((d, {}) if isinstance(d, str) else d for d in duties)
        ]
        self.failing = {}
        self.worker = Worker(made, stores, clock, name, log, self.notices.append, stopping)

    def _run(self, name):
        self.ran.append(name)
        if name in self.failing:
            raise self.failing[name]
        return {name: 1}

    def texts(self, level):
        return [line.getMessage() for line in self.lines if line.levelname == level]


class _Keep(logging.Handler):
    def __init__(self, lines):
        super().__init__()
        self._lines = lines

    def emit(self, record):
        self._lines.append(record)


@pytest.fixture
def stores():
    return FakeStores()


@pytest.fixture
def clock():
    return ManualClock()


def test_a_duty_runs_on_one_member_of_a_cluster(stores, clock):
    first = Member(stores, clock, "sh1", "tell")
    second = Member(stores, clock, "sh2", "tell")
    for _ in range(4):
        first.worker.cycle()
        second.worker.cycle()
        clock.advance(5)
    assert (len(first.ran), len(second.ran)) == (4, 0)


def test_whose_turn_it_is_is_asked_once_a_turn(stores, clock):
    first = Member(stores, clock, "sh1", "tell", "fix")
    second = Member(stores, clock, "sh2", "tell", "fix")
    first.worker.cycle()
    before = stores.calls
    for _ in range(5):
        clock.advance(1)
        second.worker.cycle()
    assert second.ran == []
    # For each of the duties the claim that is taken, and whose it is.
    assert stores.calls - before == 4


def test_turns_that_are_over_are_deleted_in_one_call(stores, clock):
    member = Member(stores, clock, "sh1", "tell", "fix", "undo")
    member.worker.cycle()
    clock.advance(31)
    before = stores.claims.log.count("delete claims")
    member.worker.cycle()
    assert stores.claims.log.count("delete claims") - before == 1
    assert len(stores.claims.all()) == 3


def test_another_member_takes_over_when_one_is_gone(stores, clock):
    Member(stores, clock, "sh1", "tell").worker.cycle()
    second = Member(stores, clock, "sh2", "tell")
    second.worker.cycle()
    assert second.ran == []
    clock.advance(31)
    second.worker.cycle()
    assert second.ran == ["tell"]


def test_a_restarted_worker_goes_on_at_once(stores, clock):
    Member(stores, clock, "sh1", "tell").worker.cycle()
    again = Member(stores, clock, "sh1", "tell")
    again.worker.cycle()
    assert again.ran == ["tell"]


def test_a_duty_of_every_member_needs_no_turn(stores, clock):
    members = [Member(stores, clock, f"sh{n}", ("spool", {"everywhere": True})) for n in (1, 2)]
    for member in members:
        member.worker.cycle()
    assert [member.ran for member in members] == [["spool"], ["spool"]]
    assert stores.claims.all() == []


def test_a_duty_waits_for_its_time(stores, clock):
    member = Member(stores, clock, "sh1", ("seldom", {"every": 20.0}))
    for _ in range(9):
        member.worker.cycle()
        clock.advance(5)
    assert len(member.ran) == 3


def test_a_clock_that_is_put_back_stops_no_duty(stores, clock):
    member = Member(stores, clock, "sh1", ("seldom", {"every": 20.0}))
    member.worker.cycle()
    clock.advance(-3600)
    member.worker.cycle()
    member.worker.cycle()
    assert len(member.ran) == 2


def test_turns_leave_no_heap_of_claims(stores, clock):
    member = Member(stores, clock, "sh1", "tell", "fix")
    for _ in range(200):
        member.worker.cycle()
        clock.advance(7)
    assert len(stores.claims.all()) <= 4


def test_turns_that_could_not_be_deleted_for_long_are_deleted_later(stores, clock):
    member = Member(stores, clock, "sh1", "tell", "fix")

    def no_deletes(verb, _name):
        if verb == "delete":
            raise SplunkError(503, "splunkd answered 503.")

    stores.claims.before = no_deletes
    for _ in range(200):
        member.worker.cycle()
        clock.advance(31)
    stores.claims.before = None
    member.worker.cycle()
    assert len(stores.claims.all()) == 2


@pytest.mark.parametrize(
    "error",
    [
        SplunkError(503, "splunkd answered 503: KV Store is initializing."),
        ZeroDivisionError("a bug"),
    ],
)
def test_one_duty_failing_is_one_sentence_and_the_others_go_on(stores, clock, error):
    member = Member(stores, clock, "sh1", "first", "second", "third")
    member.failing["second"] = error
    for _ in range(5):
        assert member.worker.cycle() == {"first": 1, "third": 1}
        clock.advance(5)
    (sentence,) = member.texts("ERROR")
    assert sentence.startswith("The duty 'second' failed and is retried: ")
    member.failing.clear()
    assert member.worker.cycle() == {"first": 1, "second": 1, "third": 1}
    assert "The duty 'second' works again." in member.texts("INFO")


def test_what_nobody_expected_is_logged_with_its_traceback_and_the_rest_without(stores, clock):
    member = Member(stores, clock, "sh1", "tell", "judge")
    member.failing = {"tell": KeyError("x"), "judge": SplunkError(503, "Down.")}
    member.worker.cycle()
    traced = {line.getMessage().split("'")[1]: bool(line.exc_info) for line in member.lines[:2]}
    assert traced == {"tell": True, "judge": False}


def test_trouble_that_stays_is_said_again_after_a_while(stores, clock):
    member = Member(stores, clock, "sh1", "tell")
    member.failing["tell"] = SplunkError(0, "splunkd refuses connections.")
    for _ in range(130):
        member.worker.cycle()
        clock.advance(5)
    assert len(member.texts("ERROR")) == 2


def test_a_kv_store_that_is_down_stops_nothing_that_needs_it_not(stores, clock):
    member = Member(stores, clock, "sh1", "tell", ("spool", {"everywhere": True}))
    stores.fail_after(0)
    assert member.worker.cycle() == {"spool": 1}
    stores.heal()
    assert member.worker.cycle() == {"tell": 1, "spool": 1}


def test_a_malformed_setting_is_shown_to_administrators_until_it_is_corrected(stores, clock):
    member = Member(stores, clock, "sh1", ("configuration", {"everywhere": True}), "tell")
    member.failing["configuration"] = SettingsError("x.conf [slack] api_url is wrong.")
    for _ in range(3):
        assert member.worker.cycle() == {"tell": 1}
        clock.advance(5)
    assert member.notices == ["x.conf [slack] api_url is wrong."]
    member.failing.clear()
    member.worker.cycle()
    assert member.notices[1:] == [""]


def test_a_cycle_that_did_something_leaves_a_line_of_metrics(stores, clock):
    member = Member(stores, clock, "sh1", "tell")
    member.worker.cycle()
    (line,) = [line for line in member.lines if line.getMessage() == "cycle"]
    assert line.facts["tell"] == 1 and "ms" in line.facts


def test_it_stops_between_two_duties(stores, clock):
    ran: Any = []
    member = Member(stores, clock, "sh1", "one", "two", stopping=lambda: bool(ran))
    member.ran = ran
    member.worker.cycle()
    assert member.ran == ["one"]


def test_duties_that_share_a_turn_take_it_with_one_claim(stores, clock):
    shared = [("tell", {"turn": "tell"}), ("send", {"turn": "tell"})]
    first = Member(stores, clock, "sh1", *shared)
    second = Member(stores, clock, "sh2", *shared)
    first.worker.cycle()
    second.worker.cycle()
    assert (first.ran, second.ran) == (["tell", "send"], [])
    assert [one["_key"].rpartition(":")[0] for one in stores.claims.all()] == ["worker:tell"]


def test_who_is_at_a_long_duty_keeps_no_other_turn(stores, clock):
    first = Member(stores, clock, "sh1", "search", ("tell", {"turn": "tell"}))
    second = Member(stores, clock, "sh2", "search", ("tell", {"turn": "tell"}))

    def search():
        second.worker.cycle()
        return {}

    first.worker._duties[0] = Duty("search", search)
    first.worker.cycle()
    assert second.ran == ["tell"]


def test_a_duty_without_work_rests(stores, clock):
    member = Member(stores, clock, "sh1", "tell")
    found = iter([3, 2, 0, 0, 0, 0])
    runs: Any = []

    def prune():
        runs.append(clock.now())
        return {"pruned": next(found)}

    member.worker._duties[0] = Duty("prune", prune, every=60.0, rest=600.0)
    began = clock.now()
    for _ in range(1500 // 5):
        member.worker.cycle()
        clock.advance(5)
    assert [moment - began for moment in runs] == [0, 60, 120, 720, 1320]
