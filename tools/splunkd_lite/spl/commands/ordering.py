"""sort, head, tail, reverse, dedup: the order of rows and how many there are."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar

from tools.splunkd_lite.spl.commands.searching import plus
from tools.splunkd_lite.spl.context import Environment
from tools.splunkd_lite.spl.evaluate import compile_expression, references, truth
from tools.splunkd_lite.spl.holding import hold, sorted_rows
from tools.splunkd_lite.spl.reader import Reader, boolean, integer
from tools.splunkd_lite.spl.registry import command
from tools.splunkd_lite.spl.sortkeys import SortKey, comparer
from tools.splunkd_lite.spl.tree import Command, Expression, FieldSet
from tools.splunkd_lite.spl.values import Row, to_text

SORT_LIMIT = 10_000


def parse_sort_keys(reader: Reader, *stops: str) -> list[SortKey]:
    """Fields with - or + and auto(), str(), num() or ip(), apart by commas or spaces."""
    keys: list[SortKey] = []
    while not reader.at_end() and reader.peek_word().lower() not in stops:
        if keys:
            reader.accept(",")
        descending = False
        if reader.peek() in ("-", "+"):
            descending = reader.peek() == "-"
            reader.pos += 1
        name = reader.field("a field to sort by")
        kind = "auto"
        if name.lower() in ("auto", "str", "num", "ip") and reader.peek() == "(":
            reader.accept("(")
            kind, name = name.lower(), reader.field("a field")
            reader.expect(")", f"to close '{kind}('")
        keys.append(SortKey(name, descending, kind))
    return keys


@command("sort", doc="search-commands/sort", options=("limit",))
@dataclass
class Sort(Command):
    """Sorts, and keeps the first 10,000 rows unless a limit (0: none) is given."""

    holds: ClassVar[bool] = True

    limit: int
    keys: list[SortKey]
    descending: bool = False

    @classmethod
    def parse(cls, reader: Reader) -> Sort:
        limit = reader.options({"limit": integer}).get("limit")
        if limit is None and reader.peek_word().isdigit():
            limit = int(reader.word("a limit"))
        keys = parse_sort_keys(reader, "d", "desc")
        if not keys:
            reader.fail("the command 'sort' takes at least one field")
        flipped = reader.keyword("d", "desc") is not None
        if flipped:
            keys = [SortKey(key.field, not key.descending, key.kind) for key in keys]
        return cls(SORT_LIMIT if limit is None else limit, keys, flipped)

    def run(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        if 0 < self.limit <= 1000:
            yield from heapq.nsmallest(self.limit, rows, key=comparer(self.keys))
            return
        yield from sorted_rows(rows, self.keys, env, self.limit)

    def needs(self, down: FieldSet) -> FieldSet:
        return plus(down, [key.field for key in self.keys])


@command("head", doc="search-commands/head", options=("limit", "null", "keeplast"))
@dataclass
class Head(Command):
    """The first rows: a number of them, or while a condition holds."""

    limit: int = 10
    condition: Expression | None = None
    null: bool = False
    keeplast: bool = False

    @classmethod
    def parse(cls, reader: Reader) -> Head:
        limit, condition = None, None
        found: dict[str, Any] = {}
        kinds = {"limit": integer, "null": boolean, "keeplast": boolean}
        while not reader.at_end():
            name = reader.peek_word().lower()
            if name in kinds and reader.text[reader.pos + len(name) :].lstrip()[:1] == "=":
                found.update(reader.options(kinds))
            elif name.isdigit() and condition is None:
                limit = int(reader.word("a count"))
            elif condition is None and (limit is None or reader.peek() == "("):
                condition = reader.expression()
            else:
                break
        if limit is None:
            limit = 10 if condition is None else -1
        return cls(found.get("limit", limit), condition, found.get("null", False),
                   found.get("keeplast", False))  # fmt: skip

    def run(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        if self.condition is None:
            return islice(iter(rows), self.limit)
        return self._while(rows, env)

    def _while(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        if self.condition is None:
            return
        test = compile_expression(self.condition, env)
        for count, row in enumerate(rows):
            if count == self.limit:
                return
            value = test(row)
            if truth(value) or (value is None and self.null):
                yield row
                continue
            if self.keeplast:
                yield row
            return

    def needs(self, down: FieldSet) -> FieldSet:
        return down if self.condition is None else plus(down, references(self.condition))


@command("tail", doc="search-commands/tail")
@dataclass
class Tail(Command):
    """The last rows, in reverse order."""

    limit: int = 10

    @classmethod
    def parse(cls, reader: Reader) -> Tail:
        if reader.at_end():
            return cls()
        at = reader.position()
        word = reader.word("a count")
        if not word.isdigit():
            reader.fail(f"the command 'tail' takes a number of rows, not '{word}'", at)
        return cls(int(word))

    def run(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        return reversed(deque(rows, self.limit))

    def needs(self, down: FieldSet) -> FieldSet:
        return down


@command("reverse", doc="search-commands/reverse")
@dataclass
class Reverse(Command):
    holds: ClassVar[bool] = True

    @classmethod
    def parse(cls, reader: Reader) -> Reverse:
        return cls()

    def run(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        return reversed(hold(rows, env))

    def needs(self, down: FieldSet) -> FieldSet:
        return down


_DEDUP = {"keepevents": boolean, "keepempty": boolean, "consecutive": boolean}


@command("dedup", doc="search-commands/dedup", options=tuple(_DEDUP))
@dataclass
class Dedup(Command):
    """Keeps the first N rows of each combination of values."""

    count: int
    fields: list[str]
    options: dict[str, bool]
    keys: list[SortKey]

    @classmethod
    def parse(cls, reader: Reader) -> Dedup:
        count = int(reader.word("a count")) if reader.peek_word().isdigit() else 1
        reader.check(count > 0, "the command 'dedup' takes a count above 0")
        options = reader.options(_DEDUP)
        fields = reader.required_fields("sortby")
        options.update(reader.options(_DEDUP))
        keys = parse_sort_keys(reader) if reader.keyword("sortby") else []
        return cls(count, fields, options, keys)

    def run(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        if self.keys:  # the order decides which row is kept
            rows = sorted_rows(rows, self.keys, env)
        return self._unique(rows)

    def _unique(self, rows: Iterable[Row]) -> Iterator[Row]:
        seen: dict[tuple[str, ...], int] = {}
        keep_events = self.options.get("keepevents", False)
        keep_empty = self.options.get("keepempty", False)
        consecutive = self.options.get("consecutive", False)
        for row in rows:
            values = [row.get(name) for name in self.fields]
            if any(value is None for value in values):
                if keep_empty:
                    yield row
                continue
            key = tuple(to_text(value) for value in values)
            if consecutive and key not in seen:
                seen.clear()
            seen[key] = seen.get(key, 0) + 1
            if seen[key] <= self.count:
                yield row
            elif keep_events:
                for name in self.fields:
                    row[name] = None
                yield row

    def needs(self, down: FieldSet) -> FieldSet:
        return plus(down, [*self.fields, *(key.field for key in self.keys)])
