"""Documents in an order that an acceleration gives, so that a page of them is read, not all.

As an index does in MongoDB, the place of each document is kept by the values of the fields, and a
range of the first field begins and ends at a place. What is equal stays as it came. An order of
fields of which a document has an array or an object is given up: an index lists such a document
several times.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from itertools import groupby
from typing import Any, Iterator, Mapping

from tools.splunkd_lite.kvquery import rank, value_at

__all__ = ["Order", "bounds_of"]

Rank = tuple[int, Any]
Bounds = tuple[Rank, Rank]
Place = tuple[tuple[Rank, ...], int, str]
_FIRST, _LAST = (-1, 0), (9, 0)
_OF_NUMBERS = (1, float("-inf")), (1, float("inf"))
_OF_TEXTS = (2, ""), (3, "")
_OBJECTS = (3, 4)


def bounds_of(query: Mapping[str, Any], name: str) -> Bounds:
    """Between which ranks of a field all lies that a query can match."""
    low, high = _FIRST, _LAST
    for field, wanted in query.items():
        found = []
        if field == "$and":
            found = [bounds_of(part, name) for part in wanted]
        elif field == name:
            found = _bounds(wanted)
        low, high = max([low, *(b[0] for b in found)]), min([high, *(b[1] for b in found)])
    return low, high


def _bounds(wanted: Any) -> list[Bounds]:
    """A comparison matches what is of one type with its operand ("Type Bracketing")."""
    if not isinstance(wanted, dict):
        return [(rank(wanted), rank(wanted))] if type(wanted) in (int, float, str) else []
    found = []
    for operator, operand in wanted.items():
        if operator[:3] in ("$gt", "$lt") and type(operand) in (int, float, str):
            low, high = _OF_TEXTS if isinstance(operand, str) else _OF_NUMBERS
            one = rank(operand)
            found.append((one, high) if operator[:3] == "$gt" else (low, one))
    return found


class Order:
    """The keys of documents by the values of some fields, ascending."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self._places: dict[str, Place] = {}
        self._sorted: list[Place] = []
        self._came = 0
        self.is_kept = True

    def fill(self, documents: Iterator[tuple[str, dict[str, Any]]]) -> None:
        """Take over many documents at once."""
        for key, document in documents:
            self._places[key] = self._place(key, document)
        self._sorted = sorted(self._places.values())

    def put(self, key: str, document: dict[str, Any]) -> None:
        """Place a new document, or one that has changed."""
        known = self._places.get(key)
        place = self._place(key, document, known)
        if place != known:
            self.pop(key)
            insort(self._sorted, place)
            self._places[key] = place

    def pop(self, key: str) -> None:
        place = self._places.pop(key, None)
        if place is not None:
            del self._sorted[bisect_left(self._sorted, place)]

    def keys(self, falls: bool, bounds: Bounds) -> Iterator[str]:
        """The keys of those whose first field is within bounds."""
        low, high = bounds
        start = bisect_left(self._sorted, ((low,), -1, ""))
        end = bisect_left(self._sorted, ((high, _LAST), -1, ""))
        if not falls:
            return (place[2] for place in self._sorted[start:end])
        alike = groupby(reversed(self._sorted[start:end]), key=lambda place: place[0])
        return (place[2] for _ranks, group in alike for place in reversed(list(group)))

    def _place(self, key: str, document: dict[str, Any], known: Place | None = None) -> Place:
        ranks = tuple(rank(value_at(document, name)) for name in self._names)
        if any(kind in _OBJECTS for kind, _value in ranks):
            self.is_kept = False
        self._came += known is None
        return ranks, known[1] if known else self._came, key
