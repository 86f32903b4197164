"""Chooses which messages go to the incident channel and which to the team's channel.

Events that are shown in the team's channel itself (an opening, an escalation, a deadline, the end)
go to both. Events that would only be in its thread go to the incident channel instead.
"""

from __future__ import annotations

from typing import Any, Iterable, List, Mapping, NamedTuple, Optional, Sequence

from ...incidents.fold import effective
from ...incidents.incident_channel_state import OPEN, is_in_state
from ...incidents.model import Entry
from ...ports import Document
from ..channel import TEAM, TEAM_TOO
from ..current_state import current_message
from ..delivery.notification import notification_id
from ..events import ROOM_OPENED
from ..services.slack_buttons import IN_CHANNEL_TOO

__all__ = ["Place", "first_message", "first_message_id", "key_of", "opening_of", "placed"]

SLACK = "slack"


class Place(NamedTuple):
    """A place for an entry's message; ``room``: the incident channel's id, if it goes there.

    ``otherwise`` is what happens if the incident channel rejects it, as in
    ``channel.Notification``.
    """

    channel: str
    room: str = ""
    otherwise: str = ""


def placed(
    channels: Iterable[str], entry: Entry, event: str, room: Mapping[str, Any], hears: bool
) -> List[Place]:
    """Return the places for the messages of an entry that goes to these channels.

    ``hears``: whether such an entry is sent to Slack at all, whatever channels its team has.
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
    """Return what distinguishes a message in the incident channel from the team's, if both exist.

    If only one of the two is sent, it is the same notification in either place.
    """
    return f"room/{room}" if room and event in IN_CHANNEL_TOO else ""


def first_message(
    incident: Mapping[str, Any],
    entries: Sequence[Entry],
    analysis: Optional[Document],
    web_url: str,
    shown: Sequence[Sequence[str]] = (),
) -> Document:
    """Return an incident channel's first message: the current state, as in a thread's first.

    ``shown``: as in :func:`.message.build`.
    """
    said = {"text": incident.get("description") or "", "fields": shown}
    return current_message(incident, entries, said, analysis, web_url).to_document()


def opening_of(entries: Sequence[Entry], room: Mapping[str, Any]) -> Entry:
    """Return the entry that opened an incident's channel."""
    return next(one for one in effective(entries) if one.seq == room["seq"] and _opens(one))


def first_message_id(opened: Entry, room: Mapping[str, Any]) -> str:
    """Return the key of the notification that is an incident channel's first message."""
    return notification_id(opened.identity, SLACK, key_of(ROOM_OPENED, str(room["channel"])))


def _opens(entry: Entry) -> bool:
    return entry.kind == "room" and entry.data.get("event") == OPEN
