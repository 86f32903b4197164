"""Counters: numbers that only grow, until a restart sets them back. What counts is their growth."""

from __future__ import annotations

from typing import Any, Dict, Optional

__all__ = ["Counter"]

ENOUGH = 30
"""Points that must not fall before a series may be a counter; most of them must grow."""
RESET_SHARE = 0.1
"""A fall to less than this share of the value before is a restart."""


class Counter:
    """Tells whether a series is a counter, and turns its values into growth.

    Attributes:
        is_counter: whether it is one; while that is not known, it is not.
    """

    __slots__ = ("_decided", "_growing", "_seen", "is_counter", "last")

    def __init__(self) -> None:
        self.is_counter = False
        self.last: Optional[float] = None
        self._decided = False
        self._seen = self._growing = 0

    @property
    def ruled_out(self) -> bool:
        """Whether it is sure that the series is no counter, so that nobody need ask again."""
        return self._decided and not self.is_counter

    def changes(self, value: float) -> bool:
        """Note a value; True when it turns the series into a counter, or shows that it is none."""
        last = self.last
        if self._decided and not self.is_counter:
            return False
        self._seen += 1
        if last is None or value >= last:
            self._growing += last is not None and value > last
            if not self._decided and self._seen > ENOUGH and 2 * self._growing > self._seen:
                self._decided = self.is_counter = True
                return True
            # A constant series is not a counter; one that grows later is a trend or a shift.
            self._decided = self._decided or self._seen > 2 * ENOUGH
            return False
        if self.is_counter and 0.0 <= value <= RESET_SHARE * last:
            return False
        was = self.is_counter
        self._decided, self.is_counter = True, False
        return was

    def growth(self, value: float) -> Optional[float]:
        """Return how much it grew since the last value; None when it began anew meanwhile."""
        last, self.last = self.last, value
        return value - last if last is not None and value >= last else None

    def to_state(self) -> Dict[str, Any]:
        """Return what :meth:`from_state` takes."""
        return {
            "is_counter": self.is_counter,
            "last": self.last,
            "decided": self._decided,
            "seen": self._seen,
            "growing": self._growing,
        }

    @classmethod
    def from_state(cls, state: Dict[str, Any]) -> Counter:
        """Return the counter that was saved."""
        counter = cls()
        counter.is_counter, counter._decided = bool(state["is_counter"]), bool(state["decided"])
        counter.last = None if state["last"] is None else float(state["last"])
        counter._seen, counter._growing = int(state["seen"]), int(state["growing"])
        return counter
