"""Search macros: `name` and `name(arguments)` between backticks.

Source: https://help.splunk.com/en/splunk-enterprise/knowledge-manager/9.4/use-search-macros
and macros.conf.spec.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tools.splunkd_lite.spl.errors import SplError
from tools.splunkd_lite.spl.scanner import Source

if TYPE_CHECKING:
    from tools.splunkd_lite.spl.context import SearchContext

__all__ = ["expand_macros"]

_CALL = re.compile(r"\s*([^\s()`]+)\s*(?:\((.*)\))?\s*\Z", re.S)
_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|```.*?```|`', re.S)
_MAX_DEPTH = 100


def expand_macros(spl: str, context: SearchContext | None) -> Source:
    """The search with every macro replaced by its definition. Raises SplError."""
    pieces: list[tuple[str, int, bool]] = []
    at = start = 0
    while (found := _PIECE.search(spl, at)) is not None:
        at = found.end()
        if found.group() != "`":
            continue
        close = _closing(spl, at)
        pieces.append((spl[start : found.start()], start, False))
        body = _expand(spl[at:close], context, found.start(), 0)
        pieces.append((body, found.start(), True))
        at = start = close + 1
    pieces.append((spl[start:], start, False))
    return Source([piece for piece in pieces if piece[0]])


def _closing(text: str, at: int) -> int:
    """Where the backtick that closes a call stands; quotes hide backticks."""
    start = at - 1
    while at < len(text):
        if text[at] == "`":
            return at
        if text[at] == '"':
            quoted = re.compile(r'"(?:[^"\\]|\\.)*"', re.S).match(text, at)
            if quoted:
                at = quoted.end()
                continue
        at += 1
    raise SplError("this backtick is never closed", start)


def _expand(call: str, context: SearchContext | None, position: int, depth: int) -> str:
    if depth > _MAX_DEPTH:
        raise SplError("macros refer to each other without an end", position)
    found = _CALL.match(call)
    if found is None:
        raise SplError(f"'{call}' is not a call of a search macro", position)
    name = found.group(1)
    arguments = split_arguments(found.group(2)) if found.group(2) is not None else []
    stanza_name = f"{name}({len(arguments)})" if arguments else name
    stanzas = context.conf_stanzas("macros") if context is not None else {}
    stanza = stanzas.get(stanza_name)
    if stanza is None:
        raise SplError(
            f"The search specifies a macro '{stanza_name}' that cannot be found. Check its name, "
            "its number of arguments and its sharing.",
            position,
        )
    text = _fill(stanza, arguments, stanza_name, position)
    _validate(stanza, arguments, stanza_name, position)
    if stanza.get("iseval", "0").strip().lower() in ("1", "true"):
        text = _evaluate(text, context, stanza_name, position)
    return _nested(text, context, position, depth)


def _nested(text: str, context: SearchContext | None, position: int, depth: int) -> str:
    parts, at, start = [], 0, 0
    while (found := _PIECE.search(text, at)) is not None:
        at = found.end()
        if found.group() != "`":
            continue
        close = _closing(text, at)
        parts.append(text[start : found.start()])
        parts.append(_expand(text[at:close], context, position, depth + 1))
        at = start = close + 1
    return "".join([*parts, text[start:]])


def split_arguments(text: str) -> list[str]:
    """Arguments apart by commas outside quotes, parentheses and brackets; quotes are dropped."""
    parts, depth, current, at = [], 0, "", 0
    while at < len(text):
        char = text[at]
        if char == '"':
            quoted = re.compile(r'"(?:[^"\\]|\\.)*"', re.S).match(text, at)
            piece = quoted.group() if quoted else char
            current += piece
            at += len(piece)
            continue
        if char == "," and depth == 0:
            parts.append(current)
            current = ""
        else:
            depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(char, 0)
            current += char
        at += 1
    parts.append(current)
    stripped = [part.strip() for part in parts]
    if stripped == [""]:
        return []
    return [_unquote(part) for part in stripped]


def _unquote(text: str) -> str:
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return re.sub(r'\\(["\\])', r"\1", text[1:-1])
    return text


def _names(stanza: Mapping[str, str]) -> list[str]:
    return [name.strip() for name in stanza.get("args", "").split(",") if name.strip()]


def _fill(stanza: Mapping[str, str], arguments: list[str], name: str, position: int) -> str:
    names = _names(stanza)
    if len(names) != len(arguments):
        raise SplError(f"the macro '{name}' names {len(names)} argument(s) in 'args'", position)
    values = {}
    for place, argument in enumerate(arguments):
        key, equals, value = argument.partition("=")
        if equals and key.strip() in names:
            values[key.strip()] = _unquote(value.strip())
        else:
            values[names[place]] = argument
    text = stanza.get("definition", "")
    return re.sub(r"\$(\w+)\$", lambda m: values.get(m.group(1), m.group()), text)


def _evaluate(text: str, context: Any, name: str, position: int) -> str:
    """The text that an eval-based macro's expression gives."""
    from tools.splunkd_lite.spl.context import Environment
    from tools.splunkd_lite.spl.evalparser import parse_expression
    from tools.splunkd_lite.spl.evaluate import compile_expression
    from tools.splunkd_lite.spl.scanner import Scanner

    try:
        scanner = Scanner(text)
        tree = parse_expression(scanner)
        if scanner.peek():
            scanner.fail(f"unexpected {scanner.found()}")
        value = compile_expression(tree, Environment(context))({})
    except SplError as error:
        raise SplError(
            f"the macro '{name}' is not an eval expression: {error.message}", position
        ) from None
    if not isinstance(value, str):
        raise SplError(
            f"the eval expression of the macro '{name}' does not give a string", position
        )
    return value


def _validate(stanza: Mapping[str, str], arguments: list[str], name: str, position: int) -> None:
    validation = stanza.get("validation", "").strip()
    if not validation or not arguments:
        return
    from tools.splunkd_lite.spl.evalparser import parse_expression
    from tools.splunkd_lite.spl.evaluate import compile_expression, truth
    from tools.splunkd_lite.spl.scanner import Scanner

    row = dict(zip(_names(stanza), arguments, strict=True))
    value = compile_expression(parse_expression(Scanner(validation)))(row)
    boolean = isinstance(value, bool)
    if (boolean and not truth(value)) or (not boolean and value is not None):
        message = stanza.get("errormsg") or (
            value if isinstance(value, str) else "validation failed"
        )
        raise SplError(f"the macro '{name}' refuses its arguments: {message}", position)
