"""Indexes: events on disk, read newest first.

Each index is one SQLite file under ``var/lib/splunk/<index>/db``. A write is one transaction, so a
batch is stored as a whole or not at all, and a killed process loses nothing that was acknowledged.
A scan streams, so memory does not grow with the number of events.
"""

from __future__ import annotations

import heapq
import itertools
import json
import sqlite3
import threading
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator, Mapping, NoReturn, Sequence

from tools.splunkd_lite.clock import Clock
from tools.splunkd_lite.conf import ConfStore, is_true
from tools.splunkd_lite.errors import SplunkdError, is_disk_full
from tools.splunkd_lite.spl.context import NO_HINT, ScanHint
from tools.splunkd_lite.spl.values import to_number

__all__ = ["Indexes"]

# SQLite's LIKE stops at a NUL, and does not know the two letters that are ASCII in lower case only
_ODD = "instr(raw, char(0)) OR instr(raw, char(304)) OR instr(raw, char(8490))"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
  id INTEGER PRIMARY KEY, time REAL NOT NULL, indextime INTEGER NOT NULL, host TEXT NOT NULL,
  source TEXT NOT NULL, sourcetype TEXT NOT NULL, raw TEXT NOT NULL, fields TEXT, dedup TEXT);
CREATE INDEX IF NOT EXISTS by_time ON events (time, id);
CREATE UNIQUE INDEX IF NOT EXISTS once ON events (dedup) WHERE dedup IS NOT NULL;
CREATE INDEX IF NOT EXISTS odd ON events (id) WHERE {odd};
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
_PAGE = 1_000
_FIRST_PAGE = 100  # small, for a search that looks at a few events only
_LONGEST_TEXT = 1_000  # characters; longer ones are left to the search
_COLUMNS = {
    "_time": "time",
    "_raw": "raw",
    "host": "host",
    "source": "source",
    "sourcetype": "sourcetype",
    "_indextime": "indextime",
}


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

    def is_metric(self, index: str) -> bool:
        """Whether an index holds metric data points ("datatype" in indexes.conf)."""
        return self._conf.stanzas("indexes")[index].get("datatype", "event") == "metric"

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
        over a kill. Other keys than Splunk's own become indexed fields. A metric index takes data
        points alone: numbers by the name ``metric_name:<metric>``, and dimensions ("Metrics data
        format" in Metrics).

        Raises:
            SplunkdError: 400, no such index, or no data point; 507, the disk is full and nothing
                was stored.
        """
        if index not in self.names():
            raise SplunkdError(400, f"The index '{index}' does not exist or is disabled.")
        now = self._clock.now()
        events = list(events)
        if self.is_metric(index) and not all(map(_is_data_point, events)):
            raise SplunkdError(400, f"The index '{index}' takes metric data points alone.")
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
        self,
        indexes: Sequence[str],
        earliest: float | None = None,
        latest: float | None = None,
        hint: ScanHint = NO_HINT,
    ) -> Iterator[dict[str, Any]]:
        """Events with ``earliest <= _time < latest``, newest first, from all those indexes."""
        return itertools.chain.from_iterable(self.pages(indexes, earliest, latest, hint))

    def pages(
        self,
        indexes: Sequence[str],
        earliest: float | None = None,
        latest: float | None = None,
        hint: ScanHint = NO_HINT,
    ) -> Iterator[list[dict[str, Any]]]:
        """As :meth:`scan`, in lists of at most a thousand events, the first one shorter."""
        names = [name for name in self.matching(indexes) if self.is_metric(name) == hint.metrics]
        sources = [self._pages(name, earliest, latest, hint) for name in names]
        if len(sources) == 1:
            yield from sources[0]
            return
        streams = [itertools.chain.from_iterable(source) for source in sources]
        merged = heapq.merge(*streams, key=lambda event: -event["_time"])
        size = _FIRST_PAGE
        while page := list(itertools.islice(merged, size)):
            yield page
            size = _PAGE

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

    def _pages(
        self, index: str, earliest: float | None, latest: float | None, hint: ScanHint
    ) -> Iterator[list[dict[str, Any]]]:
        if not self._path(index).exists():
            return
        db = sqlite3.connect(self._path(index), check_same_thread=False)
        try:
            if not _is_made(db):
                return
            texts = hint.contains
            if texts and db.execute(f"SELECT 1 FROM events WHERE {_ODD} LIMIT 1").fetchone():
                texts = ()
            where, values = _conditions(earliest, latest, texts)
            columns, make = self._builder(index, hint.fields)
            cursor = db.execute(
                f"SELECT {columns} FROM events{where} ORDER BY time DESC, id DESC", values
            )
            size = _FIRST_PAGE
            while rows := cursor.fetchmany(size):
                yield make(rows)
                size = _PAGE
        finally:
            db.close()

    def _builder(
        self, index: str, fields: frozenset[str] | None
    ) -> tuple[str, Callable[[list[Any]], list[dict[str, Any]]]]:
        """The columns to read, and what makes events of them with these fields, or all."""
        if fields is None or fields & {"_cd", "_bkt", "*"}:
            return "*", lambda rows: [self._event(index, row) for row in rows]
        names = [name for name in _COLUMNS if name in fields or name == "_time"]
        place = len(names)
        fixed = {"index": index, "splunk_server": self._server}
        fixed = {name: value for name, value in fixed.items() if name in fields}

        def make(rows: list[Any]) -> list[dict[str, Any]]:
            events: list[dict[str, Any]] = [dict(zip(names, row)) for row in rows]
            for event, row in zip(events, rows):
                event.update(fixed)
                if row[place]:
                    event.update(json.loads(row[place]))
            return events

        return ", ".join([*(_COLUMNS[name] for name in names), "fields"]), make

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
                db.executescript(_SCHEMA.format(odd=_ODD))
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
            return db.execute(statement).fetchone()[0] if _is_made(db) else None
        finally:
            db.close()

    def _path(self, index: str) -> Path:
        folder = "defaultdb" if index == "main" else index
        return self._root / folder / "db" / "events.sqlite"


def _is_data_point(event: Mapping[str, Any]) -> bool:
    values = [value for name, value in event.items() if name.startswith("metric_name:")]
    return bool(values) and all(to_number(value) is not None for value in values)


def _is_made(db: sqlite3.Connection) -> bool:
    """Whether the index's first write has come so far as to make its table."""
    made = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'events'"
    return db.execute(made).fetchone() is not None


def _conditions(
    earliest: float | None, latest: float | None, texts: Sequence[str]
) -> tuple[str, list[Any]]:
    """A WHERE clause that every event that can match passes, and its values. A % or _ of a text
    is a wildcard to LIKE, which lets more through."""
    terms: list[str] = []
    bounds: list[Any] = []
    if earliest is not None:
        terms.append("time >= ?")
        bounds.append(earliest)
    if latest is not None:
        terms.append("time < ?")
        bounds.append(latest)
    for text in texts:
        if text.isascii() and "\0" not in text and len(text) <= _LONGEST_TEXT:
            terms.append("(raw LIKE ? OR fields IS NOT NULL)")
            bounds.append(f"%{text}%")
    return (" WHERE " + " AND ".join(terms) if terms else ""), bounds
