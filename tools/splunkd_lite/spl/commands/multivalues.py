"""makemv, nomv, mvexpand, mvcombine: between one value and several."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tools.splunkd_lite.spl.commands.searching import plus
from tools.splunkd_lite.spl.context import Environment
from tools.splunkd_lite.spl.holding import setting
from tools.splunkd_lite.spl.pcre import compile_pattern
from tools.splunkd_lite.spl.reader import Reader, boolean, integer, text
from tools.splunkd_lite.spl.registry import command
from tools.splunkd_lite.spl.tree import Command, FieldSet
from tools.splunkd_lite.spl.values import Row, as_list, from_list, to_text

_MAKE = {"delim": text, "tokenizer": text, "allowempty": boolean}


@command("makemv", doc="search-commands/makemv", options=tuple(_MAKE))
@dataclass
class MakeMv(Command):
    """Splits a field's text into values, by a delimiter or by what a pattern's group finds."""

    field: str
    options: dict[str, Any]

    @classmethod
    def parse(cls, reader: Reader) -> MakeMv:
        options = reader.options(_MAKE)
        name = reader.field("a field to split")
        options.update(reader.options(_MAKE))
        if "tokenizer" in options:
            compile_pattern(options["tokenizer"], reader.position())
        return cls(name, options)

    def run(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        split = self._splitter()
        for row in rows:
            value = row.get(self.field)
            if value is not None:
                row[self.field] = from_list(
                    x for item in as_list(value) for x in split(to_text(item))
                )
            yield row

    def _splitter(self) -> Any:
        pattern = self.options.get("tokenizer")
        if pattern is not None:
            compiled = compile_pattern(pattern, self.position)
            group = 1 if compiled.groups else 0
            return lambda item: [found.group(group) for found in compiled.finditer(item)]
        delim = self.options.get("delim", " ")
        empty = self.options.get("allowempty", False)
        return lambda item: [part for part in item.split(delim) if part or empty]

    def needs(self, down: FieldSet) -> FieldSet:
        return plus(down, (self.field,))


@command("nomv", doc="search-commands/nomv")
@dataclass
class NoMv(Command):
    """Joins a field's values into one, on lines of their own."""

    field: str

    @classmethod
    def parse(cls, reader: Reader) -> NoMv:
        return cls(reader.field())

    def run(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        for row in rows:
            if type(row.get(self.field)) is list:
                row[self.field] = to_text(row[self.field])
            yield row

    def needs(self, down: FieldSet) -> FieldSet:
        return plus(down, (self.field,))


@command("mvexpand", doc="search-commands/mvexpand", options=("limit",))
@dataclass
class MvExpand(Command):
    """One row for each value of a field.

    A batch of maxresultrows rows may take max_mem_usage_mb when it is expanded, by an estimate from
    the length of its text; the rest of the batch is left out, with a warning:
    https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/mvexpand
    Splunk's words for it are from memory.
    """

    field: str
    limit: int

    @classmethod
    def parse(cls, reader: Reader) -> MvExpand:
        options = reader.options({"limit": integer})
        name = reader.field("a field to expand")
        options.update(reader.options({"limit": integer}))
        return cls(name, options.get("limit", 0))

    def run(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        megabytes = setting(env, "mvexpand", "max_mem_usage_mb", 500)
        batch = setting(env, "searchresults", "maxresultrows", 50_000)
        most = megabytes * 2**20 if megabytes else math.inf
        taken: float = 0
        given = 0
        for count, row in enumerate(rows):
            if count % batch == 0:
                taken = 0
            value = row.get(self.field)
            if type(value) is not list:
                given += 1
                yield row
                continue
            items = value[: self.limit] if self.limit else value
            size = _size(row, self.field) * len(items) + sum(len(to_text(item)) for item in items)
            if taken + size > most:
                self._warn(env, given, megabytes)
                taken = most  # nothing more of this batch
                continue
            taken += size
            given += len(items)
            for item in items:
                yield {**row, self.field: item}

    @staticmethod
    def _warn(env: Environment, given: int, megabytes: int) -> None:
        if "mvexpand: truncated" not in env.cache:
            env.cache["mvexpand: truncated"] = True
            env.warn(
                f"command.mvexpand: output will be truncated at {given} results due to excessive "
                f"memory usage. Memory threshold of {megabytes}MB as configured in limits.conf / "
                "[mvexpand] / max_mem_usage_mb has been reached."
            )

    def needs(self, down: FieldSet) -> FieldSet:
        return plus(down, (self.field,))


def _size(row: Row, but: str) -> int:
    """About how many bytes the other fields of a row take."""
    return sum(len(name) + len(to_text(value)) for name, value in row.items() if name != but)


@command("mvcombine", doc="search-commands/mvcombine")
@dataclass
class MvCombine(Command):
    """Rows that differ only in one field become one, with all its values."""

    field: str

    @classmethod
    def parse(cls, reader: Reader) -> MvCombine:
        return cls(reader.field("a field to combine"))

    def run(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        groups: dict[Any, tuple[Row, list[Any]]] = {}
        for row in rows:
            key = tuple(
                (name, to_text(row[name]))
                for name in sorted(row)
                if name != self.field and row[name] is not None
            )
            _, values = groups.setdefault(key, (row, []))
            values += as_list(row.get(self.field))
        for row, values in groups.values():
            row[self.field] = from_list(values)
            yield row
