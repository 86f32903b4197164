"""The first message of an incident's thread in Slack says where the incident stands now.

A channel then shows by itself which incidents are open, how bad each is and who has it; the thread
keeps what happened. Nothing is queued: what a message shows is compared with the incident, so of
several changes the last is shown, and what a worker that is killed has not done, the next one does.
What a message shows is kept in ``incident_claims`` under ``slack first:<notification>``; that note
may be lost.

Slack takes about 50 updates a minute ("chat.update", tier 3); there are fewer than that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, List, Mapping, Protocol, Sequence, Set, Tuple

from ..incidents import timeline
from ..incidents.stores import any_of, chunks, claim_document, find_by
from ..ports import Clock, Document, Stores
from .channel import Delivery
from .message import Message
from .outbox import FINAL
from .slack_buttons import PRESSES
from .standing import Marks, marks_of, newest_analysis, standing

__all__ = ["EVERY_SECONDS", "FirstMessages"]

CHECKPOINT = "worker:slack first:checkpoint"
NOTE = "slack first"
EVERY_SECONDS = 5.0
# At most so many requests each time: 36 a minute, and no page waits long for them.
UPDATES = 3
# The messages of so many incidents are read together.
AT_ONCE = 100
# Covers clocks that differ, and documents that were written late.
OVERLAP_SECONDS = 300.0
# What changed longer ago is left as it is.
OLDEST_SECONDS = 24 * 3600.0
PAGE = 500
PAGES = 40
REMEMBERED = PAGE * PAGES
# After a failure that is not the message's, Slack is left alone for so long, or as it says.
REST_SECONDS = 30.0
LONGEST_REST_SECONDS = 4000.0
# What is pressed is answered by then; the answer lays the message out as it was when pressed.
PRESSED_SECONDS = 60.0
_READ = ("updated_at", "title", "severity", "status", "team", "owner", "cause")
_SENT = ("incident_id", "state", "receipt", "message")


class Updater(Protocol):
    """What changes a message that was posted: :class:`.slack.SlackSender`."""

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
        self._rests_until = 0.0

    def run(self, updater: Callable[[], Updater], web_url: str) -> Mapping[str, int]:
        """Update what has changed; returns how many messages were.

        Raises what ``updater`` and the stores raise; then the next turn looks at the same again.
        """
        if self._is_resting():
            return {}
        changed, reached = self._changed()
        pressed = self._pressed() if changed else set()
        asked = done = 0
        for incident, stale, is_coming in self._compared(changed):
            key, at = str(incident["_key"]), float(incident["updated_at"])
            if asked >= UPDATES or self._is_resting():
                reached = min(reached, at)
                break
            if stale and key in pressed:
                reached = min(reached, at)
                continue
            if stale:
                asked += len(stale)
                done += self._bring(updater(), key, stale, web_url)
            if self._is_resting():
                reached = min(reached, at)
            elif not is_coming:
                self._seen[key] = marks_of(incident)
        self._stores.claims.save([claim_document(CHECKPOINT, reached)])
        return {"slack_messages_brought_up_to_date": done}

    def _is_resting(self) -> bool:
        # A time that lies further ahead was set before the clock was put back.
        return 0 < self._rests_until - self._clock.now() <= LONGEST_REST_SECONDS

    # --- which ------------------------------------------------------------------------------

    def _changed(self) -> Tuple[List[Document], float]:
        """Return incidents that changed, by more than signals, and up to when these are all."""
        now = self._clock.now()
        known = self._stores.claims.get(CHECKPOINT)
        # What ended before this app kept first messages up to date stays as it was.
        since = max(min(float(known["time"]), now), now - OLDEST_SECONDS) if known else now
        query = {"updated_at": {"$gte": since - OVERLAP_SECONDS}}
        if len(self._seen) > REMEMBERED:
            self._seen.clear()
        found: List[Document] = []
        for number in range(PAGES):
            order, skip = "updated_at:1,_key:1", number * PAGE
            page = self._stores.incidents.find(query, order, PAGE, skip, _READ)
            found += [one for one in page if self._seen.get(str(one["_key"])) != marks_of(one)]
            if len(page) < PAGE:
                return found, now
            if len(found) >= PAGE:
                break
        return found, min(now, float(page[-1]["updated_at"]))

    def _compared(
        self, changed: Sequence[Document]
    ) -> Iterator[Tuple[Document, List[_First], bool]]:
        """Give incidents with those of their first messages that say otherwise.

        Also whether a message is to come. Read are those of a few at a time: in a storm a turn
        needs no more, and the others' would be read again and again.
        """
        for some in chunks(changed, AT_ONCE):
            firsts, coming = self._firsts([str(one["_key"]) for one in some])
            for incident in some:
                key, marks = str(incident["_key"]), marks_of(incident)
                known = firsts.get(key, ())
                stale = [one for one in known if not one.is_fixed and one.shows != marks]
                yield incident, stale, key in coming

    def _firsts(self, incident_ids: Sequence[str]) -> Tuple[Dict[str, List[_First]], Set[str]]:
        """The first messages of some incidents: one for each channel, and each thread there.

        Also the incidents with a message to come: they change once more when that has arrived.
        """
        mine = {"$and": [{"channel": "slack"}, any_of("incident_id", incident_ids)]}
        found = self._stores.outbox.find(mine, fields=_SENT)
        coming = {str(one["incident_id"]) for one in found if one["state"] not in FINAL}
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
            message = standing(incident, entries, first.sent["message"], analysis, web_url)
            where = first.sent["receipt"]
            delivery = updater.update(where["channel"], where["ts"], message, first.sent["_key"])
            if delivery.outcome == "retry":
                rest = max(delivery.retry_after or 0.0, REST_SECONDS)
                self._rests_until = self._clock.now() + rest
                return done
            is_fixed = delivery.outcome == "dead"
            value = {"shows": marks_of(incident), "is_fixed": is_fixed, "why": delivery.detail}
            note = f"{NOTE}:{first.sent['_key']}"
            now = self._clock.now()
            document = claim_document(note, now, value, purpose=NOTE, holder=key)
            self._stores.claims.save([document])
            done += not is_fixed
        return done


def _is_first(receipt: Mapping[str, Any]) -> bool:
    return bool(receipt.get("ts") and receipt.get("channel")) and not receipt.get("thread_ts")
