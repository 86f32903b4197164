"""stats, eventstats, top, rare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any, ClassVar

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
from tools.splunkd_lite.spl.context import Environment
from tools.splunkd_lite.spl.holding import Held, folder_of, hold, setting
from tools.splunkd_lite.spl.reader import Reader, boolean, integer, text
from tools.splunkd_lite.spl.registry import command
from tools.splunkd_lite.spl.tree import ALL, Command, FieldSet
from tools.splunkd_lite.spl.values import Fixed, Row, sort_key, to_text

Key = tuple[Any, ...]


def keys_of(row: Row, names: list[str], dedup_split: bool = False) -> list[Key]:
    """The groups that a row belongs to: one for each combination of multivalues, none if null."""
    if len(names) == 1 and type(row.get(names[0])) is str:
        return [(row[names[0]],)]
    values = []
    many = False
    for name in names:
        value = row.get(name)
        if value is None:
            return []
        many = many or type(value) is list
        values.append(value)
    if not many:
        return [tuple([v if type(v) is str else to_text(v) for v in values])]
    lists = [[to_text(x) for x in v] if type(v) is list else [to_text(v)] for v in values]
    if dedup_split:
        lists = [list(dict.fromkeys(items)) for items in lists]
    return list(product(*lists))


def sorted_keys(groups: Iterable[Key]) -> list[Key]:
    """Groups in the order of their values."""
    return sorted(groups, key=lambda key: [sort_key(value) for value in key])


_STATS = {"partitions": integer, "delim": text, "dedup_splitvals": boolean}


@command(
    "stats",
    doc="search-commands/stats",
    options=tuple(_STATS),
    notes={"partitions": "no effect on results"},
)
@dataclass
class Stats(Command):
    """One row for each group, with the functions' results."""

    specs: list[Aggregation]
    by: list[str]
    options: dict[str, Any] = field(default_factory=dict)
    transforms: ClassVar[bool] = True

    @classmethod
    def parse(cls, reader: Reader) -> Stats:
        options = reader.options(_STATS)
        specs = parse_aggregations(reader, "by")
        by = reader.required_fields() if reader.keyword("by") else []
        options.update(reader.options(_STATS))
        return cls(specs, by, options)

    def run(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        specs = self.specs
        if has_wildcards(specs):
            rows = hold(rows, env)
            specs = expand(specs, [name for name in rows.names() if name not in self.by])
        groups: dict[Key, Group] = {}
        env.show_while_running(lambda: self.report(groups, specs))
        self.collect(rows, specs, env, groups)
        yield from self.report(groups, specs)

    def report(self, groups: dict[Key, Group], specs: list[Aggregation]) -> Iterator[Row]:
        """The table of what has been collected."""
        names = [spec.name for spec in specs]
        delim = self.options.get("delim")
        for key in sorted_keys(groups):
            result: Row = dict(zip(self.by, key, strict=True))
            result.update(zip(names, groups[key].results(), strict=True))
            if delim is not None:
                result.update(
                    (n, delim.join(map(to_text, v))) for n, v in result.items() if type(v) is list
                )
            yield result

    def collect(
        self,
        rows: Iterable[Row],
        specs: list[Aggregation],
        env: Environment,
        groups: dict[Key, Group],
    ) -> None:
        """Fills `groups`."""
        make = group_factory(specs, env)
        if not self.by:
            whole = groups[()] = make()
            for row in rows:
                whole.add(row)
            return
        split = self.options.get("dedup_splitvals", False)
        for row in rows:
            for key in keys_of(row, self.by, split):
                group = groups.get(key)
                if group is None:
                    group = groups[key] = make()
                group.add(row)

    def needs(self, down: FieldSet) -> FieldSet:
        read = fields_of(self.specs)
        return ALL if read is None else plus(read, self.by)


@command("eventstats", doc="search-commands/eventstats")
@dataclass
class EventStats(Stats):
    """The functions' results added to each row of the group.

    Beyond maxresultrows rows and max_mem_usage_mb of memory, both together, it stops adding fields
    (limits.conf); these rows do not count in the results either, which is unverified.
    """

    holds: ClassVar[bool] = True
    transforms: ClassVar[bool] = False

    @classmethod
    def parse(cls, reader: Reader) -> EventStats:
        reader.options({})
        specs = parse_aggregations(reader, "by")
        return cls(specs, reader.required_fields() if reader.keyword("by") else [])

    def run(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        stream, specs, held = iter(rows), self.specs, Held(folder_of(env))
        first = self._within_limits(stream, held, env)
        if has_wildcards(specs):
            for _ in first:
                pass
            specs = expand(specs, held.names())
            first = iter(held)
        groups: dict[Key, Group] = {}
        self.collect(first, specs, env, groups)
        names = [spec.name for spec in specs]
        results = {key: group.results() for key, group in groups.items()}
        for row in held:
            keys = keys_of(row, self.by)
            if keys:
                row.update(zip(names, results[keys[0]], strict=True))
            yield row
        yield from stream

    @staticmethod
    def _within_limits(rows: Iterator[Row], held: Held, env: Environment) -> Iterator[Row]:
        """The rows, held as they pass, until both limits are reached."""
        megabytes = setting(env, "default", "max_mem_usage_mb", 200)
        most = setting(env, "searchresults", "maxresultrows", 50_000)
        for row in rows:
            held.append(row)
            yield row
            if held.size >= most and held.estimated_bytes >= megabytes * 2**20:
                env.warn(
                    f"eventstats: stopped adding fields after {len(held)} results: limits.conf / "
                    f"maxresultrows ({most}) and max_mem_usage_mb ({megabytes}) are both reached."
                )
                return

    def needs(self, down: FieldSet) -> FieldSet:
        read = fields_of(self.specs)
        if read is None or down is ALL or down is None:
            return ALL
        return plus(down - {spec.name for spec in self.specs}, read | set(self.by))


_TOP = {"limit": integer, "showcount": boolean, "showperc": boolean, "countfield": text,
        "percentfield": text, "useother": boolean, "otherstr": text}  # fmt: skip


@command("top", doc="search-commands/top", options=tuple(_TOP))
@dataclass
class Top(Command):
    """The most common combinations of values, with their count and share."""

    fields: list[str]
    by: list[str]
    limit: int
    options: dict[str, Any]
    rarest: bool = False
    transforms: ClassVar[bool] = True

    @classmethod
    def parse(cls, reader: Reader) -> Top:
        limit = int(reader.word("a count")) if reader.peek_word().isdigit() else 10
        options = reader.options(_TOP)
        fields = reader.required_fields("by")
        by = reader.required_fields() if reader.keyword("by") else []
        options.update(reader.options(_TOP))
        return cls(fields, by, options.pop("limit", limit), options, reader.command == "rare")

    def run(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        groups: dict[Key, dict[Key, int]] = {}
        env.show_while_running(lambda: self._report(groups))
        for row in rows:
            for outer in keys_of(row, self.by) if self.by else [()]:
                counts = groups.setdefault(outer, {})
                for key in keys_of(row, self.fields):
                    counts[key] = counts.get(key, 0) + 1
        yield from self._report(groups)

    def _report(self, groups: dict[Key, dict[Key, int]]) -> Iterator[Row]:
        for outer in sorted_keys(groups):
            yield from self._rows(outer, groups[outer])

    def _rows(self, outer: Key, counts: dict[Key, int]) -> Iterator[Row]:
        total = sum(counts.values())
        ordered = sorted(counts.items(), key=lambda item: item[1], reverse=not self.rarest)
        shown = ordered[: self.limit] if self.limit else ordered
        for key, count in shown:
            yield self._row(outer, key, count, total)
        rest = total - sum(count for _, count in shown)
        if self.options.get("useother") and rest:
            other = self.options.get("otherstr", "OTHER")
            yield self._row(outer, tuple(other for _ in self.fields), rest, total)

    def _row(self, outer: Key, key: Key, count: int, total: int) -> Row:
        row: Row = dict(zip(self.by, outer, strict=True))
        row.update(zip(self.fields, key, strict=True))
        if self.options.get("showcount", True):
            row[self.options.get("countfield", "count")] = count
        if self.options.get("showperc", True):
            row[self.options.get("percentfield", "percent")] = Fixed(count * 100 / total, 6)
        return row

    def needs(self, down: FieldSet) -> FieldSet:
        return plus(frozenset(), [*self.fields, *self.by])


@command("rare", doc="search-commands/rare", options=tuple(_TOP))
@dataclass
class Rare(Top):
    """The least common combinations of values."""
