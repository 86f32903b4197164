"""What other people, or another object of the same name, did meanwhile is never undone."""

from __future__ import annotations

import pytest

from incident_management.remediation import interrupted_runs
from incident_management.remediation.executors.kubernetes import change
from tests.unit.remediation.kubernetes_bench import ARGUMENTS, KINDS, Sailing, kubernetes
from tests.unit.remediation.kubernetes_fake import Cluster, template
from tests.unit.remediation.plans import approved, execute, propose, refusal


@pytest.fixture(params=KINDS)
def any_bench(request):
    return Sailing(Cluster(kind=request.param))


def released(cluster, one):
    """Somebody releases the same version with other settings, and that is rolled out."""
    cluster.deploy(one)
    for _step in range(3):
        cluster.control()


def test_what_is_released_while_a_fix_is_rolled_out_is_not_taken_for_the_fix(any_bench):
    cluster = any_bench.cluster
    cluster.after_patch = lambda: (cluster.control(), released(cluster, template("r7", pool=50)))
    state = execute(any_bench, approved(any_bench, action="back"))
    assert (state.status, state.action_in_doubt, cluster.version) == ("failed", True, "pool 50")
    assert state.detail == (
        "checkout runs r7, but was changed again since: its revision is 4, and the fix created 3."
    )


def test_a_cure_by_what_somebody_released_after_the_fix_proves_nothing_of_it(any_bench):
    plan = approved(any_bench, action="back")
    execute(any_bench, plan)
    released(any_bench.cluster, template("r7", pool=50))
    any_bench.raising.fixed_at = any_bench.clock.now()
    any_bench.clock.advance(90)
    any_bench.verifier().run()
    state = any_bench.context.load(plan)[2]
    assert state.status == "insufficient_data" and "was changed again since" in state.detail


def test_a_cure_by_a_change_after_a_restart_proves_nothing_of_that(any_bench):
    """An apply leaves alone the annotation, which is not its own, and the version is the same."""
    plan = approved(any_bench, action="restart")
    execute(any_bench, plan)
    newer = template("r8", pool=50)
    newer["metadata"]["annotations"] = {"incident-management/restarted-by": plan}
    released(any_bench.cluster, newer)
    any_bench.raising.fixed_at = any_bench.clock.now()
    any_bench.clock.advance(90)
    any_bench.verifier().run()
    state = any_bench.context.load(plan)[2]
    assert state.status == "insufficient_data" and "was changed again since" in state.detail


@pytest.mark.parametrize("action", ["back", "more"])
def test_a_fix_is_not_undone_on_another_object_of_its_name(action):
    """Made anew since, or of another cluster: an inverse that lacks argument.cluster, say."""
    bench = Sailing(Cluster())
    plan = approved(bench, action=action)
    execute(bench, plan)
    bench.cluster.deployment["metadata"]["uid"] = "uid-2"
    for kept in bench.cluster.replica_sets:
        kept["metadata"]["ownerReferences"][0]["uid"] = "uid-2"
    bench.does_not_help()
    state = bench.context.load(plan)[2]
    assert (state.status, bench.cluster.patched) == ("rollback_failed", 1)
    assert "checkout is not the Deployment that was approved" in state.detail


def test_what_became_of_a_run_another_object_does_not_tell():
    bench = Sailing(Cluster())
    plan = approved(bench, action="more")
    bench.cluster.after_patch = lambda: bench.cluster.deployment["metadata"].update(uid="uid-2")
    assert execute(bench, plan).status == "running"
    for _round in range(10):
        bench.clock.advance(100)
        interrupted_runs.settle(bench.context, plan)
    state = bench.context.load(plan)[2]
    assert (state.status, state.action_in_doubt) == ("failed", True)


def test_no_pods_are_taken_from_a_set_whose_volumes_go_with_them():
    bench = Sailing(Cluster(kind="StatefulSet"))
    retention = {"whenDeleted": "Retain", "whenScaled": "Delete"}
    bench.cluster.deployment["spec"]["persistentVolumeClaimRetentionPolicy"] = retention
    plan = approved(bench, action="more")
    assert execute(bench, plan).status == "done", "that takes none"
    bench.does_not_help()
    state = bench.context.load(plan)[2]
    assert (state.status, bench.cluster.pods) == ("rollback_failed", 4)
    assert "delete the volumes of the pods" in state.detail
    bench.stanzas["more"]["argument.add"] = "-1"
    bench.cluster.scale(2)
    bench.clock.advance(3600)
    assert "delete the volumes" in refusal(lambda: propose(bench, action="more"))


def test_nothing_is_sent_so_late_that_others_may_ask_what_became_of_it(monkeypatch):
    """Who settles a run that looks dead sends it again; this one would be refused then."""
    cluster, clock = Cluster(), iter(range(0, 1000, 45))
    monkeypatch.setattr(change.time, "monotonic", lambda: next(clock))
    outcome = kubernetes(cluster).execute(ARGUMENTS, "PLAN-1")
    assert (outcome.status, outcome.certain, cluster.patched) == ("failed", True, 0)
    assert (
        outcome.detail
        == "Kubernetes took too long to report the current state. Nothing was changed."
    )


def test_an_inverse_that_names_no_revision_is_held_to_that_of_the_fix_all_the_same(any_bench):
    for part in ("argument.revision", "argument.revision.type"):
        del any_bench.stanzas["forth"][part]
    plan = approved(any_bench, action="back")
    execute(any_bench, plan)
    released(any_bench.cluster, template("r7", pool=50))
    any_bench.does_not_help()
    state = any_bench.context.load(plan)[2]
    assert (state.status, any_bench.cluster.version) == ("rollback_failed", "pool 50")
    assert "checkout has changed since (revision 4, no longer 3)" in state.detail


@pytest.mark.parametrize("action", ["back", "restart"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_template_may_hold_any_text(kind, action):
    """The API server compares a text in a test as Go writes it: "&&" as "\\u0026\\u0026"."""
    templates = [template("r7"), template("r8", pool=1)]
    for one in templates:
        one["spec"]["containers"][0]["args"] = ["sh", "-c", "date > /tmp/a && echo 'für alle'"]
    bench = Sailing(Cluster(*templates, kind=kind))
    assert execute(bench, approved(bench, action=action)).status == "done"
    assert bench.cluster.patched == 1
