"""Restarting what runs in Kubernetes, and changing the number of its pods."""

from __future__ import annotations

import json

import pytest

from incident_management.outside.transport import NoAnswer
from incident_management.remediation import interrupted_runs
from incident_management.remediation.dry_run import dry_run
from incident_management.remediation.executors.executor import NotApplicable
from incident_management.remediation.executors.kubernetes import Restart, Scale
from incident_management.remediation.preview import preview_plan
from tests.unit.remediation.kubernetes_bench import KINDS, Sailing, kubernetes
from tests.unit.remediation.kubernetes_fake import AUTOSCALERS, Cluster, template
from tests.unit.remediation.plans import approved, execute, propose, refusal

RESTARTED = "incident-management/restarted-by"


@pytest.fixture(params=KINDS)
def any_bench(request):
    return Sailing(Cluster(kind=request.param))


@pytest.fixture(params=["Deployment", "StatefulSet"])
def bench(request):
    return Sailing(Cluster(kind=request.param))


@pytest.fixture
def no_waiting(monkeypatch):
    monkeypatch.setattr(
        "incident_management.remediation.executors.kubernetes.change.WAIT_SECONDS", 0.0
    )


def restarted_by(cluster):
    return cluster.deployment["spec"]["template"]["metadata"].get("annotations", {}).get(RESTARTED)


# --- restart ----------------------------------------------------------------------------------


def test_all_pods_start_anew_with_what_they_ran(any_bench):
    cluster = any_bench.cluster
    plan = approved(any_bench, action="restart")
    state = execute(any_bench, plan)
    assert (state.status, state.detail) == ("done", "All pods of checkout were restarted.")
    assert (restarted_by(cluster), cluster.version, cluster.patched) == (plan, "pool 1", 1)


def test_a_restart_that_did_not_help_is_left_to_people(any_bench):
    plan = approved(any_bench, action="restart")
    execute(any_bench, plan)
    any_bench.does_not_help()
    assert any_bench.context.load(plan)[2].status == "did_not_help"
    assert any_bench.cluster.patched == 1


def test_a_restart_that_helped_resolves_the_incident(any_bench):
    execute(any_bench, approved(any_bench, action="restart"))
    any_bench.raising.fixed_at = any_bench.clock.now()
    any_bench.clock.advance(90)
    any_bench.verifier().run()
    assert any_bench.status() == "resolved"


def test_it_proves_nothing_of_a_restart_that_somebody_else_released_meanwhile(any_bench):
    """Whose template keeps the annotation: an apply leaves alone what is not its own."""
    cluster = any_bench.cluster
    plan = approved(any_bench, action="restart")
    execute(any_bench, plan)
    newer = template("r9")
    newer["metadata"]["annotations"] = {RESTARTED: plan}
    cluster.deploy(newer)
    any_bench.raising.fixed_at = any_bench.clock.now()
    any_bench.clock.advance(90)
    any_bench.verifier().run()
    state = any_bench.context.load(plan)[2]
    assert state.status == "insufficient_data" and "now runs r9" in state.detail


@pytest.mark.parametrize(("after", "patched"), [(False, 1), (True, 1)])
def test_a_restart_whose_request_or_answer_was_lost_is_done_once(any_bench, after, patched):
    cluster = any_bench.cluster
    plan = approved(any_bench, action="restart")
    cluster.fails, cluster.after = NoAnswer("broken"), after
    assert execute(any_bench, plan).status == "running"
    cluster.fails = None
    for _round in range(3):
        any_bench.clock.advance(100)
        interrupted_runs.settle(any_bench.context, plan)
    assert any_bench.context.load(plan)[2].status == "done"
    assert (cluster.patched, restarted_by(cluster)) == (patched, plan)


def test_what_was_released_since_the_approval_is_not_restarted(any_bench):
    cluster = any_bench.cluster
    plan = approved(any_bench, action="restart")
    cluster.deploy(template("r8", pool=2))
    cluster.control()
    assert "the state has changed: revision is 3, no longer 2" in refusal(
        lambda: execute(any_bench, plan)
    )
    assert cluster.patched == 0


def test_what_is_released_in_the_same_moment_is_not_restarted(any_bench):
    cluster = any_bench.cluster
    plan = approved(any_bench, action="restart")
    cluster.before_patch = lambda: cluster.deploy(template("r9"))
    state = execute(any_bench, plan)
    assert (state.status, state.action_in_doubt, cluster.patched) == ("failed", False, 0)


def test_a_release_before_a_request_that_was_lost_ends_it(any_bench):
    cluster = any_bench.cluster
    plan = approved(any_bench, action="restart")
    cluster.fails = NoAnswer("broken")
    execute(any_bench, plan)
    cluster.fails = None
    cluster.deploy(template("r8", pool=2))
    for _round in range(3):
        any_bench.clock.advance(100)
        interrupted_runs.settle(any_bench.context, plan)
    state = any_bench.context.load(plan)[2]
    assert (state.status, cluster.patched) == ("failed", 0)
    assert state.detail == f"checkout has changed since, but not by {plan}."


def test_argo_cd_does_not_keep_a_restart_from_being_done(any_bench):
    """It leaves an annotation alone that is not in its repository; its own restart sets one."""
    about = any_bench.cluster.deployment["metadata"]
    about["annotations"] = {**about.get("annotations", {}), "argocd.argoproj.io/tracking-id": "x"}
    assert execute(any_bench, approved(any_bench, action="restart")).status == "done"


def test_a_restart_is_tried_and_shown_without_what_a_template_may_hide(any_bench):
    plan = propose(any_bench, action="restart")
    shown = json.dumps(preview_plan(any_bench.context, plan)["request"])
    assert f"{RESTARTED}: {plan}" in shown and "POOL_SIZE" not in shown
    assert "Nothing was changed" in dry_run(any_bench.context, plan, "mia")["detail"]
    assert (any_bench.cluster.dry, any_bench.cluster.patched) == (1, 0)


def test_a_restart_of_what_lacks_the_label_is_refused(any_bench):
    any_bench.cluster.deployment["metadata"]["labels"] = {}
    assert "lacks the label incident-management" in refusal(
        lambda: propose(any_bench, action="restart")
    )


# --- scale ------------------------------------------------------------------------------------


def test_pods_are_added_and_taken_away_again_where_that_did_not_help(bench):
    plan = approved(bench, action="more")
    told = bench.stores.plans.get(plan)
    assert told["blast_radius"] == "checkout has 4 pods instead of 2."
    state = execute(bench, plan)
    assert (state.status, state.detail, bench.cluster.pods) == ("done", "checkout has 4 pods.", 4)
    bench.does_not_help()
    assert bench.context.load(plan)[2].status == "rolled_back"
    assert (bench.cluster.pods, bench.cluster.patched) == (2, 2)
    assert bench.cluster.version == "pool 1", "a template is none of its business"


def test_what_somebody_has_scaled_since_is_not_taken_away(bench):
    plan = approved(bench, action="more")
    execute(bench, plan)
    bench.cluster.scale(5)
    bench.does_not_help()
    state = bench.context.load(plan)[2]
    assert (state.status, bench.cluster.pods) == ("rollback_failed", 5)
    assert "is now set to 5 pods, no longer 4" in state.detail


@pytest.mark.parametrize(
    ("now", "add", "wanted"), [(2, "2", 4), (5, "2", 6), (0, "9", 6), (3, "-1", 2), (2, "-5", 1)]
)
def test_no_number_of_pods_is_beyond_the_limits(bench, now, add, wanted):
    bench.cluster.scale(now)
    bench.stanzas["more"]["argument.add"] = add
    execute(bench, approved(bench, action="more"))
    assert bench.cluster.pods == wanted


@pytest.mark.parametrize(
    ("now", "change", "says"),
    [
        (6, {}, "is already set to 6 pods (1 to 6 are allowed)"),
        (9, {}, "is already set to 9 pods (1 to 6 are allowed)"),
        (2, {"argument.add": "0"}, "is already set to 2 pods"),
        (2, {"argument.least": "0"}, "least is 0 and most is 6: set both to at least 1"),
        (2, {"argument.least": "7"}, "least is 7 and most is 6"),
        (2, {"argument.most.type": "name", "argument.most": "many"}, "no number in argument.most"),
        (2, {"argument.to_replicas": "3", "argument.to_replicas.type": "integer"}, "argument.repl"),
    ],
)
def test_what_can_not_be_scaled_is_one_sentence(bench, now, change, says):
    bench.cluster.scale(now)
    bench.stanzas["more"].update(change)
    sentence = refusal(lambda: propose(bench, action="more"))
    assert says in sentence and bench.cluster.patched == 0


def test_a_daemon_set_is_not_scaled():
    bench = Sailing(Cluster(kind="DaemonSet"))
    assert "one pod on each node" in refusal(lambda: propose(bench, action="more"))


def test_what_an_autoscaler_keeps_is_not_scaled(bench):
    bench.cluster.autoscaled = [("Deployment", "cart"), (bench.cluster.kind, "checkout")]
    assert "The autoscaler checkout-hpa sets the number" in refusal(
        lambda: propose(bench, action="more")
    )


def test_without_the_right_to_see_autoscalers_nothing_is_scaled(bench):
    bench.cluster.answers[("GET", AUTOSCALERS)] = (403, {"message": "is forbidden"})
    assert "did not return the autoscalers of checkout (403)" in refusal(
        lambda: propose(bench, action="more")
    )


def test_an_approval_is_void_once_somebody_has_scaled(bench):
    plan = approved(bench, action="more")
    bench.cluster.scale(3)
    assert "replicas is 3, no longer 2" in refusal(lambda: execute(bench, plan))
    assert bench.cluster.patched == 0


def test_whoever_scales_in_the_same_moment_is_not_undone(bench):
    plan = approved(bench, action="more")
    bench.cluster.before_patch = lambda: bench.cluster.scale(3)
    state = execute(bench, plan)
    assert (state.status, state.action_in_doubt, bench.cluster.pods) == ("failed", False, 3)


@pytest.mark.parametrize("after", [False, True])
def test_scaling_whose_request_or_answer_was_lost_is_done_once(bench, after):
    plan = approved(bench, action="more")
    bench.cluster.fails, bench.cluster.after = NoAnswer("broken"), after
    assert execute(bench, plan).status == "running"
    bench.cluster.fails = None
    for _round in range(3):
        bench.clock.advance(100)
        interrupted_runs.settle(bench.context, plan)
    assert bench.context.load(plan)[2].status == "done"
    assert (bench.cluster.patched, bench.cluster.pods) == (1, 4)


def test_pods_that_do_not_come_up_are_reported(bench, no_waiting):
    plan = approved(bench, action="more")
    bench.cluster.stuck = True
    assert execute(bench, plan).status == "running"
    for _round in range(10):
        bench.clock.advance(100)
        interrupted_runs.settle(bench.context, plan)
    state = bench.context.load(plan)[2]
    assert (state.status, state.action_in_doubt) == ("failed", True)
    assert (
        "checkout is scaling to 4 pods: its controller has not seen the change yet." in state.detail
    )


def test_scaling_is_shown_with_its_numbers(bench):
    shown = preview_plan(bench.context, propose(bench, action="more"))
    test, replace = shown["request"]["body"][-2:]
    assert (test["value"], replace["value"]) == ("2", "4")
    test, replace = shown["inverse_request"]["body"][-2:]
    assert (test["value"], replace["value"]) == ("4", "2")


@pytest.mark.parametrize("change", [Restart, Scale])
def test_another_object_of_its_name_is_not_touched(change):
    cluster = Cluster()
    cluster.before_patch = lambda: cluster.deployment["metadata"].update(uid="uid-2")
    arguments = {"namespace": "shop", "service": "checkout", "least": "1", "most": "6", "add": "1"}
    assert kubernetes(cluster, change).execute(arguments, "PLAN-1").status == "failed"
    assert cluster.patched == 0


def test_what_was_restarted_by_a_plan_is_not_by_it_once_more():
    cluster = Cluster()
    service = kubernetes(cluster, Restart)
    arguments = {"namespace": "shop", "service": "checkout"}
    assert service.execute(arguments, "PLAN-1").status == "done"
    assert service.execute(arguments, "PLAN-1").status == "failed"
    assert cluster.patched == 1
    with pytest.raises(NotApplicable, match="paused"):
        cluster.deployment["spec"]["paused"] = True
        service.facts(arguments)
