"""Each rule between a cause and a fix says no in one clear sentence."""

from __future__ import annotations

import pytest

from incident_management.incidents import lifecycle
from incident_management.incidents.act import Act
from incident_management.incidents.errors import Invalid, NotFound
from incident_management.remediation import approval, view
from tests.unit.remediation.bench import INCIDENT, Bench
from tests.unit.remediation.plans import approved, execute, propose, refusal


@pytest.fixture
def bench():
    return Bench()


# --- proposing --------------------------------------------------------------------------------


def test_a_plan_says_what_would_be_done_and_why(bench):
    plan = bench.stores.plans.get(propose(bench))
    assert plan["_key"] == f"PLAN-{plan['plan_hash'][:10]}"
    assert plan["arguments"] == {"service": "checkout", "change_id": "CHG-8", "to_version": "r7"}
    assert plan["blast_radius"] == "checkout restarts with r7."
    assert plan["cause"] == "CHG-8 set pool_size to 1"
    assert plan["citations"][0]["quote"] == "QueuePool limit"
    assert plan["status"] == "proposed" and plan["proposed_by"] == "mia"
    assert bench.kinds() == ["plan"]


@pytest.mark.parametrize("analysis", [None, {"citations": []}])
def test_a_plan_whose_evidence_is_gone_is_not_approved(bench, analysis):
    plan, (known,) = propose(bench), bench.stores.analyses.all()
    bench.stores.analyses.delete(known["_key"])
    if analysis:
        bench.stores.analyses.insert({**known, **analysis})
    assert refusal(lambda: approval.approve(bench.context, plan, "omar")) == (
        "The cause has no verified citation."
    )


def test_a_plan_for_a_cause_that_is_only_suspected_says_so(bench):
    suspected = "CHG-8 set pool_size to 1 (suspected for its time and place alone)"
    (analysis,) = bench.stores.analyses.all()
    bench.stores.analyses.save([{**analysis, "cause": suspected}])
    assert bench.stores.plans.get(propose(bench))["cause"] == suspected


def test_proposing_twice_is_one_plan(bench):
    assert propose(bench) == propose(bench, actor="omar")
    assert bench.kinds() == ["plan"]


def test_proposing_after_a_rejection_is_a_new_plan(bench):
    first = propose(bench)
    approval.reject(bench.context, first, "omar", "not now")
    second = propose(bench)
    assert second != first
    assert view.describe(bench.context, second)["status"] == "proposed"


def test_an_unknown_action_is_refused_and_the_known_ones_are_named(bench):
    text = refusal(lambda: propose(bench, "reboot_everything"))
    assert text == (
        "There is no action 'reboot_everything' in the catalogue; the actions are: rollback_change."
    )
    assert bench.kinds() == ["refused unknown_action"]


def test_of_several_actions_one_is_to_be_named(bench):
    bench.stanzas["again"] = dict(bench.stanzas["rollback_change"])
    assert refusal(lambda: propose(bench)) == (
        "Choose an action with action=. The available actions are: rollback_change, again."
    )
    bench.stanzas = {}
    assert refusal(lambda: propose(bench)).endswith("has no action that can be proposed.")


def test_an_inverse_can_not_be_proposed_by_itself(bench):
    assert "only rolls back another action" in refusal(lambda: propose(bench, "reapply_change"))


def test_a_fix_without_an_analysis_says_how_to_get_one(bench):
    bench.open("INC-20260101-BBBBBB")
    text = refusal(lambda: propose(bench, incident="INC-20260101-BBBBBB"))
    assert text == (
        "INC-20260101-BBBBBB has no analysis: run | aianalyze incident=INC-20260101-BBBBBB first."
    )


def test_an_analysis_without_a_verified_citation_moves_nothing(bench):
    bench.analyse(key="ANA-2", citations=["C9"])
    assert refusal(lambda: propose(bench)) == (
        f"The likely cause of {INCIDENT} has no verified citation, so no fix can be proposed."
    )


def test_an_analysis_that_names_no_cause_moves_nothing(bench):
    bench.stores.analyses.save([{"_key": "ANA-1", "hypotheses": [], "citations": []}])
    assert "names no cause" in refusal(lambda: propose(bench))


def test_a_candidate_that_nothing_is_blamed_on_moves_nothing(bench):
    bench.analyse(key="ANA-2", blamed=False)
    assert "names no cause" in refusal(lambda: propose(bench))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"service": "../../admin"}, "'service' is '../../admin', which is not of the type name"),
        ({"previous_version": "r7; rm -rf /"}, "'to_version' is 'r7; rm -rf /'"),
        ({"change_id": ["CHG-8"]}, "'change_id' has no value: the analysis has no change_id."),
        ({"change_id": ""}, "'change_id' has no value: the analysis has no change_id."),
        ({"service": "x" * 101}, "which is not of the type name"),
        ({"service": "check\nout"}, "'check?out', which is not of the type name"),
    ],
)
def test_an_argument_of_the_wrong_kind_is_refused(bench, changes, says):
    bench.analyse(key="ANA-2", **changes)
    assert says in refusal(lambda: propose(bench))
    assert bench.api.executed == []


def test_a_resolved_incident_needs_no_fix(bench):
    lifecycle.resolve(Act(bench.stores, bench.clock, "mia"), INCIDENT)
    assert refusal(lambda: propose(bench)) == (
        f"{INCIDENT} is resolved: there is nothing left to fix."
    )


def test_a_version_out_of_a_log_is_not_believed(bench):
    """The deploy API knows which version came before; an event could claim any."""
    bench.analyse(key="ANA-2", previous_version="r1")
    assert refusal(lambda: propose(bench)) == (
        "According to the deploy API, the version before the change was r7, not r1. "
        "Nothing was changed."
    )


def test_a_service_that_has_moved_on_is_left_alone(bench):
    bench.api.deploy("r9")
    assert "no longer the change CHG-8" in refusal(lambda: propose(bench))


def test_a_deploy_api_that_is_down_is_reported(bench):
    bench.api.down = True
    assert refusal(lambda: propose(bench)) == "The deploy API can't be reached: it is down."


def test_an_unknown_incident_is_not_found(bench):
    with pytest.raises(NotFound, match=r"(?i)no incident INC-20260101-ZZZZZZ"):
        propose(bench, incident="INC-20260101-ZZZZZZ")


# --- approving --------------------------------------------------------------------------------


def test_execution_without_approval_is_refused_and_written_down(bench):
    plan = propose(bench)
    assert refusal(lambda: execute(bench, plan)) == (
        f"{plan} is not approved: one person with the capability incident_approve must approve "
        "it first."
    )
    assert bench.kinds() == ["plan", "refused not_approved"]
    assert bench.api.executed == []


@pytest.mark.parametrize("nobody", ["", "  ", "incident_management"])
def test_nobody_can_not_approve(bench, nobody):
    plan = propose(bench)
    with pytest.raises(Invalid, match="Only a person can decide"):
        approval.approve(bench.context, plan, nobody)


def test_only_the_plan_that_was_seen_is_approved(bench):
    plan = propose(bench)
    with pytest.raises(Invalid, match="not the plan that you reviewed"):
        approval.approve(bench.context, plan, "omar", plan_hash="0" * 64)


def test_two_approvals_take_two_people(bench):
    bench.stanzas["rollback_change"]["approvals"] = "2"
    plan = propose(bench)
    approval.approve(bench.context, plan, "omar")
    approval.approve(bench.context, plan, "omar")
    assert "one person" in refusal(lambda: execute(bench, plan))
    approval.approve(bench.context, plan, "mia")
    assert execute(bench, plan).status == "done"


def test_an_approval_that_has_run_out_does_not_count_towards_several(bench):
    bench.stanzas["rollback_change"]["approvals"] = "2"
    plan = propose(bench)
    approval.approve(bench.context, plan, "omar")
    bench.clock.advance(23 * 3600)
    state = approval.approve(bench.context, plan, "zoe")
    assert (state.status, state.approvers) == ("proposed", ["zoe"])
    assert "one person" in refusal(lambda: execute(bench, plan))
    state = approval.approve(bench.context, plan, "omar")
    assert (state.status, state.approvers) == ("approved", ["omar", "zoe"])
    assert execute(bench, plan).status == "done"


def test_several_approvals_hold_until_the_first_of_them_runs_out(bench):
    bench.stanzas["rollback_change"]["approvals"] = "2"
    plan = propose(bench)
    approval.approve(bench.context, plan, "omar")
    bench.clock.advance(20 * 60)
    assert approval.approve(bench.context, plan, "zoe").status == "approved"
    bench.clock.advance(10 * 60 + 1)
    assert "The approval expired" in refusal(lambda: execute(bench, plan))
    assert bench.api.executed == []


def test_where_others_must_approve_whoever_proposed_it_can_not(bench):
    bench.stanzas["rollback_change"]["approve_own"] = "0"
    plan = propose(bench, actor="mia")
    text = refusal(lambda: approval.approve(bench.context, plan, "mia"))
    assert text == f"{plan} was proposed by mia: another person must approve it."
    assert view.describe(bench.context, plan)["next"] == (
        "One person with the capability incident_approve, other than mia, must approve it."
    )
    assert approval.approve(bench.context, plan, "omar").status == "approved"


def test_a_rejected_plan_stays_rejected(bench):
    plan = propose(bench)
    approval.reject(bench.context, plan, "omar", "no")
    text = refusal(lambda: execute(bench, plan))
    assert text == f"{plan} can no longer be used. Rejected by omar."
    assert "can no longer be approved" in refusal(
        lambda: approval.approve(bench.context, plan, "omar")
    )


def test_an_approval_expires(bench):
    plan = approved(bench)
    bench.clock.advance(30 * 60 + 1)
    assert refusal(lambda: execute(bench, plan)) == (
        f"{plan} can no longer be used. The approval expired before the plan was "
        "executed. Propose it again."
    )
    assert bench.kinds()[-1] == "refused approval_expired"
    assert bench.stores.plans.get(plan)["status"] == "expired"


def test_the_worker_writes_down_that_an_approval_expired(bench):
    plan = approved(bench)
    assert approval.expire_plans(bench.context) == 0
    bench.clock.advance(30 * 60 + 1)
    assert approval.expire_plans(bench.context) == 1
    assert approval.expire_plans(bench.context) == 0
    assert bench.kinds()[-1] == "refused expired"
    assert bench.stores.plans.get(plan)["status"] == "expired"


def test_a_proposal_that_nobody_decides_on_expires(bench):
    plan = propose(bench)
    bench.clock.advance(24 * 3600 + 1)
    approval.expire_plans(bench.context)
    assert bench.stores.plans.get(plan)["status"] == "expired"


def test_a_changed_version_voids_the_approval(bench):
    plan = approved(bench)
    bench.api.deploy("r9")
    text = refusal(lambda: execute(bench, plan))
    assert text.startswith(f"The approval of {plan} is void, because the state has changed: ")
    assert "version is r9, no longer r8" in text and text.endswith("Propose it again.")
    assert bench.api.executed == []
    assert "is void." in refusal(lambda: execute(bench, plan)), "it stays void"


def test_a_void_approval_stays_void_when_the_state_comes_back(bench):
    plan = approved(bench)
    before = dict(bench.api.services["checkout"])
    bench.api.deploy("r9")
    refusal(lambda: execute(bench, plan))
    bench.api.services["checkout"] = before
    assert refusal(lambda: execute(bench, plan)).startswith(f"The approval of {plan} is void.")
    assert bench.api.executed == []


def test_another_cause_voids_the_approval(bench):
    plan = approved(bench)
    bench.analyse(key="ANA-2", change_id="CHG-5", cause="CHG-5 did it")
    assert "cause is CHG-5, no longer CHG-8" in refusal(lambda: execute(bench, plan))


def test_a_note_voids_nothing(bench):
    plan = approved(bench)
    bench.write("note", text="looking at it")
    assert execute(bench, plan).status == "done"


def test_the_same_analysis_again_voids_nothing(bench):
    plan = approved(bench)
    bench.analyse(key="ANA-2")
    assert execute(bench, plan).status == "done"


def test_a_changed_contract_voids_the_plan(bench):
    plan = approved(bench)
    bench.stanzas["rollback_change"]["cooldown"] = "1s"
    text = refusal(lambda: execute(bench, plan))
    assert text.startswith(
        "The action 'rollback_change' or its inverse was changed in the catalogue since"
    )


def test_a_changed_inverse_voids_the_plan(bench):
    plan = approved(bench)
    bench.stanzas["reapply_change"]["preconditions"] = ""
    text = refusal(lambda: execute(bench, plan))
    assert text.endswith("was proposed: propose it again.")
    assert bench.api.executed == []


def test_an_action_that_is_gone_is_refused(bench):
    plan = approved(bench)
    del bench.stanzas["rollback_change"]
    assert "There is no action 'rollback_change'" in refusal(lambda: execute(bench, plan))


@pytest.mark.parametrize(
    "changed",
    [
        {"arguments": {"service": "payments", "change_id": "CHG-8", "to_version": "r7"}},
        {"state": {}},
        {"entity": "payments"},
        {"inverse": "rollback_change"},
        {"approvals": 0},
        {"summary": "Nothing much."},
        {"blast_radius": "None."},
    ],
)
def test_a_plan_that_was_tampered_with_is_refused(bench, changed):
    plan = approved(bench)
    document = bench.stores.plans.get(plan)
    bench.stores.plans.save([{**document, **changed}])
    bench.api.services["payments"] = dict(bench.api.services["checkout"])
    assert refusal(lambda: execute(bench, plan)) == (
        f"{plan} was changed after it was proposed: propose it again."
    )
    assert bench.api.executed == []


def test_an_invalid_argument_fails_its_own_check_too(bench):
    """So a rule that became stricter holds for plans that were proposed before."""
    document = bench.stores.plans.get(propose(bench))
    edited = {**document, "arguments": {**document["arguments"], "to_version": "$(reboot)"}}
    bench.stores.plans.save([edited])
    shown = {c["name"]: c for c in view.describe(bench.context, document["_key"])["checks"]}
    assert not shown["arguments"]["ok"] and not shown["plan"]["ok"]


def test_the_rules_are_shown_before_anything_is_done(bench):
    plan = propose(bench)
    shown = {check["name"]: check for check in view.describe(bench.context, plan)["checks"]}
    assert list(shown) == [
        "plan", "action", "incident", "evidence", "arguments", "approval", "state",
        "preconditions", "cooldown", "rate", "alone", "freeze",
    ]  # fmt: skip
    assert [name for name, check in shown.items() if not check["ok"]] == ["approval"]


def test_who_proposes_and_rejects_by_turns_is_stopped_and_keeps_nobody_else_from_it(bench):
    """Each proposal is a message to those who approve; in an outage others need theirs."""
    for _time in range(20):
        approval.reject(bench.context, propose(bench), "omar")
    assert refusal(lambda: propose(bench)) == (
        f"mia has proposed 20 plans for {INCIDENT} within the last hour. Wait, or ask "
        "another person to propose it."
    )
    waiting = propose(bench, actor="nora")
    assert propose(bench) == waiting, "what is proposed already is no new message"
    approval.reject(bench.context, waiting, "omar")
    bench.clock.advance(3601)
    assert propose(bench) != waiting


def test_another_plan_with_the_same_id_is_not_taken_for_this_one(bench):
    """An id is the beginning of a hash, 40 bits of it."""
    plan = propose(bench)
    known = bench.stores.plans.get(plan)
    bench.stores.plans.save([{**known, "plan_hash": "f" * 40, "incident_id": "INC-OTHER"}])
    other = propose(bench)
    assert other != plan and bench.stores.plans.get(other)["incident_id"] == INCIDENT
