"""The KV store's query language, for the fakes.

``$and $or $not $eq $gt $gte $lt $lte $ne``, dotted names, arrays match by any element; an unknown
operator fails the test. A query is compiled once and then applied to each document, because the
unit tests spend most of their time here.
"""

from __future__ import annotations

import operator
from typing import Any, Callable, Dict, List, Mapping, Sequence

__all__ = ["Condition", "condition_of", "matches"]

Condition = Callable[[Any], bool]

_COMPARISONS: Dict[str, Callable[[Any, Any], bool]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
    "$eq": operator.eq,
}
_NOTHING = object()


def matches(document: Any, query: Mapping[str, Any]) -> bool:
    """Tell whether a document matches a KV store query."""
    return condition_of(query)(document)


def condition_of(query: Mapping[str, Any]) -> Condition:
    """Return a predicate that tells whether a document matches a KV store query."""
    return _all([_clause(name, wanted) for name, wanted in query.items()])


def _all(tests: Sequence[Condition]) -> Condition:
    if len(tests) == 1:
        return tests[0]

    def every(document: Any) -> bool:
        for test in tests:  # noqa: SIM110 - all() takes twice as long
            if not test(document):
                return False
        return True

    return every


def _any(tests: Sequence[Condition]) -> Condition:
    def some(document: Any) -> bool:
        for test in tests:  # noqa: SIM110 - as above
            if test(document):
                return True
        return False

    return some


def _clause(name: str, wanted: Any) -> Condition:
    if name == "$and":
        return _all([condition_of(part) for part in wanted])
    if name == "$or":
        return _alternatives(wanted)
    if name == "$not":
        forbidden = condition_of(wanted)
        return lambda document: not forbidden(document)
    if name.startswith("$"):
        raise AssertionError(f"The KV store has no operator {name}.")
    values = _values_at(name)
    if isinstance(wanted, Mapping) and any(key.startswith("$") for key in wanted):
        return _all([_comparison(values, key, operand) for key, operand in wanted.items()])

    def equals(document: Any) -> bool:
        found = document.get(name)  # most clauses compare a text field at the top level
        return found == wanted if isinstance(found, str) else wanted in values(document)

    return equals


def _alternatives(parts: Sequence[Mapping[str, Any]]) -> Condition:
    """Compile a long ``$or`` of texts of one field to a set: tests of many keys stay fast."""
    names = {name for part in parts for name in part}
    if len(names) == 1 and all(len(part) == 1 for part in parts):
        (name,) = names
        texts = [part[name] for part in parts]
        if not name.startswith("$") and all(isinstance(text, str) for text in texts):
            among, values = frozenset(texts), _values_at(name)
            return lambda document: any(
                isinstance(value, str) and value in among for value in values(document)
            )
    return _any([condition_of(part) for part in parts])


def _comparison(values: Callable[[Any], List[Any]], name: str, operand: Any) -> Condition:
    if name == "$ne":
        return lambda document: operand not in values(document)
    if name not in _COMPARISONS:
        raise AssertionError(f"The KV store has no operator {name}.")
    compare = _COMPARISONS[name]
    same = (int, float) if isinstance(operand, (int, float)) else type(operand)

    def test(document: Any) -> bool:
        for value in values(document):
            if isinstance(value, same) and compare(value, operand):
                return True
        return False

    return test


def _values_at(name: str) -> Callable[[Any], List[Any]]:
    """Return a function that yields the values at a dotted path."""
    path = name.split(".")

    def values(document: Any) -> List[Any]:
        if len(path) > 1 or not isinstance(document, dict):
            return _values(document, path)
        value = document.get(name, _NOTHING)
        if isinstance(value, list):
            return [value, *value]
        return [] if value is _NOTHING else [value]

    return values


def _values(document: Any, path: List[str]) -> List[Any]:
    """Return the values at a dotted path; an array counts as itself and as each of its elements."""
    if not path:
        return [document, *document] if isinstance(document, list) else [document]
    if isinstance(document, list):
        return [value for part in document for value in _values(part, path)]
    if isinstance(document, dict) and path[0] in document:
        return _values(document[path[0]], path[1:])
    return []
