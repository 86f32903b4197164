"""Has a room opened for an incident, a Slack channel of its own, and writes down what became of it.

This module records the request. The worker opens it (:mod:`..notify.incident_channels`).
"""

from __future__ import annotations

from typing import Any, Optional

from ..ports import Stores
from . import timeline
from .act import Act
from .incident_channel_state import OPEN, WANTED, is_in_state
from .lifecycle import require_open
from .model import Incident
from .stores import claim_document

__all__ = [
    "CHANNEL_CLAIM",
    "HOURLY_COUNT",
    "claim_prefix",
    "find_requested",
    "record_event",
    "request_channel",
]

CHANNEL_CLAIM = "slack room"
"""The purpose of the claims by which the worker knows of which rooms it has the care."""
HOURLY_COUNT = "slack room hour"
"""How the purposes begin of the claims that count what is opened by itself in an hour."""


def claim_prefix(incident_id: str) -> str:
    """Return how the keys of an incident's claims about rooms begin."""
    return f"{CHANNEL_CLAIM}:{incident_id}:"


def request_channel(act: Act, incident_id: str, reason: str = "") -> Incident:
    """Have a channel of its own opened for an open incident, unless it has one or gets one.

    Raises NotFound, and IllegalMove when the incident is over.
    """
    incident = timeline.current(act.stores, incident_id)
    require_open(incident, "given a channel of its own")
    key = f"{claim_prefix(incident_id)}care"
    care = claim_document(key, act.clock.now(), purpose=CHANNEL_CLAIM, holder=incident_id)
    # Before the entry: after a kill in between nobody would see to it.
    act.stores.claims.insert(care)
    if is_in_state(incident.room, OPEN, WANTED):
        return timeline.refresh(act.stores, incident_id)
    number = int(incident.room.get("number") or 0) + 1
    incident = record_event(act, incident_id, WANTED, number, reason=reason)
    # Once more: the worker may have done with the one before in that moment.
    act.stores.claims.insert(care)
    return incident


def find_requested(stores: Stores, incident_id: str) -> Optional[Incident]:
    """Return the incident, refreshed, if it has a channel or gets one; else None."""
    entries = timeline.read(stores, incident_id)
    if entries and is_in_state(timeline.fold(entries).room, OPEN, WANTED):
        return timeline.refresh(stores, incident_id)
    return None


def record_event(act: Act, incident_id: str, event: str, number: int, **data: Any) -> Incident:
    """Write down what became of the room that was wanted as the ``number``th; each once."""
    said = {"event": event, "number": number, **data}
    return timeline.record(act, incident_id, "room", said, f"room:{number}:{event}")
