"""Opens incident channels: Slack channels of single severe incidents.

The incidents' timelines say which have or get a channel. Each of those has a claim ``slack room:…``
by which it is found here. The worker may repeat all its steps in Slack after a kill at any line: a
topic, an invitation, a pin and an archive are the same when repeated, and a channel's name is
claimed before the channel is opened. Slack gives a name once: a process that finds it taken checks
whether this app took it, so that neither a lost answer nor two workers open two channels for one
incident.

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
# The pause after a failure that is not the channel's, unless Slack asks for a longer one.
REST_SECONDS = 30.0
LONGEST_REST_SECONDS = 4000.0
NAMED = "slack room name"
MOST_ROOMS = 2000
# Slack's list may show a channel only a moment after it was opened.
LISTED_SECONDS = 120.0
SUFFIXES = 5
# By then a claim without a request on the timeline was left by a process that died in between.
FORGOTTEN_SECONDS = 600.0
_READ = ("id", "severity", "status", "owner", "roles", "rules", "merged_into", "head", "room")


class IncidentChannels:
    """Maintains all incident channels, as long as its process lives; ``say`` logs failures."""

    def __init__(self, stores: Stores, clock: Clock, say: Callable[[str], None]) -> None:
        self._stores = stores
        self._clock = clock
        self._act = Act(stores, clock, ACTOR)
        self._say = say
        self._auto_opener = AutoOpener(stores, clock)
        self._keeper = ChannelKeeper(stores, clock)
        self._rests_until = 0.0
        # Whether the last turn found channels to maintain; a new process does not know.
        self._has_rooms = True
        # Channels for which Slack failed come last, until a turn succeeds.
        self._put_off: Set[str] = set()

    def run(
        self,
        make: Callable[[], Service],
        chosen: Slack,
        routing: Routing,
        web_url: str,
        changed: bool = True,
    ) -> Mapping[str, int]:
        """Do the due steps, within a turn's limits; return counts. Raises what the stores raise.

        ``make`` may raise NotConfigured; ``chosen`` are the settings of Slack; ``changed``: whether
        an incident with a channel, or that is to get one, has changed lately.
        """
        self._auto_opener.request_channels(chosen)
        if not (chosen.room_severities or changed or self._has_rooms):
            return {}
        # A time further ahead was set before the clock was set back.
        if 0 < self._rests_until - self._clock.now() <= LONGEST_REST_SECONDS:
            return {}
        turn, opened = Turn(make, chosen, routing, web_url), 0
        try:
            opened = self._run_all(turn)
            if opened:
                # People are invited to a new channel without waiting for the next turn.
                self._run_all(turn)
            self._put_off.clear()
        except (Enough, NotConfigured):
            pass
        except Later as later:
            self._rests_until = self._clock.now() + max(later.after, REST_SECONDS)
            self._say(str(later))
        return {"rooms_opened": opened}

    def _run_all(self, turn: Turn) -> int:
        opened = 0
        for care, incident in self._in_care():
            try:
                opened += self._run_one(turn, care, incident)
            except NotYet:
                pass
            except Later:
                self._put_off.add(str(care["_key"]))
                raise
        return opened

    def _in_care(self) -> Iterator[Tuple[Document, Document]]:
        """Yield the claims of channels with their incidents; those to be opened come first."""
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

    def _run_one(self, turn: Turn, care: Document, incident: Document) -> int:
        """Do one channel's due steps; return how many channels were opened."""
        room = incident.get("room") or {}
        if is_in_state(room, WANTED):
            return self._open(turn, str(incident["_key"]))
        if is_in_state(room, OPEN):
            self._keeper.run_steps(turn, care, incident)
        # Checked on the timeline: the requesting process may have died before it wrote the
        # document.
        elif self._clock.now() - float(
            care["time"]
        ) > FORGOTTEN_SECONDS and not incident_channel.find_requested(
            self._stores, str(incident["_key"])
        ):
            self._stores.claims.delete(care["_key"])
        return 0

    # --- opening one --------------------------------------------------------------------------

    def _open(self, turn: Turn, incident_id: str) -> int:
        """Open the requested channel of an incident; return how many were opened."""
        entries = timeline.read(self._stores, incident_id)
        incident = timeline.fold(entries)
        room = incident.room
        if not is_in_state(room, WANTED):
            timeline.refresh(self._stores, incident_id)
            return 0
        nth = int(room.get("count") or 0) + 1
        # A channel whose creation had its answer lost exists, and is archived like any other.
        if not (incident.is_open or self._may_be_there(turn, incident_id, nth)):
            reason = "The incident was over before its channel was opened."
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
        """Open the incident's ``number``th channel, or find it opened; return its id and name."""
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
            # Opened by an attempt whose answer was lost, or by another worker just now.
            return found, name
        if not 0 <= self._clock.now() - float(claim["time"]) < LISTED_SECONDS:
            if int(value["number"]) + 1 >= number + SUFFIXES:
                raise Refused(
                    "name_taken", f"Slack already has the channels {value['name']} to {name}."
                )
            # A channel of the next name may be ours, too, once it was tried, so its time begins
            # now.
            value = {**value, "number": int(value["number"]) + 1}
            self._stores.claims.save([{**claim, "time": self._clock.now(), "value": value}])
        raise NotYet

    def _may_be_there(self, turn: Turn, incident_id: str, number: int) -> bool:
        """Return whether an earlier attempt has opened the channel."""
        claim = self._stores.claims.get(f"{claim_prefix(incident_id)}name:{number}")
        if claim is None:
            return False
        value = claim["value"]
        name = numbered(str(value["name"]), int(value["number"]))
        return bool(turn.slack.find(name, bool(value["is_private"])))

    def _named(self, chosen: Slack, entries: Sequence[Entry], number: int) -> Document:
        """Claim the name before anything is opened; an existing claim, of any worker, counts."""
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
