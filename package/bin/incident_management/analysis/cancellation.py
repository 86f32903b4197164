"""Ends an analysis early when nobody waits for it any more, or when its time is up.

splunkd does not tell a REST handler that its caller is gone, so it is looked for between searches.
"""

from __future__ import annotations

from typing import Callable

from ..ports import Clock, Searcher, SearchFailed, SearchResult

__all__ = ["Abandoned", "CancellableSearcher"]

MOST_SECONDS = 600.0
"""All searches of an analysis together: who asked waits little longer, for the model."""


class Abandoned(Exception):
    """Nobody waits for the analysis any more. No failed search: the finders must not go on."""


class CancellableSearcher:
    """A searcher that runs nothing more once ``wanted`` says that nobody waits, or time is up."""

    def __init__(self, searcher: Searcher, wanted: Callable[[], bool], clock: Clock) -> None:
        self._searcher = searcher
        self._wanted = wanted
        self._clock = clock
        self._end = clock.now() + MOST_SECONDS

    def check(self) -> None:
        """Raises Abandoned when nobody waits."""
        if not self._wanted():
            raise Abandoned

    def run(
        self, spl: str, earliest: str, latest: str, limit: int = 1000, timeout: float = 60.0
    ) -> SearchResult:
        """Run a search, see :class:`.ports.Searcher`.

        Raises:
            Abandoned: nobody waits.
            SearchFailed: also when the time for all searches is up.
        """
        self.check()
        left = self._end - self._clock.now()
        if left <= 0:
            raise SearchFailed(
                f"The searches of an analysis may take {MOST_SECONDS / 60:.0f} minutes in total. "
                "That time is used up."
            )
        return self._searcher.run(spl, earliest, latest, limit, min(timeout, max(1.0, left)))
