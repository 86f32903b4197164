"""Records on an incident's timeline how a notification ended."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Callable, Mapping

from ...incidents import timeline
from ...incidents.act import Act
from ...incidents.errors import NotFound
from ...incidents.model import ACTOR
from ...ports import Clock, Document, Stores
from ..message import one_line

__all__ = ["recorder"]

NUMBER_LENGTH = 120
ADDRESS_LENGTH = 1000


def recorder(stores: Stores, clock: Clock) -> Callable[[Document], None]:
    """Return the function that the outbox calls with a notification that has ended."""
    act = Act(stores, clock, ACTOR)

    def record(document: Document) -> None:
        receipt, told = document.get("receipt") or {}, document.get("stakeholders")
        follow_up = document.get("follow_up")
        data = {
            "channel": document["channel"],
            "event": document["event"],
            "outcome": document["state"],
            "detail": document["last_error"]
            or str(receipt.get("number") or receipt.get("note") or ""),
            "notification_id": document["_key"],
            **({"stakeholders": told} if told else {}),
            **({"follow_up": follow_up, **_ticket(receipt)} if follow_up else {}),
        }
        # A dead notification that is resent ends a second time.
        once = f"notification:{document['_key']}:{document['attempts']}:{document['state']}"
        # A missing timeline, as after a restore, must not delay other notifications.
        with suppress(NotFound):
            timeline.record(act, document["incident_id"], "notification", data, once)

    return record


def _ticket(receipt: Mapping[str, Any]) -> Document:
    """Return a follow-up's ticket as its service named it; empty if it has none."""
    if not receipt.get("ticket"):
        return {}
    number = one_line(receipt.get("number"), NUMBER_LENGTH)
    # Both are built from checked parts, so masking would only damage an id that looks like a key.
    own = {name: str(receipt.get(name) or "")[:ADDRESS_LENGTH] for name in ("ticket", "url")}
    return {"ticket": {**own, "number": number}}
