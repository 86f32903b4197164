"""Comparison and conditional functions."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from tools.splunkd_lite.spl.errors import SplError
from tools.splunkd_lite.spl.evaluate import Compiled, truth
from tools.splunkd_lite.spl.networks import in_network, network
from tools.splunkd_lite.spl.pcre import compile_pattern
from tools.splunkd_lite.spl.registry import function
from tools.splunkd_lite.spl.tree import Call, Literal
from tools.splunkd_lite.spl.values import Row, as_list, compare, to_text

PAGE = "evaluation-functions/comparison-and-conditional-functions"


@function("if", 3, doc=PAGE, lazy=True)
def if_(node: Call, arguments: list[Compiled], env: Any) -> Compiled:
    condition, yes, no = arguments
    return lambda row: yes(row) if truth(condition(row)) else no(row)


@function("case", 2, None, doc=PAGE, lazy=True)
def case(node: Call, arguments: list[Compiled], env: Any) -> Compiled:
    """The value of the first condition that holds; null when none does."""
    return _pairs(node, arguments, wanted=True)


@function("validate", 2, None, doc=PAGE, lazy=True)
def validate(node: Call, arguments: list[Compiled], env: Any) -> Compiled:
    """The value of the first condition that does not hold."""
    return _pairs(node, arguments, wanted=False)


def _pairs(node: Call, arguments: list[Compiled], wanted: bool) -> Compiled:
    if len(arguments) % 2:
        raise SplError(f"the eval function '{node.name}' takes pairs of arguments", node.position)
    pairs = list(zip(arguments[::2], arguments[1::2], strict=True))

    def run(row: Row) -> Any:
        for condition, value in pairs:
            if truth(condition(row)) is wanted:
                return value(row)
        return None

    return run


@function("coalesce", 1, None, doc=PAGE, lazy=True)
def coalesce(node: Call, arguments: list[Compiled], env: Any) -> Compiled:
    def run(row: Row) -> Any:
        for argument in arguments:
            value = argument(row)
            if value is not None:
                return value
        return None

    return run


@function("in", 2, None, doc=PAGE)
def in_(value: Any, *choices: Any) -> Any:
    if value is None:
        return None
    mine = as_list(value)
    return any(
        choice is not None and compare(one, each) == 0
        for choice in choices
        for each in as_list(choice)
        for one in mine
    )


@lru_cache(maxsize=512)
def like_pattern(pattern: str) -> re.Pattern[str]:
    r"""A LIKE pattern as a regular expression: % is any text, _ one character, \ escapes."""
    parts, at = [], 0
    while at < len(pattern):
        char = pattern[at]
        if char == "\\" and pattern[at + 1 : at + 2] in ("%", "_"):
            at += 1
            parts.append(re.escape(pattern[at]))
        else:
            parts.append({"%": ".*", "_": "."}.get(char) or re.escape(char))
        at += 1
    return re.compile("".join(parts) + r"\Z", re.S)


@function("like", 2, doc=PAGE)
def like(value: Any, pattern: Any) -> Any:
    if value is None or pattern is None:
        return None
    compiled = like_pattern(to_text(pattern))
    return any(compiled.match(to_text(one)) is not None for one in as_list(value))


@function("match", 2, doc=PAGE, lazy=True)
def match(node: Call, arguments: list[Compiled], env: Any) -> Compiled:
    subject, regex = arguments
    pattern = node.arguments[1]
    if isinstance(pattern, Literal):
        compiled = compile_pattern(to_text(pattern.value), pattern.position)

        def constant(row: Row) -> Any:
            value = subject(row)
            if value is None:
                return None
            return any(compiled.search(to_text(one)) is not None for one in as_list(value))

        return constant

    def run(row: Row) -> Any:
        value, text = subject(row), regex(row)
        if value is None or text is None:
            return None
        compiled = compile_pattern(to_text(text), node.position)
        return any(compiled.search(to_text(one)) is not None for one in as_list(value))

    return run


@function("cidrmatch", 2, doc=PAGE)
def cidrmatch(cidr: Any, address: Any) -> Any:
    if cidr is None or address is None:
        return None
    subnet = network(to_text(cidr))
    if subnet is None:
        return None
    return any(in_network(to_text(one), subnet) for one in as_list(address))


@function("nullif", 2, doc=PAGE)
def nullif(value: Any, other: Any) -> Any:
    if value is None or other is None:
        return value
    return None if compare(value, other) == 0 else value


@function("true", 0, doc=PAGE)
def true() -> bool:
    return True


@function("false", 0, doc=PAGE)
def false() -> bool:
    return False


@function("null", 0, doc=PAGE)
def null() -> None:
    return None


@function("searchmatch", 1, doc=PAGE, lazy=True)
def searchmatch(node: Call, arguments: list[Compiled], env: Any) -> Compiled:
    """Whether the row matches a search expression, which must be a literal."""
    from tools.splunkd_lite.spl.searchmatch import compile_search
    from tools.splunkd_lite.spl.searchparser import parse_search_text

    text = node.arguments[0]
    if not isinstance(text, Literal):
        raise SplError("searchmatch() takes a quoted search", node.position)
    return compile_search(parse_search_text(str(text.value), text.position), env)
