"""The built app in the stand-in, with its worker's process running where a test asks for it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from splunklib.binding import HTTPError

from incident_management.splunk.session import Session
from tests.package import APP_PYTHON, unpacked
from tests.standin import StandIn, start_standin
from tools.splunkd_lite.clock import ManualClock

ROOT = Path(__file__).parents[3]
API = "/services/incident_management/v1"
APP = "incident_management"


@pytest.fixture(scope="session")
def app_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The app as it ships, unpacked, with a worker that looks every second."""
    folder = tmp_path_factory.mktemp("app")
    shutil.copytree(unpacked(), folder / APP, symlinks=True)
    local = folder / APP / "local"
    local.mkdir()
    worker = "[incident_monitor://worker]\ninterval = 1\ncycle_seconds = 1\n"
    (local / "inputs.conf").write_text(worker)
    return folder / APP


class Place:
    """What the tests do and see."""

    def __init__(self, standin: StandIn) -> None:
        self.standin = standin
        self.clock: Any = standin.splunk.clock
        self.admin = standin.service(app=APP, owner="nobody")

    def session(self) -> Session:
        """splunkd as the app's own processes reach it."""
        splunk = self.standin.splunk
        token = splunk.access.token_for("splunk-system-user", 365 * 86400.0)
        return Session(splunk.mgmt_uri, token)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Call the app's API; an error is given as (status, its sentence)."""
        try:
            if method == "GET":
                answer = self.admin.get(API + path)
            else:
                headers = [("Content-Type", "application/json")]
                answer = self.admin.post(API + path, headers=headers, body=json.dumps(body or {}))
        except HTTPError as error:
            return error.status, json.loads(error.body)["detail"]
        return json.loads(answer.body.read())

    def raise_signal(self, entity: str = "checkout", run: str = "1") -> str:
        now = time.time()
        finding = {
            "rule": "High Error Rate",
            "app": APP,
            "entity": entity,
            "severity": "high",
            "title": f"High Error Rate: {entity}",
            "run": run,
            "first_time": now - 60,
            "last_time": now,
            "search": {"name": "High Error Rate", "app": APP, "owner": "nobody"},
        }
        (outcome,) = self.call("POST", "/signals", {"signals": [finding]})["outcomes"]
        return str(outcome["incident_id"])

    def search(self, spl: str) -> list[dict[str, Any]]:
        return self.standin.search(spl, app=APP)

    def history(self, incident_id: str) -> list[dict[str, Any]]:
        return self.search(f"`incident_history({incident_id})`")

    def kinds(self, incident_id: str) -> list[str]:
        return [str(row["kind"]) for row in self.history(incident_id)]

    def lose_the_kv_store(self) -> None:
        """What a restore without a backup leaves: every collection empty."""
        from incident_management.splunk.kv.store import COLLECTIONS

        for name in COLLECTIONS.values():
            self.admin.delete(f"storage/collections/data/{name}")

    def start_worker(self) -> None:
        self.standin.splunk.services.start(frozenset({"inputs"}))

    def kill_worker(self) -> None:
        mark = f"SPLUNK_HOME={self.standin.splunk.home}".encode()
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                environment = (folder / "environ").read_bytes().split(b"\0")
                command = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            works = b"incident_monitor.py" in command and b"--scheme" not in command
            if mark in environment and works:
                os.kill(int(folder.name), signal.SIGKILL)


@pytest.fixture
def idle(app_folder: Path, tmp_path: Path) -> Iterator[Place]:
    """Before its worker is started."""
    with start_standin(tmp_path, apps=[app_folder], python=APP_PYTHON) as standin:
        yield Place(standin)


@pytest.fixture
def place(idle: Place) -> Place:
    """With the worker's process."""
    idle.start_worker()
    return idle


@pytest.fixture
def still(app_folder: Path, tmp_path: Path) -> Iterator[Place]:
    """Without the worker, and with a clock and a scheduler that the test drives."""
    clock = ManualClock(time.time() // 300 * 300 + 10)
    with start_standin(tmp_path, apps=[app_folder], clock=clock, python=APP_PYTHON) as standin:
        yield Place(standin)
