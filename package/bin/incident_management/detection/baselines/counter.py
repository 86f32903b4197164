"""Counters: numbers that only grow until a restart resets them. Their growth is what is judged."""

from __future__ import annotations

from typing import Any, Dict, Optional

__all__ = ["AGAIN", "Counter"]

ENOUGH, RISES = 30, 10
"""Points before a series can be a counter, and how many of them must rise."""
UNDECIDED = 120
"""Points after which a series that rose less often is ruled out: trends and shifts come later."""
AGAIN = 3000
"""Points after which a series that was ruled out is checked again, and the length of that check: it
takes days, as a smooth season rises for hours."""
RESTART_SHARE, RESTART_STEPS = 0.1, 2.0
"""A fall is a restart if the new value is at most this share of the highest value, or this many
times the largest growth in one step: at the second of two restarts there is little to fall from."""
RARE, SPARE = 10, 2
"""Rises required for each restart, and the number of restarts allowed without."""


class Counter:
    """Detects whether a series is a counter, and turns its values into growth.

    Args:
        enough: number of points before the series can be a counter.

    Attributes:
        is_counter: whether it is a counter; False while undecided.
        ruled_out: whether it is certainly not a counter.
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
        """Process a value; return True if it changes whether the series counts as a counter."""
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
        # Before the first growth, the usual size of a step is unknown.
        is_low = value >= 0.0 and (value <= near_zero or not self._rises)
        return is_low and RARE * (self._restarts - SPARE) <= self._rises

    def growth(self, value: float) -> Optional[float]:
        """Return the growth since the last value; None if the counter restarted in between."""
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
        """Restore a saved counter; a state without restarts is checked from the beginning."""
        counter = cls(int(state.get("enough", ENOUGH)))
        counter.is_counter = bool(state["is_counter"])
        counter.ruled_out = bool(state.get("ruled_out", False))
        counter.last = None if state["last"] is None else float(state["last"])
        counter._seen, counter._rises = int(state["seen"]), int(state.get("rises", 0))
        counter._restarts = int(state.get("restarts", 0))
        counter._step, counter._top = float(state.get("step", 0)), float(state.get("top", 0))
        return counter
