"""AWS accounts and Kubernetes clusters through the endpoints of the configuration page."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from tests.integration.incidents.conftest import App
from tests.integration.incidents.test_routing_page import Page, refused

KEYS = {
    "aws_access_key_id": "AKIA" + "IOSFODNN7EXAMPLE",
    "aws_secret_access_key": "made" + "-up-key",
}


def settings(app: App, stanza: str, **values: str) -> None:
    app.service.post(f"incident_management_settings/{stanza}", **values)


@pytest.fixture
def places(app: App) -> tuple[Page, Page]:
    return Page(app.service, "account"), Page(app.service, "cluster")


def test_an_account_that_something_names_stays(app: App, places: tuple[Page, Page]) -> None:
    accounts, _ = places
    accounts.add("base", region="eu-west-1", **KEYS)
    role = "arn:aws:iam::123456789012:role/fix"
    accounts.add("prod", region="eu-west-1", role_arn=role, source="base")
    settings(app, "remediation", aws_account="prod", aws_region="eu-west-1")
    assert refused(accounts.delete, "base") == (
        "The AWS account 'base' is still used by the account 'prod' (source). Change that first."
    )
    assert "is still used by Remediation. Change" in refused(accounts.delete, "prod")
    settings(app, "remediation", aws_account="")
    accounts.delete("prod")
    accounts.delete("base")
    assert accounts.rows() == {}
    passwords = [one.name for one in app.service.storage_passwords]
    assert not [one for one in passwords if "base" in one]


def test_what_a_catalogue_action_names_stays(app: App, places: tuple[Page, Page]) -> None:
    _, clusters = places
    # splunklib takes no field that is called url.
    made = {"name": "eu", "url": "https://eu.example:6443", "token": "made" + "-up-token"}
    app.service.post("incident_management_cluster", body=urlencode(made))
    file: Any = app.service.confs["incident_actions"]
    file.create("restart_eu", **{"executor": "kubernetes_restart", "argument.cluster": "eu"})
    assert "used by the action 'restart_eu' (argument.cluster). Change" in refused(
        clusters.delete, "eu"
    )
    file.delete("restart_eu")
    clusters.delete("eu")
    assert clusters.rows() == {}
