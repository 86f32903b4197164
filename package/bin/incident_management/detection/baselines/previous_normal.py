"""The normal from before the latest shift, which may return: holidays end, faults are fixed.

After most of a day a shift becomes the new normal. If that day was a holiday, the return to the
normal of the weeks before is not an anomaly, and need not be learned again.
"""

from __future__ import annotations

from typing import Any, List, NamedTuple, Optional, Tuple

from .shift import CLEARLY

__all__ = ["BACK_POINTS", "Move", "PreviousNormal"]

BACK_SECONDS = 10 * 86400.0
"""How long after a shift the normal before it may return."""
BACK_POINTS = 12
"""Points that must show the previous normal before it is restored."""
BACK_SHARE, BACK_NOISE = 0.25, 0.05
"""A value supports the return if it is off by the larger share of what would be an anomaly. From
the smaller share on it is no anomaly either, as many such values together would be one."""
NEAR = 0.25
"""How close a value must be to the previous normal, as a share of the way to the current one."""
LEAST_FACTOR, MOST_FACTOR = 0.01, 2 / 3
"""After scaling by a smaller factor too little is left to scale back, and a factor closer to 1
can't be told from noise."""


class Move(NamedTuple):
    """How a shift scales and moves a series, and how it scales the noise and the records."""

    factor: float
    sum: float
    noise: float
    records: float

    def back(self) -> Move:
        """Return the inverse move."""
        factor = self.factor
        return Move(1.0 / factor, -self.sum / factor, 1.0 / self.noise, 1.0 / self.records)


class PreviousNormal:
    """The latest shift that became the normal, for as long as it may be reversed.

    Attributes:
        move: how the series was moved; None: there is no shift that could be reversed.
    """

    __slots__ = ("_points", "_until", "move")

    def __init__(self) -> None:
        self.move: Optional[Move] = None
        self._until = 0.0
        self._points = 0

    def note(self, move: Move, time: float) -> None:
        """Remember a shift that becomes the normal at a time."""
        self._points = 0
        factor = move.factor
        is_clear = LEAST_FACTOR <= min(factor, 1.0 / max(factor, LEAST_FACTOR)) <= MOST_FACTOR
        self.move, self._until = (move if is_clear else None), time + BACK_SECONDS

    def forget(self) -> None:
        """Forget the shift: it was reversed, or too little is known about the time before it."""
        self.move, self._points = None, 0

    def bounds(
        self, value: float, time: float, low: float, high: float, reach: float
    ) -> Optional[Tuple[float, float, float]]:
        """Return the previous normal's lowest and highest value and reach, if it explains a value.

        None: it does not explain the value, or the current normal explains it as well.

        Args:
            low, high: the lowest and the highest usual value now.
            reach: the distance from them at which a value is an anomaly.
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
        # A value beyond both normals is a fault, even if a noisy series has a long reach.
        near = NEAR * abs((low + high) / 2.0 - middle)
        if max(low - value, value - high) >= min(CLEARLY * off, most, near):
            self._points = 0
            return None
        self._points += off >= BACK_SHARE * reach
        return low, high, most

    @property
    def is_back(self) -> bool:
        """Whether enough points have shown that the previous normal has returned."""
        return self._points >= BACK_POINTS

    def to_state(self) -> List[Any]:
        return [] if self.move is None else [*self.move, self._until, self._points]

    def restore(self, state: List[Any]) -> None:
        if state:
            factor, by, noise, records, self._until, points = map(float, state)
            self.move, self._points = Move(factor, by, noise, records), int(points)
