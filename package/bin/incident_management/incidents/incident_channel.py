"""Requests an incident channel (an incident's own Slack channel) and records what became of it.

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
"""The purpose of the claims that tell the worker which incident channels it manages."""
HOURLY_COUNT = "slack room hour"
"""The purpose prefix of the claims that count the channels opened automatically in an hour."""


def claim_prefix(incident_id: str) -> str:
    """Return the key prefix of the claims about an incident's channels."""
    return f"{CHANNEL_CLAIM}:{incident_id}:"


def request_channel(act: Act, incident_id: str, reason: str = "") -> Incident:
    """Request a channel for an open incident, unless it has one or one is requested.

    Raises NotFound, and IllegalMove when the incident is not open.
    """
    incident = timeline.current(act.stores, incident_id)
    require_open(incident, "given a channel of its own")
    key = f"{claim_prefix(incident_id)}care"
    care = claim_document(key, act.clock.now(), purpose=CHANNEL_CLAIM, holder=incident_id)
    # Before the entry: after a kill in between, no worker would open the channel.
    act.stores.claims.insert(care)
    if is_in_state(incident.room, OPEN, WANTED):
        return timeline.refresh(act.stores, incident_id)
    number = int(incident.room.get("number") or 0) + 1
    incident = record_event(act, incident_id, WANTED, number, reason=reason)
    # Again: the worker may have finished with the previous channel in the meantime.
    act.stores.claims.insert(care)
    return incident


def find_requested(stores: Stores, incident_id: str) -> Optional[Incident]:
    """Return the refreshed incident if it has a channel or has requested one; else None."""
    entries = timeline.read(stores, incident_id)
    if entries and is_in_state(timeline.fold(entries).room, OPEN, WANTED):
        return timeline.refresh(stores, incident_id)
    return None


def record_event(act: Act, incident_id: str, event: str, number: int, **data: Any) -> Incident:
    """Record an event of the channel with this request number; each event once."""
    said = {"event": event, "number": number, **data}
    return timeline.record(act, incident_id, "room", said, f"room:{number}:{event}")
