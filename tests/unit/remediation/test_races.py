"""What people decide and other plans begin while a plan is being carried out or undone."""

from __future__ import annotations

import contextlib

import pytest

from incident_management.incidents import lifecycle
from incident_management.incidents.act import Act
from incident_management.remediation import approval, execution, interrupted_runs, rollback
from incident_management.remediation.context import Refused
from incident_management.remediation.entity_lock import acquire_lock
from incident_management.remediation.executors.executor import Outcome
from incident_management.remediation.steps import action_step
from tests.unit.remediation.bench import INCIDENT, Bench, Crash

pytestmark = pytest.mark.one_python

NOTHING_DONE = "Nothing was changed. "
OTHER = "INC-20260101-BBBBBB"


@pytest.fixture
def bench():
    made = Bench()
    made.plan = ready(made)
    return made


def ready(bench, incident=INCIDENT):
    plan = approval.propose(bench.context, incident, "", "mia")["_key"]
    approval.approve(bench.context, plan, "omar")
    return plan


def while_the_api_is_asked(bench, act):
    """Have something happen during the next question for facts, which takes seconds."""
    ask = bench.api.facts

    def facts(arguments):
        bench.api.facts = ask
        answer = ask(arguments)
        act()
        return answer

    bench.api.facts = facts


def at_store_call(bench, moment, act):
    """Have something happen ahead of the n-th request to the KV store."""
    left = [moment]

    def count(_verb, _name):
        left[0] -= 1
        if left[0] == -1:
            act()

    for collection in bench.stores.collections:
        collection.before = count


# --- decisions --------------------------------------------------------------------------------


def test_a_plan_rejected_while_the_deploy_api_is_asked_is_not_executed(bench):
    answers = []
    while_the_api_is_asked(
        bench,
        lambda: answers.append(approval.reject(bench.context, bench.plan, "omar", "stop").status),
    )
    state = execution.execute(bench.context, bench.plan, "mia")
    assert answers == ["rejected"] and bench.api.executed == []
    assert (state.status, state.detail) == ("rejected", "Rejected by omar.")
    assert bench.kinds()[-1] == "approval rejected"


def test_an_incident_closed_while_the_deploy_api_is_asked_is_left_alone(bench):
    while_the_api_is_asked(
        bench, lambda: lifecycle.resolve(Act(bench.stores, bench.clock, "zoe"), INCIDENT)
    )
    state = execution.execute(bench.context, bench.plan, "mia")
    assert bench.api.executed == [] and state.status == "failed"
    assert state.detail == f"{NOTHING_DONE}{INCIDENT} is resolved: there is nothing left to fix."


def test_what_was_stopped_in_time_does_not_cool_down(bench):
    while_the_api_is_asked(
        bench, lambda: approval.reject(bench.context, bench.plan, "omar", "not yet")
    )
    execution.execute(bench.context, bench.plan, "mia")
    assert execution.execute(bench.context, ready(bench), "mia").status == "done"


def test_an_approval_that_runs_out_while_the_deploy_api_is_asked_is_not_used(bench):
    while_the_api_is_asked(bench, lambda: bench.clock.advance(30 * 60 + 1))
    state = execution.execute(bench.context, bench.plan, "mia")
    assert bench.api.executed == [] and state.status == "failed"
    assert "The approval expired before the plan was executed." in state.detail


def test_a_plan_that_is_being_executed_can_not_be_rejected(bench):
    """The request is claimed, but nothing of it is on the timeline yet."""
    bench.context.claim(f"execute:{bench.plan}", {})
    with pytest.raises(Refused) as caught:
        approval.reject(bench.context, bench.plan, "omar", "stop")
    assert str(caught.value) == (
        f"{bench.plan} is already being executed, so it is too late to reject it."
    )
    assert bench.kinds()[-1] == "approval approved"


def test_a_rejection_that_comes_before_an_execution_has_looked_is_obeyed(bench):
    """The execution takes its claim while the rejection is written, and then sees it."""

    def meanwhile(verb, _name):
        if verb == "insert":
            bench.stores.timeline.before = None
            bench.context.claim(f"execute:{bench.plan}", {})

    bench.stores.timeline.before = meanwhile
    assert approval.reject(bench.context, bench.plan, "omar", "stop").status == "rejected"


@pytest.mark.parametrize("moment", range(60))
def test_a_rejection_at_any_moment_is_obeyed_or_refused(moment):
    bench = Bench()
    plan = ready(bench)
    said = []

    def reject():
        try:
            said.append(approval.reject(bench.context, plan, "omar", "stop").status)
        except Refused:
            said.append("refused")

    at_store_call(bench, moment, reject)
    with contextlib.suppress(Refused):
        execution.execute(bench.context, plan, "mia")
    bench.stores.heal()
    if said and said != ["refused"]:
        assert bench.api.executed == []
        assert bench.context.load(plan)[2].status in ("rejected", "failed")
    else:
        assert bench.api.executed == [plan]


@pytest.mark.parametrize("moment", range(20))
def test_a_rejection_that_an_execution_overtakes_is_refused(moment):
    """The other way round: the whole execution happens at one moment of the rejection."""
    bench = Bench()
    plan = ready(bench)
    done = []

    def carry_out():
        try:
            done.append(execution.execute(bench.context, plan, "mia").status)
        except Refused:
            done.append("refused")

    at_store_call(bench, moment, carry_out)
    try:
        said = approval.reject(bench.context, plan, "omar", "stop").status
    except Refused:
        said = "refused"
    bench.stores.heal()
    if said == "refused":
        assert done == ["done"] and bench.api.executed == [plan]
    else:
        assert said in ("rejected", "failed") and bench.api.executed == []


# --- other plans on the same entity -----------------------------------------------------------


def blamed_fix(bench):
    """The fix has helped; an hour later another incident blames it, and has a plan of its own."""
    execution.execute(bench.context, bench.plan, "mia")
    bench.raising.fixed_at = bench.clock.now()
    bench.clock.advance(90)
    bench.verifier().run()
    bench.clock.advance(3600)
    bench.open(OTHER)
    bench.analyse(OTHER, "ANA-2", change_id="CHG-9", version="r7", previous_version="r8")
    return ready(bench, OTHER)


def test_a_rollback_waits_for_another_plan_on_the_same_entity(bench):
    second = blamed_fix(bench)
    act, said = bench.api.execute, []

    def slow(arguments, request_id):
        with pytest.raises(Refused) as caught:
            rollback.roll_back(bench.context, bench.plan, "zoe", "undo")
        said.append(str(caught.value))
        return act(arguments, request_id)

    bench.api.execute = slow
    assert execution.execute(bench.context, second, "mia").status == "done"
    assert said == [f"{second} is being executed on checkout: wait until it is verified."]
    assert bench.api.executed == [bench.plan, second]
    assert bench.kinds()[-1] == "refused run_in_progress"
    assert bench.context.load(bench.plan)[2].status == "recovered"


def test_a_plan_waits_for_a_rollback_on_the_same_entity(bench):
    second = blamed_fix(bench)
    act, said = bench.api.execute, []

    def slow(arguments, request_id):
        with pytest.raises(Refused) as caught:
            execution.execute(bench.context, second, "mia")
        said.append(str(caught.value))
        return act(arguments, request_id)

    bench.api.execute = slow
    assert rollback.roll_back(bench.context, bench.plan, "zoe", "undo").status == "rolled_back"
    assert said == [f"{bench.plan} is being executed on checkout: wait until it is verified."]


def statuses_at_each_request(bench, second):
    """Returns a list that each request to act adds the other plan's status to."""
    act, found = bench.api.execute, []

    def execute(arguments, request_id):
        other = bench.plan if request_id == second else second
        found.append(bench.context.load(other)[2].status)
        return act(arguments, request_id)

    bench.api.execute = execute
    return found


@pytest.mark.parametrize("undo_first", [True, False])
@pytest.mark.parametrize("moment", range(50))
def test_an_undoing_and_a_plan_that_meet_at_any_moment_do_not_run_together(moment, undo_first):
    """Runs one of the two whole at the n-th store call of the other."""
    bench = Bench()
    bench.plan = ready(bench)
    second = blamed_fix(bench)
    found = statuses_at_each_request(bench, second)
    steps = [
        lambda: rollback.roll_back(bench.context, bench.plan, "zoe", "undo"),
        lambda: execution.execute(bench.context, second, "mia"),
    ]

    def attempt(step):
        with contextlib.suppress(Refused):
            step()

    outer, inner = steps if undo_first else reversed(steps)
    at_store_call(bench, moment, lambda: attempt(inner))
    attempt(outer)
    bench.stores.heal()
    assert found and not {"running", "done", "rolling_back"} & set(found)
    assert len(bench.api.executed[1:]) <= 1
    assert bench.context.load(bench.plan)[2].status != "rolling_back"


def test_a_plan_undoes_itself_while_it_holds_the_entity(bench):
    execution.execute(bench.context, bench.plan, "mia")
    assert rollback.roll_back(bench.context, bench.plan, "zoe", "undo").status == "rolled_back"


def test_a_member_that_does_not_see_what_it_has_saved_goes_on(bench, monkeypatch):
    """Its KV store may be behind the captain's; a request of the API would never have ended."""
    get = bench.stores.plans.get
    execution.execute(bench.context, bench.plan, "mia")
    behind = {**get(bench.plan), "status": "approved"}
    monkeypatch.setattr(bench.stores.plans, "get", lambda key: dict(behind))
    assert bench.context.refresh(behind).status == "done"
    monkeypatch.undo()
    assert get(bench.plan)["status"] == "done"


# --- who was killed, or held up, after it took the entity -------------------------------------


@pytest.fixture
def left(bench):
    """A plan's process was killed right after it took the entity; another plan is approved."""
    bench.open(OTHER)
    bench.analyse(OTHER, key="ANA-2")
    bench.second = ready(bench, OTHER)
    assert acquire_lock(bench.context, bench.stores.plans.get(bench.plan))
    return bench


def test_an_entity_that_was_taken_and_left_is_free_after_a_minute(left):
    """It was kept until the approval of the plan that had left it ran out, half an hour."""
    with pytest.raises(Refused, match=f"{left.plan} is being executed on checkout"):
        execution.execute(left.context, left.second, "mia")
    left.clock.advance(61)
    assert execution.execute(left.context, left.second, "mia").status == "done"


def test_an_entity_whose_taker_is_certainly_gone_is_free_at_once(left):
    context = left.context
    context.has_ended = lambda holder: holder == "sh1"
    assert execution.execute(context, left.second, "mia").status == "done"


def test_who_was_held_up_and_goes_on_after_another_has_the_entity_does_nothing(left):
    left.clock.advance(61)
    left.api.script = [Outcome("unknown", "The connection broke.")]
    assert execution.execute(left.context, left.second, "mia").status == "running"
    state = goes_on(left, left.plan)
    assert f"{NOTHING_DONE}{left.second} is being executed on checkout" in state.detail
    assert left.api.executed == [] and state.status == "failed"


def goes_on(bench, plan):
    """Carry out what was checked, and had taken the entity, long ago."""
    context = bench.context
    document = context.load(plan)[0]
    return execution.run_once(context, document, action_step(context, document), "mia")


@pytest.mark.parametrize("moment", range(60))
def test_of_two_that_take_an_entity_that_was_left_at_most_one_acts(moment):
    """Whoever left it goes on at any moment of the other one's run."""
    bench = Bench()
    bench.open(OTHER)
    bench.analyse(OTHER, key="ANA-2")
    first, second = ready(bench), ready(bench, OTHER)
    acquire_lock(bench.context, bench.stores.plans.get(first))
    bench.clock.advance(61)

    at_store_call(bench, moment, lambda: goes_on(bench, first))
    with contextlib.suppress(Refused):
        execution.execute(bench.context, second, "mia")
    assert len(bench.api.executed) <= 1


@pytest.mark.parametrize("who", ["worker", "executing", "again"])
def test_a_rejection_that_was_cut_off_lets_nothing_run_and_is_finished(bench, who):
    bench.stores.timeline.before = killed
    with pytest.raises(Crash):
        approval.reject(bench.context, bench.plan, "omar", "stop")
    bench.stores.heal()
    if who == "worker":
        assert interrupted_runs.settle_all(bench.context) == 1
    elif who == "executing":
        execution.execute(bench.context, bench.plan, "mia")
    else:
        approval.reject(bench.context, bench.plan, "zoe", "really")
    state = bench.context.load(bench.plan)[2]
    assert (state.status, state.detail) == ("rejected", "Rejected by omar.")
    assert bench.api.executed == []


def killed(verb, _name):
    if verb == "insert":
        raise Crash
