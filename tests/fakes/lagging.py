"""A search head whose KV store is not the captain: it reads an older state, in the captain's order.

Time moves only in :meth:`Replication.sleep`, which stands for a process's waits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Dict, List, Mapping, Optional, Tuple

from incident_management.ports import Stores
from incident_management.splunk.kv.replica import Replica, SyncedStores
from tests.fakes.stores import Document, FakeCollection, FakeStores

__all__ = ["CaptainStores", "Replication", "member_of"]


class Replication:
    """The captain's writes with their times. Copies are ``lag`` seconds behind."""

    def __init__(self, lag: float) -> None:
        self.lag = lag
        self.now = 0.0
        self.operations: List[Tuple[float, str, str, Optional[str]]] = []

    def wrote(self, collection: str, key: str, text: Optional[str]) -> None:
        self.operations.append((self.now, collection, key, text))

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class _Logged(Dict[str, str]):
    """The captain's documents by key; each change is recorded."""

    def __init__(self, note: Callable[[str, Optional[str]], None]) -> None:
        super().__init__()
        self._note = note

    def __setitem__(self, key: str, text: str) -> None:
        super().__setitem__(key, text)
        self._note(key, text)

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        self._note(key, None)

    def pop(self, key: str, *default: Any) -> Any:
        if key in self:
            self._note(key, None)
        return super().pop(key, *default)


class CaptainStores(FakeStores):
    """The captain's stores; its reads are never late."""

    def __init__(self, replication: Replication) -> None:
        super().__init__()
        self.replication = replication
        for collection in self.collections:
            collection.documents = _Logged(self._noting(collection.name))

    def _noting(self, name: str) -> Callable[[str, Optional[str]], None]:
        return lambda key, text: self.replication.wrote(name, key, text)


class _Copy(FakeCollection):
    """Reads of a copy that lags; writes go to the captain's collection."""

    def __init__(self, captains: FakeCollection, catch_up: Callable[[], None]) -> None:
        super().__init__(captains.name)
        self._captains = captains
        self._catch_up = catch_up
        self.insert = captains.insert  # type: ignore[method-assign]
        self.save = captains.save  # type: ignore[method-assign]
        self.delete = captains.delete  # type: ignore[method-assign]
        self.delete_matching = captains.delete_matching  # type: ignore[method-assign]

    def get(self, key: str) -> Optional[Document]:
        self._catch_up()
        return super().get(key)

    def find(
        self,
        query: Optional[Mapping[str, Any]] = None,
        sort: str = "",
        limit: int = 0,
        skip: int = 0,
        fields: Sequence[str] = (),
    ) -> List[Document]:
        self._catch_up()
        return super().find(query, sort, limit, skip, fields)


class MemberStores(FakeStores):
    """The stores of a member that is not the captain, as the KV store answers them."""

    def __init__(self, captain: CaptainStores) -> None:
        super().__init__()
        self._replication = captain.replication
        self._applied = 0
        for name in self.NAMES:
            setattr(self, name, _Copy(getattr(captain, name), self._catch_up))

    def _catch_up(self) -> None:
        log = self._replication
        while self._applied < len(log.operations):
            time, name, key, text = log.operations[self._applied]
            if time > log.now - log.lag:
                return
            documents = getattr(self, name).documents
            if text is None:
                documents.pop(key, None)
            else:
                documents[key] = text
            self._applied += 1


def member_of(captain: CaptainStores) -> Stores:
    """Return a member's stores as the app uses them: a process of its own."""
    log = captain.replication
    replica = Replica(sleep=log.sleep, monotonic=lambda: log.now)
    return SyncedStores(MemberStores(captain), replica, lambda: True)
