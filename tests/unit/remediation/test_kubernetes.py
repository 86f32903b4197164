"""The executor of Kubernetes: what it asks, and what becomes of a Deployment."""

from __future__ import annotations

import json

import pytest

from incident_management.outside.transport import NoAnswer, NotSent
from incident_management.remediation import approval, execution, interrupted_runs, rollback
from incident_management.remediation.dry_run import dry_run
from incident_management.remediation.executors.executor import ExecutorError, NotApplicable, Outcome
from incident_management.remediation.executors.factory import executors
from incident_management.remediation.executors.kubernetes import Rollback
from incident_management.remediation.preview import preview_plan
from incident_management.splunk.configuration.settings import Remediation, Settings
from tests.unit.remediation.kubernetes_bench import ARGUMENTS, Sailing, kubernetes
from tests.unit.remediation.kubernetes_fake import DEPLOYMENT, REPLICA_SETS, URL, Cluster, template
from tests.unit.remediation.plans import approved, execute, occupied, propose, refusal


@pytest.fixture
def cluster():
    return Cluster()


# --- what is so -------------------------------------------------------------------------------


def test_it_tells_what_runs_and_what_it_would_be_put_back_to(cluster):
    facts = kubernetes(cluster).facts(ARGUMENTS)
    assert facts.pop("to_replica_set") == cluster.replica_sets[0]["metadata"]["name"]
    assert facts == {
        "service": "checkout", "namespace": "shop", "version": "r8", "deployment": "uid-1",
        "revision": "2", "cluster": "",
    }  # fmt: skip


def test_without_a_label_the_tag_of_its_own_image_is_the_version():
    cluster = Cluster(template("1.4", label=False), template("1.5", label=False))
    arguments = {**ARGUMENTS, "running": "1.5", "to_version": "1.4"}
    assert kubernetes(cluster).facts(arguments)["version"] == "1.5"


def test_of_two_revisions_of_a_version_it_is_the_newer_one():
    """What ran right before the change."""
    cluster = Cluster(template("r7", pool=5), template("r7", pool=20), template("r8", pool=1))
    kubernetes(cluster).execute(ARGUMENTS, "PLAN-1")
    assert cluster.version == "pool 20"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda c: c.deployment["metadata"].update(labels={}), "lacks the label incident-manag"),
        (lambda c: c.deployment["spec"].update(paused=True), "rollout of checkout is paused"),
        (lambda c: c.deployment["metadata"].update(deletionTimestamp="now"), "is being deleted"),
        (
            lambda c: c.deployment["metadata"]["annotations"].update(
                {"argocd.argoproj.io/tracking-id": "shop"}
            ),
            "is managed by Argo CD, which would revert the change: make the change there.",
        ),
        (
            lambda c: c.deployment["metadata"]["labels"].update(
                {"kustomize.toolkit.fluxcd.io/name": "shop"}
            ),
            "is managed by Flux",
        ),
        (lambda c: c.deploy(template("r9")), "checkout runs r9, no longer r8."),
        (lambda c: c.deploy(template("r7")), "checkout runs r7, no longer r8."),
        (lambda c: c.replica_sets.pop(0), "no longer keeps version r7 of checkout"),
        (
            lambda c: c.replica_sets[0]["metadata"]["ownerReferences"][0].update(uid="uid-0"),
            "no longer keeps version r7 of checkout",
        ),
        (
            lambda c: c.answers.update({("GET", DEPLOYMENT): (404, {"message": "not found"})}),
            r"did not return the Deployment checkout \(404\): not found",
        ),
        (
            lambda c: c.answers.update(
                {("GET", REPLICA_SETS): (200, {"kind": "ReplicaSetList", "items": [],
                                               "metadata": {"continue": "x"}})}
            ),
            "There are more than 200 of the replicasets of checkout",
        ),
    ],
)  # fmt: skip
def test_what_is_not_to_be_put_back_is_refused_and_stays(cluster, change, says):
    change(cluster)
    with pytest.raises(NotApplicable, match=says):
        kubernetes(cluster).facts(ARGUMENTS)
    outcome = kubernetes(cluster).execute(ARGUMENTS, "PLAN-1")
    assert (outcome.status, outcome.certain, cluster.patched) == ("failed", True, 0)


def test_a_token_that_may_not_is_one_sentence(cluster):
    cluster.answers[("GET", DEPLOYMENT)] = (403, {"message": "deployments.apps is forbidden"})
    with pytest.raises(ExecutorError, match=r"\(403\): deployments.apps is forbidden") as caught:
        kubernetes(cluster).facts(ARGUMENTS)
    assert not isinstance(caught.value, NotApplicable), "a right that is given makes it work"


# --- doing it ---------------------------------------------------------------------------------


def test_the_former_template_takes_the_place_and_is_awaited(cluster):
    former = template("r7")
    outcome = kubernetes(cluster).execute(ARGUMENTS, "PLAN-1")
    assert (outcome.status, outcome.detail) == ("done", "checkout runs r7.")
    assert cluster.deployment["spec"]["template"] == former, "without the ReplicaSet's own label"
    cause = cluster.deployment["metadata"]["annotations"]["kubernetes.io/change-cause"]
    assert cause == "PLAN-1 of Incident Management for Splunk"
    assert cluster.deployment["spec"]["replicas"] == 2


def test_whoever_changes_it_in_the_same_moment_is_not_undone(cluster):
    cluster.before_patch = lambda: cluster.deploy(template("r9"))
    outcome = kubernetes(cluster).execute(ARGUMENTS, "PLAN-1")
    assert (outcome.status, outcome.certain) == ("failed", True)
    assert (
        "Kubernetes rejected the request with 422: error in test for path: '/metadata/generation'"
        in outcome.detail
    )
    assert cluster.patched == 0


def test_another_deployment_of_the_same_name_is_not_touched(cluster):
    cluster.before_patch = lambda: cluster.deployment["metadata"].update(uid="uid-2")
    assert kubernetes(cluster).execute(ARGUMENTS, "PLAN-1").status == "failed"
    assert cluster.patched == 0


def test_pods_of_an_autoscaler_do_not_stand_in_the_way(cluster):
    cluster.before_patch = lambda: cluster.deployment["spec"].update(replicas=2, extra=1)
    assert kubernetes(cluster).execute(ARGUMENTS, "PLAN-1").status == "done"


def test_a_rollout_that_takes_long_is_found_out_later(cluster, monkeypatch):
    monkeypatch.setattr(
        "incident_management.remediation.executors.kubernetes.change.WAIT_SECONDS", 0.0
    )
    service = kubernetes(cluster)
    cluster.stuck = True
    outcome = service.execute(ARGUMENTS, "PLAN-1")
    assert (outcome.status, outcome.detail) == (
        "unknown",
        "checkout is rolling back to r7: its controller has not seen the change yet.",
    )
    cluster.stuck = False
    said = [service.settle(ARGUMENTS, "PLAN-1") for _look in range(3)]
    assert said[-1].result == {"revision": "3"}
    assert [one.detail for one in said] == [
        "checkout is rolling back to r7: 0 of 2 pods are updated.",
        "checkout is rolling back to r7: 1 old pods remain.",
        "checkout runs r7.",
    ]


@pytest.mark.parametrize(
    ("fails", "after", "ends"),
    [
        (NotSent("refused"), False, "failed"),
        (NoAnswer("broken"), False, "unknown"),
        (NoAnswer("broken"), True, "unknown"),
    ],
)
def test_only_what_was_not_sent_has_certainly_done_nothing(cluster, fails, after, ends):
    cluster.fails, cluster.after = fails, after
    assert kubernetes(cluster).execute(ARGUMENTS, "PLAN-1").status == ends
    cluster.fails = None
    found = [kubernetes(cluster).settle(ARGUMENTS, "PLAN-1") for _look in range(3)][-1]
    assert found.status == ("done" if after else "unchanged")


def test_a_request_that_is_sent_again_does_nothing(cluster):
    service = kubernetes(cluster)
    service.execute(ARGUMENTS, "PLAN-1")
    assert service.execute(ARGUMENTS, "PLAN-1").status == "failed"
    assert (cluster.patched, cluster.version) == (1, "pool 20")


def test_a_server_that_falls_over_leaves_it_unknown(cluster):
    cluster.answers[("PATCH", DEPLOYMENT)] = (504, {"message": "Timeout"})
    outcome = kubernetes(cluster).execute(ARGUMENTS, "PLAN-1")
    assert (outcome.status, outcome.detail) == ("unknown", "Kubernetes answered 504: Timeout")


def test_what_somebody_deployed_since_is_no_success(cluster):
    cluster.deploy(template("r9"))
    outcome = kubernetes(cluster).settle(ARGUMENTS, "PLAN-1")
    assert (outcome.status, outcome.detail) == ("failed", "checkout now runs r9.")


def test_without_its_settings_it_says_where_to_set_them():
    known = Settings(remediation=Remediation(kubernetes_url=URL))
    with pytest.raises(
        ExecutorError, match="No Kubernetes is configured: set its URL and token under"
    ):
        executors(lambda: known)["kubernetes"]().facts(ARGUMENTS)


# --- a whole fix ------------------------------------------------------------------------------


@pytest.fixture
def bench(cluster):
    return Sailing(cluster)


def test_a_deployment_is_put_back_and_forth_again(bench, cluster):
    plan = approved(bench, action="back")
    assert execute(bench, plan).status == "done" and cluster.version == "pool 20"
    bench.raising.fixed_at, bench.raising.after = bench.clock.now(), ["checkout"]
    bench.clock.advance(90)
    bench.verifier().run()
    assert bench.context.load(plan)[2].status == "rolled_back"
    assert (cluster.version, cluster.patched) == ("pool 1", 2)


def test_a_fix_whose_answer_was_lost_is_done_once(bench, cluster):
    plan = approved(bench, action="back")
    cluster.fails, cluster.after = NoAnswer("broken"), True
    assert execute(bench, plan).status == "running"
    cluster.fails = None
    for _round in range(3):
        bench.clock.advance(100)
        interrupted_runs.settle(bench.context, plan)
    assert bench.context.load(plan)[2].status == "done" and cluster.patched == 1


def test_a_fix_whose_request_was_lost_is_sent_again(bench, cluster):
    plan = approved(bench, action="back")
    cluster.fails = NoAnswer("broken")
    assert execute(bench, plan).status == "running"
    cluster.fails = None
    bench.clock.advance(100)
    interrupted_runs.settle(bench.context, plan)
    assert bench.context.load(plan)[2].status == "done" and cluster.patched == 1


def test_an_approval_is_void_once_something_else_was_deployed(bench, cluster):
    plan = approved(bench, action="back")
    cluster.deploy(template("r8", pool=2))
    assert "the state has changed: revision is 3, no longer 2" in refusal(
        lambda: execute(bench, plan)
    )
    assert cluster.patched == 0


def test_it_is_tried_without_being_stored(bench, cluster):
    plan = propose(bench, action="back")
    told = dry_run(bench.context, plan, "mia")
    assert told["detail"] == "Kubernetes accepts the request. Nothing was changed."
    assert (cluster.dry, cluster.patched, cluster.version) == (1, 0, "pool 1")
    approval.approve(bench.context, plan, "omar")
    assert execute(bench, plan).status == "done"


def test_what_would_be_sent_is_shown_without_what_a_template_may_hide(bench):
    shown = preview_plan(bench.context, propose(bench, action="back"))["request"]
    assert (shown["method"], shown["url"]) == ("PATCH", f"{URL}{DEPLOYMENT}")
    assert "POOL_SIZE" not in json.dumps(shown)
    assert [one["op"] for one in shown["body"]] == ["test", "test", "replace", "add"]


# --- who else works on it ---------------------------------------------------------------------


def test_what_something_puts_back_at_once_has_failed_and_frees_the_service(bench, cluster):
    """As an operator does that owns the Deployment."""
    plan = approved(bench, action="back")
    cluster.after_patch = lambda: cluster.deploy(template("r8", pool=1))
    execute(bench, plan)
    state = bench.context.load(plan)[2]
    assert (state.status, state.action_in_doubt) == ("failed", True)
    assert "checkout runs r8. Someone or something has reverted the change." in state.detail
    assert not occupied(bench)


def test_a_label_that_is_taken_off_in_the_same_moment_counts(cluster):
    cluster.before_patch = lambda: cluster.deployment["metadata"]["labels"].clear()
    outcome = kubernetes(cluster).execute(ARGUMENTS, "PLAN-1")
    assert (outcome.status, outcome.certain, cluster.patched) == ("failed", True, 0)


def test_a_fix_that_somebody_has_worked_on_since_is_not_undone(bench, cluster):
    """The version is the same; what was changed by hand would be lost."""
    plan = approved(bench, action="back")
    assert execute(bench, plan).status == "done"
    cluster.deploy(template("r7", pool=50))
    bench.raising.fixed_at, bench.raising.after = bench.clock.now(), ["checkout"]
    bench.clock.advance(90)
    bench.verifier().run()
    state = bench.context.load(plan)[2]
    assert (state.status, cluster.version) == ("rollback_failed", "pool 50")
    assert "checkout has changed since (revision 4, no longer 3)" in state.detail


@pytest.mark.parametrize("busy", [True, False])
def test_a_moments_trouble_only_delays_the_undoing(bench, cluster, busy):
    plan = approved(bench, action="back")
    execute(bench, plan)
    bench.raising.fixed_at, bench.raising.after = bench.clock.now(), ["checkout"]
    bench.clock.advance(90)
    if busy:
        cluster.answers[("PATCH", DEPLOYMENT)] = (429, {"message": "Too many requests"})
    else:
        cluster.fails = NotSent("refused")
    bench.verifier().run()
    assert cluster.patched == 1 and bench.kinds()[-1] == "note"
    cluster.answers.clear()
    cluster.fails = None
    for _turn in range(3):
        bench.clock.advance(100)
        interrupted_runs.settle_all(bench.context)
        bench.verifier().run()
    state = bench.context.load(plan)[2]
    assert (state.status, cluster.patched, cluster.version) == ("rolled_back", 2, "pool 1")


def test_scaling_a_fix_does_not_keep_it_from_being_undone(bench, cluster):
    plan = approved(bench, action="back")
    execute(bench, plan)
    cluster.deployment["spec"]["replicas"] = 2
    cluster.deployment["metadata"]["generation"] += 1
    bench.clock.advance(5)
    state = rollback.roll_back(bench.context, plan, "omar", "It is not needed.")
    assert (state.status, cluster.version) == ("rolled_back", "pool 1")


def test_a_change_that_kubernetes_has_not_seen_yet_is_waited_for(bench, cluster):
    """Until then the Deployment shows the revision of before, which was approved."""
    plan = approved(bench, action="back")
    cluster.deploy(template("r8", pool=2))
    cluster.stuck = True
    assert "checkout was changed just now: try again in a moment." in refusal(
        lambda: execute(bench, plan)
    )
    assert cluster.patched == 0 and bench.context.load(plan)[2].status == "approved"


def test_what_is_changed_between_the_last_check_and_the_request_is_not_undone(
    bench, cluster, monkeypatch
):
    """Within the version that was approved: its pool was changed by hand."""
    plan = approved(bench, action="back")
    begin = execution.record_start

    def changed(*args):
        cluster.deploy(template("r8", pool=2))
        begin(*args)

    monkeypatch.setattr(execution, "record_start", changed)
    state = execute(bench, plan)
    assert (state.status, state.action_in_doubt, cluster.version) == ("failed", False, "pool 2")
    assert "checkout has changed since (revision 3, no longer 2)." in state.detail


def test_an_answer_that_is_no_end_leaves_a_run_to_the_worker(bench, cluster, monkeypatch):
    """Written as an end, it would leave the plan running for ever, and its service taken."""
    plan = approved(bench, action="back")
    with monkeypatch.context() as patch:
        patch.setattr(Rollback, "execute", lambda *_asked: Outcome("unchanged"))
        assert execute(bench, plan).status == "running"
    bench.clock.advance(100)
    interrupted_runs.settle(bench.context, plan)
    assert bench.context.load(plan)[2].status == "done" and cluster.patched == 1
