"""What was usual before the latest shift, for it may come back: holidays end, faults are mended.

After most of a day a shift is taken for what is usual. When that day was a holiday, the return to
what was usual for weeks is no anomaly, and nothing that would have to be learned anew.
"""

from __future__ import annotations

from typing import Any, List, NamedTuple, Optional, Tuple

from .shift import CLEARLY

__all__ = ["BACK_POINTS", "Move", "PreviousNormal"]

BACK_SECONDS = 10 * 86400.0
"""For so long after the shift it may come back,"""
BACK_POINTS = 12
"""and is usual again once so many points have shown it."""
BACK_SHARE, BACK_NOISE = 0.25, 0.05
"""A value shows it where it is off by so much of what would be an anomaly; from the lesser share on
it is no anomaly, either, as many such values together would be one."""
NEAR = 0.25
"""It is no further from what was usual before than this share of the way to what is usual now."""
LEAST_FACTOR, MOST_FACTOR = 0.01, 2 / 3
"""Of what was scaled by less, nothing is left that could be scaled back; and what is nearer to 1
can't be told from noise."""


class Move(NamedTuple):
    """What a series is scaled and moved by, and by what its noise and its records are scaled."""

    factor: float
    sum: float
    noise: float
    records: float

    def back(self) -> Move:
        """Return what leads back."""
        factor = self.factor
        return Move(1.0 / factor, -self.sum / factor, 1.0 / self.noise, 1.0 / self.records)


class PreviousNormal:
    """The latest shift that was taken for what is usual, as long as it may be over.

    Attributes:
        move: what it was; None: there is none that could be taken back.
    """

    __slots__ = ("_points", "_until", "move")

    def __init__(self) -> None:
        self.move: Optional[Move] = None
        self._until = 0.0
        self._points = 0

    def note(self, move: Move, time: float) -> None:
        """Note a shift that is taken for what is usual from a time on."""
        self._points = 0
        factor = move.factor
        is_clear = LEAST_FACTOR <= min(factor, 1.0 / max(factor, LEAST_FACTOR)) <= MOST_FACTOR
        self.move, self._until = (move if is_clear else None), time + BACK_SECONDS

    def forget(self) -> None:
        """Forget it: it was taken back, or too little of what was before is known."""
        self.move, self._points = None, 0

    def bounds(
        self, value: float, time: float, low: float, high: float, reach: float
    ) -> Optional[Tuple[float, float, float]]:
        """Return between which values all was usual before and its reach, if that explains it.

        None: it does not explain the value, or what is usual now does as well.

        Args:
            low, high: between which values all is as usual now.
            reach: how far from them a value is an anomaly.
        """
        move = self.move
        if move is None or time > self._until:
            self.forget()
            return None
        off = max(low - value, value - high)
        if off < BACK_NOISE * reach:
            return None
        middle = (low + high) / 2.0
        low, high = (low - move.sum) / move.factor, (high - move.sum) / move.factor
        most = reach * max(1.0, 1.0 / move.factor)
        # A value beyond both is a fault, even where a noisy series has a long reach.
        near = NEAR * abs((low + high) / 2.0 - middle)
        if max(low - value, value - high) >= min(CLEARLY * off, most, near):
            self._points = 0
            return None
        self._points += off >= BACK_SHARE * reach
        return low, high, most

    @property
    def is_back(self) -> bool:
        """Whether enough points have shown that what was usual before is so again."""
        return self._points >= BACK_POINTS

    def to_state(self) -> List[Any]:
        return [] if self.move is None else [*self.move, self._until, self._points]

    def restore(self, state: List[Any]) -> None:
        if state:
            factor, by, noise, records, self._until, points = map(float, state)
            self.move, self._points = Move(factor, by, noise, records), int(points)
