"""What has changed around a plan since it was proposed or approved, by malice or by chance."""

from __future__ import annotations

import pytest

from incident_management.incidents import lifecycle
from incident_management.notify.transport import Reply
from incident_management.remediation import approval, execution
from incident_management.remediation.awx import Awx
from tests.unit.remediation.bench import INCIDENT, Bench
from tests.unit.remediation.plans import approved, execute, propose, refusal


@pytest.fixture
def bench():
    return Bench()


def forge(bench):
    """Somebody raises a signal that names a search of theirs, which finds checkout whatever is."""
    search = {"name": "Always", "app": "search", "owner": "mallory"}
    signal = {"_key": "forged", "rule": "Always", "entity": "checkout", "search": search}
    bench.stores.signals.save(
        [{**signal, "incident_id": INCIDENT, "received_at": bench.clock.now()}]
    )
    bench.write("signal", rule="Always", entity="checkout", signals={"forged": 1})


def judged_where_only_the_forged_search_finds(bench, plan):
    bench.raising.fixed_at = bench.clock.now()
    run = bench.raising.run

    def asked(search, earliest, latest):
        bench.raising.after = ["checkout"] if search["name"] == "Always" else []
        return run(search, earliest, latest)

    bench.raising.run = asked
    bench.clock.advance(90)
    bench.verifier().run()
    return bench.context.load(plan)[2]


def test_a_signal_forged_after_the_proposal_has_no_fix_undone(bench):
    plan = propose(bench)
    forge(bench)
    approval.approve(bench.context, plan, "omar")
    execute(bench, plan)
    state = judged_where_only_the_forged_search_finds(bench, plan)
    assert state.status == "done" and "rollback started" not in bench.kinds()


def test_a_search_that_was_there_at_the_proposal_has_it_undone(bench):
    forge(bench)
    plan = approved(bench)
    execute(bench, plan)
    assert judged_where_only_the_forged_search_finds(bench, plan).status == "rolled_back"


def test_a_fix_that_an_earlier_version_proposed_is_undone_as_before(bench):
    plan = approved(bench)
    for entry in [d for d in bench.stores.timeline.all() if d["kind"] == "plan"]:
        bench.stores.timeline.delete(entry["_key"])
        data = {name: value for name, value in entry["data"].items() if name != "searches"}
        bench.stores.timeline.insert({**entry, "data": data})
    execute(bench, plan)
    bench.raising.fixed_at, bench.raising.after = bench.clock.now(), ["checkout"]
    bench.clock.advance(90)
    bench.verifier().run()
    assert bench.context.load(plan)[2].status == "rolled_back"


def test_the_approval_of_somebody_who_may_not_approve_any_more_is_void(bench):
    plan = approved(bench)
    bench.taken_away.add(("omar", "incident_approve"))
    assert refusal(lambda: execute(bench, plan)) == (
        f"The approval of {plan} is void, because omar may not approve any more "
        "(incident_approve). Propose it again."
    )
    assert bench.context.load(plan)[2].status == "void" and bench.api.executed == []


def test_whoever_loses_the_right_while_it_is_begun_approves_nothing(bench):
    plan = approved(bench)
    bench.stores.claims.before = lambda verb, _name: (
        bench.taken_away.add(("omar", "incident_approve")) if verb == "insert" else None
    )
    state = execute(bench, plan)
    assert state.status == "failed" and state.detail.startswith("Nothing was done. The approval")
    assert bench.api.executed == []


def test_of_two_approvals_that_it_takes_neither_may_fall_away(bench):
    bench.stanzas["rollback_change"]["approvals"] = "2"
    plan = propose(bench)
    for name in ("omar", "zoe"):
        approval.approve(bench.context, plan, name)
    bench.taken_away.add(("omar", "incident_approve"))
    assert "omar may not approve any more" in refusal(lambda: execute(bench, plan))


def test_an_approval_does_not_outlive_the_incidents_end(bench):
    plan = approved(bench)
    lifecycle.resolve(bench.stores, bench.clock, INCIDENT, "zoe")
    lifecycle.reopen(bench.stores, bench.clock, INCIDENT, "zoe")
    assert refusal(lambda: execute(bench, plan)) == (
        f"{INCIDENT} was over since {plan} was made, and opened again: what is wrong now may be "
        "something else. Analyse it again, and propose a fix for that."
    )
    again = propose(bench)
    assert again != plan
    approval.approve(bench.context, again, "omar")
    assert execute(bench, again).status == "done"


def test_an_approval_from_the_future_does_not_hold(bench):
    """As when a clock was set back, which would have it hold for longer than anybody meant."""
    plan = approved(bench)
    bench.clock.advance(-3600)
    assert refusal(lambda: execute(bench, plan)).startswith(
        f"{plan} was approved 1 h from now by this machine's clock"
    )
    bench.clock.advance(3600 - 200)
    assert execute(bench, plan).status == "done"


def test_only_who_was_asked_to_act_can_tell_what_became_of_it(bench):
    """The catalogue has another executor for the action while a run is to be judged."""
    plan = approved(bench)
    execute(bench, plan)
    bench.raising.fixed_at = bench.clock.now()
    bench.stanzas["rollback_change"].update(
        {"executor": "awx", "argument.job_template": "42", "preconditions": ""}
    )
    context = bench.context
    context.executors["awx"] = lambda: Awx(
        "https://awx.test", "token", lambda *_asked: Reply(200, {}, "")
    )
    verifier = bench.verifier()
    verifier.use(context)
    for _round in range(10):
        bench.clock.advance(90)
        verifier.run()
    state = context.load(plan)[2]
    assert state.status == "insufficient_data"
    assert "was changed in the catalogue since" in state.detail


def test_a_run_that_was_cut_off_is_not_looked_for_at_another_executor(bench):
    plan = approved(bench)
    bench.api.script = ["lose"]
    assert execute(bench, plan).status == "running"
    bench.stanzas["rollback_change"].update(
        {"executor": "awx", "argument.job_template": "42", "preconditions": ""}
    )
    bench.clock.advance(1000)
    assert execution.settle(bench.context, plan)
    state = bench.context.load(plan)[2]
    assert state.status == "failed" and state.action_in_doubt
    assert "was changed in the catalogue since" in state.detail


def test_the_first_of_two_approvals_says_that_one_is_left(bench):
    bench.stanzas["rollback_change"]["approvals"] = "2"
    plan = propose(bench)
    for name in ("omar", "zoe"):
        approval.approve(bench.context, plan, name)
    entries = bench.context.incident(INCIDENT)[1]
    assert [e.data["left"] for e in entries if e.kind == "approval"] == [1, 0]


def test_a_service_is_the_same_however_its_name_is_written(bench):
    """Logs and services write names in small or large letters; two fixes at once are one too many.

    The catalogue has an action each, so that no cool-down is in the way.
    """
    bench.api.services["CHECKOUT"] = bench.api.services["checkout"]
    bench.stanzas["restart"] = {**bench.stanzas["rollback_change"], "cooldown": "0s"}
    other = "INC-20260101-BBBBBB"
    bench.open(other)
    bench.analyse(other, "ANA-2", service="CHECKOUT")
    bench.api.script = ["lose"]
    bench.api.facts = lambda arguments: {
        "version": "r8",
        "previous_version": "r7",
        "change_id": "CHG-8",
        "service": "checkout",
    }
    plans = [
        approved(bench, action="rollback_change"),
        approved(bench, action="restart", incident=other),
    ]
    assert execute(bench, plans[0]).status == "running"
    assert refusal(lambda: execute(bench, plans[1])) == (
        f"{plans[0]} is being carried out on CHECKOUT: wait until it is verified."
    )
