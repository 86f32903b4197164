"""The first message of an incident's thread in Slack says where the incident stands now.

A channel then shows by itself which incidents are open, how bad each is and who has it; the thread
keeps what happened. Nothing is queued: what a message shows is compared with the incident, so of
several changes the last is shown, and what a worker that is killed has not done, the next one does.
What a message shows is kept in ``incident_claims`` under ``slack first:<notification>``; that note
may be lost.

Slack takes about 50 updates a minute ("chat.update", tier 3); there are fewer than that. After a
storm those come first that people look at: what somebody works on, then what else is open, last
what is over; of each the gravest, of equals the newest change.
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
from .current_state import Marks, marks_of, newest_analysis, standing
from .delivery.turns import urgency
from .message import Message
from .services.slack_buttons import PRESSES

__all__ = ["EVERY_SECONDS", "FirstMessages"]

CHECKPOINT = "worker:slack first:checkpoint"
NOTE = "slack first"
EVERY_SECONDS = 5.0
# The most requests of a turn: 36 a minute, and no page waits long for them.
UPDATES = 3
# How many incidents have their messages read together.
AT_ONCE = 100
# Covers clocks that differ, and documents that were written late.
OVERLAP_SECONDS = 300.0
# What changed longer ago is left as it is.
OLDEST_SECONDS = 24 * 3600.0
MOST_READ = 20_000
REMEMBERED = MOST_READ
# How long Slack is left alone after a failure that is not the message's, unless it asks for more.
REST_SECONDS = 30.0
LONGEST_REST_SECONDS = 4000.0
# What is pressed is answered by then; the answer lays the message out as it was when pressed.
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
    """What changes a message that was posted: :class:`.services.slack.SlackSender`."""

    def update(self, channel: str, ts: str, message: Message, notification_id: str) -> Delivery:
        """Have the message say this."""


@dataclass(frozen=True)
class _First:
    """A first message: its notification, and what it shows. ``is_fixed``: it can't be changed."""

    sent: Document
    shows: Marks
    is_fixed: bool = False


class FirstMessages:
    """Brings them up to date. One lives as long as its process."""

    def __init__(self, stores: Stores, clock: Clock) -> None:
        self._stores = stores
        self._clock = clock
        # Incidents as they were when their first messages said so, or when there was none.
        self._seen: Dict[str, Marks] = {}
        # Those that changed since, and up to when they were read.
        self._waiting: Dict[str, Document] = {}
        self._read_to: Optional[float] = None
        self._rests_until = 0.0
        self._fields: Sequence[Sequence[str]] = ()
        # Whether one of those that changed lately has a room or is to have one.
        self.saw_room = False

    def run(
        self,
        updater: Callable[[], Updater],
        web_url: str,
        fields: Sequence[Sequence[str]] = (),
    ) -> Mapping[str, int]:
        """Update what has changed; returns how many messages were.

        ``fields``: the custom fields that messages show now; one that is not among them any more
        goes from a message that showed it.

        Raises what ``updater`` and the stores raise; then the next turn looks at the same again.
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
        # A time that lies further ahead was set before the clock was put back.
        return 0 < self._rests_until - self._clock.now() <= LONGEST_REST_SECONDS

    # --- which ------------------------------------------------------------------------------

    def _read_changes(self) -> float:
        """Put incidents that changed, by more than signals, among those that wait.

        Returns up to when all that changed was read.
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
            self._look_at(one)
        return now if len(found) < MOST_READ else min(now, float(found[-1]["updated_at"]))

    def _since(self, now: float) -> float:
        if self._read_to is None:
            known = self._stores.claims.get(CHECKPOINT)
            # What ended before this app kept first messages up to date stays as it was.
            self._read_to = float(known["time"]) if known else now
        return min(self._read_to, now)

    def _look_at(self, incident: Document) -> None:
        key = str(incident["_key"])
        if self._seen.get(key) != self._marks(incident):
            self._waiting[key] = incident
        else:
            self._waiting.pop(key, None)

    def _compared(
        self, waiting: Sequence[Document]
    ) -> Iterator[Tuple[Document, List[_First], bool]]:
        """Give incidents with those of their first messages that say otherwise.

        Also whether a message is to come. Read are those of a few at a time: in a storm a turn
        needs no more, and the others' would be read again and again.
        """
        for some in chunks(waiting, AT_ONCE):
            firsts, coming = self._firsts([str(one["_key"]) for one in some])
            for incident in some:
                key, marks = str(incident["_key"]), self._marks(incident)
                known = firsts.get(key, ())
                stale = [one for one in known if not one.is_fixed and one.shows != marks]
                yield incident, stale, key in coming

    def _firsts(self, incident_ids: Sequence[str]) -> Tuple[Dict[str, List[_First]], Set[str]]:
        """The first messages of some incidents: one for each channel, and each thread there.

        Also the incidents with a message to come: they change once more when that has arrived.
        """
        mine = {"$and": [{"channel": "slack"}, any_of("incident_id", incident_ids)]}
        found = self._stores.outbox.find(mine, fields=_SENT)
        # Stakeholders get what was written for them, and nothing else.
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
        """Incidents of which a button was pressed just now."""
        recent = {"purpose": PRESSES, "time": {"$gt": self._clock.now() - PRESSED_SECONDS}}
        return {str(one["value"].get("target")) for one in self._stores.claims.find(recent)}

    # --- what -------------------------------------------------------------------------------

    def _bring(self, updater: Updater, key: str, stale: Sequence[_First], web_url: str) -> int:
        """Bring an incident's messages up to date; returns how many were."""
        entries = timeline.read(self._stores, key)
        incident = timeline.fold(entries).to_document()
        analysis = newest_analysis(self._stores, entries) if incident.get("cause") else None
        done = 0
        for first in stale:
            said = {**first.sent["message"], "fields": self._fields}
            message = standing(incident, entries, said, analysis, web_url)
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
    """Sorts incidents by whose message is brought up to date first."""
    place = _PLACES.get(str(incident.get("status")), OPEN_PLACE)
    return place, urgency(incident.get("severity")), -float(incident["updated_at"])


def _is_first(receipt: Mapping[str, Any]) -> bool:
    """Whether it begins a thread, or a room: what else is told there has a note."""
    is_later = receipt.get("thread_ts") or receipt.get("note")
    return bool(receipt.get("ts") and receipt.get("channel")) and not is_later
