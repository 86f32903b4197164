"""bin, chart, timechart."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from tools.splunkd_lite.spl.aggregation import (
    Aggregation,
    Group,
    fields_of,
    group_factory,
    has_wildcards,
    parse_aggregations,
)
from tools.splunkd_lite.spl.buckets import Bucketing, bucketing_options, parse_bucketing
from tools.splunkd_lite.spl.commands.searching import plus
from tools.splunkd_lite.spl.context import Environment
from tools.splunkd_lite.spl.errors import SplError
from tools.splunkd_lite.spl.holding import hold
from tools.splunkd_lite.spl.reader import Reader, boolean, text
from tools.splunkd_lite.spl.registry import AGGREGATES, command
from tools.splunkd_lite.spl.sparkline import auto_span
from tools.splunkd_lite.spl.timeaggregates import PerTime
from tools.splunkd_lite.spl.timemod import Span
from tools.splunkd_lite.spl.tree import ALL, Command, FieldSet
from tools.splunkd_lite.spl.values import Row, as_list, sort_key, to_number, to_text

MAX_BUCKETS = 50_000
_SPLIT = {"useother": boolean, "usenull": boolean, "otherstr": text, "nullstr": text,
          "limit": text}  # fmt: skip


@command("bin", doc="search-commands/bin", options=tuple(bucketing_options))
@dataclass
class Bin(Command):
    """Puts a field's numbers or times into buckets."""

    field: str
    bucketing: Bucketing
    output: str

    @classmethod
    def parse(cls, reader: Reader) -> Bin:
        bucketing = parse_bucketing(reader)
        name = reader.field("a field to put into buckets")
        output = reader.field("a name after AS") if reader.keyword("as") else name
        bucketing.update(parse_bucketing(reader))
        return cls(name, bucketing, output)

    def run(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        place = self.bucketing.placer(self.field, env)
        if place is None:
            rows = hold(rows, env)
            place = self.bucketing.fitted((row.get(self.field) for row in rows), self.field, env)
        for row in rows:
            value = row.get(self.field)
            if value is not None:
                row[self.output] = place(value)
            yield row

    def needs(self, down: FieldSet) -> FieldSet:
        return plus(down, (self.field,))


@command("bucket", doc="search-commands/bin", options=tuple(bucketing_options))
@dataclass
class Bucket(Bin):
    """Another name of bin."""


@dataclass
class Split:
    """How the values of the split-by field become columns."""

    field: str
    limit: int = 10
    bottom: bool = False
    useother: bool = True
    usenull: bool = True
    otherstr: str = "OTHER"
    nullstr: str = "NULL"
    bucketing: Bucketing | None = None

    @classmethod
    def of(cls, name: str, options: dict[str, Any], reader: Reader) -> Split:
        split = cls(name)
        for key in ("useother", "usenull", "otherstr", "nullstr"):
            if key in options:
                setattr(split, key, options[key])
        limit = str(options.get("limit", "10")).lower()
        split.bottom = limit.startswith("bottom")
        digits = limit.removeprefix("bottom").removeprefix("top").strip()
        reader.check(digits.isdigit(), f"the option 'limit' takes a number, not '{limit}'")
        split.limit = int(digits)
        return split

    def binned(self, rows: Iterable[Row], env: Environment) -> Iterable[Row]:
        """The rows with the field in buckets, if options after it say so: "The span applies to the
        field immediately prior"."""
        if self.bucketing is None or not self.bucketing.given:
            return rows
        return Bin(self.field, self.bucketing, self.field).run(rows, env)

    def value(self, row: Row) -> list[str]:
        value = row.get(self.field)
        if value is None:
            return [self.nullstr] if self.usenull else []
        return [to_text(item) for item in as_list(value)]

    def columns(self, totals: dict[str, float]) -> tuple[list[str], bool]:
        """The columns to show, in order, and whether there are others."""
        real = {name: total for name, total in totals.items() if name != self.nullstr}
        # "Ties in scoring are broken lexicographically"
        ranked = sorted(real, key=lambda n: (real[n] if self.bottom else -real[n], n))
        shown = ranked if self.limit == 0 else ranked[: self.limit]
        ordered = sorted(shown, key=sort_key)
        if self.nullstr in totals and self.usenull:
            ordered.append(self.nullstr)
        return ordered, len(ranked) > len(shown)


class Grid:
    """Groups by row and column; columns that are not shown are merged into OTHER."""

    def __init__(self, specs: list[Aggregation], split: Split, env: Environment) -> None:
        self.specs, self.split = specs, split
        self.make = group_factory(specs, env)
        self.cells: dict[Any, dict[str, Group]] = {}

    def add(self, place: Any, column: str, row: Row) -> None:
        line = self.cells.setdefault(place, {})
        if column not in line:
            line[column] = self.make()
        line[column].add(row)

    def totals(self) -> dict[str, float]:
        """What ranks the columns: the sum of the first function's results."""
        found: dict[str, float] = {}
        for line in self.cells.values():
            for column, group in line.items():
                number = to_number(group.result(0))
                found[column] = found.get(column, 0) + (number or 0)
        return found

    def gather_others(self, shown: list[str]) -> None:
        """Merges the columns that are not shown into one."""
        other = self.split.otherstr
        kept = set(shown) - {other}
        cells: dict[Any, dict[str, Group]] = {}
        for place, line in self.cells.items():
            cells[place] = {name: group for name, group in line.items() if name in kept}
            others = [group for name, group in line.items() if name not in kept]
            if others:
                cells[place][other] = self.make()
            for group in others:
                cells[place][other].merge(group)
        self.cells = cells

    def columns(self) -> list[str]:
        shown, more = self.split.columns(self.totals())
        if more and self.split.useother:
            self.gather_others(shown)
            shown.append(self.split.otherstr)
        return shown

    def whole(self, place: Any, seconds: float) -> Row:
        """The cells of one row where there is no field to split by."""
        group = self.cells.get(place, {}).get("")
        values = [None] * len(self.specs) if group is None else group.results()
        return {
            spec.name: finished(spec, value, seconds)
            for spec, value in zip(self.specs, values, strict=True)
        }

    def line(self, place: Any, columns: list[str], seconds: float | None) -> Row:
        """The cells of one row; several functions give `function: value` columns."""
        found: Row = {}
        line = self.cells.get(place, {})
        for index, spec in enumerate(self.specs):
            for column in columns:
                name = column if len(self.specs) == 1 else f"{spec.name}: {column}"
                group = line.get(column)
                value = None if group is None else group.result(index)
                found[name] = finished(spec, value, seconds)
        return found


def finished(spec: Aggregation, value: Any, seconds: float | None) -> Any:
    """A result for printing: no rows is a count of 0; per_* divide by the span."""
    if value is None and spec.function in ("count", "c", "dc", "distinct_count", "estdc"):
        return 0
    cls = AGGREGATES.get(spec.function)
    if value is not None and cls is not None and issubclass(cls, PerTime):
        if seconds is None:
            raise SplError(f"the function '{spec.function}' works only in timechart", spec.position)
        return value * cls.seconds / seconds
    return value


_SIZE = {name: bucketing_options[name] for name in ("span", "bins", "aligntime")}
_CHART = {**_SPLIT, **_SIZE}


@command("chart", doc="search-commands/chart", options=tuple(_CHART))
@dataclass
class Chart(Command):
    """A table of a row field against, if asked for, a column field."""

    specs: list[Aggregation]
    row: str | None
    split: Split | None
    bucketing: Bucketing
    transforms: ClassVar[bool] = True

    @classmethod
    def parse(cls, reader: Reader) -> Chart:
        options = reader.options(_CHART)
        specs = parse_aggregations(reader, "by", "over", *_CHART)
        options.update(reader.options(_CHART))
        row, column = None, None
        if reader.keyword("over"):
            row = reader.field()
            options.update(reader.options(_CHART))
            if reader.keyword("by"):
                column = reader.field()
        elif reader.keyword("by"):
            row = reader.field()
            options.update(reader.options(_CHART))
            reader.accept(",")
            column = None if reader.at_end() else reader.field()
        later = reader.options(_CHART)
        split = Split.of(column, {**options, **later}, reader) if column else None
        if split is None:
            options.update(later)
        else:
            split.bucketing = Bucketing.of(later, reader)
        return cls(specs, row, split, Bucketing.of(options, reader))

    def run(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        if has_wildcards(self.specs):
            raise SplError("chart does not take wildcards in fields here", self.position)
        if self.row is not None and self.bucketing.given:
            rows = Bin(self.row, self.bucketing, self.row).run(rows, env)
        if self.split:
            rows = self.split.binned(rows, env)
        return self._grid(rows, env) if self.split else self._plain(rows, env)

    def _plain(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        from tools.splunkd_lite.spl.commands.statistics import Key, Stats

        stats = Stats(self.specs, [self.row] if self.row else [])
        groups: dict[Key, Group] = {}
        env.show_while_running(lambda: self._finished(stats.report(groups, self.specs)))
        stats.collect(rows, self.specs, env, groups)
        yield from self._finished(stats.report(groups, self.specs))

    def _finished(self, lines: Iterable[Row]) -> Iterator[Row]:
        for line in lines:
            for spec in self.specs:
                line[spec.name] = finished(spec, line.get(spec.name), None)
            yield line

    def _grid(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        if self.split is None or self.row is None:
            return
        grid = Grid(self.specs, self.split, env)
        env.show_while_running(lambda: self._table(copy.copy(grid)))
        for row in rows:
            for place in as_list(row.get(self.row)):
                for column in self.split.value(row):
                    grid.add(to_text(place), column, row)
        yield from self._table(grid)

    def _table(self, grid: Grid) -> Iterator[Row]:
        columns = grid.columns()
        for place in sorted(grid.cells, key=sort_key):
            yield {str(self.row): place, **grid.line(place, columns, None)}

    def needs(self, down: FieldSet) -> FieldSet:
        read = fields_of(self.specs)
        names = [name for name in (self.row, self.split.field if self.split else None) if name]
        return ALL if read is None else plus(read, names)


_TIMECHART = {**_CHART, "cont": boolean, "partial": boolean, "fixedrange": boolean}


@command("timechart", doc="search-commands/timechart", options=tuple(_TIMECHART))
@dataclass
class TimeChart(Command):
    """One row for each span of time, empty spans too."""

    specs: list[Aggregation]
    split: Split | None
    span: Span | None
    bins: int
    options: dict[str, Any] = field(default_factory=dict)
    transforms: ClassVar[bool] = True

    @classmethod
    def parse(cls, reader: Reader) -> TimeChart:
        options = reader.options(_TIMECHART)
        specs = parse_aggregations(reader, "by", *_TIMECHART)
        options.update(reader.options(_TIMECHART))
        reader.check(not has_wildcards(specs), "timechart does not take wildcards in fields here")
        split = None
        if reader.keyword("by"):
            name = reader.field()
            later = reader.options(_TIMECHART)
            split = Split.of(name, {**options, **later}, reader)
            split.bucketing = Bucketing.of(later, reader)
            options.update({key: later[key] for key in later if key not in _SIZE})
        bucketing = Bucketing.of(options, reader)
        reader.check(
            bucketing.span is None or isinstance(bucketing.span, Span),
            "the span of timechart is a time span such as 5m",
        )
        span = bucketing.span if isinstance(bucketing.span, Span) else None
        return cls(specs, split, span, bucketing.bins or 100, options)

    def run(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        span, rows = self._span(rows, env)
        split = self.split or Split("", limit=0)
        rows = split.binned(rows, env)
        grid = Grid(self.specs, split, env)
        ends = [math.inf, -math.inf]
        env.show_while_running(lambda: self._table(copy.copy(grid), span, ends, env))
        for row in rows:
            time = to_number(row.get("_time"))
            if time is None:
                continue
            if time < ends[0]:
                ends[0] = time
            if time > ends[1]:
                ends[1] = time
            start = span.start(time, env.tz)
            for column in split.value(row) if self.split else [""]:
                # the manual's own way to keep a column from looking like an internal field
                grid.add(start, f"VALUE{column}" if column[:1] == "_" else column, row)
        yield from self._table(grid, span, ends, env)

    def _table(self, grid: Grid, span: Span, ends: list[float], env: Environment) -> Iterator[Row]:
        low, high = ends
        if low > high:
            return
        columns = grid.columns() if self.split else [""]
        for start in self._starts(low, high, span, env, grid):
            if not self.options.get("partial", True) and self._partial(start, span, env):
                continue
            line = (
                grid.line(start, columns, span.seconds)
                if self.split
                else grid.whole(start, span.seconds)
            )
            yield {"_time": start, **line, "_span": int(span.seconds)}

    @staticmethod
    def _partial(start: float, span: Span, env: Environment) -> bool:
        """Whether the search's time range cuts into the span."""
        low, high = env.context.earliest, env.context.latest
        early = bool(low) and start < (low or 0)
        return early or (high is not None and span.next(start, env.tz) > high)

    def _span(self, rows: Iterable[Row], env: Environment) -> tuple[Span, Iterable[Row]]:
        if self.span is not None:
            return self.span, rows
        low, high = env.context.earliest, env.context.latest
        if not low or high is None:
            rows = hold(rows, env)
            times = [t for t in (to_number(row.get("_time")) for row in rows) if t is not None]
            low, high = (low or min(times, default=0)), max(times, default=0)
        return auto_span(high - low, self.bins), rows

    def _starts(
        self, low: float, high: float, span: Span, env: Environment, grid: Grid
    ) -> Iterator[float]:
        """Starts of the rows: over the whole search range when it is bounded, else of the data."""
        if not self.options.get("cont", True):
            yield from sorted(grid.cells)
            return
        context = env.context
        if self.options.get("fixedrange", True) and context.earliest and context.latest is not None:
            low = min(low, context.earliest)
            high = max(high, math.nextafter(context.latest, -math.inf))
        start = span.start(low, env.tz)
        for _ in range(MAX_BUCKETS):
            if start > high:
                return
            yield start
            start = span.next(start, env.tz)
        env.warn(f"timechart shows only the first {MAX_BUCKETS} spans; use a longer span")

    def needs(self, down: FieldSet) -> FieldSet:
        read = fields_of(self.specs)
        names = ["_time", self.split.field] if self.split else ["_time"]
        return ALL if read is None else plus(read, names)
