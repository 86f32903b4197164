"""mstats: statistics of the data points of metric indexes."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import chain
from typing import Any, ClassVar

from tools.splunkd_lite.spl.aggregation import Aggregation, has_wildcards, parse_aggregations
from tools.splunkd_lite.spl.commands.statistics import Stats
from tools.splunkd_lite.spl.context import Environment, ScanHint
from tools.splunkd_lite.spl.errors import SplError
from tools.splunkd_lite.spl.reader import Reader, boolean, integer, only, span, text
from tools.splunkd_lite.spl.registry import command
from tools.splunkd_lite.spl.searchparser import parse_search_until
from tools.splunkd_lite.spl.timemod import Span
from tools.splunkd_lite.spl.tree import (
    And,
    Command,
    Comparison,
    Not,
    Or,
    SearchExpression,
    TimeBound,
)
from tools.splunkd_lite.spl.values import Row, to_number, to_text

MEASURE = "metric_name:"
_VALUE = "_value"
_SPAN = {"span": span}
_OPTIONS = {
    "prestats": only(False, "partial results are not supported"),
    "append": only(False, "it goes with prestats"),
    "chart": only(False, "its chart mode is not supported"),
    "backfill": boolean,
    "update_period": integer,
    "chunk_size": integer,
    "fillnull_value": text,
    **_SPAN,
}
# "Stats metric term options"; the rates of counters are not supported.
_FUNCTIONS = frozenset(
    ["avg", "count", "max", "median", "min", "perc", "range", "stdev", "stdevp", "sum", "sumsq",
     "upperperc", "var", "varp", "earliest", "earliest_time", "latest", "latest_time"]
)  # fmt: skip
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_REAL_TIME = "no effect: there are no real-time searches"

Test = Callable[[Row], bool]


@command(
    "mstats",
    doc="search-commands/mstats",
    options=tuple(_OPTIONS),
    notes={
        "prestats": "false only",
        "append": "false only",
        "chart": "false only",
        "backfill": _REAL_TIME,
        "update_period": _REAL_TIME,
        "chunk_size": "no effect on results",
    },
)
@dataclass
class MStats(Command):
    """Statistics of metrics by dimensions and time. Names and values are case-sensitive.

    ``avg(cpu.usage)`` names its metric; ``avg(_value)`` has it in WHERE, as ``metric_name=cpu.*``.
    """

    specs: list[Aggregation]
    where: SearchExpression
    by: list[str]
    span: Span | None = None
    fill: str | None = None
    generating: ClassVar[bool] = True

    @classmethod
    def parse(cls, reader: Reader) -> MStats:
        options = reader.options(_OPTIONS)
        specs = parse_aggregations(reader, "by", "where", "span")
        options.update(reader.options(_SPAN))
        where: SearchExpression = And(())
        if reader.keyword("where"):
            where = parse_search_until(reader, "by")
        by: list[str] = []
        if reader.keyword("by"):
            while not reader.at_end():
                options.update(reader.options(_SPAN))
                if reader.at_end():
                    break
                if by:
                    reader.accept(",")
                by.append(reader.field())
        where, written = _without_span(where)
        if written is not None:
            options["span"] = _span_of(reader, written)
        found = cls(specs, where, by, options.get("span"), options.get("fillnull_value"))
        found._check(reader)
        return found

    def _check(self, reader: Reader) -> None:
        reader.check(not has_wildcards(self.specs), "wildcards in metric names are not supported")
        for spec in self.specs:
            is_known = spec.function in _FUNCTIONS and spec.expression is None
            reader.check(is_known, f"mstats does not take '{spec.label}'")
            reader.check(spec.field is not None, f"'{spec.label}' takes a metric or _value")
        of_value = {spec.field == _VALUE for spec in self.specs}
        reader.check(len(of_value) == 1, "mstats takes names of metrics or _value, not both")
        says_which = "metric_name" in _fields(self.where)
        if of_value == {True}:
            reader.check(says_which, "functions of _value need metric_name=… after WHERE")
        else:
            reader.check(not says_which, "WHERE can't have metric_name beside names of metrics")
        for name in ("_time", _VALUE, "_timeseries"):
            reader.check(name not in self.by, f"mstats can't group by {name} here")
        reader.check(not any("*" in name for name in self.by), "BY takes no wildcards")
        _test(self.where)

    def run(self, rows: Iterable[Row] | None, env: Environment) -> Iterator[Row]:
        from tools.splunkd_lite.spl.retrieval import indexes_of, permitted, scan

        if indexes_of(self.where) is None:
            return  # a role has no default metric indexes here
        points = scan(self.where, env, ScanHint(metrics=True))
        may, test = permitted(env), _test(self.where)
        measures = self._measures(
            (point for point in points if may(point.get("index", ""))), test, env
        )
        specs = [
            spec if spec.field == _VALUE else replace(spec, field=f"{MEASURE}{spec.field}")
            for spec in self.specs
        ]
        by = ["_time bucket", *self.by] if self.span else self.by
        first = next(measures, None)
        if first is None:
            return  # without data there are no rows, not even one of counts
        for row in Stats(specs, by).run(chain([first], measures), env):
            yield {"_time" if name == "_time bucket" else name: v for name, v in row.items()}

    def _measures(self, points: Iterable[Row], test: Test, env: Environment) -> Iterator[Row]:
        """A row for each number of a data point that is asked for, with its dimensions."""
        named = {spec.field for spec in self.specs}
        for point in points:
            for key in [key for key in point if key.startswith(MEASURE)]:
                metric, value = key[len(MEASURE) :], point[key]
                row = {k: v for k, v in point.items() if not k.startswith(MEASURE)}
                row["metric_name"] = metric
                if (named != {_VALUE} and metric not in named) or not test(row):
                    continue
                row[_VALUE if named == {_VALUE} else key] = value
                if self.span:
                    moment = float(to_number(row["_time"]) or 0)
                    row["_time bucket"] = self.span.start(moment, env.tz)
                if self.fill is not None:
                    row.update({name: self.fill for name in self.by if row.get(name) is None})
                yield row


def _without_span(node: SearchExpression) -> tuple[SearchExpression, Comparison | None]:
    """`span=1m` may stand anywhere between clauses: what a condition after WHERE looks like."""
    operands = node.operands if isinstance(node, And) else (node,)
    spans = [o for o in operands if isinstance(o, Comparison) and o.field == "span"]
    rest = tuple(operand for operand in operands if operand not in spans)
    return And(rest), spans[0] if spans else None


def _span_of(reader: Reader, written: Comparison) -> Any:
    try:
        return span(written.values[0])
    except ValueError as error:
        reader.fail(f"the option 'span' of 'mstats' takes {error}", written.position)


def _fields(node: SearchExpression) -> set[str]:
    if isinstance(node, Comparison):
        return {node.field}
    if isinstance(node, Not):
        return _fields(node.operand)
    return {f for o in getattr(node, "operands", ()) for f in _fields(o)}


def _test(node: SearchExpression) -> Test:
    """What WHERE lets through. It compares with case, and takes no terms and no subsearches."""
    if isinstance(node, TimeBound):
        return lambda row: True  # the scan keeps to it
    if isinstance(node, Comparison):
        return _comparison(node)
    if isinstance(node, Not):
        inner = _test(node.operand)
        return lambda row: not inner(row)
    if isinstance(node, (And, Or)):
        tests = [_test(operand) for operand in node.operands]
        combine = all if isinstance(node, And) else any
        return lambda row: combine(test(row) for test in tests)
    raise SplError(
        "WHERE of mstats takes comparisons of dimensions, no terms and no subsearches",
        node.position,
    )


def _comparison(node: Comparison) -> Test:
    if node.operator in ("=", "!="):
        is_wanted = node.operator == "="

        def is_equal(row: Row) -> bool:
            value = row.get(node.field)
            if value is None:
                return False
            return any(fnmatchcase(to_text(value), one) for one in node.values) is is_wanted

        return is_equal
    compare, limit = _COMPARE[node.operator], node.values[0]

    def is_beyond(row: Row) -> bool:
        value = row.get(node.field)
        if value is None:
            return False
        numbers = to_number(value), to_number(limit)
        if None in numbers:
            return compare(to_text(value), limit)
        return compare(*numbers)

    return is_beyond
