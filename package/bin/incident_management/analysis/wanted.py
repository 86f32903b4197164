"""An analysis ends early when the search that asked for it is ended: nobody waits for it then.

splunkd does not tell a REST handler that its caller is gone, so it is looked for between steps.
"""

from __future__ import annotations

from typing import Callable

from ..ports import Searcher, SearchResult

__all__ = ["Abandoned", "WhileWanted"]


class Abandoned(Exception):
    """Nobody waits for the analysis any more. No failed search: the finders must not go on."""


class WhileWanted:
    """A searcher that runs nothing more once ``wanted`` says that nobody waits."""

    def __init__(self, searcher: Searcher, wanted: Callable[[], bool]) -> None:
        self._searcher = searcher
        self._wanted = wanted

    def check(self) -> None:
        """Raises Abandoned when nobody waits."""
        if not self._wanted():
            raise Abandoned

    def run(
        self, spl: str, earliest: str, latest: str, limit: int = 1000, timeout: float = 60.0
    ) -> SearchResult:
        """Run a search, see :class:`.ports.Searcher`. Raises Abandoned when nobody waits."""
        self.check()
        return self._searcher.run(spl, earliest, latest, limit, timeout)
