"""The executor of Amazon ECS, against botocore's own model of the service (its Stubber)."""

from __future__ import annotations

import json
from contextlib import contextmanager

import pytest

from incident_management.remediation.executors.aws import calls
from incident_management.remediation.executors.aws.ecs import Ecs
from incident_management.remediation.executors.executor import ExecutorError, NotApplicable
from incident_management.remediation.executors.factory import executors
from incident_management.splunk.configuration.settings import Account, Remediation, Settings, parse
from tests.unit.remediation.ecs_stub import (
    ARGUMENTS,
    CLUSTER,
    UPDATED,
    Amazon,
    deployment,
    in_region,
    service,
)
from tests.unit.remediation.http_stub import Handler, served


@contextmanager
def answering(*bodies):
    """A server that answers 200 with these, and to all further requests with the last."""
    left = list(bodies)

    class Answering(Handler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            body = left.pop(0) if len(left) > 1 else left[0]
            self.answer(body)

    with served(Answering) as url:
        yield url


@pytest.fixture
def amazon():
    made = Amazon()
    yield made
    made.stubber.assert_no_pending_responses()


# --- what is so -------------------------------------------------------------------------------


def test_it_tells_what_runs_and_by_which_deployment(amazon):
    amazon.described(service()).defined()
    assert amazon.executor.facts(ARGUMENTS) == {
        "service": "checkout", "cluster": "prod", "version": "web:42", "deployment": "ecs-svc/42",
        "cluster_arn": CLUSTER, "account_id": "123456789012", "region": "eu-west-1",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("found", "why"),
    [
        ([], "has no active service checkout"),
        ([service(status="DRAINING")], "has no active service checkout"),
        ([service(tags=[])], "lacks the tag incident-management = allowed"),
        ([service(deploymentController={"type": "CODE_DEPLOY"})], "but by CODE_DEPLOY"),
        ([service(deployment("web:41"))], "already runs web:41"),
        ([service(deployment("web:43"))], "runs web:43, no longer web:42"),
    ],
)
def test_what_is_not_to_be_put_back_is_not(amazon, found, why):
    amazon.described(*found)
    with pytest.raises(NotApplicable, match=why):
        amazon.executor.facts(ARGUMENTS)


def test_only_a_revision_of_the_same_family_that_is_active_is_put_back(amazon):
    amazon.described(service()).defined("INACTIVE")
    with pytest.raises(NotApplicable, match="web:41 is no longer active"):
        amazon.executor.facts(ARGUMENTS)
    amazon.described(service())
    with pytest.raises(NotApplicable, match="api:7 belongs to another family than web:42"):
        amazon.executor.facts({**ARGUMENTS, "to_task_definition": "api:7"})


def test_what_amazon_refuses_is_one_sentence_without_secrets(amazon):
    amazon.refuses("describe_services", "AccessDeniedException", message="x --token=s3cr3tVa1ue99")
    with pytest.raises(ExecutorError) as caught:
        amazon.executor.facts(ARGUMENTS)
    assert str(caught.value) == (
        "Amazon ECS rejected the request with AccessDeniedException: x --token=<masked:secret>"
    )


# --- doing it ---------------------------------------------------------------------------------


def test_it_is_asked_once_and_awaited(amazon):
    rolling = service(deployment("web:41", "IN_PROGRESS", tasks=0), deployment("web:42"))
    amazon.updated().described(service()).described(rolling)
    amazon.described(service(deployment("web:41")))
    outcome = amazon.executor.execute(ARGUMENTS, "PLAN-1")
    assert (outcome.status, outcome.detail) == ("done", "checkout runs web:41.")


def test_an_earlier_deployment_that_failed_does_not_end_the_one_that_was_just_asked_for(amazon):
    """An answer of a moment ago lacks the new one, and shows an earlier one of the same."""
    failed = {**deployment("web:41", "FAILED", "ACTIVE"), "id": "ecs-svc/earlier"}
    stale = service(deployment("web:42"), failed)
    amazon.updated().described(stale).described(service(deployment("web:41"), failed))
    assert amazon.executor.execute(ARGUMENTS, "PLAN-1").status == "done"


def test_the_deployment_that_was_asked_for_ends_as_failed_when_it_is_stopped(amazon):
    """The circuit breaker has put the service back, so another one is the newest."""
    stopped = deployment("web:41", "FAILED", "ACTIVE")
    amazon.updated().described(service(deployment("web:42"), stopped))
    outcome = amazon.executor.execute(ARGUMENTS, "PLAN-1")
    assert (outcome.status, outcome.certain) == ("failed", False)


@pytest.mark.parametrize(
    ("code", "status", "ends"),
    [
        ("InvalidParameterException", 400, "failed"),
        ("AccessDeniedException", 403, "failed"),
        ("ServerException", 500, "unknown"),
    ],
)
def test_only_a_refusal_has_certainly_done_nothing(amazon, code, status, ends):
    amazon.described(service()).refuses("update_service", code, status)
    outcome = amazon.executor.execute(ARGUMENTS, "PLAN-1")
    assert (outcome.status, outcome.certain) == (ends, True)


@pytest.mark.parametrize("call", ["describe_services", "update_service"])
def test_a_busy_amazon_is_asked_again_after_another_look(amazon, call):
    """A fix that did not help would else stay until somebody undoes it by hand."""
    for _time in range(2):
        if call == "update_service":
            amazon.described(service())
        amazon.refuses(call, "ThrottlingException", message="Rate exceeded")
    amazon.updated().described(service(deployment("web:41")))
    assert amazon.executor.execute(ARGUMENTS, "PLAN-1").status == "done"


def test_an_amazon_that_stays_busy_may_be_asked_later(amazon, monkeypatch):
    monkeypatch.setattr(calls, "BUSY_SECONDS", 0.0)
    amazon.described(service()).refuses("update_service", "ThrottlingException")
    outcome = amazon.executor.execute(ARGUMENTS, "PLAN-1")
    assert (outcome.status, outcome.certain, outcome.transient) == ("failed", True, True)
    amazon.described(service()).refuses("update_service", "AccessDeniedException")
    assert not amazon.executor.execute(ARGUMENTS, "PLAN-1").transient


def test_all_looks_together_end_before_others_may_ask_what_became_of_it(amazon, monkeypatch):
    """Who settles a run that looks dead sends it again; this one would be refused then."""
    clock = iter((0.0, 0.0, 40.0, 45.0, 45.0))
    monkeypatch.setattr(calls.time, "monotonic", lambda: next(clock))
    amazon.refuses("describe_services", "ThrottlingException").described(service())
    outcome = amazon.executor.execute(ARGUMENTS, "PLAN-1")
    assert (outcome.status, outcome.certain) == ("failed", True)
    assert "took too long to report the current state" in outcome.detail


@pytest.mark.parametrize(
    ("kind", "ends"),
    [
        ("EndpointConnectionError", "failed"),
        ("ReadTimeoutError", "unknown"),
        ("SSLError", "unknown"),
    ],
)
def test_a_request_that_was_not_answered_may_have_arrived(kind, ends):
    from botocore import exceptions

    class Client:
        def describe_services(self, **_asked):
            return {"services": [service()]}

        def update_service(self, **_asked):
            raise getattr(exceptions, kind)(endpoint_url="https://u:p@proxy", error="x")

    @contextmanager
    def connect(_arguments):
        yield Client()

    outcome = Ecs(connect, in_region, in_region).execute(ARGUMENTS, "PLAN-1")
    assert outcome.status == ends and "u:p" not in outcome.detail


@pytest.mark.parametrize(
    ("runs", "why"),
    [
        (
            {**deployment("web:42"), "id": "ecs-svc/99"},
            "redeployed in the meantime, by ecs-svc/99",
        ),
        (deployment("web:43"), "runs web:43, no longer web:42"),
    ],
)
def test_what_somebody_deployed_since_the_last_check_is_not_undone(amazon, runs, why):
    """Nothing is asked for: a request would have put back what nobody has approved."""
    amazon.described(service(runs))
    outcome = amazon.executor.execute({**ARGUMENTS, "deployment": "ecs-svc/42"}, "PLAN-1")
    assert (outcome.status, outcome.certain) == ("failed", True) and why in outcome.detail


def test_what_was_deployed_between_the_look_and_the_request_is_reported(amazon):
    """ECS has no compare-and-set, so it was replaced; that is no fix that anybody may rest on."""
    amazon.updated(deployment("web:43", "IN_PROGRESS", "ACTIVE"))
    outcome = amazon.executor.execute({**ARGUMENTS, "deployment": "ecs-svc/42"}, "PLAN-1")
    assert (outcome.status, outcome.certain) == ("failed", False)
    assert (
        "was deployed by someone else at the same moment (web:43 by ecs-svc/43)" in outcome.detail
    )


def test_the_same_task_definition_deployed_anew_is_not_what_ran_before(amazon):
    again = {**deployment("web:42"), "id": "ecs-svc/99"}
    amazon.described(service(again))
    outcome = amazon.executor.settle({**ARGUMENTS, "deployment": "ecs-svc/42"}, "PLAN-1")
    assert (outcome.status, outcome.certain) == ("failed", False)


@pytest.mark.parametrize(
    ("deployments", "status", "certain"),
    [
        ([deployment("web:41")], "done", True),
        ([deployment("web:41", "IN_PROGRESS", tasks=1), deployment("web:42")], "unknown", True),
        ([deployment("web:42")], "unchanged", True),
        ([deployment("web:43")], "failed", False),
        ([deployment("web:41", "FAILED")], "failed", False),
        # an earlier try has failed, this one has not
        ([deployment("web:41"), deployment("web:41", "FAILED", "INACTIVE")], "done", True),
        # the circuit breaker has put the service back to what it ran
        ([deployment("web:42"), deployment("web:41", "FAILED", "ACTIVE")], "failed", False),
    ],
)
def test_what_became_of_it_is_what_the_service_runs(amazon, deployments, status, certain):
    amazon.described(service(*deployments))
    outcome = amazon.executor.settle(ARGUMENTS, "PLAN-1")
    assert (outcome.status, outcome.certain) == (status, certain)


def test_behind_a_classic_load_balancer_the_tasks_are_counted(amazon):
    def silent(tasks):
        return {k: v for k, v in deployment("web:41", tasks=tasks).items() if k != "rolloutState"}

    amazon.described(service(silent(1))).described(service(silent(2)))
    ends = [amazon.executor.settle(ARGUMENTS, "PLAN-1").status for _time in range(2)]
    assert ends == ["unknown", "done"]


def test_who_can_not_be_asked_tells_nothing(amazon):
    amazon.refuses("describe_services", "ServerException", 500)
    assert amazon.executor.settle(ARGUMENTS, "PLAN-1").status == "unknown"


def test_it_shows_the_request_and_has_no_check_mode(amazon):
    shown = amazon.executor.preview(ARGUMENTS, "PLAN-1")
    assert (shown["method"], shown["body"]) == ("UpdateService", UPDATED)
    with pytest.raises(ExecutorError, match="no check mode"):
        amazon.executor.dry_run(ARGUMENTS, "PLAN-1")


# --- settings ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "why"),
    [
        (Settings(), "No AWS account is set for fixes"),
        (
            Settings(
                remediation=Remediation(aws_account="ops", aws_region="eu-west-1"),
                accounts={"ops": Account("ops")},
            ),
            "The account 'ops' has no AWS keys",
        ),
    ],
)
def test_without_its_settings_it_says_where_to_set_them(known, why):
    with pytest.raises(ExecutorError, match=why):
        executors(lambda: known)["ecs"]().facts(ARGUMENTS)


def test_its_client_is_made_of_the_settings():
    stanzas = {"remediation": {"aws_account": "ops", "aws_region": "eu-west-1",
                               "ecs_endpoint_url": "http://127.0.0.1:9"}}  # fmt: skip
    keys = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "s3cr3t"}
    known = parse(stanzas, {"ops": keys})
    executor = executors(lambda: known)["ecs"]()
    with pytest.raises(ExecutorError, match=r"can't be reached \(EndpointConnectionError\)"):
        executor.facts(ARGUMENTS)


def executor_at(url):
    stanzas = {
        "remediation": {
            "aws_account": "ops", "aws_region": "eu-west-1", "ecs_endpoint_url": url
        }
    }  # fmt: skip
    keys = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "s3cr3t"}
    return executors(lambda: parse(stanzas, {"ops": keys}))["ecs"]()


@pytest.mark.parametrize(
    "body", [b"<html>Log in</html>", b"[1, 2]", b'{"services": 7}', b'"x"', b'{"services": [1]}']
)
def test_what_is_not_amazon_proves_nothing(body):
    with answering(body) as url:
        executor = executor_at(url)
        with pytest.raises(ExecutorError, match="does not come from Amazon ECS"):
            executor.facts(ARGUMENTS)
        assert executor.settle(ARGUMENTS, "PLAN-1").status == "unknown"


def test_an_answer_to_the_request_that_is_not_amazons_leaves_it_unknown(monkeypatch):
    for wait in ("ecs.WAIT_SECONDS", "calls.BUSY_SECONDS"):
        monkeypatch.setattr(f"incident_management.remediation.executors.aws.{wait}", 0.0)
    seen = json.dumps({"services": [service()]}).encode()
    with answering(seen, b"[1, 2]") as url:
        assert executor_at(url).execute(ARGUMENTS, "PLAN-1").status == "unknown"
    with answering(b"[1, 2]") as url:
        outcome = executor_at(url).execute(ARGUMENTS, "PLAN-1")
    assert (outcome.status, outcome.certain) == ("failed", True), "nothing was asked for"


def test_a_profile_of_the_machine_that_is_not_there_is_one_sentence(monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "gone")
    executor = executor_at("http://127.0.0.1:9")
    with pytest.raises(ExecutorError, match=r"can't be reached \(ProfileNotFound\)"):
        executor.facts(ARGUMENTS)
    assert executor.execute(ARGUMENTS, "PLAN-1").status == "failed"
