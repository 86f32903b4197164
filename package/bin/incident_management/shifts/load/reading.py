"""Read the messages that called a team, and the entries about owners and acknowledgements.

A message here asked the team to act, and was sent or may have been. Only its place and time are
read; the incident's entries say who was the owner then. Each read is bounded, and the data of some
incidents is dropped before the next ones are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence

from ...incidents.entry_validation import is_readable
from ...incidents.model import ENDED, readable_fields
from ...incidents.routing import Routing
from ...incidents.stores import any_of, chunks, find_by
from ...ports import Document, Stores
from ..facts import CALLING
from ..shift import DAY

__all__ = ["Message", "Messages", "Story", "read_messages", "stories"]

# The most messages in a report; with more, the newest count, and the report says so.
MAX_MESSAGES = 100_000
SLICE = 7 * DAY
# Incidents whose entries are read at once: some 5,000 entries, of 300 bytes each.
AT_ONCE = 2000
# The year 5138: no clock has written a later time.
NEVER = 1e11
_CHECKED = ("incident_id", "kind", "time", "seq", "data")
ARRIVED = ("sent", "unconfirmed")
_OWNING = ("assigned", "escalation", "edited", "routed")


class Message(NamedTuple):
    """A message that called the team.

    ``created``, at or after the entry that it is about, and ``at``, when it was sent, are epoch
    seconds. ``summary``: the key of the message that summarized it with others, else empty.
    """

    created: float
    at: float
    event: str
    summary: str


@dataclass(frozen=True)
class Messages:
    """Messages by incident; ``cut``: there were more; ``since``: since when all were read."""

    by_incident: Mapping[str, Sequence[Message]]
    cut: bool = False
    since: float = 0.0


@dataclass(frozen=True)
class Story:
    """The messages and entries of an incident with calls, both unordered."""

    incident_id: str
    rule: str
    feedback: str
    messages: Sequence[Message]
    entries: Sequence[Document]


def read_messages(
    stores: Stores, routing: Routing, team: str, since: float, until: float
) -> Messages:
    """Read the messages of a span that asked the team to act, the newest weeks first."""
    found: Dict[str, List[Message]] = {}
    left, end = MAX_MESSAGES, until
    while end > since:
        start = max(since, end - SLICE)
        read = _slice(stores, team, start, end, left + 1)
        for one in read[:left]:
            message = _message(one) if _is_call(routing, one) else None
            if message:
                found.setdefault(str(one["incident_id"]), []).append(message)
        if len(read) > left:
            return Messages(found, True, float(read[left - 1]["created_at"]) if left else end)
        left, end = left - len(read), start
    return Messages(found, False, since)


def _slice(stores: Stores, team: str, start: float, end: float, most: int) -> List[Document]:
    query = {
        "$and": [
            {"created_at": {"$gte": start}},
            {"created_at": {"$lt": end}},
            {"message.team": team},
            any_of("event", CALLING),
            any_of("state", ARRIVED),
        ]
    }
    fields = (
        *("incident_id", "channel", "event", "created_at", "sent_at", "order", "summary"),
        "stakeholders",
    )
    return stores.outbox.find(query, "created_at:-1", most, fields=fields)


def _is_call(routing: Routing, one: Mapping[str, object]) -> bool:
    channel = str(one.get("channel") or "")
    reaches = channel == "pagerduty" or routing.is_for_people(channel)
    return bool(one.get("incident_id")) and reaches and not one.get("stakeholders")


def _message(one: Mapping[str, Any]) -> Optional[Message]:
    """Return the message; None if its times are malformed, after a change by hand."""
    told = str(one.get("order") or "").split()
    try:
        created = float(one["created_at"])
        sent = max(created, float(one.get("sent_at") or 0.0))
        # Another member's clock may have written the entry: ``order`` contains the entry's time.
        known = max(created, float(told[1])) if len(told) > 1 else created
    except (TypeError, ValueError):
        return None
    if not (-NEVER < known < NEVER and -NEVER < sent < NEVER):
        return None
    return Message(known, sent, str(one["event"]), str(one.get("summary") or ""))


def stories(stores: Stores, messages: Messages) -> Iterator[Story]:
    """Yield the incidents of these messages, except for those deleted meanwhile."""
    acknowledged = {"$and": [{"kind": "status"}, {"data.to": "in_progress"}]}
    reopened = {"$and": [{"kind": "status"}, any_of("data.from", ENDED)]}
    kinds = {"$or": [any_of("kind", _OWNING), acknowledged, reopened]}
    fields = ("incident_id", "kind", "time", "seq", "actor", "data")
    for some in chunks(list(messages.by_incident), AT_ONCE):
        entries: Dict[str, List[Document]] = {}
        query = {"$and": [any_of("incident_id", some), kinds]}
        for one in stores.timeline.find(query, fields=fields):
            if is_readable(one, _CHECKED):
                entries.setdefault(str(one["incident_id"]), []).append(one)
        for document in find_by(stores.incidents, "_key", some, ("rules", "feedback")):
            key, known = str(document["_key"]), readable_fields(document)
            yield Story(
                key,
                str((known.get("rules") or [""])[0]),
                str(known.get("feedback") or ""),
                messages.by_incident[key],
                entries.get(key, ()),
            )
