"""How an ongoing anomaly has changed a series: is it the usual series, scaled or moved for good?

A deploy that triples the traffic triples its nights and its noise too. Compared with the old normal
such a series seems to get better and worse with each hour. So while the anomaly lasts, the factor
and the sum that lead from the usual to the actual values are learned, and values are judged against
both of them as well. Which of the two applies shows once the season has moved. Then, or after most
of a day, the shift becomes the new normal.
"""

from __future__ import annotations

from typing import Any, Dict, List

__all__ = ["CLEARLY", "FEWEST", "Shift"]

FEWEST = 12
"""Points after which a shift can be told from a fault that changes with each point."""
MEMORY = 36
"""Points after which an old value has little influence on the factor and the sum."""
ERROR_MEMORY = 6
"""Points after which an old error has little influence on whether a shift holds."""
CLEARLY = 0.5
"""One expectation is better if its error is below this share of the other's error."""
FAR = 3.0
"""An error above this many usual errors counts as exactly that many: it is a fault in the shift."""

MAX_FACTOR = 1e6
"""The largest factor."""


class Shift:
    """The factor and the sum that explain the values seen, if one of them does.

    Attributes:
        points: number of points followed; 0: there is no deviation.
        holds: whether the series is now a scaled or moved one.
    """

    __slots__ = (
        "_by_factor", "_by_sum", "_calm", "_noise", "_size", "_unshifted", "holds", "points",
    )  # fmt: skip

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget the shift: the series is normal, or the shift has become the normal."""
        self.points = self._calm = 0
        self.holds = False
        self._size = self._noise = self._unshifted = 0.0
        self._by_factor, self._by_sum = _Guess(1.0), _Guess(0.0)

    @property
    def is_clear(self) -> bool:
        """Whether it is clear if the series is scaled or moved."""
        less, more = sorted((self._by_factor.errors, self._by_sum.errors))
        return less < CLEARLY * more

    @property
    def factor(self) -> float:
        """The factor by which the series is scaled; 1 if moving explains it better."""
        return self._by_factor.number if self._is_scaled else 1.0

    @property
    def sum(self) -> float:
        """The amount by which the series is moved; 0 if scaling explains it better."""
        return 0.0 if self._is_scaled else self._by_sum.number

    @property
    def _is_scaled(self) -> bool:
        return self._by_factor.errors <= self._by_sum.errors

    def distance(self, value: float, usual: float) -> float:
        """Return the distance of a value from the shifted expectation, given the usual value."""
        by_factor = value - usual * self._by_factor.number
        return min(abs(by_factor), abs(value - usual - self._by_sum.number))

    def noise(self, before: float) -> float:
        """Return by how much the noise of the series has grown, given its mean error before.

        The result lies between 1 and the factor by which the series has grown.
        """
        low, high = sorted((1.0, self.factor))
        return min(high, max(low, self._noise / before)) if before > 0.0 else high

    def follow(self, value: float, usual: float, calm: float) -> None:
        """Learn from a point.

        Args:
            value: the actual value.
            usual: the expected value if the anomaly had not begun.
            calm: a value closer than this to the expected one is as expected.
        """
        is_calm = abs(value - usual) < calm
        if is_calm and not self.points:
            return
        is_explained = self.distance(value, usual) < calm * max(1.0, self.factor)
        self.points = points = self.points + 1
        self._calm = self._calm + 1 if is_calm else 0
        rate = 1.0 / min(points, MEMORY)
        self._size += rate * (abs(usual) - self._size)
        self._unshifted += (abs(value - usual) - self._unshifted) / min(points, ERROR_MEMORY)
        off_factor = self._by_factor.miss(
            value - usual * self._by_factor.number, points, self.holds
        )
        off_sum = self._by_sum.miss(value - usual - self._by_sum.number, points, self.holds)
        if self.holds:
            off = abs(off_factor if self._is_scaled else off_sum)
            self._noise += (off - self._noise) / max(1, points - FEWEST)
        if self._size > 0.0:
            step = rate * (off_factor if usual > 0.0 else -off_factor) / self._size
            self._by_factor.number = min(MAX_FACTOR, max(0.0, self._by_factor.number + step))
        self._by_sum.number += rate * off_sum
        self._decide(is_calm, is_explained)

    def _decide(self, is_calm: bool, is_explained: bool) -> None:
        error = min(self._by_factor.error, self._by_sum.error)
        if self.holds:
            if is_calm and self._unshifted < CLEARLY * error:
                self.clear()
            return
        is_better = error < CLEARLY * self._unshifted
        self.holds = is_better and is_explained and self.points >= FEWEST
        if self._calm >= FEWEST and not self.holds:
            self.clear()

    def to_state(self) -> Dict[str, Any]:
        return {
            "points": self.points,
            "calm": self._calm,
            "holds": self.holds,
            "means": [self._size, self._noise, self._unshifted],
            "factor": self._by_factor.to_state(),
            "sum": self._by_sum.to_state(),
        }

    def restore(self, state: Dict[str, Any]) -> None:
        self.points, self._calm = int(state["points"]), int(state["calm"])
        self.holds = bool(state["holds"])
        self._size, self._noise, self._unshifted = map(float, state["means"])
        self._by_factor, self._by_sum = _Guess(*state["factor"]), _Guess(*state["sum"])


class _Guess:
    """The estimated factor or sum, its recent error, and the total of all its errors."""

    __slots__ = ("error", "errors", "number")

    def __init__(self, number: float, error: float = 0.0, errors: float = 0.0) -> None:
        self.number, self.error, self.errors = float(number), float(error), float(errors)

    def miss(self, distance: float, points: int, is_bounded: bool) -> float:
        """Record an error of the expectation; return how much of it counts."""
        counts, most = distance, FAR * self.error
        if is_bounded:
            counts = max(-most, min(most, distance))
        if points > 1:
            self.errors += abs(counts)
            self.error += (abs(distance) - self.error) / min(points, ERROR_MEMORY)
        return counts

    def to_state(self) -> List[float]:
        return [self.number, self.error, self.errors]
