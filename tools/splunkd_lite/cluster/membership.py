"""Who is in the cluster, who is up, and who is its captain.

Source: "Search head clustering architecture" in Distributed Search: members send heartbeats, a
captain is elected by a majority of all members, and the role moves when the captain goes down.
Here each member writes its heartbeat into one SQLite file that all share, and the captain holds a
lease in it; a lease that runs out is taken by the first member that sees a majority up.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

__all__ = ["ClusterOptions", "Member", "Membership"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS member (
  label TEXT PRIMARY KEY, guid TEXT, uri TEXT, home TEXT, pid INTEGER, started REAL,
  heartbeat REAL);
CREATE TABLE IF NOT EXISTS captain (
  one INTEGER PRIMARY KEY CHECK (one = 1), label TEXT, since REAL, until REAL);
"""
_BEATS_A_LEASE = 5.0


@dataclass(frozen=True)
class ClusterOptions:
    """``folder`` is what all members share; ``size`` how many there are; ``lease`` is seconds."""

    folder: Path
    label: str
    size: int
    lease: float = 5.0


@dataclass(frozen=True)
class Member:
    """One member as the others know it. Times are epoch seconds; ``heartbeat`` 0: it left."""

    label: str
    guid: str
    uri: str
    home: str
    pid: int
    started: float
    heartbeat: float


class Membership:
    """This member's view, and its part in elections."""

    def __init__(self, options: ClusterOptions, guid: str, home: Path) -> None:
        self.options = options
        self.label = options.label
        self._guid = guid
        self._home = home
        self._uri = ""
        self._started = time.time()
        self._lock = threading.Lock()
        options.folder.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(
            options.folder / "members.sqlite",
            timeout=30.0,
            check_same_thread=False,
            isolation_level=None,
        )
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._up = 0

    def start(self, uri: str, each_beat: Callable[[], None]) -> None:
        """Join, and call ``each_beat`` after every heartbeat."""
        self._uri = uri
        self.beat()
        self._thread = threading.Thread(
            target=self._loop, args=(each_beat,), name="heartbeat", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Leave: no heartbeat any more, and no lease."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(self.options.lease)
        with self._lock:
            self._db.execute("UPDATE member SET heartbeat=0 WHERE label=?", (self.label,))
            self._db.execute("DELETE FROM captain WHERE label=?", (self.label,))
            self._db.close()

    def beat(self) -> None:
        """Say that this member is up; extend the captain's lease, or take one that ran out."""
        now = time.time()
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute(
                "INSERT OR REPLACE INTO member VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    self.label,
                    self._guid,
                    self._uri,
                    str(self._home),
                    os.getpid(),
                    self._started,
                    now,
                ),
            )
            self._up = self._count_up(now)
            if self._up * 2 > self.options.size:
                self._elect(now)
            self._db.execute("COMMIT")

    def _elect(self, now: float) -> None:
        until = now + self.options.lease
        held = self._db.execute("SELECT label, until FROM captain").fetchone()
        if held is not None and held[0] == self.label:
            self._db.execute("UPDATE captain SET until=?", (until,))
        elif held is None or held[1] < now:
            self._db.execute(
                "INSERT OR REPLACE INTO captain VALUES (1, ?, ?, ?)", (self.label, now, until)
            )

    def _loop(self, each_beat: Callable[[], None]) -> None:
        while not self._stopping.wait(self.options.lease / _BEATS_A_LEASE):
            self.beat()
            each_beat()

    @property
    def captain(self) -> Member | None:
        """The captain; None while there is none."""
        row = self._row("SELECT label FROM captain WHERE until >= ?", (time.time(),))
        label = row[0] if row else None
        return next((member for member in self.members() if member.label == label), None)

    @property
    def elected_at(self) -> float:
        """When the last captain was elected, in epoch seconds; 0: there was none."""
        row = self._row("SELECT since FROM captain", ())
        return float(row[0]) if row else 0.0

    @property
    def is_captain(self) -> bool:
        captain = self.captain
        return captain is not None and captain.label == self.label

    def has_majority(self) -> bool:
        """Whether more than half of all members are up, or were at the last heartbeat."""
        if self._up * 2 <= self.options.size:
            with self._lock:
                self._up = self._count_up(time.time())
        return self._up * 2 > self.options.size

    def _count_up(self, now: float) -> int:
        count = "SELECT count(*) FROM member WHERE heartbeat >= ?"
        found = self._db.execute(count, (now - self.options.lease,)).fetchone()
        return int(found[0])

    def members(self) -> list[Member]:
        """All that ever joined, by label."""
        with self._lock:
            rows = self._db.execute("SELECT * FROM member ORDER BY label").fetchall()
        return [Member(*row) for row in rows]

    def is_up(self, member: Member) -> bool:
        return member.heartbeat >= time.time() - self.options.lease

    def up(self) -> list[str]:
        """Labels of the members whose heartbeat is fresh."""
        return [member.label for member in self.members() if self.is_up(member)]

    def _row(self, statement: str, values: tuple[float, ...]) -> tuple[str, ...] | None:
        with self._lock:
            row: tuple[str, ...] | None = self._db.execute(statement, values).fetchone()
            return row
