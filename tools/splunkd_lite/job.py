"""One search job."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Sequence

from tools.splunkd_lite.resultsfile import read_results, write_results
from tools.splunkd_lite.spl.execute import Results
from tools.splunkd_lite.spl.holding import Held

__all__ = ["Job"]


def _set_event() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


@dataclass(eq=False)
class Job:
    """A search from dispatch to expiry.

    Times are epoch seconds. ``state`` is one of splunkd's dispatch states. ``messages`` are
    (type, text) pairs. ``rows`` are values as the SPL engine gives them: text, numbers, lists.
    """

    sid: str
    search: str
    user: str
    owner: str
    app: str
    folder: Path
    created: float
    now: float
    earliest: float | None = None
    latest: float | None = None
    saved_search: str | None = None
    scheduled: bool = False
    ttl: float = 600.0
    max_count: int = 500_000
    label: str = ""
    state: str = "QUEUED"
    fields: list[str] = field(default_factory=list)
    messages: list[tuple[str, str]] = field(default_factory=list)
    run_duration: float = 0.0
    scan_count: int = 0
    event_count: int = 0
    row_count: int = 0
    ended: float | None = None
    saved: bool = False
    priority: int = 5
    previews: bool = True
    _preview: Results | None = None
    _rows: Sequence[dict[str, Any]] | None = None
    _stop: threading.Event = field(default_factory=threading.Event)
    _done: threading.Event = field(default_factory=threading.Event)
    _finalize: threading.Event = field(default_factory=threading.Event)
    _going: threading.Event = field(default_factory=_set_event)

    @property
    def dispatch_dir(self) -> Path:
        return self.folder

    @property
    def results_path(self) -> Path:
        return self.folder / "results.csv.gz"

    @property
    def is_done(self) -> bool:
        return self.state in ("DONE", "FAILED")

    @property
    def cancelled(self) -> bool:
        return self._stop.is_set()

    @property
    def number(self) -> int:
        """The running number in the sid, so that a restart goes on counting."""
        found = re.search(r"[._](\d+)(?:_[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12})?$", self.sid)
        return int(found.group(1)) if found else 0

    @property
    def rows(self) -> Sequence[dict[str, Any]]:
        """The results, from memory or from disk; of a running search what it has found so far.
        Many rows are read from disk where they are looked at."""
        rows, shown = self._rows, self._shown
        if rows is None and shown is not None and not self.is_done:
            return shown.rows
        if rows is None:
            rows = read_results(self.results_path)[1] if self.results_path.exists() else []
        return rows

    def start(self, preview: Results) -> None:
        """``preview`` is filled while the search runs."""
        self._preview = preview
        self.state = "RUNNING"

    @property
    def _shown(self) -> Results | None:
        """What there is to see of a running search: the table so far, or the rows so far."""
        preview = self._preview
        return preview if preview is None or preview.partial is None else preview.partial

    @property
    def shown_fields(self) -> list[str]:
        """The order of the fields, of a running search as far as it is known."""
        shown = self._shown
        return self.fields if self.fields or shown is None else list(shown.fields)

    def found(self) -> int:
        """How many rows there are so far, those of a preview among them."""
        shown = self._shown
        return self.row_count if self.is_done or shown is None else len(shown.rows)

    def found_from(self, offset: int) -> Sequence[dict[str, Any]]:
        """At most a thousand rows from that one on, of a running search such as it is sure to
        give."""
        preview = self._preview
        rows = self.rows if self.is_done or preview is None else preview.rows
        return rows[offset : offset + 1_000]

    def finish(self, fields: list[str], rows: Sequence[dict[str, Any]]) -> None:
        """Store the results, then say so."""
        write_results(self.results_path, fields, rows)
        if not isinstance(rows, Held) or not rows.spilled_bytes:
            rows = list(rows)
        self.fields, self._rows, self.row_count = list(fields), rows, len(rows)
        self.state, self._preview = "FINALIZING", None

    def fail(self, text: str) -> None:
        self.messages.append(("FATAL", text))
        self.state, self._preview = "FAILED", None

    def settle(self, now: float) -> None:
        if self.state != "FAILED":
            self.state = "DONE"
        self.ended = now
        self._done.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end; False if ``timeout`` seconds were not enough."""
        return self._done.wait(timeout)

    def cancel(self) -> None:
        """Ask the search to stop at its next event."""
        self._stop.set()
        self._going.set()

    def finalize(self) -> None:
        """Ask the search to end with the events that it has read so far."""
        if not self.is_done:
            self._finalize.set()
            self._going.set()

    @property
    def finalized(self) -> bool:
        return self._finalize.is_set()

    @property
    def paused(self) -> bool:
        return not self._going.is_set()

    def pause(self, on: bool) -> None:
        """Make the search wait at its next event, or go on."""
        if not on or self.is_done:
            self._going.set()
        else:
            self._going.clear()

    def wait_while_paused(self) -> None:
        if not self._going.is_set():
            self._going.wait()

    @property
    def rows_in_memory(self) -> int:
        """How many rows of the results are kept in memory."""
        rows = self._rows
        return rows.in_memory if isinstance(rows, Held) else len(rows or ())

    def unload(self) -> None:
        """Drop the rows from memory; they are on disk. Where only the first ones are in memory,
        these stay, as reading all of them again would take more."""
        if not isinstance(self._rows, Held):
            self._rows = None

    def expired(self, now: float) -> bool:
        return self.is_done and self.ended is not None and now >= self.ended + self.ttl

    def message(self, level: str, text: str) -> None:
        if (level, text) not in self.messages:
            self.messages.append((level, text))

    def info(self) -> dict[str, Any]:
        """What :meth:`restore` needs."""
        kept = {name: getattr(self, name) for name in _KEPT}
        return {**kept, "state": "FAILED" if self.state == "FAILED" else "DONE"}

    @classmethod
    def restore(cls, folder: Path, info: dict[str, Any]) -> Job:
        """A finished job from its folder."""
        info["messages"] = [(kind, text) for kind, text in info["messages"]]
        job = cls(folder=folder, **{name: info[name] for name in (*_KEPT, "state") if name in info})
        job.ended = info["created"] + info["run_duration"]
        job._done.set()
        return job


_KEPT = [
    "sid",
    "search",
    "user",
    "owner",
    "app",
    "created",
    "now",
    "earliest",
    "latest",
    "saved_search",
    "scheduled",
    "ttl",
    "max_count",
    "label",
    "fields",
    "messages",
    "run_duration",
    "scan_count",
    "event_count",
    "row_count",
    "saved",
]
