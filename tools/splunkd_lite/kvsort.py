"""Which orders an index of a collection gives; the others MongoDB makes in memory, up to a limit.

Sources: "cursor.sort()" and "Use Indexes to Sort Query Results" in MongoDB's manual, 4.2, the KV
store's server version in Splunk 9.3 and, where nobody has upgraded it, in 9.4 to 10.2: "the sort
operation must use less than 32 megabytes", else the query fails; with a limit only so many
documents count. From 7.0 on such a sort goes to disk.
"""

from __future__ import annotations

import heapq
import json
from functools import cache
from typing import Any, Iterable, Mapping

from tools.splunkd_lite.errors import SplunkdError

__all__ = ["MAX_SORT_BYTES", "check_sort", "is_bounded", "is_indexed", "sort_terms"]

MAX_SORT_BYTES = 32 * 1024 * 1024
# The unique index of each collection. Every query is for one user's documents, or for nobody's.
_OWN = (("_user", 1), ("_key", 1))
# "internalQueryMaxScansToExplode": so many values of one field are each read in order and merged.
_MOST_VALUES = 200


def sort_terms(sort: str) -> list[tuple[str, int]]:
    """``field:1,other:-1`` as pairs; a field alone is ascending.

    Raises:
        SplunkdError: 400, a direction is neither 1 nor -1.
    """
    terms = []
    for term in (part.strip() for part in sort.split(",") if part.strip()):
        name, _, direction = term.rpartition(":") if ":" in term else (term, "", "1")
        if direction not in ("1", "-1"):
            raise SplunkdError(400, f"Invalid sort direction '{direction}' for field '{name}'.")
        terms.append((name, int(direction)))
    return terms


def check_sort(
    sizes: Iterable[int],
    kept: int,
    sort: str,
    query: Mapping[str, Any],
    settings: Mapping[str, str],
) -> None:
    """Refuse an order that no index gives, of more than fits.

    ``sizes`` are those of the documents that match, in bytes, of which ``kept`` are asked for. In
    which order they come is not defined, so the largest may be held at once.

    Raises:
        SplunkdError: 500 in MongoDB's words; the status is unverified.
    """
    if is_indexed(sort, query, settings):
        return
    if sum(heapq.nlargest(kept, sizes)) > MAX_SORT_BYTES:
        raise SplunkdError(
            500,
            f"Sort operation used more than the maximum {MAX_SORT_BYTES} bytes of RAM. Add an "
            "index, or specify a smaller limit.",
        )


def is_indexed(sort: str, query: Mapping[str, Any], settings: Mapping[str, str]) -> bool:
    """Whether ``_key`` or an acceleration in a stanza of collections.conf gives this order."""
    terms = sort_terms(sort)
    fixed = {"_user", *_fixed(query)}
    return not terms or any(_gives(index, terms, fixed) for index in _indexes(settings))


def _indexes(settings: Mapping[str, str]) -> list[tuple[tuple[str, int], ...]]:
    declared = (v for k, v in settings.items() if k.startswith("accelerated_fields."))
    return [_OWN, *map(_index, declared)]


@cache
def _index(declared: str) -> tuple[tuple[str, int], ...]:
    return tuple(json.loads(declared).items())


def _fixed(query: Mapping[str, Any]) -> set[str]:
    """The fields of which a query names the value, or each of a few values."""
    names: set[str] = set()
    for name, wanted in query.items():
        if name == "$and":
            names.update(*map(_fixed, wanted))
        elif name == "$or":
            alternatives = [tuple(_fixed(part)) for part in wanted if len(part) == 1]
            if len(set(alternatives)) == 1 and len(alternatives) == len(wanted) <= _MOST_VALUES:
                names.update(alternatives[0])
        elif not name.startswith("$") and not isinstance(wanted, dict):
            names.add(name)
    return names


def _gives(index: Iterable[tuple[str, int]], terms: list[tuple[str, int]], fixed: set[str]) -> bool:
    """Whether an index, read forwards or backwards, is in this order; fixed fields don't count."""
    left = list(terms)
    ways = set()
    for name, direction in index:
        if left and name == left[0][0]:
            ways.add(direction * left.pop(0)[1])
        elif left and name not in fixed:
            return False
    return not left and len(ways) == 1


def is_bounded(query: Mapping[str, Any], settings: Mapping[str, str]) -> bool:
    """Whether ``_key`` or an acceleration leads to what matches, so that not all is looked at.

    An index does when the query bounds its first field ("Compound Indexes", "Prefixes", in
    MongoDB's manual), and of alternatives when each has one ("$or Clauses and Indexes"). That a
    field is not a value bounds nothing here: most documents are something else.
    """
    firsts = {next(iter(index))[0] for index in (*_indexes(settings), (("_key", 1),))}
    return _bounds(query, firsts - {"_user"})


def _bounds(query: Mapping[str, Any], firsts: set[str]) -> bool:
    for name, wanted in query.items():
        if name == "$and":
            if any(_bounds(part, firsts) for part in wanted):
                return True
        elif name == "$or":
            if all(_bounds(part, firsts) for part in wanted):
                return True
        elif name in firsts and not (isinstance(wanted, dict) and set(wanted) == {"$ne"}):
            return True
    return False
