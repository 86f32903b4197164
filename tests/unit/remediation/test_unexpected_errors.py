"""What nobody foresaw keeps no entity, no other plan, and ends with people being told."""

from __future__ import annotations

import pytest

from incident_management.incidents.canonical import digest
from incident_management.ports import SearchFailed
from incident_management.remediation import interrupted_runs, rollback
from incident_management.remediation.plan import plan_digest
from incident_management.splunk.session import SplunkError
from tests.unit.remediation.bench import INCIDENT, Bench, Crash
from tests.unit.remediation.kubernetes_bench import Sailing
from tests.unit.remediation.kubernetes_fake import Cluster
from tests.unit.remediation.plans import approved, execute, occupied, refusal

OTHER = "INC-20260101-BBBBBB"


@pytest.fixture
def bench():
    return Bench()


def trips(*_asked):
    raise KeyError("version")


def rounds(bench, count, seconds=100):
    for _round in range(count):
        bench.clock.advance(seconds)
        interrupted_runs.settle_all(bench.context)
        bench.verifier().run()


def test_an_answer_that_an_executor_trips_over_leaves_no_run_without_an_end(bench):
    plan = approved(bench)
    bench.api.script = ["die after"]
    with pytest.raises(Crash):
        execute(bench, plan)
    bench.api.settle = trips
    rounds(bench, 10)
    state = bench.context.load(plan)[2]
    assert state.status == "failed" and state.action_in_doubt
    assert "check by hand. The current state can't be read (KeyError: 'version')." in state.detail
    assert not occupied(bench)


def test_a_look_before_a_request_that_trips_leaves_no_run_without_an_end(bench):
    """It was not done, and what must be known before it is sent again can't be read."""
    plan = approved(bench)
    bench.api.script = ["die before"]
    with pytest.raises(Crash):
        execute(bench, plan)
    bench.api.facts = trips
    rounds(bench, 10)
    state = bench.context.load(plan)[2]
    assert state.status == "failed" and "check by hand. KeyError: 'version'" in state.detail
    assert not occupied(bench) and bench.api.executed == []


def test_an_undoing_that_trips_is_given_to_people(bench):
    plan = approved(bench)
    execute(bench, plan)
    bench.raising.fixed_at, bench.raising.after = bench.clock.now(), ["checkout"]
    bench.api.facts = trips
    rounds(bench, 30)
    state = bench.context.load(plan)[2]
    assert state.status == "rollback_failed"
    assert "within 30 min. KeyError: 'version'" in state.detail and not occupied(bench)


@pytest.mark.parametrize("status", [0, 401, 503])
def test_a_splunkd_that_does_not_answer_ends_no_run(bench, status):
    """It is asked for the settings, and answers the next time."""
    plan = approved(bench)
    bench.api.script = ["die after"]
    with pytest.raises(Crash):
        execute(bench, plan)
    real = bench.api.settle
    bench.api.settle = lambda *_asked: no(status)
    bench.clock.advance(1000)
    with pytest.raises(SplunkError):
        interrupted_runs.settle_all(bench.context)
    bench.api.settle = real
    rounds(bench, 1)
    assert bench.context.load(plan)[2].status == "done"


def test_a_proof_that_trips_leaves_no_plan_without_an_end(bench):
    plan = approved(bench)
    execute(bench, plan)
    bench.raising.run = trips
    verifier, told = bench.verifier(), []
    for _round in range(20):
        bench.clock.advance(60)
        verifier.run(lambda *said: told.append(said))
    state = bench.context.load(plan)[2]
    assert state.status == "insufficient_data" and "KeyError: 'version'" in state.detail
    assert told and not occupied(bench)


def test_searches_that_take_too_long_say_nothing_of_the_fix(bench):
    """Their windows ended long ago: what they found is no reason to undo it by now."""
    plan = approved(bench)
    execute(bench, plan)
    bench.raising.fixed_at, bench.raising.after = bench.clock.now(), ["checkout"]
    bench.clock.advance(90)
    real = bench.raising.run

    def slow(*asked):
        bench.clock.advance(700)
        return real(*asked)

    bench.raising.run, verifier = slow, bench.verifier()
    verifier.run()
    verifier.run()
    state = bench.context.load(plan)[2]
    assert state.status == "insufficient_data" and "too late" in state.detail
    assert bench.api.executed == [plan]


@pytest.mark.parametrize("status", [400, 403, 404])
def test_what_splunkd_refuses_of_one_plan_stops_no_other(bench, status):
    """The oldest one came first, and its error ended each round."""
    first = approved(bench)
    bench.api.services["till"] = {**bench.api.services["checkout"], "service": "till"}
    bench.open(OTHER)
    bench.analyse(OTHER, "ANA-2", service="till")
    second = approved(bench, incident=OTHER)
    for plan in (first, second):
        bench.api.script = ["die after"]
        with pytest.raises(Crash):
            execute(bench, plan)
    real = bench.api.settle

    def settle(arguments, request_id):
        if request_id == first:
            bench.api.answers.pop(first, None)
        return real(arguments, request_id)

    bench.api.settle = settle
    bench.may = lambda user, capability: no(status)
    bench.clock.advance(100)
    told = []
    interrupted_runs.settle_all(bench.context, lambda *said: told.append(said))
    assert bench.context.load(second)[2].status == "done"
    assert told == [(first, "No.")]


def no(status):
    raise SplunkError(status, "No.")


@pytest.mark.parametrize("status", [0, 401, 503])
def test_a_splunkd_that_can_not_be_asked_is_not_asked_of_each_plan(bench, status):
    plan = approved(bench)
    bench.api.script = ["die before"]
    with pytest.raises(Crash):
        execute(bench, plan)
    bench.may = lambda user, capability: no(status)
    bench.clock.advance(100)
    with pytest.raises(SplunkError):
        interrupted_runs.settle_all(bench.context)


def test_a_verdict_from_the_future_is_not_waited_for(bench):
    """The clock was ahead when it was written, and the service can't be asked."""
    plan = approved(bench)
    execute(bench, plan)
    bench.raising.fixed_at, bench.raising.after = bench.clock.now(), ["checkout"]
    bench.clock.advance(90)
    bench.api.down = True
    bench.verifier().run()
    assert bench.context.load(plan)[2].status == "not_recovered"
    bench.clock.advance(-86400)
    state = rollback.roll_back_automatically(bench.context, plan)
    assert state.status == "rollback_failed"
    assert not state.detail.startswith("It was not undone within")


def test_a_plan_that_was_changed_after_its_run_is_neither_undone_nor_proved(bench):
    """Whoever may write the collection would have another service undone by the app."""
    plan = approved(bench)
    execute(bench, plan)
    bench.api.services["till"] = dict(bench.api.services["checkout"], service="till")
    document = bench.stores.plans.get(plan)
    bench.stores.plans.save(
        [{**document, "arguments": {**document["arguments"], "service": "till"}}]
    )
    told = refusal(lambda: rollback.roll_back(bench.context, plan, "zoe", "Wrong guess."))
    assert told == f"{plan} was changed after it was proposed: roll it back by hand."
    bench.raising.fixed_at = bench.clock.now()
    rounds(bench, 10)
    assert bench.context.load(plan)[2].status == "insufficient_data"
    assert bench.api.executed == [plan] and bench.status() == "new"


def test_a_run_from_before_an_upgrade_that_can_not_be_recognised_has_an_end():
    """A newer app recognises what became of it by a fact that the plan does not hold."""
    bench = Sailing(Cluster())
    plan = approved(bench, action="back")
    document = bench.stores.plans.get(plan)
    state = {name: value for name, value in document["state"].items() if name != "revision"}
    older = {**document, "state": state, "state_hash": digest(state)}
    older["plan_hash"] = plan_digest(older)
    bench.stores.plans.save([older])
    bench.write("action", INCIDENT, plan_id=plan, phase="started", request_id=plan)
    rounds(bench, 10)
    found = bench.context.load(plan)[2]
    assert found.status == "failed" and "before the app was upgraded" in found.detail


def test_a_search_that_fails_all_the_time_says_why(bench):
    plan = approved(bench)
    execute(bench, plan)
    bench.raising.error = "The search did not finish within 60 seconds."
    with pytest.raises(SearchFailed):
        bench.clock.advance(90)
        bench.verifier().verify_plan(plan)
    rounds(bench, 10)
    assert bench.context.load(plan)[2].status == "insufficient_data"
