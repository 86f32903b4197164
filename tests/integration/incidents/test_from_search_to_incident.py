"""From a fired saved search to an incident, through every real extension point."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.integration.incidents.conftest import APP_NAME, App, handler_processes

ROOT = Path(__file__).resolve().parents[3]


def test_a_fired_search_opens_an_incident(app: App) -> None:
    app.log_errors("web-1", 20)
    app.run_detections()

    incident = app.only_incident()
    assert incident["title"] == "High error rate: web-1"
    assert (incident["severity"], incident["status"]) == ("high", "new")
    assert (incident["signals"], incident["events"]) == (1, 20)
    assert incident["entities"] == ["web-1"]
    assert incident["search"]["name"] == "High Error Rate"
    assert app.kinds(incident["id"]) == ["opened", "routed"]


def test_a_second_firing_adds_to_the_open_incident(app: App) -> None:
    for _run in range(2):
        app.log_errors("web-1", 20)
        app.run_detections()

    incident = app.only_incident()
    assert (incident["signals"], incident["events"]) == (2, 40)
    assert app.kinds(incident["id"]) == ["opened", "routed", "signal"]


def test_few_errors_or_none_open_nothing(app: App) -> None:
    app.log_errors("web-1", 5)
    app.log_errors("web-2", 500, text="all is well")
    app.run_detections()

    assert app.incidents() == []


def test_the_apps_own_events_never_raise_it(app: App) -> None:
    app.standin.index(
        "main",
        [
            {
                "_time": app.clock.now() + 60,
                "_raw": f"error {number}",
                "host": "sh-1",
                "source": source,
                "sourcetype": sourcetype,
            }
            for number in range(50)
            for source, sourcetype in (
                ("/opt/splunk/var/log/splunk/incident_management_worker.log", "json"),
                ("audit", "incident_management:audit"),
            )
        ],
    )
    app.run_detections()

    assert app.incidents() == []


def test_a_killed_handler_is_started_again_and_nothing_is_lost(app: App) -> None:
    app.log_errors("web-1", 20)
    app.run_detections()
    for process in handler_processes(app):
        os.kill(process, signal.SIGKILL)
    app.log_errors("web-1", 20)
    app.run_detections()

    assert app.only_incident()["signals"] == 2


def test_signals_that_meet_no_handler_are_kept_and_taken_in_by_the_api_later(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: Any) -> Any:
        from tools.splunkd_lite.errors import SplunkdError

        raise SplunkdError(503, "The handler can't be started.")

    persistent = app.standin.splunk.services.persistent
    with monkeypatch.context() as broken:
        broken.setattr(persistent, "handle", refuse)
        app.log_errors("web-1", 20)
        app.run_detections()

    spool = app.standin.splunk.home / "var/run/splunk/incident_management/spool"
    (file,) = spool.glob("*.json")
    assert app.incidents() == []

    # No worker runs here, as on all members but one of a cluster on Splunk Cloud.
    kept = json.loads(file.read_text(encoding="utf-8"))
    for process in handler_processes(app):
        os.kill(process, signal.SIGKILL)  # Each looks every 30 seconds, and has just looked.
    file.write_text(json.dumps({**kept, "written_at": kept["written_at"] - 3600}))
    until = time.monotonic() + 60
    # While a process that was killed is not gone yet, the answer is a 503.
    while not app.get("/incidents").get("incidents") and time.monotonic() < until:
        time.sleep(0.1)
    assert not file.exists()
    assert app.only_incident()["entities"] == ["web-1"]


def test_an_incident_can_be_read_in_the_search_bar(app: App) -> None:
    app.log_errors("web-1", 20)
    app.run_detections()
    incident_id = app.only_incident()["id"]

    (row,) = app.standin.search("| `incidents_open` | table id status entities", app=APP_NAME)
    assert (row["id"], row["status"]) == (incident_id, "new")
    rows = app.standin.search(f"| `incident({incident_id})` | table kind data.title", app=APP_NAME)
    assert [row["kind"] for row in rows] == ["opened", "routed"]
    assert rows[0]["data.title"] == "High error rate: web-1"
    (row,) = app.standin.search("| inputlookup incident_signals | table entity count", app=APP_NAME)
    assert (row["entity"], str(row["count"])) == ("web-1", "20")


def test_what_the_guide_says_to_try_opens_an_incident(app: App) -> None:
    guide = (ROOT / "docs" / "ADMIN.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"`(\| makeresults .* sendalert .*)`", guide)
    app.standin.search(command, app="search")

    incident = app.only_incident()
    assert (incident["title"], incident["severity"]) == ("Test of the installation", "low")
    assert incident["entities"] == ["nothing real"]


def test_a_resolved_incident_reopens_when_the_search_fires_again(app: App) -> None:
    app.log_errors("web-1", 20)
    app.run_detections()
    path = f"/incidents/{app.only_incident()['id']}"
    assert app.post(f"{path}/resolve", {"resolution": "restarted"})["status"] == "resolved"
    for _run in range(4):  # past the machine's now, at which it was resolved
        app.run_detections()
    app.log_errors("web-1", 20)
    app.run_detections()

    incident = app.only_incident()
    assert (incident["status"], incident["signals"]) == ("new", 2)


def test_a_users_alert_may_raise_a_signal_but_not_read_or_write(app: App) -> None:
    joe = App(app.standin, app.clock, app.standin.add_user("joe", "user"))
    finding = {"rule": "Joe's", "entity": "x", "severity": "low", "sid": "1"}

    (outcome,) = joe.post("/signals", {"signals": [finding]})["outcomes"]
    assert outcome["what"] == "opened"
    refused = joe.get("/incidents")
    assert refused["status"] == 403
    assert (
        refused["detail"] == "GET /incidents needs the capability incident_read, which joe lacks."
    )
    assert app.only_incident()["rules"] == ["Joe's"]


@pytest.mark.parametrize(
    ("role", "reads", "acknowledges"),
    [
        ("incident_viewer", True, 403),
        ("incident_responder", True, "in_progress"),
        ("incident_approver", True, 403),
        ("incident_manager", True, "in_progress"),
    ],
)
def test_each_role_may_do_its_part(app: App, role: str, reads: bool, acknowledges: Any) -> None:
    incident_id = app.post("/incidents", {"title": "By hand"})["id"]
    person = App(app.standin, app.clock, app.standin.add_user("pat", role))

    assert (person.get(f"/incidents/{incident_id}").get("id") == incident_id) is reads
    answer = person.post(f"/incidents/{incident_id}/acknowledge")
    assert answer["status"] == acknowledges


def test_nobody_writes_the_collections_around_the_api(app: App) -> None:
    manager = app.standin.add_user("max", "incident_manager")
    service = app.standin.service(manager, app="incident_management", owner="nobody")
    incidents = service.kvstore["incident_incidents"].data

    assert incidents.query() == []
    with pytest.raises(Exception, match="403"):
        incidents.insert('{"_key": "INC-1", "status": "resolved"}')


def test_health_and_info_answer(app: App) -> None:
    app.post("/incidents", {"title": "By hand"})
    health = app.get("/health")

    assert health["status"] == "ok"
    assert health["splunk_connected"] is True
    assert health["incidents_detected"] == 1
    assert set(health) == {
        "status",
        "timestamp",
        "splunk_connected",
        "incidents_detected",
        "uptime_seconds",
    }
    assert app.get("/system/info")["version"]
