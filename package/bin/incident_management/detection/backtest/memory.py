"""The app's collections in memory, so that a replay can run the real ingest and write nothing."""

from __future__ import annotations

import copy
import operator
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

from ...ports import Collection, Document

__all__ = ["MemoryCollection", "MemoryStores"]

_COMPARISONS: Dict[str, Callable[[Any, Any], bool]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}


class MemoryCollection:
    """One collection, see :class:`incident_management.ports.Collection`."""

    def __init__(self) -> None:
        self._documents: Dict[str, Document] = {}

    def get(self, key: str) -> Optional[Document]:
        found = self._documents.get(key)
        return copy.deepcopy(found) if found is not None else None

    def find(
        self,
        query: Optional[Mapping[str, Any]] = None,
        sort: str = "",
        limit: int = 0,
        skip: int = 0,
        fields: Sequence[str] = (),
    ) -> List[Document]:
        found = [d for d in self._documents.values() if _matches(d, query or {})]
        for part in reversed([part for part in (sort or "_key:1").split(",") if part]):
            name, _, direction = part.partition(":")
            found.sort(key=lambda d: _sortable(_value(d, name)), reverse=direction == "-1")
        found = found[skip : skip + limit] if limit else found[skip:]
        if fields:
            found = [{n: d[n] for n in ("_key", *fields) if n in d} for d in found]
        return copy.deepcopy(found)

    def keys(self, query: Mapping[str, Any]) -> List[str]:
        return [key for key, document in self._documents.items() if _matches(document, query)]

    def insert(self, document: Document) -> bool:
        if document["_key"] in self._documents:
            return False
        self._documents[document["_key"]] = copy.deepcopy(document)
        return True

    def save(self, documents: Sequence[Document]) -> None:
        for document in documents:
            self._documents[document["_key"]] = copy.deepcopy(document)

    def delete(self, key: str) -> bool:
        return self._documents.pop(key, None) is not None

    def delete_matching(self, query: Mapping[str, Any]) -> None:
        if not query:
            raise ValueError("Without a query all documents would be deleted.")
        for key in self.keys(query):
            del self._documents[key]


class MemoryStores:
    """All collections, see :class:`incident_management.ports.Stores`."""

    def __init__(self) -> None:
        self.signals: Collection = MemoryCollection()
        self.timeline: Collection = MemoryCollection()
        self.incidents: Collection = MemoryCollection()
        self.claims: Collection = MemoryCollection()
        self.outbox: Collection = MemoryCollection()
        self.plans: Collection = MemoryCollection()
        self.analyses: Collection = MemoryCollection()
        self.suppressions: Collection = MemoryCollection()
        self.subscriptions: Collection = MemoryCollection()
        self.baselines: Collection = MemoryCollection()


def _matches(document: Mapping[str, Any], query: Mapping[str, Any]) -> bool:
    return all(_holds(document, name, wanted) for name, wanted in query.items())


def _holds(document: Mapping[str, Any], name: str, wanted: Any) -> bool:
    if name == "$and":
        return all(_matches(document, part) for part in wanted)
    if name == "$or":
        return any(_matches(document, part) for part in wanted)
    if name == "$not":
        return not _matches(document, wanted)
    if name.startswith("$"):
        raise ValueError(f"The KV store has no operator {name}.")
    mine = _value(document, name)
    if isinstance(wanted, Mapping):
        return all(_compares(mine, sign, given) for sign, given in wanted.items())
    return mine == wanted or (isinstance(mine, list) and wanted in mine)


def _compares(mine: Any, sign: str, given: Any) -> bool:
    """Compare a value, or any of a list's, with one of its own kind; others are unequal."""
    values = mine if isinstance(mine, list) else [mine]
    if sign == "$ne":
        return given not in values
    if sign not in _COMPARISONS:
        raise ValueError(f"The KV store has no operator {sign}.")
    kind = str if isinstance(given, str) else (int, float)
    return any(isinstance(value, kind) and _COMPARISONS[sign](value, given) for value in values)


def _value(document: Mapping[str, Any], name: str) -> Any:
    value: Any = document
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _sortable(value: Any) -> Any:
    return (value is not None, isinstance(value, str), value if value is not None else 0)
