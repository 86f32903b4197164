"""A bad release of a Lambda function, told by CloudTrail alone: blamed, put back, proved."""

from __future__ import annotations

import json
import re
import time

import pytest

from tests.unit.remediation.lambda_fake import FUNCTION, REGION, FakeLambda

from .conftest import ROOT, Office, wait_for
from .shop import Shop, remediate

GUIDE = ROOT / "docs" / "EXECUTORS.md"


def moved(
    office: Office, at: float, version: str, function: str = FUNCTION, by: str = "UpdateAlias"
) -> None:
    """Index CloudTrail's event of an alias that is set."""
    told = {
        "eventVersion": "1.09", "eventSource": "lambda.amazonaws.com",
        "eventName": f"{by}20150331", "eventID": f"5b7c-{version}",
        "userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::123456789012:role/ci"},
        "requestParameters": {"functionName": "checkout", "name": "prod",
                              "functionVersion": version},
        "responseElements": {"aliasArn": f"{function}:prod", "name": "prod",
                             "functionVersion": version, "revisionId": "8f2b"},
    }  # fmt: skip
    event = {"_time": at, "_raw": json.dumps(told), "host": "aws", "source": "s3"}
    office.standin.index("main", [{**event, "sourcetype": "aws:cloudtrail"}])


@pytest.fixture
def lambdas(office: Office, shop: Shop):
    """The manual's stanzas in the app's local files, and a Lambda that they are about."""
    local = office.home / "etc/apps/incident_management/local"
    part = GUIDE.read_text(encoding="utf-8").partition("## Functions of AWS Lambda")[2]
    actions, props, _policy = re.findall(r"```\n(.*?)```", part, re.DOTALL)[:3]
    quick = "verify_delay = 0s\nverify_window = 5s\nmin_samples = 5\n"
    (local / "incident_actions.conf").write_text(actions.replace("inverse =", f"{quick}inverse ="))
    (local / "props.conf").write_text(props)
    with (local / "macros.conf").open("a") as macros:
        macros.write(
            "[incident_change_index]\n"
            "definition = (index=main sourcetype=aws:cloudtrail eventName=*Alias20150331)\n"
        )
    office.standin.splunk.conf.reload()
    amazon = FakeLambda()
    amazon.updated = lambda: office.deployer.state.update(version="r7")
    keys = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "s3cr3t"}
    office.admin.post("incident_management_account", body={"name": "ops", **keys})
    with amazon.served() as url:
        office.set("remediation", aws_account="ops", aws_region=REGION, lambda_endpoint_url=url)
        yield amazon


def test_what_cloudtrail_tells_is_enough_to_put_a_function_back(office: Office, lambdas):
    now = time.time()
    moved(office, now - 9 * 86400, "41", by="CreateAlias")
    moved(office, now - 8 * 86400, "39", FUNCTION.replace("123456789012", "999999999999"))
    moved(office, now - 75, "42")
    incident = office.signal()
    office.search(f"| aianalyze incident={incident}")
    plan = remediate(office, incident, action="rollback_lambda")
    assert plan["blast_radius"].startswith("Calls of checkout:prod go to version 41"), plan
    remediate(office, incident, do="approve")
    assert remediate(office, incident, do="execute")["status"] == "done"
    wait_for(lambda: office.call("GET", f"/incidents/{incident}")["status"] == "resolved")
    assert (lambdas.updates, lambdas.routing) == (1, ("41", {}))
