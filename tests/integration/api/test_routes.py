"""The API over HTTP: roles, versions, bodies, the document and its page."""

from __future__ import annotations

import time

import pytest

from incident_management.api.router import Route, all_routes
from tests.integration.api.conftest import Client
from tests.standin import StandIn

# What each role may do, see authorize.conf and docs/SECURITY.md.
ROLES = {
    "user": {"incident_signal"},
    "incident_viewer": {"incident_signal", "incident_read"},
    "incident_responder": {"incident_signal", "incident_read", "incident_write"},
    "incident_approver": {"incident_signal", "incident_read", "incident_approve"},
    "incident_manager": {
        "incident_signal",
        "incident_read",
        "incident_write",
        "incident_approve",
        "incident_remediate",
        "incident_admin",
    },
}


@pytest.fixture(scope="module")
def people(standin: StandIn) -> dict[str, Client]:
    return {
        role: Client(standin, standin.add_user(role.replace("incident_", ""), role))
        for role in ROLES
    }


@pytest.mark.parametrize("route", all_routes(), ids=lambda route: f"{route.method} {route.path}")
def test_each_role_may_use_exactly_the_routes_of_its_capabilities(
    route: Route, people: dict[str, Client]
) -> None:
    path = route.path.replace("{id}", "INC-20260101-000000")
    for role, capabilities in ROLES.items():
        status = people[role](route.method, path).status_code
        assert (status == 403) == (route.capability not in capabilities), f"{role}: {status}"
        assert status < 500, f"{role}: {status}"


def test_nobody_gets_in_without_a_session(client: Client) -> None:
    for route in all_routes():
        reply = client(route.method, route.path.replace("{id}", "x"), headers={"Authorization": ""})
        assert reply.status_code == 401, route.path


def test_an_incident_comes_back_whole(client: Client) -> None:
    sent = {
        "title": "Kasse langsam 🐌",
        "description": "seit 12 Uhr\nüberall",
        "severity": "critical",
        "affected_systems": ["checkout", "payments"],
    }
    made = client.open(**sent)
    read = client("GET", f"/incidents/{made['id']}")
    assert {name: read.json()[name] for name in sent} == sent


def test_health_is_what_was_promised(client: Client) -> None:
    health = client("GET", "/health").json()
    assert set(health) == {
        "status",
        "timestamp",
        "splunk_connected",
        "incidents_detected",
        "uptime_seconds",
    }
    assert health["splunk_connected"] is True


def test_versions_guard_a_change(client: Client) -> None:
    path = f"/incidents/{client.open()['id']}"
    etag = client("GET", path).headers["ETag"]
    whole = {"title": "A", "severity": "low"}
    assert client("PUT", path, json=whole).status_code == 428
    changed = client("PUT", path, json=whole, headers={"If-Match": etag})
    assert (changed.status_code, changed.json()["title"]) == (200, "A")
    late = client("PUT", path, json={**whole, "title": "B"}, headers={"If-Match": etag})
    assert (late.status_code, late.headers["Content-Type"]) == (412, "application/problem+json")
    gone = client("DELETE", path, headers={"If-Match": changed.headers["ETag"]})
    assert (gone.status_code, gone.json()["status"]) == (200, "closed")


def test_a_patch_whose_body_splunkd_keeps_back_says_so(client: Client) -> None:
    path = f"/incidents/{client.open()['id']}"
    refused = client("PATCH", path, json={"title": "B"})
    assert (refused.status_code, "use PUT" in refused.json()["detail"]) == (400, True)


def test_a_repeat_with_its_key_is_done_once(client: Client) -> None:
    headers = {"Idempotency-Key": "over-http"}
    first = client("POST", "/incidents", json={"title": "x"}, headers=headers)
    again = client("POST", "/incidents", json={"title": "x"}, headers=headers)
    assert first.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    other = client("POST", "/incidents", json={"title": "y"}, headers=headers)
    assert other.status_code == 409


def test_pages_by_cursor(client: Client) -> None:
    made = [client.open(affected_systems=["paged"])["id"] for _number in range(5)]
    seen, cursor = [], None
    while True:
        query = {"entity": "paged", "limit": 2, **({"cursor": cursor} if cursor else {})}
        page = client("GET", "/incidents", params=query).json()
        seen += [one["id"] for one in page["incidents"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert sorted(seen) == sorted(made)
    assert len(seen) == len(set(seen))


def test_a_replacement_character_is_a_character(client: Client) -> None:
    assert client.open(title="a \ufffd b")["title"] == "a \ufffd b"


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b'{"title": "caf\xe9"}', 400),
        ('{"title": "x"}'.encode("utf-16"), 400),
        (b"{", 400),
        (b"[1]", 400),
        (b'{"title": "\\ud800"}', 400),
        (b'{"title": ' + b"[" * 5000 + b"]" * 5000 + b"}", 400),
        (b'{"title": "' + b"x" * 1_100_000 + b'"}', 413),
    ],
    ids=["Latin-1", "UTF-16", "half", "list", "half a character", "deep", "large"],
)
def test_a_bad_body_is_one_clear_4xx(client: Client, content: bytes, status: int) -> None:
    headers = {"Content-Type": "application/json"}
    reply = client("POST", "/incidents", content=content, headers=headers)
    assert reply.status_code == status
    assert reply.json()["detail"].endswith(".")


def test_the_page_loads_nothing_from_elsewhere(client: Client) -> None:
    reply = client("GET", "/docs")
    assert reply.headers["Content-Type"].startswith("text/html")
    assert reply.headers["Content-Security-Policy"].startswith("default-src 'none'")
    for word in ("<script", "src=", "http://", "@import", "<link"):
        assert word not in reply.text
    for route in all_routes():
        assert f"<code>{route.path}</code>" in reply.text


def test_an_analysis_is_started_with_the_callers_rights(client: Client) -> None:
    incident = client.open()
    reply = client("POST", f"/incidents/{incident['id']}/analyze")
    assert reply.status_code == 202, reply.text
    sid, path = reply.json()["sid"], f"/incidents/{incident['id']}/analysis"
    end = time.monotonic() + 120
    while (made := client("GET", path)).status_code == 404 and time.monotonic() < end:
        time.sleep(0.5)
    assert made.json()["sid"] == sid
    assert made.json()["verdict"].startswith("No cause in this evidence.")


def test_a_generic_alert_is_read_with_the_shipped_mapping(client: Client) -> None:
    alert = {"rule": "Disk", "entity": "db-9", "severity": "P1", "id": 7, "time": "1700000000"}
    reply = client("POST", "/webhooks/generic", json=alert)
    (outcome,) = reply.json()["outcomes"]
    incident = client("GET", f"/incidents/{outcome['incident_id']}").json()
    assert (incident["title"], incident["severity"]) == ("Disk: db-9", "critical")
    over = client("POST", "/webhooks/generic", json={**alert, "id": 8, "status": "OK"})
    assert over.json()["outcomes"] == [{**outcome, "what": "resolved"}]
