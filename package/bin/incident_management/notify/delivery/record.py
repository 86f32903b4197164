"""Writes on an incident's timeline how telling of it ended."""

from __future__ import annotations

from typing import Callable

from ...incidents import timeline
from ...incidents.act import Act
from ...incidents.model import ACTOR
from ...ports import Clock, Document, Stores

__all__ = ["recorder"]


def recorder(stores: Stores, clock: Clock) -> Callable[[Document], None]:
    """Return what the outbox calls with a notification that has reached its end."""
    act = Act(stores, clock, ACTOR)

    def record(document: Document) -> None:
        receipt, told = document.get("receipt") or {}, document.get("stakeholders")
        data = {
            "channel": document["channel"],
            "event": document["event"],
            "outcome": document["state"],
            "detail": document["last_error"]
            or str(receipt.get("number") or receipt.get("note") or ""),
            "notification_id": document["_key"],
            **({"stakeholders": told} if told else {}),
        }
        # Sending a dead one again is another ending.
        once = f"notification:{document['_key']}:{document['attempts']}:{document['state']}"
        timeline.append(act, document["incident_id"], "notification", data, once)
        timeline.refresh(stores, document["incident_id"])

    return record
