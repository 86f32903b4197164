"""fields, table, rename: which fields there are, in which order, by which name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tools.splunkd_lite.spl.commands.searching import plus
from tools.splunkd_lite.spl.context import Environment
from tools.splunkd_lite.spl.holding import hold
from tools.splunkd_lite.spl.reader import Reader
from tools.splunkd_lite.spl.registry import command
from tools.splunkd_lite.spl.tree import ALL, Command, FieldSet
from tools.splunkd_lite.spl.values import Row


def name_pattern(name: str) -> re.Pattern[str]:
    """A field's name with * as a pattern; each * is a group."""
    return re.compile("(.*)".join(map(re.escape, name.split("*"))) + r"\Z")


def _matches(name: str, patterns: list[re.Pattern[str]]) -> bool:
    """Whether a pattern names the field; internal fields need one that starts with _."""
    return any(p.match(name) and (name[:1] != "_" or p.pattern[:1] == "_") for p in patterns)


@command("fields", doc="search-commands/fields")
@dataclass
class Fields(Command):
    """Keeps (+) or removes (-) fields. Internal fields go only when they are named."""

    keep: bool
    names: list[str]

    @classmethod
    def parse(cls, reader: Reader) -> Fields:
        keep = True
        if reader.peek() in ("-", "+"):
            keep = reader.peek() == "+"
            reader.pos += 1
        return cls(keep, reader.required_fields())

    def run(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        exact = [name for name in self.names if "*" not in name]
        patterns = [name_pattern(name) for name in self.names if "*" in name]
        if not self.keep:
            for row in rows:
                gone = [
                    name
                    for name in row
                    if name in exact
                    or any(
                        p.match(name) and (name[:1] != "_" or p.pattern[:1] == "_")
                        for p in patterns
                    )
                ]
                for name in gone:
                    del row[name]
                yield row
            return
        for row in rows:
            kept = {name: row[name] for name in exact if name in row}
            for name in row:
                if name not in kept and (
                    name in ("_time", "_raw")
                    or name in ("_cd", "_bkt", "_indextime")
                    or any(p.match(name) for p in patterns)
                ):
                    kept[name] = row[name]
            yield kept

    def needs(self, down: FieldSet) -> FieldSet:
        if not self.keep:
            return down
        mine = plus(frozenset(("_raw", "_time")), self.names)
        if down is ALL or down is None or mine is ALL or mine is None:
            return mine
        return mine & (down | {"_raw", "_time"})


@command("table", doc="search-commands/table")
@dataclass
class Table(Command):
    """Only the named fields, in the order named; a column stays even where it is null."""

    names: list[str]

    @classmethod
    def parse(cls, reader: Reader) -> Table:
        return cls(reader.required_fields())

    def run(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        if not any("*" in name for name in self.names):
            names = self.names
            for row in rows:
                yield {name: row.get(name) for name in names}
            return
        held = hold(rows, env)
        present = list(held.names())
        chosen: dict[str, None] = {}
        for name in self.names:
            if "*" in name:
                pattern = name_pattern(name)
                chosen.update(
                    (x, None)
                    for x in sorted(present)
                    if pattern.match(x) and (x[:1] != "_" or name[:1] == "_")
                )
            else:
                chosen[name] = None
        for row in held:
            yield {name: row.get(name) for name in chosen}

    def needs(self, down: FieldSet) -> FieldSet:
        return plus(frozenset(), self.names)


@command("rename", doc="search-commands/rename")
@dataclass
class Rename(Command):
    """Gives fields other names; a wildcard in both keeps what it stood for."""

    pairs: list[tuple[str, str]]

    @classmethod
    def parse(cls, reader: Reader) -> Rename:
        pairs: list[tuple[str, str]] = []
        while not reader.at_end():
            if pairs:
                reader.accept(",")
            old = reader.field("a field to rename")
            if not reader.keyword("as"):
                reader.fail(f"expected AS after the field '{old}', found {reader.found()}")
            at = reader.position()
            new = reader.field("a name after AS")
            if old.count("*") != new.count("*"):
                reader.fail(f"'{old}' and '{new}' do not have the same number of wildcards", at)
            pairs.append((old, new))
        if not pairs:
            reader.fail("the command 'rename' takes at least one 'field AS name'")
        return cls(pairs)

    def run(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        rules = [(old, name_pattern(old) if "*" in old else None, new) for old, new in self.pairs]
        for row in rows:
            renamed = dict(row)
            for old, pattern, new in rules:
                if pattern is None:
                    if old in renamed:
                        renamed = _move(renamed, {old: new})
                    else:
                        renamed.pop(new, None)  # "The data in fieldB will contain null values"
                    continue
                moves = {}
                for name in renamed:
                    found = pattern.match(name)
                    if found and (name[:1] != "_" or old[:1] == "_"):
                        moves[name] = _filled(new, found.groups())
                renamed = _move(renamed, moves)
            yield renamed

    def needs(self, down: FieldSet) -> FieldSet:
        for old, new in reversed(self.pairs):
            if down is ALL or down is None or "*" in old:
                return ALL
            if new in down:
                down = (down - {new}) | {old}
        return down


def _filled(name: str, parts: tuple[str, ...]) -> str:
    waiting = list(parts)
    return re.sub(r"\*", lambda _: waiting.pop(0), name)


def _move(row: Row, moves: dict[str, str]) -> Row:
    """The row with fields renamed in place; a field that had the new name is replaced."""
    taken = set(moves.values()) - set(moves)
    return {moves.get(name, name): value for name, value in row.items() if name not in taken}
