"""Settling a run that was cut off finds out what happened, and repeats what is wanted still."""

from __future__ import annotations

import json

import pytest

from incident_management.incidents import lifecycle
from incident_management.incidents.act import Act
from incident_management.outside.transport import Reply
from incident_management.remediation import approval, execution, interrupted_runs, rollback
from incident_management.remediation.context import Refused
from incident_management.remediation.executors.deploy_api import DeployApi
from incident_management.remediation.executors.executor import Outcome
from tests.unit.remediation.bench import INCIDENT, Bench, Crash
from tests.unit.remediation.plans import occupied

STILL = (
    "It was not done in time, but may still be done: check by hand. checkout still runs "
    "what it ran. The request was not sent again: "
)
REFUSALS = {
    "in progress": Outcome(
        "failed", "The deploy API rejected the request with 409: it is in progress."
    ),
    "too many": Outcome("failed", "The deploy API rejected the request with 429: no reason given."),
    "not sent": Outcome("failed", "The deploy API could not be reached: refused."),
}


@pytest.fixture
def bench():
    """The machine died before it sent the request."""
    made = Bench()
    made.plan = approval.propose(made.context, INCIDENT, "", "mia")["_key"]
    approval.approve(made.context, made.plan, "omar")
    made.api.script = ["die before"]
    with pytest.raises(Crash):
        execution.execute(made.context, made.plan, "mia")
    return made


@pytest.fixture
def cut_off():
    """The machine died before it sent the request to undo a fix."""
    made = Bench()
    made.plan = approval.propose(made.context, INCIDENT, "", "mia")["_key"]
    approval.approve(made.context, made.plan, "omar")
    execution.execute(made.context, made.plan, "mia")
    made.api.script = ["die before"]
    with pytest.raises(Crash):
        rollback.roll_back(made.context, made.plan, "zoe", "wrong guess")
    return made


def state_of(bench):
    return bench.context.load(bench.plan)[2]


def settle(bench, rounds=10, seconds=100):
    for _ in range(rounds):
        bench.clock.advance(seconds)
        interrupted_runs.settle_all(bench.context)
    return state_of(bench)


def close(bench):
    lifecycle.resolve(
        Act(bench.stores, bench.clock, "zoe"), INCIDENT, lifecycle.Ending(resolution="done by hand")
    )
    lifecycle.close(Act(bench.stores, bench.clock, "zoe"), INCIDENT, "over")


# --- an action --------------------------------------------------------------------------------


def test_what_is_wanted_still_is_sent_again(bench):
    assert settle(bench, 1).status == "done"
    assert bench.api.executed == [bench.plan]


@pytest.mark.parametrize("hours", [8, 5 * 24])
def test_an_old_plan_is_not_executed_after_an_outage(bench, hours):
    bench.clock.advance(1200)
    close(bench)
    bench.clock.advance(hours * 3600)
    assert interrupted_runs.settle_all(bench.context) == 1
    state = state_of(bench)
    assert bench.api.executed == [] and state.status == "failed"
    assert state.detail == f"{STILL}{INCIDENT} is closed: there is nothing left to fix."
    assert bench.stores.plans.get(bench.plan)["status"] == "failed"
    assert not occupied(bench)


def test_nothing_is_sent_again_for_an_incident_that_is_over(bench):
    close(bench)
    assert settle(bench, 8).status == "running", "the first request may still be under way"
    state = settle(bench, 2)
    assert bench.api.executed == [] and state.status == "failed"
    assert bench.kinds()[-1] == "action failed"


def test_what_was_begun_too_long_ago_is_not_sent_again(bench):
    """An outage of the worker ends while the approval holds, but not for long enough to tell."""
    bench.clock.advance(601)
    assert interrupted_runs.settle_all(bench.context) == 0
    bench.clock.advance(300)
    assert interrupted_runs.settle_all(bench.context) == 1
    assert bench.api.executed == []
    assert state_of(bench).detail == f"{STILL}It started 15 min 1 s ago."


def test_an_approval_that_has_run_out_sends_nothing_again():
    bench = Bench()
    bench.plan = approval.propose(bench.context, INCIDENT, "", "mia")["_key"]
    approval.approve(bench.context, bench.plan, "omar")
    bench.clock.advance(29 * 60)
    bench.api.script = ["die before"]
    with pytest.raises(Crash):
        execution.execute(bench.context, bench.plan, "mia")
    assert "The approval expired before the plan was executed." in settle(bench).detail
    assert bench.api.executed == []


def test_a_rejection_sends_nothing_again(bench):
    """It was written in the moment in which the run was begun, and the machine died after it."""
    data = {"plan_id": bench.plan, "decision": "rejected", "expires_at": 0}
    bench.write("approval", actor="omar", **data)
    assert "Rejected by omar." in settle(bench).detail
    assert bench.api.executed == []


def test_another_cause_sends_nothing_again(bench):
    bench.analyse(key="ANA-2", change_id="CHG-5", cause="CHG-5 did it")
    assert "cause is CHG-5, no longer CHG-8" in settle(bench).detail
    assert bench.api.executed == []


def test_an_action_that_is_changed_in_the_catalogue_sends_nothing_again(bench):
    bench.stanzas["rollback_change"]["cooldown"] = "1s"
    assert "was changed in the catalogue" in settle(bench).detail
    assert bench.api.executed == []


def test_an_incident_that_is_closed_while_the_api_is_asked_is_left_alone(bench):
    ask = bench.api.facts

    def facts(arguments):
        bench.api.facts = ask
        close(bench)
        return ask(arguments)

    bench.api.facts = facts
    assert settle(bench).status == "failed"
    assert bench.api.executed == []


def test_what_was_done_is_found_out_however_late():
    bench = Bench()
    bench.plan = approval.propose(bench.context, INCIDENT, "", "mia")["_key"]
    approval.approve(bench.context, bench.plan, "omar")
    bench.api.script = ["die after"]
    with pytest.raises(Crash):
        execution.execute(bench.context, bench.plan, "mia")
    close(bench)
    assert settle(bench, 1, seconds=5 * 86400).status == "done"
    assert bench.api.executed == [bench.plan]


@pytest.fixture
def slow():
    """The service works on a request whose answer was lost."""
    made = Bench()
    made.plan = approval.propose(made.context, INCIDENT, "", "mia")["_key"]
    approval.approve(made.context, made.plan, "omar")
    made.api.script = [Outcome("unknown", "It did not answer within 20 s.")]
    assert execution.execute(made.context, made.plan, "mia").status == "running"
    return made


def complete(bench, request_id):
    bench.api.script = []
    known = bench.api.services["checkout"]
    arguments = {"service": "checkout", "change_id": known["change_id"]}
    bench.api.execute({**arguments, "to_version": known["previous_version"]}, request_id)


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_a_repeat_that_is_refused_says_nothing_of_the_first_request(slow, refusal):
    slow.api.script = [refusal]
    assert settle(slow, 1).status == "running"
    complete(slow, slow.plan)
    assert settle(slow, 1).status == "done"
    assert slow.api.executed == [slow.plan]


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_a_request_that_may_still_be_executed_is_not_said_to_have_done_nothing(slow, refusal):
    slow.api.script = [refusal] * 10
    assert settle(slow, 8).status == "running"
    state = settle(slow, 2)
    assert state.status == "failed" and "check by hand" in state.detail
    second = approval.propose(slow.context, INCIDENT, "", "mia")["_key"]
    approval.approve(slow.context, second, "omar")
    with pytest.raises(Refused, match="was already executed on checkout by"):
        execution.execute(slow.context, second, "mia")


def test_a_process_that_was_held_up_leaves_the_end_to_who_settles(monkeypatch):
    """What it would refuse by now, another process may have asked for already."""
    bench = Bench()
    bench.plan = approval.propose(bench.context, INCIDENT, "", "mia")["_key"]
    approval.approve(bench.context, bench.plan, "omar")
    begin = execution.record_start

    def held_up(*arguments):
        monkeypatch.setattr(execution, "record_start", begin)
        begin(*arguments)
        bench.api.script = ["lose"]
        settle(bench, 1)
        close(bench)

    monkeypatch.setattr(execution, "record_start", held_up)
    assert execution.execute(bench.context, bench.plan, "mia").status == "running"
    assert settle(bench, 1).status == "done"
    assert bench.api.executed == [bench.plan]


@pytest.mark.parametrize("over", [True, False], ids=["closed", "open"])
def test_the_shipped_executor_sends_an_old_request_only_for_an_open_incident(bench, over):
    posts = []

    def send(_url, body, _headers, method):
        if method == "POST":
            posts.append(body)
            bench.api.execute({"service": "checkout", **body}, body["request_id"])
        return Reply(200, {}, json.dumps(bench.api.services["checkout"]))

    bench.executor = DeployApi("https://deploy.example", "secret-token", send)
    if over:
        close(bench)
    state = settle(bench)
    assert [body["request_id"] for body in posts] == ([] if over else [bench.plan])
    assert state.status == ("failed" if over else "done")


# --- a rollback -------------------------------------------------------------------------------


def test_a_rollback_that_is_wanted_still_is_sent_again(cut_off):
    assert settle(cut_off, 1).status == "rolled_back"
    assert cut_off.api.executed == [cut_off.plan, f"{cut_off.plan}-undo"]


def test_an_old_rollback_is_not_executed_after_an_outage(cut_off):
    cut_off.clock.advance(8 * 3600)
    assert interrupted_runs.settle_all(cut_off.context) == 1
    assert cut_off.api.executed == [cut_off.plan]
    assert state_of(cut_off).status == "rollback_failed"
    assert state_of(cut_off).detail == f"{STILL}It started 8 h ago."


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_a_rollback_whose_repeat_is_refused_may_still_be_executed(cut_off, refusal):
    cut_off.api.script = [refusal]
    assert settle(cut_off, 1).status == "rolling_back"
    complete(cut_off, f"{cut_off.plan}-undo")
    assert settle(cut_off, 1).status == "rolled_back"


def test_a_rollback_of_an_incident_that_is_over_is_not_sent_again(cut_off):
    close(cut_off)
    settle(cut_off)
    assert cut_off.api.executed == [cut_off.plan]
    assert cut_off.kinds()[-1] == "rollback failed"


def test_a_rollback_whose_preconditions_hold_no_more_is_not_sent_again(cut_off):
    """The executor sees its request undone, but the service runs something else by now."""
    cut_off.api.deploy("r10")
    settle(cut_off)
    assert cut_off.api.executed == [cut_off.plan]
    assert cut_off.kinds()[-1] == "rollback failed"
