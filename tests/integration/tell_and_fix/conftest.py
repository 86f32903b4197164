"""The built app in the stand-in, with its worker running and services to tell and to fix."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from pathlib import Path
from typing import Any, Dict, List

import pytest
from splunklib.binding import HTTPError

from tests.package import APP_PYTHON, unpacked
from tests.standin import ADMIN_PASSWORD, StandIn, start_standin
from tests.waiting import wait_for as wait_for

from .receivers import Deployer, Pager, Service, Slack
from .shop import Shop

ROOT = Path(__file__).parents[3]
API = "/services/incident_management/v1"


class Office:
    """What the tests do and see, in their own words."""

    def __init__(self, standin: StandIn) -> None:
        self.standin = standin
        self.slack, self.teams, self.pager = Slack(), Service(), Pager()
        self.deployer = Deployer("checkout")
        self.admin = standin.service(app="incident_management", owner="nobody")
        self.home = standin.splunk.home

    def set(self, part: str, **values: str) -> None:
        """Save settings as the configuration page does."""
        self.admin.post(f"incident_management_settings/{part}", **values)

    def call(self, method: str, path: str, body: Any = None, service: Any = None) -> Any:
        """Call the app's REST API; an HTTP error is given as (status, what it says)."""
        service = service or self.admin
        try:
            if method == "GET":
                answer = service.get(API + path)
            else:
                headers = [("Content-Type", "application/json")]
                answer = service.post(API + path, headers=headers, body=json.dumps(body or {}))
        except HTTPError as error:
            # splunkd itself refuses a missing capability, in its own form.
            text = error.body.decode()
            return error.status, json.loads(text) if text.startswith("{") else text
        return json.loads(answer.body.read())

    def signal(
        self,
        entity: str = "checkout",
        run: str = "1",
        name: str = "High Error Rate",
        owner: str = "nobody",
    ) -> str:
        """Raise a signal of a saved search; returns the incident's id."""
        now = time.time()
        finding = {
            "rule": name,
            "app": "incident_management",
            "owner": owner,
            "entity": entity,
            "severity": "high",
            "title": f"{name}: {entity}",
            "run": run,
            "count": 42,
            "first_time": now - 60,
            "last_time": now,
            "search": {"name": name, "app": "incident_management", "owner": owner},
        }
        (outcome,) = self.call("POST", "/signals", {"signals": [finding]})["outcomes"]
        return str(outcome["incident_id"])

    def search(self, spl: str, service: Any = None) -> List[Dict[str, Any]]:
        """Run a search as somebody, as the search page would; returns its rows."""
        stream = (service or self.admin).jobs.oneshot(spl, output_mode="json", count=0)
        answer = json.loads(stream.read())
        for message in answer.get("messages", []):
            assert message["type"] not in ("ERROR", "FATAL"), message["text"]
        return list(answer["results"])

    def timeline(self, incident: str) -> List[Dict[str, Any]]:
        entries = self.call("GET", f"/incidents/{incident}/timeline")["entries"]
        return [entry for entry in entries if entry["counts"]]

    def outbox(self) -> List[Dict[str, Any]]:
        return list(self.call("GET", "/outbox")["notifications"])

    def worker_log(self) -> List[Dict[str, Any]]:
        path = self.home / "var/log/splunk/incident_management_worker.log"
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        return [json.loads(line) for line in text.split("\n")[:-1]]  # the last may be half written

    def worker_pids(self) -> List[int]:
        return list(dict.fromkeys(line["pid"] for line in self.worker_log()))

    def start_worker(self) -> None:
        self.standin.splunk.services.start(frozenset({"inputs"}))

    def kill_worker(self) -> None:
        """Kill the running worker process, as a power cut would."""
        os.kill(self.worker_pids()[-1], signal.SIGKILL)

    def restart_worker(self) -> None:
        """Have another process go on. It has read all settings and been through all duties."""
        known = wait_for(self.worker_pids)
        os.kill(known[-1], signal.SIGTERM)
        wait_for(lambda: any(line["pid"] not in known for line in self.cycles()))

    def cycles(self) -> List[Dict[str, Any]]:
        """What workers have logged of whole cycles: each of its first, and of those with work."""
        return [line for line in self.worker_log() if line["message"] == "cycle"]

    def handlers(self) -> List[int]:
        """Processes of this instance's REST handler."""
        found = []
        for process in Path("/proc").iterdir():
            if not process.name.isdigit():
                continue
            try:
                command = (process / "cmdline").read_text()
                surroundings = (process / "environ").read_text()
            except OSError:
                continue
            if "python" in command and f"SPLUNK_HOME={self.home}" in surroundings:
                found.append((int(process.name), command))
        return [number for number, command in found if "incident_monitor" not in command]

    def bulletins(self) -> str:
        """What Splunk Web shows to administrators."""
        return str(self.admin.get("/services/messages", output_mode="json").body.read().decode())

    def change_settings_file(self, pattern: str, replacement: str) -> None:
        """Edit the local settings file by hand, as an admin may."""
        path = self.home / "etc/apps/incident_management/local/incident_management_settings.conf"
        text, changed = re.subn(pattern, replacement, path.read_text(encoding="utf-8"))
        assert changed, f"{pattern} is not in the settings file."
        path.write_text(text, encoding="utf-8")
        self.standin.splunk.conf.reload()

    def user(self, name: str, *roles: str) -> Any:
        self.standin.add_user(name, *roles)
        return self.standin.service(name, ADMIN_PASSWORD, app="incident_management")

    def stop(self) -> None:
        for service in (self.slack, self.teams, self.pager, self.deployer):
            service.stop()
        self.standin.stop()


@pytest.fixture
def fresh(tmp_path):
    """As it was installed: no channel is set up. Its worker, once started, cycles every second."""
    standin = start_standin(tmp_path, apps=[unpacked()], python=APP_PYTHON)
    app = standin.splunk.home / "etc/apps/incident_management"
    local = app / "local"
    local.mkdir(exist_ok=True)
    (local / "inputs.conf").write_text(
        "[incident_monitor://worker]\ninterval = 1\ncycle_seconds = 1\nrun_seconds = 600\n"
    )
    (local / "incident_actions.conf").write_text(
        "[rollback_change]\nverify_delay = 0s\nverify_window = 5s\nmin_samples = 5\n"
    )
    (local / "savedsearches.conf").write_text(
        "[High Error Rate]\ndispatch.earliest_time = -6s@s\ndispatch.latest_time = -1s@s\n"
    )
    standin.splunk.conf.reload()
    made = Office(standin)
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def equipped(fresh):
    """The same with every service set up."""
    fresh.set("slack", bot_token="xoxb-test-token", channel="#incidents", api_url=fresh.slack.url)
    fresh.set("teams", webhook_url=f"{fresh.teams.url}/workflows/x?sig=very-secret-signature")
    fresh.set("pagerduty", routing_key="r" * 32, api_url=fresh.pager.url)
    fresh.set("remediation", deploy_api_url=fresh.deployer.url, deploy_api_token="deploy-token")
    fresh.set("network", web_url="https://splunk.example:8000")
    return fresh


@pytest.fixture
def office(equipped):
    """The same with its worker started."""
    equipped.start_worker()
    return equipped


@pytest.fixture
def shop(office: Office):
    local = office.home / "etc/apps/incident_management/local"
    (local / "macros.conf").write_text(
        "[incident_indexes]\ndefinition = index=main\n"
        "[incident_high_error_rate_threshold]\ndefinition = 5\n"
    )
    office.standin.splunk.conf.reload()
    made = Shop(office)
    yield made
    made.stop()
