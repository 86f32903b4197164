"""What the roles can do besides the API: splunkd's own endpoints and searches."""

from __future__ import annotations

import httpx
import pytest

from tests.integration.api.conftest import Client
from tests.standin import StandIn

APP = "/servicesNS/nobody/incident_management"
URL = "https://hooks.example.com/T0/the-way-in"


def asked(standin: StandIn, user: str, method: str, path: str, **form: str) -> httpx.Response:
    """One request to splunkd, as a user."""
    token = standin.session_key(user)
    return httpx.request(
        method,
        standin.splunk.mgmt_uri + path,
        headers={"Authorization": f"Splunk {token}"},
        data={**form, "output_mode": "json"} if method == "POST" else None,
        params={"output_mode": "json"} if method != "POST" else None,
        timeout=60,
    )


@pytest.mark.parametrize("role", ["user", "power", "incident_manager"])
def test_nobody_but_an_administrator_changes_a_search_that_runs_with_the_systems_rights(
    standin: StandIn, role: str
) -> None:
    somebody = standin.add_user(f"changes-{role}", role)
    path = f"{APP}/saved/searches/High%20Error%20Rate"
    before = asked(standin, "admin", "GET", path).json()["entry"][0]["content"]["search"]
    changed = asked(standin, somebody, "POST", path, search="| rest /services/storage/passwords")
    after = asked(standin, "admin", "GET", path).json()["entry"][0]["content"]["search"]

    assert (changed.status_code, after) == (403, before)


@pytest.mark.parametrize(
    ("role", "sees"), [("incident_viewer", False), ("incident_approver", False),
                       ("incident_manager", True)]
)  # fmt: skip
def test_where_webhooks_go_is_seen_by_those_who_may_ask_the_api_for_it(
    standin: StandIn, client: Client, role: str, sees: bool
) -> None:
    made = client("POST", "/subscriptions", json={"url": URL, "enabled": False}).json()
    somebody = standin.add_user(f"sees-{role}", role)
    data = f"{APP}/storage/collections/data/incident_subscriptions"
    search = "| inputlookup incident_subscriptions"
    answers = [
        asked(standin, somebody, "GET", data),
        asked(standin, somebody, "POST", "/services/search/v2/jobs/export", search=search),
    ]
    client("DELETE", f"/subscriptions/{made['id']}")

    assert [URL in answer.text for answer in answers] == [sees, sees]
    assert (Client(standin, somebody)("GET", "/subscriptions").status_code == 200) is sees


def test_a_role_that_reads_other_apps_secrets_reads_none_of_ours(
    standin: StandIn, client: Client
) -> None:
    """Who may list secrets must also have read access to the credential."""
    made = client("POST", "/subscriptions", json={"url": URL, "enabled": False}).json()
    admin = standin.service()
    capabilities = ["list_storage_passwords", "edit_storage_passwords"]
    admin.roles.create("lister", imported_roles=["power"], capabilities=capabilities)
    somebody = standin.add_user("lists", "lister")
    everywhere = "/servicesNS/-/-/storage/passwords"
    answers = [asked(standin, who, "GET", everywhere) for who in (somebody, "admin")]
    client("DELETE", f"/subscriptions/{made['id']}")

    assert [answer.status_code for answer in answers] == [200, 200]
    assert [made["secret"] in answer.text for answer in answers] == [False, True]


def test_what_another_app_shares_with_all_apps_is_not_this_apps_configuration(
    standin: StandIn, client: Client
) -> None:
    """In the app search the role power may write, and Splunk mixes in what is shared."""
    somebody = standin.add_user("shares", "power")
    conf = "/servicesNS/nobody/search/configs/conf-{}"
    made = [
        ("incident_actions", "wipe", {"executor": "deploy_api", "label": "Wipe it"}),
        ("incident_routing", "member:admin", {"slack_id": "U0EVIL", "teams": "operations"}),
        ("incident_routing", "team:takers", {"members": "shares"}),
    ]
    for file, name, values in made:
        path = conf.format(file)
        assert asked(standin, somebody, "POST", path, name=name, **values).status_code == 201
        shared = {"sharing": "global", "owner": somebody}
        assert asked(standin, somebody, "POST", f"{path}/{name}/acl", **shared).status_code == 200
    try:
        standin.splunk.services.persistent.stop()  # it remembers configuration for ten seconds
        actions, teams = client("GET", "/actions").text, client("GET", "/teams").text
        problems = client("GET", "/system/info").json()["configuration_problems"]
    finally:
        for file, name, _values in made:
            asked(standin, "admin", "DELETE", f"{conf.format(file)}/{name}")

    assert "wipe" not in actions and "takers" not in teams
    for file, name, _values in made:
        told = f"{file}.conf [{name}] of the app search is shared with all apps"
        assert any(problem.startswith(told) for problem in problems), problems
