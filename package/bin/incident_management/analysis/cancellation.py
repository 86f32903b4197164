"""End an analysis early when its caller has gone or its time is up.

splunkd does not notify a REST handler when its caller disconnects, so the analysis checks for the
caller between searches.
"""

from __future__ import annotations

from typing import Callable

from ..ports import Clock, Searcher, SearchFailed, SearchResult

__all__ = ["Abandoned", "CancellableSearcher"]

MOST_SECONDS = 600.0
"""All searches of an analysis together: who asked waits little longer, for the model."""


class Abandoned(Exception):
    """The caller of the analysis has gone.

    This is not a SearchFailed, because the finders must stop instead of continuing without results.
    """


class CancellableSearcher:
    """A searcher that refuses to run once ``wanted`` returns False or its time is up."""

    def __init__(self, searcher: Searcher, wanted: Callable[[], bool], clock: Clock) -> None:
        self._searcher = searcher
        self._wanted = wanted
        self._clock = clock
        self._end = clock.now() + MOST_SECONDS

    def check(self) -> None:
        """Raise Abandoned if the caller has gone."""
        if not self._wanted():
            raise Abandoned

    def run(
        self, spl: str, earliest: str, latest: str, limit: int = 1000, timeout: float = 60.0
    ) -> SearchResult:
        """Run a search, see :class:`.ports.Searcher`.

        Raises:
            Abandoned: the caller has gone.
            SearchFailed: the search failed, or the time for all searches is up.
        """
        self.check()
        left = self._end - self._clock.now()
        if left <= 0:
            raise SearchFailed(
                f"The searches of an analysis may take {MOST_SECONDS / 60:.0f} minutes in total. "
                "That time is used up."
            )
        return self._searcher.run(spl, earliest, latest, limit, min(timeout, max(1.0, left)))
