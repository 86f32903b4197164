"""What is changed between a look at an object of Kubernetes and the request is looked at anew."""

from __future__ import annotations

import pytest

from incident_management.remediation import approval, interrupted_runs
from tests.unit.remediation.kubernetes_bench import ARGUMENTS, Sailing, kubernetes
from tests.unit.remediation.kubernetes_fake import Cluster, template
from tests.unit.remediation.plans import execute, propose


@pytest.fixture
def cluster():
    return Cluster()


@pytest.mark.parametrize(("version", "pool"), [("r9", 20), ("r8", 5)])
def test_what_is_found_changed_on_another_look_is_not_undone(cluster, version, pool):
    """Also not another template of the same version."""
    left = iter([lambda: cluster.deploy(template(version, pool=pool))])
    cluster.before_patch = lambda: next(left, lambda: None)()
    outcome = kubernetes(cluster).execute(approved_as(cluster), "PLAN-1")
    assert (outcome.status, outcome.certain, cluster.patched) == ("failed", True, 0)
    assert "no longer" in outcome.detail


def approved_as(cluster):
    """The arguments with what a plan's approval was given for."""
    facts = kubernetes(cluster).facts(ARGUMENTS)
    return {**ARGUMENTS, "revision": facts["revision"], "deployment": facts["deployment"]}


def scaled(cluster, times):
    """An autoscaler changes the number of pods right before a request, so many times."""
    left = iter(range(times))

    def scale():
        if next(left, None) is not None:
            cluster.deployment["spec"]["replicas"] += 1
            cluster.deployment["metadata"]["generation"] += 1
            cluster.control()

    return scale


def test_an_autoscaler_that_acts_in_that_very_moment_does_not_end_it(cluster):
    """What it changed is looked at, and the former template is asked for again."""
    arguments = approved_as(cluster)
    cluster.before_patch = scaled(cluster, 3)
    assert kubernetes(cluster).execute(arguments, "PLAN-1").status == "done"
    assert (cluster.patched, cluster.deployment["spec"]["replicas"]) == (1, 5)


def test_one_that_never_rests_ends_it_within_the_bound(cluster):
    arguments = approved_as(cluster)
    cluster.before_patch = scaled(cluster, 1000)
    outcome = kubernetes(cluster).execute(arguments, "PLAN-1")
    assert (outcome.status, outcome.certain, outcome.transient) == ("failed", True, False)
    assert "Kubernetes rejected the request with 422: error in test for path" in outcome.detail
    assert cluster.patched == 0 and cluster.deployment["spec"]["replicas"] < 100


def test_a_conflict_of_the_api_server_is_asked_again_and_may_be_later(cluster, monkeypatch):
    monkeypatch.setattr(
        "incident_management.remediation.executors.kubernetes.change.AGAIN_SECONDS", 0.0
    )
    cluster.answers["PATCH", cluster.path] = (409, {"message": "the object has been modified"})
    outcome = kubernetes(cluster).execute(ARGUMENTS, "PLAN-1")
    assert (outcome.status, outcome.certain, outcome.transient) == ("failed", True, True)
    assert cluster.patched == 0


def test_a_fix_is_undone_although_an_autoscaler_acts_in_that_very_moment(cluster):
    bench = Sailing(cluster)
    plan = propose(bench, action="back")
    approval.approve(bench.context, plan, "omar")
    assert execute(bench, plan).status == "done"
    cluster.before_patch = scaled(cluster, 1)
    bench.does_not_help()
    assert bench.context.load(plan)[2].status == "rolled_back"
    assert (cluster.patched, cluster.version) == (2, "pool 1")


def test_a_slow_request_that_is_refused_says_nothing_of_the_other_one(cluster, monkeypatch):
    """It ended as one that did nothing while the pods were replaced, so nobody judged that."""
    monkeypatch.setattr(
        "incident_management.remediation.executors.kubernetes.change.WAIT_SECONDS", 0.0
    )
    bench = Sailing(cluster)
    plan = propose(bench, action="back")
    approval.approve(bench.context, plan, "omar")
    cluster.stuck = True

    def meanwhile():
        cluster.before_patch = lambda: None
        bench.clock.advance(100)
        interrupted_runs.settle_all(bench.context)

    cluster.before_patch = meanwhile
    assert (execute(bench, plan).status, cluster.patched) == ("running", 1)
    cluster.stuck = False
    for _look in range(3):
        bench.clock.advance(100)
        interrupted_runs.settle_all(bench.context)
    assert bench.context.load(plan)[2].status == "done"
