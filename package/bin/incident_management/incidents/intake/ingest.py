"""From signals to incidents, in few KV calls, safe to repeat after any interruption.

The order of writing makes a repeat harmless: the episode's claim, the timeline entries, the
incident documents, and last the signals. A signal that is stored has been counted; one that is not
stored may have been, which the timeline of the claim's incident then shows.
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple

from ...ports import Clock, Document, Stores
from .. import suppression, timeline
from ..canonical import digest
from ..errors import Contended
from ..grouping import Candidates, Join, Topology
from ..identity import episode_claim, new_incident_id
from ..joining import moving
from ..lifecycle import reopening
from ..model import Entry, Incident, Signal
from ..routing import Routing
from ..stores import find_by
from ..story import LATE_SECONDS, Stories, Story
from ..suppression import Suppression
from ..upkeep import flapping
from ..upkeep.retention import pruned
from . import conditions
from .batch import Batch, Outcome, Problem
from .episodes import Episodes
from .ledger import Claim, Ledger, Number, ledger_of

__all__ = ["ACTOR", "Ingest", "Outcome"]

ACTOR = "incident_management"
CANDIDATES = 1000
# Of two writers that claim at once one wins, so this many can't all lose for long.
CLAIM_ROUNDS = 50


class Ingest:
    """Turns signals into incidents.

    Args:
        stores: the app's collections, with the app's own rights.
        clock: tells the time of entries.
        routing: incident_routing.conf.
        topology: the service dependencies, for grouping.
        remembered: the stories that this process knows from earlier calls.
    """

    def __init__(
        self,
        stores: Stores,
        clock: Clock,
        routing: Routing,
        topology: Optional[Topology] = None,
        remembered: Optional[Stories] = None,
    ) -> None:
        self._stores = stores
        self._clock = clock
        self._routing = routing
        self._topology = topology or Topology()
        self._remembered = remembered if remembered is not None else Stories()
        self._ledger = Ledger(stores, clock)
        self._episodes = Episodes(stores, self._remembered)

    def ingest(self, signals: Sequence[Signal], actor: str = ACTOR) -> List[Outcome]:
        """Take signals in; returns an outcome for each, in order.

        May be called again with the same signals, in whole or in part, after any failure: the end
        state is that of one undisturbed call. Raises what the stores raise.
        """
        stored: Dict[str, Outcome] = {}
        held: List[Document] = []
        undecided: Set[str] = set()
        problems = self._gated(self._fresh(signals, stored, held, undecided), undecided)
        batch = self._claimed_plan(problems, stored, actor)
        batch.stored.extend(held)
        self._require_soon(batch)
        timeline.write(self._stores, batch.new)
        changed = {incident_id: batch.stories[incident_id] for incident_id in batch.touched}
        timeline.settle(self._stores, changed, self._remembered.monotonic)
        batch.hand_on(moving.forward_arrivals(self._stores, self._clock, changed))
        self._remembered.put({**batch.stories, **changed})
        self._episodes.remember(problems, {**batch.stories, **changed})
        if batch.stored:
            self._stores.signals.save(sorted(batch.stored, key=_key_of))
        return batch.in_order_of(signals)

    def open_by_hand(
        self,
        title: str,
        description: str,
        severity: str,
        entities: Sequence[str],
        actor: str,
        unique: str,
    ) -> Incident:
        """Open an incident that no signal raised; ``unique`` names the request."""
        incident_id = new_incident_id(self._clock, f"manual:{unique}")
        data: Document = {
            "title": title,
            "description": description,
            "severity": severity,
            "entities": list(entities),
            "rule": "",
            "dedup_key": "",
            "signals": {},
            "search": {},
            "previous": "",
        }
        batch = Batch(actor)
        batch.know(timeline.load(self._stores, [incident_id]))
        if not batch.stories[incident_id].keys:
            self._draft(batch, incident_id, "opened", data, "opened")
        self._route(batch, incident_id)
        timeline.write(self._stores, batch.new)
        return timeline.refresh(self._stores, incident_id)

    def _fresh(
        self,
        signals: Sequence[Signal],
        stored: Dict[str, Outcome],
        held: List[Document],
        undecided: Set[str],
    ) -> List[Problem]:
        """Sort out what is stored already; return the rest by dedup key, oldest first.

        ``held`` gets the documents of the signals that a suppression holds back, ``undecided`` the
        keys of those that wait for a condition.
        """
        known = find_by(self._stores.signals, "_key", [signal.key for signal in signals])
        for document in known:
            key = str(document["_key"])
            if document.get("pending"):
                undecided.add(key)
                continue
            incident_id = str(document.get("incident_id", ""))
            stored[key] = Outcome(key, incident_id, "duplicate")
        fresh: Dict[str, Signal] = {}
        for signal in sorted(signals, key=lambda s: (s.first_time, s.key)):
            if signal.key not in stored:
                fresh.setdefault(signal.key, signal)
        holding = self._holding([s for s in fresh.values() if s.key not in undecided])
        problems: Dict[str, Problem] = {}
        for signal in fresh.values():
            one = holding.get(signal.key)
            if one is not None:
                stored[signal.key] = Outcome(signal.key, "", "suppressed")
                marks = {"suppressed_by": one.id, "suppressed_because": one.why()}
                held.append({**signal.to_document(), **marks})
                continue
            problems.setdefault(signal.dedup_key, Problem(signal.dedup_key, [])).signals.append(
                signal
            )
        return list(problems.values())

    def _holding(self, signals: Sequence[Signal]) -> Dict[str, Suppression]:
        """Return which suppression holds each of some signals back, where one does.

        A suppression that was made after a signal may find it counted already, by a delivery that
        was ended before its last step: then it comes too late.
        """
        since = min((signal.last_time for signal in signals), default=0.0)
        active = suppression.active(self._stores.suppressions, since) if signals else []
        found: Dict[str, Suppression] = {}
        late: List[Signal] = []
        for signal in signals if active else []:
            one = suppression.first_match(active, signal)
            if one is not None:
                found[signal.key] = one
                if one.came_after(signal):
                    late.append(signal)
        for key in self._counted(late) if late else ():
            del found[key]
        return found

    def _counted(self, signals: Sequence[Signal]) -> Set[str]:
        """Return the keys of those signals that an incident of their problem has written down."""
        keys = {signal.dedup_key for signal in signals}
        claims = [c["value"] for c in find_by(self._stores.claims, "value.dedup_key", keys)]
        numbers = self._ledger.newest(ledger_of(signal) for signal in signals)
        claims += [value for number in numbers.values() for value in number.claims]
        ids = sorted({str(c["incident_id"]) for c in claims if c["dedup_key"] in keys})
        batch = Batch(ACTOR)
        self._read(batch, ids)
        self._remembered.put(batch.stories)
        stories = batch.stories.values()
        return {s.key for s in signals if any(story.has_had(s.key, 0) for story in stories)}

    def _gated(self, problems: List[Problem], undecided: Set[str]) -> List[Problem]:
        """Ask the conditions of those detections that have one; may add others' waiting problems.

        A problem that also has a signal without a condition needs none.
        """
        asked = [p for p in problems if all(signal.after for signal in p.signals)]
        fresh = [signal for problem in asked for signal in problem.signals]
        gates = conditions.gates(self._stores, fresh, undecided) if fresh else {}
        by_key = {problem.dedup_key: problem for problem in asked}
        taken = {problem.dedup_key for problem in problems}
        for key, gate in gates.items():
            if key in by_key:
                by_key[key].gate = gate
            elif gate.signals and key not in taken:
                problems.append(Problem(key, list(gate.signals), gate=gate))
        return problems

    def _pass_gates(self, problems: Sequence[Problem], batch: Batch) -> List[Problem]:
        """Return the problems that have an open incident, or may open one, with those signals."""
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

    def _claimed_plan(
        self, problems: Sequence[Problem], stored: Dict[str, Outcome], actor: str
    ) -> Batch:
        """Plan where all signals go, and claim the episodes that the plan begins.

        Losing a claim means that another writer began one of them: the plan is made anew.
        Raises Contended when that goes on and on.
        """
        self._episodes.find([p for p in problems if not self._episodes.recall(p)], {})
        newest: Dict[str, Number] = {}
        for _round in range(CLAIM_ROUNDS):
            batch = self._plan([problem.copy() for problem in problems], stored, actor)
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

    def _plan(self, problems: Sequence[Problem], stored: Dict[str, Outcome], actor: str) -> Batch:
        """Decide where each problem's signals go, and draft the entries; writes nothing."""
        batch = Batch(actor, outcomes=dict(stored), began=self._remembered.monotonic())
        batch.earliest = min((problem.first_time for problem in problems), default=0.0)
        self._read(batch, [problem.incident_id for problem in problems if problem.incident_id])
        self._look_up_the_doubtful(problems, batch)
        self._mark_left(problems, batch)
        for problem in problems:
            self._follow_merges(problem, batch)
        problems = self._pass_gates(self._uncounted(problems, batch), batch)
        fresh_ids = self._unused_ids(problems, batch)
        for problem in self._add_to_open(problems, batch):
            incident_id = self._place(problem, batch, fresh_ids)
            batch.placed[problem.dedup_key] = incident_id
            self._offer(incident_id, batch)
        return batch

    def _read(self, batch: Batch, incident_ids: Iterable[str]) -> None:
        """Let the batch know these timelines as they are now, unless it knows them."""
        wanted = [i for i in dict.fromkeys(incident_ids) if i not in batch.stories]
        if wanted:
            known = self._remembered.take(wanted)
            clock = self._remembered.monotonic
            batch.know(timeline.load(self._stores, wanted, known, clock))

    def _follow_merges(self, problem: Problem, batch: Batch) -> None:
        """Turn to the incident that the newest episode's was merged into, if it was."""
        passed = {""}
        incident = batch.incident(problem.incident_id)
        while incident is not None and incident.merged_into not in passed:
            passed.add(incident.merged_into)
            problem.incident_id = incident.merged_into
            problem.incidents.append(problem.incident_id)
            self._read(batch, [problem.incident_id])
            incident = batch.incident(problem.incident_id)

    def _look_up_the_doubtful(self, problems: Sequence[Problem], batch: Batch) -> None:
        doubtful = self._episodes.doubtful(problems, batch)
        if doubtful:
            self._episodes.find(doubtful, {})
            self._read(batch, [p.incident_id for p in doubtful if p.incident_id])

    def _require_soon(self, batch: Batch) -> None:
        """Raise Contended when the plan is so old that others may not look for its entries."""
        if self._remembered.monotonic() - batch.began > LATE_SECONDS / 2:
            raise Contended("Reading the timelines took too long to write to them; send it again.")

    def _uncounted(self, problems: Sequence[Problem], batch: Batch) -> List[Problem]:
        """Settle signals that an earlier episode has counted, and return the rest.

        That is a delivery which was ended before its last step and repeated after the next episode
        began. Only a signal from before that can be one, so the earlier timelines are seldom read.
        """
        late = [problem for problem in problems if self._is_late(problem, batch)]
        self._read(batch, sorted({i for problem in late for i in problem.incidents}))
        for problem in late:
            for incident_id in sorted(set(problem.incidents) - {problem.incident_id}):
                story = batch.stories[incident_id]
                counted = [signal for signal in problem.signals if story.counts(signal.key)]
                problem.signals = [s for s in problem.signals if not story.counts(s.key)]
                if counted:
                    batch.settle(counted, incident_id, "added")
                    batch.touched.add(incident_id)
        return [problem for problem in problems if problem.signals]

    @staticmethod
    def _is_late(problem: Problem, batch: Batch) -> bool:
        newest = batch.incident(problem.incident_id)
        if problem.episode < 2 or newest is None or newest.opened_at is None:
            return False
        return any(signal.last_time <= newest.opened_at for signal in problem.signals)

    def _unused_ids(self, problems: Sequence[Problem], batch: Batch) -> Dict[str, str]:
        """Choose an id for each problem that begins an episode; two problems never share one."""
        chosen: Dict[str, str] = {}
        for problem in problems:
            if not self._adds(problem, batch):
                claim = episode_claim(problem.dedup_key, problem.episode + 1)
                chosen[problem.dedup_key] = new_incident_id(self._clock, claim)
        opening = sorted(chosen)
        self._read(batch, [chosen[key] for key in opening])
        used: Set[str] = set()
        for key in opening:
            salt = 0
            while chosen[key] in used or _opened_for_another(batch.stories[chosen[key]], key):
                salt += 1
                chosen[key] = new_incident_id(self._clock, f"{key}#{salt}")
                self._read(batch, [chosen[key]])
            used.add(chosen[key])
        return chosen

    def _mark_left(self, problems: Sequence[Problem], batch: Batch) -> None:
        """Tell incidents that were deleted by age from those whose opener has not come further."""
        missing = [p for p in problems if p.incident_id and batch.incident(p.incident_id) is None]
        left = pruned(self._stores, [problem.incident_id for problem in missing])
        for problem in missing:
            problem.left = problem.incident_id in left

    def _adds(self, problem: Problem, batch: Batch) -> bool:
        """Tell whether the newest episode takes these signals, so that no new one is needed."""
        if not problem.incident_id or problem.left:
            return False
        incident = batch.incident(problem.incident_id)
        return incident is None or incident.is_open or self._late_or_again(problem, incident)

    def _late_or_again(self, problem: Problem, incident: Incident) -> bool:
        """Tell whether a resolved incident takes these: from before its end, or soon after it."""
        if incident.status != "resolved" or incident.resolved_at is None:
            return False
        return problem.last_time - incident.resolved_at <= self._routing.reopen_window

    def _add_to_open(self, problems: Sequence[Problem], batch: Batch) -> List[Problem]:
        """Add to the incidents that are open, one entry for each and its rule; return the rest."""
        adding: Dict[Tuple[str, str, str], List[Signal]] = {}
        rest = []
        for problem in problems:
            incident = batch.incident(problem.incident_id)
            if incident is not None and incident.is_open:
                first = problem.first
                batch.placed[problem.dedup_key] = incident.id
                adding.setdefault((incident.id, first.app, first.rule), []).extend(problem.signals)
            else:
                rest.append(problem)
        for (incident_id, _app, _rule), signals in adding.items():
            self._add(Problem("", signals), batch, incident_id, "added")
        return rest

    def _place(self, problem: Problem, batch: Batch, fresh_ids: Mapping[str, str]) -> str:
        """Decide where one problem's signals go, and draft the entries; returns the incident."""
        known = problem.incident_id and not problem.left
        if known and self._add_to_episode(problem, batch):
            return problem.incident_id
        previous = problem.incident_id
        join = self._join(problem, batch)
        wanted = join.incident_id if join else fresh_ids[problem.dedup_key]
        ledger, episode = ledger_of(problem.first), problem.episode + 1
        batch.claims.append(Claim(ledger, problem.dedup_key, episode, wanted, previous))
        if join:
            self._add(problem, batch, wanted, "added", join.reason)
        else:
            self._open_or_add(problem, batch, wanted, previous)
        return wanted

    @staticmethod
    def _offer(incident_id: str, batch: Batch) -> None:
        """Let the batch's later problems join what was drafted for this one."""
        incident = batch.incident(incident_id)
        if batch.candidates is not None and incident is not None:
            batch.candidates.put(incident)

    def _add_to_episode(self, problem: Problem, batch: Batch) -> bool:
        """Add to the newest episode. False: it is over, and a new one must begin."""
        incident = batch.incident(problem.incident_id)
        if incident is None:
            # Claimed by a writer that was ended, or has not come further yet.
            self._open_or_add(problem, batch, problem.incident_id, problem.previous)
            return True
        story = batch.stories[incident.id]
        if incident.is_open or all(story.counts(signal.key) for signal in problem.signals):
            self._add(problem, batch, incident.id, "added")
            return True
        if not self._late_or_again(problem, incident):
            return False
        since = problem.last_time - (incident.resolved_at or 0.0)
        what = "added"
        if since > 0:
            reason = f"'{problem.first.rule}' found it again {since:.0f} seconds after the resolve."
            data, once = reopening(incident, story.last_resolve, reason)
            self._draft(batch, incident.id, "status", data, once)
            too_often = flapping.begins(story, self._routing, self._clock.now())
            if too_often:
                self._draft(batch, incident.id, "flapping", *too_often)
            what = "reopened"
        self._add(problem, batch, incident.id, what)
        return True

    def _join(self, problem: Problem, batch: Batch) -> Optional[Join]:
        """Find the incident that a condition names, or an open one of a related entity."""
        gate = problem.gate
        if gate and gate.with_problem in batch.placed:
            return Join(batch.placed[gate.with_problem], gate.reason)
        if not problem.first.group:
            return None
        window = self._routing.group_window
        if batch.candidates is None:
            batch.candidates = self._candidates(batch.earliest - window)
            for incident_id in sorted(batch.touched):
                self._offer(incident_id, batch)
        for join in batch.candidates.choose(problem.as_one(), self._topology, window):
            self._read(batch, [join.incident_id])
            incident = batch.incident(join.incident_id)
            # The document that proposed it may be older than the timeline.
            if incident is not None and incident.is_open:
                return join
        return None

    def _candidates(self, since: float) -> Candidates:
        documents = self._stores.incidents.find(
            {
                "$and": [
                    {"last_time": {"$gte": since}},
                    {"status": {"$ne": "resolved"}},
                    {"status": {"$ne": "closed"}},
                ]
            },
            sort="last_time:-1",
            limit=CANDIDATES,
        )
        return Candidates(Incident.from_document(document) for document in documents)

    def _open_or_add(self, problem: Problem, batch: Batch, incident_id: str, previous: str) -> None:
        if batch.incident(incident_id) is not None:
            self._add(problem, batch, incident_id, "added")
            return
        first = problem.first
        data: Document = {
            **problem.data(),
            "title": first.title,
            "description": first.description,
            "dedup_key": first.dedup_key,
            "search": first.search,
            "previous": previous,
        }
        if problem.gate and problem.gate.reason:
            data["reason"] = problem.gate.reason
        self._draft(batch, incident_id, "opened", data, "opened")
        self._route(batch, incident_id)
        batch.settle(problem.signals, incident_id, "opened")

    def _route(self, batch: Batch, incident_id: str) -> None:
        """Give an incident to a team, unless that is done."""
        incident = batch.incident(incident_id)
        if incident is None or batch.stories[incident_id].has("routed"):
            return
        decision = self._routing.decide(
            incident.severity, incident.entities, incident.rules, incident.tags
        )
        routed = {"team": decision.team, "owner": decision.owner, "reason": decision.reason}
        self._draft(batch, incident_id, "routed", routed, "routed")

    def _add(
        self, problem: Problem, batch: Batch, incident_id: str, what: str, reason: str = ""
    ) -> None:
        """Draft an entry of the signals that the timeline does not have yet."""
        story = batch.stories[incident_id]
        missing = {signal.key for signal in problem.signals if not story.counts(signal.key)}
        if missing:
            data: Dict[str, Any] = problem.data(missing)
            if reason:
                data["reason"] = reason
            self._draft(
                batch, incident_id, "signal", data, f"signals:{digest(sorted(missing), 40)}"
            )
        # Its opener may have been ended before it came to that.
        self._route(batch, incident_id)
        batch.touched.add(incident_id)
        batch.settle(problem.signals, incident_id, what)

    def _draft(self, batch: Batch, incident_id: str, kind: str, data: Document, once: str) -> None:
        head = batch.stories.setdefault(incident_id, Story()).head
        now = self._clock.now()
        batch.draft(Entry.create(incident_id, kind, data, batch.actor, now, head, once))


def _opened_for_another(story: Story, dedup_key: str) -> bool:
    """Tell whether an id belongs to another problem's incident."""
    return bool(story.opened_for) and dedup_key not in story.opened_for


def _key_of(document: Document) -> str:
    return str(document["_key"])
