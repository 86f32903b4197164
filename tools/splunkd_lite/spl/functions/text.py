"""Text functions."""

from __future__ import annotations

import re
import urllib.parse
from typing import Any

from tools.splunkd_lite.spl.evaluate import Compiled
from tools.splunkd_lite.spl.pcre import compile_pattern
from tools.splunkd_lite.spl.registry import function
from tools.splunkd_lite.spl.tree import Call, Literal
from tools.splunkd_lite.spl.values import Row, each, from_list, to_number, to_text

PAGE = "evaluation-functions/text-functions"
_GROUP = re.compile(r"\\(\d+|\\)")


@function("len", 1, doc=PAGE)
@function("length", 1, doc=PAGE)
def len_(value: Any) -> Any:
    """The number of characters; null for a multivalue, which the manual rules out."""
    return None if value is None or isinstance(value, list) else len(to_text(value))


@function("lower", 1, doc=PAGE)
def lower(value: Any) -> Any:
    return each(value, lambda item: to_text(item).lower())


@function("upper", 1, doc=PAGE)
def upper(value: Any) -> Any:
    return each(value, lambda item: to_text(item).upper())


@function("trim", 1, 2, doc=PAGE)
def trim(value: Any, characters: Any = " \t") -> Any:
    return each(value, lambda item: to_text(item).strip(to_text(characters)))


@function("ltrim", 1, 2, doc=PAGE)
def ltrim(value: Any, characters: Any = " \t") -> Any:
    return each(value, lambda item: to_text(item).lstrip(to_text(characters)))


@function("rtrim", 1, 2, doc=PAGE)
def rtrim(value: Any, characters: Any = " \t") -> Any:
    return each(value, lambda item: to_text(item).rstrip(to_text(characters)))


@function("replace", 3, doc=PAGE, lazy=True)
def replace(node: Call, arguments: list[Compiled], env: Any) -> Compiled:
    r"""Each match of a regular expression replaced; \1 in the replacement is a group."""
    subject, regex, replacement = arguments
    pattern = node.arguments[1]
    fixed = compile_pattern(to_text(pattern.value), pattern.position) if isinstance(
        pattern, Literal) else None  # fmt: skip

    def run(row: Row) -> Any:
        value, text, new = subject(row), regex(row), replacement(row)
        if value is None or text is None or new is None:
            return None
        compiled = fixed or compile_pattern(to_text(text), node.position)
        form = to_text(new)
        return each(value, lambda item: substitute(compiled, form, to_text(item)))

    return run


def substitute(compiled: Any, replacement: str, text: str, count: int = 0) -> str:
    r"""`text` with matches replaced, where \1 … \99 stand for groups and \0 for the match."""
    if "\\" not in replacement:
        return compiled.sub(lambda found: replacement, text, count=count)

    def one(found: Any) -> str:
        def group(part: re.Match[str]) -> str:
            if part.group(1) == "\\":
                return "\\"
            index = int(part.group(1))
            return (found.group(index) or "") if index <= compiled.groups else ""

        return _GROUP.sub(group, replacement)

    return compiled.sub(one, text, count=count)


@function("substr", 2, 3, doc=PAGE)
def substr(value: Any, start: Any, length: Any = ...) -> Any:
    """Characters from `start`, counted from 1; negative counts from the end."""
    first = to_number(start)
    size = None if length is ... else to_number(length)
    if value is None or first is None or (length is not ... and size is None):
        return None

    def one(item: Any) -> str:
        text = to_text(item)
        begin = int(first) - 1 if first > 0 else max(len(text) + int(first), 0) if first else 0
        return text[begin:] if size is None else text[begin : begin + max(int(size), 0)]

    return each(value, one)


@function("urldecode", 1, doc=PAGE)
def urldecode(value: Any) -> Any:
    return each(value, lambda item: urllib.parse.unquote(to_text(item)))


@function("spath", 2, doc=PAGE)
def spath(value: Any, path: Any) -> Any:
    """What a path finds in JSON or XML text."""
    from tools.splunkd_lite.spl.structured import extract_path

    if value is None or path is None:
        return None
    return from_list(extract_path(to_text(value), to_text(path)))
