"""Keeps the first message of each incident's Slack thread at the incident's current state.

So a channel itself shows which incidents are open, their severity and owner; the thread keeps the
history. No update is queued: the shown values are compared with the incident. So only the last of
several changes is shown, and the next worker completes what a killed one left. The values that a
message shows are kept in ``incident_claims`` under ``slack first:<notification>``; that note may be
lost.

Slack allows about 50 updates a minute ("chat.update", tier 3), and fewer are made. After a storm
the order is: incidents that somebody works on, other open ones, ended ones; in each group the
gravest first, and among equals the newest change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import (
    Any,
    Callable,
    Dict,
    Iterator,
    List,
    Mapping,
    Optional,
    Protocol,
    Sequence,
    Set,
    Tuple,
)

from ..incidents import timeline
from ..incidents.incident_channel_state import OPEN, WANTED, is_in_state
from ..incidents.stores import any_of, chunks, claim_document, find_by
from ..ports import Clock, Document, Stores
from .channel import Delivery
from .current_state import Marks, current_message, marks_of, newest_analysis
from .delivery.turns import urgency
from .message import Message
from .services.slack_buttons import PRESSES

__all__ = ["EVERY_SECONDS", "FirstMessages"]

CHECKPOINT = "worker:slack first:checkpoint"
NOTE = "slack first"
EVERY_SECONDS = 5.0
# The most requests in a turn: 36 a minute, so that no page waits long for them.
UPDATES = 3
# For how many incidents messages are read in one call.
AT_ONCE = 100
# Covers clock differences, and documents that were written late.
OVERLAP_SECONDS = 300.0
# Changes from longer ago are no longer shown.
OLDEST_SECONDS = 24 * 3600.0
MOST_READ = 20_000
REMEMBERED = MOST_READ
# The pause after a failure that is not the message's, unless Slack asks for a longer one.
REST_SECONDS = 30.0
LONGEST_REST_SECONDS = 4000.0
# By then a press is answered; the answer lays the message out as it was when it was pressed.
PRESSED_SECONDS = 60.0
_READ = (
    *("updated_at", "title", "severity", "status", "team", "owner", "roles", "cause", "room"),
    "fields",
)
_PLACES = {"in_progress": 0, "resolved": 2, "closed": 2}
OPEN_PLACE = 1
_COMING = ("pending", "sending")
_SENT = ("incident_id", "state", "receipt", "message", "stakeholders")


class Updater(Protocol):
    """Changes a posted message: :class:`.services.slack.SlackSender`."""

    def update(self, channel: str, ts: str, message: Message, notification_id: str) -> Delivery:
        """Replace the message's content."""


@dataclass(frozen=True)
class _First:
    """A first message: its notification and the values it shows. ``is_fixed``: can't be changed."""

    sent: Document
    shows: Marks
    is_fixed: bool = False


class FirstMessages:
    """Updates first messages. It lives as long as its process."""

    def __init__(self, stores: Stores, clock: Clock) -> None:
        self._stores = stores
        self._clock = clock
        # Incidents as they were when their first messages were current, or when there were none.
        self._seen: Dict[str, Marks] = {}
        # Incidents that changed since, and up to when changes were read.
        self._waiting: Dict[str, Document] = {}
        self._read_to: Optional[float] = None
        self._rests_until = 0.0
        self._fields: Sequence[Sequence[str]] = ()
        # Whether a recently changed incident has an incident channel or is to get one.
        self.saw_room = False

    def run(
        self,
        updater: Callable[[], Updater],
        web_url: str,
        fields: Sequence[Sequence[str]] = (),
    ) -> Mapping[str, int]:
        """Update outdated messages; return how many were updated.

        ``fields``: the custom fields that messages show now; a field that is no longer among them
        is removed from messages.

        Raises what ``updater`` and the stores raise; the next turn then checks the same again.
        """
        if self._is_resting():
            return {}
        self._fields = fields
        reached = self._read_changes()
        pressed = self._pressed() if self._waiting else set()
        asked = done = 0
        for incident, stale, is_coming in self._compared(sorted(self._waiting.values(), key=_turn)):
            key = str(incident["_key"])
            if asked >= UPDATES:
                break
            if stale and key in pressed:
                continue
            if stale:
                asked += len(stale)
                done += self._bring(updater(), key, stale, web_url)
            if self._is_resting():
                break
            del self._waiting[key]
            if not is_coming:
                self._seen[key] = self._marks(incident)
        self._read_to = reached
        earliest = min([reached, *(float(one["updated_at"]) for one in self._waiting.values())])
        self._stores.claims.save([claim_document(CHECKPOINT, earliest)])
        return {"slack_messages_brought_up_to_date": done}

    def _marks(self, incident: Mapping[str, Any]) -> Marks:
        return marks_of(incident, self._fields)

    def _is_resting(self) -> bool:
        # A time further ahead was set before the clock was set back.
        return 0 < self._rests_until - self._clock.now() <= LONGEST_REST_SECONDS

    # --- which ------------------------------------------------------------------------------

    def _read_changes(self) -> float:
        """Add changed incidents to those that wait, unless only signals were added to them.

        Returns up to when all changes were read.
        """
        now = self._clock.now()
        oldest = now - OLDEST_SECONDS
        self._waiting = {
            key: one for key, one in self._waiting.items() if float(one["updated_at"]) > oldest
        }
        if len(self._seen) > REMEMBERED:
            self._seen.clear()
        query = {"updated_at": {"$gte": max(self._since(now), oldest) - OVERLAP_SECONDS}}
        found = self._stores.incidents.find(query, "updated_at:1,_key:1", MOST_READ, fields=_READ)
        self.saw_room = any(is_in_state(one.get("room") or {}, WANTED, OPEN) for one in found)
        for one in found:
            self._queue_if_changed(one)
        return now if len(found) < MOST_READ else min(now, float(found[-1]["updated_at"]))

    def _since(self, now: float) -> float:
        if self._read_to is None:
            known = self._stores.claims.get(CHECKPOINT)
            # Changes from before this app kept first messages current are ignored.
            self._read_to = float(known["time"]) if known else now
        return min(self._read_to, now)

    def _queue_if_changed(self, incident: Document) -> None:
        key = str(incident["_key"])
        if self._seen.get(key) != self._marks(incident):
            self._waiting[key] = incident
        else:
            self._waiting.pop(key, None)

    def _compared(
        self, waiting: Sequence[Document]
    ) -> Iterator[Tuple[Document, List[_First], bool]]:
        """Yield incidents, their outdated first messages, and whether a message is still to come.

        Reads a few incidents at a time: in a storm one turn needs no more, and the others would be
        read again in each turn.
        """
        for some in chunks(waiting, AT_ONCE):
            firsts, coming = self._firsts([str(one["_key"]) for one in some])
            for incident in some:
                key, marks = str(incident["_key"]), self._marks(incident)
                known = firsts.get(key, ())
                stale = [one for one in known if not one.is_fixed and one.shows != marks]
                yield incident, stale, key in coming

    def _firsts(self, incident_ids: Sequence[str]) -> Tuple[Dict[str, List[_First]], Set[str]]:
        """Return the first messages of incidents: one for each channel, and for each thread there.

        Also return the incidents with a message to come: they are checked again after it was sent.
        """
        mine = {"$and": [{"channel": "slack"}, any_of("incident_id", incident_ids)]}
        found = self._stores.outbox.find(mine, fields=_SENT)
        # Messages to stakeholders keep what was written for them.
        found = [one for one in found if not one.get("stakeholders")]
        coming = {str(one["incident_id"]) for one in found if one["state"] in _COMING}
        sent = [one for one in found if one["state"] == "sent" and _is_first(one["receipt"])]
        keys = [f"{NOTE}:{one['_key']}" for one in sent]
        known = find_by(self._stores.claims, "_key", keys)
        notes = {str(one["_key"]): one["value"] for one in known}
        firsts: Dict[str, List[_First]] = {}
        for key, one in zip(keys, sent):
            note = notes.get(key, {})
            shows = note.get("shows") or marks_of(one["message"])
            first = _First(one, shows, bool(note.get("is_fixed")))
            firsts.setdefault(str(one["incident_id"]), []).append(first)
        return firsts, coming

    def _pressed(self) -> Set[str]:
        """Return the incidents for which a button was pressed just now."""
        recent = {"purpose": PRESSES, "time": {"$gt": self._clock.now() - PRESSED_SECONDS}}
        return {str(one["value"].get("target")) for one in self._stores.claims.find(recent)}

    # --- what -------------------------------------------------------------------------------

    def _bring(self, updater: Updater, key: str, stale: Sequence[_First], web_url: str) -> int:
        """Update an incident's messages; return how many were updated."""
        entries = timeline.read(self._stores, key)
        incident = timeline.fold(entries).to_document()
        analysis = newest_analysis(self._stores, entries) if incident.get("cause") else None
        done = 0
        for first in stale:
            said = {**first.sent["message"], "fields": self._fields}
            message = current_message(incident, entries, said, analysis, web_url)
            where = first.sent["receipt"]
            delivery = updater.update(where["channel"], where["ts"], message, first.sent["_key"])
            if delivery.outcome == "retry":
                rest = max(delivery.retry_after or 0.0, REST_SECONDS)
                self._rests_until = self._clock.now() + rest
                return done
            is_fixed = delivery.outcome == "dead"
            value = {"shows": self._marks(incident), "is_fixed": is_fixed, "why": delivery.detail}
            note = f"{NOTE}:{first.sent['_key']}"
            now = self._clock.now()
            document = claim_document(note, now, value, purpose=NOTE, holder=key)
            self._stores.claims.save([document])
            done += not is_fixed
        return done


def _turn(incident: Document) -> Tuple[int, int, float]:
    """Return the sort key for the order in which incidents' messages are updated."""
    place = _PLACES.get(str(incident.get("status")), OPEN_PLACE)
    return place, urgency(incident.get("severity")), -float(incident["updated_at"])


def _is_first(receipt: Mapping[str, Any]) -> bool:
    """Return whether a message begins a thread or an incident channel: others there have a note."""
    is_later = receipt.get("thread_ts") or receipt.get("note")
    return bool(receipt.get("ts") and receipt.get("channel")) and not is_later
