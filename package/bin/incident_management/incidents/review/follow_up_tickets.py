"""How the tickets of a follow-up stand, one for each system: what the entries about them add up to.

Pure. An entry ``follow_up`` wants one, the ``notification`` says what became of that, and entries
``ticket`` what others do there. Who makes them: :mod:`..notify.announcing.follow_up_tickets`.
"""

from __future__ import annotations

from typing import Any, Iterable, List, Mapping, Optional

from ...ports import Document
from ..model import Entry

__all__ = ["GONE", "TICKET", "current_ticket", "requested_channels", "tickets_after"]

# The event of the entry with which a ticket is wanted.
TICKET = "ticket"
# GONE: somebody deleted it there.
WANTED, MADE, FAILED, GONE = "wanted", "made", "failed", "gone"
# There is one, or there will be.
STANDING = (WANTED, MADE)


def requested_channels(entry: Entry) -> List[str]:
    """Return the channels on which an entry ``follow_up`` wants a ticket."""
    data = entry.data
    named = [data.get("channel")] if data.get("event") == TICKET else data.get("tickets") or ()
    return [str(channel) for channel in named]


def current_ticket(
    tickets: Iterable[Mapping[str, Any]], channel: str
) -> Optional[Mapping[str, Any]]:
    """Return the ticket that stands on a channel; None: one can be wanted there."""
    standing = (one for one in tickets if one["state"] in STANDING)
    return next((one for one in standing if one["channel"] == channel), None)


def tickets_after(tickets: Iterable[Document], entry: Entry) -> List[Document]:
    """Return a follow-up's tickets after an entry that is about it, the first wanted first.

    Each is ``channel, state, by, at`` (who wanted it, and when), once there is one ``ticket`` (its
    id), ``number, url``, and ``there``, what people call its state; ``reason`` of one that failed.
    """
    found = {str(one["channel"]): one for one in tickets}
    if entry.kind == "follow_up":
        for channel in requested_channels(entry):
            said = {"state": WANTED, "by": entry.actor, "at": entry.time}
            found[channel] = {"channel": channel, **said}
    channel = str(entry.data.get("channel") or "")
    if channel in found and entry.kind != "follow_up":
        told = _told if entry.kind == "notification" else _heard
        found[channel] = told(found[channel], entry.data)
    return list(found.values())


def _told(one: Document, data: Document) -> Document:
    made = data.get("ticket")
    if data.get("outcome") == "sent" and isinstance(made, dict):
        if one.get("ticket") != made.get("ticket"):
            one = {name: one[name] for name in ("channel", "by", "at")}
        return {**one, **made, "state": MADE}
    if data.get("outcome") != "sent" and one["state"] == WANTED:
        return {**one, "state": FAILED, "reason": str(data.get("detail") or "")}
    return one


def _heard(one: Document, data: Document) -> Document:
    if data.get("ticket") != one.get("ticket"):
        return one
    if data.get("event") == GONE:
        return {**one, "state": GONE}
    return {**one, "there": str(data.get("to") or "")} if data.get("event") == "state" else one
