"""The last points of a series: their mean, its change, and their spread."""

from __future__ import annotations

import math
from array import array
from typing import Any, Dict, List, Sequence, Tuple

__all__ = ["CHANGE_POINTS", "FULL", "SPREAD_POINTS", "Means", "Window"]

CHANGE_POINTS = 96
"""Points on each side of the change in :attr:`Window.change`."""
FULL = 2 * CHANGE_POINTS
"""Points from which :attr:`Window.change` is known."""
SPREAD_POINTS = 24
"""Points that :attr:`Window.deviation` covers, and from which it is known."""


class Window:
    """A ring of the last ``2 * CHANGE_POINTS`` values with running sums.

    The sums are computed again in each round of the ring, so that rounding errors can't add up.

    Attributes:
        seen: number of values since the last :meth:`clear`.
        change: the mean of the last CHANGE_POINTS values minus the mean of those before.
        deviation: the standard deviation of the last SPREAD_POINTS values.
    """

    __slots__ = (
        "_last", "_older", "_place", "_ring", "_squares", "_sum", "_zero", "change", "deviation",
        "seen",
    )  # fmt: skip

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget all values, as after a gap."""
        self._ring = array("d", bytes(16 * CHANGE_POINTS))
        self._zero = 0.0
        self._place = self.seen = 0
        self._last = self._older = self._sum = self._squares = 0.0
        self.change = self.deviation = 0.0

    def add(self, value: float) -> None:
        """Add the newest value and drop the oldest one."""
        ring, place = self._ring, self._place
        if self.seen == 0:
            self._zero = value
        # Sums of squares keep their precision when values are near zero.
        value -= self._zero
        # Until the ring is full, places that were never written are 0 and add nothing.
        middle, edge = ring[place - CHANGE_POINTS], ring[place - SPREAD_POINTS]
        self._last = last = self._last + (value - middle)
        self._older = older = self._older + (middle - ring[place])
        self._sum = total = self._sum + (value - edge)
        self._squares = squares = self._squares + (value * value - edge * edge)
        ring[place] = value
        self.seen += 1
        self._place = place = place + 1
        if place == FULL:
            self._place = 0
            last, older, total, squares = self._sum_up()
        self.change = (last - older) / CHANGE_POINTS
        mean = total / SPREAD_POINTS
        variance = squares / SPREAD_POINTS - mean * mean
        self.deviation = math.sqrt(variance) if variance > 0.0 else 0.0

    def _sum_up(self) -> Tuple[float, float, float, float]:
        ring = self._ring
        recent = ring[-SPREAD_POINTS:]
        self._last, self._older = math.fsum(ring[CHANGE_POINTS:]), math.fsum(ring[:CHANGE_POINTS])
        self._sum = math.fsum(recent)
        self._squares = math.fsum([value * value for value in recent])
        return self._last, self._older, self._sum, self._squares

    def recent(self, count: int) -> List[float]:
        """Return the last values, at most ``count``, oldest first."""
        count = min(count, self.seen, FULL)
        return [self._ring[self._place - count + i] + self._zero for i in range(count)]

    def to_state(self) -> Dict[str, Any]:
        return {"values": self.recent(2 * CHANGE_POINTS), "seen": self.seen}

    @classmethod
    def from_state(cls, state: Dict[str, Any]) -> Window:
        window = cls()
        values = [float(value) for value in state["values"]][-2 * CHANGE_POINTS :]
        for value in values:
            window.add(value)
        window.seen = max(int(state["seen"]), len(values))
        return window


class Means:
    """A running mean of the last ``length`` numbers."""

    __slots__ = ("_place", "_ring", "_sum")

    def __init__(self, length: int) -> None:
        self._ring = [0.0] * length
        self._place = 0
        self._sum = 0.0

    def add(self, value: float) -> float:
        """Add a number and return the mean with it; numbers before the first count as zero."""
        ring, place = self._ring, self._place
        self._sum += value - ring[place]
        ring[place] = value
        place += 1
        if place == len(ring):
            place = 0
            self._sum = math.fsum(ring)
        self._place = place
        return self._sum / len(ring)

    def to_state(self) -> List[float]:
        """Return the argument of :meth:`from_state`: the numbers, oldest first."""
        return self._ring[self._place :] + self._ring[: self._place]

    @classmethod
    def from_state(cls, state: Sequence[float]) -> Means:
        means = cls(len(state))
        for value in state:
            means.add(float(value))
        return means
