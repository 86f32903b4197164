"""Resolves incidents whose searches ran for long enough without a new finding.

:mod:`.quiet_evidence` decides that. Incidents without such evidence (from the API or webhooks) are
left to people, or to the "resolved" that their tool sends.
"""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Sequence

from ...ports import Clock, Stores
from .. import lifecycle, timeline
from ..act import Act
from ..joining.signals import signals_query
from ..model import ACTOR, Incident
from ..stores import IS_OPEN, claim_document
from . import flapping
from .quiet_evidence import Evidence, QuietEvidence, Trouble
from .run_coverage import SearchRuns

__all__ = ["QuietResolver"]

# All open incidents are read, up to MOST_READ, and each one's search is checked. A round reads the
# signals of INCIDENTS_A_ROUND of them, the next round those of the next.
MOST_READ = 20_000
INCIDENTS_A_ROUND = 1000
CHECKPOINT = "worker:quiet:reached"
# The fields to read of an incident before it may be due.
_READ = (
    *("id", "status", "severity", "pinned", "rules", "entities", "search", "last_time"),
    *("merged", "merged_into"),
)
IN_PROGRESS = ("approved", "running", "done", "resolving", "rolling_back", "not_recovered")


class QuietResolver:
    """The duty: checks the searches of open incidents, and resolves the quiet incidents."""

    def __init__(self, stores: Stores, clock: Clock, runs: SearchRuns, trouble: Trouble) -> None:
        self._stores = stores
        self._clock = clock
        self._runs = runs
        self._trouble = trouble

    def run(self, resolve_after: float, resolve_not: Sequence[str] = ()) -> Dict[str, int]:
        """Do one round; return how many incidents were resolved. Raises what the stores raise.

        Args:
            resolve_after: seconds of silence; 0: only for detections with a time of their own.
            resolve_not: severities that are left to people.
        """
        silence = QuietEvidence(self._stores, self._clock, self._runs, self._trouble, resolve_after)
        due = [
            incident
            for incident in self._open()
            if incident.severity not in resolve_not
            and not incident.pinned
            and silence.may_be_due(incident)
        ]
        resolved = 0
        for incident in self._next_of(due):
            evidence = silence.evidence(incident)
            if evidence and not self._repairing(incident):
                resolved += self._resolve(incident.id, evidence)
        return {"incidents_resolved_quiet": resolved}

    def _open(self) -> Iterator[Incident]:
        """Return the open incidents, those with the oldest findings first."""
        found = self._stores.incidents.find(IS_OPEN, "last_seen:1,_key:1", MOST_READ, fields=_READ)
        return map(Incident.from_document, found)

    def _next_of(self, due: List[Incident]) -> List[Incident]:
        """Return the next incidents in turn: some stay due forever and must not block others."""
        if len(due) <= INCIDENTS_A_ROUND:
            return due
        known = self._stores.claims.get(CHECKPOINT)
        start = int(known["value"]["after"]) % len(due) if known else 0
        reached = {"after": start + INCIDENTS_A_ROUND}
        self._stores.claims.save([claim_document(CHECKPOINT, self._clock.now(), reached)])
        return [*due[start:], *due[:start]][:INCIDENTS_A_ROUND]

    def _repairing(self, incident: Incident) -> bool:
        """Tell whether a fix is in progress: its own verification decides then."""
        plans = self._stores.plans.find(signals_query(incident))
        return any(plan.get("status") in IN_PROGRESS for plan in plans)

    def _resolve(self, incident_id: str, evidence: Sequence[Evidence]) -> int:
        """Resolve an incident, once for this silence; return 1 if it was resolved, else 0.

        A manual reopen is not overruled, whether a person, the end of an alert or a fix had
        resolved the incident.
        """
        entries = timeline.read(self._stores, incident_id)
        if not entries:
            return 0
        incident = timeline.fold(entries)
        # A different ``once``, so that it can still be resolved when it no longer flaps.
        held = "held " if incident.flapping else ""
        once = f"{held}quiet:{incident.signals}:{incident.last_time}"
        if not incident.is_open or incident.pinned or any(e.once == once for e in entries):
            return 0
        if lifecycle.manual_reopener(entries):
            return 0
        data: Dict[str, Any] = {
            "from": incident.status,
            "to": "resolved",
            "reason": f"Quiet: {'; '.join(map(str, evidence))}.",
            "resolution": _resolution(evidence),
            "category": "quiet",
            "feedback": "",
            "evidence": [one.to_data() for one in evidence],
        }
        act = Act(self._stores, self._clock, ACTOR, once)
        if flapping.hold(act, incident, data):
            timeline.refresh(self._stores, incident_id)
            return 0
        timeline.append(act, incident_id, "status", data, once)
        # A signal that came at the same moment takes precedence over the silence before it.
        known = {entry.key for entry in entries}
        reason = "A finding arrived while the incident was being resolved as quiet."
        lifecycle.reopen_if_found(act, incident_id, known, reason)
        timeline.refresh(self._stores, incident_id)
        return 1


def _resolution(evidence: Sequence[Evidence]) -> str:
    if any(one.blindness for one in evidence):
        return "Nothing more was found. Whether the problem is over is unknown."
    return "It ended by itself."
