"""Decides whether an incident's detections are quiet: the evidence of one round.

Silence proves nothing by itself: a search that was skipped, failed or switched off is silent, too.
So the evidence is coverage, a span of time in which *every* scheduled run succeeded. It is put
together from splunkd's list of past runs, which is read repeatedly, and kept in a claim
(``ran:<search>``), because splunkd forgets a run after two periods. A monitor's checkpoint records
since when it has judged every span as a whole, and which entities were out of order last: an
ongoing trouble is raised once, so it is silent, too. A suppressed finding counts as found: a snooze
is no silence.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Callable, Dict, List, Mapping, Optional, Set, Tuple

from ...ports import Clock, Document, SearchFailed, Stores
from ..canonical import digest
from ..joining.signals import signals_query
from ..model import Incident
from ..stores import checkpoints_of, claim_document
from . import suppressed
from .run_coverage import LATE_SECONDS, Coverage, Plan, Run, SearchId, SearchRuns

__all__ = ["Evidence", "QuietEvidence", "Trouble"]

RAN = "ran"
# With more signals, an incident's entities are not checked for their return.
SIGNALS_READ = 10_000
SEARCHES_A_ROUND = 200

Trouble = Callable[[str, str], None]


@dataclass(frozen=True)
class Evidence:
    """Why one of an incident's detections counts as quiet.

    ``blindness``: why its silence does not prove that the trouble is over; empty if it does.
    ``alive``: the entities that had sent no events and do again.
    """

    rule: str
    quiet_since: float
    until: float
    source: str
    runs: Optional[int] = None
    blindness: str = ""
    alive: Tuple[str, ...] = ()

    def to_data(self) -> Document:
        data: Document = {
            "rule": self.rule,
            "quiet_since": self.quiet_since,
            "last_run": self.until,
            "source": self.source,
        }
        if self.runs is not None:
            data["runs"] = self.runs
        if self.alive:
            data["alive"] = list(self.alive)
        return data

    def __str__(self) -> str:
        ran = "" if self.runs is None else f" in {self.runs} runs"
        hours = (self.until - self.quiet_since) / 3600
        found = f"'{self.rule}' found nothing{ran} for {hours:.3g} h ({self.source})"
        if self.alive:
            more = f" and {len(self.alive) - 1} more" if len(self.alive) > 1 else ""
            return f"{found}; events of {self.alive[0]}{more} come again"
        return f"{found}; it {self.blindness}" if self.blindness else found


class QuietEvidence:
    """Collects evidence, each search once. An instance lives for one round.

    Args:
        resolve_after: seconds of silence required, if a detection has no time of its own; 0: no
            amount of silence is enough.
    """

    def __init__(
        self, stores: Stores, clock: Clock, runs: SearchRuns, trouble: Trouble, resolve_after: float
    ) -> None:
        self._stores = stores
        self._clock = clock
        self._runs = runs
        self._trouble = trouble
        self._resolve_after = resolve_after
        self._coverage: Dict[SearchId, Tuple[Plan, Coverage]] = {}
        self._held: Dict[Tuple[str, str, float], Set[str]] = {}
        self._seen: Dict[Tuple[str, float], Set[str]] = {}

    def may_be_due(self, incident: Incident) -> bool:
        """Check an incident's search; tell whether its signals are worth reading now."""
        if len(incident.rules) > 1:
            return True
        after = self._resolve_after
        if incident.search.get("name"):
            watched = self._watch(_search_id(incident.search, {}))
            if watched is None:
                return False
            if watched[0].quiet_after is not None:
                after = watched[0].quiet_after
        return bool(after) and self._clock.now() - (incident.last_time or 0.0) >= after

    def evidence(self, incident: Incident) -> List[Evidence]:
        """Return the evidence for all of its detections; empty if one of them is not quiet."""
        found: List[Evidence] = []
        for rule in incident.rules:
            newest = self._newest(incident, rule)
            if newest is None:
                # Its signals were moved to another incident.
                continue
            evidence = self._quiet(incident, rule, newest)
            if evidence is None:
                return []
            found.append(evidence)
        return found

    def _newest(self, incident: Incident, rule: str) -> Optional[Document]:
        newest = self._stores.signals.find(_found_by(incident, rule), "received_at:-1", 1)
        return next(iter(newest), None)

    def _quiet(self, incident: Incident, rule: str, newest: Document) -> Optional[Evidence]:
        search = newest.get("search") or {}
        last = max(float(newest["received_at"]), float(newest["last_time"]))
        if search.get("monitor"):
            last = float(newest["last_time"])
            return self._quiet_monitor(incident, str(search["monitor"]), last)
        if not search.get("name"):
            return None
        key = _search_id(search, newest)
        watched = self._watch(key)
        if watched is None:
            return None
        plan, coverage = watched
        after = self._resolve_after if plan.quiet_after is None else plan.quiet_after
        since = max(last, coverage.since)
        if not after or not coverage.since or coverage.until - since < after:
            return None
        start = coverage.until - after
        if self._had_suppressed_findings(incident, newest, start):
            return None
        # Nothing is claimed about a time in which findings of the detection were suppressed.
        since = max(
            since, suppressed.last_suppressed(self._stores, rule, str(newest["app"]), since, start)
        )
        try:
            alive = self._alive(incident, rule, plan.alive_field, start)
            if plan.alive_field and not alive:
                return None
            runs = len(self._runs.scheduled(key, since, coverage.until))
            blindness = "" if alive else self._runs.blindness(key)
        except SearchFailed:
            return None
        source = "saved/searches history: every scheduled run succeeded"
        return Evidence(rule, since, coverage.until, source, runs, blindness, alive)

    def _alive(self, incident: Incident, rule: str, field: str, since: float) -> Tuple[str, ...]:
        """Return the incident's entities if events since then name each of them in the field.

        Otherwise, or without a field, return nothing.
        """
        if not field:
            return ()
        if (field, since) not in self._seen:
            self._seen[(field, since)] = self._runs.seen(field, since)
        query = _found_by(incident, rule)
        found = self._stores.signals.find(query, "", SIGNALS_READ, fields=("entity",))
        entities = sorted({str(one["entity"]) for one in found})
        seen = self._seen[(field, since)]
        whole = len(found) < SIGNALS_READ and all(one.lower() in seen for one in entities)
        return tuple(entities) if whole else ()

    def _had_suppressed_findings(self, incident: Incident, newest: Document, start: float) -> bool:
        """Tell whether one of its problems had suppressed findings since ``start``.

        An ongoing problem shows in the latest runs, so most incidents need no check further back.
        """
        for since in (max(start, self._clock.now() - LATE_SECONDS), start):
            key = (str(newest["rule"]), str(newest["app"]), since)
            if key not in self._held:
                self._held[key] = suppressed.suppressed_problems(self._stores, *key)
            problems = self._held[key]
            if newest["dedup_key"] in problems or suppressed.has_signals_of(
                self._stores, incident, problems
            ):
                return True
        return False

    def _quiet_monitor(self, incident: Incident, monitor: str, last: float) -> Optional[Evidence]:
        """Return evidence from the judged spans in which none of the entities was out of order."""
        now = self._clock.now()
        known = checkpoints_of(self._stores, monitor)
        # A checkpoint from the future was made while the clock was wrong.
        values = [one["value"] for one in known if float(one["value"]["end"]) <= now]
        values = [one for one in values if "learned_as" in one]  # Not those of early versions.
        after = self._resolve_after
        if not after or not values:
            return None
        newest = values[-1]
        unwell = dict(newest["unwell"])
        since = max(
            last,
            float(newest["covered_from"]),
            *(float(unwell.get(entity, 0.0)) for entity in incident.entities),
        )
        until = float(newest["end"])
        if until - since < after:
            return None
        source = "the monitor's checkpoint: every span was judged, and nothing was out of order"
        return Evidence(monitor, since, until, source)

    def _watch(self, key: SearchId) -> Optional[Tuple[Plan, Coverage]]:
        """Read a search once in a round; return its plan and coverage.

        None if the search is off, or if a round has read too many.
        """
        if key not in self._coverage:
            if len(self._coverage) >= SEARCHES_A_ROUND:
                return None
            try:
                self._coverage[key] = self._read_coverage(key)
            except SearchFailed as error:
                self._trouble(f"quiet {key[0]}", f"Whether '{key[0]}' runs is unknown: {error}")
                self._coverage[key] = (Plan(False), Coverage())
        plan, coverage = self._coverage[key]
        return (plan, coverage) if plan.enabled else None

    def _read_coverage(self, key: SearchId) -> Tuple[Plan, Coverage]:
        now = self._clock.now()
        claim_key = f"{RAN}:{digest(list(key), 40)}"
        known = self._stores.claims.get(claim_key)
        before = Coverage(**known["value"]["coverage"]) if known else Coverage()
        plan = self._runs.plan(key)
        after = Coverage()
        if plan.enabled:
            runs = [_judged(run, plan) for run in self._runs.recent(key)]
            start = before.until or min((run.time for run in runs), default=now) - 1.0
            due = self._runs.scheduled(key, start, now)
            after = before.extended(runs, due, now)
        if known is None or after != before:
            value = {"search": list(key), "coverage": asdict(after)}
            self._stores.claims.save([claim_document(claim_key, now, value, purpose=RAN)])
        return plan, after


def _found_by(incident: Incident, rule: str) -> Document:
    """Return the query for an incident's signals from one of its detections."""
    return {"$and": [signals_query(incident), {"rule": rule}]}


def _search_id(search: Mapping[str, Any], signal: Mapping[str, Any]) -> SearchId:
    """Return name, app and owner of a saved search, taken from its signal where missing."""
    app, owner = (search.get(name) or signal.get(name) or "" for name in ("app", "owner"))
    return str(search["name"]), str(app), str(owner or "nobody")


def _judged(run: Run, plan: Plan) -> Run:
    """Return the run, as failed if it had results of a throttled search: it was not quiet.

    With throttling, a run with results may have raised no finding.
    """
    if plan.throttled and run.state == "succeeded" and run.results:
        return replace(run, state="failed")
    return run
