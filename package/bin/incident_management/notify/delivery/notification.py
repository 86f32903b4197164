"""A new notification for the outbox, under a key that is the same whenever it is made again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any, Mapping

from ...incidents.model import Entry
from ...ports import Document
from .turns import AT_ONCE, urgency

__all__ = ["NewNotification", "notification_id", "order_of", "with_fields"]


def notification_id(source: str, channel: str, target: str) -> str:
    """Return the outbox key: the same source, channel and target are the same notification."""
    text = "\n".join((source, channel, target))
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def order_of(entry: Entry) -> str:
    """Return a sort key that orders an incident's notifications as its timeline is ordered."""
    return f"{entry.seq:09d} {entry.time:017.6f} {entry.key[:12]}"


@dataclass(frozen=True)
class NewNotification:
    """A notification to enqueue for a channel.

    Attributes:
        source: the timeline entry's key, or the caller's own id.
        target: the place on the channel; empty: the channel's default.
        order: the order of an incident's notifications on a channel. Empty: it waits for no
            other.
        key_target: the part of the target that is part of the key.
        extra: further fields of its document, and its state if that is not ``pending``.
    """

    source: str
    channel: str
    event: str
    message: Mapping[str, Any]
    incident_id: str = ""
    target: str = ""
    order: str = ""
    key_target: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The key of its document."""
        return notification_id(self.source, self.channel, self.key_target)

    def to_document(self, now: float) -> Document:
        """Return its initial document; ``now`` is in epoch seconds."""
        return {
            "_key": self.key,
            "incident_id": self.incident_id,
            "lane": f"{self.incident_id}/{self.channel}" if self.order else "",
            "order": self.order,
            "urgency": urgency(self.message.get("severity")),
            "channel": self.channel,
            "target": self.target,
            "event": self.event,
            "message": dict(self.message),
            "state": "pending",
            "attempts": 0,
            "spent": 0,
            "next_attempt": AT_ONCE,
            "first_sent": 0.0,
            "last_error": "",
            "created_at": now,
            "sent_at": 0.0,
            "receipt": {},
            "thread": {},
            "recorded": False,
            **self.extra,
        }


def with_fields(notification: NewNotification, **fields: Any) -> NewNotification:
    """Return the notification with further fields for its document."""
    return replace(notification, extra={**notification.extra, **fields})
