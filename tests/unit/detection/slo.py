"""A service level objective that a monitor watches, and the requests that a test counts for it."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

from incident_management.ports import SearchResult
from tests.unit.detection.watching import HOUR, START, Watched, newest

SPAN = 300
DAY = 24 * HOUR
SLO = {"monitor_search": "index=web", "detector": "burn_rate", "value": "bad", "by": "service"}
Span = Tuple[int, int]
"""Bad and all events."""


class Service(Watched):
    """One service whose requests the test counts by span, from three days before the start."""

    def __init__(self, healthy: Span = (0, 1000), days: float = 3, **settings: str) -> None:
        super().__init__(**{**SLO, "backfill": "3d", **settings})
        before = range(START - int(days * DAY), START, SPAN)
        self.spans: Dict[int, Span] = dict.fromkeys(before, healthy)
        self.run()

    def answer(self, earliest: str, latest: str, limit: int) -> SearchResult:
        self.windows.append((int(earliest), int(latest)))
        rows = [
            {"_time": str(at), "events": str(total), "part": str(bad), "service": "pay"}
            for at, (bad, total) in self.spans.items()
            if int(earliest) <= at < int(latest)
        ]
        return SearchResult(rows)

    def live(self, *spans: Span, times: int = 1) -> None:
        for span in spans * times:
            if span[1]:
                self.spans[int(self.clock.now()) // SPAN * SPAN] = span
            self.clock.advance(SPAN)
            self.run()

    @property
    def told_of(self) -> List[Tuple[str, int]]:
        """Severity and the number of spans from the start to where it was found."""
        ends = [(str(one["severity"]), int(one["last_time"] - START)) for one in self.signals]
        return sorted(((one, end // SPAN) for one, end in ends), key=lambda one: one[1])

    @property
    def unwell_until(self) -> float:
        """Spans from the start to the end of the last one that was out of order."""
        return max((end - START for _entity, end in newest(self)["unwell"]), default=0) / SPAN


def rows_of(at: int, row: Dict[str, Span]) -> List[Dict[str, Any]]:
    return [
        {"_time": at, "service": name, "events": total, "part": bad}
        for name, (bad, total) in row.items()
        if total
    ]
