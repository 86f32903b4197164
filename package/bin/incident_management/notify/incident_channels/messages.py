"""What of an incident is told in its room, a Slack channel of its own, and what in its team's.

What the team's channel shows (an opening, an escalation, a deadline, the end) is told in both. What
would stand in the thread there alone is told in the room instead.
"""

from __future__ import annotations

from typing import Any, Iterable, List, Mapping, NamedTuple, Optional, Sequence

from ...incidents.fold import effective
from ...incidents.incident_channel_state import OPEN, is_in_state
from ...incidents.model import Entry
from ...ports import Document
from ..channel import TEAM, TEAM_TOO
from ..current_state import standing
from ..delivery.notification import notification_id
from ..events import ROOM_OPENED
from ..services.slack_buttons import IN_CHANNEL_TOO

__all__ = ["Place", "first_message", "first_message_id", "key_of", "opening_of", "placed"]

SLACK = "slack"


class Place(NamedTuple):
    """Where an entry is told; ``room``: the id of the incident's own channel, if it goes there.

    ``otherwise`` is what becomes of what the room refuses, as of a ``channel.Notification``.
    """

    channel: str
    room: str = ""
    otherwise: str = ""


def placed(
    channels: Iterable[str], entry: Entry, event: str, room: Mapping[str, Any], hears: bool
) -> List[Place]:
    """Return where an entry is told that goes to these channels.

    ``hears``: whether such an entry is told in Slack at all, wherever its team wants to be told.
    """
    named = list(channels)
    if not is_in_state(room, OPEN) or entry.seq < int(room["seq"]):
        return [Place(channel) for channel in named]
    found = [Place(one) for one in named if one != SLACK or event in IN_CHANNEL_TOO]
    if SLACK in named or hears or event == ROOM_OPENED:
        instead = TEAM_TOO if event in IN_CHANNEL_TOO else TEAM
        otherwise = instead if SLACK in named else ""
        found.append(Place(SLACK, str(room["channel"]), otherwise))
    return found


def key_of(event: str, room: str) -> str:
    """Return what makes a message in the room another one than that for the team, if there is one.

    What is told in one of the two is the same notification, whichever that is.
    """
    return f"room/{room}" if room and event in IN_CHANNEL_TOO else ""


def first_message(
    incident: Mapping[str, Any],
    entries: Sequence[Entry],
    analysis: Optional[Document],
    web_url: str,
    shown: Sequence[Sequence[str]] = (),
) -> Document:
    """Return what a room begins with: where the incident stands, as of a thread's first message.

    ``shown``: as of :func:`.message.build`.
    """
    said = {"text": incident.get("description") or "", "fields": shown}
    return standing(incident, entries, said, analysis, web_url).to_document()


def opening_of(entries: Sequence[Entry], room: Mapping[str, Any]) -> Entry:
    """Return the entry that says where an incident's room is."""
    return next(one for one in effective(entries) if one.seq == room["seq"] and _opens(one))


def first_message_id(opened: Entry, room: Mapping[str, Any]) -> str:
    """Return the key of the notification that a room begins with."""
    return notification_id(opened.identity, SLACK, key_of(ROOM_OPENED, str(room["channel"])))


def _opens(entry: Entry) -> bool:
    return entry.kind == "room" and entry.data.get("event") == OPEN
