"""Builds notifications from an incident's entries: the message, the target and the audience."""

from __future__ import annotations

from typing import Collection, List, Optional, Sequence, Set

from ...incidents import timeline
from ...incidents.model import Entry
from ...ports import Document, Stores
from ..delivery.notification import NewNotification, order_of
from ..events import FOLLOW_UP_OVERDUE, ROOM_OPENED, event_of
from ..incident_channels.messages import Place, first_message, key_of, placed
from ..message import TITLE_LENGTH, build, one_line
from ..services.slack_buttons import ASKING
from ..services.webhook import PREFIX
from . import late
from .audience import Audience
from .stakeholders import SUBSCRIBERS, StakeholderMessage, StakeholderMessages
from .storms import Storms

__all__ = ["News", "Notifier"]

# Events that call for the owner of the incident, or of the follow-up.
_CALLING = ("assigned", FOLLOW_UP_OVERDUE, *ASKING)


Shown = Sequence[Sequence[str]]


class News:
    """An incident in its current state, with all its entries; some of them are to be announced."""

    def __init__(self, entries: Sequence[Entry], analysis: Optional[Document]) -> None:
        self.entries = entries
        self.effective = timeline.effective(entries)
        self.incident = timeline.fold(entries).to_document()
        self.analysis = analysis if self.incident.get("cause") else None
        self.team = str(self.incident.get("team") or "")
        titles = (one.data.get("title") for one in entries if one.kind == "opened")
        self.opened_as = one_line(next(titles, ""), TITLE_LENGTH)

    def still_valid(self, keys: Set[str]) -> List[Entry]:
        """Return the entries with these keys that still hold."""
        return [
            entry
            for number, entry in enumerate(self.effective, start=1)
            if entry.key in keys and not self._is_overtaken(entry, number)
        ]

    def message(self, entry: Entry, web_url: str, shown: Shown) -> Document:
        """Return an entry's message for responders; ``shown`` is as in ``build``."""
        message = build(self.incident, entry.to_document(), self.analysis, web_url, shown)
        return {**message.to_document(), "opened_as": self.opened_as}

    def _is_overtaken(self, entry: Entry, number: int) -> bool:
        """Return whether the app assigned the incident, but another assignment came first."""
        if entry.data.get("handover") and entry.data.get("owner") != self.incident.get("owner"):
            # Somebody else took it in that moment, so the person who came on call does not own it.
            return True
        if not entry.data.get("vacant"):
            return False
        return bool(timeline.fold(self.effective[:number]).owner != entry.data.get("owner"))


class Notifier:
    """Enqueues the notifications of incidents for an audience.

    Args:
        there: the keys of notifications that are known to be on the outbox.
        web_url: base URL of Splunk Web, for links; may be empty.
    """

    def __init__(
        self, stores: Stores, storms: Storms, audience: Audience, there: Set[str], web_url: str
    ) -> None:
        self._stores = stores
        self._storms = storms
        self._audience = audience
        self.routing = audience.routing
        self._shown = audience.routing.fields.shown_in("messages")
        self._there = there
        self.web_url = web_url

    def announce(self, news: News, keys: Set[str]) -> int:
        """Announce the entries with these keys; return how many notifications are new."""
        stakeholder_messages, added = self._stakeholder_messages(news), 0
        for entry in news.still_valid(keys):
            message = news.message(entry, self.web_url, self._shown)
            channels = [*self._audience.channels(entry, message, news.team)]
            if message["event"] == "severity" and not message["eased"]:
                channels += self._summary_only_channels(entry.incident_id)
            places = self._places(news, entry, message, channels)
            added += self._enqueue_all(news, entry, message, places)
            own = [place.channel for place in places if not place.room]
            added += self._notify_stakeholders(stakeholder_messages, news, entry, own)
        return added

    def announce_late(self, news: News, entry: Entry, heard: Collection[str]) -> int:
        """Announce late an incident's current state, given the entry that gives it.

        ``heard``: the channels that were notified of the incident before. That it is over is
        announced only there.
        """
        added = 0
        for one in news.still_valid({entry.key}):
            message = news.message(one, self.web_url, self._shown)
            channels = [*self._audience.channels(one, message, news.team)]
            if late.is_over(message):
                channels = [name for name in channels if name in heard]
            message = late.mark_late(message)
            places = self._places(news, one, message, channels)
            added += self._enqueue_all(news, one, message, places)
        return added

    def _stakeholder_messages(self, news: News) -> StakeholderMessages:
        return StakeholderMessages(self._stores, self.routing, news.incident, news.entries)

    def _summary_only_channels(self, incident_id: str) -> List[str]:
        """Return the channels where only a summary announced the incident.

        A summary does not show that one of its incidents has become more severe.
        """
        together = self._storms.summary_only_channels(incident_id)
        return [name for name in together if name in self._audience.set_up]

    def _places(
        self, news: News, entry: Entry, message: Document, channels: Sequence[str]
    ) -> List[Place]:
        event, room = message["event"], news.incident.get("room") or {}
        hears = "slack" in self.routing.channels(event, "", self._audience.set_up)
        return placed(channels, entry, event, room, hears)

    def _enqueue_all(
        self, news: News, entry: Entry, message: Document, places: Sequence[Place]
    ) -> int:
        """Enqueue an entry's notifications, with the message that suits each place."""
        for_subscribers = message
        if entry.kind == "update":
            told = self._stakeholder_messages(news).message_for(SUBSCRIBERS, entry)
            for_subscribers = told.to_document()
        added = 0
        for place in places:
            if place.room and message["event"] == ROOM_OPENED:
                said = first_message(
                    news.incident, news.effective, news.analysis, self.web_url, self._shown
                )
            else:
                said = for_subscribers if place.channel.startswith(PREFIX) else message
            added += self._enqueue(news, entry, said, place)
        return added

    def _enqueue(self, news: News, entry: Entry, message: Document, place: Place) -> bool:
        event = event_of(entry.to_document())
        in_room = {"in_room": True, "room": place.room, "otherwise": place.otherwise}
        notification = NewNotification(
            source=entry.identity,
            channel=place.channel,
            event=event,
            message=self._calling_owner(entry, message, place.channel),
            incident_id=entry.incident_id,
            target=self.routing.target(news.team, place.channel),
            order=order_of(entry),
            key_target=key_of(event, place.room),
            extra=in_room if place.room else {},
        )
        return self._put(news, notification)

    def _notify_stakeholders(
        self,
        stakeholder_messages: StakeholderMessages,
        news: News,
        entry: Entry,
        channels: Sequence[str],
    ) -> int:
        """Notify stakeholders of an entry; ``channels`` are those that notify responders of it."""
        own = {name: self.routing.target(news.team, name) for name in channels}
        letters = stakeholder_messages.letters(entry, self._audience.includes, own)
        return sum(self._put(news, _sent_as(letter, entry)) for letter in letters)

    def _put(self, news: News, notification: NewNotification) -> bool:
        if notification.key in self._there:
            return False
        return self._storms.enqueue(self.routing, news.team, notification)

    def _calling_owner(self, entry: Entry, message: Document, channel: str) -> Document:
        """Mention the owner in an event that asks them to act, unless they caused it themselves."""
        if entry.actor == message["owner"] or message["event"] not in _CALLING:
            return message
        owner = self.routing.members.get(str(message["owner"]))
        return {**message, "mention": owner.known_as(channel)} if owner else message


def _sent_as(letter: StakeholderMessage, entry: Entry) -> NewNotification:
    return NewNotification(
        source=entry.identity,
        channel=letter.channel,
        event=letter.message.event,
        message=letter.message.to_document(),
        incident_id=entry.incident_id,
        target=letter.place,
        order=order_of(entry),
        key_target=letter.key,
    )
