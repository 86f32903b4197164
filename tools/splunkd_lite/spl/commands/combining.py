"""append, appendpipe, appendcols, union, join, format, return: rows of other searches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar

from tools.splunkd_lite.spl import knowledge
from tools.splunkd_lite.spl.commands.searching import plus
from tools.splunkd_lite.spl.commands.statistics import keys_of
from tools.splunkd_lite.spl.context import Environment
from tools.splunkd_lite.spl.holding import hold, setting
from tools.splunkd_lite.spl.reader import Reader, boolean, choice, integer, only, text
from tools.splunkd_lite.spl.registry import command
from tools.splunkd_lite.spl.tree import ALL, Command, FieldSet, Pipeline
from tools.splunkd_lite.spl.values import Row, to_text

SUBSEARCH_LIMIT = 50_000
_WAIT = {"maxtime": integer, "maxout": integer, "timeout": integer}
_RANGE = {"extendtimerange": only(False, "a subsearch's own range does not widen the search's")}
_NOTES = {"extendtimerange": "false only"}
_APPEND = {**_RANGE, "maxtime": integer, "maxout": integer}


def _rows(pipeline: Pipeline, env: Environment, options: Mapping[str, Any]) -> list[Row]:
    """A subsearch's rows within maxout, and within the shorter of maxtime and timeout."""
    from tools.splunkd_lite.spl.execute import SUBSEARCH_SECONDS, subsearch_rows

    waits = [options[name] for name in ("maxtime", "timeout") if options.get(name)]
    seconds = min(waits, default=SUBSEARCH_SECONDS)
    return subsearch_rows(pipeline, env, options.get("maxout") or SUBSEARCH_LIMIT, seconds)


@command("append", doc="search-commands/append", options=tuple(_APPEND), notes=_NOTES)
@dataclass
class Append(Command):
    """The rows, then those of a subsearch."""

    pipeline: Pipeline
    options: dict[str, Any]

    @classmethod
    def parse(cls, reader: Reader) -> Append:
        options = reader.options(_APPEND)
        return cls(reader.subsearch(), options)

    def run(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        yield from rows
        yield from _rows(self.pipeline, env, self.options)

    def needs(self, down: FieldSet) -> FieldSet:
        return down


@command(
    "appendpipe",
    doc="search-commands/appendpipe",
    options=("run_in_preview",),
    notes={"run_in_preview": "no effect on results"},
)
@dataclass
class AppendPipe(Command):
    """The rows, then what a pipeline makes of those same rows."""

    pipeline: Pipeline

    @classmethod
    def parse(cls, reader: Reader) -> AppendPipe:
        reader.options({"run_in_preview": boolean})
        reader.check(reader.peek() == "[", "the command 'appendpipe' takes a pipeline in brackets")
        return cls(_pipe(reader))

    def run(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        from tools.splunkd_lite.spl.execute import run_pipeline

        held = hold(rows, env)
        yield from map(dict, held)
        yield from run_pipeline(self.pipeline, env.child(), rows=map(dict, held))


def _pipe(reader: Reader) -> Pipeline:
    """A subsearch whose first command is not an implied search: [stats count] or [| stats …]."""
    start = reader.pos
    reader.pos += 1
    if reader.peek() != "|":
        reader.pos = start
        return _headless(reader)
    reader.pos = start
    return reader.subsearch()


def _headless(reader: Reader) -> Pipeline:
    from tools.splunkd_lite.spl.parser import parse_commands

    start = reader.pos
    reader.accept("[")
    reader.depth += 1
    if reader.depth > 10:
        reader.fail("subsearches are nested more than 10 deep")
    name = reader.command
    commands = parse_commands(reader)
    reader.depth -= 1
    reader.command = name
    if not reader.accept("]"):
        reader.fail("this subsearch is never closed", start)
    return Pipeline(commands)


@command("appendcols", doc="search-commands/appendcols", options=("override", *_WAIT))
@dataclass
class AppendCols(Command):
    """Adds the fields of a subsearch's first row to the first row, and so on."""

    pipeline: Pipeline
    options: dict[str, Any]

    @classmethod
    def parse(cls, reader: Reader) -> AppendCols:
        options = reader.options({**_WAIT, "override": boolean})
        return cls(reader.subsearch(), options)

    def run(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        override = self.options.get("override", False)
        others = iter(_rows(self.pipeline, env, self.options))
        for row in rows:
            other = next(others, {})
            for name, value in other.items():
                if name[:1] != "_" and (override or row.get(name) is None):
                    row[name] = value
            yield row
        yield from others


_UNION = {**_RANGE, **_WAIT}


@command("union", doc="search-commands/union", options=tuple(_UNION), notes=_NOTES)
@dataclass
class Union(Command):
    """The rows of several subsearches, after those of the search if there is one."""

    pipelines: list[Pipeline]
    options: dict[str, Any]

    @classmethod
    def parse(cls, reader: Reader) -> Union:
        options = reader.options(_UNION)
        pipelines = [reader.subsearch()]
        while reader.accept(",") or reader.peek() == "[":
            pipelines.append(reader.subsearch())
        return cls(pipelines, options)

    def run(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        yield from rows
        for pipeline in self.pipelines:
            yield from _rows(pipeline, env, self.options)

    def needs(self, down: FieldSet) -> FieldSet:
        return down


_JOIN = {"type": choice("inner", "outer", "left"), "usetime": boolean, "earlier": boolean,
         "overwrite": boolean, "max": integer}  # fmt: skip


@command("join", doc="search-commands/join", options=tuple(_JOIN))
@dataclass
class Join(Command):
    """Adds to each row the fields of the subsearch's rows with the same values."""

    fields: list[str]
    pipeline: Pipeline
    options: dict[str, Any]

    @classmethod
    def parse(cls, reader: Reader) -> Join:
        options = reader.options(_JOIN)
        fields = [] if reader.peek() == "[" else _until_bracket(reader)
        options.update(reader.options(_JOIN))
        return cls(fields, reader.subsearch(), options)

    def run(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        limits = {
            "maxout": setting(env, "join", "subsearch_maxout", SUBSEARCH_LIMIT),
            "maxtime": setting(env, "join", "subsearch_maxtime", 60),
        }
        others = _rows(self.pipeline, env, limits)
        if not self.fields:
            rows = hold(rows, env)
        fields = self.fields or self._common(rows, others)
        table: dict[Any, list[Row]] = {}
        for other in others:
            for key in keys_of(other, fields):
                table.setdefault(key, []).append(other)
        limit = self.options.get("max", 1)
        outer = self.options.get("type", "inner") != "inner"
        for row in rows:
            found = [other for key in keys_of(row, fields) for other in table.get(key, ())]
            for other in found[:limit] if limit else found:
                yield self._merged(row, other)
            if not found and outer:
                yield row

    def _merged(self, row: Row, other: Row) -> Row:
        if self.options.get("overwrite", True):
            return {**row, **{n: v for n, v in other.items() if v is not None}}
        return {**other, **{n: v for n, v in row.items() if v is not None}}

    @staticmethod
    def _common(rows: Iterable[Row], others: list[Row]) -> list[str]:
        left = {name for row in rows for name in row if name[:1] != "_"}
        right = {name for row in others for name in row if name[:1] != "_"}
        return sorted(left & right)


def _until_bracket(reader: Reader) -> list[str]:
    names: list[str] = []
    while reader.peek() not in ("[", "", "|") and not reader.looking_at_option():
        if names:
            reader.accept(",")
        names.append(reader.field())
    return names


@command("format", doc="search-commands/format", options=("mvsep", "maxresults", "emptystr"))
@dataclass
class Format(Command):
    """One row whose field `search` is the rows as a search expression."""

    marks: tuple[str, str, str, str, str, str]
    options: dict[str, Any]

    @classmethod
    def parse(cls, reader: Reader) -> Format:
        kinds = {"mvsep": text, "maxresults": integer, "emptystr": text}
        options = reader.options(kinds)
        words = []
        while reader.peek() == '"':
            words.append(reader.word("a part of the format"))
        options.update(reader.options(kinds))
        reader.check(len(words) in (0, 6), "the command 'format' takes six parts or none")
        marks = tuple(words) or ("(", "(", "AND", ")", "OR", ")")
        return cls(marks, options)  # type: ignore[arg-type]

    def run(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        limit = self.options.get("maxresults", 0)
        held = list(islice(rows, limit) if limit else rows)
        yield {
            "search": knowledge.format_rows(
                held, self.marks, self.options.get("mvsep", "OR"),
                self.options.get("emptystr", "NOT( )"),
            )
        }  # fmt: skip


@command("return", doc="search-commands/return")
@dataclass
class Return(Command):
    """One row whose field `search` is what a subsearch hands to its outer search."""

    count: int
    parts: list[tuple[str, str, bool]]
    generating: ClassVar[bool] = False

    @classmethod
    def parse(cls, reader: Reader) -> Return:
        count = int(reader.word("a count")) if reader.peek_word().isdigit() else 1
        parts = []
        while not reader.at_end():
            name = reader.word("a field")
            if reader.accept("="):
                parts.append((name, reader.field(), False))
            else:
                parts.append((name.lstrip("$"), name.lstrip("$"), name.startswith("$")))
        reader.check(bool(parts), "the command 'return' takes at least one field")
        return cls(count, parts)

    def run(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        found = []
        for _, row in zip(range(self.count), rows, strict=False):
            tests = []
            for name, source, bare in self.parts:
                value = row.get(source)
                if value is not None:
                    tests.append(to_text(value) if bare else f'{name}="{to_text(value)}"')
            if tests:
                found.append("(" + " ".join(tests) + ")")
        bare = len(self.parts) == 1 and self.parts[0][2] and self.count == 1
        joined = " OR ".join(found)
        yield {"search": joined[1:-1] if bare and found else joined}

    def needs(self, down: FieldSet) -> FieldSet:
        return plus(frozenset(), [source for _, source, _ in self.parts]) if self.parts else ALL
