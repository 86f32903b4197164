"""The executor of AWS Lambda: what is looked at, asked for, and made of the answers."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any

import pytest

from incident_management.remediation.executors.aws.aws_lambda import Lambda
from incident_management.remediation.executors.executor import ExecutorError, NotApplicable
from tests.unit.remediation.lambda_fake import (
    ARGUMENTS,
    FUNCTION,
    GONE,
    REGION,
    FakeLambda,
    Refusal,
    in_region,
)

boto3 = pytest.importorskip("boto3")
stub = pytest.importorskip("botocore.stub")
exceptions = pytest.importorskip("botocore.exceptions")

APPROVED = {
    **ARGUMENTS, "revision": "rev-1", "routing": "42", "alias_arn": f"{FUNCTION}:prod"
}  # fmt: skip
BUSY = Refusal(429, "TooManyRequestsException", "Rate exceeded")
LOST = exceptions.ReadTimeoutError(endpoint_url="x", error="x")


@pytest.fixture
def amazon():
    return FakeLambda()


def executed(amazon, arguments=APPROVED):
    outcome = amazon.executor.execute(arguments, "PLAN-1")
    return outcome.status, outcome.certain, outcome.transient


# --- what is so -------------------------------------------------------------------------------


def test_it_tells_where_the_alias_points_and_by_which_revision(amazon):
    assert amazon.executor.facts(ARGUMENTS) == {
        "service": "checkout", "alias": "prod", "alias_arn": f"{FUNCTION}:prod", "version": "42",
        "routing": "42", "revision": "rev-1", "provisioned": "", "account_id": "123456789012",
        "region": REGION,
    }  # fmt: skip
    assert amazon.updates == 0 and {method for method, *_rest in amazon.asked} == {"GET"}


@pytest.mark.parametrize(
    ("version", "weights", "why"),
    [
        ("41", {}, "already points to 41"),
        ("43", {}, "points to 43, no longer to 42"),
        ("$LATEST", {}, r"points to \$LATEST, which has no earlier version"),
        ("42", {"v43": 0.1}, r"points to 42 \(10% of the calls go to 43\), no longer to 42"),
        ("41", {"v43": 0.1}, "no longer to 42"),
    ],
)
def test_what_is_not_to_be_put_back_is_not(amazon, version, weights, why):
    amazon.point(version, **weights)
    with pytest.raises(NotApplicable, match=why):
        amazon.executor.facts(ARGUMENTS)
    assert executed(amazon, ARGUMENTS) == ("failed", True, False) and amazon.updates == 0


def test_a_function_without_the_tag_is_none_of_its_business(amazon):
    amazon.tags = {"incident-management": "no"}
    with pytest.raises(NotApplicable, match="checkout lacks the tag incident-management = allowed"):
        amazon.executor.facts(ARGUMENTS)
    assert executed(amazon) == ("failed", True, False) and amazon.updates == 0


def test_a_version_that_was_deleted_is_not_gone_back_to(amazon):
    del amazon.states["41"]
    with pytest.raises(NotApplicable, match="checkout no longer has version 41"):
        amazon.executor.facts(ARGUMENTS)
    assert executed(amazon) == ("failed", True, False) and amazon.version == "42"


@pytest.mark.parametrize(
    ("state", "kind"), [("Failed", NotApplicable), ("Pending", ExecutorError), ("Inactive", None)]
)
def test_only_a_version_that_can_be_called_is_gone_back_to(amazon, state, kind):
    amazon.states["41"] = state
    if kind is None:
        assert amazon.executor.facts(ARGUMENTS)["version"] == "42"
        return
    with pytest.raises(ExecutorError, match=r"ersion 41 of checkout") as caught:
        amazon.executor.facts(ARGUMENTS)
    assert type(caught.value) is kind


def test_an_alias_that_is_not_there_is_reported_with_its_account_and_region(amazon):
    amazon.faults = [Refusal(404, GONE, f"Cannot find alias arn: {FUNCTION}:prod")]
    with pytest.raises(
        NotApplicable, match="Cannot find alias arn: arn:aws:lambda:eu-west-1:123456789012"
    ):
        amazon.executor.facts(ARGUMENTS)


def test_the_alias_of_the_same_name_in_another_account_is_another_one(amazon):
    """The account of the settings was changed between a fix and its undoing."""
    amazon.arn = f"{FUNCTION.replace('123456789012', '999999999999')}:prod"
    with pytest.raises(NotApplicable, match=f"is {amazon.arn}, no longer {FUNCTION}:prod"):
        amazon.executor.facts(APPROVED)
    assert amazon.executor.settle(APPROVED, "PLAN-1").status == "unknown"
    assert executed(amazon) == ("failed", True, False) and amazon.updates == 0


@pytest.mark.parametrize(
    "arn", [FUNCTION.replace("west-1", "west-2") + ":prod", f"{FUNCTION}:test", f"{FUNCTION}2:prod"]
)
def test_an_answer_about_another_alias_or_region_is_none(amazon, arn):
    amazon.arn = arn
    with pytest.raises(ExecutorError, match="does not come from AWS Lambda"):
        amazon.executor.facts(ARGUMENTS)


@pytest.mark.parametrize(
    ("concurrency", "told"),
    [
        ({}, ""),
        ({"prod": 5}, "Its provisioned concurrency moves with the alias, which takes minutes."),
        ({"42": 5}, "Version 42 has provisioned concurrency, 41 has none: it starts cold."),
        ({"42": 5, "41": 2}, ""),
        ({"41": 2}, ""),
    ],
)
def test_it_tells_what_becomes_of_provisioned_concurrency(amazon, concurrency, told):
    amazon.concurrency = concurrency
    assert amazon.executor.facts(ARGUMENTS)["provisioned"] == told


# --- doing it ---------------------------------------------------------------------------------


def test_the_alias_is_moved_by_the_revision_that_was_approved(amazon):
    outcome = amazon.executor.execute(APPROVED, "PLAN-1")
    assert (outcome.status, outcome.detail) == ("done", "The alias prod of checkout points to 41.")
    assert outcome.result == {"revision": "rev-2", "routing": "41"}
    assert amazon.routing == ("41", {}) and amazon.asked[-1][2]["RevisionId"] == "rev-1"


def test_its_requests_are_those_of_botocores_model():
    """Its Stubber holds each request and each answer to the model that AWS publishes."""
    client = boto3.client(
        "lambda", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    stubber = stub.Stubber(client)
    named = {"FunctionName": "checkout", "Name": "prod"}
    alias = {"AliasArn": f"{FUNCTION}:prod", "Name": "prod", "RevisionId": "r1"}
    canary = {"RoutingConfig": {"AdditionalVersionWeights": {"42": 0.25}}}
    there = {**alias, "FunctionVersion": "41", **canary}
    moved = {**alias, "FunctionVersion": "41", "RevisionId": "r2"}
    cleared: dict[str, Any] = {"RoutingConfig": {"AdditionalVersionWeights": {}}}
    tags = {"Tags": {"incident-management": "allowed"}}
    qualified = {"FunctionName": "checkout"}
    none = "ProvisionedConcurrencyConfigNotFoundException"
    for _look in range(2):
        stubber.add_response("get_alias", there, named)
        stubber.add_response("list_tags", tags, {"Resource": FUNCTION})
        if _look:
            continue
        asked = {**qualified, "Qualifier": "41"}
        stubber.add_response(
            "get_function_configuration", {"Version": "41", "State": "Active"}, asked
        )
        for qualifier in ("prod", "42"):
            wanted = {**qualified, "Qualifier": qualifier}
            stubber.add_client_error(
                "get_provisioned_concurrency_config", none, "No.", 404, expected_params=wanted
            )
    update = {**named, "FunctionVersion": "41", "RevisionId": "r1", **cleared}
    stubber.add_response("update_alias", moved, update)

    @contextmanager
    def connect(_arguments):
        yield client

    with stubber:
        executor = Lambda(connect, in_region, in_region)
        assert executor.facts(ARGUMENTS)["routing"] == "41,42=0.25"
        assert executor.execute(ARGUMENTS, "PLAN-1").status == "done"
    stubber.assert_no_pending_responses()


def test_a_canary_is_ended_and_begun_again_as_it_was(amazon):
    amazon.point("41", v42=0.1)
    facts = amazon.executor.facts(ARGUMENTS)
    assert facts["routing"] == "41,42=0.1"
    outcome = amazon.executor.execute(ARGUMENTS, "PLAN-1")
    assert outcome.status == "done" and amazon.routing == ("41", {})
    back = {
        **ARGUMENTS, "running": "41", "to_version": "42", "to_routing": facts["routing"],
        **outcome.result,
    }  # fmt: skip
    assert amazon.executor.execute(back, "PLAN-1-undo").status == "done"
    assert amazon.routing == ("41", {"42": 0.1})


def test_a_release_that_still_has_a_share_of_the_former_version_is_put_back(amazon):
    amazon.point("42", v41=0.3)
    assert executed(amazon, ARGUMENTS)[0] == "done" and amazon.routing == ("41", {})


def test_what_somebody_moved_since_the_approval_is_not_overwritten(amazon):
    """Also not to the same version: its weights may be those of a canary that was just begun."""
    amazon.point("42")
    outcome = amazon.executor.execute(APPROVED, "PLAN-1")
    assert (outcome.status, outcome.certain, amazon.updates) == ("failed", True, 0)
    assert "was changed in the meantime and now points to 42" in outcome.detail


def test_what_somebody_moves_in_that_very_moment_is_not_overwritten(amazon):
    amazon.faults = [None, lambda: amazon.point("43")]
    outcome = amazon.executor.execute(APPROVED, "PLAN-1")
    assert (outcome.status, outcome.certain, outcome.transient) == ("failed", True, False)
    assert "points to 43. Nothing was done." in outcome.detail and amazon.version == "43"


def test_a_request_that_another_process_made_meanwhile_counts(amazon):
    """Whoever settles a run that looks dead sends it again; the first one is refused then."""
    amazon.faults = [None, lambda: amazon.point("41")]
    assert executed(amazon) == ("done", True, False) and amazon.updates == 0


def test_a_refused_request_of_which_nobody_can_tell_who_was_first_may_have_been_made(amazon):
    """Else it ends as one that did nothing, and what another process did is never judged."""

    def meanwhile():
        amazon.point("41")
        amazon.faults = [None, Refusal(500, "ServiceException")]

    amazon.faults = [None, meanwhile]
    assert executed(amazon) == ("unknown", True, False)


def test_a_refused_request_after_which_lambda_reports_the_old_alias_may_have_been_made(amazon):
    """An answer of a moment ago may not show yet what was made."""
    amazon.faults = [None, None, Refusal(412, "PreconditionFailedException")]
    assert executed(amazon) == ("unknown", True, False)


def test_provisioned_concurrency_is_waited_for(amazon):
    """Until it is there, Lambda sends the calls to the bad version: it is not done yet."""
    amazon.concurrency = {"prod": 5}
    outcome = amazon.executor.execute(APPROVED, "PLAN-1")
    assert (outcome.status, amazon.routing) == ("done", ("41", {}))
    assert outcome.result["revision"] == amazon.revision


def test_provisioned_concurrency_that_takes_its_time_is_found_out_later(amazon):
    amazon.concurrency = {"prod": 5}
    amazon.executor.execute(APPROVED, "PLAN-1")
    amazon.weights = {"42": 1.0}
    outcome = amazon.executor.settle(APPROVED, "PLAN-1")
    assert outcome.status == "unknown"
    assert "is moving to 41. For now it points to 41 (100% of the calls go to 42)" in outcome.detail


def test_a_canary_that_somebody_shifts_meanwhile_is_not_taken_for_lambdas_own(amazon):
    amazon.point("41", v42=0.1)
    arguments = {**APPROVED, "revision": amazon.revision, "routing": "41,42=0.1"}
    amazon.point("41", v42=0.5)
    outcome = amazon.executor.settle(arguments, "PLAN-1")
    assert (outcome.status, outcome.certain) == ("failed", False)


@pytest.mark.parametrize(
    ("fault", "ends"),
    [
        (Refusal(403, "AccessDeniedException"), ("failed", True, False)),
        (Refusal(400, "InvalidParameterValueException"), ("failed", True, False)),
        (Refusal(500, "ServiceException"), ("unknown", True, False)),
        (Refusal(503, "ServiceUnavailable"), ("unknown", True, False)),
        (exceptions.EndpointConnectionError(endpoint_url="x"), ("failed", True, True)),
        (LOST, ("unknown", True, False)),
        (b"<html>Log in</html>", ("unknown", True, False)),
        (b"[1, 2]", ("unknown", True, False)),
    ],
)
def test_only_a_refusal_has_certainly_done_nothing(amazon, fault, ends):
    amazon.faults = [None, None, fault]
    assert executed(amazon) == ends and amazon.updates == 0


@pytest.mark.parametrize("look", [0, 1, 2])
@pytest.mark.parametrize("code", ["TooManyRequestsException", "ResourceConflictException"])
def test_a_busy_lambda_is_asked_again_after_another_look(amazon, look, code):
    amazon.faults = [*[None] * look, Refusal(429, code)]
    assert executed(amazon) == ("done", True, False) and amazon.updates == 1


def test_a_lambda_that_stays_busy_may_be_asked_later(amazon):
    amazon.faults = [None, None, BUSY] * 40
    assert executed(amazon) == ("failed", True, True) and amazon.updates == 0


def test_all_looks_together_end_before_others_may_ask_what_became_of_it(amazon, monkeypatch):
    clock = iter((0.0, 0.0, 40.0, 45.0, 45.0, 45.0))
    monkeypatch.setattr("incident_management.remediation.executors.aws.calls.time.monotonic",
                        lambda: next(clock))  # fmt: skip
    amazon.faults = [BUSY]
    outcome = amazon.executor.execute(APPROVED, "PLAN-1")
    assert (outcome.status, outcome.certain, amazon.updates) == ("failed", True, 0)
    assert "took too long to report the current state" in outcome.detail


@pytest.mark.parametrize("code", ["ExpiredTokenException", "UnrecognizedClientException"])
def test_keys_that_have_expired_are_reported_with_what_to_do(amazon, code):
    amazon.faults = [Refusal(403, code, "The security token included in the request is expired")]
    with pytest.raises(ExecutorError) as caught:
        amazon.executor.facts(ARGUMENTS)
    assert str(caught.value) == (
        f"AWS Lambda rejected the request with {code}: The security token included in the "
        "request is expired Enter the account's keys again under Configuration > AWS "
        "accounts."
    )


@pytest.mark.parametrize(
    ("version", "weights", "ends"),
    [
        ("41", {}, ("done", True)),
        ("43", {}, ("failed", False)),
        ("42", {"v43": 0.5}, ("failed", False)),
        ("41", {"v43": 0.5}, ("failed", False)),
        ("41", {"v42": 0.5}, ("unknown", True)),
    ],
)
def test_what_became_of_it_is_where_the_alias_points(amazon, version, weights, ends):
    amazon.point(version, **weights)
    outcome = amazon.executor.settle(APPROVED, "PLAN-1")
    assert (outcome.status, outcome.certain) == ends


def test_what_was_not_done_is_found_so(amazon):
    assert amazon.executor.settle(APPROVED, "PLAN-1").status == "unchanged"
    assert amazon.executor.settle(ARGUMENTS, "PLAN-1").status == "unchanged"
    amazon.faults = [Refusal(500, "ServiceException")]
    assert amazon.executor.settle(APPROVED, "PLAN-1").status == "unknown"


def test_it_shows_the_request_and_looks_up_what_can_be_known(amazon):
    shown = amazon.executor.preview(APPROVED, "PLAN-1")
    assert (shown["method"], shown["url"]) == ("UpdateAlias", "AWS Lambda in eu-west-1")
    assert shown["body"] == {
        "FunctionName": "checkout", "Name": "prod", "FunctionVersion": "41",
        "RoutingConfig": {"AdditionalVersionWeights": {}}, "RevisionId": "rev-1",
    }  # fmt: skip
    outcome = amazon.executor.dry_run(APPROVED, "PLAN-1")
    assert outcome.status == "done" and "AWS Lambda has no check mode" in outcome.detail
    assert amazon.updates == 0
    del amazon.states["41"]
    with pytest.raises(NotApplicable):
        amazon.executor.dry_run(APPROVED, "PLAN-1")
