"""Report the progress of a replay: its searches take minutes, and its rows come only at the end."""

from __future__ import annotations

import math
import time
from typing import Any, Callable

from ...ports import Searcher, SearchResult
from ...utc import to_the_minute

__all__ = ["Progress"]

FIRST_SECONDS = 10.0
"""Time before the first report. Each next one comes when three times as long has passed: a search
message can't be removed, so there are few."""


class Progress:
    """A searcher that reports its progress; see :class:`incident_management.ports.Searcher`.

    It expects searches in order of time. They start again from the beginning if they have to be
    repeated in another form.

    Args:
        end: the end of the searched time, in epoch seconds.
        report: called with one sentence.
    """

    def __init__(
        self,
        searcher: Searcher,
        end: float,
        report: Callable[[str], Any],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._searcher = searcher
        self._end = end
        self._report = report
        self._monotonic = monotonic
        self._next = monotonic() + FIRST_SECONDS
        self._start = self._reached = math.inf
        self._begun = monotonic()

    def run(
        self, spl: str, earliest: str, latest: str, limit: int = 1000, timeout: float = 60.0
    ) -> SearchResult:
        until = float(latest)
        if self._start == math.inf or until < self._reached:
            self._start, self._begun = min(float(earliest), until), self._monotonic()
        self._reached = until
        result = self._searcher.run(spl, earliest, latest, limit, timeout)
        now = self._monotonic()
        if now >= self._next and until < self._end:
            self._next = now + max(FIRST_SECONDS, 2.0 * (now - self._begun))
            self._report(self._sentence(until, now - self._begun))
        return result

    def _sentence(self, until: float, passed: float) -> str:
        share = (until - self._start) / (self._end - self._start)
        left = passed * (1.0 - share) / share if share > 0.0 else passed
        return (
            f"Searched up to {to_the_minute(until)} in {_long(passed)}, {100.0 * share:.0f} "
            f"percent of the time range. About {_long(left)} are left; the rows come at the end."
        )


def _long(seconds: float) -> str:
    return f"{seconds:.0f} seconds" if seconds < 90.0 else f"{seconds / 60.0:.0f} minutes"
