"""Opens a room for a grave incident, a Slack channel of its own, keeps it, and archives it.

Which incidents have or get one is in their timelines; each of those has a claim ``slack room:…``,
by which it is found here. What the worker does in Slack it may do again after a kill at any line:
a topic, an invitation, a pin and an archive are the same when repeated, and a channel's name is
claimed before the channel is opened. Slack gives a name once: who finds it taken looks whether it
was us, so that neither a lost answer nor two workers make two channels of one incident.

Opened automatically: :mod:`.auto_open`. Kept up to date: :mod:`.maintenance`. Messages there:
:mod:`.messages`. Messages that Slack rejects there go to the team's channel.
"""

from __future__ import annotations

from typing import Callable, Iterator, Mapping, Sequence, Set, Tuple

from ...incidents import incident_channel, timeline
from ...incidents.act import Act
from ...incidents.incident_channel import CHANNEL_CLAIM, claim_prefix
from ...incidents.incident_channel_state import FAILED, OPEN, WANTED, is_in_state
from ...incidents.model import ACTOR, Entry
from ...incidents.routing import Routing
from ...incidents.stores import claim_document, find_by
from ...outside.network import NotConfigured
from ...ports import Clock, Document, Stores
from ...splunk.configuration.channel_settings import Slack
from ..delivery.turns import urgency
from ..refusals import CHANNEL_REFUSED, record_channel_refusal
from ..services.slack_channels import Later, Refused
from .auto_open import AutoOpener
from .maintenance import ChannelKeeper
from .plan import name_of, numbered
from .turn import Enough, NotYet, Service, Turn

__all__ = ["EVERY_SECONDS", "IncidentChannels"]

EVERY_SECONDS = 10.0
# How long Slack is left alone after a failure that is not the room's, unless it asks for more.
REST_SECONDS = 30.0
LONGEST_REST_SECONDS = 4000.0
NAMED = "slack room name"
MOST_ROOMS = 2000
# A channel may be in Slack's list a moment after it was opened.
LISTED_SECONDS = 120.0
SUFFIXES = 5
# Somebody was about to want a room, and was ended before that was written.
FORGOTTEN_SECONDS = 600.0
_READ = ("id", "severity", "status", "owner", "roles", "rules", "merged_into", "head", "room")


class IncidentChannels:
    """Looks after all rooms. One lives as long as its process; ``say`` logs what went wrong."""

    def __init__(self, stores: Stores, clock: Clock, say: Callable[[str], None]) -> None:
        self._stores = stores
        self._clock = clock
        self._act = Act(stores, clock, ACTOR)
        self._say = say
        self._auto_opener = AutoOpener(stores, clock)
        self._keeper = ChannelKeeper(stores, clock)
        self._rests_until = 0.0
        # Whether there were rooms to look after at the last look; a new process does not know.
        self._has_rooms = True
        # IncidentChannels at which Slack failed come last, until a turn does without.
        self._put_off: Set[str] = set()

    def run(
        self,
        make: Callable[[], Service],
        chosen: Slack,
        routing: Routing,
        web_url: str,
        changed: bool = True,
    ) -> Mapping[str, int]:
        """Do what is to be done, as much as a turn may; returns counts. Raises what stores raise.

        ``make`` may raise NotConfigured; ``chosen`` are the settings of Slack; ``changed``: whether
        an incident with a room, or that is to have one, has changed lately.
        """
        self._auto_opener.look(chosen)
        if not (chosen.room_severities or changed or self._has_rooms):
            return {}
        # A time that lies further ahead was set before the clock was put back.
        if 0 < self._rests_until - self._clock.now() <= LONGEST_REST_SECONDS:
            return {}
        turn, opened = Turn(make, chosen, routing, web_url), 0
        try:
            opened = self._see_to_all(turn)
            if opened:
                # Who is to be in it need not wait for the next turn.
                self._see_to_all(turn)
            self._put_off.clear()
        except (Enough, NotConfigured):
            pass
        except Later as later:
            self._rests_until = self._clock.now() + max(later.after, REST_SECONDS)
            self._say(str(later))
        return {"rooms_opened": opened}

    def _see_to_all(self, turn: Turn) -> int:
        opened = 0
        for care, incident in self._in_care():
            try:
                opened += self._see_to(turn, care, incident)
            except NotYet:
                pass
            except Later:
                self._put_off.add(str(care["_key"]))
                raise
        return opened

    def _in_care(self) -> Iterator[Tuple[Document, Document]]:
        """Give the claims of rooms with their incidents: what waits for its room comes first."""
        found = self._stores.claims.find({"purpose": CHANNEL_CLAIM}, "_key:-1", MOST_ROOMS)
        self._has_rooms = bool(found)
        holders = [str(one["holder"]) for one in found]
        incidents = find_by(self._stores.incidents, "_key", holders, fields=_READ)
        known = {str(one["_key"]): one for one in incidents}
        pairs = [(one, known[one["holder"]]) for one in found if one["holder"] in known]
        pairs.sort(key=lambda pair: self._place(*pair))
        yield from pairs

    def _place(self, care: Document, incident: Document) -> Tuple[bool, bool, int, float]:
        is_put_off = str(care["_key"]) in self._put_off
        has_room = not is_in_state(incident.get("room") or {}, WANTED)
        return is_put_off, has_room, urgency(incident.get("severity")), float(care["time"])

    def _see_to(self, turn: Turn, care: Document, incident: Document) -> int:
        """See to one room; returns how many were opened."""
        room = incident.get("room") or {}
        if is_in_state(room, WANTED):
            return self._open(turn, str(incident["_key"]))
        if is_in_state(room, OPEN):
            self._keeper.see_to(turn, care, incident)
        # By the timeline: whoever wanted it may have been ended before the document.
        elif self._clock.now() - float(
            care["time"]
        ) > FORGOTTEN_SECONDS and not incident_channel.find_requested(
            self._stores, str(incident["_key"])
        ):
            self._stores.claims.delete(care["_key"])
        return 0

    # --- opening one --------------------------------------------------------------------------

    def _open(self, turn: Turn, incident_id: str) -> int:
        """Open the channel of an incident that is to have one; returns how many were."""
        entries = timeline.read(self._stores, incident_id)
        incident = timeline.fold(entries)
        room = incident.room
        if not is_in_state(room, WANTED):
            timeline.refresh(self._stores, incident_id)
            return 0
        nth = int(room.get("count") or 0) + 1
        # Where the answer was lost, its channel is there, and is archived as others are.
        if not (incident.is_open or self._may_be_there(turn, incident_id, nth)):
            reason = "It was over before its channel was opened."
            incident_channel.record_event(
                self._act, incident_id, FAILED, room["number"], reason=reason
            )
            return 0
        try:
            channel, name = self._created(turn, entries, nth)
        except (Refused, NotConfigured) as refused:
            incident_channel.record_event(
                self._act, incident_id, FAILED, room["number"], reason=str(refused)
            )
            record_channel_refusal(self._stores, self._clock, str(refused))
            return 0
        incident_channel.record_event(
            self._act, incident_id, OPEN, room["number"], channel=channel, name=name
        )
        self._stores.claims.delete(CHANNEL_REFUSED)
        return 1

    def _created(self, turn: Turn, entries: Sequence[Entry], number: int) -> Tuple[str, str]:
        """Return the id and name of the incident's ``number``th channel, opened by now."""
        claim = self._named(turn.chosen, entries, number)
        value = claim["value"]
        name = numbered(str(value["name"]), int(value["number"]))
        is_private = bool(value["is_private"])
        try:
            return turn.slack.create(name, is_private), name
        except Refused as refused:
            if refused.error != "name_taken":
                raise
        found = turn.slack.find(name, is_private)
        if found:
            # By an attempt whose answer was lost, or by another worker in this moment.
            return found, name
        if not 0 <= self._clock.now() - float(claim["time"]) < LISTED_SECONDS:
            if int(value["number"]) + 1 >= number + SUFFIXES:
                raise Refused("name_taken", f"Slack has channels named {value['name']}, to {name}.")
            # The next name may be ours as well, once it was tried: it has its time from now.
            value = {**value, "number": int(value["number"]) + 1}
            self._stores.claims.save([{**claim, "time": self._clock.now(), "value": value}])
        raise NotYet

    def _may_be_there(self, turn: Turn, incident_id: str, number: int) -> bool:
        """Whether an attempt to open a channel has left one."""
        claim = self._stores.claims.get(f"{claim_prefix(incident_id)}name:{number}")
        if claim is None:
            return False
        value = claim["value"]
        name = numbered(str(value["name"]), int(value["number"]))
        return bool(turn.slack.find(name, bool(value["is_private"])))

    def _named(self, chosen: Slack, entries: Sequence[Entry], number: int) -> Document:
        """Claim the name before anything is opened: another worker's, or an older one, counts."""
        incident_id = entries[0].incident_id
        value = {
            "name": name_of(chosen.room_name, entries),
            "number": number,
            "is_private": chosen.room_private,
        }
        key = f"{claim_prefix(incident_id)}name:{number}"
        claim = claim_document(key, self._clock.now(), value, purpose=NAMED, holder=incident_id)
        if self._stores.claims.insert(claim):
            return claim
        return self._stores.claims.get(key) or claim
