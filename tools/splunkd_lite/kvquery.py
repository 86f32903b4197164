"""Matching, sorting and trimming KV store documents.

Source: "KV store endpoint descriptions" in the REST API Reference, parameters ``query``,
``fields``, ``sort``, ``skip``, ``limit``. Matching itself is MongoDB's, by mongomock. The reference
names ``$gt $gte $lt $lte $ne $and $or $not`` and shows ``$regex`` in an example; any other operator
is refused here, because a real Splunk is not known to take it.
"""

from __future__ import annotations

import json
from typing import Any, Iterable

from mongomock.filtering import filter_applies

from tools.splunkd_lite.errors import SplunkdError
from tools.splunkd_lite.kvsort import sort_terms

__all__ = [
    "Document",
    "checked_query",
    "matcher",
    "parse_query",
    "project",
    "rank",
    "sort_documents",
    "value_at",
]

Document = dict[str, Any]

_COMPARE = {"$gt", "$gte", "$lt", "$lte", "$ne", "$regex", "$options", "$not"}
_LOGIC = {"$and", "$or", "$not"}


def parse_query(text: str) -> Document:
    """The ``query`` parameter as a MongoDB query.

    Raises:
        SplunkdError: 400, not a JSON object, or an operator that is not supported.
    """
    try:
        query = json.loads(text or "{}")
    except ValueError as error:
        raise SplunkdError(400, f"JSON in the request is invalid. ({error})") from error
    return checked_query(query)


def checked_query(query: Any) -> Document:
    """A query that was JSON as a MongoDB query.

    Raises:
        SplunkdError: 400, not an object, or an operator that is not supported.
    """
    if not isinstance(query, dict):
        raise SplunkdError(400, "The query must be a JSON object.")
    return _checked(query)


def matcher(query: Document) -> Any:
    """A function that tells whether a document matches."""
    if not query:
        return lambda document: True
    chosen = any_of(query)
    if chosen is not None:
        path, wanted_values = chosen
        return lambda document: _holds_one_of(document, path.split("."), wanted_values)
    cases = _cases(query)
    if cases is not None:
        return cases
    exact = {k: v for k, v in query.items() if not k.startswith("$") and "." not in k}
    exact = {k: v for k, v in exact.items() if isinstance(v, (str, int, float)) and v is not None}

    def matches(document: Document) -> bool:
        # A cheap look first: a scalar that is there and differs cannot match.
        for key, wanted in exact.items():
            value = document.get(key)
            if isinstance(value, (str, int, float)) and value != wanted:
                return False
        return bool(filter_applies(query, document))

    return matches


def any_of(query: Document) -> tuple[str, frozenset[str]] | None:
    """The field and the values of ``{"$or": [{field: text}, …]}``, as apps ask for many keys.

    MongoDB answers it from an index; here it is a set, not a comparison with every value.
    """
    parts = query.get("$or")
    if len(query) != 1 or not isinstance(parts, list):
        return None
    names = {name for part in parts for name in part}
    if len(names) != 1 or not all(len(part) == 1 for part in parts):
        return None
    (name,) = names
    values = [part[name] for part in parts]
    if name.startswith("$") or not all(isinstance(value, str) for value in values):
        return None
    return name, frozenset(values)


def _cases(query: Document) -> Any:
    """A matcher of ``{"$or": [{field: text, …more}, …]}`` with one field that all of them name.

    Only the alternatives of a document's own text are tried, not every one; None for others.
    """
    parts = query.get("$or")
    if len(query) != 1 or not isinstance(parts, list) or len(parts) < 2:
        return None
    for name in parts[0]:
        if name.startswith("$") or not all(isinstance(part.get(name), str) for part in parts):
            continue
        if "." not in name:
            return _cases_of(name, query)
    return None


def _cases_of(name: str, query: Document) -> Any:
    by_text: dict[str, list[Document]] = {}
    for part in query["$or"]:
        by_text.setdefault(part[name], []).append(part)

    def matches(document: Document) -> bool:
        value = document.get(name)
        parts = by_text.get(value, []) if isinstance(value, str) else query["$or"]
        return any(_applies(part, document, name) for part in parts)

    return matches


def _applies(part: Document, document: Document, equal: str) -> bool:
    """Match one alternative whose text ``equal`` is known to fit, in the usual case by hand."""
    rest = [name for name in part if name != equal]
    if len(rest) == 1 and isinstance(document.get(equal), str):
        value, condition = document.get(rest[0]), part[rest[0]]
        if (
            type(value) in (int, float)
            and isinstance(condition, dict)
            and list(condition) == ["$gte"]
        ):
            least = condition["$gte"]
            if type(least) in (int, float):
                return bool(value >= least)
    return bool(filter_applies(part, document))


def _holds_one_of(document: Any, path: list[str], wanted: frozenset[str]) -> bool:
    """As MongoDB matches: an array by any of its elements."""
    if isinstance(document, list):
        return any(_holds_one_of(part, path, wanted) for part in document)
    if not path:
        return isinstance(document, str) and document in wanted
    return (
        isinstance(document, dict)
        and path[0] in document
        and _holds_one_of(document[path[0]], path[1:], wanted)
    )


def sort_documents(documents: list[Document], sort: str) -> list[Document]:
    """The documents in the order of ``sort``, see :func:`.kvsort.sort_terms`."""
    for name, direction in reversed(sort_terms(sort)):
        documents = _sorted_by(documents, name, direction)
    return documents


def _sorted_by(documents: list[Document], name: str, direction: int) -> list[Document]:
    return sorted(documents, key=lambda d: rank(value_at(d, name)), reverse=direction < 0)


def project(documents: Iterable[Document], fields: str) -> list[Document]:
    """``fields`` is ``a,b`` to keep or ``a:0`` to leave out. ``_key`` stays unless left out."""
    terms = dict(_field_term(part.strip()) for part in fields.split(",") if part.strip())
    kept = [name for name, keep in terms.items() if keep]
    dropped = {name for name, keep in terms.items() if not keep}
    if not terms:
        return list(documents)
    if kept:
        names = [name for name in dict.fromkeys([*kept, "_key"]) if name not in dropped]
        return [_subset(document, names) for document in documents]
    return [{k: v for k, v in document.items() if k not in dropped} for document in documents]


def _field_term(part: str) -> tuple[str, bool]:
    name, colon, flag = part.partition(":")
    if colon and flag not in ("0", "1"):
        raise SplunkdError(400, f"Invalid field flag '{flag}' for field '{name}'.")
    return name, flag != "0"


def _subset(document: Document, names: list[str]) -> Document:
    kept: Document = {}
    for name in names:
        value = value_at(document, name)
        if value is None and name not in document:
            continue
        target = kept
        *parents, leaf = name.split(".") if name not in document else [name]
        for parent in parents:
            target = target.setdefault(parent, {})
        target[leaf] = value
    return kept


def value_at(document: Document, path: str) -> Any:
    if path in document:
        return document[path]
    value: Any = document
    for part in path.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(part)
    return value


def rank(value: Any) -> tuple[int, Any]:
    """MongoDB's order between types: null, numbers, text, objects, arrays, booleans."""
    if value is None:
        return (0, 0)
    if isinstance(value, bool):
        return (5, value)
    if isinstance(value, (int, float)):
        return (1, value)
    if isinstance(value, str):
        return (2, value)
    return (3 if isinstance(value, dict) else 4, json.dumps(value, sort_keys=True))


def _checked(query: Document) -> Document:
    rewritten: Document = {}
    for key, value in query.items():
        if key.startswith("$"):
            if key not in _LOGIC:
                raise SplunkdError(400, f"Unsupported query operator '{key}'.")
            if key == "$not":
                rewritten.setdefault("$nor", []).append(_checked(_object(value, key)))
                continue
            if not isinstance(value, list) or not value:
                raise SplunkdError(400, f"The operator '{key}' takes a list of queries.")
            rewritten.setdefault(key, []).extend(_checked(_object(v, key)) for v in value)
        else:
            if type(value) is not str:
                _check_conditions(value)
            rewritten[key] = value
    return rewritten


def _check_conditions(value: Any) -> None:
    if isinstance(value, dict):
        for operator, operand in value.items():
            if operator.startswith("$") and operator not in _COMPARE:
                raise SplunkdError(400, f"Unsupported query operator '{operator}'.")
            if operator == "$not":
                _check_conditions(operand)


def _object(value: Any, operator: str) -> Document:
    if not isinstance(value, dict):
        raise SplunkdError(400, f"The operator '{operator}' takes queries, which are objects.")
    return value
