"""From signals to incidents, in few KV calls, safe to repeat after any interruption.

The signals are sorted (:mod:`.sorting`) and planned for (:mod:`.planning`), and the episodes that
the plan begins are claimed (:mod:`.ledger`). The order of writing makes a repeat harmless: the
episodes' claims, the timeline entries, the incident documents, and last the signals. A signal that
is stored has been counted; one that is not stored may have been, which the timeline of the claim's
incident then shows.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Dict, List, Mapping, Optional, Sequence

from ...ports import Clock, Document, Stores
from .. import lifecycle, timeline
from ..errors import Contended
from ..fold import SIGNAL_KINDS
from ..grouping import Topology
from ..identity import new_incident_id
from ..joining import execution
from ..model import ACTOR, Entry, Incident
from ..routing import Routing
from ..signal import TEXT_CHARACTERS, Signal, show_hidden_characters
from ..story import LATE_SECONDS, Story, StoryCache
from .batch import Batch, Outcome
from .drafts import Drafts
from .episodes import Episodes
from .ledger import Ledger, Page, ledger_of
from .planning import Planner
from .reading import Reader
from .sorting import Sorted, Sorting

__all__ = ["ByHand", "Ingest", "Outcome"]

# Of two writers that claim at once one wins, so this many can't all lose for long.
CLAIM_ROUNDS = 50


@dataclass(frozen=True)
class ByHand:
    """What a person says of an incident; ``fields`` are custom ones, their values as kept."""

    title: str
    description: str = ""
    severity: str = "medium"
    entities: Sequence[str] = ()
    fields: Mapping[str, str] = field(default_factory=dict)


class Ingest:
    """Turns signals into incidents; ``remembered`` are stories known from earlier calls."""

    def __init__(
        self,
        stores: Stores,
        clock: Clock,
        routing: Routing,
        topology: Optional[Topology] = None,
        remembered: Optional[StoryCache] = None,
    ) -> None:
        known = remembered if remembered is not None else StoryCache()
        self._stores = stores
        self._clock = clock
        self._remembered = known
        self._ledger = Ledger(stores, clock)
        self._episodes = Episodes(stores, known)
        self._sorting = Sorting(stores, self._ledger, Reader(stores, known))
        self._planner = Planner(
            stores, clock, routing, topology or Topology(), known, self._episodes
        )
        self._drafts = Drafts(clock, routing)
        self._fields = routing.fields

    def ingest(self, signals: Sequence[Signal], actor: str = ACTOR) -> List[Outcome]:
        """Take signals in; returns an outcome for each, in order.

        May be called again with the same signals, in whole or in part, after any failure: the end
        state is that of one undisturbed call. Raises what the stores raise.
        """
        signals = [self._with_fields(signal) if signal.fields else signal for signal in signals]
        found = self._sorting.sort(signals)
        batch = self._claimed_plan(found, actor)
        batch.stored.extend(found.suppressed)
        self._require_soon(batch)
        were_open = [entry for entry in batch.new if _adds_to_open(entry, batch)]
        timeline.write(self._stores, batch.new)
        changed = {incident_id: batch.stories[incident_id] for incident_id in batch.touched}
        timeline.save_documents(self._stores, changed, self._remembered.monotonic)
        self._reopen_unseen(were_open, changed)
        batch.follow_merges(execution.forward_arrivals(self._stores, self._clock, changed))
        self._remembered.put({**batch.stories, **changed})
        self._episodes.remember(found.problems, {**batch.stories, **changed})
        if batch.stored:
            self._stores.signals.save(sorted(batch.stored, key=itemgetter("_key")))
        if found.suppressed:
            self._ingest_counted(found, batch, actor)
        return batch.outcomes_for(signals)

    def _with_fields(self, signal: Signal) -> Signal:
        """Keep of a signal's custom fields those that there are; what does not fit, it tells."""
        fields, wrong = self._fields.fitting(signal.fields)
        said = [signal.description, *wrong] if wrong else [signal.description]
        text = "\n".join(filter(None, said))[:TEXT_CHARACTERS]
        return replace(signal, fields=fields, description=text)

    def open_by_hand(self, said: ByHand, actor: str, unique: str, began: float = 0.0) -> Incident:
        """Open an incident that no signal raised; ``unique`` names the request.

        A repeat of the request that began at ``began`` (epoch seconds; 0: now) finds its incident.
        """
        day = began or self._clock.now()
        incident_id = new_incident_id(day, f"manual:{unique}")
        data: Document = {
            "title": show_hidden_characters(said.title),
            "description": show_hidden_characters(said.description),
            "severity": said.severity,
            "entities": list(said.entities),
            "rule": "",
            "dedup_key": "",
            "signals": {},
            "search": {},
            "previous": "",
            **({"fields": dict(said.fields)} if said.fields else {}),
        }
        batch = Batch(actor)
        batch.add_stories(timeline.load(self._stores, [incident_id]))
        if not batch.stories[incident_id].keys:
            self._drafts.draft(batch, incident_id, "opened", data, "opened")
        self._drafts.route(batch, incident_id)
        timeline.write(self._stores, batch.new)
        return timeline.refresh(self._stores, incident_id)

    def _claimed_plan(self, found: Sorted, actor: str) -> Batch:
        """Plan where all signals go, and claim the episodes that the plan begins.

        Losing a claim means that another writer began one of them: the plan is made anew.
        Raises Contended when that goes on and on.
        """
        problems = found.problems
        self._episodes.find([p for p in problems if not self._episodes.recall(p)], {})
        newest: Dict[str, Page] = {}
        for _round in range(CLAIM_ROUNDS):
            batch = self._planner.plan(problems, found.outcomes, actor)
            if not batch.claims:
                return batch
            if not newest:
                newest = self._ledger.newest(ledger_of(problem.first) for problem in problems)
                if self._episodes.find(problems, newest):
                    continue
            if self._ledger.take(batch.claims, newest, actor):
                return batch
            newest = self._ledger.newest(newest)
            self._episodes.find(problems, newest)
        raise Contended("Too many writers open incidents of one rule at once; send it again.")

    def _reopen_unseen(self, written: Sequence[Entry], stories: Mapping[str, Story]) -> None:
        """Reopen what was resolved since the plan by somebody who did not see its findings."""
        for entry in written:
            incident = stories[entry.incident_id].incident
            if incident is not None and incident.status == "resolved":
                reason = "A finding came while it was resolved."
                lifecycle.reopen_if_finding_unseen(self._stores, self._clock, entry, reason)

    def _ingest_counted(self, found: Sorted, batch: Batch, actor: str) -> None:
        """Take in after all what was just stored as held back, and that an incident counts."""
        beside = self._sorting.suppressed_but_counted(found)
        for signal in beside:
            self._stores.signals.delete(signal.key)
        for outcome in self.ingest(beside, actor) if beside else ():
            batch.outcomes[outcome.signal_key] = outcome

    def _require_soon(self, batch: Batch) -> None:
        """Raise Contended when the plan is so old that others may not look for its entries."""
        if self._remembered.monotonic() - batch.began > LATE_SECONDS / 2:
            raise Contended("Reading the timelines took too long to write to them; send it again.")


def _adds_to_open(entry: Entry, batch: Batch) -> bool:
    incident = batch.incident(entry.incident_id)
    return entry.kind in SIGNAL_KINDS and incident is not None and incident.is_open
