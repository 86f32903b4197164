"""Before anything is done people read how it will be proved, and after each step what is next."""

from __future__ import annotations

import dataclasses

import pytest

from incident_management.notify.message import build
from incident_management.ports import SearchFailed
from incident_management.remediation import approval, rollback, view
from incident_management.remediation.command import rows
from incident_management.remediation.executors.executor import Outcome
from incident_management.remediation.next_step import what_next
from incident_management.remediation.plan import FINISHED, PlanState
from incident_management.remediation.raising_search import Grid
from tests.unit.remediation.bench import INCIDENT, Bench
from tests.unit.remediation.plans import approved, execute, propose

PRIVATE = "'High Error Rate' would run with the app's rights, as it is private: share it."


class Seeing(Bench):
    """Its context can ask beforehand what raised the incident."""

    @property
    def context(self):
        return dataclasses.replace(super().context, raising=lambda: self.raising)


@pytest.fixture
def bench() -> Seeing:
    return Seeing()


def seen(bench, plan):
    return view.describe(bench.context, plan)


def test_a_proposal_says_how_and_when_its_help_will_be_proved(bench):
    bench.raising.asked_in = Grid(length=300.0, lag=60.0)
    shown = seen(bench, propose(bench))
    assert shown["provable"] is True
    assert shown["proof"] == (
        "'High Error Rate' is run again; the verdict comes about 6 min 15 s after the "
        "fix. If 'High Error Rate', which opened the incident, still finds the problem, "
        "the fix is rolled back automatically."
    )


def test_of_several_searches_a_proposal_says_that_all_must_agree_on_its_undoing(bench):
    for key, name in (("a", "High Error Rate"), ("b", "Slow Orders")):
        search = {"name": name, "app": "incident_management", "owner": "nobody"}
        signal = {"_key": key, "rule": name, "entity": "checkout", "search": search}
        bench.stores.signals.save([{**signal, "incident_id": INCIDENT, "received_at": 1.0}])
        bench.write("signal", rule=name, entities=["checkout"], signals={key: 1})
    assert seen(bench, propose(bench))["proof"].endswith(
        "If 'High Error Rate', which opened the incident, and every other search still find the "
        "problem, the fix is rolled back automatically."
    )


def test_that_it_can_not_be_proved_is_said_before_and_not_after(bench):
    bench.raising.unable = PRIVATE
    plan = propose(bench)
    shown = seen(bench, plan)
    assert shown["provable"] is False
    assert shown["proof"] == (
        "Recovery can't be verified automatically, so a person decides and the fix is "
        "not rolled back automatically: " + PRIVATE
    )
    assert all(check["ok"] for check in shown["checks"] if check["name"] != "approval")
    approval.approve(bench.context, plan, "omar")
    assert execute(bench, plan).status == "done", "people may want it all the same"


def test_whoever_is_informed_of_the_proposal_reads_it(bench):
    bench.raising.unable = PRIVATE
    plan = propose(bench)
    (entry,) = [d for d in bench.stores.timeline.all() if d["kind"] == "plan"]
    message = build(bench.stores.incidents.get(INCIDENT), entry)
    assert message.text.splitlines() == [
        "Roll back the change: checkout (change id CHG-8, to version r7).",
        "checkout restarts with r7.",
        seen(bench, plan)["proof"],
        f"Approval required: | remediate incident={INCIDENT} plan={plan} do=approve",
    ]


def test_what_can_not_be_reported_just_now_is_said_to_be_so(bench):
    plan = propose(bench)

    def unable(search, at):
        raise SearchFailed("inputs.conf can't be read: 503.")

    bench.raising.grid = unable
    shown = seen(bench, plan)
    assert shown["provable"] is None and shown["proof"].endswith("inputs.conf can't be read: 503.")


def test_each_state_says_what_is_to_be_done(bench):
    plan = propose(bench)
    one = f"| remediate incident={INCIDENT} plan={plan} do="

    def says():
        (row,) = rows([seen(bench, plan)])
        return row["next"]

    assert says() == (
        f"One person with the capability incident_approve must approve it. {one}approve"
    )
    approval.approve(bench.context, plan, "omar")
    assert says() == f"Execute the plan. It does not start automatically. {one}execute"
    execute(bench, plan)
    assert says() == f"Wait for the verdict, or roll the fix back. {one}rollback"
    rollback.roll_back(bench.context, plan, "zoe", "")
    assert says().startswith("checkout is as it was before the fix. Look for another cause. | aian")


def test_a_fix_in_doubt_is_not_proposed_again_unseen(bench):
    plan = approved(bench)
    bench.api.script = [Outcome("failed", "Nobody can tell.", certain=False)]
    execute(bench, plan)
    assert seen(bench, plan)["next"] == (
        "Check what checkout runs before you change anything else on it."
    )
    assert seen(bench, plan)["next_search"] == ""


def test_who_can_approve_is_named(bench):
    bench.stanzas["rollback_change"].update(approvals="2", approve_own="0")
    plan = propose(bench, actor="mia")

    def says():
        return seen(bench, plan)["next"]

    without = "2 people with the capability incident_approve, other than mia, must approve it"
    assert says() == f"{without}."
    bench.approvers = ["mia", "omar", "zoe", "admin", "ben", "cid", "dan", "eve"]
    right = "must approve it (capability incident_approve)."
    assert says() == f"2 of omar, zoe, admin, ben, cid and 2 others {right}"
    approval.approve(bench.context, plan, "omar")
    assert says() == f"One more of zoe, admin, ben, cid, dan, eve {right}"


@pytest.mark.parametrize(
    ("approvers", "told"), [(["mia", "omar"], "only omar can"), (["mia"], "nobody can")]
)
def test_too_few_who_can_approve_are_reported(bench, approvers, told):
    bench.stanzas["rollback_change"].update(approvals="2", approve_own="0")
    plan = propose(bench, actor="mia")
    bench.approvers = approvers
    assert seen(bench, plan)["next"].endswith(
        f"must approve it; {told}: an administrator can grant the role incident_approver."
    )


@pytest.mark.parametrize("status", ["done", "insufficient_data"])
def test_where_there_is_no_way_back_nobody_is_informed_to_undo(bench, status):
    bench.stanzas["rollback_change"]["inverse"] = ""
    plan = bench.stores.plans.get(propose(bench))
    sentence, search = what_next(plan, PlanState(status=status))
    assert "undo" not in sentence and search == ""


@pytest.mark.parametrize("status", [*FINISHED, "running", "not_recovered", "rolling_back"])
def test_no_state_is_without_a_next_step(bench, status):
    plan = bench.stores.plans.get(propose(bench))
    assert what_next(plan, PlanState(status=status))[0].endswith(".")


def test_the_first_of_two_approvals_says_that_one_is_lacking(bench):
    bench.stanzas["rollback_change"]["approvals"] = "2"
    plan = propose(bench)
    for who in ("omar", "zoe"):
        approval.approve(bench.context, plan, who)
    approvals = [d for d in bench.stores.timeline.all() if d["kind"] == "approval"]
    told = [d["data"]["detail"] for d in approvals]
    assert sorted(told) == [
        "Approved by omar; one more person must approve it.",
        "The plan is ready to execute; it does not start automatically.",
    ]
