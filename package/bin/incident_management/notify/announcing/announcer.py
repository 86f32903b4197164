"""Turns timeline entries into notifications: for which channels, and in what order.

The announcer reads the entries since a checkpoint, less an overlap that covers clock differences
and late inserts: a minute in each round, and more once a minute. An entry has one notification for
each channel, and the notification's key is made of both. So reading an entry twice enqueues nothing
twice. The entries of one incident are enqueued in the timeline's order. An entry that was lost and
restored may be older than the overlap, so a note names it (:mod:`.restored`).

Entries older than a day are no longer news. For an incident without notifications for that long,
only its current state is announced (:mod:`.late`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import (
    Callable,
    Collection,
    Dict,
    Iterable,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Set,
    Tuple,
)

from ...incidents import timeline
from ...incidents.entry_validation import is_readable
from ...incidents.routing import Routing
from ...incidents.stored_shapes import readable_analysis
from ...incidents.stores import chunks, claim_document, find_by, readable_claim
from ...overlap import Overlap
from ...ports import Clock, Document, Stores
from ..current_state import newest_analysis_id
from ..delivery.outbox import Outbox
from . import late, restored
from .audience import Audience, AudienceState
from .follow_up_tickets import FollowUpTickets
from .notifier import News, Notifier
from .storms import Storms
from .summaries import Summaries

__all__ = ["Announcer", "worker_seen"]

CHECKPOINT = "worker:announce:checkpoint"
# Without news the checkpoint is written this often. Entries after it are read again until then.
IDLE_SAVE_SECONDS = 30.0
# Entries older than this are no longer news.
OLDEST_SECONDS = 24 * 3600.0
# An incident is opened and routed in two entries: its message waits until the team is known.
ROUTING_WAIT_SECONDS = 10.0
REMEMBERED = 20_000
# How many incidents one turn announces; the next turn, seconds later, takes the rest. The entries
# of READ_AT_ONCE incidents are read in one call.
MAX_AT_ONCE = 500
READ_AT_ONCE = 100
# The overlap is read in every round, so only the fields that decide whether an entry is news are.
_LOOKED_AT = ("incident_id", "kind", "time")
# The checkpoint and the notes of restored entries, read in one call.
_CLAIMS: Document = {"$or": [{"_key": CHECKPOINT}, {"purpose": restored.RESTORED}]}
# Entries about notifications cause no notifications.
_SILENT = {"notification"}


@dataclass(frozen=True)
class _Checkpoint:
    """Up to when all is announced (epoch seconds; 0: nothing is), and the audience's state."""

    time: float
    hearing: AudienceState


def worker_seen(stores: Stores) -> Optional[float]:
    """Return up to when the worker has announced entries (epoch seconds); None: it never has."""
    known = stores.claims.get(CHECKPOINT)
    return float(readable_claim(known)["time"]) if known else None


class Announcer:
    """Enqueues the notifications that the routing asks for."""

    def __init__(
        self,
        stores: Stores,
        clock: Clock,
        outbox: Outbox,
        say: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        self._stores = stores
        self._clock = clock
        self._storms = Storms(stores, clock, outbox)
        self._summaries = Summaries(stores, clock, outbox)
        self._tickets = FollowUpTickets(stores, outbox)
        self._say = say
        self._overlap = Overlap(clock)
        self._told: Set[str] = set()
        # Whether another process may already have announced what this process sees first.
        self._behind = True

    def run(
        self,
        routing: Routing,
        web_url: str,
        set_up: Callable[[], Collection[str]],
        read_subscriptions: Callable[[], Mapping[str, Document]] = dict,
    ) -> int:
        """Announce everything new; return how many notifications were enqueued.

        Args:
            routing: an :class:`incident_management.incidents.routing.Routing`.
            web_url: base URL of Splunk Web, for links; may be empty.
            set_up: returns the channels that are set up; called when there is news.
            read_subscriptions: returns the signed webhooks, by id; called when there is news, and
                when the checkpoint is written.
        """
        now, (known, notes) = self._clock.now(), self._claims()
        oldest, overlap = now - OLDEST_SECONDS, self._overlap.seconds()
        recent = self._fresh(self._since(max(known.time - overlap, oldest)), oldest)
        returned = restored.entries(self._stores, notes, _LOOKED_AT)
        back = self._fresh(returned, oldest)
        fresh = {key: [*recent.get(key, ()), *back.get(key, ())] for key in {**recent, **back}}
        missed = self._missed(known.time, oldest)
        if not (fresh or missed or notes) and 0 <= now - known.time < IDLE_SAVE_SECONDS:
            self._behind = False
            self._overlap.was_read(overlap)
            return 0
        turn = _Turn.of(fresh, now)
        there = self._on_the_outbox(turn.ready) if self._behind or back else set()
        self._behind = turn.has_more
        # Taken before the settings are read: what happens from here on may be announced there.
        moment = self._clock.now()
        channels = set_up() if turn.ready or missed else routing.channel_names
        subscriptions = read_subscriptions()
        hearing = known.hearing.without(routing.channel_names, channels, moment)
        hearing = hearing.under(routing, subscriptions, known.time)
        audience = Audience(routing, subscriptions, channels, hearing)
        self._storms.begin({*turn.ready, *missed})
        notifier = Notifier(self._stores, self._storms, audience, there, web_url)
        added = self._announce_late(notifier, missed, known.time) + self._announce(
            notifier, turn, fresh
        )
        self._save_checkpoint(_Checkpoint(turn.announced_to(recent, now), hearing))
        told = {str(one["_key"]) for one in returned if one.get("incident_id") not in turn.waiting}
        restored.delete_done(self._stores, notes, told, oldest)
        self._overlap.was_read(overlap)
        return added

    def _claims(self) -> Tuple[_Checkpoint, Sequence[Document]]:
        """Read the checkpoint and the notes of restored entries."""
        found = self._stores.claims.find(_CLAIMS)
        checkpoints = [readable_claim(one) for one in found if one["_key"] == CHECKPOINT]
        known = checkpoints[0] if checkpoints else readable_claim({})
        hearing = AudienceState.from_document(known["value"])
        notes = [one for one in found if one["_key"] != CHECKPOINT]
        return _Checkpoint(float(known["time"]), hearing), notes

    def _save_checkpoint(self, checkpoint: _Checkpoint) -> None:
        self._stores.claims.save(
            [claim_document(CHECKPOINT, checkpoint.time, checkpoint.hearing.to_document())]
        )

    def summarize(self, web_url: str) -> Mapping[str, int]:
        """Announce in summaries the notifications that were too many to send singly."""
        return self._summaries.run(web_url)

    def _since(self, moment: float) -> List[Document]:
        return self._stores.timeline.find({"time": {"$gte": moment}}, "time:1", fields=_LOOKED_AT)

    def _fresh(self, entries: Iterable[Document], oldest: float) -> Dict[str, List[Document]]:
        """Return, by incident, the entries that are news and not yet announced by this process."""
        if len(self._told) > REMEMBERED:
            self._told.clear()
        fresh: Dict[str, List[Document]] = {}
        for entry in entries:
            if entry["_key"] in self._told or not is_readable(entry, _LOOKED_AT):
                continue
            if entry["kind"] not in _SILENT and entry["time"] >= oldest:
                fresh.setdefault(entry["incident_id"], []).append(entry)
        return fresh

    def _on_the_outbox(self, incident_ids: Sequence[str]) -> Set[str]:
        """Return the keys of these incidents' notifications that are on the outbox.

        A process that starts finds most of the overlap there. Without this read, it would try to
        insert each of them in vain, with one call each.
        """
        found = find_by(self._stores.outbox, "incident_id", incident_ids, fields=("_key",))
        return {str(document["_key"]) for document in found}

    def _read(self, incident_ids: Sequence[str]) -> Iterator[Tuple[str, News]]:
        """Yield each incident with its entries and newest analysis, reading many in one call."""
        for some in chunks(incident_ids, READ_AT_ONCE):
            found = timeline.read_many(self._stores, some)
            named = {key: newest_analysis_id(entries) for key, entries in found.items()}
            wanted = sorted(set(named.values()) - {""})
            analyses = {
                str(one["_key"]): readable_analysis(one)
                for one in find_by(self._stores.analyses, "_key", wanted)
            }
            for key, entries in found.items():
                yield key, News(entries, analyses.get(named[key]))

    def _announce(
        self, notifier: Notifier, turn: _Turn, fresh: Mapping[str, Sequence[Document]]
    ) -> int:
        """Announce the new entries of the incidents that are ready in this turn."""
        added = 0
        for incident_id, news in self._read(turn.ready):
            keys = {str(entry["_key"]) for entry in fresh[incident_id]}
            added += notifier.announce(news, keys)
            if any(entry["kind"] == "follow_up" for entry in fresh[incident_id]):
                added += self._tickets.enqueue_for(news.entries, notifier.routing, notifier.web_url)
            self._told |= keys
        return added

    def _missed(self, since: float, oldest: float) -> Mapping[str, Sequence[Document]]:
        """Return, by incident, the entries since ``since`` that are no longer news.

        Also records on the timelines which stakeholder updates were never sent.
        """
        if since >= oldest:
            return {}
        missed = late.missed(self._stores, since, oldest)
        if since > 0:
            late.record_undelivered_updates(self._stores, self._clock, since, oldest)
        return missed

    def _announce_late(
        self, notifier: Notifier, missed: Mapping[str, Sequence[Document]], since: float
    ) -> int:
        """Announce the current state of incidents whose entries are too old, and log a summary."""
        if not missed:
            return 0
        added = incidents = 0
        heard = self._notified_before(missed)
        wanted = [key for key in missed if heard[key] or not late.ends(missed[key])]
        for incident_id, news in self._read(wanted):
            keys = {str(one["_key"]) for one in missed[incident_id]}
            entry = late.current_entry(news.entries, keys)
            if entry:
                told = notifier.announce_late(news, entry, heard[incident_id])
                self._told.add(entry.key)
                added, incidents = added + told, incidents + bool(told)
        self._say(late.summary(since, OLDEST_SECONDS, incidents, len(missed) - incidents))
        return added

    def _notified_before(self, incident_ids: Collection[str]) -> Mapping[str, Set[str]]:
        """Return, for each incident, the channels that were notified of it before."""
        heard: Dict[str, Set[str]] = {key: set() for key in incident_ids}
        fields = ("incident_id", "channel", "stakeholders")
        for one in find_by(self._stores.outbox, "incident_id", incident_ids, fields=fields):
            if not one.get("stakeholders"):
                heard[one["incident_id"]].add(str(one["channel"]))
        return heard


class _Turn(NamedTuple):
    """The incidents that one turn announces: ``ready``, in the order of their entries.

    ``waiting`` are left for later turns. ``has_more``: there were too many for one turn.
    """

    ready: Sequence[str]
    waiting: Collection[str]
    has_more: bool

    @classmethod
    def of(cls, fresh: Mapping[str, Sequence[Document]], now: float) -> _Turn:
        waiting = {key for key, entries in fresh.items() if _awaits_routing(entries, now)}
        ready = [key for key in fresh if key not in waiting]
        left = ready[MAX_AT_ONCE:]
        return cls(ready[:MAX_AT_ONCE], waiting.union(left), bool(left))

    def announced_to(self, recent: Mapping[str, Sequence[Document]], now: float) -> float:
        """Return up to when everything is announced: now, or the millisecond before what waits.

        ``recent`` excludes restored entries: their note stays until they are announced.
        """
        waiting = (one for key in self.waiting for one in recent.get(key, ()))
        return min([now, *(one["time"] - 0.001 for one in waiting)])


def _awaits_routing(entries: Sequence[Document], now: float) -> bool:
    """Return whether an incident was opened so recently that its team is not known yet."""
    kinds = {entry["kind"] for entry in entries}
    opened = [entry["time"] for entry in entries if entry["kind"] == "opened"]
    return bool(opened) and "routed" not in kinds and now - max(opened) < ROUTING_WAIT_SECONDS
