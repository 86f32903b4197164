"""Sends the changes of a follow-up to its tickets, once each, whoever made them.

A message about a follow-up has the same events as one about an incident: it is opened when a ticket
is requested, then edited, resolved when it is done or dropped, and reopened. Each is enqueued under
the key of its entry, so any process can enqueue missing ones at any time.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Mapping, Sequence

from ...channels import FOLLOW_UP_SYSTEMS, NAMES
from ...incidents import timeline
from ...incidents.model import NOBODY, Entry
from ...incidents.review.follow_up_tickets import requested_channels
from ...incidents.review.review_state import due_day
from ...incidents.routing import Routing
from ...ports import Document, Stores
from ..delivery.notification import NewNotification, notification_id, order_of
from ..delivery.outbox import Outbox
from ..inbound.ticket_changes import inbound_channel
from ..message import TITLE_LENGTH, Message, build, one_line, plain

__all__ = ["FollowUpTickets"]

TEXT_LENGTH = 2000
# The outbox's event for messages to a follow-up's ticket.
EVENT = "follow_up"
# Less severe than any incident needs, so that nobody is paged for it.
SEVERITY = "low"


class FollowUpTickets:
    """Enqueues the messages for the tickets of follow-ups."""

    def __init__(self, stores: Stores, outbox: Outbox) -> None:
        self._stores = stores
        self._outbox = outbox

    def enqueue_missing(self, incident_ids: Sequence[str], routing: Routing, web_url: str) -> int:
        """Enqueue the missing messages of some incidents; return how many were enqueued."""
        found = timeline.read_many(self._stores, incident_ids)
        return sum(self.enqueue_for(entries, routing, web_url) for entries in found.values())

    def enqueue_for(self, entries: Sequence[Entry], routing: Routing, web_url: str) -> int:
        """Enqueue the missing messages of one incident, given its timeline; return how many."""
        said = [one for one in timeline.effective(entries) if one.kind == "follow_up"]
        if not any(map(requested_channels, said)):
            return 0
        incident = timeline.fold(entries).to_document()
        query = {"incident_id": incident["id"], "follow_up": {"$gt": ""}}
        there = set(self._stores.outbox.keys(query))
        noted = {str(one["id"]): one for one in incident["follow_ups"]}
        added = 0
        wanted: Dict[str, List[str]] = {}
        for entry in said:
            key = str(entry.data.get("follow_up") or "")
            if key not in noted:
                continue  # Its first entry is lost, so there is nothing to send.
            channels = wanted.setdefault(key, [])
            new = [one for one in requested_channels(entry) if one in FOLLOW_UP_SYSTEMS]
            told = dict.fromkeys(new, "opened")
            if entry.data.get("event") == "changed":
                event = _event(entry.data)
                told.update({one: event for one in channels if inbound_channel(entry.once) != one})
            channels += [one for one in new if one not in channels]
            for channel, event in told.items():
                if notification_id(entry.identity, channel, key) not in there:
                    message = build(incident, entry.to_document(), None, web_url)
                    member = routing.members.get(str(_news(event, entry, noted[key])["owner"]))
                    account = member.known_as(channel) if member else ""
                    told_there = _of_follow_up(message, event, entry, noted[key], account)
                    added += self._outbox.enqueue(_ticket_notification(entry, channel, told_there))
        return added


def _ticket_notification(entry: Entry, channel: str, message: Message) -> NewNotification:
    return NewNotification(
        source=entry.identity,
        channel=channel,
        event=EVENT,
        message=message.to_document(),
        incident_id=entry.incident_id,
        # As the target within the channel, it keeps the tickets of one incident apart.
        target=message.follow_up,
        order=order_of(entry),
        key_target=message.follow_up,
        extra={"follow_up": message.follow_up},
    )


def _event(data: Mapping[str, Any]) -> str:
    state = data.get("state")
    return "edited" if state is None else "reopened" if state == "open" else "resolved"


def _news(event: str, entry: Entry, follow_up: Document) -> Mapping[str, Any]:
    """Return what to send: all of a new ticket; else only the changed fields."""
    news = follow_up if event == "opened" else {"owner": "", "due": 0.0, **entry.data}
    return {**news, "due_day": due_day(news) if news["due"] else ""}


def _of_follow_up(
    message: Message, event: str, entry: Entry, follow_up: Document, account: str
) -> Message:
    """Turn a message about an incident into one about its follow-up.

    ``account`` is the new owner's account on the channel.
    """
    news = _news(event, entry, follow_up)
    return replace(
        message,
        event=event,
        headline=_headline(event, entry),
        title=one_line(follow_up["title"], TITLE_LENGTH),
        text=plain(_text(event, news, follow_up, message.title), TEXT_LENGTH),
        severity=SEVERITY,
        status="resolved" if event == "resolved" else "new",
        where=[],
        rules=[],
        since=0.0,
        owner=one_line(news["owner"], 80),
        mention=account,
        cause="",
        follow_up=follow_up["id"],
        due=float(news["due"]),
        due_day=str(news["due_day"]),
    )


def _headline(event: str, entry: Entry) -> str:
    done = {
        "opened": "Follow-up of an incident",
        "edited": "Follow-up changed",
        "reopened": "Follow-up reopened",
        "resolved": f"Follow-up {entry.data.get('state')}",
    }[event]
    by = entry.actor
    is_told = event != "opened" and by not in ("", *NOBODY)
    return f"{done} by {NAMES.get(by) or one_line(by, 80)}" if is_told else done


def _text(event: str, data: Mapping[str, Any], follow_up: Document, incident: str) -> str:
    if event == "opened":
        return f"{follow_up['title']}\nFollow-up {follow_up['id']} of “{incident}”."
    if event == "edited":
        due = f"Due {data['due_day']}." if data.get("due_day") else ""
        title = f"It is “{data['title']}” now." if data.get("title") else ""
        owner = f"Owner: {data['owner']}." if data.get("owner") else ""
        return " ".join(part for part in (title, owner, due) if part)
    return str(data.get("reason") or "")
