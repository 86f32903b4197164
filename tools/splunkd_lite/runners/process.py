"""Starts an app's program the way splunkd does: its environment, its Python, a group of its own.

Every program is the leader of a new session, so that ending it ends its children too. While it
runs, a file in ``var/run/splunk/processes`` names it; :func:`reap_orphans` uses those files to end
what a killed stand-in left behind (splunkd's own process-runner does the same for splunkd).
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from .errors import ProcessFailed

__all__ = ["AppProcess", "app_environment", "reap_orphans", "script_path"]

PYLIB = Path(__file__).resolve().parent.parent / "pylib"
KILL_GRACE_SECONDS = 2.0
MAX_STDERR_LINE = 10_000

# What a program keeps of our own environment. Splunk hands its environment down; a test run's
# PYTHON* or PYTEST_* variables are no part of a Splunk server's.
_KEPT = ("LANG", "LC_ALL", "TZ", "TMPDIR", "HOME", "USER", "SSL_CERT_FILE")


def app_environment(splunk: Any) -> dict[str, str]:
    """The environment that splunkd gives to the programs of apps."""
    home = str(splunk.home)
    env = {name: os.environ[name] for name in _KEPT if name in os.environ}
    env.setdefault("LANG", "C.UTF-8")
    env.update(
        {
            "PATH": f"{home}/bin:/usr/local/bin:/usr/bin:/bin",
            "SPLUNK_HOME": home,
            "SPLUNK_DB": f"{home}/var/lib/splunk",
            "SPLUNK_ETC": f"{home}/etc",
            "SPLUNK_SERVER_NAME": str(splunk.server_name),
            "PYTHONPATH": str(PYLIB),
            "PYTHONNOUSERSITE": "1",
        }
    )
    return env


def script_path(splunk: Any, app: str, filename: str) -> Path:
    """The script ``filename`` in an app's ``bin``.

    Raises:
        ProcessFailed: it is not there, or lies outside ``bin``.
    """
    folder = (Path(splunk.home) / "etc" / "apps" / app / "bin").resolve()
    path = (folder / filename).resolve()
    if folder not in path.parents:
        raise ProcessFailed(f"The script '{filename}' of app '{app}' is outside its bin folder.")
    if not path.is_file():
        raise ProcessFailed(f"The script '{filename}' of app '{app}' does not exist in its bin.")
    return path


class AppProcess:
    """A running program of an app, with pipes on stdin and stdout.

    Its stderr goes, line by line, to splunkd.log under ``component``.
    """

    def __init__(
        self,
        splunk: Any,
        arguments: Sequence[str],
        component: str,
        label: str,
        extra_environment: dict[str, str] | None = None,
    ) -> None:
        """Start it. ``arguments`` come after the Python interpreter; ``label`` names it in logs.

        Raises:
            ProcessFailed: the interpreter could not be started.
        """
        self.label = label
        self.stderr_tail: list[str] = []
        self._log = splunk.log
        self._component = component
        try:
            self._popen = subprocess.Popen(
                [str(splunk.python), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**app_environment(splunk), **(extra_environment or {})},
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            raise ProcessFailed(f"{label} could not be started: {error}.") from error
        self._started = _start_time(self._popen.pid)
        try:
            self._mark = _write_mark(Path(splunk.home), self._popen.pid)
        except OSError as error:
            _signal_group(self._popen.pid, signal.SIGKILL)
            self._popen.wait()
            raise ProcessFailed(f"{label} could not be written down: {error}.") from error
        self._stderr = threading.Thread(
            target=self._drain_stderr, name=f"stderr-{label}", daemon=True
        )
        self._stderr.start()

    @property
    def pid(self) -> int:
        """The process id, which is its group's id too."""
        return self._popen.pid

    @property
    def stdin(self) -> IO[bytes]:
        """What the program reads."""
        assert self._popen.stdin is not None
        return self._popen.stdin

    @property
    def stdout(self) -> IO[bytes]:
        """What the program writes."""
        assert self._popen.stdout is not None
        return self._popen.stdout

    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._popen.poll() is None

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for the end; the exit status, or None when ``timeout`` seconds passed first."""
        try:
            status = self._popen.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        self._stderr.join(KILL_GRACE_SECONDS)
        self._mark.unlink(missing_ok=True)
        return status

    def close_stdin(self) -> None:
        """Tell the program that nothing more comes."""
        try:
            self.stdin.close()
        except BrokenPipeError:
            self._log(self._component, "DEBUG", f"{self.label} no longer reads its input.")

    def end(self, grace: float = KILL_GRACE_SECONDS) -> int:
        """End the program and its children: SIGTERM, and after ``grace`` seconds SIGKILL."""
        if self.running():
            _signal_group(self.pid, signal.SIGTERM)
            if self.wait(grace) is None:
                _signal_group(self.pid, signal.SIGKILL)
        status = self._popen.wait()
        if _start_time(self.pid) in ("", self._started):  # the number was not given away since
            _signal_group(self.pid, signal.SIGKILL)  # children that outlived their parent
        self._stderr.join(KILL_GRACE_SECONDS)
        self._mark.unlink(missing_ok=True)
        for pipe in (self._popen.stdin, self._popen.stdout):
            if pipe is not None:
                _close_quietly(pipe)
        return status

    def _drain_stderr(self) -> None:
        assert self._popen.stderr is not None
        with self._popen.stderr as stream:
            for raw in iter(lambda: stream.readline(MAX_STDERR_LINE), b""):
                line = raw.decode("utf-8", "backslashreplace").rstrip("\r\n")
                self.stderr_tail = [*self.stderr_tail[-19:], line]
                self._log(self._component, _level_of(line), f"{self.label}: {line}")


def reap_orphans(home: Path) -> list[int]:
    """End programs that an earlier, killed stand-in with this home left running; their ids.

    A process is only ended when it started at the very time that was written down for it, so a
    number that the system has given to another program since is left alone.
    """
    ended = []
    for mark in _marks(home).iterdir():
        pid = int(mark.name)
        if mark.read_text().strip() == _start_time(pid) != "":
            _signal_group(pid, signal.SIGKILL)
            ended.append(pid)
        mark.unlink(missing_ok=True)
    return ended


def _marks(home: Path) -> Path:
    folder = Path(home) / "var" / "run" / "splunk" / "processes"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _write_mark(home: Path, pid: int) -> Path:
    mark = _marks(home) / str(pid)
    mark.write_text(_start_time(pid))
    return mark


def _start_time(pid: int) -> str:
    """When a process started, in clock ticks since boot (field 22 of proc(5)'s stat), or ""."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _signal_group(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return  # the group has ended, which is what was wanted


def _close_quietly(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except OSError:
        return  # unsent bytes to a program that has ended


def _level_of(line: str) -> str:
    """A stderr line's level: modular inputs write ``LEVEL text`` (splunklib's EventWriter.log)."""
    first = line.split(" ", 1)[0]
    return {"DEBUG": "DEBUG", "INFO": "INFO", "WARN": "WARN", "FATAL": "FATAL"}.get(first, "ERROR")
