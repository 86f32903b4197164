"""Runs the members of a cluster, one process each, so that any of them can be killed.

A member's stdin is a pipe from here: when this process ends, however it ends, the pipe closes and
the members stop.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

from tools.splunkd_lite.cluster.membership import ClusterOptions, Member, Membership
from tools.splunkd_lite.errors import SplunkdError

__all__ = ["PORT_STEP", "ClusterPlan", "ClusterProcesses", "stop_with_parent"]

PORT_STEP = 100
START_SECONDS = 60.0
STOP_SECONDS = 30.0
_PORTS = ("mgmt", "web", "hec")


@dataclass(frozen=True)
class ClusterPlan:
    """``ports`` are those of the first member (0: any), the next one's are 100 higher.

    ``arguments`` are passed on to each member as they are (``--app``, ``--python``, ``--http`` …).
    """

    home: Path
    size: int
    ports: tuple[int, int, int] = (0, 0, 0)
    arguments: Sequence[str] = ()
    lease: float = 5.0


class ClusterProcesses:
    """The members ``sh1`` to ``shN`` of one home folder."""

    def __init__(self, plan: ClusterPlan, password: str) -> None:
        self._plan = plan
        self._password = password
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        folder = ClusterOptions(plan.home / "cluster", "onlooker", plan.size, plan.lease)
        self._view = Membership(folder, "", plan.home)  # it looks on, and never joins
        self.labels = [f"sh{number}" for number in range(1, plan.size + 1)]

    def start(self) -> None:
        """Start all members and return when all are up and have a captain.

        Raises:
            SplunkdError: one did not start.
        """
        for label in self.labels:
            self.start_member(label, wait=label == self.labels[0])
        for label in self.labels:
            self.wait_for(label)
        deadline = time.monotonic() + START_SECONDS
        while self.captain() is None:
            if time.monotonic() > deadline:
                raise SplunkdError(500, "The members elected no captain.")
            time.sleep(0.1)

    def start_member(self, label: str, wait: bool = True) -> None:
        """Start one member, or bring it back after a kill."""
        number = self.labels.index(label)
        ports = [port + number * PORT_STEP if port else 0 for port in self._plan.ports]
        command = [sys.executable, "-m", "tools.splunkd_lite", "serve"]
        command += ["--home", str(self._plan.home / label)]
        for name, port in zip(_PORTS, ports, strict=True):
            command += [f"--{name}-port", str(port)]
        command += ["--member", label, "--of", str(self._plan.size)]
        command += ["--lease", str(self._plan.lease), *self._plan.arguments]
        (self._plan.home / label).mkdir(parents=True, exist_ok=True)
        with (self._plan.home / f"{label}.log").open("ab") as log:
            self._running[label] = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env={**os.environ, "SPLUNK_PASSWORD": self._password},
                start_new_session=True,
            )
        if wait:
            self.wait_for(label)

    def wait_for(self, label: str) -> None:
        """Wait until a member's heartbeat is that of the process started last.

        Raises:
            SplunkdError: it ended, or took longer than a minute.
        """
        process = self._running[label]
        deadline = time.monotonic() + START_SECONDS
        while all(member.pid != process.pid for member in self.up()):
            if process.poll() is not None or time.monotonic() > deadline:
                log = self._plan.home / f"{label}.log"
                last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
                raise SplunkdError(500, f"{label} did not start: {' '.join(last)} (see {log})")
            time.sleep(0.05)

    def kill(self, label: str) -> None:
        """``kill -9``."""
        process = self._running[label]
        process.kill()
        process.wait()

    def ended(self) -> list[str]:
        """Members whose process is gone."""
        return [label for label, process in self._running.items() if process.poll() is not None]

    def stop(self) -> None:
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._running.clear()

    def members(self) -> list[Member]:
        return self._view.members()

    def up(self) -> list[Member]:
        return [member for member in self.members() if self._view.is_up(member)]

    def captain(self) -> Member | None:
        return self._view.captain


def stop_with_parent(stop: threading.Event) -> None:
    """Set ``stop`` when the pipe on stdin closes."""

    def wait() -> None:
        while sys.stdin.buffer.read(1):
            pass
        stop.set()

    threading.Thread(target=wait, name="parent", daemon=True).start()
