"""Plan where each problem's signals go: which episode, which incident, which entries.

A plan reads and drafts, but writes nothing. It is made again if one of its claims is lost.
"""

from __future__ import annotations

from typing import Dict, List, Mapping, Sequence, Set, Tuple

from ...ports import Clock, Stores
from ..grouping import Join, Topology
from ..identity import episode_claim, new_incident_id
from ..model import Incident
from ..routing import Routing
from ..signal import Signal
from ..story import Story, StoryCache
from ..upkeep.retention import pruned
from . import conditions
from .batch import Batch, Outcome, Problem
from .drafts import Drafts
from .episodes import Episodes
from .joins import Joins, group_identical
from .ledger import Claim, ledger_of
from .reading import Reader

__all__ = ["Planner"]

# The clock of the process that claimed the newest episode may be this far behind.
CLOCKS_APART_SECONDS = 60.0


class Planner:
    """Decides where signals go; ``episodes`` looks up again what is remembered and in doubt."""

    def __init__(
        self,
        stores: Stores,
        clock: Clock,
        routing: Routing,
        topology: Topology,
        remembered: StoryCache,
        episodes: Episodes,
    ) -> None:
        self._stores = stores
        self._clock = clock
        self._routing = routing
        self._monotonic = remembered.monotonic
        self._episodes = episodes
        self._reader = Reader(stores, remembered)
        self._joins = Joins(stores, routing, topology, self._reader)
        self._drafts = Drafts(clock, routing)

    def plan(self, problems: Sequence[Problem], stored: Mapping[str, Outcome], actor: str) -> Batch:
        """Decide where each problem's signals go, and draft the entries.

        Writes nothing, and leaves the problems as they are.
        """
        batch = Batch(actor, problems, began=self._monotonic(), outcomes=dict(stored))
        self._reader.read(batch, [p.incident_id for p in problems if p.incident_id])
        going_on, rest = self._episodes.split_ongoing(problems, batch)
        problems = [problem.copy() for problem in rest]
        self._reread_uncertain(problems, batch)
        self._mark_deleted(problems, batch)
        for problem in problems:
            self._follow_merges(problem, batch)
        problems = self._apply_gates(self._uncounted(problems, batch), batch)
        fresh_ids = self._unused_ids(problems, batch)
        rest = self._add_to_open([*going_on, *problems], batch)
        # Reopened incidents come first, so that new problems can join them.
        for alike in group_identical(sorted(rest, key=lambda p: not self._adds(p, batch))):
            self._place_identical(alike, batch, fresh_ids)
        return batch

    def _reread_uncertain(self, problems: Sequence[Problem], batch: Batch) -> None:
        doubtful = self._episodes.forget_doubtful(problems, batch)
        if doubtful:
            self._episodes.find(doubtful, {})
            self._reader.read(batch, [p.incident_id for p in doubtful if p.incident_id])

    def _mark_deleted(self, problems: Sequence[Problem], batch: Batch) -> None:
        """Mark problems whose incident was deleted by age; others' entries may still be written."""
        missing = [p for p in problems if p.incident_id and batch.incident(p.incident_id) is None]
        left = pruned(self._stores, [problem.incident_id for problem in missing])
        for problem in missing:
            problem.deleted = problem.incident_id in left

    def _follow_merges(self, problem: Problem, batch: Batch) -> None:
        """Follow the merges of the newest episode's incident to the incident at their end."""
        passed = {""}
        incident = batch.incident(problem.incident_id)
        while incident is not None and incident.merged_into not in passed:
            passed.add(incident.merged_into)
            problem.incident_id = incident.merged_into
            problem.incidents.append(problem.incident_id)
            self._reader.read(batch, [problem.incident_id])
            incident = batch.incident(problem.incident_id)

    def _uncounted(self, problems: Sequence[Problem], batch: Batch) -> List[Problem]:
        """Record signals that an ended episode has counted, and return the rest.

        This happens if a delivery was killed before its last step and is repeated. Only a signal
        from before the newest episode can belong to an earlier one, so their timelines are rarely
        read.
        """
        late = [problem for problem in problems if self._is_late(problem)]
        self._reader.read(batch, sorted({i for problem in late for i in problem.incidents}))
        over = {
            problem.dedup_key: self._with_merge_targets(problem.incidents, batch)
            for problem in late
        }
        for problem in problems:
            newest = batch.incident(problem.incident_id)
            is_over = newest is not None and not newest.is_open
            earlier = over.get(problem.dedup_key, set()) - {problem.incident_id}
            for incident_id in sorted({*earlier, *([problem.incident_id] if is_over else ())}):
                story = batch.stories[incident_id]
                counted = [signal for signal in problem.signals if story.counts(signal.key)]
                problem.signals = [s for s in problem.signals if not story.counts(s.key)]
                if counted:
                    batch.record(counted, incident_id, "added")
                    batch.touched.add(incident_id)
        return [problem for problem in problems if problem.signals]

    def _with_merge_targets(self, incident_ids: Sequence[str], batch: Batch) -> Set[str]:
        """Return these incidents, and those that they were merged into."""
        found: Set[str] = set()
        wanted = set(incident_ids)
        while wanted:
            self._reader.read(batch, sorted(wanted))
            found |= wanted
            incidents = [batch.incident(one) for one in wanted]
            wanted = {one.merged_into for one in incidents if one and one.merged_into} - found
        return found

    @staticmethod
    def _is_late(problem: Problem) -> bool:
        # Its incident may be older: an episode may join an incident that was already open.
        until = problem.claimed_at + CLOCKS_APART_SECONDS
        return problem.episode > 1 and any(one.last_time <= until for one in problem.signals)

    def _apply_gates(self, problems: Sequence[Problem], batch: Batch) -> List[Problem]:
        """Return the problems that may add to or open an incident, with the signals that may."""
        passing = []
        for problem in problems:
            if problem.gate is not None:
                story = batch.stories.get(problem.incident_id)
                adds = self._adds(problem, batch)
                chosen, waiting = conditions.choose(problem.signals, problem.gate, story, adds)
                batch.keep_waiting(waiting)
                problem.signals = chosen
            if problem.signals:
                passing.append(problem)
        # A problem that goes with another one comes after it.
        return sorted(passing, key=lambda p: bool(p.gate and p.gate.with_problem))

    def _unused_ids(self, problems: Sequence[Problem], batch: Batch) -> Dict[str, str]:
        """Choose an id for each problem that begins an episode; two problems never share one."""
        chosen: Dict[str, str] = {}
        for problem in problems:
            if not self._adds(problem, batch):
                claim = episode_claim(problem.dedup_key, problem.episode + 1)
                chosen[problem.dedup_key] = new_incident_id(self._clock.now(), claim)
        opening = sorted(chosen)
        self._reader.read(batch, [chosen[key] for key in opening])
        used: Set[str] = set()
        for key in opening:
            salt = 0
            while chosen[key] in used or _opened_for_another(batch.stories[chosen[key]], key):
                salt += 1
                chosen[key] = new_incident_id(self._clock.now(), f"{key}#{salt}")
                self._reader.read(batch, [chosen[key]])
            used.add(chosen[key])
        return chosen

    def _adds(self, problem: Problem, batch: Batch) -> bool:
        """Tell whether the newest episode takes these signals, so that no new one is needed."""
        if not problem.incident_id or problem.deleted:
            return False
        incident = batch.incident(problem.incident_id)
        return incident is None or incident.is_open or self._is_late_or_recurring(problem, incident)

    def _is_late_or_recurring(self, problem: Problem, incident: Incident) -> bool:
        """Tell whether a resolved incident accepts signals: from before its end, or soon after."""
        if incident.status != "resolved" or incident.resolved_at is None:
            return False
        return problem.last_time - incident.resolved_at <= self._routing.reopen_window

    def _add_to_open(self, problems: Sequence[Problem], batch: Batch) -> List[Problem]:
        """Add to the incidents that are open, one entry for each and its rule; return the rest."""
        incidents = [story.incident for story in batch.stories.values()]
        open_ids = {incident.id for incident in incidents if incident and incident.is_open}
        adding: Dict[Tuple[str, str, str], List[Signal]] = {}
        rest = []
        for problem in problems:
            if problem.incident_id in open_ids:
                first, incident_id = problem.first, problem.incident_id
                batch.placed[problem.dedup_key] = incident_id
                adding.setdefault((incident_id, first.app, first.rule), []).extend(problem.signals)
            else:
                rest.append(problem)
        for (incident_id, _app, _rule), signals in adding.items():
            self._drafts.add(Problem("", signals), batch, incident_id, "added")
        return rest

    def _place_identical(
        self, alike: Sequence[Problem], batch: Batch, fresh_ids: Mapping[str, str]
    ) -> None:
        """Place problems that can't be told apart: the rest joins the incident of the second."""
        first, *rest = alike
        self._place(first, batch, fresh_ids)
        join = self._joins.find(rest[0], batch) if rest else None
        if join:
            self._join(rest, batch, join)
            return
        for problem in rest:
            self._place(problem, batch, fresh_ids)

    def _place(self, problem: Problem, batch: Batch, fresh_ids: Mapping[str, str]) -> None:
        """Decide where one problem's signals go, and draft the entries."""
        known = problem.incident_id and not problem.deleted
        if known and self._add_to_episode(problem, batch):
            self._record_placement([problem], batch, problem.incident_id)
            return
        join = self._joins.find(problem, batch)
        if join:
            self._join([problem], batch, join)
            return
        previous, wanted = problem.incident_id, fresh_ids[problem.dedup_key]
        batch.claims.append(_next_episode(problem, wanted))
        self._drafts.open_or_add(problem, batch, wanted, previous)
        self._record_placement([problem], batch, wanted)

    def _join(self, problems: Sequence[Problem], batch: Batch, join: Join) -> None:
        """Begin an episode of each problem that joins an incident, with one entry for all."""
        signals = [signal for problem in problems for signal in problem.signals]
        batch.claims.extend(_next_episode(problem, join.incident_id) for problem in problems)
        self._drafts.add(Problem("", signals), batch, join.incident_id, "added", join.reason)
        self._record_placement(problems, batch, join.incident_id)

    def _record_placement(
        self, problems: Sequence[Problem], batch: Batch, incident_id: str
    ) -> None:
        batch.placed.update((problem.dedup_key, incident_id) for problem in problems)
        self._joins.offer(incident_id, batch)

    def _add_to_episode(self, problem: Problem, batch: Batch) -> bool:
        """Add to the newest episode. False: it is over, and a new one must begin."""
        incident = batch.incident(problem.incident_id)
        if incident is None:
            # The writer that claimed it was killed, or has not written yet.
            self._drafts.open_or_add(problem, batch, problem.incident_id, problem.previous)
            return True
        if incident.is_open:
            self._drafts.add(problem, batch, incident.id, "added")
            return True
        if not self._is_late_or_recurring(problem, incident):
            return False
        since = problem.last_time - (incident.resolved_at or 0.0)
        if since > 0:
            self._drafts.reopen(problem, batch, incident, since)
        self._drafts.add(problem, batch, incident.id, "reopened" if since > 0 else "added")
        return True


def _next_episode(problem: Problem, incident_id: str) -> Claim:
    ledger, episode = ledger_of(problem.first), problem.episode + 1
    return Claim(ledger, problem.dedup_key, episode, incident_id, problem.incident_id)


def _opened_for_another(story: Story, dedup_key: str) -> bool:
    """Tell whether an id belongs to another problem's incident."""
    return bool(story.opened_for) and dedup_key not in story.opened_for
