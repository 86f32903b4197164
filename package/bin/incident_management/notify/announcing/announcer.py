"""Timeline entries become notifications: who wants to hear of what, and in what order.

Reads the entries since a checkpoint, less an overlap that covers clocks that differ and inserts
that came late: of a minute in each round, and once a minute of more. An entry has one notification
a channel, whose key is made of both, so reading an entry again puts nothing more on the outbox. The
entries of one incident are put there in the timeline's order.

What is older than a day is no news any more: of an incident that nobody was told of for so long,
only where it stands is told (:mod:`.late`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import (
    Any,
    Callable,
    Collection,
    Dict,
    Iterator,
    List,
    Mapping,
    Optional,
    Sequence,
    Set,
    Tuple,
)

from ...incidents import timeline
from ...incidents.model import Entry
from ...incidents.routing import Member, Routing
from ...incidents.stores import chunks, claim_document, find_by
from ...overlap import Overlap
from ...ports import Clock, Document, Stores
from ..delivery.outbox import Outbox, notification_id, order_of
from ..events import FOLLOW_UP_OVERDUE, ROOM_OPENED, event_of
from ..message import TITLE_LENGTH, Message, build, one_line
from ..rooms.messages import Place, first_message, key_of, placed
from ..services.slack_buttons import ASKING
from ..services.webhook import PREFIX
from ..standing import newest_analysis_id
from . import late
from .audience import Audience, Hearing
from .follow_up_tickets import FollowUpTickets
from .stakeholders import SUBSCRIBERS, Telling
from .storms import Storms

__all__ = ["Announcer", "worker_seen"]

CHECKPOINT = "worker:announce:checkpoint"
# Without news the checkpoint is written this often: what comes after it is read again meanwhile.
IDLE_SAVE_SECONDS = 30.0
# What is older than this is no news any more.
OLDEST_SECONDS = 24 * 3600.0
# An incident is opened and routed in two entries: its message waits for the team.
ROUTING_WAIT_SECONDS = 10.0
REMEMBERED = 20_000
# The incidents that one turn tells of; the next one, seconds later, goes on. The entries of so many
# are read together.
MAX_AT_ONCE = 500
READ_AT_ONCE = 100
# The overlap is read again and again: of its entries no more than says whether they are news.
_LOOKED_AT = ("incident_id", "kind", "time")
# What is news for an incident's owner, or its follow-up's.
_CALLING = ("assigned", FOLLOW_UP_OVERDUE, *ASKING)
# Entries about telling are not told.
_SILENT = {"notification"}


@dataclass(frozen=True)
class _Checkpoint:
    """Up to when all was announced, in epoch seconds (0: nothing was), and who heard it."""

    time: float
    hearing: Hearing


def worker_seen(stores: Stores) -> Optional[float]:
    """Return up to when the worker has looked for what is to be told; None: it has not yet."""
    known = stores.claims.get(CHECKPOINT)
    return float(known["time"]) if known else None


class Announcer:
    """Puts on the outbox what the routing wants told."""

    def __init__(
        self,
        stores: Stores,
        clock: Clock,
        outbox: Outbox,
        say: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        self._stores = stores
        self._clock = clock
        self._outbox = outbox
        self._storms = Storms(stores, clock, outbox)
        self._tickets = FollowUpTickets(stores, outbox)
        self._say = say
        self._overlap = Overlap(clock)
        self._told: Set[str] = set()
        # Notifications that are on the outbox already, of what is announced now.
        self._there: Set[str] = set()
        # Whether what is new to this process may have been announced by another one.
        self._behind = True

    def run(
        self,
        routing: Routing,
        web_url: str,
        set_up: Callable[[], Collection[str]],
        read_subscriptions: Callable[[], Mapping[str, Document]] = dict,
    ) -> int:
        """Announce everything new; returns how many notifications were put on the outbox.

        Args:
            routing: an :class:`incident_management.incidents.routing.Routing`.
            web_url: base URL of Splunk Web, for links; may be empty.
            set_up: gives the channels that somebody has set up; asked when there is news.
            read_subscriptions: gives the signed webhooks, by id; asked when there is news, and
                when the checkpoint is written.
        """
        now = self._clock.now()
        known = self._checkpoint()
        oldest = now - OLDEST_SECONDS
        if len(self._told) > REMEMBERED:
            self._told.clear()
        seconds = self._overlap.seconds()
        fresh = self._fresh(max(known.time - seconds, oldest))
        missed = late.missed(self._stores, known.time, oldest) if known.time < oldest else {}
        if 0 < known.time < oldest:
            late.note_untold(self._stores, self._clock, known.time, oldest)
        if not (fresh or missed) and 0 <= now - known.time < IDLE_SAVE_SECONDS:
            self._overlap.was_read(seconds)
            self._behind = False
            return 0
        waiting = {key for key, entries in fresh.items() if _awaits_routing(entries, now)}
        # In the order of their entries: what is too much for one turn waits for the next ones.
        ready = [key for key in fresh if key not in waiting]
        waiting.update(ready[MAX_AT_ONCE:])
        is_behind = len(ready) > MAX_AT_ONCE
        ready = ready[:MAX_AT_ONCE]
        self._there = self._on_the_outbox(ready) if self._behind else set()
        self._behind = is_behind
        # Before the settings are read: what happens from here on may be told there later.
        moment = self._clock.now()
        there = set_up() if ready or missed else routing.channel_names
        hearing = known.hearing.without(routing.channel_names, there, moment)
        subscriptions = read_subscriptions()
        hearing = hearing.under(routing, subscriptions, known.time)
        audience = Audience(routing, subscriptions, there, hearing)
        self._storms.begin({*ready, *missed})
        added = self._announce_late(missed, audience, web_url, known.time)
        for incident_id, entries, analysis in self._read(ready):
            keys = {entry["_key"] for entry in fresh[incident_id]}
            added += self._announce(keys, entries, analysis, audience, web_url)
            if any(entry["kind"] == "follow_up" for entry in fresh[incident_id]):
                added += self._tickets.tell(entries, routing, web_url)
        # All is announced up to now, or to the millisecond before what waits.
        before = [entry["time"] - 0.001 for key in waiting for entry in fresh[key]]
        self._save_checkpoint(_Checkpoint(min([now, *before]), hearing))
        self._overlap.was_read(seconds)
        return added

    def _checkpoint(self) -> _Checkpoint:
        document = self._stores.claims.get(CHECKPOINT) or {"time": 0.0, "value": {}}
        return _Checkpoint(float(document["time"]), Hearing.from_document(document["value"]))

    def _save_checkpoint(self, checkpoint: _Checkpoint) -> None:
        self._stores.claims.save(
            [claim_document(CHECKPOINT, checkpoint.time, checkpoint.hearing.to_document())]
        )

    def summarize(self, web_url: str) -> Mapping[str, int]:
        """Tell in summaries what was too much to be told one by one."""
        return self._storms.run(web_url)

    def _fresh(self, since: float) -> Dict[str, List[Document]]:
        """Entries since then that this process has not announced, by incident."""
        fresh: Dict[str, List[Document]] = {}
        recent = {"time": {"$gte": since}}
        for entry in self._stores.timeline.find(recent, "time:1", fields=_LOOKED_AT):
            if entry["_key"] not in self._told and entry["kind"] not in _SILENT:
                fresh.setdefault(entry["incident_id"], []).append(entry)
        return fresh

    def _on_the_outbox(self, incident_ids: Sequence[str]) -> Set[str]:
        """The notifications of some incidents: a process that begins finds most of the overlap.

        Each would else be inserted in vain, one call for each.
        """
        found = find_by(self._stores.outbox, "incident_id", incident_ids, fields=("_key",))
        return {str(document["_key"]) for document in found}

    def _read(
        self, incident_ids: Sequence[str]
    ) -> Iterator[Tuple[str, List[Entry], Optional[Document]]]:
        """Yield incidents with their entries and newest analysis, many of them a call."""
        for some in chunks(incident_ids, READ_AT_ONCE):
            found = timeline.read_many(self._stores, some)
            named = {key: newest_analysis_id(entries) for key, entries in found.items()}
            wanted = sorted(set(named.values()) - {""})
            analyses = {
                str(one["_key"]): one for one in find_by(self._stores.analyses, "_key", wanted)
            }
            for key, entries in found.items():
                yield key, entries, analyses.get(named[key])

    def _announce_late(
        self,
        missed: Mapping[str, Sequence[Document]],
        audience: Audience,
        web_url: str,
        since: float,
    ) -> int:
        """Tell where the incidents stand of which nothing was told for too long, and say so."""
        if not missed:
            return 0
        added = incidents = 0
        heard: Dict[str, Set[str]] = {key: set() for key in missed}
        earlier = ("incident_id", "channel", "stakeholders")
        for document in find_by(self._stores.outbox, "incident_id", missed, fields=earlier):
            if not document.get("stakeholders"):
                heard[document["incident_id"]].add(str(document["channel"]))
        wanted = [key for key in missed if heard[key] or not late.ends(missed[key])]
        for incident_id, entries, analysis in self._read(wanted):
            keys = {str(one["_key"]) for one in missed[incident_id]}
            entry = late.standing(entries, keys)
            if entry:
                still = heard[incident_id]
                told = self._announce({entry.key}, entries, analysis, audience, web_url, still)
                added, incidents = added + told, incidents + bool(told)
        self._say(late.summary(since, OLDEST_SECONDS, incidents, len(missed) - incidents))
        return added

    def _announce(
        self,
        wanted: Set[str],
        entries: Sequence[Entry],
        analysis: Optional[Document],
        audience: Audience,
        web_url: str,
        heard: Optional[Set[str]] = None,
    ) -> int:
        """Announce some of an incident's entries, by their keys, as it stands now.

        ``heard``: the channels that were told of it before, of what is told late. That it is over
        is told late only there.
        """
        incident = timeline.fold(entries).to_document()
        analysis = analysis if incident.get("cause") else None
        team = str(incident.get("team") or "")
        opened_as = next((one.data.get("title") for one in entries if one.kind == "opened"), "")
        telling = Telling(self._stores, audience.routing, incident, entries)
        shown = audience.routing.fields.shown_in("messages")
        added = 0
        said = timeline.effective(entries)
        for index, entry in enumerate(said):
            if entry.key not in wanted:
                continue
            if entry.data.get("handover") and entry.data["owner"] != incident.get("owner"):
                # Somebody began, or got it otherwise, in that moment: who came on call has it not.
                continue
            if entry.data.get("vacant") and _was_taken(entry, said[: index + 1]):
                continue
            document = entry.to_document()
            message = build(incident, document, analysis, web_url, shown).to_document()
            message["opened_as"] = one_line(opened_as, TITLE_LENGTH)
            channels: Collection[str] = list(audience.channels(entry, message, team))
            if heard is not None:
                if late.is_over(message):
                    channels = [one for one in channels if one in heard]
                message = late.told_late(message)
            if message["event"] == "severity" and not message["eased"]:
                # A summary does not show that one of those it told of has become worse.
                together = self._storms.told_together(entry.incident_id)
                channels = [*channels, *(one for one in together if one in audience.set_up)]
            if entry.kind == "update":
                outside = telling.message_for(SUBSCRIBERS, entry).to_document()
            hears = "slack" in audience.routing.channels(message["event"], "", audience.set_up)
            room = incident.get("room") or {}
            places = placed(channels, entry, message["event"], room, hears)
            for place in places:
                is_outside = entry.kind == "update" and place.channel.startswith(PREFIX)
                told = outside if is_outside else message
                if place.room and message["event"] == ROOM_OPENED:
                    told = first_message(incident, said, analysis, web_url, shown)
                added += self._enqueue(place, entry, told, audience.routing, team)
            if heard is None:
                own = [place.channel for place in places if not place.room]
                added += self._tell_stakeholders(telling, entry, own, audience, team)
        self._told |= wanted
        return added

    def _tell_stakeholders(
        self,
        telling: Telling,
        entry: Entry,
        channels: Collection[str],
        audience: Audience,
        team: str,
    ) -> int:
        """Tell those who do not work on it; ``channels`` tell those who do."""
        routing = audience.routing

        def enqueue(channel: str, place: str, key: str, message: Message) -> bool:
            if notification_id(entry.identity, channel, key) in self._there:
                return False
            return self._storms.enqueue(
                routing,
                team,
                source=entry.identity,
                channel=channel,
                event=message.event,
                message=message.to_document(),
                incident_id=entry.incident_id,
                target=place,
                order=order_of(entry),
                key_target=key,
            )

        own = {name: routing.target(team, name) for name in channels}
        return telling.tell(entry, audience.hears, own, enqueue)

    def _enqueue(
        self,
        place: Place,
        entry: Entry,
        message: Document,
        routing: Routing,
        team: str,
    ) -> bool:
        """Put a message on the outbox."""
        channel, event = place.channel, event_of(entry.to_document())
        key = key_of(event, place.room)
        if notification_id(entry.identity, channel, key) in self._there:
            return False
        owner = _called(entry, message, routing)
        if owner:
            message = {**message, "mention": owner.known_as(channel)}
        notification: Dict[str, Any] = {
            "source": entry.identity,
            "channel": channel,
            "event": event,
            "message": message,
            "incident_id": entry.incident_id,
            "target": routing.target(team, channel),
            "order": order_of(entry),
        }
        if place.room:
            extra = {
                **{"team": team, "in_room": True},
                **{"room": place.room, "otherwise": place.otherwise},
            }
            return self._outbox.enqueue(**notification, key_target=key, extra=extra)
        return self._storms.enqueue(routing, team, **notification)


def _called(entry: Entry, message: Document, routing: Routing) -> Optional[Member]:
    """Return the owner where they are asked to act, and did not do this themselves."""
    if entry.actor == message["owner"] or message["event"] not in _CALLING:
        return None
    return routing.members.get(str(message["owner"]))


def _was_taken(given: Entry, until: Sequence[Entry]) -> bool:
    """Whether somebody was faster than the app, which gave an incident that had nobody."""
    return bool(timeline.fold(until).owner != given.data["owner"])


def _awaits_routing(entries: Sequence[Document], now: float) -> bool:
    """Whether an incident was opened so recently that its team is not known yet."""
    kinds = {entry["kind"] for entry in entries}
    opened = [entry["time"] for entry in entries if entry["kind"] == "opened"]
    return bool(opened) and "routed" not in kinds and now - max(opened) < ROUTING_WAIT_SECONDS
