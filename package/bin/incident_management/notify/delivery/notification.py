"""A notification as it is put on the outbox, under a key that the same one has again."""

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
    """Return what sorts the notifications of an incident as its timeline is sorted."""
    return f"{entry.seq:09d} {entry.time:017.6f} {entry.key[:12]}"


@dataclass(frozen=True)
class NewNotification:
    """What is to be told on a channel.

    Attributes:
        source: the timeline entry's key, or the caller's own id of what it tells.
        target: where on the channel; empty: where its settings say.
        order: sorts an incident's notifications; those with one leave a channel in that order.
            Empty: it waits for nothing.
        key_target: the part of the target that makes it another notification.
        extra: further fields of its document, and its state where that is another.
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
        """Return its document as it begins, at that time in epoch seconds."""
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
    """Return it with further fields of its document."""
    return replace(notification, extra={**notification.extra, **fields})
