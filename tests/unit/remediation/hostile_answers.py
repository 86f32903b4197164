"""Answers as no service gives them: each part of a true one replaced by what it must not be."""

from __future__ import annotations

import json
from typing import Any, Callable, Iterator

from incident_management.remediation.executors.executor import ExecutorError, Outcome

# Of each kind that JSON has, some at their limits; half a character can be written down nowhere.
WRONG: tuple[Any, ...] = (
    None, True, 7, -1, 1.5, 1e400, "", "x", [], [1], [[]], [None], {}, {"a": 1}, "\ud800",
    "a\nb\x00", "../../users/1", "9" * 5000,
)  # fmt: skip


def spoiled(true: Any) -> Iterator[Any]:
    """Yield malformed copies of a document: each has one part replaced or left out."""
    yield from WRONG
    if isinstance(true, dict):
        for name, value in true.items():
            yield {key: one for key, one in true.items() if key != name}
            for other in spoiled(value):
                yield {**true, name: other}
    if isinstance(true, list):
        for number, value in enumerate(true):
            for other in spoiled(value):
                yield [*true[:number], other, *true[number + 1 :]]


def is_withstood(ask: Callable[[], Any]) -> bool:
    """Tell whether what is made of an answer can be written down. Raises what is not foreseen."""
    try:
        found = ask()
    except ExecutorError as error:
        found = str(error)
    told = [found.detail, found.result] if isinstance(found, Outcome) else found
    json.dumps(told, ensure_ascii=False, allow_nan=False).encode("utf-8")
    return True
