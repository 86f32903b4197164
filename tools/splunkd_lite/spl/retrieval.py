"""Fetches the events of a search: which indexes and times to scan, what to drop before
extracting fields, and what to extract."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import Any

from tools.splunkd_lite.spl.context import NO_HINT, Environment, ScanHint
from tools.splunkd_lite.spl.extraction import Extractor
from tools.splunkd_lite.spl.searchmatch import (
    INDEXED_FIELDS,
    bound,
    compile_search,
    needle,
    search_fields,
    split_early,
)
from tools.splunkd_lite.spl.tree import And, Comparison, Not, Or, SearchExpression, Term, TimeBound
from tools.splunkd_lite.spl.values import Row

__all__ = ["indexes_of", "permitted", "retrieve", "scan", "time_range"]

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9]*\Z|0\Z|[1-9][0-9]*\Z")


def indexes_of(node: SearchExpression) -> list[str] | None:
    """The indexes that an expression names; None when it names none."""
    if isinstance(node, Comparison) and node.field == "index" and node.operator == "=":
        return list(node.values)
    if isinstance(node, Or):
        found = [indexes_of(operand) for operand in node.operands]
        if any(names is None for names in found):
            return None
        return list(dict.fromkeys(name for names in found for name in names or []))
    if isinstance(node, And):
        for operand in node.operands:
            names = indexes_of(operand)
            if names is not None:
                return names
    return None


def _mentions_index(node: SearchExpression) -> list[str]:
    if isinstance(node, Comparison) and node.field == "index" and node.operator == "=":
        return list(node.values)
    if isinstance(node, (And, Or)):
        return [name for operand in node.operands for name in _mentions_index(operand)]
    return []


def time_range(node: SearchExpression, env: Any) -> tuple[float | None, float | None]:
    """The bounds that earliest= and latest= set; None where an expression sets none."""
    if isinstance(node, TimeBound) and not node.name.startswith("_index"):
        moment = bound(node, env)
        return (moment, None) if node.name == "earliest" else (None, moment)
    if isinstance(node, (And, Or)):
        pairs = [time_range(operand, env) for operand in node.operands]
        lows = [low for low, _ in pairs]
        highs = [high for _, high in pairs]
        if isinstance(node, And):
            low = max((x for x in lows if x is not None), default=None)
            return low, min((x for x in highs if x is not None), default=None)
        low = None if not lows or None in lows else min(x for x in lows if x is not None)
        high = None if not highs or None in highs else max(x for x in highs if x is not None)
        return low, high
    return None, None


def scan(
    node: SearchExpression, env: Environment, hint: ScanHint = NO_HINT
) -> Iterator[dict[str, Any]]:
    """The stored events that may match: by index and time, within the user's indexes, and as far
    as the host goes by `hint`, which has to name the field `index`."""
    context = env.context
    names = indexes_of(node)
    if names is None:
        names = list(dict.fromkeys([*context.default_indexes, *_mentions_index(node)]))
    low, high = time_range(node, env)
    earliest = context.earliest if low is None else low
    latest = context.latest if high is None else high
    if low is not None and high is None:
        latest = env.now  # a search that sets earliest= alone ends now, whatever the picker says
    return context.scan(names, earliest, latest, hint)


def permitted(env: Environment) -> Callable[[str], bool]:
    """Whether the user may search an index, remembered for each."""
    allowed = [pattern.lower() for pattern in env.context.allowed_indexes]
    known: dict[str, bool] = {}

    def may(index: str) -> bool:
        if index not in known:
            known[index] = _allowed(str(index), allowed)
        return known[index]

    return may


def _allowed(index: str, patterns: list[str]) -> bool:
    """Whether a role may search an index; * leaves out internal ones (authorize.conf)."""
    return any(
        fnmatchcase(index.lower(), pattern) and (index[:1] != "_" or pattern[:1] == "_")
        for pattern in patterns
    )


_DROPPED: Any = object()


def retrieve(node: SearchExpression, env: Environment) -> Iterator[Row]:
    """Events that match, newest first, with the fields that the search needs.

    What depends on index, source type, source and host alone (the right to the index, conditions
    on these fields, the recipe of the extractions) is worked out once for each combination.
    """
    required = env.required
    if required is not None:
        required = required | search_fields(node)
        if any("*" in name for name in required):
            required = None
    extractor = Extractor(env, required)
    fixed, early, late = split_early(node)
    origin, first, second = (compile_search(part, env) for part in (fixed, early, late))
    needles = _needles(node, extractor)
    kinds, kind_of = _kinds(extractor, fixed)
    stored = None if required is None else extractor.stored(required) | kinds
    hint = ScanHint(stored, tuple(dict.fromkeys(text for _, text in needles)))
    any_first, any_second, may = bool(early.operands), bool(late.operands), permitted(env)
    probe = _probe(late, env) if required is None else None
    plans: dict[Any, Any] = {}
    for event in scan(node, env, hint):
        key = kind_of(event)
        steps = plans.get(key)
        if steps is None:
            good = may(event.get("index", "")) and origin(event)
            steps = plans[key] = extractor.steps(event) if good else _DROPPED
        if steps is _DROPPED:
            continue
        if needles:
            low = event["_raw"].lower()
            if any(text not in low and name not in event for name, text in needles):
                continue
        if any_first and not first(event):
            continue
        if probe is not None and not probe(key, event):
            continue
        for step in steps:
            step(event)
        if not any_second or second(event):
            yield event


def _probe(late: And, env: Environment) -> Callable[[Any, Row], bool] | None:
    """For a search that shows every field: whether an event passes, found out on a copy with the
    fields that the condition reads. None when there is no condition, or it reads every field."""
    fields = search_fields(late)
    if not late.operands or any("*" in name for name in fields):
        return None
    extractor, test = Extractor(env, fields), compile_search(late, env)
    known: dict[Any, Any] = {}

    def passes(key: Any, event: Row) -> bool:
        steps = known.get(key)
        if steps is None:
            steps = known[key] = extractor.steps(event)
        trial = dict(event)
        for step in steps:
            step(trial)
        return test(trial)

    return passes


def _kinds(extractor: Extractor, fixed: And) -> tuple[frozenset[str], Callable[[Row], Any]]:
    """The fields that tell events apart which are treated differently, and their values."""
    names = sorted({"index", "sourcetype"} | extractor.matched_by | search_fields(fixed))
    if len(names) == 2:
        return frozenset(names), lambda event: (event.get("index"), event.get("sourcetype"))
    return frozenset(names), lambda event: tuple([event.get(name) for name in names])


def _needles(node: SearchExpression, extractor: Extractor) -> list[tuple[str, str]]:
    """(field, lower-case text): the text stands in the raw event unless the field is indexed."""
    operands = node.operands if isinstance(node, And) else (node,)
    found = []
    for part in operands:
        if isinstance(part, And):
            found += _needles(part, extractor)
        elif isinstance(part, Term) and part.text.strip("*"):
            found.append(("", needle(part)))
        elif (
            isinstance(part, Comparison)
            and part.operator == "="
            and len(part.values) == 1
            and _PLAIN.match(part.values[0])
            and part.field not in INDEXED_FIELDS
            and part.field[:1] != "_"
            and not extractor.computed(part.field)
        ):
            found.append((part.field, part.values[0].lower()))
        elif isinstance(part, Not):
            continue
    return found
