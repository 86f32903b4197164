"""A rollback by hand that can't be done just now ends nothing: it may be tried again."""

from __future__ import annotations

import contextlib

import pytest

from incident_management.incidents import timeline
from incident_management.incidents.act import Act
from incident_management.remediation import approval, execution, interrupted_runs, rollback
from incident_management.remediation.context import Refused
from incident_management.remediation.executors.executor import Outcome
from tests.unit.remediation.bench import INCIDENT, Bench, Crash
from tests.unit.remediation.rollback_bench import (
    DOWN,
    carried_out,
    roll_back,
    rounds,
    state_of,
)


@pytest.fixture
def bench():
    return carried_out()


def test_a_person_is_informed_that_it_can_not_be_done_just_now(bench):
    bench.api.down = True
    with pytest.raises(Refused) as caught:
        roll_back(bench)
    assert str(caught.value) == DOWN
    assert bench.kinds()[-2:] == ["action done", "refused executor"]
    assert state_of(bench).status == "done"


def test_a_refused_rollback_leaves_the_fix_to_be_verified(bench):
    bench.api.down = True
    with pytest.raises(Refused):
        roll_back(bench)
    bench.api.down = False
    rounds(bench, 1)
    assert bench.kinds()[-2:] == ["verification recovered", "status resolved"]
    assert roll_back(bench).status == "rolled_back"


def test_a_rollback_that_another_release_forbids_leaves_the_fix_to_be_verified(bench):
    bench.api.deploy("r10")
    with pytest.raises(Refused, match=r"no longer the change CHG-9. Nothing was changed"):
        roll_back(bench)
    rounds(bench, 1)
    assert bench.kinds()[-1] == "verification insufficient_data", "r10 may have cured it"


def test_a_rollback_that_changed_nothing_leaves_the_fix_to_be_verified(bench):
    bench.api.script = [Outcome("failed", "The deploy API could not be reached: refused.")]
    state = roll_back(bench)
    assert state.status == "done"
    assert state.detail == "It was not rolled back. The deploy API could not be reached: refused."
    rounds(bench, 1)
    assert bench.kinds()[-3:] == ["rollback failed", "verification recovered", "status resolved"]


def test_a_rollback_that_changed_nothing_may_be_tried_again(bench):
    """Each try has entries and a request id of its own, so that its end can be told."""
    bench.api.script = [Outcome("failed", "The deploy API could not be reached: refused.")]
    roll_back(bench)
    assert roll_back(bench).status == "rolled_back"
    assert roll_back(bench).status == "rolled_back"
    assert bench.api.executed == [bench.plan, f"{bench.plan}-undo-2"]
    assert bench.kinds()[-4:] == [
        "rollback started",
        "rollback failed",
        "rollback started",
        "rollback done",
    ]


def test_one_that_helped_is_undone_by_nobody_but_a_person(bench):
    """A worker that is behind may be at a verdict that does not hold any more."""
    rounds(bench, 1)
    told = bench.kinds()
    assert rollback.roll_back_automatically(bench.context, bench.plan).status == "recovered"
    assert bench.kinds() == told and bench.api.executed == [bench.plan]


def test_one_that_helped_still_counts_when_it_could_not_be_undone(bench):
    rounds(bench, 1)
    bench.api.script = [
        Outcome("failed", "The deploy API rejected the request with 409: moved on.")
    ]
    assert roll_back(bench).status == "recovered"
    assert bench.stores.plans.get(bench.plan)["status"] == "recovered"


IN_DOUBT = Outcome("failed", "It is unknown whether it was done.", certain=False)


@pytest.fixture
def doubtful(bench):
    """Nobody can tell whether the fix was undone."""
    bench.api.script = [IN_DOUBT]
    assert roll_back(bench).status == "rollback_failed"
    return bench


def complete(bench):
    """The service carries out at last what it was asked for first."""
    bench.api.deploy("r8")
    bench.api.answers[f"{bench.plan}-undo"] = dict(bench.api.services["checkout"])


def test_a_rollback_that_nobody_can_report_may_be_tried_again_by_hand(doubtful):
    rounds(doubtful, 3)
    assert doubtful.api.executed == [doubtful.plan], "not by itself"
    assert roll_back(doubtful).status == "rolled_back"
    assert doubtful.api.executed == [doubtful.plan, f"{doubtful.plan}-undo-2"]
    assert doubtful.kinds()[-3:] == ["rollback failed", "rollback started", "rollback done"]
    assert doubtful.stores.plans.get(doubtful.plan)["status"] == "rolled_back"


def test_one_that_was_executed_after_all_is_found_out_and_not_sent_again(doubtful):
    complete(doubtful)
    assert roll_back(doubtful).status == "rolled_back"
    assert doubtful.api.executed == [doubtful.plan]
    assert state_of(doubtful).result["change_id"] == "CHG-9", "that of the fix"


def test_one_that_is_executed_while_it_is_tried_again_is_no_failure(doubtful):
    execute = doubtful.api.execute

    def overtaken(arguments, request_id):
        complete(doubtful)
        return execute(arguments, request_id)

    doubtful.api.execute = overtaken
    assert roll_back(doubtful).status == "rolled_back"
    assert doubtful.api.executed == [doubtful.plan]


def test_a_later_try_that_changed_nothing_settles_no_earlier_doubt(doubtful):
    doubtful.api.script = [Outcome("failed", "The deploy API could not be reached: refused.")]
    assert roll_back(doubtful).status == "rollback_failed"
    rounds(doubtful, 1)
    assert doubtful.kinds()[-1] == "rollback failed", "it is not judged as if the fix stood"
    complete(doubtful)
    assert roll_back(doubtful).status == "rolled_back"


def test_one_in_doubt_is_not_tried_again_where_another_release_runs(doubtful):
    doubtful.api.deploy("r10")
    with pytest.raises(Refused, match=r"no longer the change CHG-9. Nothing was changed"):
        roll_back(doubtful)
    assert state_of(doubtful).status == "rollback_failed"


@pytest.mark.one_python
@pytest.mark.parametrize("done", [False, True], ids=["not done", "done after all"])
@pytest.mark.parametrize("moment", range(60))
def test_a_try_after_a_doubt_killed_at_any_store_call_acts_at_most_once(moment, done):
    bench = carried_out()
    bench.api.script = [IN_DOUBT]
    roll_back(bench)
    if done:
        complete(bench)
    bench.stores.fail_after(moment, Crash)
    with contextlib.suppress(Crash):
        roll_back(bench)
    bench.stores.heal()
    for _ in range(2):
        rounds(bench, 1, seconds=120)
        roll_back(bench)
    rounds(bench, 1)
    assert bench.api.executed == [bench.plan] + [f"{bench.plan}-undo-2"] * (not done)
    assert state_of(bench).status == "rolled_back"
    assert bench.stores.plans.get(bench.plan)["status"] == "rolled_back"


def test_an_action_in_doubt_is_not_said_to_have_done_nothing():
    made = Bench()
    made.plan = approval.propose(made.context, INCIDENT, "", "mia")["_key"]
    approval.approve(made.context, made.plan, "omar")
    made.api.script = [IN_DOUBT]
    execution.execute(made.context, made.plan, "mia")
    with pytest.raises(Refused, match=r"whether PLAN-.* check what checkout runs"):
        roll_back(made)


@pytest.mark.parametrize("after", [[], ["checkout"]], ids=["recovered", "not recovered"])
def test_a_fix_that_is_undone_while_it_is_judged_stays_undone(bench, after):
    bench.raising.after = after
    search = bench.raising.run

    def run(*window):
        bench.raising.run = search
        roll_back(bench)
        return search(*window)

    bench.raising.run = run
    rounds(bench, 3)
    assert bench.kinds()[-2:] == ["rollback started", "rollback done"]
    assert state_of(bench).status == "rolled_back" and bench.status() == "new"
    assert bench.stores.plans.get(bench.plan)["status"] == "rolled_back"


@pytest.mark.one_python
@pytest.mark.parametrize("after", [[], ["checkout"]], ids=["recovered", "not recovered"])
@pytest.mark.parametrize("moment", range(50))
def test_a_verdict_and_a_rollback_that_meet_at_any_moment_end_as_undone(moment, after):
    """The whole judgement happens at the n-th store call of the rollback."""
    bench = carried_out()
    bench.raising.after = after
    bench.clock.advance(85)
    left = [moment]

    def count(_verb, _name):
        left[0] -= 1
        if left[0] == -1:
            bench.verifier().run()

    for collection in bench.stores.collections:
        collection.before = count
    roll_back(bench)
    bench.stores.heal()
    rounds(bench, 3)
    assert state_of(bench).status == "rolled_back"
    assert bench.stores.plans.get(bench.plan)["status"] == "rolled_back"
    assert bench.api.executed == [bench.plan, f"{bench.plan}-undo"]


@pytest.mark.one_python
@pytest.mark.parametrize("moment", range(60))
def test_a_second_try_killed_at_any_store_call_acts_at_most_once_and_recovers(moment):
    bench = carried_out()
    bench.api.script = [Outcome("failed", "The deploy API could not be reached: refused.")]
    roll_back(bench)
    bench.stores.fail_after(moment, Crash)
    try:
        roll_back(bench)
    except Crash:
        assert len(bench.api.executed) <= 2
    bench.stores.heal()
    for _ in range(2):
        bench.clock.advance(120)
        interrupted_runs.settle_all(bench.context)
        roll_back(bench)
    assert bench.api.executed == [bench.plan, f"{bench.plan}-undo-2"]
    assert state_of(bench).status == "rolled_back"


def test_killing_at_every_store_call_covers_a_whole_rollback(bench):
    before = bench.stores.calls
    roll_back(bench)
    assert 20 < bench.stores.calls - before < 45


def test_a_plan_that_an_earlier_version_left_without_an_end_gets_one(bench):
    """It wrote the failure under the key that the later rollback's end needed."""
    document, plan = bench.stores.plans.get(bench.plan), bench.plan
    failed = {"plan_id": plan, "phase": "failed", "detail": DOWN, "result": {}}
    begun = {"plan_id": plan, "phase": "started", "detail": "Undone by zoe."}
    for data, word in ((failed, "finished"), (begun, "started")):
        once = f"rollback:{plan}:{word}"
        timeline.append(Act(bench.stores, bench.clock, "zoe"), INCIDENT, "rollback", data, once)
    bench.context.claim(f"rollback:{plan}", {"actor": "zoe"})
    bench.stores.plans.save([{**document, "status": "rolling_back"}])
    bench.api.deploy("r8")
    bench.api.answers[f"{plan}-undo-2"] = dict(bench.api.services["checkout"])
    rounds(bench, 2)
    assert state_of(bench).status == "rolled_back"
    assert bench.stores.plans.get(plan)["status"] == "rolled_back"
