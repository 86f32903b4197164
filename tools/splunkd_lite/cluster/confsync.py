"""Replication of configuration between the members of a cluster.

Source: "Configuration updates that the cluster replicates" in Distributed Search: changes made
through the REST API reach all members, files edited by hand do not, and server.conf's
``[shclustering] conf_replication_include.<conf>`` says which .conf files take part.
The changes are a log that all members share; each applies it in order, its own changes too, so
that members that wrote the same setting at once end up with the same value.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.splunkd_lite.conf import is_true

if TYPE_CHECKING:
    from tools.splunkd_lite.access import Access
    from tools.splunkd_lite.conf import ConfStore
    from tools.splunkd_lite.state import Shelf

__all__ = ["ConfSync"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS change (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, writer TEXT NOT NULL, change TEXT NOT NULL);
"""
_NEWS = "SELECT seq, writer, change FROM change WHERE seq > ? ORDER BY seq"
_ADD = "INSERT INTO change (writer, change) VALUES (?, ?)"
_ACCOUNTS = "passwd"


class ConfSync:
    """One member's end of the replication. ``position`` survives on a shelf of its own."""

    def __init__(
        self, folder: Path, label: str, conf: ConfStore, access: Access, shelf: Shelf
    ) -> None:
        self._label = label
        self._conf = conf
        self._access = access
        self._shelf = shelf
        self._lock = threading.Lock()
        self._db = sqlite3.connect(
            folder / "conf.sqlite", timeout=30.0, check_same_thread=False, isolation_level=None
        )
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.executescript(_SCHEMA)
        conf.on_change = self._publish
        access.on_change = lambda text: self._publish({"conf": _ACCOUNTS, "text": text})

    def close(self) -> None:
        self._conf.on_change = self._access.on_change = None
        with self._lock:
            self._db.close()

    def pull(self) -> int:
        """Apply what is new and return how many changes of others that were."""
        with self._conf.lock:
            position = int(self._shelf.get("position", 0))
            with self._lock:
                rows = self._db.execute(_NEWS, (position,)).fetchall()
            foreign = sum(writer != self._label for _, writer, _ in rows)
            for _, _, change in rows if foreign else []:
                self._apply(json.loads(change))
            if rows:
                self._shelf.set("position", rows[-1][0])
            return foreign

    def _publish(self, change: dict[str, Any]) -> None:
        if not self._included(change["conf"]):
            return
        with self._lock:
            self._db.execute(_ADD, (self._label, json.dumps(change)))

    def _included(self, conf: str) -> bool:
        listed = self._conf.stanzas("server").get("shclustering", {})
        return is_true(listed.get(f"conf_replication_include.{conf}", "false"))

    def _apply(self, change: dict[str, Any]) -> None:
        if change["conf"] == _ACCOUNTS:
            self._access.replay(change["text"])
        else:
            self._conf.replay(change)
