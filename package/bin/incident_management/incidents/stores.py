"""Reading many documents of a collection in few calls, and what a document of claims looks like."""

from __future__ import annotations

from typing import Any, Iterable, Iterator, List, Mapping, Optional, Sequence, Set

from ..ports import Collection, Document, Stores

__all__ = [
    "KEYS_PER_QUERY",
    "MODEL_CALL",
    "MODEL_CALL_OF_DAY",
    "checkpoints_of",
    "claim_document",
    "find_by",
    "keys_since",
]

KEYS_PER_QUERY = 5000
MODEL_CALL, MODEL_CALL_OF_DAY = "model call", "model call of a day"
"""Purposes of the claims that count what a model was asked; held by the incident, or the day."""


def claim_document(
    key: str,
    time: float,
    value: Optional[Mapping[str, Any]] = None,
    *,
    purpose: str = "",
    holder: str = "",
) -> Document:
    """Return a document of ``incident_claims``.

    ``purpose`` is what its kind is found by, the key when not given; ``holder`` whose it is, where
    that matters; ``time`` epoch seconds.
    """
    return {
        "_key": key,
        "purpose": purpose or key,
        "holder": holder,
        "time": time,
        "value": dict(value or {}),
    }


def find_by(
    collection: Collection, name: str, values: Iterable[str], fields: Sequence[str] = ()
) -> List[Document]:
    """Return the documents whose field ``name`` (dotted for a nested one) is one of ``values``.

    One call for each 5,000 values. ``$or`` because the KV store documents no ``$in``. ``fields`` as
    for :meth:`.ports.Collection.find`.
    """
    queries = _queries(name, values)
    return [found for query in queries for found in collection.find(query, fields=fields)]


def keys_since(collection: Collection, name: str, order: str, since: Mapping[str, int]) -> Set[str]:
    """Return the ``_key``s of the documents whose field ``name`` is one of the values of ``since``.

    Of each value only those whose number ``order`` is at least the value's own; 0 means all.
    """
    clauses: List[Document] = [
        {name: value, order: {"$gte": least}} if least else {name: value}
        for value, least in since.items()
    ]
    found: Set[str] = set()
    for start in range(0, len(clauses), KEYS_PER_QUERY):
        some = clauses[start : start + KEYS_PER_QUERY]
        found.update(collection.keys(some[0] if len(some) == 1 else {"$or": some}))
    return found


def _queries(name: str, values: Iterable[str]) -> Iterator[Document]:
    wanted = list(dict.fromkeys(values))
    for start in range(0, len(wanted), KEYS_PER_QUERY):
        some = wanted[start : start + KEYS_PER_QUERY]
        yield {name: some[0]} if len(some) == 1 else {"$or": [{name: value} for value in some]}


def checkpoints_of(stores: Stores, monitor: str) -> List[Document]:
    """Return a monitor's checkpoints, the newest last."""
    found = stores.claims.find({"purpose": f"monitor:{monitor}"})
    return sorted(found, key=lambda one: float(one["value"]["end"]))
