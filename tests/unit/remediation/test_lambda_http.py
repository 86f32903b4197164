"""The executor of AWS Lambda over HTTP, with the app's own client."""

from __future__ import annotations

import pytest

from incident_management.remediation.executors.executor import ExecutorError
from incident_management.remediation.executors.factory import executors
from incident_management.splunk.configuration.settings import parse
from tests.unit.remediation.lambda_fake import ARGUMENTS, FUNCTION, FakeLambda

pytest.importorskip("boto3")

APPROVED = {
    **ARGUMENTS, "revision": "rev-1", "routing": "42", "alias_arn": f"{FUNCTION}:prod"
}  # fmt: skip


@pytest.fixture
def amazon():
    return FakeLambda()


def executor_at(url):
    stanzas = {
        "remediation": {
            "aws_account": "ops", "aws_region": "eu-west-1", "lambda_endpoint_url": url
        }
    }  # fmt: skip
    keys = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "s3cr3t"}
    return executors(lambda: parse(stanzas, {"ops": keys}))["lambda"]()


def test_over_http_it_is_the_same(amazon):
    with amazon.served() as url:
        executor = executor_at(url)
        facts = executor.facts(ARGUMENTS)
        assert executor.execute({**ARGUMENTS, "revision": facts["revision"]}, "P").status == "done"
    assert amazon.routing == ("41", {}) and amazon.updates == 1


def test_an_answer_that_is_lost_on_the_way_is_found_out_later(amazon):
    def broken():
        raise ConnectionResetError

    amazon.faults = [None, None, broken]
    with amazon.served() as url:
        executor = executor_at(url)
        assert executor.execute(APPROVED, "PLAN-1").status == "unknown"
        assert executor.settle(APPROVED, "PLAN-1").status == "done"
    assert amazon.updates == 1


def test_a_service_that_is_not_lambda_proves_nothing(amazon):
    amazon.faults = [b"<html>Log in</html>"] * 2
    with amazon.served() as url:
        executor = executor_at(url)
        with pytest.raises(ExecutorError, match="does not come from AWS Lambda"):
            executor.facts(ARGUMENTS)
        assert executor.settle(ARGUMENTS, "PLAN-1").status == "unknown"


def test_without_its_settings_it_says_where_to_set_them():
    with pytest.raises(ExecutorError, match="No AWS account is set for fixes"):
        executors(lambda: parse({}, {}))["lambda"]().facts(ARGUMENTS)
