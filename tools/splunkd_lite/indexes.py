"""Indexes: events on disk, read newest first.

Each index is one SQLite file under ``var/lib/splunk/<index>/db``. A write is one transaction, so a
batch is stored as a whole or not at all, and a killed process loses nothing that was acknowledged.
A scan streams, so memory does not grow with the number of events.
"""

from __future__ import annotations

import heapq
import json
import sqlite3
import threading
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator, Mapping, NoReturn, Sequence

from tools.splunkd_lite.clock import Clock
from tools.splunkd_lite.conf import ConfStore, is_true
from tools.splunkd_lite.errors import SplunkdError, is_disk_full

__all__ = ["Indexes"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
  id INTEGER PRIMARY KEY, time REAL NOT NULL, indextime INTEGER NOT NULL, host TEXT NOT NULL,
  source TEXT NOT NULL, sourcetype TEXT NOT NULL, raw TEXT NOT NULL, fields TEXT, dedup TEXT);
CREATE INDEX IF NOT EXISTS by_time ON events (time, id);
CREATE UNIQUE INDEX IF NOT EXISTS once ON events (dedup) WHERE dedup IS NOT NULL;
"""
_INSERT = (
    "INSERT OR IGNORE INTO events"
    " (time, indextime, host, source, sourcetype, raw, fields, dedup)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_OWN_KEYS = frozenset(
    [
        "_time",
        "_indextime",
        "_raw",
        "host",
        "source",
        "sourcetype",
        "index",
        "_cd",
        "_bkt",
        "_si",
        "_dedup",
        "splunk_server",
    ]
)
_BUCKET = 1_000_000  # events to a bucket, for the look of _cd and _bkt
_PAGE = 2_000


class Indexes:
    """The indexes that indexes.conf defines."""

    def __init__(
        self,
        home: Path,
        conf: ConfStore,
        clock: Clock,
        server_name: str,
        guid: str,
        on_disk_full: Callable[[str], None] | None = None,
    ) -> None:
        self._root = home / "var" / "lib" / "splunk"
        self._conf = conf
        self._clock = clock
        self._server = server_name
        self._guid = guid
        self._on_disk_full = on_disk_full
        self._lock = threading.Lock()
        self._writers: dict[str, sqlite3.Connection] = {}

    def names(self) -> list[str]:
        """Enabled indexes, A to Z."""
        stanzas = self._conf.stanzas("indexes")
        return sorted(
            name
            for name, body in stanzas.items()
            if not is_true(body.get("disabled", "false")) and ":" not in name
        )

    def matching(self, patterns: Sequence[str]) -> list[str]:
        """Indexes that names or wildcards mean. ``*`` leaves out internal ones, as in Splunk."""
        return [
            name
            for name in self.names()
            if any(
                fnmatchcase(name, p) and name.startswith("_") <= p.startswith("_") for p in patterns
            )
        ]

    def write(self, index: str, events: Iterable[Mapping[str, Any]]) -> int:
        """Store events, all of them or none, and return how many were new.

        An event needs ``_raw``; ``_time`` (epoch seconds) defaults to now. An event whose
        ``_dedup`` (text) was stored before is left out: inputs use it to deliver exactly once
        over a kill. Other keys than Splunk's own become indexed fields.

        Raises:
            SplunkdError: 400, no such index; 507, the disk is full and nothing was stored.
        """
        if index not in self.names():
            raise SplunkdError(400, f"The index '{index}' does not exist or is disabled.")
        now = self._clock.now()
        rows = [self._row(event, now) for event in events]
        with self._lock:
            db = self._writer(index)
            try:
                before = db.total_changes
                db.execute("BEGIN IMMEDIATE")
                db.executemany(_INSERT, rows)
                db.execute("COMMIT")
            except sqlite3.OperationalError as error:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                if not is_disk_full(error):
                    raise
                self._refuse(index, len(rows), error)
            return db.total_changes - before

    def scan(
        self, indexes: Sequence[str], earliest: float | None = None, latest: float | None = None
    ) -> Iterator[dict[str, Any]]:
        """Events with ``earliest <= _time < latest``, newest first, from all those indexes."""
        streams = [self._scan_one(name, earliest, latest) for name in self.matching(indexes)]
        if len(streams) == 1:
            return streams[0]
        return heapq.merge(*streams, key=lambda event: -event["_time"])

    def count(self, index: str) -> int:
        return int(self._one(index, "SELECT count(*) FROM events") or 0)

    def span(self, index: str) -> tuple[float | None, float | None]:
        """The oldest and the newest ``_time``."""
        return (
            self._one(index, "SELECT min(time) FROM events"),
            self._one(index, "SELECT max(time) FROM events"),
        )

    def size(self, index: str) -> int:
        """Bytes on disk."""
        return sum(path.stat().st_size for path in self._path(index).parent.glob("events.*"))

    def clean(self, index: str) -> None:
        """Remove all events of an index."""
        with self._lock:
            self._writer(index).execute("DELETE FROM events")

    def close(self) -> None:
        with self._lock:
            for db in self._writers.values():
                db.close()
            self._writers.clear()

    def _scan_one(
        self, index: str, earliest: float | None, latest: float | None
    ) -> Iterator[dict[str, Any]]:
        if not self._path(index).exists():
            return
        where, bounds = _range(earliest, latest)
        db = sqlite3.connect(self._path(index), check_same_thread=False)
        try:
            cursor = db.execute(f"SELECT * FROM events{where} ORDER BY time DESC, id DESC", bounds)
            while rows := cursor.fetchmany(_PAGE):
                for row in rows:
                    yield self._event(index, row)
        finally:
            db.close()

    def _event(self, index: str, row: tuple[Any, ...]) -> dict[str, Any]:
        number, time, indextime, host, source, sourcetype, raw, fields, _ = row
        bucket = number // _BUCKET
        event = {
            "_time": time,
            "_raw": raw,
            "index": index,
            "host": host,
            "source": source,
            "sourcetype": sourcetype,
            "_indextime": indextime,
            "_cd": f"{bucket}:{number}",
            "_bkt": f"{index}~{bucket}~{self._guid}",
            "splunk_server": self._server,
        }
        if fields:
            event.update(json.loads(fields))
        return event

    def _row(self, event: Mapping[str, Any], now: float) -> tuple[Any, ...]:
        extra = {key: value for key, value in event.items() if key not in _OWN_KEYS}
        return (
            float(event.get("_time", now)),
            int(now),
            str(event.get("host") or self._server),
            str(event.get("source") or "unknown"),
            str(event.get("sourcetype") or "unknown"),
            str(event["_raw"]),
            json.dumps(extra) if extra else None,
            event.get("_dedup"),
        )

    def _writer(self, index: str) -> sqlite3.Connection:
        db = self._writers.get(index)
        if db is None:
            path = self._path(index)
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
                db.execute("PRAGMA journal_mode = WAL")
                db.execute("PRAGMA synchronous = NORMAL")
                db.executescript(_SCHEMA)
            except (OSError, sqlite3.OperationalError) as error:
                if not is_disk_full(error):
                    raise
                self._refuse(index, 0, error)
            self._writers[index] = db
        return db

    def _refuse(self, index: str, count: int, error: BaseException) -> NoReturn:
        text = (
            f"The index '{index}' could not write to {self._root}: the disk is full. "
            f"{count} events were not stored; free some space and send them again."
        )
        if self._on_disk_full:
            self._on_disk_full(text)
        raise SplunkdError(507, text) from error

    def _one(self, index: str, statement: str) -> Any:
        if not self._path(index).exists():
            return None
        db = sqlite3.connect(self._path(index))
        try:
            return db.execute(statement).fetchone()[0]
        finally:
            db.close()

    def _path(self, index: str) -> Path:
        folder = "defaultdb" if index == "main" else index
        return self._root / folder / "db" / "events.sqlite"


def _range(earliest: float | None, latest: float | None) -> tuple[str, list[float]]:
    terms, bounds = [], []
    if earliest is not None:
        terms.append("time >= ?")
        bounds.append(earliest)
    if latest is not None:
        terms.append("time < ?")
        bounds.append(latest)
    return (" WHERE " + " AND ".join(terms) if terms else ""), bounds
