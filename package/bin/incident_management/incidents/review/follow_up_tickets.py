"""The state of a follow-up's tickets, one for each system, from their entries.

Pure. A ``follow_up`` entry requests a ticket, the ``notification`` has the result, and ``ticket``
entries report changes in the other system. :mod:`..notify.announcing.follow_up_tickets` creates the
tickets.
"""

from __future__ import annotations

from typing import Any, Iterable, List, Mapping, Optional

from ...ports import Document
from ..model import Entry

__all__ = ["GONE", "TICKET", "current_ticket", "requested_channels", "tickets_after"]

# The event of the entry that requests a ticket.
TICKET = "ticket"
# GONE: someone deleted the ticket in its system.
WANTED, MADE, FAILED, GONE = "wanted", "made", "failed", "gone"
# States in which a ticket exists or will exist.
STANDING = (WANTED, MADE)


def requested_channels(entry: Entry) -> List[str]:
    """Return the channels on which a ``follow_up`` entry requests a ticket."""
    data = entry.data
    named = [data.get("channel")] if data.get("event") == TICKET else data.get("tickets") or ()
    return [str(channel) for channel in named]


def current_ticket(
    tickets: Iterable[Mapping[str, Any]], channel: str
) -> Optional[Mapping[str, Any]]:
    """Return the current ticket on a channel; None: one can be requested there."""
    standing = (one for one in tickets if one["state"] in STANDING)
    return next((one for one in standing if one["channel"] == channel), None)


def tickets_after(tickets: Iterable[Document], entry: Entry) -> List[Document]:
    """Return a follow-up's tickets after an entry about it, in the order of the requests.

    Each has ``channel, state, by, at`` (who requested it, and when). A created one also has
    ``ticket`` (its id), ``number, url``, and ``there``, the name of its state in its system; a
    failed one has ``reason``.
    """
    found = {str(one["channel"]): one for one in tickets}
    if entry.kind == "follow_up":
        for channel in requested_channels(entry):
            said = {"state": WANTED, "by": entry.actor, "at": entry.time}
            found[channel] = {"channel": channel, **said}
    channel = str(entry.data.get("channel") or "")
    if channel in found and entry.kind != "follow_up":
        told = _after_notification if entry.kind == "notification" else _after_ticket_event
        found[channel] = told(found[channel], entry.data)
    return list(found.values())


def _after_notification(one: Document, data: Document) -> Document:
    made = data.get("ticket")
    if data.get("outcome") == "sent" and isinstance(made, dict):
        if one.get("ticket") != made.get("ticket"):
            one = {name: one[name] for name in ("channel", "by", "at")}
        return {**one, **made, "state": MADE}
    if data.get("outcome") != "sent" and one["state"] == WANTED:
        return {**one, "state": FAILED, "reason": str(data.get("detail") or "")}
    return one


def _after_ticket_event(one: Document, data: Document) -> Document:
    if data.get("ticket") != one.get("ticket"):
        return one
    if data.get("event") == GONE:
        return {**one, "state": GONE}
    return {**one, "there": str(data.get("to") or "")} if data.get("event") == "state" else one
