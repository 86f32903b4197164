"""Usual alerts, gathered by time: all that came within half an hour, whatever it is.

By time and not by kind: if what is usual turns out to be part of a problem after all, that problem
has a beginning and an end, and anything usual between them belongs to it.
"""

from __future__ import annotations

from collections import deque
from typing import Deque, Optional

__all__ = ["LONGEST_GATHERING", "Gathering", "Gatherings"]

LONGEST_GATHERING = 1800.0
"""Seconds from the first to the last. Problems last from minutes to hours; one that lasts for a
quarter or for four times as long still has its alerts in a few groups, and few others in them."""
RECENT = 8


class Gathering:
    """A group of usual alerts: from when to when, and when it was closed, if it was."""

    __slots__ = ("closed", "first", "group", "last")

    def __init__(
        self, group: int, first: float, last: float, closed: Optional[float] = None
    ) -> None:
        self.group = group
        self.first = first
        self.last = last
        self.closed = closed

    def takes(self, time: float, window: float) -> bool:
        """Whether an alert of a time goes there, with at most ``window`` seconds of silence."""
        return (
            self.first <= time <= self.first + LONGEST_GATHERING
            and time - self.last <= window
            and (self.closed is None or time < self.closed)
        )


class Gatherings:
    """The newest gatherings: more than one, so that what is late finds the one of its time."""

    def __init__(self, window: float) -> None:
        self._window = window
        self._recent: Deque[Gathering] = deque(maxlen=RECENT)

    def __len__(self) -> int:
        return len(self._recent)

    def find(self, time: float) -> Optional[Gathering]:
        """Return the gathering that an alert of a time goes to, and count it."""
        for gathering in reversed(self._recent):
            if gathering.takes(time, self._window):
                gathering.last = max(gathering.last, time)
                return gathering
        return None

    def open(self, group: int, time: float) -> None:
        """Begin a gathering with an alert."""
        self._recent.append(Gathering(group, time, time))

    def close(self, time: float) -> None:
        """Let what comes from a time on begin another gathering; what is late cuts none in two."""
        for gathering in self._recent:
            if gathering.closed is None and gathering.first < time and gathering.last <= time:
                gathering.closed = time
