"""Turns a search expression into a predicate over a row, and into what a scan needs to know.

Terms match whole tokens of `_raw`, case-insensitively:
https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/search
https://help.splunk.com/en/splunk-enterprise/search/search-manual/9.4/search-primer/use-case-and-term-to-match-phrases
"""

from __future__ import annotations

import operator as op
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from tools.splunkd_lite.spl.errors import SplError
from tools.splunkd_lite.spl.networks import in_network, network
from tools.splunkd_lite.spl.timemod import resolve
from tools.splunkd_lite.spl.tree import (
    And,
    Comparison,
    Not,
    Or,
    SearchExpression,
    Subsearch,
    Term,
    TimeBound,
)
from tools.splunkd_lite.spl.values import Row, as_list, to_number, to_text

__all__ = ["INDEXED_FIELDS", "compile_search", "search_fields", "split_early", "wildcard"]

Predicate = Callable[[Row], bool]
INDEXED_FIELDS = frozenset(
    ("index", "host", "source", "sourcetype", "splunk_server", "_time", "_indextime", "_raw")
)
ORIGIN_FIELDS = frozenset(("index", "host", "source", "sourcetype"))
# Characters that break text into tokens, minor ones included (segmenters.conf)
_TOKEN = r"[^\s\[\]<>(){}|!;,'\"*&?+/:=@.\-$#%\\_]"
_MAJOR_TOKEN = r"[^\s\[\]<>(){}|!;,'\"*&?+]"
_ORDER = {"<": op.lt, "<=": op.le, ">": op.gt, ">=": op.ge}


@lru_cache(maxsize=2048)
def wildcard(pattern: str) -> re.Pattern[str]:
    """A pattern with * as a regular expression over the whole value, any case."""
    return re.compile(".*".join(map(re.escape, pattern.split("*"))) + r"\Z", re.I | re.S)


def compile_search(node: SearchExpression, env: Any = None) -> Predicate:
    """A predicate over rows. Subsearches, tags and event types must be expanded before."""
    if isinstance(node, Term):
        return _term(node)
    if isinstance(node, Comparison):
        return _comparison(node)
    if isinstance(node, TimeBound):
        return _time_bound(node, env)
    if isinstance(node, Not):
        inner = compile_search(node.operand, env)
        return lambda row: not inner(row)
    if isinstance(node, Subsearch):
        raise SplError("a subsearch can't stand here", node.position)
    parts = [compile_search(operand, env) for operand in node.operands]
    if isinstance(node, Or):
        return lambda row: any(part(row) for part in parts)
    if not parts:
        return lambda row: True
    if len(parts) == 2:
        first, second = parts
        return lambda row: first(row) and second(row)
    return lambda row: all(part(row) for part in parts)


@lru_cache(maxsize=2048)
def _term_pattern(text: str, exact: bool, case: bool) -> re.Pattern[str]:
    edge = _MAJOR_TOKEN if exact else _TOKEN
    body = r"\S*".join(re.escape(part) for part in text.split("*"))
    before = f"(?<!{edge})" if re.match(edge, text[:1]) else ""
    after = f"(?!{edge})" if re.match(edge, text[-1:]) else ""
    return re.compile(before + body + after, 0 if case else re.I)


def needle(term: Term) -> str:
    """Lower-case text that must stand in a raw event for the term to match."""
    return max(term.text.lower().split("*"), key=len)


def _term(node: Term) -> Predicate:
    if not node.text.strip("*"):
        return lambda row: True
    pattern, must = _term_pattern(node.text, node.exact, node.case), needle(node)

    def run(row: Row) -> bool:
        raw = row.get("_raw")
        if raw is None:
            return any(
                pattern.search(to_text(item)) is not None
                for name, value in row.items()
                if name[:1] != "_"
                for item in as_list(value)
            )
        raw = to_text(raw)
        return must in raw.lower() and pattern.search(raw) is not None

    return run


def _time_bound(node: TimeBound, env: Any) -> Predicate:
    moment = bound(node, env)
    name = "_indextime" if node.name.startswith("_index") else "_time"
    late = node.name.endswith("latest")

    def run(row: Row) -> bool:
        time = to_number(row.get(name))
        return time is not None and (time < moment if late else time >= moment)

    return run


def bound(node: TimeBound, env: Any) -> float:
    """The moment that earliest= or latest= names. Raises SplError with its position."""
    try:
        return resolve(node.modifier, env.now, env.tz)
    except SplError as error:
        raise SplError(error.message, node.position) from None


def _comparison(node: Comparison) -> Predicate:
    name = node.field
    if node.operator in _ORDER:
        return _ordered(name, _ORDER[node.operator], node.values[0])
    tests = [_equals(value) for value in node.values]
    test = tests[0] if len(tests) == 1 else lambda text: any(one(text) for one in tests)
    negative = node.operator == "!="

    def run(row: Row) -> bool:
        value = row.get(name)
        if value is None:
            return False
        if type(value) is list:
            if negative:
                return any(not test(to_text(item)) for item in value)
            return any(test(to_text(item)) for item in value)
        return test(value if type(value) is str else to_text(value)) is not negative

    return run


def _equals(wanted: str) -> Callable[[str], bool]:
    """Any case, * is any text, CIDR for addresses; numbers are text: 1 does not match 1.0."""
    if wanted == "*":
        return lambda text: True
    if "*" in wanted:
        match = wildcard(wanted).match
        return lambda text: match(text) is not None
    subnet = network(wanted)
    if subnet is not None:
        return lambda text: text == wanted or in_network(text, subnet)
    lowered = wanted.lower()
    return lambda text: text.lower() == lowered


def _ordered(name: str, test: Callable[[Any, Any], bool], wanted: str) -> Predicate:
    number = to_number(wanted)

    def one(value: Any) -> bool:
        mine = to_number(value)
        if mine is not None and number is not None:
            return test(mine, number)
        return test(to_text(value), wanted)

    return lambda row: any(one(item) for item in as_list(row.get(name)))


def search_fields(node: SearchExpression) -> frozenset[str]:
    """The fields that an expression reads; a term reads `_raw`."""
    if isinstance(node, Comparison):
        return frozenset((node.field,))
    if isinstance(node, Term):
        return frozenset(("_raw",))
    if isinstance(node, TimeBound):
        return frozenset(("_indextime" if node.name.startswith("_index") else "_time",))
    if isinstance(node, Not):
        return search_fields(node.operand)
    if isinstance(node, Subsearch):
        return frozenset(("*",))
    return frozenset().union(*(search_fields(operand) for operand in node.operands))


def split_early(node: SearchExpression) -> tuple[And, And, And]:
    """The part that only looks at where an event came from, the rest of what can be decided
    before fields are extracted, and what is left."""
    operands = node.operands if isinstance(node, And) else (node,)
    parts: tuple[list[SearchExpression], ...] = ([], [], [])
    for part in operands:
        fields = search_fields(part)
        parts[0 if fields <= ORIGIN_FIELDS else 1 if fields <= INDEXED_FIELDS else 2].append(part)
    origin, early, late = (And(tuple(found)) for found in parts)
    return origin, early, late
