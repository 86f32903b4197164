"""The values of fields: what they may be, how they compare, and how Splunk prints them.

A row is a dict from field name to value. A value is text (`str`), a number (`int`, `float`), a
multivalue (`list` of those, two or more), or null (`None`, or the key is absent). Text that reads
as a number acts as one in comparisons and arithmetic, since fields have no type in Splunk:
https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/evaluation-functions
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import Any

__all__ = [
    "Fixed",
    "Row",
    "Value",
    "as_list",
    "compare",
    "from_list",
    "sort_key",
    "to_number",
    "to_text",
]

# Text, a number, a list of these, bool (inside an expression only) or None.
Value = Any
Row = dict[str, Any]

_INFINITY = math.inf
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?\Z")


class Fixed(float):
    """A number that keeps its decimals when printed: round(5, 2) is 5.00."""

    __slots__ = ("decimals",)
    decimals: int

    def __new__(cls, value: float, decimals: int) -> Fixed:
        number = super().__new__(cls, value)
        number.decimals = decimals
        return number

    def __reduce__(self) -> tuple[type[Fixed], tuple[float, int]]:
        return Fixed, (float(self), self.decimals)


def to_number(value: Value) -> int | float | None:
    """The value as a finite number, or None if it isn't one."""
    kind = type(value)
    if kind is int:
        return value
    if kind is float or kind is Fixed:
        return value if -_INFINITY < value < _INFINITY else None
    if kind is str:
        if len(value) < 19 and value.isdigit() and value.isascii():
            return int(value)  # most numbers, and the regular expression takes three times as long
        text = value.strip()
        if not _NUMBER.match(text):
            return None
        try:
            return int(text)
        except ValueError:
            number = float(text)
            return number if -_INFINITY < number < _INFINITY else None
    if kind is list and len(value) == 1:
        return to_number(value[0])
    return None


def _number_text(value: float) -> str:
    if type(value) is Fixed:
        return f"{float(value):.{value.decimals}f}"
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if value == int(value) and abs(value) < 1e17:
        return str(int(value))
    text = repr(float(value))
    mantissa, mark, exponent = text.partition("e")
    if mark and -7 <= int(exponent) < 0:
        return f"{float(value):.{len(mantissa.replace('.', '').lstrip('-')) - 1 - int(exponent)}f}"
    return text


def to_text(value: Value) -> str:
    """The value as Splunk prints it; a multivalue is its values on lines of their own."""
    kind = type(value)
    if kind is str:
        return value
    if kind is int:
        return str(value)
    if kind is bool:
        return "True" if value else "False"
    if value is None:
        return ""
    if kind is list:
        return "\n".join(to_text(item) for item in value)
    return _number_text(value)


def as_list(value: Value) -> list[Any]:
    """The values of a field: none for null, one for a single value."""
    if value is None:
        return []
    return value if type(value) is list else [value]


def from_list(values: Iterable[Any]) -> Value:
    """A field's value from its values: null if there are none, a single value if there is one."""
    items = [item for item in values if item is not None]
    if not items:
        return None
    return items[0] if len(items) == 1 else items


def compare(left: Value, right: Value) -> int:
    """-1, 0 or 1: by number when both sides are numbers, otherwise by text."""
    a, b = to_number(left), to_number(right)
    if a is not None and b is not None:
        return (a > b) - (a < b)
    s, t = to_text(left), to_text(right)
    return (s > t) - (s < t)


def sort_key(value: Value) -> tuple[int, float, str]:
    """A key that puts numbers first, in their order, then text in its own."""
    number = to_number(value)
    if number is not None:
        return (0, number, "")
    return (1, 0, to_text(value))


def each(value: Value, change: Callable[[Any], Any]) -> Value:
    """`change` of a value, or of each value of a multivalue."""
    if value is None:
        return None
    if type(value) is list:
        return from_list(change(item) for item in value)
    return change(value)
