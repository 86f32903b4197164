"""The functions of stats, chart, timechart and their kin.

Source: https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/statistical-and-charting-functions
"""

from __future__ import annotations

import itertools
import math
from typing import Any, ClassVar

from tools.splunkd_lite.spl.numberbag import NumberBag
from tools.splunkd_lite.spl.registry import AGGREGATES, MANUAL
from tools.splunkd_lite.spl.values import Row, from_list, sort_key, to_number, to_text

__all__ = ["Accumulator", "aggregate"]

LIST_LIMIT = 100
_ARRIVALS = itertools.count(1)  # the order in which first() and last() saw their values
BASIC = "statistical-and-charting-functions/aggregate-functions"
ORDER = "statistical-and-charting-functions/event-order-functions"
MULTI = "statistical-and-charting-functions/multivalue-and-array-functions"


class Accumulator:
    """Takes values one at a time and gives the result; `percent` is the X of percX."""

    doc: ClassVar[str] = ""
    needs_time: ClassVar[bool] = False
    numeric: ClassVar[bool] = False
    """Whether `add_number` takes the values, and what is no number is left out."""

    def __init__(self, percent: float = 0) -> None:
        self.percent = percent

    def add(self, value: Any, row: Row) -> None:
        raise NotImplementedError

    def add_number(self, number: Any) -> None:
        raise NotImplementedError

    def merge(self, other: Any) -> None:
        """Takes over what another accumulator of the same class has gathered."""
        raise NotImplementedError

    def result(self) -> Any:
        raise NotImplementedError


def aggregate(*names: str, doc: str = "") -> Any:
    """Registers an accumulator class under each of its names."""

    def register(cls: type[Accumulator]) -> type[Accumulator]:
        cls.doc = MANUAL + doc if doc else ""
        for name in names:
            AGGREGATES[name] = cls
        return cls

    return register


@aggregate("count", "c", doc=BASIC)
class Count(Accumulator):
    def __init__(self, percent: float = 0) -> None:
        self.total = 0

    def add(self, value: Any, row: Row) -> None:
        self.total += 1

    def merge(self, other: Count) -> None:
        self.total += other.total

    def result(self) -> int:
        return self.total


class Numeric(Accumulator):
    """Takes numbers; values that aren't numbers are left out."""

    numeric = True

    def add(self, value: Any, row: Row) -> None:
        number = to_number(value)
        if number is not None:
            self.add_number(number)


@aggregate("sum", doc=BASIC)
class Sum(Numeric):
    def __init__(self, percent: float = 0) -> None:
        self.total: Any = None

    def add_number(self, number: Any) -> None:
        self.total = number if self.total is None else self.total + number

    def merge(self, other: Sum) -> None:
        if other.total is not None:
            self.total = other.total + (self.total or 0)

    def result(self) -> Any:
        return self.total


@aggregate("avg", "mean", doc=BASIC)
class Average(Numeric):
    def __init__(self, percent: float = 0) -> None:
        self.total: Any = 0
        self.count = 0

    def add_number(self, number: Any) -> None:
        self.total += number
        self.count += 1

    def merge(self, other: Average) -> None:
        self.total += other.total
        self.count += other.count

    def result(self) -> Any:
        return self.total / self.count if self.count else None


@aggregate("sumsq", doc=BASIC)
class SumOfSquares(Sum):
    def add_number(self, number: Any) -> None:
        super().add_number(number * number)


@aggregate("max", doc=BASIC)
class Maximum(Accumulator):
    """Numbers by value, text by its characters; text is above any number."""

    sign = 1

    def __init__(self, percent: float = 0) -> None:
        self.best: Any = None
        self.key: Any = None

    def add(self, value: Any, row: Row) -> None:
        key = sort_key(value)
        if self.key is None or (key > self.key if self.sign > 0 else key < self.key):
            self.best, self.key = value, key

    def merge(self, other: Maximum) -> None:
        if other.key is not None:
            self.add(other.best, {})

    def result(self) -> Any:
        number = to_number(self.best)
        return self.best if number is None else number


@aggregate("min", doc=BASIC)
class Minimum(Maximum):
    sign = -1


@aggregate("range", doc=BASIC)
class Range(Numeric):
    def __init__(self, percent: float = 0) -> None:
        self.ends: tuple[Any, Any] | None = None

    def add_number(self, number: Any) -> None:
        low, high = self.ends or (number, number)
        self.ends = min(low, number), max(high, number)

    def merge(self, other: Range) -> None:
        for number in other.ends or ():
            self.add_number(number)

    def result(self) -> Any:
        return None if self.ends is None else self.ends[1] - self.ends[0]


class Moments(Numeric):
    """Count, mean and squared deviations in one pass (Welford)."""

    def __init__(self, percent: float = 0) -> None:
        self.count, self.mean, self.squares = 0, 0.0, 0.0

    def add_number(self, number: Any) -> None:
        self.count += 1
        delta = number - self.mean
        self.mean += delta / self.count
        self.squares += delta * (number - self.mean)

    def merge(self, other: Moments) -> None:
        count = self.count + other.count
        if other.count:
            delta = other.mean - self.mean
            self.squares += other.squares + delta * delta * self.count * other.count / count
            self.mean += delta * other.count / count
            self.count = count

    def _variance(self, lost: int) -> float | None:
        if self.count == 0:
            return None
        return 0.0 if self.count <= lost else self.squares / (self.count - lost)


@aggregate("var", doc=BASIC)
class Variance(Moments):
    def result(self) -> Any:
        return self._variance(1)


@aggregate("varp", doc=BASIC)
class PopulationVariance(Moments):
    def result(self) -> Any:
        return self._variance(0)


@aggregate("stdev", doc=BASIC)
class Deviation(Moments):
    def result(self) -> Any:
        variance = self._variance(1)
        return None if variance is None else math.sqrt(variance)


@aggregate("stdevp", doc=BASIC)
class PopulationDeviation(Moments):
    def result(self) -> Any:
        variance = self._variance(0)
        return None if variance is None else math.sqrt(variance)


class Ranked(Numeric):
    """Keeps the numbers, for what their order gives."""

    def __init__(self, percent: float = 0) -> None:
        self.percent = percent
        self.bag = NumberBag()

    def add_number(self, number: Any) -> None:
        self.bag.add(number)

    def merge(self, other: Ranked) -> None:
        self.bag.merge(other.bag)


@aggregate("perc", "p", "percentile", "upperperc", doc=BASIC)
class Percentile(Ranked):
    """The percentile between the two ranks next to it, as the manual's examples have it: perc50 of
    1 to 10 is 5.5, perc95 is 9.55. (The page's prose says "nearest rank", which gives others.)

    Above 1,000 distinct values Splunk itself estimates perc and upperperc, within 1 % of the rank,
    from below and from above; these are exact then, too, which is within both bounds.
    """

    def result(self) -> Any:
        count = len(self.bag)
        if not count:
            return None
        place = self.percent * (count - 1)  # in hundredths of a rank
        rank, rest = int(place // 100), place % 100
        low = self.bag.ranked(rank)
        return (low * (100 - rest) + self.bag.ranked(rank + 1) * rest) / 100 if rest else low


@aggregate("exactperc", doc=BASIC)
class ExactPercentile(Percentile):
    pass


@aggregate("median", doc=BASIC)
class Median(Ranked):
    def result(self) -> Any:
        count = len(self.bag)
        if not count:
            return None
        middle = self.bag.ranked(count // 2)
        return middle if count % 2 else (self.bag.ranked(count // 2 - 1) + middle) / 2


@aggregate("mode", doc=BASIC)
class Mode(Accumulator):
    def __init__(self, percent: float = 0) -> None:
        self.counts: dict[str, int] = {}

    def add(self, value: Any, row: Row) -> None:
        text = to_text(value)
        self.counts[text] = self.counts.get(text, 0) + 1

    def merge(self, other: Mode) -> None:
        for text, count in other.counts.items():
            self.counts[text] = self.counts.get(text, 0) + count

    def result(self) -> Any:
        return max(self.counts, key=lambda text: self.counts[text]) if self.counts else None


@aggregate("dc", "distinct_count", "estdc", doc=BASIC)
class Distinct(Accumulator):
    """Distinct values; estdc is exact here, which is within what it promises."""

    def __init__(self, percent: float = 0) -> None:
        self.seen: set[str] = set()

    def add(self, value: Any, row: Row) -> None:
        self.seen.add(value if type(value) is str else to_text(value))

    def merge(self, other: Distinct) -> None:
        self.seen |= other.seen

    def result(self) -> int:
        return len(self.seen)


@aggregate("estdc_error", doc=BASIC)
class DistinctError(Distinct):
    def result(self) -> int:
        return 0


@aggregate("list", doc=MULTI)
class List(Accumulator):
    """Values in the order they came, at most 100 (limits.conf, list_maxsize)."""

    def __init__(self, percent: float = 0) -> None:
        self.items: list[Any] = []

    def add(self, value: Any, row: Row) -> None:
        if len(self.items) < LIST_LIMIT:
            self.items.append(value)

    def merge(self, other: List) -> None:
        self.items = (self.items + other.items)[:LIST_LIMIT]

    def result(self) -> Any:
        return from_list(self.items)


@aggregate("values", doc=MULTI)
class Values(Distinct):
    """Distinct values in the order of their characters."""

    def result(self) -> Any:
        return from_list(sorted(self.seen))


@aggregate("first", doc=ORDER)
class First(Accumulator):
    def __init__(self, percent: float = 0) -> None:
        self.value: Any = None
        self.place = 0

    def add(self, value: Any, row: Row) -> None:
        if self.value is None:
            self.value, self.place = value, next(_ARRIVALS)

    def merge(self, other: First) -> None:
        if self.value is None or (other.value is not None and other.place < self.place):
            self.value, self.place = other.value, other.place

    def result(self) -> Any:
        return self.value


@aggregate("last", doc=ORDER)
class Last(First):
    def add(self, value: Any, row: Row) -> None:
        self.value, self.place = value, next(_ARRIVALS)

    def merge(self, other: First) -> None:
        if other.value is not None and other.place > self.place:
            self.value, self.place = other.value, other.place
