"""The middle of a stream of numbers: a slowly moving median in two numbers of memory."""

from __future__ import annotations

from typing import List, Sequence

__all__ = ["Level", "median"]

MEMORY = 4000
"""Points after which an old value has little influence."""
SLOWEST = 1.0 / MEMORY
STEPS = 3.0
FAR = 10.0
"""A value further away than this many spreads counts as exactly that far."""


class Level:
    """A running median by small steps: an outlier moves it no further than any other value.

    Attributes:
        middle: the median so far.
        spread: the mean distance of values from it.
    """

    __slots__ = ("middle", "seen", "spread")

    def __init__(self) -> None:
        self.middle = 0.0
        self.spread = 0.0
        self.seen = 0

    def learn(self, value: float) -> None:
        """Move towards a value."""
        self.seen = seen = self.seen + 1
        if seen == 1:
            self.middle = value
            return
        rate = 1.0 / seen if seen < MEMORY else SLOWEST
        middle, spread = self.middle, self.spread
        surprise = value - middle
        distance = surprise if surprise >= 0.0 else -surprise
        counted, most = distance, FAR * spread
        if distance > most > 0.0 and seen > 5:
            counted = most
        self.spread = spread = spread + rate * (counted - spread)
        step = STEPS * rate * spread if seen > 20 else 2.0 * rate * counted
        if step > distance:
            step = distance
        self.middle = middle + step if surprise >= 0.0 else middle - step

    def to_state(self) -> List[float]:
        return [self.middle, self.spread, self.seen]

    @classmethod
    def from_state(cls, state: Sequence[float]) -> Level:
        level = cls()
        level.middle, level.spread, level.seen = float(state[0]), float(state[1]), int(state[2])
        return level


def median(values: Sequence[float]) -> float:
    """Return the upper median of at least one value."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2]
