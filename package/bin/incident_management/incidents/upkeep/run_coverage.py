"""Since when every scheduled run of a search succeeded, and what that is put together from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Protocol, Sequence, Set, Tuple

__all__ = ["LATE_SECONDS", "Coverage", "Plan", "Run", "SearchId", "SearchRuns"]

# A run that is not in splunkd's list this long after its time was skipped.
LATE_SECONDS = 900.0

SearchId = Tuple[str, str, str]


@dataclass(frozen=True)
class Run:
    """One run of a saved search: its scheduled time, and how it ended."""

    time: float
    state: str  # succeeded, failed or running
    results: int = 0


@dataclass(frozen=True)
class Plan:
    """What a saved search's settings say: ``quiet_after`` in seconds, None: the app's own time.

    ``throttled``: a finding may raise nothing, so only a run without results is quiet.
    ``alive_field``: the field of events that must name an entity again before it counts as well.
    """

    enabled: bool
    throttled: bool = False
    quiet_after: Optional[float] = None
    alive_field: str = ""


class SearchRuns(Protocol):
    """What splunkd knows of a saved search, by name, app and owner. All raise SearchFailed."""

    def plan(self, search: SearchId) -> Plan: ...

    def blindness(self, search: SearchId) -> str:
        """Why it finds no more what still lasts, going on from its name; empty where it does."""

    def seen(self, field: str, since: float) -> Set[str]:
        """The values, in lower case, of an indexed field in the events since then."""

    def recent(self, search: SearchId) -> List[Run]:
        """The runs that splunkd remembers."""

    def scheduled(self, search: SearchId, earliest: float, latest: float) -> List[float]:
        """The times at which it should have run: later than ``earliest``, at most ``latest``."""


@dataclass(frozen=True)
class Coverage:
    """From when to when all scheduled runs succeeded; 0 and 0: nothing is known."""

    since: float = 0.0
    until: float = 0.0

    def extended(self, runs: Sequence[Run], due: Sequence[float], now: float) -> Coverage:
        """Go on with the runs that are known now; ``due`` are the scheduled times since.

        A time that has no run for too long, and a run that failed, begin it anew.
        """
        since, until = self.since, self.until
        ends = [*due[1:], float("inf")]
        for at, end in zip(due, ends):
            found = [run for run in runs if at <= run.time < end]
            if any(run.state == "succeeded" for run in found):
                since, until = since or at, at
            elif any(run.state == "running" for run in found) or (
                not found and now - at < LATE_SECONDS
            ):
                break
            else:
                since = until = 0.0
        return Coverage(since, until)
