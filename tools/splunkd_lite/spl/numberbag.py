"""Many numbers in little memory, and the one of a given rank.

Up to MAX_DISTINCT different numbers are counted. Beyond, those that a machine word holds without
loss take eight bytes each, and the one of a rank is selected rather than sorted out (Hoare's
quickselect, 1961, with the pivot taken from an evenly spaced sample).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from itertools import chain, repeat
from typing import Any

__all__ = ["NumberBag"]

MAX_DISTINCT = 10_000
_SMALL = 1_000
_EXACT = 2**53


class NumberBag:
    """A multiset of numbers. `len()` is how many there are."""

    __slots__ = ("counts", "packed", "size")

    def __init__(self) -> None:
        self.counts: dict[Any, int] = {}
        self.packed: array[float] | None = None
        self.size = 0

    def __len__(self) -> int:
        return self.size

    def add(self, number: Any, times: int = 1) -> None:
        self.size += times
        counts = self.counts
        held = counts.get(number)
        if held is not None:
            counts[number] = held + times
        elif self.packed is not None and _fits(number):
            self.packed.extend(repeat(number, times))
        else:
            counts[number] = times
            if len(counts) > MAX_DISTINCT and self.packed is None:
                self.packed = array("d")

    def merge(self, other: NumberBag) -> None:
        for number, times in other.counts.items():
            self.add(number, times)
        for number in other.packed or ():
            self.add(number)

    def ranked(self, rank: int) -> Any:
        """The number that stands at that place, from 0, of all in ascending order."""
        if self.packed is None:
            return _counted(sorted(self.counts.items(), key=lambda pair: pair[0]), rank)
        pool: list[tuple[Any, int]] = sorted(self.counts.items(), key=lambda pair: pair[0])
        packed: array[float] = self.packed
        while len(packed) > _SMALL:
            pivot = _pivot(packed, pool, rank)
            below = array("d", (number for number in packed if number < pivot))
            counted = [pair for pair in pool if pair[0] < pivot]
            smaller = len(below) + sum(times for _, times in counted)
            if rank < smaller:
                packed, pool = below, counted
                continue
            rank -= smaller
            equal = [pair for pair in pool if pair[0] == pivot]
            same = packed.count(pivot) + sum(times for _, times in equal)
            if rank < same:
                return equal[0][0] if equal else _whole(pivot)
            rank -= same
            packed = array("d", (number for number in packed if number > pivot))
            pool = [pair for pair in pool if pair[0] > pivot]
        singles: Iterator[tuple[Any, int]] = ((_whole(number), 1) for number in packed)
        return _counted(sorted(chain(pool, singles), key=lambda pair: pair[0]), rank)


def _fits(number: Any) -> bool:
    kind = type(number)
    return kind is float or (kind is int and -_EXACT < number < _EXACT)


def _whole(number: float) -> Any:
    return int(number) if number == int(number) and abs(number) < _EXACT else number


def _counted(pairs: Iterable[tuple[Any, int]], rank: int) -> Any:
    for number, times in pairs:
        rank -= times
        if rank < 0:
            return number
    raise IndexError("the rank is beyond the last number")


def _pivot(packed: array[float], pool: list[tuple[Any, int]], rank: int) -> float:
    """A number of the array, near the rank."""
    sample = sorted(packed[:: max(1, len(packed) // 101)])
    total = len(packed) + sum(times for _, times in pool)
    return sample[min(len(sample) - 1, rank * len(sample) // total)]
