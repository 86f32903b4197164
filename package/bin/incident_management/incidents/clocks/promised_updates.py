"""Track the last update for stakeholders and when the next is due. Pure, as a part of the fold.

An ``update`` may promise the next one. ``update_due`` sets a time that a group requires (``set``),
or takes over the promise of a merged incident (``taken_over``).
"""

from __future__ import annotations

from typing import Any, Dict, Optional

from ..model import ENDED, Document, Entry

__all__ = ["STATES", "PromisedUpdates"]

# The states of an update, as on status pages. "resolved" is the last one.
STATES = ("investigating", "identified", "monitoring", "resolved")


class PromisedUpdates:
    """The updates of one incident. Times are epoch seconds; None: no update is due.

    ``last`` is the data of the last update, with ``time`` and ``by``; ``due`` is when the next one
    is due, ``promised`` the time that was promised for it.
    """

    def __init__(self) -> None:
        self.last: Document = {}
        self.due: Optional[float] = None
        # By the merged incident whose stakeholders got the promise; empty: this incident's own.
        self._promises: Dict[str, float] = {}

    @property
    def promised(self) -> Optional[float]:
        return min(self._promises.values(), default=None)

    def update(self, entry: Entry) -> None:
        """Record an update, which fulfills all earlier promises."""
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
        """Keep a promise until the incident is closed, and a group's interval while it is open."""
        if to == "closed":
            self._promises.clear()
        if to in ENDED:
            self.due = self.promised

    def unmerged(self) -> None:
        """Restore the promise after an undone merge; meanwhile the other incident had it."""
        self.due = self.promised

    def split(self, undone: str) -> None:
        """Drop the promise of an incident whose merge was undone."""
        if self._promises.pop(undone, None) is not None:
            self.due = self.promised

    def _promise(self, whose: str, moment: Any) -> None:
        if moment:
            self._promises[whose] = float(moment)
