"""What lets several processes keep one KV store in memory: a log of the keys that changed.

Each member of a cluster holds all documents in memory. Before it reads or writes it asks SQLite
whether another connection has committed (``PRAGMA data_version``) and, if so, reads the documents
that the log names. A write does so inside its own exclusive transaction, so of many members that
insert one ``_key`` exactly one succeeds.
"""

from __future__ import annotations

import sqlite3
from typing import Iterable

__all__ = ["ChangeLog"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS changes (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  app TEXT NOT NULL, owner TEXT NOT NULL, collection TEXT NOT NULL, key TEXT NOT NULL);
"""
KEPT = 20_000  # a member that is further behind reads the store as a whole

Place = tuple[str, str, str, str]  # app, owner, collection, key


class ChangeLog:
    """The log, and how far this member has read it."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        db.executescript(_SCHEMA)
        self._version = -1
        self._seq = self._mine = self._last()

    def news(self) -> list[Place] | None:
        """Places that others have changed since the last call; None: all may have changed."""
        version = int(self._db.execute("PRAGMA data_version").fetchone()[0])
        if version == self._version:
            return []
        self._version = version
        rows = self._db.execute(
            "SELECT seq, app, owner, collection, key FROM changes WHERE seq > ? ORDER BY seq",
            (self._seq,),
        ).fetchall()
        if not rows:
            return []
        missed = rows[0][0] != self._seq + 1
        self._seq = rows[-1][0]
        return None if missed else list(dict.fromkeys(tuple(row[1:]) for row in rows))

    def add(self, places: Iterable[Place]) -> None:
        """Note changes, inside the transaction that makes them."""
        self._db.executemany(
            "INSERT INTO changes (app, owner, collection, key) VALUES (?, ?, ?, ?)", places
        )
        self._mine = self._last()
        self._db.execute("DELETE FROM changes WHERE seq <= ?", (self._mine - KEPT,))

    def committed(self) -> None:
        """The transaction of the last :meth:`add` is in: this member knows what it wrote.

        And no more than that: by now another member may have committed, and asking for the last
        change here would skip what that one wrote.
        """
        self._seq = self._mine

    def _last(self) -> int:
        return int(self._db.execute("SELECT coalesce(max(seq), 0) FROM changes").fetchone()[0])
