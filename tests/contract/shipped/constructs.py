"""What a parsed search uses, to be held against what SUPPORTED.md lists."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.splunkd_lite.spl.aggregation import Aggregation
from tools.splunkd_lite.spl.custom import Custom
from tools.splunkd_lite.spl.tree import Call, Command, Pipeline

__all__ = ["listed", "used"]

_HEADING = re.compile(r"^## (.+)$", re.M)
_NAME = re.compile(r"`([^`]+)`")


def listed(document: Path) -> dict[str, set[str]]:
    """The names in the first column of each table of SUPPORTED.md, by kind."""
    parts = _HEADING.split(document.read_text(encoding="utf-8"))[1:]
    sections = dict(zip(parts[::2], parts[1::2], strict=True))
    return {
        "command": _column(sections["Commands"]),
        "eval function": _column(sections["Eval functions"]),
        "stats function": _column(sections["Stats functions"]),
    }


def _column(table: str) -> set[str]:
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in _NAME.findall(row.split("|")[1])}


def used(pipeline: Pipeline) -> set[tuple[str, str]]:
    """(kind, name) of each built-in command and function of a search, subsearches included."""
    return set(_walk(pipeline, set()))


def _walk(node: Any, seen: set[int]) -> Iterator[tuple[str, str]]:
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, Command) and not isinstance(node, Custom):
        yield "command", node.name
    elif isinstance(node, Call):
        yield "eval function", node.name
    elif isinstance(node, Aggregation):
        yield "stats function", node.function
    if dataclasses.is_dataclass(node):
        for field in dataclasses.fields(node):
            yield from _walk(getattr(node, field.name), seen)
    elif isinstance(node, dict):
        for value in node.values():
            yield from _walk(value, seen)
    elif isinstance(node, (list, tuple, set, frozenset)):
        for value in node:
            yield from _walk(value, seen)
