"""What a search expression borrows from elsewhere: subsearches, event types and tags.

Expansion happens before a search runs, so that the predicate and the scan see plain comparisons:
https://help.splunk.com/en/splunk-enterprise/knowledge-manager/9.4 (event types, tags)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

from tools.splunkd_lite.spl.errors import SplError
from tools.splunkd_lite.spl.searchparser import parse_search_text
from tools.splunkd_lite.spl.tree import (
    And,
    Comparison,
    Not,
    Or,
    Pipeline,
    SearchExpression,
    Subsearch,
)
from tools.splunkd_lite.spl.values import Row, as_list, to_text

__all__ = ["eventtypes", "expand", "format_rows", "rows_to_expression", "tagged"]

NOTHING: SearchExpression = Not(And(()))
SUBSEARCH_ROWS = 10_000
_MAX_DEPTH = 20


def expand(
    node: SearchExpression, env: Any, run: Callable[[Pipeline, Any], list[Row]], depth: int = 0
) -> SearchExpression:
    """The expression with subsearches run, and event types and tags spelled out."""
    if depth > _MAX_DEPTH:
        raise SplError("event types refer to each other without an end")
    if isinstance(node, Subsearch):
        return expand(rows_to_expression(run(node.pipeline, env)), env, run, depth + 1)
    if isinstance(node, Not):
        return Not(expand(node.operand, env, run, depth))
    if isinstance(node, (And, Or)):
        parts = tuple(expand(part, env, run, depth) for part in node.operands)
        return And(parts) if isinstance(node, And) else Or(parts)
    if isinstance(node, Comparison) and node.operator in ("=", "!="):
        found = _borrowed(node, env)
        if found is not None:
            found = expand(found, env, run, depth + 1)
            return Not(found) if node.operator == "!=" else found
    return node


def _borrowed(node: Comparison, env: Any) -> SearchExpression | None:
    if node.field == "eventtype":
        parts = [
            search
            for name, search in eventtypes(env)
            if any(_same(wanted, name) for wanted in node.values)
        ]
        return Or(tuple(parts)) if parts else NOTHING
    if node.field == "tag" or node.field.startswith("tag::"):
        only = node.field[5:]
        parts = [
            Comparison(field, "=", (value,), node.position)
            for field, value, tags in tagged(env)
            if (not only or field == only)
            and any(_same(wanted, tag) for wanted in node.values for tag in tags)
        ]
        return Or(tuple(parts)) if parts else NOTHING
    return None


def _same(wanted: str, name: str) -> bool:
    pattern = ".*".join(map(re.escape, wanted.split("*")))
    return re.fullmatch(pattern, name, re.I) is not None


def eventtypes(env: Any) -> Iterator[tuple[str, SearchExpression]]:
    """Each enabled event type with its search."""
    key = "eventtypes"
    if key not in env.cache:
        env.cache[key] = [
            (name, parse_search_text(stanza["search"]))
            for name, stanza in env.conf("eventtypes").items()
            if stanza.get("search") and stanza.get("disabled", "0").lower() not in ("1", "true")
        ]
    yield from env.cache[key]


def tagged(env: Any) -> Iterator[tuple[str, str, list[str]]]:
    """Each tagged field and value, with its enabled tags (tags.conf)."""
    for name, stanza in env.conf("tags").items():
        field, equals, value = name.partition("=")
        tags = [tag for tag, state in stanza.items() if state.strip().lower() == "enabled"]
        if equals and tags:
            yield unquote(field.strip()), unquote(value.strip()), tags


def rows_to_expression(rows: list[Row]) -> SearchExpression:
    """What a subsearch's rows stand for: fields of a row AND-ed, rows OR-ed; nothing if none."""
    parts = []
    for row in rows[:SUBSEARCH_ROWS]:
        text = row.get("search") or row.get("query")
        if text is not None:
            parts.append(parse_search_text(to_text(text)))
            continue
        tests: list[SearchExpression] = []
        for name, value in row.items():
            if name.startswith("_") or value is None:
                continue
            each = tuple(Comparison(name, "=", (to_text(x),), 0) for x in as_list(value))
            tests.append(each[0] if len(each) == 1 else Or(each))
        if tests:
            parts.append(And(tuple(tests)))
    return Or(tuple(parts)) if parts else NOTHING


def format_rows(
    rows: list[Row],
    marks: tuple[str, str, str, str, str, str] = ("(", "(", "AND", ")", "OR", ")"),
    mvsep: str = "OR",
    empty: str = "NOT( )",
) -> str:
    """Rows as the text of a search expression, as `format` writes it."""
    row_open, column_open, column_join, column_close, row_join, row_close = marks
    parts = []
    for row in rows:
        tests = []
        for name, value in row.items():
            if name.startswith("_") or value is None:
                continue
            items = [f"{name}={_quote(item)}" for item in as_list(value)]
            tests.append(items[0] if len(items) == 1 else f"( {f' {mvsep} '.join(items)} )")
        if tests:
            parts.append(f"{column_open} {f' {column_join} '.join(tests)} {column_close}")
    return f"{row_open} {f' {row_join} '.join(parts)} {row_close}" if parts else empty


def _quote(value: Any) -> str:
    return '"' + to_text(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
