"""A plan that was approved is carried out once, and one at a time on an entity."""

from __future__ import annotations

import pytest

from incident_management.incidents.errors import NotFound
from incident_management.remediation import execution, interrupted_runs
from incident_management.remediation.entity_lock import acquire_lock
from incident_management.remediation.executors.executor import Outcome
from incident_management.remediation.rate_limits import rate_checks
from tests.unit.remediation.bench import Bench
from tests.unit.remediation.plans import approved, execute, refusal


@pytest.fixture
def bench():
    return Bench()


def test_an_approved_plan_is_executed_once(bench):
    plan = approved(bench)
    state = execute(bench, plan)
    assert state.status == "done" and state.result["version"] == "r7"
    assert execute(bench, plan).status == "done"
    assert bench.api.executed == [plan]
    assert bench.kinds() == ["plan", "approval approved", "action started", "action done"]
    assert bench.stores.plans.get(plan)["status"] == "done"


def test_the_same_action_cools_down_on_the_same_entity(bench):
    plan = approved(bench)
    execute(bench, plan)
    bench.clock.advance(700)
    bench.samples = 0
    bench.verifier().run()
    bench.api.deploy("r8b")
    bench.analyse(
        key="ANA-2", change_id="CHG-10", previous_version="r7", version="r8b", cause="CHG-10"
    )
    second = approved(bench)
    text = refusal(lambda: execute(bench, second))
    assert text == (
        f"'rollback_change' was already executed on checkout by {plan}; it can run there "
        "again in 18 min 20 s."
    )
    bench.clock.advance(1101)
    assert execute(bench, second).status == "done"


def test_a_run_that_changed_nothing_does_not_cool_down(bench):
    plan = approved(bench)
    bench.api.script = [Outcome("failed", "The deploy API was not reached.")]
    assert execute(bench, plan).status == "failed"
    assert execute(bench, approved(bench)).status == "done"


def approved_on(bench, *services):
    """One approved plan for each service, each of an incident of its own."""
    plans = []
    for name in services:
        incident = f"INC-20260101-{name.upper():0>6}"
        bench.api.services[name] = {**bench.api.services["checkout"], "service": name}
        bench.open(incident)
        bench.analyse(incident, key=f"ANA-{name}", service=name)
        plans.append(approved(bench, incident=incident))
    return plans


OFTEN = (
    "'rollback_change' ran 2 of at most 2 times within the last hour (hourly_limit). "
    'Wait, or have it carried out with override="(why)" (incident_override).'
)


def test_an_action_runs_so_many_times_an_hour_on_all_entities_together(bench):
    bench.stanzas["rollback_change"]["hourly_limit"] = "2"
    plans = approved_on(bench, "pay", "cart", "mail")
    for plan in plans[:2]:
        assert execute(bench, plan).status == "done"
    assert refusal(lambda: execute(bench, plans[2])) == OFTEN
    assert len(bench.api.executed) == 2
    bench.clock.advance(3601)
    again = approved(bench, incident="INC-20260101-00MAIL")
    assert execute(bench, again).status == "done"


@pytest.mark.parametrize(
    ("cooldown", "minutes", "no"), [("10m", 60, "rate"), ("2h", 120, "cooldown")]
)
def test_the_hour_and_the_cooldown_are_looked_back_on_whichever_is_longer(
    bench, cooldown, minutes, no
):
    bench.stanzas["rollback_change"].update(cooldown=cooldown, hourly_limit="1")
    first, second = approved_on(bench, "pay", "cart")
    execute(bench, first)
    plan = {**bench.stores.plans.get(second), "entity": "Pay"}

    def refused():
        action = bench.context.catalogue.get("rollback_change")
        return [check.name for check in rate_checks(bench.context, plan, action) if not check.ok]

    bench.clock.advance(minutes * 60 - 1)
    assert refused() == [no]
    bench.clock.advance(1)
    assert refused() == []


@pytest.mark.parametrize("ahead", [0.01, 0, -0.05])
def test_of_several_at_the_same_moment_no_more_run_than_may(bench, ahead):
    """Each has looked before any of the others was begun. Members' clocks differ."""
    bench.stanzas["rollback_change"]["hourly_limit"] = "2"
    first, second, third = approved_on(bench, "pay", "cart", "mail")
    others = [second, third]

    def meanwhile(verb, _name):
        if verb == "insert" and others:
            execute(bench, others.pop())
            bench.clock.advance(ahead)

    bench.stores.claims.before = meanwhile
    state = execute(bench, first)
    assert (state.status, state.detail) == ("failed", f"Nothing was changed. {OFTEN}")
    assert sorted(bench.api.executed) == sorted([second, third])
    assert not state.action_in_doubt, "it may be tried again later"


def test_beyond_the_hourly_limit_each_plan_takes_a_reason_that_stands_on_the_timeline(bench):
    bench.stanzas["rollback_change"]["hourly_limit"] = "1"
    first, second, third = approved_on(bench, "pay", "cart", "mail")
    execute(bench, first)
    why = "All shops have the bad pool size."
    assert execution.execute(bench.context, second, "omar", why).status == "done"
    assert refusal(lambda: execute(bench, third)).startswith("'rollback_change' ran 2 ")
    assert refusal(lambda: execution.execute(bench.context, third, "omar", "  ")), "no reason"
    started = next(
        entry
        for entry in bench.context.load(second)[1]
        if entry.kind == "action" and entry.data["phase"] == "started"
    )
    assert started.data["override"] == {"hourly_limit": 1, "reason": why}
    assert started.actor == "omar" and why in started.data["detail"]


def test_a_great_limit_holds_too_and_is_checked_in_few_requests(bench):
    """Two entries each, and with overrides there may be more runs than any limit."""
    bench.stanzas["rollback_change"].update(hourly_limit="600", cooldown="0s")
    plan = approved(bench)
    now = bench.clock.now()
    for number in range(600):
        other = f"PLAN-{number:010}"
        bench.stores.plans.insert({"_key": other, "action": "rollback_change", "entity": "pay"})
        for phase in ("started", "done"):
            data = {"plan_id": other, "phase": phase}
            entry = {"_key": f"{other}-{phase}", "kind": "action", "time": now, "data": data}
            bench.stores.timeline.insert(entry)
    asked = []
    bench.stores.plans.before = lambda verb, _name: asked.append(verb)
    assert "ran 600 of at most 600 times" in refusal(lambda: execute(bench, plan))
    assert len(asked) < 10


def test_an_override_of_the_limit_is_for_nothing_else(bench):
    bench.stanzas["rollback_change"]["hourly_limit"] = "1"
    first, second = approved_on(bench, "pay", "cart")
    execute(bench, first)
    bench.clock.advance(1801)
    sentence = refusal(lambda: execution.execute(bench.context, second, "omar", "It is urgent."))
    assert "The approval expired" in sentence and len(bench.api.executed) == 1


def test_a_request_that_was_lost_beyond_the_limit_is_sent_again(bench):
    bench.stanzas["rollback_change"]["hourly_limit"] = "1"
    first, second = approved_on(bench, "pay", "cart")
    execute(bench, first)
    bench.api.script = [Outcome("unknown", "The connection broke.")]
    assert execution.execute(bench.context, second, "omar", "Urgent.").status == "running"
    bench.clock.advance(100)
    interrupted_runs.settle_all(bench.context)
    assert bench.context.load(second)[2].status == "done"
    assert len(bench.api.executed) == 2


def test_one_run_at_a_time_on_an_entity(bench):
    """Another incident's fix is still being verified there."""
    plan = approved(bench)
    execute(bench, plan)
    other = "INC-20260101-BBBBBB"
    bench.open(other)
    bench.stanzas["rollback_change"]["cooldown"] = "0s"
    bench.api.deploy("r9")
    bench.analyse(other, "ANA-2", change_id="CHG-10", previous_version="r7", version="r9")
    second = approved(bench, incident=other)
    assert refusal(lambda: execute(bench, second)) == (
        f"{plan} is being executed on checkout: wait until it is verified."
    )
    bench.clock.advance(700)
    bench.samples = 0
    bench.verifier().run()
    assert execute(bench, second).status == "done"


def test_two_plans_at_the_same_moment_take_one_entity_once(bench):
    first = bench.stores.plans.get(approved(bench))
    second = {**first, "_key": "PLAN-0000000000"}
    assert acquire_lock(bench.context, first)
    bench.stores.plans.save([second])
    assert not acquire_lock(bench.context, second)
    assert acquire_lock(bench.context, first), "its own run may go on"


def test_a_refusal_by_the_deploy_api_fails_the_plan(bench):
    plan = approved(bench)
    bench.api.script = [
        Outcome("failed", "The deploy API rejected the request with 409: moved on.")
    ]
    state = execute(bench, plan)
    assert (state.status, state.detail) == (
        "failed",
        "The deploy API rejected the request with 409: moved on.",
    )
    assert bench.kinds()[-2:] == ["action started", "action failed"]


def test_an_unknown_plan_is_not_found(bench):
    with pytest.raises(NotFound, match="no plan PLAN-ffffffffff"):
        execute(bench, "PLAN-ffffffffff")
