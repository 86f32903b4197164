"""Microsoft Teams: posts an Adaptive Card to a Workflows webhook.

The envelope is the one of Microsoft's "Create incoming webhooks with Workflows": a ``message`` with
one attachment. Cards are version 1.4, which Teams shows everywhere; a message may have 28 KB. A
webhook can't be asked what it received, so an attempt whose answer was lost stays unconfirmed until
a person decides. Text from outside goes into RichTextBlocks, which have no Markdown.
"""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping, Optional
from urllib.parse import urlsplit

from ...outside.network import NotConfigured, configured_url
from ...outside.transport import Network, json_headers, not_followed, retry_after, send_json
from ...ports import Clock
from ..channel import (
    NO_REPLY,
    Delivery,
    Inquiry,
    Notification,
    dead,
    retry,
    sent,
    unknown,
    without_reply,
)
from ..message import Message, facts, link_words
from ..request_fields import truncated

__all__ = ["TeamsSender", "card", "envelope"]

_COLOURS = {
    "critical": "Attention",
    "high": "Attention",
    "medium": "Warning",
    "low": "Accent",
    "info": "Default",
}


class TeamsSender:
    """Sends to one webhook. Raises NotConfigured when it is missing or can't be used."""

    def __init__(self, webhook_url: str, network: Network, clock: Clock) -> None:
        if not webhook_url:
            raise NotConfigured(
                "No Teams webhook is set: set it under Configuration > Microsoft Teams."
            )
        self._url = configured_url(webhook_url, "The Teams webhook URL")
        self._network = network
        self._clock = clock

    def send(self, notification: Notification) -> Delivery:
        """Post the card."""
        body = _encoded(envelope(Message.from_document(notification.message)))
        headers = {**json_headers(), "Content-Type": "application/json; charset=utf-8"}
        try:
            reply = send_json(self._network, self._url, headers=headers, data=body)
        except NO_REPLY as error:
            return without_reply(error)
        if 200 <= reply.status < 300:
            return sent({"status": reply.status})
        if reply.status in (429, 500, 503):
            wait = retry_after(reply.headers, self._clock.now())
            return retry(f"Teams answered {reply.status}.", wait)
        if reply.status >= 500:
            # The answer is a gateway's (502, 504): the workflow behind it may have run.
            return unknown(f"Teams answered {reply.status}, from a gateway.")
        redirect = not_followed(reply, urlsplit(self._url).hostname or "")
        said = truncated(" ".join(reply.text.split()), 200)
        return dead(redirect or f"Teams rejected the message with {reply.status}: {said}")

    def ask(self, notification: Notification) -> Inquiry:
        """Return ``impossible``: a Teams webhook can't be asked what it received."""
        return Inquiry("impossible", "A Teams webhook can't be asked what it received.")


def envelope(message: Message) -> Dict[str, Any]:
    """Wrap the card in the envelope that the webhook expects."""
    return {
        "type": "message",
        "attachments": [
            {
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": None,
                "content": card(message),
            }
        ],
    }


def _encoded(body: Mapping[str, Any]) -> bytes:
    """Encode as UTF-8: escaped to ASCII, a Chinese character takes twice as much of the 28 KB."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def card(message: Message) -> Dict[str, Any]:
    """Lay a message out as an Adaptive Card."""
    colour = "Good" if message.event == "resolved" else _COLOURS.get(message.severity, "Default")
    body: List[Dict[str, Any]] = [
        _text(f"{message.severity.upper()} · {message.headline}", weight="Bolder", color=colour),
        _text(message.title, weight="Bolder", size="Large"),
    ]
    body.extend(_fact(name, value) for name, value in facts(message))
    if message.text:
        body.append(_text(message.text))
    if message.cause:
        body.append(_fact("Likely cause", message.cause))
    if message.quote:
        body.append(_text(message.quote, fontType="Monospace", isSubtle=True))
    laid: Dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": truncated(f"{message.headline}: {message.title}", 300),
        "msteams": {"width": "Full"},
        "body": body,
    }
    if message.url:
        laid["actions"] = [
            {"type": "Action.OpenUrl", "title": link_words(message), "url": message.url}
        ]
    return laid


def _text(text: str, **style: Any) -> Dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [_run(text, **style)]}


def _fact(name: str, value: str) -> Dict[str, Any]:
    inlines = [_run(f"{name}: ", weight="Bolder"), _run(value)]
    return {"type": "RichTextBlock", "spacing": "Small", "inlines": inlines}


def _run(text: str, **style: Optional[Any]) -> Dict[str, Any]:
    return {"type": "TextRun", "text": text, **style}
