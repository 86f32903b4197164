"""Runs whose alerts splunkd has forgotten because it was restarted.

"This property is valid until splunkd restarts. Restart clears the listing of triggered alerts"
(``alert.expires`` in savedsearches.conf.spec): the signals of an alert action that the restart
killed would be lost. But the jobs stay for the action's ``ttl``. So a worker that notices a restart
of splunkd checks the runs of the searches that open incidents once: those since the time until
which all runs were reconciled. It keeps that time in ``incident_claims``, with splunkd's start time
and the finished searches, because its own process ends every few minutes.

Runs that may or may not have alerted (:mod:`.run_history`) are not ingested, and a log line says
so.
"""

from __future__ import annotations

from typing import List, Optional, Set

from ...ports import SearchFailed
from ...splunk.searching.detections import SavedDetection, SearchRun
from .fired_alert import FiredAlert
from .run_history import LONGEST_RUN_SECONDS, SEARCHES_A_ROUND, PastRuns, alerted, fired_by, name_of

__all__ = ["GIVE_UP_SECONDS", "GRACE_SECONDS", "RunsBeforeRestart"]

PURPOSE = "worker:reconcile:until"
# An alert action has two minutes before splunkd kills it.
GRACE_SECONDS = 150.0
GIVE_UP_SECONDS = 3600.0
NOTE_SECONDS = 60.0


class RunsBeforeRestart:
    """Finds these runs, some searches in a round; an instance lives as long as its process."""

    def __init__(self, past: PastRuns) -> None:
        self._past = past
        self._clock = past.clock
        self._started = past.clock.now()
        self._splunkd = 0.0
        self._since = 0.0
        self._left: Optional[List[SavedDetection]] = None
        self._found: List[FiredAlert] = []
        self._names: Set[str] = set()
        self._done: Set[str] = set()
        self._noted = float("-inf")

    def found(self) -> List[FiredAlert]:
        """Check the next searches; return the runs found and not yet reconciled."""
        if self._left is None:
            self._begin()
        if not self._left:
            return self._found
        now, self._left = self._left[:SEARCHES_A_ROUND], self._left[SEARCHES_A_ROUND:]
        self._found.extend(run for search in now for run in self._alerts_of(search))
        return self._found

    def reconciled(self, done: Set[str], until: float) -> None:
        """Drop finished runs; record that all runs before a moment are reconciled, if they are."""
        self._found = [run for run in self._found if run.sid not in done]
        if self._left is None:
            return
        if self._left or self._found:
            self._note_done(self._left)
        elif until - self._noted >= NOTE_SECONDS:
            self._past.note(PURPOSE, {"until": until, "splunkd": self._splunkd})
            self._noted = until

    def _note_done(self, left: List[SavedDetection]) -> None:
        """Record which searches the next process need not check."""
        done = self._names - {*map(name_of, left), *map(name_of, self._found)}
        if done != self._done:
            since = self._past.noted(PURPOSE)
            self._past.note(PURPOSE, {**since, "after": self._splunkd, "done": sorted(done)})
            self._done = done

    def _begin(self) -> None:
        """List the searches to check, once the actions running at the start have ended."""
        if self._clock.now() - self._started < GRACE_SECONDS:
            return
        known = self._past.noted(PURPOSE)
        try:
            self._splunkd = self._past.history.splunkd_started()
            if not known or known.get("splunkd") == self._splunkd:
                self._left = []
                return
            # Before the restart, a clock that was ahead recorded a time in the future.
            self._since = min(float(known["until"]), self._started)
            searches = self._past.history.searches()
        except SearchFailed as error:
            self._past.trouble("forgotten", f"{error} It is retried.")
            return
        if known.get("after") == self._splunkd:
            self._done = set(known.get("done") or ())
        self._names = set(map(name_of, searches))
        self._left = [one for one in searches if name_of(one) not in self._done]

    def _alerts_of(self, search: SavedDetection) -> List[FiredAlert]:
        """Return the runs of a search that alerted before the restart and are not reconciled."""
        runs = self._past.unreconciled(self._runs_of(search))
        verdicts = {run.sid: alerted(search.settings, run.results) for run in runs}
        if None in verdicts.values():
            self._past.trouble(
                f"forgotten:{search.name}",
                f"Whether runs of '{search.name}' from before the restart alerted is "
                "unknown, because the search throttles or has a custom condition. Signals that "
                "its alert action had not delivered by then may be missing.",
            )
        return fired_by(search, [run for run in runs if verdicts[run.sid]])

    def _runs_of(self, search: SavedDetection) -> List[SearchRun]:
        """Return the runs from before the restart that had results."""
        try:
            runs = self._past.history.runs(search)
        except SearchFailed as error:
            if self._clock.now() - self._splunkd < GIVE_UP_SECONDS and self._left is not None:
                self._left.append(search)
            else:
                self._past.trouble(
                    f"reconciled:{search.name}", f"{error} Some of its signals may be missing."
                )
            return []
        since = self._since - LONGEST_RUN_SECONDS
        before = [run for run in runs if since <= run.due < self._splunkd]
        return [run for run in before if run.done and not run.failed and run.results]
