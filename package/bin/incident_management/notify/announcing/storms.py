"""Gathers notifications for a summary when there are more than a team can read.

Each event of an incident is sent singly, up to a limit for one event, team, channel and time
window. Notifications beyond the limit are *gathered*: they are put on the outbox under their usual
key, so that none can be sent twice, but wait for a summary (:mod:`.summaries`).

Services that sort for themselves (PagerDuty, tickets, webhooks) get every notification.
"""

from __future__ import annotations

from typing import Any, Collection, Dict, List, Mapping, Optional, Set, Tuple

from ...incidents.routing import Routing
from ...incidents.stores import find_by
from ...ports import Clock, Document, Stores
from ..delivery.notification import NewNotification, with_fields
from ..delivery.outbox import Outbox
from ..delivery.turns import urgency
from ..services.slack_buttons import IN_CHANNEL_TOO

__all__ = ["GATHERED", "Storms", "is_own_mail"]

# The state of a notification that belongs into a summary, until the summary is sent.
GATHERED = "gathered"
# In Slack this many fixes that wait for approval are sent singly, even where the limit is lower:
# a summary has no Approve button.
ASKED_SINGLY = 100


class Storms:
    """Decides which notifications are gathered. It lives as long as its process."""

    def __init__(self, stores: Stores, clock: Clock, outbox: Outbox) -> None:
        self._stores = stores
        self._clock = clock
        self._outbox = outbox
        self._counts: Dict[Tuple[str, bool], int] = {}
        self._incidents: Collection[str] = ()
        # Those of them that have a message of their own in Slack; None until it is needed.
        self._in_slack: Optional[Set[str]] = None

    def begin(self, incident_ids: Collection[str]) -> None:
        """Start a turn about these incidents: forget counts, as other processes enqueue, too."""
        self._counts.clear()
        self._incidents = incident_ids
        self._in_slack = None

    def enqueue(self, routing: Routing, team: str, notification: NewNotification) -> bool:
        """Enqueue a notification, gathered in a storm. Return False if it is already enqueued."""
        channel, message = notification.channel, notification.message
        if notification.extra.get("room") or not routing.is_for_people(channel):
            return self._outbox.enqueue(with_fields(notification, team=team))
        flow = _flow(channel, team, message)
        placed = with_fields(notification, team=team, flow=flow)
        if message.get("stakeholders"):
            placed = _in_lane_of_its_own(placed)
        is_full = self._is_full(routing, channel, flow, message)
        is_gathered = is_full and not self._is_quiet(notification)
        if is_gathered:
            placed = with_fields(placed, state=GATHERED, summary="")
        is_new = self._outbox.enqueue(placed)
        self._count_in(flow, message, is_new)
        self._note_in_slack(notification, is_new, is_gathered)
        return is_new

    def _count_in(self, flow: str, message: Mapping[str, Any], is_new: bool) -> None:
        for counted in {(flow, False), (flow, _is_gravest(message))} & self._counts.keys():
            if is_new:
                self._counts[counted] += 1
            else:
                # Another worker enqueues the same notifications, and more than is counted here.
                del self._counts[counted]

    def _note_in_slack(
        self, notification: NewNotification, is_new: bool, is_gathered: bool
    ) -> None:
        """Note that an incident has its own message in Slack, if the others' were read already."""
        is_told = notification.channel == "slack" and not notification.message.get("stakeholders")
        if self._in_slack is None or not is_told:
            return
        if not is_new:
            # The state that another worker gave the notification counts.
            self._in_slack |= self._singly_in_slack([notification.incident_id])
        elif not is_gathered:
            self._in_slack.add(notification.incident_id)

    def summary_only_channels(self, incident_id: str) -> List[str]:
        """Return the channels where an incident was announced in summaries only."""
        found = self._stores.outbox.find(
            {"incident_id": incident_id}, fields=("channel", "summary", "stakeholders")
        )
        found = [one for one in found if not one.get("stakeholders")]
        singly = {str(one["channel"]) for one in found if "summary" not in one}
        return sorted({str(one["channel"]) for one in found} - singly)

    def _is_quiet(self, notification: NewNotification) -> bool:
        """Return whether it goes only to a Slack thread, which alerts nobody but its followers."""
        if notification.channel != "slack" or notification.event in IN_CHANNEL_TOO:
            return False
        if notification.message.get("stakeholders"):
            return False
        if self._in_slack is None:
            self._in_slack = self._singly_in_slack(self._incidents)
        return notification.incident_id in self._in_slack

    def _singly_in_slack(self, incident_ids: Collection[str]) -> Set[str]:
        """Return those of these incidents that have a message of their own in Slack."""
        wanted = ("incident_id", "channel", "summary", "stakeholders")
        found = find_by(self._stores.outbox, "incident_id", incident_ids, fields=wanted)
        singly = (
            one
            for one in found
            if one["channel"] == "slack" and not ("summary" in one or one.get("stakeholders"))
        )
        return {str(one["incident_id"]) for one in singly}

    def _is_full(
        self, routing: Routing, channel: str, flow: str, message: Mapping[str, Any]
    ) -> bool:
        if not routing.tell_singly or message["event"] == "update":
            # A text that a person wrote does not fit a line of a summary.
            return False
        if self._count(routing, flow, False) < _most(routing, channel, message["event"]):
            return False
        gravest = _is_gravest(message)
        return not gravest or self._count(routing, flow, True) >= routing.tell_critical_singly

    def _count(self, routing: Routing, flow: str, gravest: bool) -> int:
        """Return how many of a flow the window has: of the gravest severity only, or of all."""
        if (flow, gravest) not in self._counts:
            now, window = self._clock.now(), routing.tell_window
            # A clock that runs ahead may have written times in the future: the window bounds those,
            # too.
            times = {"$gt": now - window, "$lt": now + window}
            query: Document = {"flow": flow, "created_at": times}
            if gravest:
                query["urgency"] = 0
            most = max(routing.tell_critical_singly, routing.tell_singly, ASKED_SINGLY)
            # Sorted as its index is: for another order the KV store would scan the whole
            # collection.
            found = self._stores.outbox.find(query, "created_at:-1", most, fields=("flow",))
            self._counts[flow, gravest] = len(found)
        return self._counts[flow, gravest]


def _most(routing: Routing, channel: str, event: str) -> int:
    """Return how many messages of an event are sent singly."""
    has_approve = channel == "slack" and event == "plan"
    return max(routing.tell_singly, ASKED_SINGLY) if has_approve else routing.tell_singly


def _in_lane_of_its_own(notification: NewNotification) -> NewNotification:
    """Give a group's notification its own lane, so that a slow service delays nobody else."""
    place = (notification.incident_id, notification.channel, notification.key_target)
    group = notification.message["stakeholders"]
    return with_fields(notification, stakeholders=group, lane="/".join(place))


def _flow(channel: str, team: str, message: Mapping[str, Any]) -> str:
    """Return the name of what is counted together; a person's own mail counts for that person."""
    own = [message["mention"]] if is_own_mail(channel, message) else []
    if message.get("stakeholders"):
        own = [f"stakeholders:{message['stakeholders']}"]
    return "/".join((channel, message["event"], *own, team))


def is_own_mail(channel: str, message: Mapping[str, Any]) -> bool:
    """Return whether a message goes only to the person who was assigned the incident."""
    return channel == "email" and message["event"] == "assigned"


def _is_gravest(message: Mapping[str, Any]) -> bool:
    return urgency(message.get("severity")) == 0
