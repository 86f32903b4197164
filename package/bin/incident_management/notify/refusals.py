"""Which channels refuse what they are told: a token that was revoked, a workflow that is off.

What a service refuses is ``dead`` at once, and listed. That alone is seen by whoever looks there;
until then nobody is told of anything. So it is said where administrators look, until a message
arrives.
"""

from __future__ import annotations

from typing import Dict, List

from ..channels import CHANNELS, NAMES
from ..ports import Clock, Document, Stores

__all__ = ["refusals"]

# What was refused longer ago says nothing of how it is.
RECENT_SECONDS = 86400.0
MOST_READ = 200


def refusals(stores: Stores, clock: Clock) -> List[str]:
    """Return a sentence for each channel that refused a message, and took none that is newer.

    Raises what the stores raise.
    """
    dead = stores.outbox.find({"state": "dead"}, "created_at:-1", MOST_READ)
    newest: Dict[str, Document] = {}
    for one in dead:
        newest.setdefault(str(one["channel"]), one)
    since = clock.now() - RECENT_SECONDS
    return [
        _sentence(channel, newest[channel])
        for channel in CHANNELS
        if channel in newest
        and float(newest[channel]["created_at"]) > since
        and not _has_taken_since(stores, channel, float(newest[channel]["created_at"]))
    ]


def _has_taken_since(stores: Stores, channel: str, moment: float) -> bool:
    sent = {"channel": channel, "state": "sent", "sent_at": {"$gt": moment}}
    return bool(stores.outbox.find(sent, limit=1))


def _sentence(channel: str, document: Document) -> str:
    return (
        f"{NAMES[channel]} was not told of what was to be told last: {document['last_error']} "
        "What failed is sent again in the workbench, under Not delivered."
    )
