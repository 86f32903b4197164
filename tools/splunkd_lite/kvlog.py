"""What lets several processes keep one KV store in memory: a log of the keys that changed.

Each member of a cluster holds all documents in memory. Before it reads or writes it asks SQLite
whether another connection has committed (``PRAGMA data_version``) and, if so, reads the documents
that the log names. A write does so inside its own exclusive transaction, so of many members that
insert one ``_key`` exactly one succeeds.

The log holds what was written as well, and when, for members that lag (``kvlag.py``).
"""

from __future__ import annotations

import sqlite3
import time
from typing import Iterable, Iterator

__all__ = ["Change", "ChangeLog", "Place"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS operations (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  app TEXT NOT NULL, owner TEXT NOT NULL, collection TEXT NOT NULL, key TEXT NOT NULL,
  body TEXT, time REAL NOT NULL);
"""
KEPT = 20_000  # a member that is further behind reads the store as a whole

Place = tuple[str, str, str, str]  # app, owner, collection, key
Change = tuple[str, str, str, str, "str | None"]  # a place and the new text; None: deleted


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
            "SELECT seq, app, owner, collection, key FROM operations WHERE seq > ? ORDER BY seq",
            (self._seq,),
        ).fetchall()
        if not rows:
            return []
        missed = rows[0][0] != self._seq + 1
        self._seq = rows[-1][0]
        return None if missed else list(dict.fromkeys(tuple(row[1:]) for row in rows))

    @property
    def seq(self) -> int:
        """The newest change that this member knows."""
        return self._seq

    def add(self, changes: Iterable[Change]) -> None:
        """Note changes, inside the transaction that makes them."""
        now = time.time()
        self._db.executemany(
            "INSERT INTO operations (app, owner, collection, key, body, time)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            ((*change, now) for change in changes),
        )
        self._mine = self._last()
        self._db.execute("DELETE FROM operations WHERE seq <= ?", (self._mine - KEPT,))

    def since(self, seq: int, until: float) -> Iterator[tuple[int, Change]]:
        """The changes after ``seq``, in order, up to the first one later than ``until``.

        Raises LookupError when some of them are not kept any more.
        """
        rows = self._db.execute("SELECT * FROM operations WHERE seq > ? ORDER BY seq", (seq,))
        for number, *change, changed in rows:
            if number != seq + 1:
                raise LookupError(f"what came after change {seq}")
            if changed > until:
                return
            seq = number
            yield seq, tuple(change)

    def committed(self) -> None:
        """The transaction of the last :meth:`add` is in: this member knows what it wrote.

        And no more than that: by now another member may have committed, and asking for the last
        change here would skip what that one wrote.
        """
        self._seq = self._mine

    def _last(self) -> int:
        return int(self._db.execute("SELECT coalesce(max(seq), 0) FROM operations").fetchone()[0])
