"""What people hear of late, and the words that say so.

What happened while nothing was announced for so long that it is no news any more is not told entry
by entry. Of each incident at most one entry is: the one that it stands at now, so that nobody goes
on without knowing of an open incident, or with a page for one that is over.

What was announced in time and had to wait, because a service was down, is told with how long it
waited, and whether the incident is over by now.
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
    "has_ended",
    "is_over",
    "mark_late",
    "missed",
    "record_undelivered_updates",
    "standing",
    "summary",
    "waited",
]

# A message that had to wait for longer says so.
LATE_SECONDS = 900.0

# Kinds of entries, and what they can mean, with which an incident begins or ends for people.
_KINDS = ("opened", "status", "merged", "unmerged")
_BEGUN, _OVER = ("opened", "reopened"), "resolved"
_WORDS = "Told late: this was at"


def missed(stores: Stores, start: float, end: float) -> Dict[str, List[Document]]:
    """Return the entries from ``start`` to ``end`` of which one may be told late, by incident.

    Times are epoch seconds.
    """
    kinds = [{"kind": kind} for kind in _KINDS]
    found: Dict[str, List[Document]] = {}
    for entry in stores.timeline.find({"time": {"$gte": start, "$lt": end}, "$or": kinds}):
        if is_readable(entry):
            found.setdefault(entry["incident_id"], []).append(entry)
    return found


def record_undelivered_updates(stores: Stores, clock: Clock, start: float, end: float) -> None:
    """Write on their timelines which updates from ``start`` to ``end`` nobody was told of.

    What stakeholders would hear that late may be wrong by now: somebody is to write another.
    """
    found = stores.timeline.find({"kind": "update", "time": {"$gte": start, "$lt": end}})
    named = {str(one["incident_id"]) for one in found}
    # A worker that is killed may have announced more than it came to note.
    sent = find_by(stores.outbox, "incident_id", sorted(named), fields=("incident_id", "message"))
    told = {(one["incident_id"], one["message"]["time"]) for one in sent}
    act = Act(stores, clock, ACTOR)
    for one in found:
        if (one["incident_id"], one["time"]) in told:
            continue
        detail = (
            f"The update of {to_the_second(one['time'])} was not told: nothing was announced for "
            "more than a day after it. Write another one if people still wait."
        )
        data = {"channel": "stakeholders", "event": "update", "outcome": "dead", "detail": detail}
        once = f"untold:{one['_key']}"
        timeline.record(act, one["incident_id"], "notification", data, once)


def ends(entries: Sequence[Document]) -> bool:
    """Whether nothing but that an incident is over can be told of it late.

    That is told only where somebody was told of the incident.
    """
    turns = [entry for entry in entries if event_of(entry) in (*_BEGUN, _OVER)]
    newest = max(turns, key=lambda entry: (entry["seq"], entry["time"]), default=None)
    return newest is None or event_of(newest) == _OVER


def standing(entries: Sequence[Entry], keys: Set[str]) -> Optional[Entry]:
    """Return the entry that an incident stands at, if it is one of those; None: a later one is."""
    turns: List[Entry] = [
        entry
        for entry in timeline.effective(entries)
        if event_of(entry.to_document()) in (*_BEGUN, _OVER)
    ]
    return turns[-1] if turns and turns[-1].key in keys else None


def is_over(message: Mapping[str, object]) -> bool:
    """Tell whether a message says that the incident is over."""
    return message["event"] == _OVER


def summary(since: float, age: float, told: int, left_out: int) -> str:
    """Say what became of it: ``since`` in epoch seconds (0: ever), ``age`` in seconds."""
    begun = to_the_second(since) if since else "the app was installed"
    return (
        f"Nothing was announced since {begun}. Of the "
        f"incidents that began or ended more than {span(age)} ago, {told} are told late, as they "
        f"stand now, and {left_out} are not: they are over, have changed since, or nobody wants to "
        "hear of them."
    )


def mark_late(message: Document) -> Document:
    """Return the message with a sentence that says since when it is so."""
    when = to_the_second(float(message["time"]))
    said = f"{_WORDS} {when}, and nothing was announced then. {message['text']}"
    return {**message, "text": said.strip()}


def has_ended(incident: Optional[Mapping[str, object]]) -> bool:
    """Tell whether an incident, if there is one, is over."""
    return incident is not None and incident["status"] in ENDED


def waited(message: Document, seconds: float, incident: Optional[Mapping[str, object]]) -> Document:
    """Return a message that had to wait so long with a sentence that says so.

    ``incident`` is its document as it stands now; that it is over is said where that is news.
    """
    text = str(message.get("text") or "")
    if text.startswith(_WORDS):
        return message
    said = f"{_WORDS} {to_the_second(float(message['time']))}, {span(seconds)} ago."
    if incident is not None and has_ended(incident) and message.get("event") not in ENDED:
        said += f" The incident is {incident['status']} now."
    return {**message, "text": f"{said} {text}".strip()}
