"""The order of rows by the values of fields, as sort has it."""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tools.splunkd_lite.spl.values import Row, as_list, sort_key, to_number, to_text

__all__ = ["SortKey", "comparer", "sort_rows"]


_ADDRESS = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.|\Z)){4}")


@dataclass(frozen=True)
class SortKey:
    """A field to sort by, its direction, and how its values are read."""

    field: str
    descending: bool = False
    kind: str = "auto"

    def key(self, row: Row) -> Any:
        value = row.get(self.field)
        if value is None:
            return None
        first = as_list(value)[0]
        if self.kind == "str":
            return (1, 0, to_text(first))
        if self.kind == "num":
            number = to_number(first)
            return None if number is None else (0, number, "")
        if self.kind == "ip":
            try:
                return (0, int(ipaddress.ip_address(to_text(first))), "")
            except ValueError:
                return (1, 0, to_text(first))
        if type(first) is str and first.count(".") == 3 and _ADDRESS.fullmatch(first):
            # "If the field contains on IP address values, the collating sequence is for IP
            # addresses": https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/sort
            return (1, _number_of(first), first)
        return sort_key(first)


def _number_of(address: str) -> int:
    number = 0
    for part in address.split("."):
        number = number * 256 + int(part)
    return number


def comparer(keys: list[SortKey]) -> Callable[[Row], Any]:
    """A key function for sorted(): rows without a field come last, either way."""

    def order(left: Row, right: Row) -> int:
        for key in keys:
            a, b = key.key(left), key.key(right)
            if a == b:
                continue
            if a is None or b is None:
                return 1 if a is None else -1
            return (-1 if a < b else 1) * (-1 if key.descending else 1)
        return 0

    return functools.cmp_to_key(order)


def sort_rows(rows: list[Row], keys: list[SortKey]) -> None:
    """Sorts in place, stably: by the last key first, nulls last."""
    for key in reversed(keys):
        present = [(key.key(row), index) for index, row in enumerate(rows)]
        with_value = [pair for pair in present if pair[0] is not None]
        nulls = [rows[index] for value, index in present if value is None]
        with_value.sort(key=lambda pair: pair[0], reverse=key.descending)
        rows[:] = [rows[index] for _, index in with_value] + nulls
