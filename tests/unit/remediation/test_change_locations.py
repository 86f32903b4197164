"""A version to go back to is of one place: a change of staging is not undone in production."""

from __future__ import annotations

import json

import pytest

from incident_management.outside.transport import Reply
from incident_management.remediation import rollback, steps
from incident_management.remediation.context import Context
from incident_management.remediation.executors import deploy_api
from incident_management.remediation.executors.awx import Awx
from incident_management.remediation.executors.deploy_api import DeployApi
from incident_management.remediation.executors.executor import base_address
from incident_management.remediation.executors.launchdarkly import LaunchDarkly
from tests.unit.remediation.bench import Bench
from tests.unit.remediation.ecs_stub import BACK, CLUSTER, FORTH, Amazon, service
from tests.unit.remediation.kubernetes_bench import Sailing
from tests.unit.remediation.kubernetes_fake import URL, Cluster
from tests.unit.remediation.launchdarkly_fake import TOKEN, Flags
from tests.unit.remediation.plans import approved, execute, propose, refusal
from tests.unit.remediation.test_awx import ARGUMENTS as AWX_JOB
from tests.unit.remediation.test_awx import FakeAwx
from tests.unit.remediation.test_launchdarkly import OFF

STAGING = CLUSTER.replace("/prod", "/staging")
COMPARE = "The change event does not tell the {}: compare before you approve."


class Amazing(Bench):
    def __init__(self):
        super().__init__()
        self.amazon = Amazon()
        self.stanzas = {"back": BACK, "forth": FORTH}

    def executors(self):
        return {"ecs": lambda: self.amazon.executor}


@pytest.fixture
def ecs():
    return Amazing()


@pytest.fixture
def sailing():
    return Sailing(Cluster())


def changed(bench, **place):
    """A new analysis blames a change that says where it was made."""
    of_ecs = {"version": "web:42", "previous_version": "web:41"}
    bench.analyse(key="ANA-2", **(of_ecs if isinstance(bench, Amazing) else {}), **place)


ELSEWHERE_IN_AWS = [
    {"cluster": "staging"},
    {"cluster": STAGING},
    {"cluster": CLUSTER.replace("123456789012", "999999999999")},
    {"cluster": CLUSTER.replace("eu-west-1", "us-east-1")},
    {"cluster": "prod", "account": "999999999999"},
    {"cluster": "prod", "region": "us-east-1"},
]


@pytest.mark.parametrize("place", ELSEWHERE_IN_AWS)
def test_a_change_of_another_cluster_of_ecs_is_not_undone_in_this_one(ecs, place):
    changed(ecs, **place)
    ecs.amazon.described(service()).defined()
    (name, said) = list(place.items())[-1]
    assert f"The change was made to the {name} {said}, not to" in refusal(lambda: propose(ecs))


@pytest.mark.parametrize(
    ("place", "unsaid"),
    [
        ({"cluster": "prod"}, ""),
        ({"cluster": CLUSTER}, ""),
        ({"cluster": "prod", "account": "123456789012", "region": "eu-west-1"}, ""),
        ({}, "cluster"),
        ({"account": "123456789012"}, "cluster"),
    ],
)
def test_who_approves_is_informed_what_the_event_of_ecs_does_not_tell(ecs, place, unsaid):
    changed(ecs, **place)
    ecs.amazon.described(service()).defined()
    plan = ecs.stores.plans.get(propose(ecs))
    said = f" {COMPARE.format(unsaid)}" if unsaid else ""
    assert plan["blast_radius"] == f"checkout runs web:41.{said}"
    assert "account id 123456789012, region eu-west-1)" in plan["summary"]


@pytest.mark.parametrize(
    "place",
    [
        {"namespace": "shop-test"},
        {"cluster": "https://other.example:6443"},
        {"cluster": "https://[other"},
    ],
)
def test_a_change_of_another_cluster_or_namespace_of_kubernetes_is_not_undone(sailing, place):
    changed(sailing, **place)
    (name, said) = list(place.items())[-1]
    told = refusal(lambda: propose(sailing, action="back"))
    assert f"The change was made to the {name} {said}, not to" in told


@pytest.mark.parametrize(
    ("place", "unsaid"),
    [
        ({"namespace": "shop", "cluster": URL}, ""),
        ({"namespace": "shop", "cluster": f"{URL.upper().replace('HTTPS', 'https')}/"}, ""),
        ({"namespace": "shop"}, ""),  # There is one cluster, which no action needs to name.
        # The cluster under Remediation has no name, so the event's is shown.
        ({"namespace": "shop", "cluster": "sta\ning"}, "cluster's address (it says 'sta ing')"),
        ({"namespace": "shop", "cluster": "/"}, "cluster's address (it says '/')"),
        ({}, "namespace"),
        ({"environment": "staging"}, "namespace, but the environment staging"),
        ({"namespace": "shop", "environment": "staging"}, ""),
    ],
)
def test_who_approves_is_informed_what_the_event_of_kubernetes_does_not_tell(
    sailing, place, unsaid
):
    changed(sailing, **place)
    plan = sailing.stores.plans.get(approved(sailing, action="back"))
    said = f" {COMPARE.format(unsaid)}" if unsaid else ""
    assert plan["blast_radius"] == f"checkout runs r7.{said}"
    assert execute(sailing, plan["_key"]).status == "done"


def test_a_cluster_that_has_a_name_is_known_by_that_and_its_address(sailing):
    for name in ("back", "forth"):
        sailing.stanzas[name]["argument.cluster"] = "east"
    for cluster in ("east", f"{URL}/"):
        changed(sailing, namespace="shop", cluster=cluster)
        plan = sailing.stores.plans.get(propose(sailing, action="back"))
        assert plan["blast_radius"] == "checkout runs r7."
    changed(sailing, namespace="shop", cluster="west")
    assert "the cluster west, not to" in refusal(lambda: propose(sailing, action="back"))


def test_an_action_may_take_the_place_from_the_event_alone(sailing):
    """So that one action is for all namespaces, and what names none is not undone anywhere."""
    for name, source in (("back", "$analysis.namespace$"), ("forth", "$plan.namespace$")):
        sailing.stanzas[name]["argument.namespace"] = source
    changed(sailing)
    assert "'namespace' has no value" in refusal(lambda: propose(sailing, action="back"))
    changed(sailing, namespace="shop")
    assert execute(sailing, approved(sailing, action="back")).status == "done"


def test_an_approval_is_void_once_the_change_turns_out_to_be_one_of_elsewhere(sailing):
    changed(sailing, namespace="shop")
    plan = approved(sailing, action="back")
    sailing.analyse(key="ANA-3", version="r8", previous_version="r7", namespace="shop-test")
    assert "the namespace shop-test, not to shop" in refusal(lambda: execute(sailing, plan))
    assert sailing.context.load(plan)[2].status == "void" and sailing.cluster.patched == 0


def test_a_restart_is_not_about_the_version_before(sailing):
    """What is wrong in another cluster may well be mended by a restart in this one."""
    changed(sailing, namespace="database")
    assert execute(sailing, approved(sailing, action="restart")).status in ("done", "running")


# --- another service under the same setting ---------------------------------------------------


class DeployApis(Bench):
    """Two of them, where the same runs; ``address`` is the one that is set."""

    def __init__(self):
        super().__init__()
        self.address = "https://deploys.example"
        self.acted = []

    def executors(self):
        return {"deploy_api": lambda: DeployApi(self.address, "t", self.send)}

    def send(self, url, body, _headers, method):
        if method == "POST":
            self.acted.append(url)
            self.api.deploy(body["to_version"])
        return Reply(200, {}, json.dumps(self.api.services["checkout"]))


@pytest.fixture
def moved():
    return DeployApis()


def test_an_approval_is_void_once_another_service_is_set(moved):
    plan = approved(moved)
    moved.address = "https://staging.example"
    told = refusal(lambda: execute(moved, plan))
    assert "address is https://staging.example, no longer https://deploys.example" in told
    assert moved.context.load(plan)[2].status == "void" and moved.acted == []


def test_a_plan_from_before_an_upgrade_says_so_and_what_to_do(moved, monkeypatch):
    """It was void because "address is https://deploys.example, no longer nothing"."""
    with monkeypatch.context() as older:
        older.setattr(Context, "facts", lambda self, name, asked: self.executor(name).facts(asked))
        plan = approved(moved)
    assert refusal(lambda: execute(moved, plan)) == (
        f"{plan} was proposed before the app was upgraded, and other facts are compared "
        "before a fix now (address): propose it again."
    )
    assert moved.context.load(plan)[2].status == "void"
    assert execute(moved, approved(moved)).status == "done"


def test_what_a_change_event_tells_no_more_is_reported_in_words(sailing):
    changed(sailing, namespace="shop")
    plan = approved(sailing, action="back")
    sailing.analyse(key="ANA-3", version="r8", previous_version="r7")
    told = refusal(lambda: execute(sailing, plan))
    assert "changed: the change event does not tell the namespace. Propose it again." in told


def test_a_fix_is_not_undone_at_another_service_than_it_was_made_at(moved):
    plan = approved(moved)
    assert execute(moved, plan).status == "done"
    moved.address = "https://staging.example"
    told = refusal(lambda: rollback.roll_back(moved.context, plan, "zoe", "Wrong guess."))
    assert told == (
        f"{plan} was executed at https://deploys.example, but https://staging.example is "
        "configured now: roll it back by hand."
    )
    assert len(moved.acted) == 1
    moved.address = "https://deploys.example/"
    state = rollback.roll_back(moved.context, plan, "zoe", "Wrong guess.")
    assert state.status == "rolled_back" and len(moved.acted) == 2


def test_an_address_that_is_spelled_otherwise_is_the_same(moved):
    plan = approved(moved)
    moved.address = "https://DEPLOYS.example:443/"
    assert execute(moved, plan).status == "done"


def test_what_an_older_version_executed_is_undone_there_however_it_was_spelled(moved, monkeypatch):
    for module in (deploy_api, steps):
        monkeypatch.setattr(module, "base_address", str)
    moved.address = "https://Deploys.example:443"
    plan = approved(moved)
    assert execute(moved, plan).status == "done"
    monkeypatch.undo()
    state = rollback.roll_back(moved.context, plan, "zoe", "Wrong guess.")
    assert state.status == "rolled_back"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://DEPLOYS.example:443/V1/", "https://deploys.example/V1"),
        ("http://[::1]:80", "http://[::1]"),
        ("https://[::443]", "https://[::443]"),
        ("https://deploys.example:80", "https://deploys.example:80"),
        ("https://Me:pa55word@Deploys.example", "https://Me:<masked:password>@deploys.example"),
    ],
)
def test_a_base_address(url, address):
    assert base_address(url) == address


@pytest.mark.parametrize(
    ("made", "arguments", "address"),
    [
        (lambda url: Awx(url, "t", FakeAwx()), AWX_JOB, "https://awx.example/api/v2"),
        (lambda url: LaunchDarkly(url, TOKEN, Flags()), OFF, "https://flags.example"),
    ],
)
def test_what_is_set_is_part_of_what_is_approved(made, arguments, address):
    url = address.partition("/api")[0]
    assert made(url).address(arguments) == address
