"""Tests a channel that is being configured: opens a test incident there, and ends it again."""

from __future__ import annotations

import secrets
from dataclasses import replace

from ...ports import Clock
from ..channel import Notification, Sender, sent_by
from ..message import Message

__all__ = ["refused"]


def refused(sender: Sender, channel: str, clock: Clock) -> str:
    """Send both messages; return what went wrong, in one sentence, or '' if both were accepted."""
    incident = f"TEST-{secrets.token_hex(4).upper()}"
    opened = Message(
        event="opened",
        headline="Test: incident opened",
        title="A test by Incident Management for Splunk",
        incident_id=incident,
        severity="info",
        status="new",
        text="This is a test of the channel. Nothing needs to be done.",
        where=["test"],
        rules=["test"],
        since=clock.now(),
        time=clock.now(),
        team="test",
        owner="test",
    )
    ended = replace(opened, event="resolved", status="resolved", headline="Test: incident resolved")
    thread = None
    for message in (opened, ended):
        document = message.to_document()
        name = f"{incident}-{message.event}"
        told = Notification(name, incident, channel, "", message.event, document, thread)
        delivery = sent_by(sender, told)
        if delivery.outcome != "sent":
            return f"the message '{message.event}' was not accepted: {delivery.detail}"
        thread = delivery.receipt if delivery.receipt.get("ticket") else None
        if "note" in delivery.receipt and message is opened:
            return f"the message 'opened' was accepted, but: {delivery.receipt['note']}"
    return ""
