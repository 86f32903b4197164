"""Sixteen writers over the three members of a cluster: kills and 503s in between, nothing lost.

Handlers are killed, the KV store answers 503, and one member as a whole is killed and comes back.
All the while members but the captain read the KV store a little behind.
``STORM_SIGNALS`` and ``STORM_PROBLEMS`` set the size; the default keeps the suite quick.
"""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import splunklib.binding
import splunklib.client

from incident_management.splunk.session import Session, SplunkError
from tests.integration.incidents.conftest import ROOT, more_come
from tests.integration.incidents.test_under_fire import SIGNALS, finding
from tests.package import APP_PYTHON
from tools.splunkd_lite.cluster.processes import ClusterPlan, ClusterProcesses

PASSWORD = "a-test-password"
WRITERS = 16
COUNT = int(os.environ.get("STORM_SIGNALS", "3000"))
PROBLEMS = int(os.environ.get("STORM_PROBLEMS", "60"))
BATCH = 50
LAG_SECONDS = 0.1
# How long one batch may be refused in a row.
PATIENCE_SECONDS = 180.0
# Batches that are taken between two killings of every handler.
BETWEEN_KILLINGS = (1, 40) if COUNT > 10_000 else (1, 8)

Batches = list[list[dict[str, Any]]]


@pytest.fixture
def cluster(
    tmp_path: Path, app_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ClusterProcesses]:
    monkeypatch.chdir(ROOT)
    without = ("--without", "scheduler", "--without", "inputs", "--without", "hec")
    arguments = ("--http", "--app", str(app_folder), *without, "--without", "web")
    python = ("--python", APP_PYTHON)
    plan = ClusterPlan(tmp_path / "c", 3, (0, 0, 0), (*arguments, *python), lease=3.0)
    cluster = ClusterProcesses(plan, PASSWORD)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


class Writer:
    """Delivers batches through one member until each is taken, as the spool's delivery would."""

    def __init__(self, cluster: ClusterProcesses, label: str) -> None:
        self.cluster, self.label = cluster, label
        self.errors: list[Exception] = []
        self.taken = 0
        self._session: Session | None = None

    def deliver(self, batches: Batches) -> None:
        for batch in batches:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not self._taken(batch):
                if self.errors or time.monotonic() > deadline:
                    self.errors.append(TimeoutError(f"a batch was never taken by {self.label}"))
                    return
                time.sleep(0.05)
            self.taken += 1

    def _taken(self, batch: list[dict[str, Any]]) -> bool:
        try:
            if self._session is None:
                service = self.service()
                uri = f"{service.scheme}://{service.host}:{service.port}"
                self._session = Session(uri, service.token.removeprefix("Splunk "))
            self._session.post(SIGNALS, json_body={"signals": batch})
            return True
        except (OSError, StopIteration, splunklib.binding.HTTPError):
            return False
        except SplunkError as error:
            # It may be gone, or have come back on another port without our session.
            self._session = None
            if 400 <= error.status < 500 and error.status != 401:
                self.errors.append(error)
            return False

    def service(self) -> splunklib.client.Service:
        member = next(each for each in self.cluster.up() if each.label == self.label)
        scheme, _, address = member.uri.partition("://")
        host, _, port = address.partition(":")
        return splunklib.client.connect(
            scheme=scheme,
            host=host,
            port=int(port),
            username="admin",
            password=PASSWORD,
            app="incident_management",
            owner="nobody",
        )


class Trouble:
    """What disturbs the writers until it is stopped; it goes by the batches taken."""

    def __init__(self, cluster: ClusterProcesses, writers: list[Writer]) -> None:
        self._cluster, self._writers = cluster, writers
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._make)
        self.kills = 0
        self.killed_members = 0
        self.outages = 0

    def start(self) -> None:
        self._switch_the_kv_store(lag_seconds=LAG_SECONDS)
        self._thread.start()

    def stop(self) -> None:
        self._done.set()
        self._thread.join()

    def _make(self) -> None:
        dice = random.Random(9)
        for number in range(1_000_000):
            if not more_come(self._taken, dice.randint(*BETWEEN_KILLINGS), self._done):
                return
            self._kill_handlers()
            if number == 1:
                self._kill_a_member()
            if number % 3 == 0:
                self._switch_the_kv_store(unavailable=1)
                self._done.wait(1.2)
                self._switch_the_kv_store(unavailable=0)

    def _taken(self) -> int:
        return sum(writer.taken for writer in self._writers)

    def enough(self) -> bool:
        """Tell whether there has been some of each kind."""
        return min(self.kills, self.killed_members, self.outages) >= 1

    def _kill_handlers(self) -> None:
        members = {member.pid for member in self._cluster.up()}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                if parent in members and b"persist" in (folder / "cmdline").read_bytes():
                    os.kill(int(folder.name), signal.SIGKILL)
                    self.kills += 1
            except OSError:
                continue

    def _kill_a_member(self) -> None:
        self._cluster.kill("sh3")
        self.killed_members += 1
        self._done.wait(4.0)
        self._cluster.start_member("sh3")

    def _switch_the_kv_store(self, **switches: float) -> None:
        while True:
            try:
                service = Writer(self._cluster, "sh1").service()
                service.post("/services/splunkd_lite/kvstore", **switches)
                break
            except (OSError, StopIteration, splunklib.binding.HTTPError):
                # A member that is short of processor time misses its heartbeat.
                time.sleep(0.2)
        self.outages += switches.get("unavailable") == 1


@pytest.mark.timeout(60 + COUNT // 20)
def test_sixteen_writers_of_three_members_lose_nothing_and_count_nothing_twice(
    cluster: ClusterProcesses,
) -> None:
    storm = [finding(f"host-{number % PROBLEMS}", number // PROBLEMS) for number in range(COUNT)]
    random.Random(4).shuffle(storm)
    batches = [storm[start : start + BATCH] for start in range(0, COUNT, BATCH)]
    # A tenth is delivered twice, as after a lost answer.
    batches += batches[::10]
    writers = [Writer(cluster, cluster.labels[number % 3]) for number in range(WRITERS)]
    threads = [
        threading.Thread(target=writer.deliver, args=(batches[number::WRITERS],))
        for number, writer in enumerate(writers)
    ]
    again = Writer(cluster, "sh1")
    trouble = Trouble(cluster, [*writers, again])
    trouble.start()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while not trouble.enough() and not again.errors:
        again.deliver(batches)
    trouble.stop()
    assert again.errors == []
    assert [error for writer in writers for error in writer.errors] == []

    # Each batch has an answer by now; once more, because a killed handler may have given none.
    last = Writer(cluster, "sh2")
    last.deliver(batches)
    assert last.errors == []
    service = last.service()
    incidents = service.kvstore["incident_incidents"].data.query(limit=0)
    assert len(incidents) == PROBLEMS
    assert sum(incident["signals"] for incident in incidents) == COUNT
    for incident in incidents:
        reply = service.get(f"/services/incident_management/v1/incidents/{incident['id']}/timeline")
        timeline = json.loads(reply.body.read())
        assert timeline["verified"] is True, timeline["problems"]
        counted = [e["kind"] for e in timeline["entries"] if e["counts"]]
        assert counted[:2] == ["opened", "routed"]
    keys = {row["_key"] for row in service.kvstore["incident_signals"].data.query(fields="_key")}
    assert len(keys) == min(COUNT, 50_000)
