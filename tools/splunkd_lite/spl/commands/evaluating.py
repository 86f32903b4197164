"""eval, fillnull, filldown, rename of values: commands that set fields."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from tools.splunkd_lite.spl.commands.searching import plus
from tools.splunkd_lite.spl.context import Environment
from tools.splunkd_lite.spl.errors import SplError
from tools.splunkd_lite.spl.evaluate import compile_expression, is_boolean, references
from tools.splunkd_lite.spl.holding import hold
from tools.splunkd_lite.spl.reader import Reader, text
from tools.splunkd_lite.spl.registry import command
from tools.splunkd_lite.spl.tree import ALL, Command, Expression, FieldSet
from tools.splunkd_lite.spl.values import Row, to_text

_DYNAMIC = re.compile(r"\{([^}]*)\}")
_DESTINATION = re.compile(r"[^\s=|\[\]\",()']+")


@command("eval", doc="search-commands/eval")
@dataclass
class Eval(Command):
    """Sets each destination to its expression's value, one after the other."""

    assignments: list[tuple[str, Expression]]

    @classmethod
    def parse(cls, reader: Reader) -> Eval:
        assignments = [_assignment(reader)]
        while reader.accept(","):
            assignments.append(_assignment(reader))
        return cls(assignments)

    def run(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        compiled = [(name, compile_expression(tree, env)) for name, tree in self.assignments]
        for row in rows:
            for name, value in compiled:
                result = value(row)
                if isinstance(result, bool):
                    result = "True" if result else "False"
                row[_filled(name, row) if "{" in name else name] = result
            yield row

    def needs(self, down: FieldSet) -> FieldSet:
        for name, tree in reversed(self.assignments):
            if down is ALL or down is None:
                return ALL
            down = plus(down - {name}, references(tree) | set(_DYNAMIC.findall(name)))
        return down


def _assignment(reader: Reader) -> tuple[str, Expression]:
    name = reader.quoted()
    if name is None and reader.peek() == "'":
        end = reader.text.find("'", reader.pos + 1)
        if end < 0:
            reader.fail("this single quote is never closed")
        name = reader.text[reader.pos + 1 : end]
        reader.pos = end + 1
    if name is None:
        name = reader.match(_DESTINATION)
    if not name:
        reader.fail(f"expected a field to assign to, found {reader.found()}")
    if reader.peek() != "=" or reader.text.startswith("==", reader.pos):
        reader.fail(f"expected '=' after the field '{name}', found {reader.found()}")
    reader.accept("=")
    at = reader.skip()
    tree = reader.expression()
    if is_boolean(tree):
        reader.fail(
            "Fields cannot be assigned a boolean result. Instead, try "
            "if([bool expr], [expr], [expr]).",
            at,
        )
    return name, tree


def _filled(name: str, row: Row) -> str:
    """A destination such as {status}_count, with the row's values in it."""
    filled = _DYNAMIC.sub(lambda found: to_text(row.get(found.group(1))), name)
    if _DYNAMIC.search(filled):
        raise SplError(f"the field name '{name}' stands for '{filled}', which has braces again")
    return filled


@command("fieldformat", doc="search-commands/fieldformat")
@dataclass
class FieldFormat(Eval):
    """Changes how a field prints. Here its value changes, which is why the parser lets nothing
    come after it that would see the value."""


@command("fillnull", doc="search-commands/fillnull", options=("value",))
@dataclass
class FillNull(Command):
    """Replaces nulls: in the named fields, or in every field that any row has."""

    value: str
    fields: list[str]

    @classmethod
    def parse(cls, reader: Reader) -> FillNull:
        options = reader.options({"value": text})
        return cls(options.get("value", "0"), reader.fields())

    def run(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        names = self.fields
        if not names:
            rows = hold(rows, env)
            names = list(rows.names())
        for row in rows:
            for name in names:
                if row.get(name) is None:
                    row[name] = self.value
            yield row

    def needs(self, down: FieldSet) -> FieldSet:
        return plus(down, self.fields) if self.fields else down


@command("filldown", doc="search-commands/filldown")
@dataclass
class FillDown(Command):
    """Replaces nulls by the last value that the field had in an earlier row."""

    fields: list[str]

    @classmethod
    def parse(cls, reader: Reader) -> FillDown:
        return cls(reader.fields())

    def run(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        last: dict[str, Any] = {}
        exact = [name for name in self.fields if "*" not in name]
        patterns = [name for name in self.fields if "*" in name] or ([] if exact else ["*"])
        for row in rows:
            names = dict.fromkeys([*exact, *row, *last]) if patterns else exact
            for name in names:
                if name not in exact and not any(fnmatchcase(name, p) for p in patterns):
                    continue
                if row.get(name) is not None:
                    last[name] = row[name]
                elif name in last:
                    row[name] = last[name]
            yield row

    def needs(self, down: FieldSet) -> FieldSet:
        return plus(down, self.fields) if self.fields else ALL
