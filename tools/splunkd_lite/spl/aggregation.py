"""Reads lists of stats functions, such as `count AS n, perc95(time) by host`, and runs them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from tools.splunkd_lite.spl.aggregates import Accumulator
from tools.splunkd_lite.spl.evaluate import compile_expression, references
from tools.splunkd_lite.spl.reader import Reader
from tools.splunkd_lite.spl.registry import AGGREGATES
from tools.splunkd_lite.spl.sparkline import Sparkline
from tools.splunkd_lite.spl.timemod import Span
from tools.splunkd_lite.spl.tree import Expression
from tools.splunkd_lite.spl.values import Row, to_number

__all__ = ["Aggregation", "Group", "expand", "fields_of", "group_factory", "parse_aggregations"]

_FUNCTION = re.compile(r"[A-Za-z_]+")
_PERCENT = re.compile(r"(perc|p|exactperc|upperperc)(\d+(?:\.\d+)?)(?=\s*\()")
_EVAL = re.compile(r"eval\s*\(", re.I)
_PERCENTILES = ("perc", "p", "percentile", "upperperc", "exactperc")


@dataclass(frozen=True)
class Aggregation:
    """One function with its argument; `label` is the name as written, `name` that of the result."""

    function: str
    label: str
    name: str
    position: int
    percent: float = 0
    field: str | None = None
    expression: Expression | None = None
    inner: Aggregation | None = None
    span: Span | None = None

    @property
    def renamed(self) -> bool:
        return self.name != self.label


def parse_aggregations(reader: Reader, *stops: str, least: int = 1) -> list[Aggregation]:
    """Aggregations up to a stop word or the end of the command. Raises SplError."""
    found: list[Aggregation] = []
    while not reader.at_end() and reader.peek_word().lower() not in stops and reader.peek() != "(":
        if found:
            reader.accept(",")
        found.append(parse_aggregation(reader))
    if len(found) < least:
        reader.fail(
            f"the command '{reader.command}' takes a stats function, found {reader.found()}"
        )
    return found


def parse_aggregation(reader: Reader) -> Aggregation:
    start = reader.skip()
    at = reader.position()
    spec = _function(reader, at)
    label = re.sub(r"\s+", "", reader.text[start : reader.pos]) if spec.expression is None else (
        reader.text[start : reader.pos].strip())  # fmt: skip
    name = label
    if reader.keyword("as"):
        name = reader.field("a name after AS")
    return replace(spec, label=label, name=name)


def _function(reader: Reader, at: int) -> Aggregation:
    percent = reader.match(_PERCENT)
    if percent:
        found = _PERCENT.match(percent + "(")
        name, value = (found.group(1), float(found.group(2))) if found else ("", 0.0)
        reader.check(value <= 100, f"the percentile of '{percent}' is above 100")
        return _argument(reader, Aggregation(name, "", "", at, value))
    start = reader.skip()
    written = reader.match(_FUNCTION)
    name = (written or "").lower()
    if name == "sparkline":
        return _sparkline(reader, at)
    if name not in AGGREGATES or name in _PERCENTILES:
        reader.fail(f"the stats function '{written or reader.found()}' is unknown", start)
    if reader.peek() != "(":
        if name not in ("count", "c"):
            reader.fail(f"the stats function '{name}' takes a field in parentheses")
        return Aggregation("count", "", "", at)
    return _argument(reader, Aggregation(name, "", "", at))


def _argument(reader: Reader, spec: Aggregation) -> Aggregation:
    reader.expect("(", f"after '{spec.function}'")
    if reader.accept(")"):
        if spec.function not in ("count", "c"):
            reader.fail(f"the stats function '{spec.function}' takes a field")
        return spec
    if reader.match(_EVAL):
        expression = reader.expression()
        reader.expect(")", "to close eval(")
        spec = replace(spec, expression=expression)
    else:
        spec = replace(spec, field=reader.field(f"a field for '{spec.function}'"))
    reader.expect(")", f"to close '{spec.function}('")
    return spec


def _sparkline(reader: Reader, at: int) -> Aggregation:
    inner, span = Aggregation("count", "count", "count", at), None
    if reader.accept("("):
        inner = _function(reader, reader.position())
        if reader.accept(","):
            from tools.splunkd_lite.spl.reader import span as span_kind

            try:
                span = span_kind(reader.value("a span"))
            except ValueError as error:
                reader.fail(f"sparkline() takes {error}")
        reader.expect(")", "to close 'sparkline('")
    return Aggregation("sparkline", "", "", at, inner=inner, span=span)


def fields_of(specs: Iterable[Aggregation]) -> frozenset[str] | None:
    """The fields that the functions read; None (all) when one has a wildcard."""
    found: set[str] = set()
    for spec in specs:
        if spec.function == "sparkline":
            found.add("_time")
            inner = fields_of([spec.inner]) if spec.inner else frozenset()
            if inner is None:
                return None
            found |= inner
            continue
        if spec.field:
            if "*" in spec.field:
                return None
            found.add(spec.field)
        if spec.expression is not None:
            found |= references(spec.expression)
        if AGGREGATES[spec.function].needs_time:
            found.add("_time")
    return frozenset(found)


def has_wildcards(specs: Iterable[Aggregation]) -> bool:
    return any(spec.field and "*" in spec.field for spec in specs)


def expand(specs: list[Aggregation], names: Iterable[str]) -> list[Aggregation]:
    """Functions of wildcard fields, spelled out for the fields that there are."""
    present = [name for name in names if not name.startswith("_")]
    expanded: list[Aggregation] = []
    for spec in specs:
        if not spec.field or "*" not in spec.field:
            expanded.append(spec)
            continue
        pattern = re.compile("(.*)".join(map(re.escape, spec.field.split("*"))) + r"\Z")
        for name in present:
            found = pattern.match(name)
            if found:
                label = f"{spec.function}({name})"
                output = _fill(spec.name, found.groups()) if spec.renamed else label
                expanded.append(replace(spec, field=name, label=label, name=output))
    return expanded


def _fill(pattern: str, parts: tuple[str, ...]) -> str:
    waiting = list(parts)
    return re.sub(r"\*", lambda _: waiting.pop(0) if waiting else "", pattern)


@dataclass(frozen=True)
class _Feed:
    """A field or an expression, and the places of the functions that take its values. Without
    either, rows themselves are counted."""

    name: str | None
    getter: Callable[[Row], Any] | None
    places: list[int]

    def same(self, name: str | None) -> bool:
        return self.getter is None and self.name == name


def _evaluated(spec: Aggregation, env: Any) -> Callable[[Row], Any] | None:
    """What gives the value of eval(); None for a field."""
    if spec.expression is None:
        return None
    value = compile_expression(spec.expression, env)

    def evaluated(row: Row) -> Any:
        result = value(row)
        if result is False:
            return None
        return 1 if result is True else result

    return evaluated


class Group:
    """The running results of one group of rows."""

    __slots__ = ("accumulators", "feeds", "rows_only")

    def __init__(self, plan: list[_Feed], accumulators: list[Accumulator]) -> None:
        self.accumulators = accumulators
        self.rows_only: list[Accumulator] = []
        self.feeds: list[tuple[Any, Any, list[Any], list[Any]]] = []
        for feed in plan:
            mine = [accumulators[place] for place in feed.places]
            if feed.name is None and feed.getter is None:
                self.rows_only += mine
                continue
            takes_numbers = [each.add_number for each in mine if each.numeric]
            takes_values = [each.add for each in mine if not each.numeric]
            self.feeds.append((feed.name, feed.getter, takes_numbers, takes_values))

    def add(self, row: Row) -> None:
        for accumulator in self.rows_only:
            accumulator.add(1, row)
        for name, getter, takes_numbers, takes_values in self.feeds:
            value = row.get(name) if getter is None else getter(row)
            if value is None:
                continue
            for item in value if type(value) is list else (value,):
                for add in takes_values:
                    add(item, row)
                if takes_numbers:
                    number = to_number(item)
                    if number is not None:
                        for add in takes_numbers:
                            add(number)

    def merge(self, other: Group) -> None:
        """Adds what another group of the same functions has gathered."""
        for mine, theirs in zip(self.accumulators, other.accumulators, strict=True):
            mine.merge(theirs)

    def results(self) -> list[Any]:
        return [accumulator.result() for accumulator in self.accumulators]

    def result(self, place: int) -> Any:
        """What one of the functions gives."""
        return self.accumulators[place].result()


def group_factory(specs: list[Aggregation], env: Any) -> Callable[[], Group]:
    """What makes a fresh group for these functions."""
    plan: list[_Feed] = []
    makers: list[Callable[[], Accumulator]] = []
    for place, spec in enumerate(specs):
        inner = spec
        if spec.function == "sparkline":
            inner = spec.inner or Aggregation("count", "count", "count", spec.position)
            makers.append(_sparkline_maker(inner, spec.span, env))
        else:
            makers.append(_maker(AGGREGATES[spec.function], spec.percent))
        getter = _evaluated(inner, env)
        known = None if getter else next((f for f in plan if f.same(inner.field)), None)
        if known is None:
            known = _Feed(inner.field, getter, [])
            plan.append(known)
        known.places.append(place)
    return lambda: Group(plan, [make() for make in makers])


def _maker(cls: type[Accumulator], percent: float) -> Callable[[], Accumulator]:
    return lambda: cls(percent)


def _sparkline_maker(inner: Aggregation, span: Span | None, env: Any) -> Callable[[], Accumulator]:
    make = _maker(AGGREGATES[inner.function], inner.percent)
    return lambda: Sparkline(make, span, env)
