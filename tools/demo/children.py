"""The demo's child processes: started together, stopped together, whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

PARENT = "DEMO_PARENT_PID"
"""Environment variable that tells a child whose end it must not outlive."""

REPOSITORY = Path(__file__).resolve().parents[2]
STOP_SECONDS = 20.0


def end_with_parent() -> None:
    """Stop this process when its parent is gone, however and however early the parent ended."""
    parent = int(os.environ.get(PARENT, os.getppid()))

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


class Children:
    """Starts processes in sessions of their own, so that Ctrl-C reaches only the demo itself."""

    def __init__(self, log_folder: Path) -> None:
        self.log_folder = log_folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(
        self, name: str, arguments: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Run ``python -m arguments…`` from the repository; its output goes to ``<name>.out``.

        Secrets belong in ``environment``, never in ``arguments``, which every user can list.
        """
        self.log_folder.mkdir(parents=True, exist_ok=True)
        with (self.log_folder / f"{name}.out").open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                cwd=REPOSITORY,
                env={**os.environ, PARENT: str(os.getpid()), **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._running[name] = process
        return process

    def output(self, name: str) -> str:
        """Return the last lines that a child printed, to say why it ended."""
        text = (self.log_folder / f"{name}.out").read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-8:])

    def ended(self) -> list[str]:
        """Return the names of children that are no longer running."""
        return [name for name, process in self._running.items() if process.poll() is not None]

    def kill(self, name: str) -> None:
        """End a child's whole session at once, as ``kill -9`` does."""
        process = self._running[name]
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self, name: str) -> None:
        """Ask a child to stop; end it and what it started when it doesn't in time."""
        process = self._running.pop(name)
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def stop_all(self) -> None:
        """Stop every child, the newest first."""
        for name in reversed(list(self._running)):
            self.stop(name)
