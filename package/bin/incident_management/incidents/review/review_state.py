"""An incident's review and follow-ups, from its ``review`` and ``follow_up`` entries. Pure.

A review is what people add to the timeline: some texts, and whether the review is done. A follow-up
is a task that prevents the incident from happening again.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

from ...utc import to_the_second
from ..items import Items
from ..model import Document, Entry
from .follow_up_tickets import TICKET, requested_channels, tickets_after

__all__ = ["ENDING", "REVIEW_STATES", "SECTIONS", "ReviewState", "due_day"]

# The sections that people write, with their titles.
SECTIONS: Mapping[str, str] = {
    "summary": "Summary",
    "impact": "Impact, in words",
    "causes": "Causes and contributing factors",
    "went_well": "What went well",
    "went_badly": "What went badly",
    "lessons": "Lessons",
}
# The states that end a review, and those a person can set: ``open`` reverses the others.
ENDING = ("done", "not_needed")
REVIEW_STATES = ("open", *ENDING)
OVERDUE = "overdue"
_BLANK = {"title": "", "owner": "", "due": 0.0, "state": "open", "reason": ""}


def due_day(one: Mapping[str, Any]) -> str:
    """Return the day a follow-up is due as its author named it; without a name, in UTC."""
    return str(one.get("due_day") or to_the_second(float(one["due"]))[:10])


class ReviewState:
    """The review and the follow-ups of one incident, entry by entry (:class:`..fold.State`).

    ``written`` has the newest entry of each section with a text, ``said`` the entry that set the
    review to done or not needed, ``turns`` the number of state changes.
    """

    def __init__(self) -> None:
        self.written: Dict[str, Entry] = {}
        self.said: Optional[Entry] = None
        self._begun = False
        self.turns = 0
        self.items = Items("follow_up", _BLANK)

    @property
    def state(self) -> str:
        """``done``, ``not_needed``, ``begun`` (a text was written), or empty."""
        if self.said is not None:
            return str(self.said.data["state"])
        return "begun" if self._begun else ""

    @property
    def follow_ups(self) -> List[Document]:
        """Each follow-up in its current state, the oldest first.

        Its fields are those of an item (:class:`..items.Items`), ``title, owner, due, state,
        reason``, the ``due_day`` that its author gave for the date, the ``due`` of which its owner
        was reminded (``reminded``), and its ``tickets``, if any (:mod:`.follow_up_tickets`).
        """
        return self.items.all

    def review(self, entry: Entry) -> None:
        """Apply a ``review`` entry. Of two entries that set the same state, the first counts."""
        texts = {name: entry.data[name] for name in SECTIONS if name in entry.data}
        self._begun = self._begun or bool(texts)
        for name, text in texts.items():
            self.written.pop(name, None)
            if text:
                self.written[name] = entry
        self.turns += "state" in entry.data
        state = entry.data.get("state")
        if state == "open":
            self.said, self._begun = None, True
        elif state in REVIEW_STATES and state != self.state:
            self.said = entry

    def follow_up(self, entry: Entry) -> None:
        """Apply a ``follow_up`` entry: a new follow-up, a change, a reminder or a ticket."""
        known = self.items.get(str(entry.data.get("follow_up") or ""))
        if entry.data.get("event") == OVERDUE:
            if known and entry.data.get("owner") == known["owner"]:
                known["reminded"] = entry.data.get("due")
            return
        if entry.data.get("event") == TICKET:
            self.ticket(entry)
            return
        if known and entry.data.get("owner", known["owner"]) != known["owner"]:
            known.pop("reminded", None)
        self.items.take(entry)
        if entry.data.get("due"):
            self._take_day(entry)
        if requested_channels(entry):
            self.ticket(entry)

    def _take_day(self, entry: Entry) -> None:
        """Keep the writer's name of the due day only for that due date."""
        known = self.items.get(str(entry.data.get("follow_up") or "")) or {}
        known.pop("due_day", None)
        if entry.data.get("due_day"):
            known["due_day"] = entry.data["due_day"]

    def ticket(self, entry: Entry) -> None:
        """Apply an entry about a follow-up's ticket; ignore other entries."""
        known = self.items.get(str(entry.data.get("follow_up") or ""))
        if known is not None:
            known["tickets"] = tickets_after(known.get("tickets") or (), entry)

    def reopened(self) -> None:
        """Reopen the review, because the incident was reopened."""
        if self.said is not None:
            self.said, self._begun = None, True
