"""Reports channels that reject messages: a revoked token, a disabled workflow.

A rejected message is ``dead`` at once and listed, but only people who open that list would see it.
So administrators get a sentence until a message arrives again. They also get one for recipients
that a mail server rejected while others got the mail, and for a team's Slack channel that is gone.
"""

from __future__ import annotations

from typing import Collection, Dict, List, Optional

from ..channels import NAMES
from ..incidents.routing.conf import Routing
from ..incidents.stores import claim_document
from ..ports import Clock, Document, Stores

__all__ = ["CHANNEL_REFUSED", "record_channel_refusal", "refusals"]

# The claim that says why Slack rejected opening or maintaining an incident channel.
CHANNEL_REFUSED = "slack room refused"

# Rejections from longer ago say nothing about the present.
RECENT_SECONDS = 86400.0
# How many of a channel's last messages are checked.
LAST = 50


def refusals(stores: Stores, clock: Clock, routing: Routing) -> List[str]:
    """Return a sentence for each channel that rejected a message and accepted no newer one.

    Raises what the stores raise.
    """
    since = clock.now() - RECENT_SECONDS
    # Usually no channel rejects anything, and one call shows that for all.
    channels = routing.channel_names if _any_dead(stores, since) else ()
    newest = {channel: _newest(stores, channel, since) for channel in channels}
    refused = [
        _sentence(channel, dead)
        for channel, dead in newest.items()
        if dead and not _has_taken_since(stores, channel, float(dead["created_at"]))
    ]
    rooms = {team.slack_channel for team in routing.teams.values()}
    told_apart = (*_left_out(stores, since), *_fallback_sentences(stores, since, rooms))
    return [*refused, *told_apart, *_rooms(stores, since)]


def _any_dead(stores: Stores, since: float) -> bool:
    query = {"state": "dead", "created_at": {"$gt": since}}
    return bool(stores.outbox.find(query, "created_at:-1", 1, fields=("created_at",)))


def _newest(stores: Stores, channel: str, since: float) -> Optional[Document]:
    """Return a channel's newest rejected message; per channel, so that none hides another's."""
    query = {"channel": channel, "state": "dead", "created_at": {"$gt": since}}
    fields = ("created_at", "last_error")
    found: List[Document] = stores.outbox.find(query, "created_at:-1", 1, fields=fields)
    return found[0] if found else None


def _has_taken_since(stores: Stores, channel: str, moment: float) -> bool:
    sent = {"channel": channel, "state": "sent", "sent_at": {"$gt": moment}}
    return bool(stores.outbox.find(sent, limit=1, fields=("sent_at",)))


def _left_out(stores: Stores, since: float) -> List[str]:
    """Return a sentence for each list of recipients whose last mail left recipients out."""
    newest: Dict[str, str] = {}
    for one in _last(stores, "email", since):
        newest.setdefault(str(one.get("target")), str(_receipt(one).get("left_out", "")))
    return [
        f"E-mail does not reach all recipients. {note} Correct the addresses under Configuration > "
        "E-mail, or email in incident_routing.conf."
        for note in newest.values()
        if note
    ]


def _fallback_sentences(stores: Stores, since: float, named: Collection[str]) -> List[str]:
    """Return a sentence for each team's Slack channel whose messages went to the app's default.

    A message in an existing thread or in an incident channel says nothing about the team's
    channel. ``named``: the current channels of teams.
    """
    newest: Dict[str, str] = {}
    for one in _last(stores, "slack", since):
        receipt, target = _receipt(one), str(one.get("target"))
        note = str(receipt.get("instead", ""))
        if target in named and (note or not (receipt.get("thread_ts") or one.get("room"))):
            newest.setdefault(target, note)
    return [
        f"{note} The app's default channel got the message instead. Correct slack_channel of "
        "the team under Configuration > Response teams, or invite the bot."
        for note in newest.values()
        if note
    ]


def _receipt(message: Document) -> Document:
    """Return the service's receipt; empty if it was changed by hand."""
    receipt = message.get("receipt")
    return receipt if isinstance(receipt, dict) else {}


def _last(stores: Stores, channel: str, since: float) -> List[Document]:
    """Return the last messages that a channel accepted, newest first."""
    messages = {"channel": channel, "state": "sent", "sent_at": {"$gt": since}}
    fields = ("target", "receipt", "room")
    found: List[Document] = stores.outbox.find(messages, "sent_at:-1", LAST, fields=fields)
    return found


def record_channel_refusal(stores: Stores, clock: Clock, sentence: str) -> None:
    """Save why Slack rejected a step for an incident channel, for :func:`refusals`."""
    stores.claims.save([claim_document(CHANNEL_REFUSED, clock.now(), {"sentence": sentence})])


def _rooms(stores: Stores, since: float) -> List[str]:
    known = stores.claims.get(CHANNEL_REFUSED)
    if known is None or float(known["time"]) < since:
        return []
    return [
        f"Incident channels in Slack: {known['value']['sentence']} Messages are still delivered."
    ]


def _sentence(channel: str, document: Document) -> str:
    name = NAMES.get(channel, channel)
    return (
        f"{name} rejected the last message: {document['last_error']} "
        "Resend it in the workbench under Not delivered."
    )
