"""streamstats: running results, row by row."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tools.splunkd_lite.spl.aggregation import (
    Aggregation,
    Group,
    expand,
    fields_of,
    group_factory,
    has_wildcards,
    parse_aggregations,
)
from tools.splunkd_lite.spl.commands.searching import plus
from tools.splunkd_lite.spl.commands.statistics import Key, keys_of
from tools.splunkd_lite.spl.context import Environment
from tools.splunkd_lite.spl.evalparser import parse_expression
from tools.splunkd_lite.spl.evaluate import Compiled, compile_expression, references, truth
from tools.splunkd_lite.spl.holding import hold
from tools.splunkd_lite.spl.reader import Reader, boolean, integer, span
from tools.splunkd_lite.spl.registry import command
from tools.splunkd_lite.spl.scanner import Scanner
from tools.splunkd_lite.spl.tree import ALL, Command, Expression, FieldSet
from tools.splunkd_lite.spl.values import Row, to_number

MAX_WINDOW = 10_000
_KINDS = {"current": boolean, "window": integer, "global": boolean,
          "reset_on_change": boolean, "time_window": span}  # fmt: skip
_CLOSING = re.compile(r'(?<!\\)"\)"')
_CONDITIONS = ("reset_before", "reset_after")


@command("streamstats", doc="search-commands/streamstats", options=(*_KINDS, *_CONDITIONS))
@dataclass
class StreamStats(Command):
    """Adds to each row what the functions give over it and the rows before it."""

    specs: list[Aggregation]
    by: list[str]
    options: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, reader: Reader) -> StreamStats:
        options = _options(reader)
        specs = parse_aggregations(reader, "by", *_KINDS, *_CONDITIONS)
        options.update(_options(reader))
        while not reader.at_end() and reader.peek_word().lower() != "by":
            specs += parse_aggregations(reader, "by", *_KINDS, *_CONDITIONS)
            options.update(_options(reader))
        by = reader.required_fields() if reader.keyword("by") else []
        options.update(_options(reader))
        window = options.get("window", 0)
        reader.check(0 <= window <= MAX_WINDOW, f"the window must be 0 to {MAX_WINDOW} rows")
        return cls(specs, by, options)

    def run(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        specs = self.specs
        if has_wildcards(specs):
            rows = hold(rows, env)
            specs = expand(specs, rows.names())
        return _Stream(self, specs, env).run(rows)

    def needs(self, down: FieldSet) -> FieldSet:
        read = fields_of(self.specs)
        if read is None or down is ALL or down is None:
            return ALL
        down = down - {spec.name for spec in self.specs}
        for name in _CONDITIONS:
            if name in self.options:
                read |= references(self.options[name])
        return plus(down, read | set(self.by) | {"_time"})


def _options(reader: Reader) -> dict[str, Any]:
    """Options, of which the reset conditions are expressions in parentheses."""
    found: dict[str, Any] = {}
    while True:
        name = reader.peek_word().lower()
        if name in _CONDITIONS:
            reader.word(name)
            reader.expect("=", f"after '{name}'")
            found[name] = _condition(reader, name)
            continue
        pair = reader.option(_KINDS)
        if pair is None:
            return found
        found[pair[0]] = pair[1]


def _condition(reader: Reader, name: str) -> Expression:
    r"""An expression in parentheses: (x="1"), or as the manual writes it, "("x==\"1\"")"."""
    if reader.accept('"("'):
        closing = _CLOSING.search(reader.text, reader.pos)
        if closing is None:
            reader.fail(f"the condition of '{name}' is never closed")
        inner = Scanner(reader.text[reader.pos : closing.start()].replace('\\"', '"'))
        tree = parse_expression(inner)
        if inner.peek():
            reader.fail(f"'{name}' takes one condition, found {inner.found()} after it")
        reader.pos = closing.end()
        return tree
    reader.expect("(", f"around the condition of '{name}'")
    tree = parse_expression(reader)
    reader.expect(")", f"to close '{name}'")
    return tree


class _Stream:
    """One run of streamstats."""

    def __init__(self, command: StreamStats, specs: list[Aggregation], env: Environment) -> None:
        options = command.options
        self.by = command.by
        self.names = [spec.name for spec in specs]
        self.make = group_factory(specs, env)
        self.current = options.get("current", True)
        self.window = options.get("window", 0)
        self.shared_window = options.get("global", True) and self.window > 0
        self.seconds = options["time_window"].seconds if "time_window" in options else None
        self.on_change = options.get("reset_on_change", False)
        self.before = self._condition(options.get("reset_before"), env)
        self.after = self._condition(options.get("reset_after"), env)
        self.groups: dict[Key, Group] = {}
        self.history: dict[Key, deque[tuple[Key, Row]]] = {}
        self.last_key: Key | None = None

    @staticmethod
    def _condition(tree: Expression | None, env: Environment) -> Compiled | None:
        return None if tree is None else compile_expression(tree, env)

    def run(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            keys = keys_of(row, self.by)
            if not keys:
                yield row
                continue
            key = keys[0]
            if (self.on_change and self.last_key not in (None, key)) or (
                self.before is not None and truth(self.before(row))
            ):
                self._reset()
            self.last_key = key
            results = (
                self._windowed(key, row) if self.window or self.seconds else self._plain(key, row)
            )
            row.update(zip(self.names, results, strict=True))
            if self.after is not None and truth(self.after(row)):
                self._reset()
            yield row

    def _reset(self) -> None:
        self.groups.clear()
        self.history.clear()

    def _plain(self, key: Key, row: Row) -> list[Any]:
        group = self.groups.get(key)
        if group is None:
            group = self.groups[key] = self.make()
        if self.current:
            group.add(row)
            return group.results()
        results = group.results()
        group.add(row)
        return results

    def _windowed(self, key: Key, row: Row) -> list[Any]:
        place = () if self.shared_window else key
        held = self.history.setdefault(place, deque())
        entry = (key, dict(row))
        if self.current:
            held.append(entry)
        self._trim(held, row)
        group = self.make()
        for other, earlier in held:
            if other == key:
                group.add(earlier)
        if not self.current:
            held.append(entry)
        return group.results()

    def _trim(self, held: deque[tuple[Key, Row]], row: Row) -> None:
        while self.window and len(held) > self.window:
            held.popleft()
        now = to_number(row.get("_time"))
        while self.seconds is not None and now is not None and held:
            time = to_number(held[0][1].get("_time"))
            if time is None or abs(now - time) < self.seconds:
                break
            held.popleft()
