"""A clock that is set back while a plan is under way: nothing old is done, and people are told."""

from __future__ import annotations

import pytest

from incident_management.remediation import interrupted_runs
from tests.unit.remediation.bench import Bench, Crash
from tests.unit.remediation.plans import approved, execute, occupied

DAY = 86400.0


@pytest.fixture
def bench():
    return Bench()


def rounds(bench, count=5, seconds=30.0):
    for _round in range(count):
        bench.clock.advance(seconds)
        interrupted_runs.settle_all(bench.context)
        bench.verifier().run()


@pytest.mark.parametrize("back", [3600.0, DAY])
def test_a_request_that_was_never_sent_is_not_sent_when_that_time_comes_again(bench, back):
    plan = approved(bench)
    bench.api.script = ["die before"]
    with pytest.raises(Crash):
        execute(bench, plan)
    bench.clock.advance(-back)
    rounds(bench)
    state = bench.context.load(plan)[2]
    assert state.status == "failed" and "check by hand" in state.detail
    assert "in the future by this machine's clock" in state.detail
    assert not occupied(bench)
    bench.clock.advance(back)
    rounds(bench)
    assert bench.api.executed == []


@pytest.mark.parametrize("script", ["lose", "die after"])
def test_what_was_done_is_found_out_at_once_and_left_to_people(bench, script):
    plan = approved(bench)
    bench.api.script = [script]
    try:
        execute(bench, plan)
    except Crash:
        assert script == "die after"
    bench.clock.advance(-3600)
    rounds(bench, 2)
    assert bench.kinds()[-2:] == ["action done", "verification insufficient_data"]
    assert bench.api.executed == [plan]


def test_a_fix_of_the_future_is_not_waited_for_until_then(bench):
    """Nobody can tell what came before it and what after; its service is free for another plan."""
    plan = approved(bench)
    execute(bench, plan)
    bench.clock.advance(-DAY)
    rounds(bench, 1)
    state = bench.context.load(plan)[2]
    assert state.status == "insufficient_data"
    assert "in the future by this machine's clock" in state.detail
    assert not occupied(bench)


def test_clocks_of_members_that_differ_by_little_keep_nothing_from_being_judged(bench):
    plan = approved(bench)
    execute(bench, plan)
    bench.raising.fixed_at = bench.clock.now()
    bench.clock.advance(-60)
    rounds(bench, 6)
    assert bench.context.load(plan)[2].status == "recovered"
