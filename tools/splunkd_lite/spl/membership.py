"""Which event types and tags an event has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tools.splunkd_lite.spl import knowledge
from tools.splunkd_lite.spl.searchmatch import compile_search
from tools.splunkd_lite.spl.values import Row, as_list, from_list, to_text

__all__ = ["event_types_step", "tags_step"]

Step = Callable[[Row], None]


def event_types_step(env: Any) -> Step | None:
    """Sets `eventtype`; None when there are no event types."""
    tests = []
    for name, tree in knowledge.eventtypes(env):
        expanded = knowledge.expand(tree, env, lambda pipeline, env: [])
        tests.append((name, compile_search(expanded, env)))
    if not tests:
        return None

    def step(row: Row) -> None:
        found = from_list(name for name, test in tests if test(row))
        if found is not None:
            row["eventtype"] = found

    return step


def tags_step(env: Any) -> Step | None:
    """Sets `tag` and `tag::<field>`; None when there are no tags."""
    by_field: dict[str, dict[str, list[str]]] = {}
    for field, value, tags in knowledge.tagged(env):
        by_field.setdefault(field, {}).setdefault(value.lower(), []).extend(tags)
    if not by_field:
        return None

    def step(row: Row) -> None:
        every: dict[str, None] = {}
        for field, values in by_field.items():
            mine = [t for x in as_list(row.get(field)) for t in values.get(to_text(x).lower(), ())]
            if mine:
                row[f"tag::{field}"] = from_list(dict.fromkeys(mine))
                every.update(dict.fromkeys(mine))
        if every:
            row["tag"] = from_list(sorted(every))

    return step
