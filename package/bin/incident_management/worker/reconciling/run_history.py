"""splunkd's records of past runs, and which of these alerted.

A search's history lists all runs. Whether one alerted follows from the search's condition and the
job's number of results; if it does not, the run is not ingested.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, List, Mapping, Optional, Protocol, Sequence, Union

from ...conf_values import is_true
from ...incidents.intake.trigger import triggers, triggers_for_each
from ...incidents.stores import claim_document, find_by
from ...ports import Clock, Stores
from ...splunk.searching.detections import SavedDetection, SearchRun
from .fired_alert import ACTION, FiredAlert

__all__ = [
    "LONGEST_RUN_SECONDS",
    "SEARCHES_A_ROUND",
    "PastRuns",
    "RunHistory",
    "alerted",
    "fired_by",
    "name_of",
]

# A run alerts when it is done, at most this long after it was due.
LONGEST_RUN_SECONDS = 3600.0
SEARCHES_A_ROUND = 10


class RunHistory(Protocol):
    """What splunkd keeps of runs over a restart. The methods raise SearchFailed."""

    def splunkd_started(self) -> float:
        """Return when splunkd started, in epoch seconds."""

    def searches(self) -> Sequence[SavedDetection]:
        """Return the saved searches that open incidents."""

    def runs(self, search: SavedDetection) -> Sequence[SearchRun]:
        """Return the runs of one of them whose jobs have not expired."""


@dataclass(frozen=True)
class PastRuns:
    """Access for checking the runs of searches, some in each round.

    Args:
        holder: this member's name. Each member of a cluster has its own alerts and restarts.
        trouble: takes a name and one sentence about what can't be read.
    """

    stores: Stores
    clock: Clock
    history: RunHistory
    holder: str
    trouble: Callable[[str, str], None]

    def noted(self, purpose: str) -> Mapping[str, Any]:
        """Return this member's last record; empty for none. It outlives the process."""
        claim = self.stores.claims.get(f"{purpose}:{self.holder}") or {}
        return claim.get("value") or {}

    def note(self, purpose: str, value: Mapping[str, Any]) -> None:
        """Record how far this member got."""
        key, now = f"{purpose}:{self.holder}", self.clock.now()
        claim = claim_document(key, now, dict(value), purpose=purpose, holder=self.holder)
        self.stores.claims.save([claim])

    def unreconciled(self, runs: Sequence[SearchRun]) -> List[SearchRun]:
        """Return the runs that no worker has reconciled yet."""
        left = {f"reconciled:{run.sid}": run for run in runs}
        for claim in find_by(self.stores.claims, "_key", left):
            left.pop(str(claim["_key"]), None)
        return list(left.values())


def name_of(one: Union[SavedDetection, FiredAlert]) -> str:
    """Return a search's name that is unique among all apps and users; also for an alert."""
    return "/".join((one.app, one.owner, one.name))


def fired_by(search: SavedDetection, runs: Sequence[SearchRun]) -> List[FiredAlert]:
    """Return runs that alerted, as splunkd would list them."""
    each = triggers_for_each(search.settings)
    of = (search.name, search.app, search.owner)
    return [FiredAlert(*of, run.sid, run.due, (ACTION,), each) for run in runs]


def alerted(settings: Mapping[str, str], results: int) -> Optional[bool]:
    """Tell whether a run with this number of results alerted; None if the number can't tell.

    Throttling (``alert.suppress``) depends on earlier runs, which are gone.
    """
    if is_true(settings.get("alert.suppress")):
        return None
    return triggers(settings, results)
