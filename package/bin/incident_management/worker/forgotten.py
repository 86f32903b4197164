"""Runs whose alerts splunkd has forgotten, because it was restarted.

"This property is valid until splunkd restarts. Restart clears the listing of triggered alerts"
(``alert.expires`` in savedsearches.conf.spec): an alert action that the restart ended would never
be made good. The jobs stay, for the action's ``ttl``. So a worker that finds splunkd restarted
looks once through the runs of the searches that open incidents: those since the moment up to which
it had reconciled everything. It keeps that in ``incident_claims``, with the start of splunkd that
it saw, because its own process ends every few minutes.

A search's history lists all runs, alerts or not. Whether one alerted follows from the search's own
condition and the job's count of results; where it does not, nothing is taken in and a line says so.
"""

from __future__ import annotations

from typing import Callable, List, Mapping, Optional, Protocol, Sequence, Set

from ..incidents.intake.trigger import triggers, triggers_for_each
from ..incidents.stores import claim_document, find_by
from ..ports import Clock, Collection, SearchFailed, Stores
from ..splunk.detections import SavedDetection, SearchRun
from .fired import ACTION, FiredAlert

__all__ = ["ForgottenRuns", "RunHistory", "alerted", "fired_by", "unreconciled"]

# An alert action has two minutes before splunkd ends it.
GRACE_SECONDS = 150.0
GIVE_UP_SECONDS = 3600.0
# A run alerts when it is done, at most so long after it was due.
LONGEST_RUN_SECONDS = 3600.0
SEARCHES_A_ROUND = 10
NOTE_SECONDS = 60.0


class RunHistory(Protocol):
    """What splunkd keeps of runs over a restart. The methods raise SearchFailed."""

    def splunkd_started(self) -> float:
        """When splunkd started, in epoch seconds."""

    def searches(self) -> Sequence[SavedDetection]:
        """The saved searches that open incidents."""

    def runs(self, search: SavedDetection) -> Sequence[SearchRun]:
        """The runs of one of them whose jobs have not expired."""


class ForgottenRuns:
    """Finds them, some searches a round; one lives as long as the worker's process.

    Args:
        holder: this member's name. Each member of a cluster has its own alerts and restarts.
        trouble: is told, in one sentence, what can't be known.
    """

    def __init__(
        self,
        stores: Stores,
        clock: Clock,
        history: RunHistory,
        holder: str,
        trouble: Callable[[str, str], None],
    ) -> None:
        self._claims = stores.claims
        self._clock = clock
        self._history = history
        self._holder = holder
        self._trouble = trouble
        self._key = f"worker:reconcile:until:{holder}"
        self._started = clock.now()
        self._splunkd = 0.0
        self._since = 0.0
        self._left: Optional[List[SavedDetection]] = None
        self._found: List[FiredAlert] = []
        self._noted = float("-inf")

    def found(self) -> List[FiredAlert]:
        """Look through the next searches; return what was found and is not reconciled yet."""
        if self._left is None:
            self._begin()
        if not self._left:
            return self._found
        now, self._left = self._left[:SEARCHES_A_ROUND], self._left[SEARCHES_A_ROUND:]
        self._found.extend(run for search in now for run in self._alerts_of(search))
        return self._found

    def reconciled(self, done: Set[str], until: float) -> None:
        """Drop what is done, and note that everything before a moment is, if it is."""
        self._found = [run for run in self._found if run.sid not in done]
        complete = self._left == [] and not self._found
        if not complete or until - self._noted < NOTE_SECONDS:
            return
        claim = claim_document(
            self._key,
            self._clock.now(),
            {"until": until, "splunkd": self._splunkd},
            purpose="worker:reconcile:until",
            holder=self._holder,
        )
        self._claims.save([claim])
        self._noted = until

    def _begin(self) -> None:
        """List the searches to look through, when what was going on at the start has ended."""
        if self._clock.now() - self._started < GRACE_SECONDS:
            return
        known = (self._claims.get(self._key) or {}).get("value")
        try:
            self._splunkd = self._history.splunkd_started()
            if known is None or known.get("splunkd") == self._splunkd:
                self._left = []
                return
            # A clock that was ahead before the restart wrote a moment that is yet to come.
            self._since = min(float(known["until"]), self._started)
            self._left = list(self._history.searches())
        except SearchFailed as error:
            self._trouble("forgotten", f"{error} It is tried again.")

    def _alerts_of(self, search: SavedDetection) -> List[FiredAlert]:
        """Return the runs of a search that alerted before the restart and are not reconciled."""
        runs = unreconciled(self._claims, self._runs_of(search))
        verdicts = {run.sid: alerted(search.settings, run.results) for run in runs}
        if None in verdicts.values():
            self._trouble(
                f"forgotten:{search.name}",
                f"Whether runs of '{search.name}' from before the restart alerted can't be told "
                "from their results, as it throttles or has a condition of its own: what an alert "
                "action had not delivered by then may be missing.",
            )
        return fired_by(search, [run for run in runs if verdicts[run.sid]])

    def _runs_of(self, search: SavedDetection) -> List[SearchRun]:
        """Return the runs from before the restart that found something."""
        try:
            runs = self._history.runs(search)
        except SearchFailed as error:
            if self._clock.now() - self._splunkd < GIVE_UP_SECONDS and self._left is not None:
                self._left.append(search)
            else:
                self._trouble(f"reconciled:{search.name}", f"{error} Some may not have arrived.")
            return []
        since = self._since - LONGEST_RUN_SECONDS
        before = [run for run in runs if since <= run.due < self._splunkd]
        return [run for run in before if run.done and not run.failed and run.results]


def unreconciled(claims: Collection, runs: Sequence[SearchRun]) -> List[SearchRun]:
    """Return the runs that no worker has reconciled yet."""
    left = {f"reconciled:{run.sid}": run for run in runs}
    for claim in find_by(claims, "_key", left):
        left.pop(str(claim["_key"]), None)
    return list(left.values())


def fired_by(search: SavedDetection, runs: Sequence[SearchRun]) -> List[FiredAlert]:
    """Return runs that alerted as splunkd would list them."""
    each = triggers_for_each(search.settings)
    of = (search.name, search.app, search.owner)
    return [FiredAlert(*of, run.sid, run.due, (ACTION,), each) for run in runs]


def alerted(settings: Mapping[str, str], results: int) -> Optional[bool]:
    """Tell whether a run with so many results alerted; None when that can't be told from them.

    Throttling (``alert.suppress``) depends on runs that are gone.
    """
    if str(settings.get("alert.suppress") or "").strip().lower() in ("1", "true"):
        return None
    return triggers(settings, results)
