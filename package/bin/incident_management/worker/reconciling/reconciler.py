"""Ingests fired alerts again, so that signals of an interrupted alert action are not lost."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Protocol, Sequence, Set

from ...incidents.errors import Invalid
from ...incidents.intake.results import signals_of_run
from ...incidents.signal import Signal
from ...incidents.stores import chunks, claim_document, find_by
from ...ports import Clock, SearchFailed, SearchResult, Stores
from .before_restart import GIVE_UP_SECONDS, GRACE_SECONDS, RunsBeforeRestart
from .fired_alert import ACTION, FiredAlert
from .untracked import UntrackedRuns

__all__ = ["FiredAlerts", "Reconciler"]

# Retention keeps a run's documents for at least this long (settings.Lifecycle.keep).
OLDEST_SECONDS = 6 * 86400.0
# Covers members' clocks that differ, and alerts that splunkd lists late.
OVERLAP_SECONDS = 900.0
RUNS_A_ROUND = 50
# As many as one request of the action has.
SIGNALS_AT_ONCE = 4000

Ingest = Callable[[Sequence[Signal], str], Any]
Trouble = Callable[[str, str], None]


class FiredAlerts(Protocol):
    """splunkd's records of alerts."""

    def recent(self, since: float) -> List[FiredAlert]:
        """Return the runs that raised an alert since then; older ones may be included."""

    def rows(self, sid: str) -> SearchResult:
        """Return the results of a run, as many as its action took. Raises SearchFailed if gone."""

    def params(self, name: str, app: str, owner: str) -> Dict[str, str]:
        """Return ``action.open_incident.param.*`` of a saved search, without that prefix."""


class Reconciler:
    """Ingests each fired run again: arrived signals are dropped, lost ones are recovered.

    Args:
        forgotten: the runs from before a restart, which splunkd does not list.
        untracked: the runs that it never lists.
    """

    def __init__(
        self,
        stores: Stores,
        clock: Clock,
        alerts: FiredAlerts,
        forgotten: RunsBeforeRestart,
        untracked: UntrackedRuns,
        ingest: Ingest,
        trouble: Trouble,
    ) -> None:
        self._stores = stores
        self._clock = clock
        self._alerts = alerts
        self._forgotten = forgotten
        self._untracked = untracked
        self._ingest = ingest
        self._trouble = trouble
        self._done: Set[str] = set()
        self._until = 0.0

    def run(self) -> Dict[str, int]:
        """Reconcile at most 50 runs; return how many signals had been lost."""
        recovered = 0
        now = self._clock.now()
        since = max(min(self._until, now) - OVERLAP_SECONDS, now - OLDEST_SECONDS)
        unlisted = [*self._forgotten.found(), *self._untracked.found()]
        listed = [*self._alerts.recent(since), *unlisted]
        self._done &= {alert.sid for alert in listed}
        mine = [
            alert
            for alert in sorted(listed, key=lambda one: one.time)
            if ACTION in alert.actions and now - alert.time <= OLDEST_SECONDS
        ]
        waiting = [alert for alert in mine if alert.sid not in self._done]
        # An alert from the future fired before the clock was corrected; checking early does no
        # harm.
        ripe = [one for one in waiting if abs(now - one.time) >= GRACE_SECONDS]
        for alert in ripe[:RUNS_A_ROUND]:
            if alert.sid not in self._done:
                recovered += self._reconcile(alert, now - alert.time)
        left = [alert.time for alert in waiting if alert.sid not in self._done]
        self._until = min([now - GRACE_SECONDS, *left])
        self._forgotten.reconciled(self._done, self._until)
        self._untracked.reconciled(self._done)
        return {"signals_recovered": recovered}

    def _reconcile(self, fired: FiredAlert, age: float) -> int:
        key = f"reconciled:{fired.sid}"
        if self._stores.claims.get(key) is not None:
            self._done.add(fired.sid)
            return 0
        try:
            lost = self._lost(fired)
        except SearchFailed as error:
            if age < GIVE_UP_SECONDS:
                return 0
            self._trouble(key, f"Whether all signals of {fired.sid} arrived is unknown: {error}")
            lost = []
        except Invalid as error:
            # It can never be ingested, and the runs after it must not wait for it.
            self._trouble(key, f"The results of {fired.sid} can't be ingested: {error}")
            lost = []
        for some in chunks(lost, SIGNALS_AT_ONCE):
            self._ingest(some, fired.owner)
        claim = claim_document(
            key, self._clock.now(), {"recovered": len(lost)}, purpose="reconciled"
        )
        self._stores.claims.insert(claim)
        self._done.add(fired.sid)
        return len(lost)

    def _lost(self, fired: FiredAlert) -> List[Signal]:
        params = self._alerts.params(fired.name, fired.app, fired.owner)
        results = self._alerts.rows(fired.sid)
        if results.truncated:
            text = (
                f"{fired.sid} has more than {len(results.rows)} results; the rest is not ingested."
            )
            self._trouble(f"results of {fired.sid}", text)
        who, now = (fired.name, fired.app, fired.owner), self._clock.now()
        signals = signals_of_run(
            results.rows, params, who, fired.sid, now, for_each=fired.for_each_result
        )
        stored = find_by(self._stores.signals, "_key", [one.key for one in signals])
        arrived = {str(document["_key"]) for document in stored}
        return [one for one in signals if one.key not in arrived]
