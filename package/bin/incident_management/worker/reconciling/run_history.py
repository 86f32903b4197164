"""What splunkd keeps of runs that are over, and which of them alerted.

A search's history lists all runs, alerts or not. Whether one alerted follows from the search's own
condition and the job's count of results; where it does not, nothing is taken in.
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

# A run alerts when it is done, at most so long after it was due.
LONGEST_RUN_SECONDS = 3600.0
SEARCHES_A_ROUND = 10


class RunHistory(Protocol):
    """What splunkd keeps of runs over a restart. The methods raise SearchFailed."""

    def splunkd_started(self) -> float:
        """When splunkd started, in epoch seconds."""

    def searches(self) -> Sequence[SavedDetection]:
        """The saved searches that open incidents."""

    def runs(self, search: SavedDetection) -> Sequence[SearchRun]:
        """The runs of one of them whose jobs have not expired."""


@dataclass(frozen=True)
class PastRuns:
    """What is needed to look through the runs of searches, some each round.

    Args:
        holder: this member's name. Each member of a cluster has its own alerts and restarts.
        trouble: is told, in one sentence, what can't be read or known.
    """

    stores: Stores
    clock: Clock
    history: RunHistory
    holder: str
    trouble: Callable[[str, str], None]

    def noted(self, purpose: str) -> Mapping[str, Any]:
        """Return what this member noted last; empty for nothing. It outlives the process."""
        claim = self.stores.claims.get(f"{purpose}:{self.holder}") or {}
        return claim.get("value") or {}

    def note(self, purpose: str, value: Mapping[str, Any]) -> None:
        """Note how far this member got."""
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
    """Return what names a search, or that of an alert, among those of all apps and users."""
    return "/".join((one.app, one.owner, one.name))


def fired_by(search: SavedDetection, runs: Sequence[SearchRun]) -> List[FiredAlert]:
    """Return runs that alerted as splunkd would list them."""
    each = triggers_for_each(search.settings)
    of = (search.name, search.app, search.owner)
    return [FiredAlert(*of, run.sid, run.due, (ACTION,), each) for run in runs]


def alerted(settings: Mapping[str, str], results: int) -> Optional[bool]:
    """Tell whether a run with so many results alerted; None when that can't be told from them.

    Throttling (``alert.suppress``) depends on runs that are gone.
    """
    if is_true(settings.get("alert.suppress")):
        return None
    return triggers(settings, results)
