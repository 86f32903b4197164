"""Queries of the app's collections in few calls, and the format of claim documents."""

from __future__ import annotations

import json
from typing import Any, Iterable, Iterator, List, Mapping, Optional, Sequence, Set, TypeVar

from ..ports import Collection, Document, Stores
from .model import OPEN_STATUSES

__all__ = [
    "IS_OPEN",
    "KEPT_ANSWER",
    "KEPT_ANSWER_SECONDS",
    "KEPT_END",
    "KEYS_PER_QUERY",
    "LARGEST",
    "MODEL_CALL",
    "MODEL_CALL_OF_DAY",
    "any_of",
    "bounded_queries",
    "checkpoints_of",
    "chunks",
    "claim_document",
    "find_by",
    "is_checkpoint",
    "is_number",
    "keys_since",
    "readable_claim",
    "with_prefix",
]

T = TypeVar("T")

KEYS_PER_QUERY = 5000
# Leaves room for the other parts of a query (splunk.kv.store.LONGEST_URL_QUERY_BYTES).
QUERY_CHARACTERS = 5000
MODEL_CALL, MODEL_CALL_OF_DAY = "model call", "model call of a day"
"""Purposes of the claims that count model calls; their holder is the incident, or the day."""
KEPT_ANSWER = "idempotency:"
"""The prefix of the purposes of claims that keep responses for repeated requests."""
KEPT_ANSWER_SECONDS = 24 * 3600.0
LARGEST = 1e300
"""A stored number beyond it, which no time or sum is, counts as malformed."""
KEPT_END = "over"
"""The purpose of the claims that record ended alerts; they are kept as long as responses."""


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield the items in their order, at most ``size`` at a time."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def any_of(name: str, values: Iterable[Any]) -> Document:
    """Return the query for the documents whose field ``name`` is one of at least one value.

    Uses ``$or`` because the KV store documents no ``$in``.

    Raises:
        ValueError: ``values`` is empty: MongoDB refuses an empty ``$or``.
    """
    clauses: List[Document] = [{name: value} for value in values]
    if not clauses:
        raise ValueError(f"No value of {name} is asked for: leave the query out.")
    return clauses[0] if len(clauses) == 1 else {"$or": clauses}


def with_prefix(name: str, prefix: str) -> Document:
    """Return the query for texts that begin with a prefix, which must end in a colon."""
    return {"$and": [{name: {"$gte": prefix}}, {name: {"$lt": prefix[:-1] + ";"}}]}


def bounded_queries(alternatives: Iterable[Document], most: int) -> Iterator[Document]:
    """Yield short queries that together match any alternative, at most ``most`` in each.

    The KV store honors a limit only in a URL; for a query too long for one, it reads all matches.
    """
    some: List[Document] = []
    length = 0
    for clause in alternatives:
        added = len(json.dumps(clause)) + len(", ")
        if some and (len(some) >= most or length + added > QUERY_CHARACTERS):
            yield {"$or": some}
            some, length = [], 0
        some.append(clause)
        length += added
    if some:
        yield {"$or": some} if len(some) > 1 else some[0]


IS_OPEN = any_of("status", OPEN_STATUSES)
"""The query for open incidents."""


def claim_document(
    key: str,
    time: float,
    value: Optional[Mapping[str, Any]] = None,
    *,
    purpose: str = "",
    holder: str = "",
) -> Document:
    """Return a document of ``incident_claims``.

    Args:
        purpose: the kind by which claims are found; by default the key.
        holder: whose claim it is, where that matters.
        time: epoch seconds.
    """
    return {
        "_key": key,
        "purpose": purpose or key,
        "holder": holder,
        "time": time,
        "value": dict(value or {}),
    }


def readable_claim(document: Mapping[str, Any]) -> Document:
    """Return a document of ``incident_claims`` with a valid time and value.

    A malformed time, as after a manual change, becomes 0; a malformed value becomes empty.
    """
    time, value = document.get("time"), document.get("value")
    return {
        **document,
        "time": time if isinstance(time, (int, float)) else 0.0,
        "value": value if isinstance(value, dict) else {},
    }


def find_by(
    collection: Collection, name: str, values: Iterable[str], fields: Sequence[str] = ()
) -> List[Document]:
    """Return the documents whose field ``name`` (dotted for a nested one) is one of ``values``.

    Makes one call for each 5,000 values. ``fields`` as for :meth:`.ports.Collection.find`.
    """
    found: List[Document] = []
    for some in chunks(list(dict.fromkeys(values)), KEYS_PER_QUERY):
        found += collection.find(any_of(name, some), fields=fields)
    return found


def keys_since(collection: Collection, name: str, order: str, since: Mapping[str, int]) -> Set[str]:
    """Return the ``_key``s of the documents whose field ``name`` is one of the keys of ``since``.

    For each, only documents whose number ``order`` is at least its value in ``since``; 0 means all.
    """
    clauses: List[Document] = [
        {name: value, order: {"$gte": least}} if least else {name: value}
        for value, least in since.items()
    ]
    found: Set[str] = set()
    for some in chunks(clauses, KEYS_PER_QUERY):
        found.update(collection.keys(some[0] if len(some) == 1 else {"$or": some}))
    return found


def checkpoints_of(stores: Stores, monitor: str) -> List[Document]:
    """Return a monitor's well-formed checkpoints, the newest last."""
    found = filter(is_checkpoint, stores.claims.find({"purpose": f"monitor:{monitor}"}))
    return sorted(found, key=lambda one: float(one["value"]["end"]))


def is_checkpoint(document: Mapping[str, Any]) -> bool:
    """Tell whether a monitor's checkpoint is well-formed, and not changed by hand."""
    value = document.get("value")
    if not isinstance(value, dict) or not is_number(document.get("time")):
        return False
    numbers = [value.get("end"), value.get("raising_from"), value.get("lag", 0.0)]
    trail = value.get("trail") or []
    if not isinstance(value.get("state"), str) or not isinstance(trail, list):
        return False
    if not all(map(is_number, (*numbers, *trail))):
        return False
    if "learned_as" not in value:
        return True  # Of an early version: the monitor takes only its position from it.
    pairs = (value.get("unwell"), value.get("unwell_since") or [])
    return (
        isinstance(value["learned_as"], str)
        and is_number(value.get("covered_from"))
        and all(isinstance(some, list) and all(map(_is_pair, some)) for some in pairs)
    )


def _is_pair(one: Any) -> bool:
    return isinstance(one, list) and len(one) == 2 and isinstance(one[0], str) and is_number(one[1])


def is_number(value: Any) -> bool:
    """Tell whether a stored value is a usable number: JSON's NaN and Infinity are none."""
    is_one = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_one and abs(value) <= LARGEST
