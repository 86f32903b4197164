"""Maintains an incident channel: its topic, members and pinned message; archives it.

Each step may be repeated. The state of a channel is the ``value`` of its claim: ``head``, the
incident's when all steps were last done; ``topic`` and ``topic_at``; ``invited``; ``pinned``;
``ended_at``; ``refused_at``, when Slack rejected a step that an administrator can allow.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional, Sequence

from ...incidents import incident_channel, timeline
from ...incidents.act import Act
from ...incidents.incident_channel import claim_prefix
from ...incidents.incident_channel_state import ARCHIVED, GONE
from ...incidents.model import ACTOR, Entry
from ...ports import Clock, Document, Stores
from ..refusals import record_channel_refusal
from ..services.slack_channels import Refused
from .messages import first_message_id, opening_of
from .plan import people_of, topic_of
from .turn import Turn

__all__ = ["ChannelKeeper"]

# Each change of a topic posts a line in the channel.
TOPIC_SECONDS = 60.0
# By then the last message of a merged incident has arrived.
MERGED_SECONDS = 60.0
# "Up to 100 users may be listed" (conversations.invite).
INVITED_AT_ONCE = 100
# By then the announcer has enqueued the channel's first message, or never will.
ANNOUNCED_SECONDS = 86400.0
# When a rejected step is tried again, unless the incident changes before.
REFUSED_SECONDS = 600.0
# Errors that mean that the app can't maintain the channel any more.
_GONE = ("channel_not_found", "is_archived", "not_in_channel")
# Errors that an administrator can fix; that a person can't be invited needs no report.
_CAN_BE_ALLOWED = ("missing_scope", "restricted_action")


class ChannelKeeper:
    """Maintains open incident channels."""

    def __init__(self, stores: Stores, clock: Clock) -> None:
        self._stores = stores
        self._clock = clock
        self._act = Act(stores, clock, ACTOR)

    def run_steps(self, turn: Turn, care: Document, incident: Document) -> None:
        """Do a channel's missing steps; save its state in its claim. Raises Enough and Later."""
        value = dict(care["value"])
        try:
            self._keep(turn, value, incident)
        except Refused as refused:
            self._left(incident, GONE, str(refused))
        finally:
            if value != care["value"] and self._stores.claims.get(care["_key"]):
                self._stores.claims.save([{**care, "value": value}])

    def _keep(self, turn: Turn, value: Dict[str, Any], incident: Document) -> None:
        """Do the missing steps of a channel. Raises Refused: the channel is gone."""
        refused_at = value.get("refused_at")
        is_again = refused_at and not self._is_within(refused_at, REFUSED_SECONDS)
        if is_again or value.get("head") != incident["head"]:
            value["refused_at"] = None
            entries = timeline.read(self._stores, str(incident["_key"]))
            ends = [one.time for one in entries if one.kind in ("status", "merged")]
            value["ended_at"] = max(ends, default=0.0)
            done = [
                step(turn, value, incident, entries)
                for step in (self._topic, self._people, self._pin)
            ]
            if all(done):
                value["head"] = incident["head"]
        if incident["status"] == "closed":
            self._archive(turn, value, incident)

    def _topic(
        self, turn: Turn, value: Dict[str, Any], incident: Document, _entries: Sequence[Entry]
    ) -> bool:
        topic = topic_of(incident, turn.web_url)
        if value.get("topic") == topic:
            return True
        if self._is_within(value.get("topic_at"), TOPIC_SECONDS):
            return False
        # If the answer is lost, the current topic is unknown.
        value["topic"] = ""
        if self._does(lambda: turn.slack.set_topic(incident["room"]["channel"], topic), value):
            value.update(topic=topic, topic_at=self._clock.now())
        return True

    def _people(
        self, turn: Turn, value: Dict[str, Any], incident: Document, entries: Sequence[Entry]
    ) -> bool:
        known: List[str] = value.get("invited", [])
        people = people_of(entries, turn.routing, self._clock.now())
        new = [one for one in people if one not in known][:INVITED_AT_ONCE]
        if new and self._does(lambda: turn.slack.invite(incident["room"]["channel"], new), value):
            value["invited"] = [*known, *new]
        return len(new) < INVITED_AT_ONCE

    def _pin(
        self, turn: Turn, value: Dict[str, Any], incident: Document, entries: Sequence[Entry]
    ) -> bool:
        """Pin the first message, which has the link to the incident's page."""
        if value.get("pinned"):
            return True
        opened = opening_of(entries, incident["room"])
        first = self._stores.outbox.get(first_message_id(opened, incident["room"]))
        if first is None:
            # After a day it is not announced any more.
            return self._clock.now() - opened.time > ANNOUNCED_SECONDS
        if first["state"] in ("pending", "sending"):
            return False
        receipt = first["receipt"] or {}
        ts = str(receipt.get("ts") or "")
        if ts and receipt.get("channel") == incident["room"]["channel"]:
            # The scope pins:write is optional.
            self._does(lambda: turn.slack.pin(incident["room"]["channel"], ts), None)
        value["pinned"] = True
        return True

    def _archive(self, turn: Turn, value: Dict[str, Any], incident: Document) -> None:
        """Archive the channel of an incident closed long enough ago, once no message is pending."""
        into, key = str(incident.get("merged_into") or ""), str(incident["_key"])
        after = MERGED_SECONDS if into else turn.chosen.room_archive_after
        if not after:
            self._stores.claims.delete(f"{claim_prefix(key)}care")
            return
        coming = {"incident_id": key, "$or": [{"state": "pending"}, {"state": "sending"}]}
        has_time = self._clock.now() - float(value["ended_at"]) < after
        has_time = has_time or self._is_within(value.get("refused_at"), REFUSED_SECONDS)
        if not has_time and not self._stores.outbox.find(coming, limit=1):
            try:
                turn.slack.archive(incident["room"]["channel"])
            except Refused as refused:
                if not self._can_be_allowed(refused, value):
                    raise
                return
            why = f"It was merged into {into}." if into else "The incident is closed."
            self._left(incident, ARCHIVED, why)

    def _left(self, incident: Document, event: str, reason: str) -> None:
        """Record that a channel is no longer maintained, and delete its claim."""
        key, room = str(incident["_key"]), incident["room"]
        incident_channel.record_event(self._act, key, event, room["number"], reason=reason)
        self._stores.claims.delete(f"{claim_prefix(key)}care")

    def _does(self, step: Callable[[], None], value: Optional[Dict[str, Any]]) -> bool:
        """Run an optional step of a channel; return False if it is to be tried again later.

        ``value``: of the channel's claim; None: a rejection needs no report. Raises Refused: the
        channel is gone.
        """
        try:
            step()
        except Refused as refused:
            if refused.error in _GONE:
                raise
            return value is None or not self._can_be_allowed(refused, value)
        return True

    def _can_be_allowed(self, refused: Refused, value: Dict[str, Any]) -> bool:
        """Return whether an administrator can fix it; if so, report it and note the time."""
        if refused.error not in _CAN_BE_ALLOWED:
            return False
        record_channel_refusal(self._stores, self._clock, str(refused))
        value["refused_at"] = self._clock.now()
        return True

    def _is_within(self, since: Any, seconds: float) -> bool:
        return 0 <= self._clock.now() - float(since or 0.0) < seconds
