"""Since when every scheduled run of a search succeeded, and the data to compute it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Protocol, Sequence, Set, Tuple

__all__ = ["LATE_SECONDS", "Coverage", "Plan", "Run", "SearchId", "SearchRuns"]

# A run that is not in splunkd's list this long after its time was skipped.
LATE_SECONDS = 900.0

SearchId = Tuple[str, str, str]


@dataclass(frozen=True)
class Run:
    """One run of a saved search: its scheduled time, and its result."""

    time: float
    state: str  # succeeded, failed or running
    results: int = 0


@dataclass(frozen=True)
class Plan:
    """A saved search's relevant settings; ``quiet_after`` in seconds, None: the app's own time.

    ``throttled``: findings may be dropped, so only a run without results is quiet. ``alive_field``:
    the field of events that must name an entity again before the search counts as quiet.
    """

    enabled: bool
    throttled: bool = False
    quiet_after: Optional[float] = None
    alive_field: str = ""


class SearchRuns(Protocol):
    """What splunkd knows of a saved search, by name, app and owner. All raise SearchFailed."""

    def plan(self, search: SearchId) -> Plan: ...

    def blindness(self, search: SearchId) -> str:
        """Return why it may miss continuing trouble, as a sentence after its name; else empty."""

    def seen(self, field: str, since: float) -> Set[str]:
        """Return the values, in lowercase, of an indexed field in the events since then."""

    def recent(self, search: SearchId) -> List[Run]:
        """Return the runs that splunkd remembers."""

    def scheduled(self, search: SearchId, earliest: float, latest: float) -> List[float]:
        """Return its scheduled times later than ``earliest``, up to and including ``latest``."""


@dataclass(frozen=True)
class Coverage:
    """The span in which all scheduled runs succeeded; 0 and 0: nothing is known."""

    since: float = 0.0
    until: float = 0.0

    def extended(self, runs: Sequence[Run], due: Sequence[float], now: float) -> Coverage:
        """Extend the span by the known runs; ``due`` are the scheduled times since its end.

        A scheduled time without a run for too long, or a failed run, starts it anew.
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
