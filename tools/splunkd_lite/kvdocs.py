"""The documents of one collection in memory, found by the fields that are accelerated.

A document is kept as its JSON text, so a million of them fit into a gigabyte and give Python's
garbage collector nothing to look at. ``accelerated_fields.<name>`` of collections.conf makes an
index in MongoDB; here its first field is indexed by text value, and an array by each of its
elements, as MongoDB does. That is enough to answer a query for equal texts, alone or within
``$and`` and ``$or``, without reading the others; the query itself is still matched in full.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, Iterable, Iterator

__all__ = ["Documents", "accelerated"]

Document = dict[str, Any]


def accelerated(settings: dict[str, str]) -> tuple[str, ...]:
    """The first field of each acceleration in a stanza of collections.conf."""
    texts = (v for k, v in settings.items() if k.startswith("accelerated_fields."))
    return _first_fields(tuple(texts))


@lru_cache(maxsize=1000)
def _first_fields(texts: tuple[str, ...]) -> tuple[str, ...]:
    fields = []
    for text in texts:
        try:
            declared = json.loads(text)
        except ValueError:
            continue  # a stanza written by hand; the REST endpoint refuses it
        if isinstance(declared, dict):
            fields.extend(list(declared)[:1])
    return tuple(dict.fromkeys(fields))


class Documents:
    """Documents by ``_key``, in the order in which they came."""

    def __init__(self) -> None:
        self._bodies: dict[str, str] = {}
        # Field, then value, then the keys of the documents that hold it (an ordered set).
        self._indexes: dict[str, dict[str, dict[str, None]]] = {}

    def __len__(self) -> int:
        return len(self._bodies)

    def __contains__(self, key: object) -> bool:
        return key in self._bodies

    def __iter__(self) -> Iterator[str]:
        return iter(self._bodies)

    def get(self, key: str) -> Document | None:
        """A copy of a document, or None."""
        body = self._bodies.get(key)
        return json.loads(body) if body is not None else None

    def items(self) -> Iterator[tuple[str, Document]]:
        return ((key, json.loads(body)) for key, body in list(self._bodies.items()))

    def put(self, key: str, body: str, document: Document | None = None) -> None:
        """Store a document's JSON text; ``document`` is the same, if it is at hand."""
        if self._indexes:
            if key in self._bodies:
                self._unlist(key)
            self._list(key, json.loads(body) if document is None else document)
        self._bodies[key] = body

    def pop(self, key: str) -> None:
        if key in self._bodies:
            self._unlist(key)
            del self._bodies[key]

    def index(self, fields: Iterable[str]) -> None:
        """Have an index of each of these fields."""
        for field in fields:
            if field not in self._indexes:
                made: dict[str, dict[str, None]] = {}
                for key, document in self.items():
                    for value in texts_at(document, field.split(".")):
                        made.setdefault(value, {})[key] = None
                self._indexes[field] = made

    def candidates(self, query: Document) -> list[Document]:
        """All documents that may match a query; the others need not be looked at."""
        keys = self._keys(query)
        if keys is None:
            return [json.loads(body) for body in self._bodies.values()]
        return [json.loads(self._bodies[key]) for key in keys if key in self._bodies]

    def _keys(self, query: Document) -> Iterable[str] | None:
        """Keys of all that can match, in a settled order; None: an index does not tell."""
        for name, wanted in query.items():
            if name == "$and":
                for part in wanted:
                    found = self._keys(part)
                    if found is not None:
                        return found
            elif name == "$or":
                found = self._union(wanted)
                if found is not None:
                    return found
            elif isinstance(wanted, str):
                if name == "_key":
                    return [wanted]
                if name in self._indexes:
                    return list(self._indexes[name].get(wanted, ()))
        return None

    def _union(self, parts: list[Document]) -> list[str] | None:
        keys: set[str] = set()
        for part in parts:
            found = self._keys(part)
            if found is None:
                return None
            keys.update(found)
        return sorted(keys)

    def _list(self, key: str, document: Document) -> None:
        for field, index in self._indexes.items():
            for value in texts_at(document, field.split(".")):
                index.setdefault(value, {})[key] = None

    def _unlist(self, key: str) -> None:
        if not self._indexes:
            return
        document = json.loads(self._bodies[key])
        for field, index in self._indexes.items():
            for value in texts_at(document, field.split(".")):
                keys = index.get(value, {})
                keys.pop(key, None)
                if not keys:
                    index.pop(value, None)


def texts_at(value: Any, path: list[str]) -> Iterator[str]:
    """The texts at a dotted path; an array stands for each of its elements."""
    if isinstance(value, list):
        for part in value:
            yield from texts_at(part, path)
    elif path:
        if isinstance(value, dict) and path[0] in value:
            yield from texts_at(value[path[0]], path[1:])
    elif isinstance(value, str):
        yield value
