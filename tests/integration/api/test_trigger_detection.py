"""``POST /trigger-detection`` from the request to the incident, with nothing replaced."""

from __future__ import annotations

import time

from tests.integration.api.conftest import Client
from tests.standin import StandIn


def test_a_detection_that_is_triggered_opens_its_incident_at_once(
    standin: StandIn, client: Client
) -> None:
    errors = [
        {"_time": time.time() - 200, "_raw": f"ERROR payment {n}", "host": "trigger-host"}
        for n in range(60)
    ]
    standin.index("main", errors)
    reply = client("POST", "/trigger-detection", json={"name": "High Error Rate"})
    assert reply.status_code == 202, reply.text
    standin.splunk.services.dispatched.wait()

    [fired] = standin.splunk.alerts.all("High Error Rate")
    assert fired.sid == reply.json()["sid"]
    found = client("GET", "/incidents", params={"entity": "trigger-host"}).json()
    assert [each["title"] for each in found["incidents"]] == ["High error rate: trigger-host"]


def test_a_detection_that_does_not_exist_is_reported(client: Client) -> None:
    reply = client("POST", "/trigger-detection", json={"name": "No such detection"})
    assert reply.status_code == 404
    assert "No such detection" in reply.json()["detail"]
