"""Whatever a service answers, a fix ends in one sentence, and nothing is taken for done."""

from __future__ import annotations

import json
from contextlib import contextmanager
from functools import partial

import pytest

from incident_management.outside.transport import Reply
from incident_management.remediation.executors.aws.ecs import Ecs
from incident_management.remediation.executors.awx import Awx
from incident_management.remediation.executors.deploy_api import DeployApi
from incident_management.remediation.executors.kubernetes import Restart, Rollback, Scale
from tests.unit.remediation import test_awx as awx_tests
from tests.unit.remediation import test_ecs as ecs_tests
from tests.unit.remediation import test_lambda as lambda_tests
from tests.unit.remediation.hostile_answers import is_withstood, spoiled
from tests.unit.remediation.kubernetes_bench import KINDS, kubernetes
from tests.unit.remediation.kubernetes_fake import AUTOSCALERS, REPLICA_SETS, REVISIONS, Cluster
from tests.unit.remediation.lambda_fake import ALIAS, CONFIGURATION, TAGS, FakeLambda, in_region

boto3 = pytest.importorskip("boto3")
awsrequest = pytest.importorskip("botocore.awsrequest")
Config = pytest.importorskip("botocore.config").Config
UNSIGNED = pytest.importorskip("botocore").UNSIGNED

LAUNCH = "job_templates/42/launch/"
JOBS = "job_templates/42/jobs/?order_by=-id&page_size=25"
DEPLOYED = {
    "service": "checkout", "version": "r8", "previous_version": "r7", "change_id": "CHG-8"
}  # fmt: skip
DEPLOY = {"service": "checkout", "change_id": "CHG-8", "to_version": "r7"}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    for module in ("awx", "aws.aws_lambda", "aws.ecs", "kubernetes.change"):
        monkeypatch.setattr(f"incident_management.remediation.executors.{module}.WAIT_SECONDS", 0.0)
    monkeypatch.setattr("incident_management.remediation.executors.aws.calls.BUSY_SECONDS", 0.0)


def texts(true):
    whole = json.dumps(true)
    nested = '{"a":' * 100_000
    return [*map(json.dumps, spoiled(true)), whole[:-3], "", "[", nested, "[" * 100_000]


class SpoiledAwx(awx_tests.FakeAwx):
    """Gives one answer as it is told, the others as an AWX would."""

    def __init__(self, path):
        super().__init__("running")
        self.path = path
        self.launch({"extra_vars": {"incident_request_id": "PLAN-1"}})
        self.text = ""

    def __call__(self, url, body, headers, method):
        path = url.partition("https://awx.example/api/v2/")[2]
        assert ".." not in path and "users" not in path, "no answer leads the token elsewhere"
        if path == self.path:
            return Reply(201 if path == LAUNCH else 200, {}, self.text)
        return super().__call__(url, body, headers, method)


@pytest.mark.parametrize("path", ["job_templates/42/", LAUNCH, JOBS, "jobs/101/"])
def test_what_awx_answers(path):
    fake = SpoiledAwx(path)
    lean = path == "jobs/101/"
    _status, true = awx_tests.FakeAwx.answer(
        fake, "POST" if path == LAUNCH else "GET", path,
        {"extra_vars": {"incident_request_id": "PLAN-1"}},
    )  # fmt: skip
    fake.lean = lean
    executor = awx_tests.awx(fake)
    for fake.text in texts(true):
        assert is_withstood(partial(executor.facts, awx_tests.ARGUMENTS))
        for act in (executor.execute, executor.settle, executor.dry_run):
            assert is_withstood(partial(act, awx_tests.ARGUMENTS, "PLAN-1"))


@pytest.mark.parametrize("status", [200, 201, 302, 404, 500])
def test_what_the_deploy_api_answers(status):
    for text in texts(DEPLOYED):
        executor = DeployApi("https://d.example", "t", lambda *_asked, t=text: Reply(status, {}, t))
        assert is_withstood(partial(executor.facts, DEPLOY))
        for act in (executor.execute, executor.settle):
            assert is_withstood(partial(act, DEPLOY, "PLAN-1"))


@pytest.mark.parametrize("ignored", [7, True, ["extra_vars"], "x", {"extra_vars": {}}])
def test_a_job_without_its_variables_has_failed_however_that_is_reported(ignored):
    job = json.dumps({"id": 101, "status": "pending", "ignored_fields": ignored})
    executor = Awx("https://awx.example", "t", lambda *_asked: Reply(201, {}, job))
    outcome = executor.execute(awx_tests.ARGUMENTS, "PLAN-1")
    assert (outcome.status, outcome.certain) == ("failed", False)


def test_a_status_that_awx_does_not_give_is_no_end():
    """Else the service would be free for another fix while the job goes on."""
    outcome = awx_tests.awx(awx_tests.FakeAwx("paused")).execute(awx_tests.ARGUMENTS, "PLAN-1")
    assert (outcome.status, outcome.detail) == ("unknown", "Job 101 is paused.")


# What each kind of change is told beside what all are: as of a plan that was approved.
CHANGES = [
    (Rollback, {"running": "r8", "to_version": "r7"}),
    (Restart, {"version": "r8"}),
    (Scale, {"least": "1", "most": "6", "add": "2", "replicas": "2", "to_replicas": "4"}),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("change", "more"), CHANGES)
@pytest.mark.parametrize("what", ["object", "history", "autoscalers"])
def test_what_kubernetes_answers(kind, change, more, what):
    """Of each list one thing, as all are alike; and nothing strange is ever put in."""
    cluster = Cluster(kind=kind)
    cluster.autoscaled = [("Deployment", "payments")]
    history = REPLICA_SETS if kind == "Deployment" else REVISIONS
    paths = {"object": cluster.path, "history": history, "autoscalers": AUTOSCALERS}
    limit = {"limit": ["200"]}
    queries = {"history": {**limit, "labelSelector": ["app=checkout"]}, "autoscalers": limit}
    told = {
        name: cluster.answer("GET", path, queries.get(name, {}), None, {})[1]
        for name, path in paths.items()
    }
    for name in queries:
        told[name]["items"] = told[name]["items"][:1]
        cluster.answers["GET", paths[name]] = (200, told[name])
    arguments = {"namespace": "shop", "service": "checkout", "kind": kind, **more}
    executor = kubernetes(cluster, change)
    for answer in spoiled(told[what]):
        cluster.answers["GET", paths[what]] = (200, answer)
        assert is_withstood(partial(executor.facts, arguments))
        for act in (executor.execute, executor.settle, executor.dry_run):
            assert is_withstood(partial(act, arguments, "PLAN-1"))
    assert cluster.version in ("pool 1", "pool 20") and cluster.pods in (2, 4)


class Spoiled(FakeLambda):
    """Gives one answer as it is told, the others as Lambda would."""

    path, text = ("", ""), ""

    def replied(self, method, target, body):
        known = super().replied(method, target, body)
        return (200, {}, self.text.encode()) if self.asked[-1][:2] == self.path else known


@pytest.mark.parametrize(
    "path", [("GET", ALIAS), ("PUT", ALIAS), ("GET", TAGS), ("GET", CONFIGURATION)]
)
def test_what_aws_lambda_answers(path):
    fake, there = Spoiled(), Spoiled()
    there.point("42", v41=0.5)
    body = {"FunctionVersion": "41", "RoutingConfig": {"AdditionalVersionWeights": {}}}
    body["RevisionId"] = there.revision
    query = "?Qualifier=41" if path[1] == CONFIGURATION else ""
    true = there.answer(path[0], f"{path[1]}{query}", body)
    fake.path = path
    # Who asks for it: the others never see what it answers.
    asks = [partial(fake.executor.execute, lambda_tests.ARGUMENTS, "PLAN-1")]
    if path[0] == "GET":
        asks.append(partial(fake.executor.facts, lambda_tests.ARGUMENTS))
    if path[1] in (ALIAS, TAGS):
        asks.append(partial(fake.executor.settle, lambda_tests.ARGUMENTS, "PLAN-1"))
    for fake.text in texts(true):
        fake.point("42")
        assert all(is_withstood(ask) for ask in asks)
        assert fake.version in ("41", "42")


class Raw:
    def __init__(self, body):
        self.body = body

    def stream(self, **_how):
        yield self.body


def test_what_amazon_ecs_answers():
    rolling = ecs_tests.service(
        ecs_tests.deployment("web:41", "IN_PROGRESS"), ecs_tests.deployment("web:42")
    )
    true = {
        "DescribeServices": {"services": [ecs_tests.service()]},
        "DescribeTaskDefinition": {"taskDefinition": {"status": "ACTIVE"}},
        "UpdateService": {"service": rolling},
    }
    answers: dict[str, bytes] = {}
    unsigned = Config(signature_version=UNSIGNED)
    client = boto3.client("ecs", region_name="eu-west-1", config=unsigned)

    def answered(request, **_event):
        call = request.headers["X-Amz-Target"].decode().rpartition(".")[2]
        return awsrequest.AWSResponse(request.url, 200, {}, Raw(answers[call]))

    client.meta.events.register("before-send.ecs", answered)

    @contextmanager
    def connect(_arguments):
        yield client

    executor = Ecs(connect, in_region, in_region, sleep=lambda seconds: None)
    # Who asks for it: the others never see what it answers.
    asking = {
        "DescribeServices": (executor.facts, executor.execute, executor.settle),
        "DescribeTaskDefinition": (executor.facts,),
        "UpdateService": (executor.execute,),
    }
    for call, told in true.items():
        answers.update({name: json.dumps(one).encode() for name, one in true.items()})
        for text in texts(told):
            answers[call] = text.encode()
            for ask in asking[call]:
                more = () if ask == executor.facts else ("PLAN-1",)
                assert is_withstood(partial(ask, ecs_tests.ARGUMENTS, *more))
