"""Finds ended notifications that are not on their incidents' timelines yet.

The process that ends a notification records it there at once. A crash in between leaves it
unrecorded, which is rare: the search runs once a minute, and after each round that ended something.
"""

from __future__ import annotations

from typing import List, Optional

from ...ports import Clock, Collection, Document

__all__ = ["ENDED_UNSENT", "FINAL", "Unrecorded"]

ENDED_UNSENT = ("dead", "unconfirmed")
FINAL = ("sent", *ENDED_UNSENT)
"""The states that a notification ends in."""
EVERY_SECONDS = 60.0


class Unrecorded:
    """Finds those notifications. It lives as long as its process."""

    def __init__(self, outbox: Collection, clock: Clock) -> None:
        self._outbox = outbox
        self._clock = clock
        # When the last search found none; None: there may be some.
        self._none_at: Optional[float] = None

    def expect(self) -> None:
        """Note that there may be some."""
        self._none_at = None

    def find(self, limit: int) -> List[Document]:
        """Return at most ``limit`` of them, if it is time to search."""
        now = self._clock.now()
        if self._none_at is not None and 0 <= now - self._none_at < EVERY_SECONDS:
            return []
        query = {"recorded": False, "$or": [{"state": state} for state in FINAL]}
        found = self._outbox.find(query, limit=limit)
        if not found:
            self._none_at = now
        return found
