"""A fix is carried out once, whatever dies whenever, and nobody is left guessing."""

from __future__ import annotations

import pytest

from incident_management.remediation import approval, execution, interrupted_runs, rollback
from tests.unit.remediation.bench import INCIDENT, Bench, Crash

pytestmark = pytest.mark.one_python


@pytest.fixture
def bench():
    return Bench()


def ready(bench):
    plan = approval.propose(bench.context, INCIDENT, "", "mia")["_key"]
    approval.approve(bench.context, plan, "omar")
    return plan


@pytest.mark.parametrize("step", ["die before", "die after"])
def test_a_process_that_dies_at_the_call_acts_once(bench, step):
    plan = ready(bench)
    bench.api.script = [step]
    with pytest.raises(Crash):
        execution.execute(bench.context, plan, "mia")
    assert execution.execute(bench.context, plan, "mia").status == "running"
    bench.clock.advance(120)
    assert interrupted_runs.settle_all(bench.context) == 1
    assert bench.api.executed == [plan]
    assert bench.kinds()[-2:] == ["action started", "action done"]
    assert interrupted_runs.settle_all(bench.context) == 0


def test_a_lost_answer_is_asked_for(bench):
    plan = ready(bench)
    bench.api.script = ["lose"]
    assert execution.execute(bench.context, plan, "mia").status == "running"
    assert interrupted_runs.settle_all(bench.context) == 0, (
        "the first request may still be under way"
    )
    bench.clock.advance(120)
    interrupted_runs.settle_all(bench.context)
    assert bench.api.executed == [plan] and bench.stores.plans.get(plan)["status"] == "done"


def test_what_nobody_can_tell_ends_in_a_sentence_for_people(bench):
    plan = ready(bench)
    bench.api.script = ["lose"]
    execution.execute(bench.context, plan, "mia")
    bench.api.down = True
    for _ in range(12):
        bench.clock.advance(100)
        interrupted_runs.settle_all(bench.context)
    _plan, _entries, state = bench.context.load(plan)
    assert state.status == "failed"
    assert state.detail.startswith("It is unknown whether it was done: check by hand.")


@pytest.mark.parametrize("moment", range(60))
def test_a_process_killed_at_any_store_call_acts_at_most_once_and_recovers(moment):
    """Kills execute ahead of its n-th request to the KV store, for every n."""
    bench = Bench()
    plan = ready(bench)
    bench.stores.fail_after(moment, Crash)
    try:
        execution.execute(bench.context, plan, "mia")
    except Crash:
        assert len(bench.api.executed) <= 1
    bench.stores.heal()
    bench.clock.advance(120)
    interrupted_runs.settle_all(bench.context)
    execution.execute(bench.context, plan, "mia")
    bench.clock.advance(120)
    interrupted_runs.settle_all(bench.context)
    assert bench.api.executed == [plan]
    assert bench.context.load(plan)[2].status == "done"
    assert bench.kinds()[-2:] == ["action started", "action done"]


def test_killing_at_every_store_call_covers_the_whole_execution():
    bench = Bench()
    plan = ready(bench)
    before = bench.stores.calls
    execution.execute(bench.context, plan, "mia")
    assert 20 < bench.stores.calls - before < 60


@pytest.mark.parametrize("step", ["die before", "die after"])
def test_a_rollback_that_is_cut_off_is_finished(bench, step):
    plan = ready(bench)
    execution.execute(bench.context, plan, "mia")
    bench.api.script = [step]
    with pytest.raises(Crash):
        rollback.roll_back(bench.context, plan, "mia", "wrong")
    bench.clock.advance(120)
    interrupted_runs.settle_all(bench.context)
    assert bench.api.executed == [plan, f"{plan}-undo"]
    assert bench.kinds()[-2:] == ["rollback started", "rollback done"]
    assert bench.api.services["checkout"]["version"] == "r8"


@pytest.mark.parametrize("moment", range(45))
def test_a_rollback_killed_at_any_store_call_acts_at_most_once_and_recovers(moment):
    bench = Bench()
    plan = ready(bench)
    execution.execute(bench.context, plan, "mia")
    bench.stores.fail_after(moment, Crash)
    try:
        rollback.roll_back(bench.context, plan, "mia", "wrong")
    except Crash:
        assert len(bench.api.executed) <= 2
    bench.stores.heal()
    bench.clock.advance(120)
    interrupted_runs.settle_all(bench.context)
    rollback.roll_back(bench.context, plan, "mia", "wrong")
    bench.clock.advance(120)
    interrupted_runs.settle_all(bench.context)
    assert bench.api.executed == [plan, f"{plan}-undo"]
    assert bench.context.load(plan)[2].status == "rolled_back"


def test_what_a_process_left_that_has_certainly_ended_is_settled_at_once(bench):
    plan = ready(bench)
    bench.api.script = ["die after"]
    with pytest.raises(Crash):
        execution.execute(bench.context, plan, "mia")
    successor = bench.context
    successor.holder, successor.has_ended = "sh1#2", lambda holder: holder == "sh1"
    assert interrupted_runs.settle_all(successor) == 1
    assert bench.api.executed == [plan] and bench.kinds()[-1] == "action done"
