"""The sparkline function: a small chart in a cell, as a list of numbers.

Source: https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/statistical-and-charting-functions/time-functions
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tools.splunkd_lite.spl.aggregates import Accumulator, aggregate
from tools.splunkd_lite.spl.timemod import Span
from tools.splunkd_lite.spl.values import Row, to_number, to_text

__all__ = ["AUTO_SPANS", "Sparkline", "auto_span"]

MARK = "##__SPARKLINE__##"
MAX_POINTS = 100
AUTO_SPANS = (
    Span(1, "s"), Span(5, "s"), Span(10, "s"), Span(30, "s"), Span(1, "m"), Span(5, "m"),
    Span(10, "m"), Span(30, "m"), Span(1, "h"), Span(1, "d"), Span(1, "mon"),
)  # fmt: skip


def auto_span(seconds: float, bins: int) -> Span:
    """The shortest customary span that cuts `seconds` into at most `bins` buckets."""
    for span in AUTO_SPANS:
        if seconds / span.seconds <= bins:
            return span
    return AUTO_SPANS[-1]


@aggregate("sparkline", doc="statistical-and-charting-functions/time-functions")
class Sparkline(Accumulator):
    """Applies a function to each of the buckets of time that the values fall in."""

    needs_time = True

    def __init__(self, make: Callable[[], Accumulator], span: Span | None, env: Any) -> None:
        self.make, self.span, self.env = make, span, env
        self.points: list[tuple[float, Any]] = []

    def add(self, value: Any, row: Row) -> None:
        time = to_number(row.get("_time"))
        if time is not None:
            self.points.append((time, value))

    def merge(self, other: Sparkline) -> None:
        self.points += other.points

    def result(self) -> Any:
        if not self.points:
            return None
        times = [point[0] for point in self.points]
        context = self.env.context
        low = context.earliest if context.earliest else min(times)
        high = context.latest if context.latest is not None else max(times)
        low, high = min(low, *times), max(high, *times)
        span = self.span or auto_span(high - low, MAX_POINTS)
        buckets: dict[float, Accumulator] = {}
        for time, value in self.points:
            start = span.start(time, self.env.tz)
            if start not in buckets:
                buckets[start] = self.make()
            buckets[start].add(value, {"_time": time})
        found, start = [MARK], span.start(low, self.env.tz)
        while start <= high and len(found) <= MAX_POINTS * 10:
            bucket = buckets.get(start)
            found.append(to_text(bucket.result()) if bucket else "0")
            start = span.next(start, self.env.tz)
        return found
