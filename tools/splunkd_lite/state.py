"""Small durable facts: bulletin messages, fired alerts, the scheduler's last runs.

One SQLite file under ``var/lib/splunk``, JSON values. Each call is one transaction.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from pathlib import Path
from typing import Any

__all__ = ["Shelf", "StateStore"]

BUSY_SECONDS = 30.0


class StateStore:
    """Hands out named shelves of one file."""

    def __init__(self, path: Path) -> None:
        """``path``: the file; members of a cluster may share one."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.lock = threading.RLock()
        self.db = sqlite3.connect(
            path, timeout=BUSY_SECONDS, check_same_thread=False, isolation_level=None
        )
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = NORMAL")
        self.db.execute(
            "CREATE TABLE IF NOT EXISTS state"
            " (shelf TEXT, key TEXT, value TEXT, PRIMARY KEY (shelf, key))"
        )

    def shelf(self, name: str) -> Shelf:
        return Shelf(self, name)

    def close(self) -> None:
        with self.lock:
            self.db.close()


class Shelf:
    """A durable dictionary with JSON values."""

    def __init__(self, store: StateStore, name: str) -> None:
        self._store = store
        self._name = name

    def get(self, key: str, default: Any = None) -> Any:
        with self._store.lock:
            row = self._store.db.execute(
                "SELECT value FROM state WHERE shelf=? AND key=?", (self._name, key)
            ).fetchone()
        return default if row is None else json.loads(row[0])

    def set(self, key: str, value: Any) -> None:
        with self._store.lock:
            self._store.db.execute(
                "INSERT OR REPLACE INTO state VALUES (?, ?, ?)",
                (self._name, key, json.dumps(value)),
            )

    def swap(self, key: str, old: Any, new: Any) -> bool:
        """Set ``new`` if the value is ``old`` (None: there is none). False: somebody was first."""
        with self._store.lock:
            if old is None:
                statement = "INSERT OR IGNORE INTO state (value, shelf, key) VALUES (?, ?, ?)"
                rest = []
            else:
                statement = "UPDATE state SET value=? WHERE shelf=? AND key=? AND value=?"
                rest = [json.dumps(old)]
            cursor = self._store.db.execute(statement, [json.dumps(new), self._name, key, *rest])
        return cursor.rowcount > 0

    def keys(self, prefix: str) -> list[str]:
        """Keys that start with ``prefix``."""
        return [key for key in self.items() if key.startswith(prefix)]

    def delete(self, key: str) -> bool:
        with self._store.lock:
            cursor = self._store.db.execute(
                "DELETE FROM state WHERE shelf=? AND key=?", (self._name, key)
            )
        return cursor.rowcount > 0

    def items(self) -> dict[str, Any]:
        with self._store.lock:
            rows = self._store.db.execute(
                "SELECT key, value FROM state WHERE shelf=? ORDER BY rowid", (self._name,)
            ).fetchall()
        return {key: json.loads(value) for key, value in rows}
