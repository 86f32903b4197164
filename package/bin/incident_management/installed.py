"""Detect that the installed app was upgraded, disabled or enabled while a process runs.

An upgrade replaces the app's files while its processes keep running: splunkd reloads changed conf
files "after every app-state change: install, update …" and need not restart (``[triggers]`` in
app.conf.spec). A process that imports some modules before and some after would run half of each
version. So long-running processes exit, and splunkd starts them again.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Optional, Tuple

__all__ = ["Installed", "build_number", "state_changed_at"]

# Its build number and version differ in each package.
APP_CONF = Path(__file__).resolve().parents[2] / "default" / "app.conf"

LOCAL_APP_CONF = APP_CONF.parents[1] / "local" / "app.conf"


def state_changed_at(path: Path = LOCAL_APP_CONF) -> float:
    """Return when the app was last disabled or enabled, in epoch seconds; 0: never.

    "This file maintains the state of a given app" (app.conf.spec): splunkd writes ``state`` of
    ``[install]`` to the app's ``local`` folder.
    """
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def build_number(path: Path = APP_CONF) -> str:
    """Return the installed build's number; empty if there is none."""
    found = re.search(r"(?m)^build\s*=\s*(\S+)", path.read_text(encoding="utf-8"))
    return found.group(1) if found else ""


class Installed:
    """The app as installed when this was made. Checking the file's metadata takes microseconds."""

    def __init__(self, path: Path = APP_CONF) -> None:
        self._path = path
        self._entry = self._file_version()
        self._text = self._read()

    def replaced(self) -> bool:
        """Tell whether another build has been installed, or is being installed."""
        entry = self._file_version()
        if entry == self._entry:
            return False
        if self._read() != self._text:
            return True
        self._entry = entry
        return False

    def _file_version(self) -> Optional[Tuple[int, int, int]]:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size

    def _read(self) -> Optional[bytes]:
        try:
            return self._path.read_bytes()
        except OSError:
            return None
