"""Watches files: ``[monitor://<path>]`` of inputs.conf.

Sources: inputs.conf.spec 10.0, "MONITOR"; "Monitor files and directories" in Getting Data In.
Splunk's own logs go to ``_internal``, as its own inputs.conf has it.
"""

from __future__ import annotations

import os
import re
import sqlite3
import stat
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.splunkd_lite.errors import SplunkdError
from tools.splunkd_lite.runners.errors import RunnerError, Unsupported
from tools.splunkd_lite.runners.settings import seconds, truthy

from .props import props_for, source_pattern
from .tail import CHECK_BYTES, Position, Tail

__all__ = ["FileMonitor"]

LOOK_SECONDS = 1.0
POLL_SECONDS = 0.2
RETRY_SECONDS = 5.0
LEAVING_SECONDS = 10.0  # a writer may still hold a file that was renamed or removed
DEFAULT_PATIENCE = "3"
_COMPONENT = "TailReader"
_TROUBLE = (SplunkdError, RunnerError, OSError, sqlite3.Error)
_SETTINGS = {
    "index", "sourcetype", "host", "source", "disabled", "whitelist", "blacklist", "recursive",
    "followTail", "ignoreOlderThan", "crcSalt", "initCrcLength", "time_before_close",
    "alwaysOpenFile", "multiline_event_extra_waittime", "_rcvbuf", "evt_resolve_ad_obj",
}  # fmt: skip
_ARCHIVES = (".gz", ".bz2", ".zip", ".tar", ".tgz", ".xz", ".Z")
_OWN_LOGS = {
    "monitor://$SPLUNK_HOME/var/log/splunk/splunkd.log": {
        "index": "_internal",
        "sourcetype": "splunkd",
    },
    "monitor://$SPLUNK_HOME/var/log/splunk/*.log": {"index": "_internal"},
}


@dataclass(frozen=True)
class _Watch:
    """One stanza."""

    path: str
    settings: Mapping[str, str]

    @property
    def base(self) -> Path:
        """The folder, or the file, below which everything it can mean lies."""
        fixed = re.split(r"\.\.\.|\*", self.path, maxsplit=1)[0]
        return Path(self.path) if fixed == self.path else Path(fixed.rpartition("/")[0] or "/")

    def wants(self, path: str) -> bool:
        """Whether a file below :attr:`base` is meant."""
        pattern = source_pattern(self.path)
        inside = pattern.match(path) or any(
            pattern.match(str(parent)) for parent in Path(path).parents
        )
        white, black = self.settings.get("whitelist"), self.settings.get("blacklist")
        if not inside or (white and not re.search(white, path)):
            return False
        return not (black and re.search(black, path))


class FileMonitor:
    """All watched files of one stand-in."""

    def __init__(self, splunk: Any) -> None:
        self._splunk = splunk
        self._state = splunk.state("filemonitor")
        self._tails: dict[str, Tail] = {}
        self._leaving: list[Tail] = []
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._complaints: dict[str, float] = {}
        self._looked = False

    def start(self) -> None:
        """Watch, in a thread of its own."""
        self._thread = threading.Thread(target=self._loop, name="file-monitor", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop; what is written down is where the next start goes on."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(10.0)
        for tail in [*self._tails.values(), *self._leaving]:
            tail.close()
        self._tails.clear()
        self._leaving.clear()

    def look(self) -> None:
        """Find new, renamed, truncated and removed files."""
        wanted: dict[str, _Watch] = {}
        for watch in self._watches():
            for path in self._files(watch):
                wanted.setdefault(path, watch)
        for path, tail in list(self._tails.items()):
            if path not in wanted or not _same(tail, path):
                self._leaving.append(self._tails.pop(path))
        for path, watch in wanted.items():
            if path not in self._tails and not self._renamed(path):
                self._open(Path(path), watch)
        if not self._looked:
            self._looked = True
            self._pick_up_rotated()

    def _renamed(self, path: str) -> bool:
        """Go on with an open file that has this name now."""
        for tail in self._leaving:
            if _same(tail, path):
                self._leaving.remove(tail)
                self._tails[path] = tail
                return True
        return False

    def _pick_up_rotated(self) -> None:
        """Finish files that were renamed, to a name that is not watched, while nothing ran."""
        in_use = {tail.position.id for tail in self._tails.values()}
        for position in self._known():
            if position.id in in_use:
                continue
            path = _path_of(position)
            watch = next((w for w in self._watches() if w.wants(position.path)), None)
            if path is None or watch is None or path.stat().st_size <= position.offset:
                continue
            descriptor = os.open(path, os.O_RDONLY)
            if position.fits(descriptor):
                tail = self._tail(Path(position.path), watch, descriptor, position)
                if tail is not None:
                    self._leaving.append(tail)
            else:
                os.close(descriptor)

    def poll(self) -> None:
        """Read what is new in the files that are open."""
        for tail in self._tails.values():
            self._poll_one(tail)
        for tail in list(self._leaving):
            done = self._poll_one(tail) and tail.quiet() >= LEAVING_SECONDS
            if done or not tail.intact():
                self._leaving.remove(tail)
                tail.close()

    def _poll_one(self, tail: Tail) -> bool:
        """Read a file to its present end; False where that failed for now."""
        try:
            while not self._stopping.is_set() and tail.intact() and tail.poll():
                pass
        except _TROUBLE as error:
            self._complain(f"{tail.path}: {error}")
            return False
        return True

    def _loop(self) -> None:
        looked = float("-inf")
        while not self._stopping.is_set():
            try:
                if time.monotonic() - looked >= LOOK_SECONDS:
                    self.look()
                    looked = time.monotonic()
                self.poll()
            except _TROUBLE as error:
                self._complain(str(error))
            self._stopping.wait(POLL_SECONDS)

    def _complain(self, text: str) -> None:
        """Log a lasting trouble once in a while, not at each poll."""
        now = time.monotonic()
        if now - self._complaints.get(text, float("-inf")) >= RETRY_SECONDS * 12:
            self._complaints[text] = now
            self._splunk.log(_COMPONENT, "ERROR", text)

    def _watches(self) -> Iterator[_Watch]:
        home = str(self._splunk.home)
        stanzas = {**_OWN_LOGS, **self._splunk.conf.stanzas("inputs")}
        for name, settings in stanzas.items():
            if not name.startswith("monitor://"):
                continue
            try:
                if truthy(settings.get("disabled"), False, f"disabled in [{name}]"):
                    continue
                unknown = set(settings) - _SETTINGS
                if unknown:
                    said = ", ".join(sorted(unknown))
                    raise Unsupported(f"[{name}] sets {said}, which is not supported here.")
            except RunnerError as error:
                self._complain(str(error))
                continue
            path = name[len("monitor://") :].replace("$SPLUNK_HOME", home).rstrip("/")
            yield _Watch(path, settings)

    def _files(self, watch: _Watch) -> Iterator[str]:
        base = watch.base
        if base.is_file():
            found: Iterator[str] = iter([str(base)])
        else:
            deep = truthy(watch.settings.get("recursive"), True, "recursive")
            found = _walk(base, deep)
        oldest = watch.settings.get("ignoreOlderThan")
        limit = time.time() - seconds(oldest, "ignoreOlderThan") if oldest else 0.0
        for path in found:
            if not watch.wants(path):
                continue
            if path.endswith(_ARCHIVES):
                self._complain(f"{path} is an archive; archives are not read here.")
            elif not limit or os.stat(path).st_mtime >= limit:  # noqa: PTH116
                yield path

    def _open(self, path: Path, watch: _Watch) -> None:
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except OSError as error:
            self._complain(f"{path} could not be opened: {error}")
            return
        try:
            position = self._position(path, descriptor, watch.settings)
        except RunnerError as error:
            os.close(descriptor)
            self._complain(f"{path}: {error}")
            return
        tail = self._tail(path, watch, descriptor, position)
        if tail is not None:
            self._tails[str(path)] = tail

    def _tail(self, path: Path, watch: _Watch, descriptor: int, position: Position) -> Tail | None:
        settings = watch.settings
        host = settings.get("host", "")
        if host in ("", "$decideOnStartup"):
            host = self._splunk.server_name
        source = settings.get("source") or str(path)
        try:
            patience = seconds(settings.get("time_before_close", DEFAULT_PATIENCE), "a wait")
            props = props_for(self._splunk.conf, source, settings.get("sourcetype", ""), host)
        except RunnerError as error:
            os.close(descriptor)
            self._complain(f"{path}: {error}")
            return None
        index = settings.get("index") or "main"
        meta = {
            "index": "main" if index == "default" else index,
            "host": host,
            "source": source,
            "sourcetype": settings.get("sourcetype") or props.sourcetype or _guessed(path),
        }
        return Tail(self._splunk, path, descriptor, position, meta, props, patience)

    def _known(self) -> list[Position]:
        return [Position.load(record) for record in dict(self._state.items()).values()]

    def _position(self, path: Path, descriptor: int, settings: Mapping[str, str]) -> Position:
        """Where to go on: the position that fits this file, or its start.

        A file with another inode that starts with the same 256 bytes and has the same bytes
        before a known position is a copy (``copytruncate``), and is read from there.
        """
        status = os.fstat(descriptor)
        inode = [status.st_dev, status.st_ino]
        in_use = {tail.position.id for tail in [*self._tails.values(), *self._leaving]}
        fitting = [position for position in self._known() if position.fits(descriptor)]
        for position in fitting:
            named = position.offset or position.path == str(path)
            if position.inode == inode and named and position.id not in in_use:
                return position
        offset = 0
        if settings.get("crcSalt") != "<SOURCE>":
            copied = [p for p in fitting if p.head[0] == CHECK_BYTES and p.inode != inode]
            offset = max((position.offset for position in copied), default=0)
        if truthy(settings.get("followTail"), False, "followTail"):
            offset = status.st_size
        position = Tail.new_position(path, descriptor, offset)
        self._state.set(position.id, {**vars(position)})
        return position


def _same(tail: Tail, path: str) -> bool:
    """Whether the path still means the file that is open, with what was read of it."""
    try:
        status = os.stat(path)  # noqa: PTH116 - one call for both numbers
    except OSError:
        return False
    return tail.inode == [status.st_dev, status.st_ino] and tail.intact()


def _path_of(position: Position) -> Path | None:
    """Where the file with a position's inode is now, in the folder where it was."""
    folder = Path(position.path).parent
    if not folder.is_dir():
        return None
    for entry in os.scandir(folder):
        if entry.inode() == position.inode[1] and entry.is_file():
            return Path(entry.path)
    return None


def _walk(base: Path, deep: bool) -> Iterator[str]:
    for folder, folders, files in os.walk(base, followlinks=True):
        if not deep:
            folders.clear()
        for name in sorted(files):
            path = f"{folder}/{name}"
            try:
                if stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116
                    yield path
            except OSError:
                continue  # it has gone since the folder was read


def _guessed(path: Path) -> str:
    """A source type for a file that no setting names one for, in splunkd's form."""
    return f"{path.name.split('.')[0]}-too_small"
