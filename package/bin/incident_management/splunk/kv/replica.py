"""Reads that see all earlier writes, on any member of a search head cluster.

In a cluster the KV store sends writes to its captain and answers reads from the member's own copy
("KV store captain" in the Splexicon). The copy follows in the captain's order, a little later
("Replica Set Oplog" and "Replica Set Data Synchronization" in MongoDB's manual). The library needs
more: whoever writes and then reads must see all earlier writes by anyone, so that of two concurrent
writers at least one sees the other.

So the first read after a write waits until a mark that was written after it is in the copy. Because
of the order, so is everything written before. ZooKeeper's ``sync`` does the same ("Consistency
Guarantees" in its Programmer's Guide). It takes two calls; none on a search head that is in no
cluster.
"""

from __future__ import annotations

import secrets
import threading
import time
from typing import Any, Callable, List, Mapping, Optional, Sequence

from ...incidents.stores import claim_document
from ...ports import Clock, Collection, Document, Stores, StoresOf
from ..clock import SystemClock
from ..session import Session, SplunkError
from .store import KvStores

__all__ = ["MAX_BEHIND_SECONDS", "Replica", "SyncedStores", "forget_marks", "stores_of"]

PURPOSE = "synced"
# A copy that is further behind is not waited for: the call that wants to read fails with 503.
MAX_BEHIND_SECONDS = 10.0
FIRST_PAUSE_SECONDS = 0.005
LONGEST_PAUSE_SECONDS = 0.2
# A mark that is older is deleted: its process has ended, or will write another.
MARK_SECONDS = 3600.0
# In ``server_roles`` of ``server/info``: members, of which one is the captain.
CLUSTER_ROLES = frozenset({"shc_member", "shc_captain"})


class Replica:
    """Tracks how much of what this process wrote is certainly in this member's copy.

    One per process, for all its sessions. Threads may share it.
    """

    def __init__(
        self,
        clock: Optional[Clock] = None,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock: Clock = clock or SystemClock()
        self._sleep = sleep
        self._monotonic = monotonic
        self._key = f"{PURPOSE}:{secrets.token_hex(8)}"
        self._is_copy: Optional[bool] = None
        self._counting = threading.Lock()
        self._syncing = threading.Lock()
        # Writes of this process so far; of these, how many the newest mark stands for, and how many
        # are in the copy.
        self._written = 0
        self._marked = 0
        self._seen = 0
        self._mark = ""

    def wrote(self) -> None:
        """Count a write that has ended, even with an error: it may have been executed."""
        with self._counting:
            self._written += 1

    def sync(self, claims: Collection, in_cluster: Callable[[], bool]) -> None:
        """Wait until everything written before this call is in the copy.

        ``in_cluster`` is called once. Raises SplunkError 503 if the copy is too far behind.
        """
        if self._seen == self._written:
            return
        with self._syncing:
            written = self._written
            if self._seen == written:
                return
            if self._is_copy is None:
                self._is_copy = in_cluster()
            if self._is_copy:
                # One that was waited for in vain is waited for again, or it would never be there.
                if self._marked < written:
                    self._save_a_mark(claims)
                    self._marked = written
                self._wait_for_the_mark(claims)
            self._seen = written

    def _save_a_mark(self, claims: Collection) -> None:
        self._mark = secrets.token_hex(8)
        now = self._clock.now()
        claims.save([claim_document(self._key, now, purpose=PURPOSE, holder=self._mark)])

    def _wait_for_the_mark(self, claims: Collection) -> None:
        until = self._monotonic() + MAX_BEHIND_SECONDS
        pause = FIRST_PAUSE_SECONDS
        while (claims.get(self._key) or {}).get("holder") != self._mark:
            if self._monotonic() >= until:
                raise SplunkError(
                    503,
                    f"This search head's copy of the KV store is more than "
                    f"{MAX_BEHIND_SECONDS:.0f} s behind the KV store captain: try again.",
                )
            self._sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


class _SyncedCollection:
    """A collection whose reads wait for the replica; see :class:`.ports.Collection`."""

    def __init__(
        self, collection: Collection, wrote: Callable[[], None], sync: Callable[[], None]
    ) -> None:
        self._collection = collection
        self._wrote = wrote
        self._sync = sync

    def get(self, key: str) -> Optional[Document]:
        self._sync()
        return self._collection.get(key)

    def find(
        self,
        query: Optional[Mapping[str, Any]] = None,
        sort: str = "",
        limit: int = 0,
        skip: int = 0,
        fields: Sequence[str] = (),
    ) -> List[Document]:
        self._sync()
        return self._collection.find(query, sort, limit, skip, fields)

    def keys(self, query: Mapping[str, Any]) -> List[str]:
        self._sync()
        return self._collection.keys(query)

    def insert(self, document: Document) -> bool:
        try:
            return self._collection.insert(document)
        finally:
            self._wrote()

    def save(self, documents: Sequence[Document]) -> None:
        try:
            self._collection.save(documents)
        finally:
            self._wrote()

    def delete(self, key: str) -> bool:
        try:
            return self._collection.delete(key)
        finally:
            self._wrote()

    def delete_matching(self, query: Mapping[str, Any]) -> None:
        try:
            self._collection.delete_matching(query)
        finally:
            self._wrote()


class SyncedStores(StoresOf):
    """All collections of some stores, with reads that wait for the replica."""

    def __init__(self, stores: Stores, replica: Replica, in_cluster: Callable[[], bool]) -> None:
        def sync() -> None:
            replica.sync(stores.claims, in_cluster)

        super().__init__(lambda name: _SyncedCollection(getattr(stores, name), replica.wrote, sync))


def stores_of(session: Session, replica: Replica) -> Stores:
    """Return the app's collections, with a session's rights, for a process that writes to them."""
    return SyncedStores(KvStores(session), replica, lambda: _in_cluster(session))


def forget_marks(stores: Stores, clock: Clock) -> None:
    """Delete the marks of processes that have ended."""
    old = {"purpose": PURPOSE, "time": {"$lt": clock.now() - MARK_SECONDS}}
    stores.claims.delete_matching(old)


def _in_cluster(session: Session) -> bool:
    """Tell whether this is a member of a search head cluster (``server/info``)."""
    content = session.get("/services/server/info")["entry"][0]["content"]
    return bool(CLUSTER_ROLES.intersection(content.get("server_roles") or ()))
