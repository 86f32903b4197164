"""Which channels refuse what they are told: a token that was revoked, a workflow that is off.

What a service refuses is ``dead`` at once, and listed. That alone is seen by whoever looks there;
until then nobody is told of anything. So it is said where administrators look, until a message
arrives.
"""

from __future__ import annotations

from typing import List, Optional

from ..channels import CHANNELS, NAMES
from ..ports import Clock, Document, Stores

__all__ = ["refusals"]

# What was refused longer ago says nothing of how it is.
RECENT_SECONDS = 86400.0


def refusals(stores: Stores, clock: Clock) -> List[str]:
    """Return a sentence for each channel that refused a message, and took none that is newer.

    Raises what the stores raise.
    """
    since = clock.now() - RECENT_SECONDS
    newest = {channel: _newest(stores, channel, since) for channel in CHANNELS}
    return [
        _sentence(channel, dead)
        for channel, dead in newest.items()
        if dead and not _has_taken_since(stores, channel, float(dead["created_at"]))
    ]


def _newest(stores: Stores, channel: str, since: float) -> Optional[Document]:
    """Return the newest that was refused; each channel by itself, so that none hides another's."""
    query = {"channel": channel, "state": "dead", "created_at": {"$gt": since}}
    fields = ("created_at", "last_error")
    found: List[Document] = stores.outbox.find(query, "created_at:-1", 1, fields=fields)
    return found[0] if found else None


def _has_taken_since(stores: Stores, channel: str, moment: float) -> bool:
    sent = {"channel": channel, "state": "sent", "sent_at": {"$gt": moment}}
    return bool(stores.outbox.find(sent, limit=1, fields=("sent_at",)))


def _sentence(channel: str, document: Document) -> str:
    return (
        f"{NAMES[channel]} was not told of what was to be told last: {document['last_error']} "
        "What failed is sent again in the workbench, under Not delivered."
    )
