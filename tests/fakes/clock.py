"""A clock that moves only when the test sets it."""

from __future__ import annotations

__all__ = ["ManualClock"]


class ManualClock:
    """Return the time that the test has set (ports.Clock)."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self._now = now

    def now(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += seconds

    def set(self, now: float) -> None:
        """Set the time; it may go backwards, as a skewed clock does."""
        self._now = now
