"""Group usual alerts by time: all that came within half an hour, whatever their kind.

Time matters here, not kind: if usual alerts turn out to be part of a problem after all, that
problem has a beginning and an end, and every usual alert between them belongs to it.
"""

from __future__ import annotations

from collections import deque
from typing import Deque, Optional

__all__ = ["LONGEST_GATHERING", "Gathering", "Gatherings"]

LONGEST_GATHERING = 1800.0
"""Seconds from the first alert of a group to its last. Problems last from minutes to hours:
one that lasts a quarter of this, or four times as long, still has its alerts in a few groups."""
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
        """Tell whether an alert belongs here; ``window``: the longest silence in seconds."""
        return (
            self.first <= time <= self.first + LONGEST_GATHERING
            and time - self.last <= window
            and (self.closed is None or time < self.closed)
        )


class Gatherings:
    """The newest groups: more than one, so that a late alert finds the group of its time."""

    def __init__(self, window: float) -> None:
        self._window = window
        self._recent: Deque[Gathering] = deque(maxlen=RECENT)

    def __len__(self) -> int:
        return len(self._recent)

    def find(self, time: float) -> Optional[Gathering]:
        """Return the group that an alert belongs to, extended to its time; None for none."""
        for gathering in reversed(self._recent):
            if gathering.takes(time, self._window):
                gathering.last = max(gathering.last, time)
                return gathering
        return None

    def open(self, group: int, time: float) -> None:
        """Begin a gathering with an alert."""
        self._recent.append(Gathering(group, time, time))

    def close(self, time: float) -> None:
        """Make alerts from a time on begin a new group; a late time does not split a group."""
        for gathering in self._recent:
            if gathering.closed is None and gathering.first < time and gathering.last <= time:
                gathering.closed = time
