"""The time, injected, so that a test can live a day in a second."""

from __future__ import annotations

import threading
import time
from typing import Protocol

__all__ = ["Clock", "ManualClock", "SystemClock"]


class Clock(Protocol):
    """Tells the time in epoch seconds and waits for it to pass."""

    def now(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds))


class ManualClock:
    """A clock that moves only when told to. Sleepers wake when it passes their time."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._now = start
        self._moved = threading.Condition()

    def now(self) -> float:
        with self._moved:
            return self._now

    def sleep(self, seconds: float) -> None:
        with self._moved:
            until = self._now + seconds
            self._moved.wait_for(lambda: self._now >= until)

    def advance(self, seconds: float) -> None:
        """Move forward and wake the sleepers whose time has come."""
        if seconds < 0:
            raise ValueError("a clock moves forward only; use a new one to start earlier")
        with self._moved:
            self._now += seconds
            self._moved.notify_all()
