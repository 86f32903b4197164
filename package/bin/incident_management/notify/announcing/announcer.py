"""Timeline entries become notifications: who wants to hear of what, and in what order.

Reads the entries since a checkpoint, less an overlap that covers clocks that differ and inserts
that came late: of a minute in each round, and once a minute of more. An entry has one notification
a channel, whose key is made of both, so reading an entry again puts nothing more on the outbox. The
entries of one incident are put there in the timeline's order. An entry that was lost and brought
back may be older than the overlap: a note names it (:mod:`.restored`).

What is older than a day is no news any more: of an incident that nobody was told of for so long,
only where it stands is told (:mod:`.late`).
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
# The checkpoint, and the notes of what was brought back: read in one call.
_CLAIMS: Document = {"$or": [{"_key": CHECKPOINT}, {"purpose": restored.RESTORED}]}
# Entries about telling are not told.
_SILENT = {"notification"}


@dataclass(frozen=True)
class _Checkpoint:
    """Up to when all was announced, in epoch seconds (0: nothing was), and who heard it."""

    time: float
    hearing: AudienceState


def worker_seen(stores: Stores) -> Optional[float]:
    """Return up to when the worker has looked for what is to be told; None: it has not yet."""
    known = stores.claims.get(CHECKPOINT)
    return float(readable_claim(known)["time"]) if known else None


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
        self._storms = Storms(stores, clock, outbox)
        self._summaries = Summaries(stores, clock, outbox)
        self._tickets = FollowUpTickets(stores, outbox)
        self._say = say
        self._overlap = Overlap(clock)
        self._told: Set[str] = set()
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
        # Before the settings are read: what happens from here on may be told there later.
        moment = self._clock.now()
        channels = set_up() if turn.ready or missed else routing.channel_names
        subscriptions = read_subscriptions()
        hearing = known.hearing.without(routing.channel_names, channels, moment)
        hearing = hearing.under(routing, subscriptions, known.time)
        audience = Audience(routing, subscriptions, channels, hearing)
        self._storms.begin({*turn.ready, *missed})
        notifier = Notifier(self._stores, self._storms, audience, there, web_url)
        added = self._tell_late(notifier, missed, known.time) + self._tell(notifier, turn, fresh)
        self._save_checkpoint(_Checkpoint(turn.announced_to(recent, now), hearing))
        told = {str(one["_key"]) for one in returned if one.get("incident_id") not in turn.waiting}
        restored.delete_done(self._stores, notes, told, oldest)
        self._overlap.was_read(overlap)
        return added

    def _claims(self) -> Tuple[_Checkpoint, Sequence[Document]]:
        """Read the checkpoint, and the notes of what was brought back."""
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
        """Tell in summaries what was too much to be told one by one."""
        return self._summaries.run(web_url)

    def _since(self, moment: float) -> List[Document]:
        return self._stores.timeline.find({"time": {"$gte": moment}}, "time:1", fields=_LOOKED_AT)

    def _fresh(self, entries: Iterable[Document], oldest: float) -> Dict[str, List[Document]]:
        """Those of some entries that are news and that this process has not announced."""
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
        """The notifications of some incidents: a process that begins finds most of the overlap.

        Each would else be inserted in vain, one call for each.
        """
        found = find_by(self._stores.outbox, "incident_id", incident_ids, fields=("_key",))
        return {str(document["_key"]) for document in found}

    def _read(self, incident_ids: Sequence[str]) -> Iterator[Tuple[str, News]]:
        """Yield incidents with their entries and newest analysis, many of them a call."""
        for some in chunks(incident_ids, READ_AT_ONCE):
            found = timeline.read_many(self._stores, some)
            named = {key: newest_analysis_id(entries) for key, entries in found.items()}
            wanted = sorted(set(named.values()) - {""})
            analyses = {
                str(one["_key"]): one for one in find_by(self._stores.analyses, "_key", wanted)
            }
            for key, entries in found.items():
                yield key, News(entries, analyses.get(named[key]))

    def _tell(
        self, notifier: Notifier, turn: _Turn, fresh: Mapping[str, Sequence[Document]]
    ) -> int:
        """Tell of what is new, of the incidents whose turn it is."""
        added = 0
        for incident_id, news in self._read(turn.ready):
            keys = {str(entry["_key"]) for entry in fresh[incident_id]}
            added += notifier.tell(news, keys)
            if any(entry["kind"] == "follow_up" for entry in fresh[incident_id]):
                added += self._tickets.tell(news.entries, notifier.routing, notifier.web_url)
            self._told |= keys
        return added

    def _missed(self, since: float, oldest: float) -> Mapping[str, Sequence[Document]]:
        """What happened since then and is no news any more, by incident; says so of updates."""
        if since >= oldest:
            return {}
        missed = late.missed(self._stores, since, oldest)
        if since > 0:
            late.record_undelivered_updates(self._stores, self._clock, since, oldest)
        return missed

    def _tell_late(
        self, notifier: Notifier, missed: Mapping[str, Sequence[Document]], since: float
    ) -> int:
        """Tell where the incidents stand of which nothing was told for too long, and say so."""
        if not missed:
            return 0
        added = incidents = 0
        heard = self._heard_before(missed)
        wanted = [key for key in missed if heard[key] or not late.ends(missed[key])]
        for incident_id, news in self._read(wanted):
            keys = {str(one["_key"]) for one in missed[incident_id]}
            entry = late.standing(news.entries, keys)
            if entry:
                told = notifier.tell_late(news, entry, heard[incident_id])
                self._told.add(entry.key)
                added, incidents = added + told, incidents + bool(told)
        self._say(late.summary(since, OLDEST_SECONDS, incidents, len(missed) - incidents))
        return added

    def _heard_before(self, incident_ids: Collection[str]) -> Mapping[str, Set[str]]:
        """The channels that were told of incidents before, for each of them."""
        heard: Dict[str, Set[str]] = {key: set() for key in incident_ids}
        fields = ("incident_id", "channel", "stakeholders")
        for one in find_by(self._stores.outbox, "incident_id", incident_ids, fields=fields):
            if not one.get("stakeholders"):
                heard[one["incident_id"]].add(str(one["channel"]))
        return heard


class _Turn(NamedTuple):
    """What one turn tells of: ``ready`` incidents, in the order of their entries.

    ``waiting`` are for later ones; ``has_more``: there were too many for one.
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
        """All is announced up to now, or to the millisecond before what waits.

        ``recent`` is without what was brought back, for which its note stays meanwhile.
        """
        waiting = (one for key in self.waiting for one in recent.get(key, ()))
        return min([now, *(one["time"] - 0.001 for one in waiting)])


def _awaits_routing(entries: Sequence[Document], now: float) -> bool:
    """Whether an incident was opened so recently that its team is not known yet."""
    kinds = {entry["kind"] for entry in entries}
    opened = [entry["time"] for entry in entries if entry["kind"] == "opened"]
    return bool(opened) and "routed" not in kinds and now - max(opened) < ROUTING_WAIT_SECONDS
