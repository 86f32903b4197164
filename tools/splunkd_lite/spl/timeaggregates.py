"""The stats functions that look at the time of events.

Source: https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/statistical-and-charting-functions/time-functions
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

from tools.splunkd_lite.spl.aggregates import Accumulator, Sum, aggregate
from tools.splunkd_lite.spl.values import Row, to_number

__all__ = ["Chronological", "PerTime"]

TIMES = "statistical-and-charting-functions/time-functions"


class Chronological(Accumulator):
    """Keeps the values at the first and the last `_time`."""

    needs_time = True

    def __init__(self, percent: float = 0) -> None:
        self.first: Any = None
        self.last: Any = None
        self.first_time = math.inf
        self.last_time = -math.inf

    def add(self, value: Any, row: Row) -> None:
        time = to_number(row.get("_time"))
        if time is None:
            return
        if time < self.first_time:
            self.first, self.first_time = value, time
        if time > self.last_time:
            self.last, self.last_time = value, time

    def merge(self, other: Chronological) -> None:
        if other.first_time < self.first_time:
            self.first, self.first_time = other.first, other.first_time
        if other.last_time > self.last_time:
            self.last, self.last_time = other.last, other.last_time


@aggregate("earliest", doc=TIMES)
class Earliest(Chronological):
    def result(self) -> Any:
        return self.first


@aggregate("latest", doc=TIMES)
class Latest(Chronological):
    def result(self) -> Any:
        return self.last


@aggregate("earliest_time", doc=TIMES)
class EarliestTime(Chronological):
    def result(self) -> Any:
        return None if self.first is None else self.first_time


@aggregate("latest_time", doc=TIMES)
class LatestTime(Chronological):
    def result(self) -> Any:
        return None if self.last is None else self.last_time


@aggregate("rate", doc=TIMES)
class Rate(Chronological):
    """(latest - earliest) / (latest_time - earliest_time), per second."""

    def result(self) -> Any:
        low, high = to_number(self.first), to_number(self.last)
        if low is None or high is None or self.last_time == self.first_time:
            return None
        return (high - low) / (self.last_time - self.first_time)


class PerTime(Sum):
    """A sum that timechart divides by the length of its span."""

    seconds: ClassVar[float] = 1


for _name, _seconds in (("per_second", 1), ("per_minute", 60), ("per_hour", 3600),
                        ("per_day", 86400)):  # fmt: skip
    aggregate(_name, doc=TIMES)(type(f"Per{_seconds}", (PerTime,), {"seconds": _seconds}))
