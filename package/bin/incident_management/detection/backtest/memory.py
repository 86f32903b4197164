"""The app's collections in memory, so that a replay can run the real ingest and write nothing.

A week of runs writes thousands of documents, and each run reads the documents of its problems. So
queries by a field's value, or by a range of its numbers, use an index instead of a scan.
"""

from __future__ import annotations

import operator
from bisect import bisect_left, bisect_right, insort
from itertools import chain
from typing import (
    Any,
    Callable,
    Dict,
    Iterable,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
)

from ...ports import Document, StoresOf

__all__ = ["MemoryCollection", "MemoryStores"]

_COMPARISONS: Dict[str, Callable[[Any, Any], bool]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}
_INFINITE = float("inf")


class _Likely(NamedTuple):
    """The documents that may match a part of a query: their number, and how to get their keys."""

    size: int
    keys: Callable[[], Iterable[str]]


class _Values:
    """An index of documents by the values of one field; a list counts with each of its items."""

    def __init__(self, name: str, documents: Iterable[Document]) -> None:
        self._name = name
        self._keys: Dict[Any, Dict[str, None]] = {}
        # Pairs of a number and the key of its document, sorted by number.
        self._numbers: List[Tuple[float, str]] = []
        for document in documents:
            self.add(document)

    def add(self, document: Document) -> None:
        for value in self._of(document):
            self._keys.setdefault(value, {})[document["_key"]] = None
            if isinstance(value, (int, float)):
                insort(self._numbers, (value, document["_key"]))

    def remove(self, document: Document) -> None:
        for value in self._of(document):
            self._keys[value].pop(document["_key"], None)
            if isinstance(value, (int, float)):
                del self._numbers[bisect_left(self._numbers, (value, document["_key"]))]

    def equal(self, value: Any) -> _Likely:
        keys = self._keys.get(value, {})
        return _Likely(len(keys), lambda: keys)

    def between(self, wanted: Mapping[str, Any]) -> Optional[_Likely]:
        """Return the documents within inclusive bounds; None if the bounds are not numbers."""
        if not all(isinstance(bound, (int, float)) for bound in wanted.values()):
            return None
        low = max((wanted[sign] for sign in ("$gt", "$gte") if sign in wanted), default=-_INFINITE)
        high = min((wanted[sign] for sign in ("$lt", "$lte") if sign in wanted), default=_INFINITE)
        first = bisect_left(self._numbers, (low, ""))
        last = bisect_right(self._numbers, (high, "\U0010ffff"))
        # A document whose field is a list may have several numbers within the bounds.
        return _Likely(
            max(0, last - first),
            lambda: dict.fromkeys(key for _number, key in self._numbers[first:last]),
        )

    def _of(self, document: Document) -> List[Any]:
        value = _value(document, self._name)
        values = list(dict.fromkeys(value)) if isinstance(value, list) else [value]
        return [one for one in values if not isinstance(one, (dict, list))]


class MemoryCollection:
    """One collection, see :class:`incident_management.ports.Collection`."""

    def __init__(self) -> None:
        self._documents: Dict[str, Document] = {}
        self._values: Dict[str, _Values] = {}
        """Of the fields that were asked for."""

    def get(self, key: str) -> Optional[Document]:
        found = self._documents.get(key)
        return _copied(found) if found is not None else None

    def find(
        self,
        query: Optional[Mapping[str, Any]] = None,
        sort: str = "",
        limit: int = 0,
        skip: int = 0,
        fields: Sequence[str] = (),
    ) -> List[Document]:
        found = [self._documents[key] for key in self.keys(query or {})]
        for part in reversed([part for part in (sort or "_key:1").split(",") if part]):
            name, _, direction = part.partition(":")
            found.sort(key=lambda d: _sortable(_value(d, name)), reverse=direction == "-1")
        found = found[skip : skip + limit] if limit else found[skip:]
        if fields:
            found = [{n: d[n] for n in ("_key", *fields) if n in d} for d in found]
        return [_copied(one) for one in found]

    def keys(self, query: Mapping[str, Any]) -> List[str]:
        likely = self._likely(query)
        keys = self._documents if likely is None else likely.keys()
        return [key for key in keys if _matches(self._documents[key], query)]

    def insert(self, document: Document) -> bool:
        if document["_key"] in self._documents:
            return False
        self._put(document)
        return True

    def save(self, documents: Sequence[Document]) -> None:
        for document in documents:
            self.delete(document["_key"])
            self._put(document)

    def delete(self, key: str) -> bool:
        document = self._documents.pop(key, None)
        if document is None:
            return False
        for values in self._values.values():
            values.remove(document)
        return True

    def delete_matching(self, query: Mapping[str, Any]) -> None:
        if not query:
            raise ValueError("Without a query all documents would be deleted.")
        for key in self.keys(query):
            self.delete(key)

    def _put(self, document: Document) -> None:
        kept = self._documents[document["_key"]] = _copied(document)
        for values in self._values.values():
            values.add(kept)

    def _likely(self, query: Mapping[str, Any]) -> Optional[_Likely]:
        """Return the candidates by the narrowest part of a query; None: any document may match."""
        found = [one for name, wanted in query.items() for one in self._parts(name, wanted)]
        return min(found, key=lambda one: one.size, default=None)

    def _parts(self, name: str, wanted: Any) -> List[_Likely]:
        if name in ("$and", "$or"):
            parts = [self._likely(part) for part in wanted]
            some = [part for part in parts if part is not None]
            if name == "$and":
                return some
            return [_any_of(some)] if len(some) == len(parts) else []
        if name.startswith("$"):
            return []
        if not isinstance(wanted, dict):
            return [self._having(name).equal(wanted)]
        is_span = wanted.keys() <= _COMPARISONS.keys()
        likely = self._having(name).between(wanted) if is_span else None
        return [likely] if likely else []

    def _having(self, name: str) -> _Values:
        if name not in self._values:
            self._values[name] = _Values(name, self._documents.values())
        return self._values[name]


def _any_of(parts: Sequence[_Likely]) -> _Likely:
    def keys() -> Iterable[str]:
        return dict.fromkeys(chain.from_iterable(part.keys() for part in parts))

    return _Likely(sum(part.size for part in parts), keys)


class MemoryStores(StoresOf):
    """All of the app's collections, in memory."""

    def __init__(self) -> None:
        super().__init__(lambda _name: MemoryCollection())


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
    if isinstance(wanted, dict):
        return all(_compares(mine, sign, given) for sign, given in wanted.items())
    return mine == wanted or (isinstance(mine, list) and wanted in mine)


def _compares(mine: Any, sign: str, given: Any) -> bool:
    """Compare a value, or any item of a list, with one of its own type; other types never match."""
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
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _sortable(value: Any) -> Any:
    return (value is not None, isinstance(value, str), value if value is not None else 0)


def _copied(value: Any) -> Any:
    """Return a deep copy of JSON values."""
    if isinstance(value, dict):
        return {key: _copied(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_copied(one) for one in value]
    return value
