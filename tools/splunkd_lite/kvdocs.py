"""The documents of one collection in memory, found by the fields that are accelerated.

A document is kept as its JSON text, so a million of them fit into a gigabyte and give Python's
garbage collector nothing to look at. ``accelerated_fields.<name>`` of collections.conf makes an
index in MongoDB; here its first field is indexed by text or truth value, and an array by each of
its elements, as MongoDB does, with the number in its second field beside. That is enough for a
query for equal texts, alone or within ``$and`` and ``$or``, and a lower bound of the second field,
without reading the others; the query itself is still matched in full. Of a query that asks for
nothing else the indexes tell the keys (:meth:`Documents.decided`), and no document is read.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, Callable, Iterable, Iterator

from tools.splunkd_lite.kvorder import Order, bounds_of
from tools.splunkd_lite.kvsort import sort_terms

__all__ = ["Documents", "accelerated"]

Document = dict[str, Any]
# Of a query that leads to fewer than one in so many documents, these are read and sorted.
WORTH_AN_ORDER = 10


def accelerated(settings: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """The first two fields of each acceleration in a stanza of collections.conf; "" for none."""
    texts = (v for k, v in settings.items() if k.startswith("accelerated_fields."))
    return _fields(tuple(texts))


@lru_cache(maxsize=1000)
def _fields(texts: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    fields: dict[str, str] = {}
    for text in texts:
        try:
            declared = json.loads(text)
        except ValueError:
            continue  # a stanza written by hand; the REST endpoint refuses it
        if isinstance(declared, dict) and declared:
            first, second = [*declared, ""][:2]
            fields[first] = fields.get(first) or second
    return tuple(fields.items())


class Documents:
    """Documents by ``_key``, in the order in which they came."""

    def __init__(self) -> None:
        self._bodies: dict[str, str] = {}
        # Field, then value, then the keys of the documents that hold it, each with the number in
        # the second field; None for anything but a number.
        self._indexes: dict[str, dict[str | bool, dict[str, float | None]]] = {}
        self._second: dict[str, str] = {}
        self._orders: dict[tuple[str, ...], Order] = {}

    def __len__(self) -> int:
        return len(self._bodies)

    def __contains__(self, key: object) -> bool:
        return key in self._bodies

    def __iter__(self) -> Iterator[str]:
        return iter(self._bodies)

    def copy(self) -> Documents:
        """The same documents, not yet indexed."""
        made = Documents()
        made._bodies = dict(self._bodies)
        return made

    def get(self, key: str) -> Document | None:
        """A copy of a document, or None."""
        body = self._bodies.get(key)
        return json.loads(body) if body is not None else None

    def size(self, key: str) -> int:
        """How many bytes a document takes as JSON; 0 for none."""
        return len(self._bodies.get(key, ""))

    def items(self) -> Iterator[tuple[str, Document]]:
        return ((key, json.loads(body)) for key, body in list(self._bodies.items()))

    def put(self, key: str, body: str, document: Document | None = None) -> None:
        """Store a document's JSON text; ``document`` is the same, if it is at hand."""
        if self._indexes or self._orders:
            document = json.loads(body) if document is None else document
            if key in self._bodies:
                self._unlist(key)
            self._list(key, document)
            for order in self._orders.values():
                order.put(key, document)
        self._bodies[key] = body

    def pop(self, key: str) -> None:
        if key in self._bodies:
            self._unlist(key)
            for order in self._orders.values():
                order.pop(key)
            del self._bodies[key]

    def index(self, fields: Iterable[tuple[str, str]]) -> None:
        """Have an index of each of these pairs of fields."""
        for field, second in fields:
            if self._second.get(field) != second:
                self._indexes[field], self._second[field] = {}, second
                for key, document in self.items():
                    self._list_in(field, key, document)

    def candidates(self, query: Document) -> list[Document]:
        """All documents that may match a query; the others need not be looked at."""
        keys = self._keys(query)
        if keys is None:
            return [json.loads(body) for body in self._bodies.values()]
        return [json.loads(self._bodies[key]) for key in keys if key in self._bodies]

    def first(
        self, query: Document, matches: Callable[[Document], bool], sort: str, most: int
    ) -> list[Document] | None:
        """The first documents that match a query, in an order that an acceleration gives.

        None where reading all that may match is as good, or the order is not kept: that of the
        keys alone is not, as each of a million hashes would come between others.
        """
        terms = sort_terms(sort)
        if not terms or terms[0][0] == "_key" or "." in sort:
            return None
        if len({way for _name, way in terms}) > 1:
            return None
        keys = self._keys(query)
        if keys is not None and WORTH_AN_ORDER * len(keys) < len(self):
            return None
        name, way = terms[0]
        order = self._order(tuple(name for name, _way in terms))
        found: list[Document] = []
        for key in order.keys(way < 0, bounds_of(query, name)) if order.is_kept else ():
            document = json.loads(self._bodies[key])
            if matches(document):
                found.append(document)
                if len(found) == most:
                    break
        return found if order.is_kept else None

    def _order(self, names: tuple[str, ...]) -> Order:
        order = self._orders.get(names)
        if order is None:
            order = self._orders[names] = Order(names)
            order.fill(self.items())
        return order

    def decided(self, query: Document) -> list[str] | None:
        """The keys of exactly the documents that match a query, in the order of candidates.

        None where a document must be read to know.
        """
        parts = query.get("$or")
        if parts is None:
            return self._decided_by_one(query)
        if len(query) > 1 or not isinstance(parts, list):
            return None
        keys: set[str] = set()
        for part in parts:
            found = self._decided_by_one(part)
            if found is None:
                return None
            keys.update(found)
        return sorted(keys)

    def _decided_by_one(self, query: Document) -> list[str] | None:
        """Decide ``{field: text}`` and ``{field: text, second: {"$gte": number}}``."""
        name = next(iter(query), "")
        wanted = query.get(name)
        if not isinstance(wanted, str):
            return None
        if name == "_key":
            return [key for key in (wanted,) if key in self._bodies] if len(query) == 1 else None
        if name not in self._indexes:
            return None
        if len(query) == 1:
            return list(self._indexes[name].get(wanted, ()))
        condition = query.get(self._second[name])
        if len(query) > 2 or not isinstance(condition, dict) or list(condition) != ["$gte"]:
            return None
        if type(condition["$gte"]) not in (int, float):
            return None
        if None in self._indexes[name].get(wanted, {}).values():
            return None
        return self._bounded(name, wanted, condition)

    def _keys(self, query: Document) -> list[str] | None:
        """Keys of all that can match, in a settled order; None: an index does not tell."""
        for name, wanted in query.items():
            if name == "$and":
                ways = [keys for part in wanted if (keys := self._keys(part)) is not None]
                if ways:
                    return min(ways, key=len)
            elif name == "$or":
                found = self._union(wanted)
                if found is not None:
                    return found
            elif isinstance(wanted, (str, bool)):
                if name == "_key" and isinstance(wanted, str):
                    return [wanted]
                if name in self._indexes:
                    return self._bounded(name, wanted, query.get(self._second[name]))
        return None

    def _bounded(self, name: str, wanted: str | bool, condition: Any) -> list[str]:
        keys = self._indexes[name].get(wanted, {})
        least = condition.get("$gte") if isinstance(condition, dict) else None
        if not isinstance(least, (int, float)) or isinstance(least, bool):
            return list(keys)
        return [key for key, number in keys.items() if number is None or number >= least]

    def _union(self, parts: list[Document]) -> list[str] | None:
        keys: set[str] = set()
        for part in parts:
            found = self._keys(part)
            if found is None:
                return None
            keys.update(found)
        return sorted(keys)

    def _list(self, key: str, document: Document) -> None:
        for field in self._indexes:
            self._list_in(field, key, document)

    def _list_in(self, field: str, key: str, document: Document) -> None:
        index = self._indexes[field]
        second = document.get(self._second[field])
        plain = isinstance(second, (int, float)) and not isinstance(second, bool)
        for value in _texts(document, field):
            index.setdefault(value, {})[key] = second if plain else None

    def _unlist(self, key: str) -> None:
        if not self._indexes:
            return
        document = json.loads(self._bodies[key])
        for field, index in self._indexes.items():
            for value in _texts(document, field):
                keys = index.get(value, {})
                keys.pop(key, None)
                if not keys:
                    index.pop(value, None)


def _texts(document: Document, field: str) -> Iterable[str | bool]:
    value = document.get(field)
    if "." not in field and not isinstance(value, (list, dict)):
        return (value,) if isinstance(value, (str, bool)) else ()
    return texts_at(document, field.split("."))


def texts_at(value: Any, path: list[str]) -> Iterator[str | bool]:
    """The texts and truth values at a dotted path; an array stands for each of its elements."""
    if isinstance(value, list):
        for part in value:
            yield from texts_at(part, path)
    elif path:
        if isinstance(value, dict) and path[0] in value:
            yield from texts_at(value[path[0]], path[1:])
    elif isinstance(value, (str, bool)):
        yield value
