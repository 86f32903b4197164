"""How bin, chart and timechart divide numbers and times into buckets.

Source: https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/bin
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tools.splunkd_lite.spl.context import Environment
from tools.splunkd_lite.spl.errors import SplError
from tools.splunkd_lite.spl.reader import Reader, integer, number, text
from tools.splunkd_lite.spl.sparkline import auto_span
from tools.splunkd_lite.spl.timemod import Span, parse_span, resolve
from tools.splunkd_lite.spl.values import to_number, to_text

__all__ = ["Bucketing", "bucketing_options", "parse_bucketing"]

Placer = Callable[[Any], Any]
_LOG = re.compile(r"(\d*\.?\d*)log(\d*\.?\d*)\Z", re.I)


@dataclass(frozen=True)
class LogSpan:
    """Buckets that grow by a factor: coefficient * base^n."""

    coefficient: float
    base: float


def _span(value: str) -> Span | LogSpan:
    time = parse_span(value)
    if time is not None:
        return time
    log = _LOG.match(value)
    if log:
        base = float(log.group(2) or 10)
        coefficient = float(log.group(1) or 1)
        if base > 1 and 1 <= coefficient < base:
            return LogSpan(coefficient, base)
    raise ValueError("a span such as 5m, 10 or log2")


bucketing_options: dict[str, Callable[[str], Any]] = {
    "span": _span,
    "bins": integer,
    "start": number,
    "end": number,
    "aligntime": text,
}


@dataclass
class Bucketing:
    span: Span | LogSpan | None = None
    bins: int | None = None
    start: float | None = None
    end: float | None = None
    aligntime: str | None = None

    @classmethod
    def of(cls, options: dict[str, Any], reader: Reader) -> Bucketing:
        made = cls(**{key: options[key] for key in bucketing_options if key in options})
        reader.check(made.bins is None or made.bins >= 2, "the option 'bins' takes 2 or more")
        return made

    @property
    def given(self) -> bool:
        return self != Bucketing()

    def update(self, other: Bucketing) -> None:
        for key in bucketing_options:
            if getattr(other, key) is not None:
                setattr(self, key, getattr(other, key))

    def placer(self, field: str, env: Environment) -> Placer | None:
        """What gives a value's bucket; None when the values have to be seen first."""
        if isinstance(self.span, LogSpan):
            return _logarithmic(self.span)
        if self.span is None:
            return None
        if field in ("_time", "_indextime") or self.span.unit != "s":
            return _times(self.span, self._anchor(env), env)
        return _numbers(self.span.seconds)

    def _anchor(self, env: Environment) -> float | None:
        if self.aligntime is None or (
            self.span and getattr(self.span, "unit", "") in ("d", "w", "mon", "q", "y")
        ):
            return None
        named = {"earliest": env.context.earliest, "latest": env.context.latest}
        if self.aligntime in named:
            return named[self.aligntime]
        return resolve(self.aligntime, env.now, env.tz)

    def fitted(self, values: Iterable[Any], field: str, env: Environment) -> Placer:
        """Buckets that suit the values that there are: at most `bins` of a round size."""
        numbers = [n for n in (to_number(value) for value in values) if n is not None]
        bins = self.bins or 100
        if not numbers:
            return lambda value: value
        low, high = min(numbers), max(numbers)
        if field == "_time":
            return _times(auto_span(high - low, bins), None, env)
        low = low if self.start is None else min(self.start, low)
        high = high if self.end is None else max(self.end, high)
        return _numbers(_round_size(high - low, bins))


def parse_bucketing(reader: Reader) -> Bucketing:
    return Bucketing.of(reader.options(bucketing_options), reader)


def _round_size(length: float, bins: int) -> float:
    """The smallest power of ten that cuts `length` into at most `bins` buckets."""
    if length <= 0:
        return 1
    size = 10.0 ** math.floor(math.log10(length / bins))
    while length / size > bins:
        size *= 10
    return size


def _times(span: Span, anchor: float | None, env: Environment) -> Placer:
    tz = env.tz

    def place(value: Any) -> Any:
        moment = to_number(value)
        if moment is None:
            return value
        if anchor is not None:
            step = span.seconds
            return (moment - anchor) // step * step + anchor
        return span.start(float(moment), tz)

    return place


def _tidy(value: float) -> str:
    rounded = round(value, 10)
    return to_text(int(rounded) if rounded == int(rounded) else rounded)


def _numbers(size: float) -> Placer:
    def place(value: Any) -> Any:
        amount = to_number(value)
        if amount is None:
            return value
        low = math.floor(round(amount / size, 9)) * size
        return f"{_tidy(low)}-{_tidy(low + size)}"

    return place


def _logarithmic(span: LogSpan) -> Placer:
    def place(value: Any) -> Any:
        amount = to_number(value)
        if amount is None:
            return value
        if amount == 0:
            return "0"
        if amount < 0:
            raise SplError("a logarithmic span takes no numbers below 0")
        power = math.floor(round(math.log(amount / span.coefficient, span.base), 9))
        low = span.coefficient * span.base**power
        return f"{_tidy(low)}-{_tidy(low * span.base)}"

    return place
