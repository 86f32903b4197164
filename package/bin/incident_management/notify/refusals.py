"""Which channels refuse what they are told: a token that was revoked, a workflow that is off.

What a service refuses is ``dead`` at once, and listed. That alone is seen by whoever looks there;
until then nobody is told of anything. So it is said where administrators look, until a message
arrives. So is whom a mail server did not take, while others got the mail, and which team's channel
in Slack is gone.
"""

from __future__ import annotations

from typing import Collection, Dict, List, Optional

from ..channels import NAMES
from ..incidents.routing.conf import Routing
from ..incidents.stores import claim_document
from ..ports import Clock, Document, Stores

__all__ = ["CHANNEL_REFUSED", "record_channel_refusal", "refusals"]

# The claim that says why Slack let the app open no channel, or not do what belongs to it.
CHANNEL_REFUSED = "slack room refused"

# What was refused longer ago says nothing of how it is.
RECENT_SECONDS = 86400.0
# How many of the last messages of a channel are looked at.
LAST = 50


def refusals(stores: Stores, clock: Clock, routing: Routing) -> List[str]:
    """Return a sentence for each channel that refused a message, and took none that is newer.

    Raises what the stores raise.
    """
    since = clock.now() - RECENT_SECONDS
    # Most often none refuses anything, which one call tells of all.
    channels = routing.channel_names if _any_dead(stores, since) else ()
    newest = {channel: _newest(stores, channel, since) for channel in channels}
    refused = [
        _sentence(channel, dead)
        for channel, dead in newest.items()
        if dead and not _has_taken_since(stores, channel, float(dead["created_at"]))
    ]
    rooms = {team.slack_channel for team in routing.teams.values()}
    told_apart = (*_left_out(stores, since), *_told_instead(stores, since, rooms))
    return [*refused, *told_apart, *_rooms(stores, since)]


def _any_dead(stores: Stores, since: float) -> bool:
    query = {"state": "dead", "created_at": {"$gt": since}}
    return bool(stores.outbox.find(query, "created_at:-1", 1, fields=("created_at",)))


def _newest(stores: Stores, channel: str, since: float) -> Optional[Document]:
    """Return the newest that was refused; each channel by itself, so that none hides another's."""
    query = {"channel": channel, "state": "dead", "created_at": {"$gt": since}}
    fields = ("created_at", "last_error")
    found: List[Document] = stores.outbox.find(query, "created_at:-1", 1, fields=fields)
    return found[0] if found else None


def _has_taken_since(stores: Stores, channel: str, moment: float) -> bool:
    sent = {"channel": channel, "state": "sent", "sent_at": {"$gt": moment}}
    return bool(stores.outbox.find(sent, limit=1, fields=("sent_at",)))


def _left_out(stores: Stores, since: float) -> List[str]:
    """Say who was left out of the last mail to each list of recipients."""
    newest: Dict[str, str] = {}
    for one in _last(stores, "email", since):
        newest.setdefault(str(one.get("target")), str(_receipt(one).get("left_out", "")))
    return [
        f"E-mail reaches some and not others. {note} Correct the addresses under Configuration > "
        "E-mail, or email in incident_routing.conf."
        for note in newest.values()
        if note
    ]


def _told_instead(stores: Stores, since: float, named: Collection[str]) -> List[str]:
    """Say which teams' channels in Slack did not take what was told in the app's own instead.

    What went on in a thread there, or stands in an incident's own channel, tells nothing of the
    team's. ``named``: the channels that teams have now.
    """
    newest: Dict[str, str] = {}
    for one in _last(stores, "slack", since):
        receipt, target = _receipt(one), str(one.get("target"))
        note = str(receipt.get("instead", ""))
        if target in named and (note or not (receipt.get("thread_ts") or one.get("room"))):
            newest.setdefault(target, note)
    return [
        f"{note} It was told in the app's own channel instead: correct slack_channel of the team "
        "under Configuration > Response teams, or invite the bot."
        for note in newest.values()
        if note
    ]


def _receipt(message: Document) -> Document:
    """Return what the service answered; nothing where somebody saved something else by hand."""
    receipt = message.get("receipt")
    return receipt if isinstance(receipt, dict) else {}


def _last(stores: Stores, channel: str, since: float) -> List[Document]:
    """Return the last messages that a channel took, the newest first."""
    messages = {"channel": channel, "state": "sent", "sent_at": {"$gt": since}}
    fields = ("target", "receipt", "room")
    found: List[Document] = stores.outbox.find(messages, "sent_at:-1", LAST, fields=fields)
    return found


def record_channel_refusal(stores: Stores, clock: Clock, sentence: str) -> None:
    """Keep why Slack refused something of an incident's own channel, for :func:`refusals`."""
    stores.claims.save([claim_document(CHANNEL_REFUSED, clock.now(), {"sentence": sentence})])


def _rooms(stores: Stores, since: float) -> List[str]:
    known = stores.claims.get(CHANNEL_REFUSED)
    if known is None or float(known["time"]) < since:
        return []
    return [
        f"Channels of incidents in Slack: {known['value']['sentence']} Messages go on arriving."
    ]


def _sentence(channel: str, document: Document) -> str:
    name = NAMES.get(channel, channel)
    return (
        f"{name} was not told of what was to be told last: {document['last_error']} "
        "What failed is sent again in the workbench, under Not delivered."
    )
