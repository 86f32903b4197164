"""Runs the shop's service processes, and replaces one without refusing a single connection."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tools.demo.children import PARENT

START_SECONDS = 20.0
STOP_SECONDS = 10.0
BACKLOG = 128


class NotStarted(Exception):
    """A service process ended, or was not ready in time."""


@dataclass
class Service:
    """One service: the socket it listens on, and the process that serves it now."""

    name: str
    listener: socket.socket
    process: subprocess.Popen[bytes] | None = None

    @classmethod
    def bind(cls, name: str) -> Service:
        """Listen on a free port of the loopback address; the process comes later."""
        listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
        return cls(name, listener)

    @property
    def url(self) -> str:
        """Return the service's base URL."""
        host, port = self.listener.getsockname()[:2]
        return f"http://{host}:{port}"

    def replace(self, config: Path, home: Path, upstream: str) -> None:
        """Start a process with that configuration; once it serves, stop the one before it.

        Raises:
            NotStarted: the new process is not ready; the old one goes on serving.
        """
        old, self.process = self.process, self._start(config, home, upstream)
        if old:
            _stop(old)

    def stop(self) -> None:
        """Stop the process, if there is one."""
        if self.process:
            _stop(self.process)

    def _start(self, config: Path, home: Path, upstream: str) -> subprocess.Popen[bytes]:
        ready, child_ready = os.pipe()
        command = [sys.executable, "-m", f"tools.demo.shop.{self.name}"]
        command += ["--config", str(config), "--data", str(home / "data")]
        command += ["--log", str(home / "log" / f"{self.name}.log"), "--upstream", upstream]
        command += ["--listen-fd", str(self.listener.fileno()), "--ready-fd", str(child_ready)]
        try:
            with (home / "log" / f"{self.name}.out").open("ab") as output:
                process = subprocess.Popen(
                    command,
                    env={**os.environ, PARENT: str(os.getpid())},
                    pass_fds=[self.listener.fileno(), child_ready],
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
            os.close(child_ready)
            child_ready = -1
            if not _is_ready(ready):
                _stop(process)
                raise NotStarted(f"{self.name} did not start with {config.name}: see its log.")
            return process
        finally:
            os.close(ready)
            if child_ready >= 0:
                os.close(child_ready)


def _is_ready(pipe: int) -> bool:
    """Wait for the process's one byte; an ended process closes the pipe without it."""
    readable, _, _ = select.select([pipe], [], [], START_SECONDS)
    return bool(readable) and os.read(pipe, 1) == b"1"


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    limit = time.monotonic() + STOP_SECONDS
    while process.poll() is None and time.monotonic() < limit:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.5)
    if process.poll() is None:
        process.kill()
        process.wait()
