"""Counters: numbers that only grow, until a restart sets them back. What counts is their growth."""

from __future__ import annotations

from typing import Any, Dict, Optional

__all__ = ["AGAIN", "Counter"]

ENOUGH, RISES = 30, 10
"""Points, and how many of them must rise, before a series is a counter."""
UNDECIDED = 120
"""Points after which a series that rose less often is no counter: a trend or shift comes later."""
AGAIN = 3000
"""Points after which a series that was no counter is looked at again, and for how long: days, as a
smooth season rises for hours."""
RESTART_SHARE, RESTART_STEPS = 0.1, 2.0
"""A fall is a restart when what is left is this share of the highest value, or so many times the
largest growth in one step: the second restart of two comes when there is little to fall from."""
RARE, SPARE = 10, 2
"""Rises for each restart, and how many restarts may come besides."""


class Counter:
    """Tells whether a series is a counter, and turns its values into growth.

    Args:
        enough: points before it may be one.

    Attributes:
        is_counter: whether it is one; while that is not known, it is not.
        ruled_out: whether it is known not to be one.
    """

    __slots__ = (
        "_enough", "_restarts", "_rises", "_seen", "_step", "_top", "is_counter", "last",
        "ruled_out",
    )  # fmt: skip

    def __init__(self, enough: int = ENOUGH) -> None:
        self._enough = enough
        self._seen = self._rises = self._restarts = 0
        self._step = self._top = 0.0
        self.last: Optional[float] = None
        self.is_counter = self.ruled_out = False

    def changes(self, value: float) -> bool:
        """Note a value; True when it shows that the series is a counter, or that it is not."""
        last, was = self.last, self.is_counter
        self._seen += 1
        if last is not None and value > last:
            self._rises += 1
            self._step = max(self._step, value - last)
        elif last is not None and value < last:
            self._restarts += 1
            self.ruled_out = not self._is_restart(last, value)
        if self.ruled_out:
            self.is_counter = False
        elif not was and self._seen > self._enough:
            self.is_counter = self._rises >= max(RISES, RARE * self._restarts)
            self.ruled_out = not self.is_counter and self._seen > self._enough + UNDECIDED
        return self.is_counter != was

    def _is_restart(self, last: float, value: float) -> bool:
        self._top = max(self._top, last)
        near_zero = max(RESTART_SHARE * self._top, RESTART_STEPS * self._step)
        # Before it has grown at all, nothing tells how large a step is.
        is_low = value >= 0.0 and (value <= near_zero or not self._rises)
        return is_low and RARE * (self._restarts - SPARE) <= self._rises

    def growth(self, value: float) -> Optional[float]:
        """Return how much it grew since the last value; None when it began anew meanwhile."""
        last, self.last = self.last, value
        return value - last if last is not None and value >= last else None

    def to_state(self) -> Dict[str, Any]:
        return {
            "is_counter": self.is_counter,
            "ruled_out": self.ruled_out,
            "last": self.last,
            "enough": self._enough,
            "seen": self._seen,
            "rises": self._rises,
            "restarts": self._restarts,
            "step": self._step,
            "top": self._top,
        }

    @classmethod
    def from_state(cls, state: Dict[str, Any]) -> Counter:
        """Return the counter that was saved; one saved without its restarts is looked at anew."""
        counter = cls(int(state.get("enough", ENOUGH)))
        counter.is_counter = bool(state["is_counter"])
        counter.ruled_out = bool(state.get("ruled_out", False))
        counter.last = None if state["last"] is None else float(state["last"])
        counter._seen, counter._rises = int(state["seen"]), int(state.get("rises", 0))
        counter._restarts = int(state.get("restarts", 0))
        counter._step, counter._top = float(state.get("step", 0)), float(state.get("top", 0))
        return counter
