"""Multivalue functions."""

from __future__ import annotations

from typing import Any

from tools.splunkd_lite.spl.errors import SplError
from tools.splunkd_lite.spl.evaluate import Compiled, references, truth
from tools.splunkd_lite.spl.pcre import compile_pattern
from tools.splunkd_lite.spl.registry import function
from tools.splunkd_lite.spl.timemod import parse_span
from tools.splunkd_lite.spl.tree import Call, FieldRef
from tools.splunkd_lite.spl.values import Row, as_list, from_list, to_number, to_text

PAGE = "evaluation-functions/multivalue-eval-functions"
MAX_RANGE = 1_000_000


@function("mvappend", 1, None, doc=PAGE)
def mvappend(*values: Any) -> Any:
    return from_list(item for value in values for item in as_list(value))


@function("mvcount", 1, doc=PAGE)
def mvcount(value: Any) -> Any:
    return None if value is None else len(as_list(value))


@function("mvdedup", 1, doc=PAGE)
def mvdedup(value: Any) -> Any:
    first: dict[str, Any] = {}
    for item in as_list(value):
        first.setdefault(to_text(item), item)
    return from_list(first.values())


def _per_value(node: Call, field: str, expression: Compiled) -> Any:
    def values(row: Row) -> list[tuple[Any, Any]]:
        scope = dict(row)
        found = []
        for item in as_list(row.get(field)):
            scope[field] = item
            found.append((item, expression(scope)))
        return found

    return values


@function("mvfilter", 1, doc=PAGE, lazy=True)
def mvfilter(node: Call, arguments: list[Compiled], env: Any) -> Compiled:
    """The values for which a condition over one field holds."""
    fields = references(node.arguments[0])
    if len(fields) != 1:
        raise SplError("mvfilter() takes a condition over exactly one field", node.position)
    values = _per_value(node, next(iter(fields)), arguments[0])
    return lambda row: from_list(item for item, test in values(row) if truth(test))


@function("mvmap", 2, 3, doc=PAGE, lazy=True)
def mvmap(node: Call, arguments: list[Compiled], env: Any) -> Compiled:
    """An expression's value for each value of a field."""
    subject = node.arguments[0]
    if isinstance(subject, FieldRef):
        values = _per_value(node, subject.name, arguments[1])
        return lambda row: from_list(x for _, result in values(row) for x in as_list(result))
    name = next(iter(references(node.arguments[1]) & references(subject)), None)
    if name is None:
        raise SplError("mvmap() takes a field and an expression over it", node.position)
    expression = arguments[1]

    def run(row: Row) -> Any:
        items = as_list(arguments[0](row))
        return from_list(x for item in items for x in as_list(expression({**row, name: item})))

    return run


@function("mvfind", 2, doc=PAGE)
def mvfind(value: Any, regex: Any) -> Any:
    if regex is None:
        return None
    compiled = compile_pattern(to_text(regex))
    for index, item in enumerate(as_list(value)):
        if compiled.search(to_text(item)):
            return index
    return None


@function("mvindex", 2, 3, doc=PAGE)
def mvindex(value: Any, start: Any, end: Any = ...) -> Any:
    """Values `start` to `end`, both included, counted from 0; negative counts from the end."""
    items = as_list(value)
    first = to_number(start)
    last = first if end is ... else to_number(end)
    if first is None or last is None:
        return None
    low, high = int(first), int(last)
    low += len(items) if low < 0 else 0
    high += len(items) if high < 0 else 0
    if low < 0 or high < low:
        return None
    return from_list(items[low : high + 1])


@function("mvjoin", 2, doc=PAGE)
def mvjoin(value: Any, delimiter: Any) -> Any:
    if value is None or delimiter is None:
        return None
    return to_text(delimiter).join(to_text(item) for item in as_list(value))


@function("mvrange", 2, 3, doc=PAGE)
def mvrange(start: Any, end: Any, step: Any = 1) -> Any:
    """Numbers from `start` up to, not including, `end`; a step may be a time span such as 7d."""
    low, high, stride = to_number(start), to_number(end), to_number(step)
    if stride is None:
        span = parse_span(to_text(step))
        stride = span.seconds if span else None
    if low is None or high is None or not stride:
        return None
    if abs((high - low) / stride) > MAX_RANGE:
        raise SplError(f"mvrange() would give more than {MAX_RANGE} values")
    found = []
    while (low < high) if stride > 0 else (low > high):
        found.append(int(low) if low == int(low) else low)
        low += stride
    return from_list(found)


@function("mvreverse", 1, doc=PAGE)
def mvreverse(value: Any) -> Any:
    return from_list(reversed(as_list(value)))


@function("mvsort", 1, doc=PAGE)
def mvsort(value: Any) -> Any:
    """Values in the order of their characters."""
    return from_list(sorted(as_list(value), key=to_text))


@function("mvzip", 2, 3, doc=PAGE)
def mvzip(left: Any, right: Any, delimiter: Any = ",") -> Any:
    joint = to_text(delimiter)
    pairs = zip(as_list(left), as_list(right), strict=False)
    return from_list(to_text(a) + joint + to_text(b) for a, b in pairs)


@function("split", 2, doc=PAGE)
def split(value: Any, delimiter: Any) -> Any:
    if value is None or delimiter is None:
        return None
    text, mark = to_text(value), to_text(delimiter)
    return from_list(text.split(mark) if mark else list(text))


@function("commands", 1, doc=PAGE)
def commands(value: Any) -> Any:
    """The names of the commands in a search."""
    from tools.splunkd_lite.spl.parser import command_names

    return None if value is None else from_list(command_names(to_text(value)))
