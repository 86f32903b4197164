"""What is done to StatefulSets and DaemonSets, and to which cluster."""

from __future__ import annotations

import pytest

from incident_management.outside.transport import Reply
from incident_management.remediation import approval, execution, rollback
from incident_management.remediation.executors import factory
from incident_management.remediation.executors.executor import ExecutorError, NotApplicable
from incident_management.splunk.configuration.settings import Cluster as Known
from incident_management.splunk.configuration.settings import Remediation, Settings, parse
from tests.unit.remediation.bench import INCIDENT
from tests.unit.remediation.kubernetes_bench import ARGUMENTS, KINDS, Sailing, kubernetes
from tests.unit.remediation.kubernetes_fake import REVISIONS, Cluster, template
from tests.unit.remediation.plans import approved, execute, refusal

SETS = ("StatefulSet", "DaemonSet")


@pytest.fixture(params=SETS)
def cluster(request):
    return Cluster(kind=request.param)


def about(cluster):
    return {**ARGUMENTS, "kind": cluster.kind}


# --- kinds ------------------------------------------------------------------------------------


def test_a_set_is_put_back_by_its_controller_revisions_and_forth_again(cluster):
    bench, former = Sailing(cluster), template("r7")
    plan = approved(bench, action="back")
    state = execute(bench, plan)
    assert (state.status, state.result) == ("done", {"revision": "3"})
    assert cluster.deployment["spec"]["template"] == former, "without $patch, which is a command"
    bench.does_not_help()
    assert bench.context.load(plan)[2].status == "rolled_back"
    assert (cluster.version, cluster.patched) == ("pool 1", 2)


def test_what_it_says_of_a_set(cluster):
    facts = kubernetes(cluster).facts(about(cluster))
    assert facts.pop("to_controller_revision") == cluster.replica_sets[0]["metadata"]["name"]
    assert facts == {
        "service": "checkout", "namespace": "shop", "version": "r8", "revision": "2",
        cluster.kind.lower(): "uid-1", "cluster": "",
    }  # fmt: skip


def test_a_set_that_was_changed_since_its_approval_is_not_put_back(cluster):
    bench = Sailing(cluster)
    plan = approved(bench, action="back")
    cluster.deploy(template("r8", pool=2))
    cluster.control()
    assert "revision is 3, no longer 2" in refusal(lambda: execute(bench, plan))
    assert cluster.patched == 0


def test_a_fix_of_a_set_that_somebody_has_worked_on_since_is_not_undone(cluster):
    bench = Sailing(cluster)
    plan = approved(bench, action="back")
    assert execute(bench, plan).status == "done"
    cluster.deploy(template("r7", pool=50))
    bench.does_not_help()
    state = bench.context.load(plan)[2]
    assert (state.status, cluster.version) == ("rollback_failed", "pool 50")


def test_pods_that_only_change_when_somebody_deletes_them_are_left_alone(cluster):
    cluster.deployment["spec"]["updateStrategy"] = {"type": "OnDelete"}
    with pytest.raises(NotApplicable, match="change only when someone deletes them"):
        kubernetes(cluster).facts(about(cluster))


def test_a_stateful_set_that_is_rolled_out_in_steps_is_left_alone():
    cluster = Cluster(kind="StatefulSet")
    cluster.deployment["spec"]["updateStrategy"]["rollingUpdate"] = {"partition": 1}
    with pytest.raises(NotApplicable, match="rolled out in steps"):
        kubernetes(cluster).facts(about(cluster))


def test_a_revision_that_is_no_whole_template_is_nothing_to_put_in(cluster):
    del cluster.replica_sets[0]["data"]["spec"]["template"]["$patch"]
    outcome = kubernetes(cluster).execute(about(cluster), "PLAN-1")
    assert (outcome.status, cluster.patched) == ("failed", 0)


def test_a_set_without_annotations_gets_none(cluster):
    kubernetes(cluster).execute(about(cluster), "PLAN-1")
    assert cluster.patched == 1 and "annotations" not in cluster.deployment["metadata"]


def test_a_set_is_done_when_kubectl_says_so(cluster, monkeypatch):
    monkeypatch.setattr(
        "incident_management.remediation.executors.kubernetes.change.WAIT_SECONDS", 0.0
    )
    service = kubernetes(cluster)
    cluster.stuck = True
    assert service.execute(about(cluster), "PLAN-1").detail.endswith(
        "its controller has not seen the change yet."
    )
    cluster.stuck = False
    said = [service.settle(about(cluster), "PLAN-1").detail for _look in range(3)]
    assert said == [
        "checkout is rolling back to r7: 0 of 2 pods are updated.",
        "checkout is rolling back to r7: 1 of 2 pods are available.",
        "checkout runs r7.",
    ]


def test_a_right_that_lacks_is_one_sentence(cluster):
    cluster.answers[("GET", REVISIONS)] = (403, {"message": "controllerrevisions is forbidden"})
    with pytest.raises(ExecutorError, match=r"\(403\): controllerrevisions is forbidden"):
        kubernetes(cluster).facts(about(cluster))


def test_a_kind_that_is_none_is_one_sentence():
    with pytest.raises(
        NotApplicable,
        match="'Pod' is not supported; the kinds are: Deployment, StatefulSet, DaemonSet",
    ):
        kubernetes(Cluster()).facts({**ARGUMENTS, "kind": "Pod"})


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_about_another_kind_is_nothing(kind):
    cluster = Cluster(kind=kind)
    cluster.answers[("GET", cluster.path)] = (200, {**cluster.deployment, "kind": "Pod"})
    with pytest.raises(ExecutorError, match="does not come from a Kubernetes API"):
        kubernetes(cluster).facts(about(cluster))


# --- clusters ---------------------------------------------------------------------------------


class Two:
    """Two clusters behind one network, each with its token."""

    def __init__(self):
        self.clusters = {"east": Cluster(), "west": Cluster()}
        for name, cluster in self.clusters.items():
            cluster.token = f"token-{name}"
        self.settings = Settings(
            remediation=Remediation(),
            clusters={
                name: Known(name, f"https://{name}.example:6443", f"token-{name}")
                for name in self.clusters
            },
        )

    def send(self, _network, url, body, headers, method) -> Reply:
        name = url.partition("https://")[2].partition(".example")[0]
        return self.clusters[name](url.replace(name, "k8s", 1), body, headers, method)


@pytest.fixture
def two(monkeypatch):
    two = Two()
    monkeypatch.setattr(factory, "send_json", two.send)
    monkeypatch.setattr(
        "incident_management.remediation.executors.kubernetes.change.PAUSE_SECONDS", 0.0
    )
    return two


def test_each_cluster_is_asked_with_its_own_token(two):
    bench = Sailing(two.clusters["west"])
    for name in ("back", "forth"):
        bench.stanzas[name]["argument.cluster"] = "west"
    context = bench.context
    context.executors = factory.executors(lambda: two.settings)
    plan = approval.propose(context, INCIDENT, "back", "mia")["_key"]
    approval.approve(context, plan, "omar")
    assert execution.execute(context, plan, "mia").status == "done"
    assert [one.patched for one in two.clusters.values()] == [0, 1]
    assert rollback.roll_back(context, plan, "mia", "wrong").status == "rolled_back"
    assert [one.patched for one in two.clusters.values()] == [0, 2]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"clusters": {}}, "There is no cluster 'west': add it under Configuration > Kubernetes "),
        ({"problems": {"cluster west": "Its token is gone."}}, "Its token is gone."),
        ({"clusters": {"west": Known("west", "https://w.example")}}, "No Kubernetes cluster west "),
        ({"clusters": {"west": Known("west", "http://w.example", "t")}}, "https"),
    ],
)
def test_a_cluster_that_can_not_be_used_is_one_sentence(change, says):
    made = factory.executors(lambda: Settings(**change))["kubernetes"]()
    with pytest.raises(ExecutorError, match=says):
        made.facts({**ARGUMENTS, "cluster": "west"})
    assert made.execute({**ARGUMENTS, "cluster": "west"}, "PLAN-1").status == "failed"


def test_what_is_wrong_under_remediation_costs_no_cluster_of_its_own(two):
    clusters = {"west": {"url": "https://west.example:6443", "token": "token-west"}}
    known = parse({"remediation": {"awx_url": "ftp://x"}}, {}, clusters)
    made = factory.executors(lambda: known)["kubernetes"]()
    assert made.facts({**ARGUMENTS, "cluster": "west"})["version"] == "r8"
    with pytest.raises(ExecutorError, match="awx_url"):
        made.facts(ARGUMENTS)


def test_a_malformed_cluster_costs_no_other():
    known = parse(
        {}, {}, {"east": {"url": "ftp://x", "token": "t"}, "west": {"url": "https://w.example"}}
    )
    assert list(known.clusters) == ["west"] and list(known.problems) == ["cluster east"]
