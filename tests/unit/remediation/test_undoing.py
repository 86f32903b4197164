"""A rollback that can't be done just now ends nothing: it is tried again, a fix still verified."""

from __future__ import annotations

import contextlib

import pytest

from incident_management.incidents import lifecycle, timeline
from incident_management.remediation import approval, execution
from incident_management.remediation.context import Refused
from incident_management.remediation.executor import Outcome
from tests.unit.remediation.bench import INCIDENT, Bench, Crash

DOWN = "The deploy API can't be asked: it is down."


@pytest.fixture
def bench():
    return carried_out()


def carried_out():
    made = Bench()
    made.plan = approval.propose(made.context, INCIDENT, "", "mia")["_key"]
    approval.approve(made.context, made.plan, "omar")
    execution.execute(made.context, made.plan, "mia")
    made.raising.fixed_at = made.clock.now() + 1
    return made


def not_helping(bench):
    bench.raising.after = ["checkout"]
    bench.clock.advance(85)
    return bench


def state_of(bench):
    return bench.context.load(bench.plan)[2]


def roll_back(bench):
    return execution.roll_back(bench.context, bench.plan, "zoe", "wrong guess")


def rounds(bench, count, seconds=100):
    """What the worker does, again and again."""
    troubles = []
    for _ in range(count):
        bench.clock.advance(seconds)
        execution.settle_all(bench.context)
        bench.verifier().run(failed=lambda plan, why: troubles.append(why))
        approval.expire(bench.context)
    return troubles


# --- by itself --------------------------------------------------------------------------------


def test_a_deploy_api_that_is_down_for_a_moment_only_delays_the_undoing(bench):
    not_helping(bench)
    bench.api.down = True
    assert set(rounds(bench, 5)) == {DOWN}
    assert state_of(bench).status == "not_recovered"
    assert bench.kinds()[-1] == "verification not_recovered", "nothing is said while it is tried"
    bench.api.down = False
    rounds(bench, 1)
    assert bench.kinds()[-2:] == ["rollback started", "rollback done"]
    assert bench.stores.plans.get(bench.plan)["status"] == "rolled_back"


def test_one_that_stays_down_ends_the_undoing_in_a_sentence_for_people(bench):
    not_helping(bench)
    bench.api.down = True
    rounds(bench, 30)
    assert bench.kinds()[-2:] == ["verification not_recovered", "rollback failed"]
    assert state_of(bench).detail == f"It was not undone within 30 min. {DOWN}"
    assert bench.stores.plans.get(bench.plan)["status"] == "rollback_failed"
    assert bench.context.blocking_run("checkout", "PLAN-0000000000") == ""
    bench.api.down = False
    rounds(bench, 5)
    assert bench.api.executed == [bench.plan], "what people were told stays so"


def test_what_was_given_up_may_be_undone_by_hand(bench):
    not_helping(bench)
    bench.api.down = True
    rounds(bench, 30)
    bench.api.down = False
    assert roll_back(bench).status == "rolled_back"
    assert bench.kinds()[-3:] == ["rollback failed", "rollback started", "rollback done"]
    assert bench.stores.plans.get(bench.plan)["status"] == "rolled_back"
    assert bench.api.services["checkout"]["version"] == "r8"


def test_a_worker_that_was_gone_for_long_does_not_act_on_an_old_verdict(bench):
    not_helping(bench)
    bench.api.down = True
    rounds(bench, 1)
    bench.api.down = False
    rounds(bench, 1, seconds=86400)
    assert bench.api.executed == [bench.plan]
    assert state_of(bench).detail == (
        "It was not undone within 30 min. Roll it back by hand if it has to be."
    )


def test_an_inverse_that_was_changed_since_the_approval_does_not_run_by_itself(bench):
    bench.stanzas["reapply_change"]["preconditions"] = ""
    rounds(not_helping(bench), 1)
    state = state_of(bench)
    assert state.status == "rollback_failed"
    assert state.detail.startswith(f"What undoes {bench.plan} was changed in the catalogue since")
    assert bench.api.executed == [bench.plan]
    assert roll_back(bench).status == "rolled_back", "a person may, having looked at it"


def test_a_fix_without_a_way_back_ends_as_one_that_did_not_help():
    made = Bench()
    made.stanzas["rollback_change"]["inverse"] = ""
    made.plan = approval.propose(made.context, INCIDENT, "", "mia")["_key"]
    approval.approve(made.context, made.plan, "omar")
    execution.execute(made.context, made.plan, "mia")
    made.raising.fixed_at = made.clock.now() + 1
    rounds(not_helping(made), 2)
    assert state_of(made).status == "did_not_help" and state_of(made).finished
    assert made.kinds()[-1] == "verification not_recovered", "no rollback is said to have failed"
    with pytest.raises(Refused, match="has no inverse: undo it by hand"):
        roll_back(made)


def test_what_people_have_closed_is_not_undone_by_itself(bench):
    not_helping(bench)
    lifecycle.resolve(bench.stores, bench.clock, INCIDENT, "zoe")
    rounds(bench, 2)
    assert bench.kinds()[-2:] == ["verification not_recovered", "rollback failed"]
    assert bench.api.executed == [bench.plan]
    assert state_of(bench).detail == (
        f"{INCIDENT} is resolved, so the fix is not undone by itself: roll it back by hand if it "
        "has to be."
    )


def test_an_incident_closed_while_the_deploy_api_is_asked_is_not_undone_by_itself(bench):
    ask = bench.api.facts

    def facts(arguments):
        bench.api.facts = ask
        lifecycle.resolve(bench.stores, bench.clock, INCIDENT, "zoe")
        return ask(arguments)

    not_helping(bench)
    bench.api.facts = facts
    rounds(bench, 2)
    assert bench.api.executed == [bench.plan]
    assert bench.kinds()[-2:] == ["rollback started", "rollback failed"]
    assert state_of(bench).status == "rollback_failed"


@pytest.mark.parametrize("moment", range(45))
def test_a_worker_killed_while_it_gives_up_ends_it_once(moment):
    bench = not_helping(carried_out())
    bench.api.down = True
    rounds(bench, 19)
    bench.clock.advance(100)
    bench.stores.fail_after(moment, Crash)
    try:
        bench.verifier().run()
    except Crash:
        bench.stores.heal()
    bench.stores.heal()
    rounds(bench, 12)
    kinds = bench.kinds()
    assert kinds.count("rollback failed") == 1 and kinds[-1] == "rollback failed"
    assert bench.stores.plans.get(bench.plan)["status"] == "rollback_failed"
    assert bench.api.executed == [bench.plan]


# --- by hand ----------------------------------------------------------------------------------


def test_a_person_is_told_that_it_can_not_be_done_just_now(bench):
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
    with pytest.raises(Refused, match="no longer the change CHG-9: nothing was done"):
        roll_back(bench)
    rounds(bench, 1)
    assert bench.kinds()[-1] == "verification insufficient_data", "r10 may have cured it"


def test_a_rollback_that_changed_nothing_leaves_the_fix_to_be_verified(bench):
    bench.api.script = [Outcome("failed", "The deploy API was not reached: refused.")]
    state = roll_back(bench)
    assert state.status == "done"
    assert state.detail == "It was not rolled back. The deploy API was not reached: refused."
    rounds(bench, 1)
    assert bench.kinds()[-3:] == ["rollback failed", "verification recovered", "status resolved"]


def test_a_rollback_that_changed_nothing_may_be_tried_again(bench):
    """Each try has entries and a request id of its own, so that its end can be told."""
    bench.api.script = [Outcome("failed", "The deploy API was not reached: refused.")]
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


def test_one_that_helped_still_counts_when_it_could_not_be_undone(bench):
    rounds(bench, 1)
    bench.api.script = [Outcome("failed", "The deploy API refused with 409: moved on.")]
    assert roll_back(bench).status == "recovered"
    assert bench.stores.plans.get(bench.plan)["status"] == "recovered"


IN_DOUBT = Outcome("failed", "Nobody can tell whether it was done.", certain=False)


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


def test_a_rollback_that_nobody_can_tell_of_may_be_tried_again_by_hand(doubtful):
    rounds(doubtful, 3)
    assert doubtful.api.executed == [doubtful.plan], "not by itself"
    assert roll_back(doubtful).status == "rolled_back"
    assert doubtful.api.executed == [doubtful.plan, f"{doubtful.plan}-undo-2"]
    assert doubtful.kinds()[-3:] == ["rollback failed", "rollback started", "rollback done"]
    assert doubtful.stores.plans.get(doubtful.plan)["status"] == "rolled_back"


def test_one_that_was_carried_out_after_all_is_found_out_and_not_sent_again(doubtful):
    complete(doubtful)
    assert roll_back(doubtful).status == "rolled_back"
    assert doubtful.api.executed == [doubtful.plan]
    assert state_of(doubtful).result["change_id"] == "CHG-9", "that of the fix"


def test_one_that_is_carried_out_while_it_is_tried_again_is_no_failure(doubtful):
    execute = doubtful.api.execute

    def overtaken(arguments, request_id):
        complete(doubtful)
        return execute(arguments, request_id)

    doubtful.api.execute = overtaken
    assert roll_back(doubtful).status == "rolled_back"
    assert doubtful.api.executed == [doubtful.plan]


def test_a_later_try_that_changed_nothing_settles_no_earlier_doubt(doubtful):
    doubtful.api.script = [Outcome("failed", "The deploy API was not reached: refused.")]
    assert roll_back(doubtful).status == "rollback_failed"
    rounds(doubtful, 1)
    assert doubtful.kinds()[-1] == "rollback failed", "it is not judged as if the fix stood"
    complete(doubtful)
    assert roll_back(doubtful).status == "rolled_back"


def test_one_in_doubt_is_not_tried_again_where_another_release_runs(doubtful):
    doubtful.api.deploy("r10")
    with pytest.raises(Refused, match="no longer the change CHG-9: nothing was done"):
        roll_back(doubtful)
    assert state_of(doubtful).status == "rollback_failed"


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
    with pytest.raises(Refused, match=r"whether PLAN-.* look at what checkout runs"):
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


@pytest.mark.parametrize("moment", range(60))
def test_a_second_try_killed_at_any_store_call_acts_at_most_once_and_recovers(moment):
    bench = carried_out()
    bench.api.script = [Outcome("failed", "The deploy API was not reached: refused.")]
    roll_back(bench)
    bench.stores.fail_after(moment, Crash)
    try:
        roll_back(bench)
    except Crash:
        assert len(bench.api.executed) <= 2
    bench.stores.heal()
    for _ in range(2):
        bench.clock.advance(120)
        execution.settle_all(bench.context)
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
        timeline.append(bench.stores, bench.clock, INCIDENT, "rollback", data, "zoe", once)
    bench.context.claim(f"rollback:{plan}", {"actor": "zoe"})
    bench.stores.plans.save([{**document, "status": "rolling_back"}])
    bench.api.deploy("r8")
    bench.api.answers[f"{plan}-undo-2"] = dict(bench.api.services["checkout"])
    rounds(bench, 2)
    assert state_of(bench).status == "rolled_back"
    assert bench.stores.plans.get(plan)["status"] == "rolled_back"
