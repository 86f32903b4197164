"""search, where, regex: which rows stay."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from tools.splunkd_lite.spl import knowledge
from tools.splunkd_lite.spl.context import Environment
from tools.splunkd_lite.spl.evaluate import compile_expression, references, truth
from tools.splunkd_lite.spl.pcre import compile_pattern
from tools.splunkd_lite.spl.reader import Reader
from tools.splunkd_lite.spl.registry import command
from tools.splunkd_lite.spl.searchmatch import compile_search, search_fields
from tools.splunkd_lite.spl.searchparser import parse_search
from tools.splunkd_lite.spl.tree import (
    ALL,
    Command,
    Expression,
    FieldSet,
    Pipeline,
    SearchExpression,
)
from tools.splunkd_lite.spl.values import Row, as_list, to_text


def plus(down: FieldSet, names: Iterable[str]) -> FieldSet:
    """What is needed when `names` are read besides."""
    if down is ALL or down is None:
        return ALL
    found = down | frozenset(names)
    return ALL if any("*" in name for name in found) else found


def run_subsearch(pipeline: Pipeline, env: Environment) -> list[Row]:
    """The rows of a subsearch of `search`, within limits.conf, [subsearch]."""
    from tools.splunkd_lite.spl.execute import subsearch_rows
    from tools.splunkd_lite.spl.holding import setting

    most = setting(env, "subsearch", "maxout", knowledge.SUBSEARCH_ROWS)
    return subsearch_rows(pipeline, env, most, setting(env, "subsearch", "maxtime", 60))


@command("search", doc="search-commands/search")
@dataclass
class Search(Command):
    """Retrieves events when it comes first; filters the rows before it otherwise."""

    tree: SearchExpression
    generating: ClassVar[bool] = True

    @classmethod
    def parse(cls, reader: Reader) -> Search:
        return cls(parse_search(reader))

    def run(self, rows: Iterable[Row] | None, env: Environment) -> Iterator[Row]:
        tree = knowledge.expand(self.tree, env, run_subsearch)
        if rows is None:
            from tools.splunkd_lite.spl.retrieval import retrieve

            return retrieve(tree, env)
        return filter(compile_search(tree, env), rows)

    def needs(self, down: FieldSet) -> FieldSet:
        return plus(down, search_fields(self.tree))


@command("where", doc="search-commands/where")
@dataclass
class Where(Command):
    condition: Expression

    @classmethod
    def parse(cls, reader: Reader) -> Where:
        return cls(reader.expression())

    def run(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        test = compile_expression(self.condition, env)
        return (row for row in rows if truth(test(row)))

    def needs(self, down: FieldSet) -> FieldSet:
        return plus(down, references(self.condition))


@command("regex", doc="search-commands/regex")
@dataclass
class Regex(Command):
    """Keeps rows whose field matches (or, with !=, does not match) a regular expression."""

    field: str
    pattern: str
    negative: bool

    @classmethod
    def parse(cls, reader: Reader) -> Regex:
        name, negative = "_raw", False
        if reader.peek() != '"':
            name = reader.word("a field or a quoted regular expression").rstrip("!")
            negative = reader.accept("!=")
            if not negative:
                reader.expect("=", "or != after the field")
        at = reader.position()
        pattern = reader.pattern("a regular expression")
        compile_pattern(pattern, at)
        return cls(name, pattern, negative)

    def run(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        search = compile_pattern(self.pattern, self.position).search
        for row in rows:
            found = any(search(to_text(item)) for item in as_list(row.get(self.field)))
            if found is not self.negative:
                yield row

    def needs(self, down: FieldSet) -> FieldSet:
        return plus(down, (self.field,))
