"""Judge a series of a monitor again, with what the monitor knew before it raised something.

So the same question can be asked about two windows, before and after a fix: would the monitor, had
it looked then, have found the problem?
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Mapping, Sequence, Tuple

from .detectors import detector_for
from .monitor import Monitor
from .rows import Row, all_series_of, by_span, events_of

__all__ = ["Problem", "events_in", "would_find"]


@dataclass(frozen=True)
class Problem:
    """The problem that a monitor raised, as its signals' ``search`` describes it.

    ``memory`` names the document with what the monitor knew of the series before, if it needs any.
    """

    monitor: str
    entity: str
    series: Tuple[str, ...] = ()
    template_id: str = ""
    memory: str = ""

    @classmethod
    def from_search(cls, search: Mapping[str, Any]) -> Problem:
        """Read the ``search`` of a signal or an incident that a monitor raised.

        A client may have made it up, so everything in it is read as text.
        """
        series = search.get("series")
        return cls(
            str(search["monitor"]),
            str(search.get("entity") or ""),
            tuple(map(str, series)) if isinstance(series, list) else (),
            str(search.get("template_id") or ""),
            str(search.get("memory") or ""),
        )

    def to_search(self) -> Dict[str, Any]:
        """Return the document that :meth:`from_search` reads; empty values are left out."""
        found = {**self.__dict__, "series": list(self.series)}
        return {name: value for name, value in found.items() if value}


def would_find(
    monitor: Monitor,
    problem: Problem,
    memory: Mapping[str, Any],
    rows: Sequence[Row],
    window: Tuple[int, int],
) -> bool:
    """Return whether the monitor would find the problem in a span of a window.

    ``rows`` are the results of ``monitor.spl(problem.series)``, beginning with a span before the
    window; the window's ends are whole spans, in epoch seconds.

    Raises:
        ValueError: the memory is of another detector, a row is malformed, or the problem was not
            found and not everything could be judged.
    """
    detector = detector_for(monitor)
    detector.restore(memory)
    spans = by_span(rows, monitor.span)
    start, end = window
    detector.prime(spans.get(start - monitor.span, []))
    moments = range(start, end, monitor.span)
    # A list, so that each span is learned from: the next verdict depends on it.
    verdicts = [
        detector.is_present(at, spans.get(at, []), problem.series, problem.template_id)
        for at in moments
    ]
    if not any(verdicts) and detector.problems:
        # A problem that could not be judged is not gone.
        raise ValueError(detector.problems[0])
    return any(verdicts)


def events_in(
    monitor: Monitor, problem: Problem, rows: Sequence[Row], window: Tuple[int, int]
) -> int:
    """Return how many events the problem's series had in a window."""
    count = 0
    for at, some in by_span(rows, monitor.span).items():
        if window[0] <= at < window[1]:
            mine = (row for row in some if problem.series in all_series_of(monitor, row))
            count += sum(1 if monitor.needs_events else events_of(row) for row in mine)
    return count
