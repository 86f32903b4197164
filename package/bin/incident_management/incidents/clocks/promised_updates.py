"""What stakeholders were told last, and when they hear next; part of the fold, so it is pure.

A promise is given by an ``update``. ``update_due`` says what a group's wish makes of it (``set``),
or that the stakeholders of a merged incident wait for news of this one now (``taken_over``).
"""

from __future__ import annotations

from typing import Any, Dict, Optional

from ..model import ENDED, Document, Entry

__all__ = ["STATES", "PromisedUpdates"]

# What people are told of how it stands, as on status pages. "resolved" is the last one.
STATES = ("investigating", "identified", "monitoring", "resolved")


class PromisedUpdates:
    """What stakeholders of one incident wait for. Times are epoch seconds; None: for nothing.

    ``last`` is the data of the last update, with ``time`` and ``by``; ``due`` is when they are to
    hear next, ``promised`` when they were told that they would.
    """

    def __init__(self) -> None:
        self.last: Document = {}
        self.due: Optional[float] = None
        # By the merged incident whose stakeholders were promised it; empty: this one's own.
        self._promises: Dict[str, float] = {}

    @property
    def promised(self) -> Optional[float]:
        return min(self._promises.values(), default=None)

    def update(self, entry: Entry) -> None:
        """They were told: that was the end of all promises before."""
        self.last = {**entry.data, "time": entry.time, "by": entry.actor}
        self._promises.clear()
        self._promise("", entry.data.get("next_by"))
        self.due = self.promised

    def update_due(self, entry: Entry) -> None:
        event, due = entry.data.get("event"), entry.data.get("due")
        if event == "set":
            self.due = float(due) if due else None
        elif event == "taken_over":
            self._promise(str(entry.data.get("from")), due)
            known = [moment for moment in (self.due, self.promised) if moment is not None]
            self.due = min(known, default=None)

    def status(self, to: str) -> None:
        """What was promised holds until it is closed; that they want to hear, while it is open."""
        if to == "closed":
            self._promises.clear()
        if to in ENDED:
            self.due = self.promised

    def unmerged(self) -> None:
        """Meanwhile they waited for news of the other incident, as its own entries say."""
        self.due = self.promised

    def split(self, undone: str) -> None:
        """A merge was undone: its promise is that incident's alone again."""
        if self._promises.pop(undone, None) is not None:
            self.due = self.promised

    def _promise(self, whose: str, moment: Any) -> None:
        if moment:
            self._promises[whose] = float(moment)
