"""The built app, installed in a stand-in for Splunk whose scheduler the test drives."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping

import pytest
from splunklib.binding import HTTPError

from tests.package import APP_PYTHON
from tests.standin import StandIn, start_standin
from tools.splunkd_lite.clock import ManualClock

ROOT = Path(__file__).parents[3]
APP_NAME = "incident_management"
PERIOD = 300


class App:
    """The app in a running stand-in, in the words of the tests.

    The stand-in's clock starts one period back and is moved by :meth:`run_detections`; the app's
    own processes have the machine's clock, as always.
    """

    def __init__(self, standin: StandIn, clock: ManualClock, user: str = "admin") -> None:
        self.standin = standin
        self.clock = clock
        self.scheduler = standin.splunk.services.use_scheduler()
        self.service = standin.service(user, app="incident_management", owner="nobody")

    def log_errors(self, host: str, count: int, text: str = "ERROR payment failed") -> None:
        """Write error events into the period that the next run of the detections looks at."""
        end = (self.clock.now() // PERIOD + 1) * PERIOD
        self.standin.index(
            "main",
            [
                {
                    "_time": end - 200 + number,
                    "_raw": f"{text} {number}",
                    "host": host,
                    "source": "/var/log/app.log",
                    "sourcetype": "app",
                }
                for number in range(count)
            ],
        )

    def run_detections(self) -> None:
        """Let the next scheduled run come, with its alert actions."""
        now = self.clock.now()
        self.clock.advance((now // PERIOD + 1) * PERIOD - now + 1)
        self.scheduler.tick(self.clock.now())

    def get(self, path: str, **query: str) -> Any:
        return self._parsed(self.service.get, path, **query)

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        return self._parsed(
            self.service.post,
            path,
            body=json.dumps(body or {}),
            headers=[("Content-Type", "application/json")],
        )

    @staticmethod
    def _parsed(call: Any, path: str, **arguments: Any) -> Any:
        try:
            reply = call(f"/services/incident_management/v1{path}", **arguments)
        except HTTPError as error:
            return {"status": error.status, **json.loads(error.body)}
        return json.loads(reply.body.read())

    def incidents(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("/incidents")["incidents"]
        return found

    def only_incident(self) -> dict[str, Any]:
        (incident,) = self.incidents()
        return incident

    def kinds(self, incident_id: str) -> list[str]:
        """The kinds of the entries that count, in order, of a timeline that is whole."""
        timeline = self.get(f"/incidents/{incident_id}/timeline")
        assert timeline["verified"] is True, timeline["problems"]
        return [entry["kind"] for entry in timeline["entries"] if entry["counts"]]

    def splunkd_log(self) -> str:
        return (self.standin.splunk.home / "var/log/splunk/splunkd.log").read_text()


@pytest.fixture
def app(app_folder: Path, tmp_path: Path) -> Iterator[App]:
    clock = ManualClock(time.time() // PERIOD * PERIOD - 2 * PERIOD + 10)
    with start_standin(tmp_path, apps=[app_folder], clock=clock, python=APP_PYTHON) as standin:
        yield App(standin, clock)


def handler_processes(app: App) -> list[int]:
    """The process ids of this stand-in's own persistent handlers, once there is one."""
    until = time.monotonic() + 60
    while not (found := _running_handlers(app)):
        assert time.monotonic() < until, "no handler is running"
        time.sleep(0.05)
    return found


def _running_handlers(app: App) -> list[int]:
    """Those of its children that have its SPLUNK_HOME."""
    mark = f"SPLUNK_HOME={app.standin.splunk.home}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes().split(b"\0")
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if mark in environment and parent == os.getpid():
            found.append(int(folder.name))
    return found


def more_come(count: Callable[[], int], more: int, done: threading.Event) -> bool:
    """Wait until a count has grown by so many; False when ``done`` comes first.

    What disturbs the writers waits by this between two killings. By the clock, a slow machine would
    kill each handler before it has started.
    """
    awaited = count() + more
    while count() < awaited:
        if done.wait(0.05):
            return False
    return True
