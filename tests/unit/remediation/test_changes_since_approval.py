"""What has changed around a plan since it was proposed or approved, by malice or by chance."""

from __future__ import annotations

from contextlib import suppress

import pytest

from incident_management.incidents import lifecycle
from incident_management.incidents.act import Act
from incident_management.outside.transport import Reply
from incident_management.remediation import approval, interrupted_runs, rollback
from incident_management.remediation.executors.awx import Awx
from incident_management.remediation.raising_search import Rerun
from tests.unit.remediation.bench import INCIDENT, Bench, Crash
from tests.unit.remediation.plans import approved, execute, occupied, propose, refusal


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


def judged_where(bench, plan, before, after):
    """``before`` and ``after``: what each search finds, by its name."""
    bench.raising.fixed_at = fixed_at = bench.clock.now()

    def asked(search, earliest, latest):
        found = (before if latest <= fixed_at else after).get(search["name"], [])
        return Rerun("spl", "entity", [{"entity": one} for one in found])

    bench.raising.run = asked
    for _round in range(9):
        bench.clock.advance(90)
        bench.verifier().run()
    return bench.context.load(plan)[2]


@pytest.mark.parametrize("there", ["before the proposal", "after the proposal"])
@pytest.mark.parametrize("before", [["checkout"], []], ids=["found before", "not found before"])
def test_a_forged_signal_has_no_fix_undone(bench, there, before):
    if there == "before the proposal":
        forge(bench)
    plan = propose(bench)
    if there == "after the proposal":
        forge(bench)
    approval.approve(bench.context, plan, "omar")
    execute(bench, plan)
    always = {"Always": ["checkout"]}
    state = judged_where(bench, plan, {"High Error Rate": before, **always}, always)
    assert state.status == "insufficient_data" and "rollback started" not in bench.kinds()
    assert bench.api.services["checkout"]["version"] == "r7"


@pytest.mark.parametrize("joins", ["before the proposal", "after the proposal"])
def test_an_incident_that_a_forged_signal_opened_has_no_fix_undone_that_has_helped(joins):
    """Whoever expects trouble opens an incident, which the true finding then joins."""
    bench = Bench()
    bench.stores.timeline.delete_matching({"incident_id": INCIDENT})
    search = {"name": "Always", "app": "search", "owner": "mallory"}
    bench.write("opened", title="x", severity="low", entities=["noise"], rule="Always",
                signals={"f": 1}, search=search)  # fmt: skip
    real = {"name": "High Error Rate", "app": "incident_management", "owner": "nobody"}

    def join():
        signal = {"_key": "a", "rule": real["name"], "entity": "checkout", "search": real}
        when = {"incident_id": INCIDENT, "received_at": bench.clock.now()}
        bench.stores.signals.save([{**signal, **when}])
        bench.write("signal", rule=real["name"], entity="checkout", signals={"a": 7})

    bench.write("signal", rule="Always", entities=["checkout"], signals={"g": 1})
    if joins == "before the proposal":
        join()
    bench.analyse()
    plan = propose(bench)
    if joins == "after the proposal":
        join()
    approval.approve(bench.context, plan, "omar")
    execute(bench, plan)
    always = {"Always": ["noise", "checkout"]}
    state = judged_where(bench, plan, {"High Error Rate": ["checkout"], **always}, always)
    assert state.status == "insufficient_data" and "helped in part" in state.detail
    assert bench.api.services["checkout"]["version"] == "r7"


@pytest.mark.parametrize("found", [{"Always": ["checkout"]}, {"Always": ["noise", "checkout"]}])
def test_who_opened_an_incident_has_no_fix_undone_that_another_search_does_not_speak_of(found):
    """The true search has raised it, too, and found nothing right before the fix."""
    bench = Bench()
    bench.stores.timeline.delete_matching({"incident_id": INCIDENT})
    forged = {"name": "Always", "app": "search", "owner": "mallory"}
    bench.write("opened", title="x", severity="low", entities=["checkout", "noise"], rule="Always",
                signals={"f": 1}, search=forged)  # fmt: skip
    real = {"name": "High Error Rate", "app": "incident_management", "owner": "nobody"}
    for key, search in (("f", forged), ("a", real)):
        signal = {"_key": key, "rule": search["name"], "entity": "checkout", "search": search}
        bench.stores.signals.save([{**signal, "incident_id": INCIDENT, "received_at": 1.0}])
    bench.write("signal", rule=real["name"], entity="checkout", signals={"a": 7})
    bench.analyse()
    plan = approved(bench)
    execute(bench, plan)
    state = judged_where(bench, plan, found, found)
    assert state.status == "insufficient_data"
    assert state.detail.endswith(
        "But 'High Error Rate', which also raised the incident, does not, so a person "
        "decides whether the fix stays."
    )
    assert bench.api.services["checkout"]["version"] == "r7"


def lasting(bench, finds):
    """All searches find checkout until now, and then only those that ``finds`` holds of."""
    fixed_at = bench.clock.now()

    def asked(search, earliest, latest):
        found = latest <= fixed_at or finds(search)
        return Rerun("spl", "entity", [{"entity": "checkout"}] if found else [])

    bench.raising.run = asked


@pytest.mark.parametrize(
    "forged",
    [
        {"name": "Always", "app": "search", "owner": "mallory"},
        {"name": "High Error Rate", "app": "search", "owner": "mallory"},
    ],
    ids=["another name", "the same name in another app"],
)
def test_findings_that_name_another_search_than_their_rules_hide_none(forged):
    """Whoever opened the incident in the rule's name, and has the newest finding of it."""
    bench = Bench()
    bench.stores.timeline.delete_matching({"incident_id": INCIDENT})
    rule = {"rule": "High Error Rate", "entity": "checkout", "incident_id": INCIDENT}
    real = {"name": "High Error Rate", "app": "incident_management", "owner": "nobody"}
    bench.write("opened", title="x", severity="low", entities=["checkout"],
                rule="High Error Rate", signals={"f": 1}, search=forged)  # fmt: skip
    for number, search in enumerate([forged, real, forged]):
        one = {"_key": f"s{number}", "search": search, "received_at": float(number)}
        bench.stores.signals.save([{**rule, **one}])
        bench.write(
            "signal", rule="High Error Rate", entities=["checkout"], signals={one["_key"]: 1}
        )
    bench.analyse()
    plan = approved(bench)
    execute(bench, plan)
    lasting(bench, lambda search: search["app"] == "search")
    for _round in range(9):
        bench.clock.advance(90)
        bench.verifier().run()
    state = bench.context.load(plan)[2]
    assert state.status == "insufficient_data" and "helped in part" in state.detail


def test_a_forged_finding_hides_no_series_of_a_monitor_that_goes_on():
    bench = Bench()
    bench.write("signal", rule="orders", entities=["checkout"], signals={"m": 1})
    series = {"monitor": "orders", "series": ["checkout"], "entity": "checkout"}
    for key, search, when in (("m", series, 1.0), ("f", {"name": "Never", "app": "search"}, 2.0)):
        signal = {"_key": key, "incident_id": INCIDENT, "rule": "orders", "search": search}
        bench.stores.signals.insert({**signal, "received_at": when})
    plan = approved(bench)
    execute(bench, plan)
    lasting(bench, lambda search: search.get("monitor"))
    bench.clock.advance(90)
    bench.verifier().run()
    assert bench.status() == "new", "no recovery is claimed while the series goes on"


def test_an_entity_that_was_forged_into_the_incident_has_no_fix_undone(bench):
    """The true search finds it all the time, though the incident was opened for another."""
    bench.write("signal", rule="High Error Rate", entities=["noise"], signals={"f": 1})
    plan = approved(bench)
    execute(bench, plan)
    before, after = {"High Error Rate": ["checkout", "noise"]}, {"High Error Rate": ["noise"]}
    state = judged_where(bench, plan, before, after)
    assert state.status == "insufficient_data"
    assert bench.api.services["checkout"]["version"] == "r7"


def test_a_fix_that_changed_nothing_is_undone_whoever_else_joined(bench):
    forge(bench)
    plan = approved(bench)
    execute(bench, plan)
    found = {"High Error Rate": ["checkout"], "Always": ["checkout"]}
    assert judged_where(bench, plan, found, found).status == "rolled_back"


def test_where_the_catalogue_says_so_nothing_is_undone_by_itself(bench):
    """Not even a fix that no honest search has anything to say of."""
    bench.stanzas["rollback_change"]["undo_by_itself"] = "0"
    plan = approved(bench)
    execute(bench, plan)
    found = {"High Error Rate": ["checkout"]}
    state = judged_where(bench, plan, found, found)
    assert (state.status, state.outcome) == ("did_not_help", "not_recovered")
    assert bench.api.services["checkout"]["version"] == "r7"
    assert not occupied(bench), "another fix may follow"
    assert rollback.roll_back(bench.context, plan, "omar", "wrong").status == "rolled_back"
    assert bench.api.services["checkout"]["version"] == "r8"


@pytest.mark.parametrize("moment", range(30))
def test_an_undoing_by_hand_of_what_did_not_help_that_is_cut_off_is_finished(bench, moment):
    bench.stanzas["rollback_change"]["undo_by_itself"] = "0"
    plan = approved(bench)
    execute(bench, plan)
    found = {"High Error Rate": ["checkout"]}
    judged_where(bench, plan, found, found)
    bench.stores.fail_after(moment, Crash)
    with suppress(Crash):
        rollback.roll_back(bench.context, plan, "omar", "wrong")
    bench.stores.heal()
    begun = bench.stores.claims.get(f"rollback:{plan}") is not None
    approval.expire_plans(bench.context)
    bench.verifier().run()
    bench.clock.advance(120)
    approval.expire_plans(bench.context)
    interrupted_runs.settle_all(bench.context)
    ended = bench.context.load(plan)[2].status
    assert ended == ("rolled_back" if begun else "did_not_help")
    assert rollback.roll_back(bench.context, plan, "omar", "wrong").status == "rolled_back"
    assert bench.api.executed == [plan, f"{plan}-undo"]


def test_the_approval_of_somebody_who_may_not_approve_any_more_is_void(bench):
    plan = approved(bench)
    bench.taken_away.add(("omar", "incident_approve"))
    assert refusal(lambda: execute(bench, plan)) == (
        f"The approval of {plan} is void, because omar can no longer approve "
        "(incident_approve). Propose it again."
    )
    assert bench.context.load(plan)[2].status == "void" and bench.api.executed == []


def test_whoever_loses_the_right_while_it_is_begun_approves_nothing(bench):
    plan = approved(bench)
    bench.stores.claims.before = lambda verb, _name: (
        bench.taken_away.add(("omar", "incident_approve")) if verb == "insert" else None
    )
    state = execute(bench, plan)
    assert state.status == "failed" and state.detail.startswith("Nothing was changed. The approval")
    assert bench.api.executed == []


def test_of_two_approvals_that_it_takes_neither_may_fall_away(bench):
    bench.stanzas["rollback_change"]["approvals"] = "2"
    plan = propose(bench)
    for name in ("omar", "zoe"):
        approval.approve(bench.context, plan, name)
    bench.taken_away.add(("omar", "incident_approve"))
    assert "omar can no longer approve" in refusal(lambda: execute(bench, plan))


def test_an_approval_does_not_outlive_the_incidents_end(bench):
    plan = approved(bench)
    lifecycle.resolve(Act(bench.stores, bench.clock, "zoe"), INCIDENT)
    lifecycle.reopen(Act(bench.stores, bench.clock, "zoe"), INCIDENT)
    assert refusal(lambda: execute(bench, plan)) == (
        f"{INCIDENT} ended and was reopened since {plan} was proposed, so the problem may be "
        "a different one. Analyze it again, and propose a fix for what you find."
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
        f"{plan} was approved 1 h in the future by this machine's clock"
    )
    bench.clock.advance(3600 - 200)
    assert execute(bench, plan).status == "done"


def test_only_who_was_asked_to_act_can_tell_what_became_of_it(bench):
    """The catalogue has another executor for the action while a run is to be judged."""
    plan = approved(bench)
    execute(bench, plan)
    bench.raising.fixed_at = bench.clock.now()
    bench.stanzas["rollback_change"].update(
        {"executor": "awx", "argument.job_template": "42", "preconditions": "", "inverse": ""}
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


def test_a_run_that_was_cut_off_is_not_searched_for_at_another_executor(bench):
    plan = approved(bench)
    bench.api.script = ["lose"]
    assert execute(bench, plan).status == "running"
    bench.stanzas["rollback_change"].update(
        {"executor": "awx", "argument.job_template": "42", "preconditions": "", "inverse": ""}
    )
    bench.clock.advance(1000)
    assert interrupted_runs.settle(bench.context, plan)
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
        f"{plans[0]} is being executed on CHECKOUT: wait until it is verified."
    )
