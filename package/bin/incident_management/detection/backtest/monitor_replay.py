"""Replay a monitor over past time: which incidents would it have opened?

The monitor's own detector learns from a backfill and then judges the spans after it. Its findings
go through the app's real ingest. Everything that is written stays in memory. Times are epoch
seconds.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Iterator, List, Mapping, Sequence, Tuple

from ...incidents.errors import Invalid
from ...incidents.grouping import Topology
from ...incidents.signal import Signal
from ...ports import Searcher, SearchFailed, SearchResult, SearchTooSlow
from ..monitors.detector import Found
from ..monitors.detectors import detector_for
from ..monitors.monitor import MAX_EVENTS, Monitor
from ..monitors.rows import Row, by_span
from ..monitors.signals import signal_of
from .replay import BacktestFailed, Costs, Setting, Simulated, Stage

__all__ = ["MonitorReplay", "Span"]

SPANS_A_SEARCH = 288
MAX_SPANS = 20_000


@dataclass(frozen=True)
class Span:
    """One span: its start, its findings, and the entities that were abnormal in it."""

    start: int
    signals: Sequence[Signal]
    unwell: Sequence[str]


@dataclass
class MonitorReplay(Costs):
    """A replay of one monitor.

    Findings are raised for spans that end after ``start`` and no later than ``end``. The replay
    runs the monitor's search as it is: callers check before that the search only reads.
    """

    monitor: Monitor
    searcher: Searcher
    start: float
    end: float

    def simulated(self, setting: Setting, topology: Topology) -> Tuple[Simulated, int]:
        """Return the incidents it would have opened, and the number of spans that were judged.

        Raises BacktestFailed.
        """
        stage, unwell = Stage(setting, topology), dict[str, float]()
        spans = fired = 0
        for span in self.spans():
            judged_at = span.start + self.monitor.span + self.monitor.lag
            unwell.update(dict.fromkeys(span.unwell, float(span.start + self.monitor.span)))
            stage.play(judged_at, span.signals, unwell)
            spans, fired = spans + 1, fired + bool(span.signals)
        return stage.result(spans, fired), spans

    def spans(self) -> Iterator[Span]:
        """Yield the spans in which findings are raised, oldest first. Raises BacktestFailed."""
        monitor = self.monitor
        detector = detector_for(monitor)
        for at, rows in self._read():
            try:
                found = detector.judge(at, rows)
            except (ValueError, ArithmeticError) as error:
                raise self._failed(str(error)) from error
            if at + monitor.span <= self.start:
                continue
            detector.note_raised(at, found)
            series = {*detector.unwell, *(one.key for one in found)}
            entities = sorted({monitor.entity(key) for key in series})
            yield Span(at, self._signals(found, at), entities)
        if not detector.has_seen_any():
            fields = f"with {', '.join(monitor.by)} " if monitor.by else ""
            raise self._failed(f"its search found no event {fields}that it could evaluate.")

    def _signals(self, found: Sequence[Found], at: int) -> List[Signal]:
        monitor, made = self.monitor, []
        for one in found:
            try:
                made.append(signal_of(monitor, one, at, "", at + monitor.span + monitor.lag))
            except Invalid as error:
                raise self._failed(str(error)) from error
        return made

    def _read(self) -> Iterator[Tuple[int, List[Row]]]:
        """Yield the start and the rows of each span, from the beginning of the backfill on."""
        span, spans = self.monitor.span, SPANS_A_SEARCH
        at = int((self.start - max(self.monitor.backfill, span)) // span) * span
        end = int(self.end // span) * span
        if (end - at) // span > MAX_SPANS:
            raise self._failed(
                f"the time range has more than {MAX_SPANS} spans; choose a later earliest."
            )
        while at < end:
            until = min(end, at + spans * span)
            try:
                result = self._search(at, until)
            except SearchTooSlow as error:
                if until - at > span:
                    spans = (until - at) // span // 2
                    continue
                raise self._failed(str(error)) from error
            except SearchFailed as error:
                raise self._failed(str(error)) from error
            if result.truncated and until - at > span:
                spans = (until - at) // span // 2
                continue
            self.truncated_runs += result.truncated or bool(result.warnings)
            rows: Mapping[int, List[Row]] = by_span(result.rows, span)
            for start in range(at, until, span):
                yield start, rows.get(start, [])
            at = until

    def _search(self, at: int, until: int) -> SearchResult:
        began = time.monotonic()
        result = self.searcher.run(
            self.monitor.spl(), str(at), str(until), MAX_EVENTS, self.monitor.timeout
        )
        self.searches += 1
        self.search_seconds += time.monotonic() - began
        if result.cut_short:
            raise SearchTooSlow("The search was stopped before it had read everything.")
        return result

    def _failed(self, why: str) -> BacktestFailed:
        return BacktestFailed(f"The monitor '{self.monitor.name}' can't be replayed: {why}")
