"""Opens a room for a grave incident, a Slack channel of its own, keeps it, and archives it.

Which incidents have or get one is in their timelines; each of those has a claim ``slack room:…``,
by which it is found here. What the worker does in Slack it may do again after a kill at any line:
a topic, an invitation, a pin and an archive are the same when repeated, and a channel's name is
claimed before the channel is opened. Slack gives a name once: who finds it taken looks whether it
was us, so that neither a lost answer nor two workers make two channels of one incident.

What is told there: :mod:`.room_messages`. A room never costs a message: what Slack does not take in
it goes to the team's channel.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Protocol, Sequence, Tuple

from ..incidents import rooms, timeline
from ..incidents.errors import IllegalMove, NotFound
from ..incidents.model import ACTOR, Entry
from ..incidents.room_state import ARCHIVED, FAILED, GONE, HELD, OPEN, WANTED, stands
from ..incidents.rooms import HOUR, ROOM, claims_of
from ..incidents.routing import Routing
from ..incidents.stores import IS_OPEN, any_of, claim_document, find_by
from ..outside.network import NotConfigured
from ..ports import Clock, Document, Stores
from ..splunk.channel_settings import Slack
from .refusals import ROOM_REFUSED
from .room_messages import first_message_id, opening_of
from .room_plan import name_of, numbered, people_of, topic_of
from .services.slack_rooms import Later, Refused
from .turns import urgency

__all__ = ["EVERY_SECONDS", "Rooms"]

EVERY_SECONDS = 10.0
# The most requests of a turn, 18 a minute: Slack takes 20 of one method (tier 2).
REQUESTS = 3
# How long Slack is left alone after a failure that is not the room's, unless it asks for more.
REST_SECONDS = 30.0
LONGEST_REST_SECONDS = 4000.0
NAMED = "slack room name"
# An incident is opened, routed and merged with its like in several entries.
SETTLES_SECONDS = 10.0
# A process that begins looks for incidents without a room among what changed since then; later on
# each look begins some time before the last one: clocks differ, and documents come late.
LOOK_BACK_SECONDS = 3600.0
OVERLAP_SECONDS = 300.0
MOST_READ = 5000
MOST_AT_ONCE = 20
MOST_ROOMS = 2000
# A channel may be in Slack's list a moment after it was opened.
LISTED_SECONDS = 120.0
SUFFIXES = 5
# A topic says so in the channel when it is changed.
TOPIC_SECONDS = 60.0
# What was told last of a merged incident has arrived by then.
MERGED_SECONDS = 60.0
INVITED_AT_ONCE = 100
# By then the announcer has told of a room, or never will.
ANNOUNCED_SECONDS = 86400.0
# Somebody was about to want a room, and was ended before that was written.
FORGOTTEN_SECONDS = 600.0
# The channel is not ours to keep any more.
_GONE = ("channel_not_found", "is_archived", "not_in_channel")
# What an administrator can mend; that one person can't be invited is nobody's concern.
_TO_BE_SET = ("missing_scope", "restricted_action")
_READ = ("updated_at", "opened_at", "severity", "room")


class Service(Protocol):
    """What opens channels: :class:`.services.slack_rooms.SlackRooms`, which says what they do."""

    def create(self, name: str, is_private: bool) -> str: ...
    def find(self, name: str, is_private: bool) -> str: ...
    def unarchive(self, channel: str) -> None: ...
    def set_topic(self, channel: str, topic: str) -> None: ...
    def invite(self, channel: str, people: Sequence[str]) -> None: ...
    def pin(self, channel: str, ts: str) -> None: ...
    def archive(self, channel: str) -> None: ...


class _Enough(Exception):
    """The turn's requests are made."""


class _NotYet(Exception):
    """This room has to wait, and no other."""


@dataclass
class _Turn:
    """What one turn goes by. Each use of ``slack`` is a request; raises _Enough after the last."""

    make: Callable[[], Service]
    chosen: Slack
    routing: Routing
    web_url: str
    left: int = REQUESTS
    made: Optional[Service] = None

    @property
    def slack(self) -> Service:
        if not self.left:
            raise _Enough
        self.made = self.made or self.make()
        self.left -= 1
        return self.made


class Rooms:
    """Looks after all rooms. One lives as long as its process; ``say`` logs what went wrong."""

    def __init__(self, stores: Stores, clock: Clock, say: Callable[[str], None]) -> None:
        self._stores = stores
        self._clock = clock
        self._say = say
        self._read_to: Optional[float] = None
        self._rests_until = 0.0

    def run(
        self, make: Callable[[], Service], chosen: Slack, routing: Routing, web_url: str
    ) -> Mapping[str, int]:
        """Do what is to be done, as much as a turn may; returns counts. Raises what stores raise.

        ``make`` may raise NotConfigured; ``chosen`` are the settings of Slack.
        """
        self._want(chosen)
        # A time that lies further ahead was set before the clock was put back.
        if 0 < self._rests_until - self._clock.now() <= LONGEST_REST_SECONDS:
            return {}
        turn, opened = _Turn(make, chosen, routing, web_url), 0
        try:
            opened = self._see_to_all(turn)
            if opened:
                # Who is to be in it need not wait for the next turn.
                self._see_to_all(turn)
        except (_Enough, NotConfigured):
            pass
        except Later as later:
            self._rests_until = self._clock.now() + max(later.after, REST_SECONDS)
            self._say(str(later))
        return {"rooms_opened": opened}

    # --- which incidents get one --------------------------------------------------------------

    def _want(self, chosen: Slack) -> None:
        """Have rooms opened for what is as grave as the settings say, up to so many an hour."""
        if not chosen.room_severities:
            return
        now = self._clock.now()
        since = min(self._read_to or now - LOOK_BACK_SECONDS, now) - OVERLAP_SECONDS
        grave = any_of("severity", chosen.room_severities)
        query = {"$and": [{"updated_at": {"$gte": since}}, grave, IS_OPEN]}
        found = self._stores.incidents.find(query, "updated_at:1,_key:1", MOST_READ, fields=_READ)
        new = [
            one
            for one in found
            if stands(one.get("room") or {}, "", ARCHIVED)
            and now - float(one["opened_at"]) >= SETTLES_SECONDS
        ]
        new.sort(key=lambda one: (urgency(one["severity"]), float(one["opened_at"])))
        for one in new[:MOST_AT_ONCE]:
            self._want_one(one, chosen)
        if len(new) <= MOST_AT_ONCE:
            self._read_to = now if len(found) < MOST_READ else float(found[-1]["updated_at"])

    def _want_one(self, incident: Document, chosen: Slack) -> None:
        key, severity = str(incident["_key"]), incident["severity"]
        if self._takes_place(key, chosen.room_per_hour):
            with suppress(IllegalMove, NotFound):
                reason = f"Incidents that are {severity} get one."
                rooms.want(self._stores, self._clock, key, ACTOR, reason)
            return
        number = int((incident.get("room") or {}).get("number") or 0) + 1
        reason = (
            f"No channel of its own was opened by itself: {chosen.room_per_hour} were in this hour "
            "already. It is opened when somebody asks for it."
        )
        rooms.note(self._stores, self._clock, key, HELD, number, reason=reason)

    def _takes_place(self, incident_id: str, most: int) -> bool:
        """Whether an incident is among the first so many of the hour; counted by claims."""
        now = self._clock.now()
        purpose = f"{HOUR}:{int(now // 3600)}"
        taken = self._stores.claims.find({"purpose": purpose})
        if any(one["holder"] == incident_id for one in taken):
            return True
        keys = {str(one["_key"]) for one in taken}
        for key in (f"{purpose}:{place}" for place in range(most)):
            claim = claim_document(key, now, purpose=purpose, holder=incident_id)
            if key not in keys and self._stores.claims.insert(claim):
                return True
        return False

    def _see_to_all(self, turn: _Turn) -> int:
        opened = 0
        for care, incident in self._in_care():
            with suppress(_NotYet):
                opened += self._see_to(turn, care, incident)
        return opened

    # --- one room -----------------------------------------------------------------------------

    def _in_care(self) -> Iterator[Tuple[Document, Document]]:
        """Give the claims of rooms with their incidents: what waits for its room comes first."""
        found = self._stores.claims.find({"purpose": ROOM}, "_key:-1", MOST_ROOMS)
        holders = [str(one["holder"]) for one in found]
        known = {str(one["_key"]): one for one in find_by(self._stores.incidents, "_key", holders)}
        pairs = [(one, known[one["holder"]]) for one in found if one["holder"] in known]
        pairs.sort(key=lambda pair: _place(*pair))
        yield from pairs

    def _see_to(self, turn: _Turn, care: Document, incident: Document) -> int:
        room = incident.get("room") or {}
        if stands(room, WANTED):
            return self._open(turn, str(incident["_key"]))
        if stands(room, OPEN):
            value = dict(care["value"])
            try:
                self._keep(turn, value, incident)
            except Refused as refused:
                self._left(incident, GONE, str(refused))
            finally:
                if value != care["value"] and self._stores.claims.get(care["_key"]):
                    self._stores.claims.save([{**care, "value": value}])
        # By the timeline: whoever wanted it may have been ended before the document.
        elif self._clock.now() - float(care["time"]) > FORGOTTEN_SECONDS and not rooms.on_its_way(
            self._stores, str(incident["_key"])
        ):
            self._stores.claims.delete(care["_key"])
        return 0

    def _open(self, turn: _Turn, incident_id: str) -> int:
        """Open the channel of an incident that is to have one; returns how many were."""
        entries = timeline.read(self._stores, incident_id)
        incident = timeline.fold(entries)
        room, note = incident.room, (self._stores, self._clock, incident_id)
        if not stands(room, WANTED):
            timeline.refresh(self._stores, incident_id)
            return 0
        if not incident.is_open:
            reason = "It was over before its channel was opened."
            rooms.note(*note, FAILED, room["number"], reason=reason)
            return 0
        try:
            channel, name = self._unarchived(turn, room) or self._created(turn, entries, room)
        except (Refused, NotConfigured) as refused:
            rooms.note(*note, FAILED, room["number"], reason=str(refused))
            self._refused(str(refused))
            return 0
        rooms.note(*note, OPEN, room["number"], channel=channel, name=name)
        self._stores.claims.delete(ROOM_REFUSED)
        return 1

    def _unarchived(self, turn: _Turn, room: Document) -> Optional[Tuple[str, str]]:
        """Have the last channel back, if this app had archived it and Slack lets it."""
        if not room.get("channel"):
            return None
        try:
            turn.slack.unarchive(room["channel"])
        except Refused:
            return None
        return room["channel"], room["name"]

    def _created(self, turn: _Turn, entries: Sequence[Entry], room: Document) -> Tuple[str, str]:
        claim = self._named(turn.chosen, entries, int(room.get("count") or 0) + 1)
        name, is_private = str(claim["value"]["name"]), bool(claim["value"]["is_private"])
        number = int(claim["value"]["number"])
        for one in range(number, number + SUFFIXES):
            full = numbered(name, one)
            try:
                return turn.slack.create(full, is_private), full
            except Refused as refused:
                if refused.error != "name_taken":
                    raise
            found = turn.slack.find(full, is_private)
            if found:
                # By an attempt whose answer was lost, or by another worker in this moment.
                return found, full
            if 0 <= self._clock.now() - float(claim["time"]) < LISTED_SECONDS:
                raise _NotYet
        raise Refused("name_taken", f"Slack has channels named {name} already, and up to {full}.")

    def _named(self, chosen: Slack, entries: Sequence[Entry], number: int) -> Document:
        """Claim the name before anything is opened: another worker's, or an older one, counts."""
        incident_id = entries[0].incident_id
        value = {
            "name": name_of(chosen.room_name, entries),
            "number": number,
            "is_private": chosen.room_private,
        }
        key = f"{claims_of(incident_id)}name:{number}"
        claim = claim_document(key, self._clock.now(), value, purpose=NAMED, holder=incident_id)
        if self._stores.claims.insert(claim):
            return claim
        return self._stores.claims.get(key) or claim

    def _keep(self, turn: _Turn, value: Dict[str, Any], incident: Document) -> None:
        """Have a room be as it should; ``value``: what it is known to be. Raises Refused: gone."""
        if value.get("head") != incident["head"]:
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
        self, turn: _Turn, value: Dict[str, Any], incident: Document, _entries: Sequence[Entry]
    ) -> bool:
        topic, now = topic_of(incident, turn.web_url), self._clock.now()
        if value.get("topic") == topic:
            return True
        if 0 <= now - float(value.get("topic_at") or 0.0) < TOPIC_SECONDS:
            return False
        self._do(lambda: turn.slack.set_topic(incident["room"]["channel"], topic))
        value.update(topic=topic, topic_at=now)
        return True

    def _people(
        self, turn: _Turn, value: Dict[str, Any], incident: Document, entries: Sequence[Entry]
    ) -> bool:
        known: List[str] = value.setdefault("invited", [])
        people = people_of(entries, turn.routing, self._clock.now())
        new = [one for one in people if one not in known][:INVITED_AT_ONCE]
        if new:
            self._do(lambda: turn.slack.invite(incident["room"]["channel"], new))
            value["invited"] = [*known, *new]
        return True

    def _pin(
        self, turn: _Turn, value: Dict[str, Any], incident: Document, entries: Sequence[Entry]
    ) -> bool:
        """Pin the first message, which has the link to the incident's page."""
        if value.get("pinned"):
            return True
        opened = opening_of(entries, incident["room"])
        first = self._stores.outbox.get(first_message_id(opened, incident["room"]))
        if first is None:
            # What is a day old is not announced any more.
            return self._clock.now() - opened.time > ANNOUNCED_SECONDS
        if first["state"] in ("pending", "sending"):
            return False
        receipt = first["receipt"] or {}
        ts = str(receipt.get("ts") or "")
        if ts and receipt.get("channel") == incident["room"]["channel"]:
            # The scope pins:write is a wish and no more.
            self._do(lambda: turn.slack.pin(incident["room"]["channel"], ts), is_wish=True)
        value["pinned"] = True
        return True

    def _archive(self, turn: _Turn, value: Mapping[str, Any], incident: Document) -> None:
        """Archive the channel of what was closed long enough ago, once all is told there."""
        into, key = str(incident.get("merged_into") or ""), str(incident["_key"])
        after = MERGED_SECONDS if into else turn.chosen.room_archive_after
        if not after:
            self._stores.claims.delete(f"{claims_of(key)}care")
            return
        coming = {"incident_id": key, "$or": [{"state": "pending"}, {"state": "sending"}]}
        has_time = self._clock.now() - float(value["ended_at"]) < after
        if not has_time and not self._stores.outbox.find(coming, limit=1):
            turn.slack.archive(incident["room"]["channel"])
            why = f"It was merged into {into}." if into else "The incident is closed."
            self._left(incident, ARCHIVED, why)

    def _left(self, incident: Document, event: str, reason: str) -> None:
        """Write down that a room is not kept any more, and forget it."""
        key, room = str(incident["_key"]), incident["room"]
        rooms.note(self._stores, self._clock, key, event, room["number"], reason=reason)
        self._stores.claims.delete(f"{claims_of(key)}care")

    def _do(self, step: Callable[[], None], is_wish: bool = False) -> None:
        """Take a step that a room can do without. Raises Refused where the channel is gone."""
        try:
            step()
        except Refused as refused:
            if refused.error in _GONE:
                raise
            if refused.error in _TO_BE_SET and not is_wish:
                self._refused(str(refused))

    def _refused(self, sentence: str) -> None:
        now = self._clock.now()
        self._stores.claims.save([claim_document(ROOM_REFUSED, now, {"sentence": sentence})])


def _place(care: Document, incident: Document) -> Tuple[bool, int, float]:
    is_wanted = stands(incident.get("room") or {}, WANTED)
    return not is_wanted, urgency(incident.get("severity")), float(care["time"])
