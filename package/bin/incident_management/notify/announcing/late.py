"""Builds late notifications and the sentences that explain the delay.

When nothing was announced for so long that entries are no longer news, they are not announced one
by one. At most one entry of each incident is: the one that gives its current state. So nobody stays
unaware of an open incident, or keeps a page for one that is over.

A notification that was announced in time but had to wait, because a service was down, says how long
it waited and whether the incident is over by now.
"""

from __future__ import annotations

from typing import Dict, List, Mapping, Optional, Sequence, Set

from ...durations import span
from ...incidents import timeline
from ...incidents.act import Act
from ...incidents.entry_validation import is_readable
from ...incidents.model import ACTOR, ENDED, Entry
from ...incidents.stores import find_by
from ...ports import Clock, Document, Stores
from ...utc import to_the_second
from ..events import event_of

__all__ = [
    "LATE_SECONDS",
    "current_entry",
    "has_ended",
    "is_over",
    "mark_late",
    "missed",
    "record_undelivered_updates",
    "summary",
    "waited",
]

# A message that waited for longer than this says so.
LATE_SECONDS = 900.0

# Kinds of entries that may begin or end an incident for people, and the events they stand for.
_KINDS = ("opened", "status", "merged", "unmerged")
_BEGUN, _OVER = ("opened", "reopened"), "resolved"
_WORDS = "Delayed notification: this was at"
# Versions before this one queued messages that begin with these words.
_EARLIER_WORDS = "Told late: this was at"


def missed(stores: Stores, start: float, end: float) -> Dict[str, List[Document]]:
    """Return, by incident, the entries from ``start`` to ``end`` that may be announced late.

    Times are epoch seconds.
    """
    kinds = [{"kind": kind} for kind in _KINDS]
    found: Dict[str, List[Document]] = {}
    for entry in stores.timeline.find({"time": {"$gte": start, "$lt": end}, "$or": kinds}):
        if is_readable(entry):
            found.setdefault(entry["incident_id"], []).append(entry)
    return found


def record_undelivered_updates(stores: Stores, clock: Clock, start: float, end: float) -> None:
    """Record on their timelines the updates from ``start`` to ``end`` that were never sent.

    They are not sent so late because they may be wrong by now. A person has to write a new one.
    """
    found = stores.timeline.find({"kind": "update", "time": {"$gte": start, "$lt": end}})
    named = {str(one["incident_id"]) for one in found}
    # A killed worker may have announced more than its checkpoint says.
    sent = find_by(stores.outbox, "incident_id", sorted(named), fields=("incident_id", "message"))
    told = {(one["incident_id"], one["message"]["time"]) for one in sent}
    act = Act(stores, clock, ACTOR)
    for one in found:
        if (one["incident_id"], one["time"]) in told:
            continue
        detail = (
            f"The update of {to_the_second(one['time'])} was not sent: no notifications went out "
            "for more than a day after it. Write another one if stakeholders still need it."
        )
        data = {"channel": "stakeholders", "event": "update", "outcome": "dead", "detail": detail}
        once = f"untold:{one['_key']}"
        timeline.record(act, one["incident_id"], "notification", data, once)


def ends(entries: Sequence[Document]) -> bool:
    """Return whether the only late news in these entries can be that the incident is over.

    That is announced only where the incident was announced before.
    """
    turns = [entry for entry in entries if event_of(entry) in (*_BEGUN, _OVER)]
    newest = max(turns, key=lambda entry: (entry["seq"], entry["time"]), default=None)
    return newest is None or event_of(newest) == _OVER


def current_entry(entries: Sequence[Entry], keys: Set[str]) -> Optional[Entry]:
    """Return the entry that gives the incident's current state, if its key is among ``keys``.

    Returns None if a later entry gives it.
    """
    turns: List[Entry] = [
        entry
        for entry in timeline.effective(entries)
        if event_of(entry.to_document()) in (*_BEGUN, _OVER)
    ]
    return turns[-1] if turns and turns[-1].key in keys else None


def is_over(message: Mapping[str, object]) -> bool:
    """Return whether a message announces that the incident is over."""
    return message["event"] == _OVER


def summary(since: float, age: float, told: int, left_out: int) -> str:
    """Return the log sentence about a late announcement.

    ``since`` is in epoch seconds (0: since installation), ``age`` in seconds.
    """
    begun = to_the_second(since) if since else "the app was installed"
    return (
        f"No notifications were sent since {begun}. Of the "
        f"incidents that began or ended more than {span(age)} ago, {told} are announced late, with "
        f"their current state. {left_out} are not: they are over, have changed since, or no "
        "channel is set for them."
    )


def mark_late(message: Document) -> Document:
    """Return the message with a sentence that gives the time of the event."""
    when = to_the_second(float(message["time"]))
    said = f"{_WORDS} {when}, and no notifications were sent then. {message['text']}"
    return {**message, "text": said.strip()}


def has_ended(incident: Optional[Mapping[str, object]]) -> bool:
    """Return whether an incident, if there is one, is over."""
    return incident is not None and incident["status"] in ENDED


def waited(message: Document, seconds: float, incident: Optional[Mapping[str, object]]) -> Document:
    """Return a message that waited for ``seconds`` with a sentence that says so.

    ``incident`` is its current document. The sentence also says that the incident is over, unless
    the message itself announces that.
    """
    text = str(message.get("text") or "")
    if text.startswith((_WORDS, _EARLIER_WORDS)):
        return message
    said = f"{_WORDS} {to_the_second(float(message['time']))}, {span(seconds)} ago."
    if incident is not None and has_ended(incident) and message.get("event") not in ENDED:
        said += f" The incident is now {incident['status']}."
    return {**message, "text": f"{said} {text}".strip()}
