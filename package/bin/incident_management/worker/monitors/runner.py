"""Runs a monitor: reads the due spans, judges them, and records exactly how far it got.

An interrupted run is repeated from the same checkpoint and finds the same signals, which ingest
drops as known (:mod:`.checkpoints`). No span is missed or counted twice.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any, Callable, Collection, Dict, List, Mapping, Optional, Sequence, Tuple

from ...detection.baselines.records import CALM_POINTS
from ...detection.monitors.detector import Detector, Found
from ...detection.monitors.detectors import detector_for
from ...detection.monitors.monitor import MAX_EVENTS, Monitor
from ...detection.monitors.rows import by_span, count_of
from ...detection.monitors.signals import signal_of
from ...incidents.errors import Invalid
from ...incidents.signal import Signal
from ...incidents.stores import claim_document
from ...ports import Clock, Document, Searcher, SearchFailed, SearchResult, SearchTooSlow, Stores
from .checkpoints import Checkpoint, Checkpoints
from .late_events import Judged, LateEvents
from .suppressed_findings import ongoing_suppressed
from .troubles import TroubleBook

__all__ = ["MonitorRunner"]

ACTOR = "incident_monitor"
SPANS_A_SEARCH = 288
SPANS_A_RUN = 20_000
TURN_SECONDS = 900.0
WAIT_SECONDS = 900.0
"""The longest time that spans wait for events that a search may lack."""
# A series that is out of order again after this many spans or fewer has the same trouble: an
# anomaly of a baseline ends after this many calm spans.
SPANS_BETWEEN = CALM_POINTS

Ingest = Callable[[Sequence[Signal], str], Any]
Trouble = Callable[..., None]


class MonitorRunner:
    """One monitor over stores, a searcher and a clock.

    Args:
        ingest: ingests signals; may get the same ones again.
        trouble: takes the monitor's purpose and one sentence about a problem, with
            ``level=logging.WARNING`` for changed behaviour that is no failure.
    """

    def __init__(
        self,
        monitor: Monitor,
        stores: Stores,
        searcher: Searcher,
        clock: Clock,
        ingest: Ingest,
        trouble: Trouble,
        holder: str = "",
    ) -> None:
        self._monitor = monitor
        self._stores = stores
        self._searcher = searcher
        self._clock = clock
        self._ingest = ingest
        self._log = trouble
        self._holder = holder
        self._purpose = f"monitor:{monitor.name}"
        self._spans = SPANS_A_SEARCH
        self._checkpoints = Checkpoints(monitor, stores, clock, holder, self._warn, self._trouble)
        self._late = LateEvents(monitor, stores, searcher, clock, holder)
        self._newest: Optional[Judged] = None
        self._troubles: List[str] = []

    def run(self) -> Dict[str, int]:
        """Judge all due spans; return the numbers of spans and signals.

        A search that fails or takes too long is reported, and its spans stay due. Raises what the
        stores raise.
        """
        done = {"monitor_spans": 0, "monitor_signals": 0}
        now = self._clock.now()
        checkpoint = self._checkpoints.newest(now)
        until = self._monitor.complete_until(now)
        try:
            is_due = self._monitor.is_due(checkpoint.end, checkpoint.raising_from, until)
            if is_due and self._takes_turn(checkpoint.end, now):
                self._take_turn(until, checkpoint, done)
        finally:
            self._note_troubles(bool(done["monitor_spans"]))
        return done

    def _take_turn(self, until: int, checkpoint: Checkpoint, done: Dict[str, int]) -> None:
        try:
            self._judge_until(until, checkpoint, done)
            if done["monitor_signals"]:
                self._checkpoints.forget_memories()
            if done["monitor_spans"]:
                self._report_late_events()
        finally:
            self._stores.claims.delete(f"{self._purpose}:turn")

    def _judge_until(self, until: int, checkpoint: Checkpoint, done: Dict[str, int]) -> None:
        """Judge the spans up to ``until``, and add to the counts in ``done``."""
        while checkpoint.end < until and done["monitor_spans"] < SPANS_A_RUN:
            spans = min(self._spans, (until - checkpoint.end) // self._monitor.span)
            try:
                result = self._search(checkpoint, spans)
                if result.truncated and spans > 1:
                    self._spans = spans // 2
                    continue
                if result.warnings and self._waits(checkpoint, result.warnings[0]):
                    break
                signals, step = self._judge(checkpoint, spans, result)
            except SearchTooSlow as error:
                if spans > 1:
                    self._warn(f"{error} The search is retried over half the time range.")
                    self._spans = spans // 2
                    continue
                self._trouble(f"{error} Its spans are retried.")
                break
            except (SearchFailed, ValueError, ArithmeticError) as error:
                self._trouble(f"{str(error).rstrip('.')}. Its spans are retried.")
                break
            if signals:
                self._ingest(signals, ACTOR)
            checkpoint = self._checkpoints.commit(step, checkpoint)
            if checkpoint.end != step.end:
                break  # Another member has continued: it judges the rest.
            done["monitor_spans"] += spans
            done["monitor_signals"] += len(signals)
        going_on = ongoing_suppressed(self._stores, self._monitor.name, checkpoint)
        if going_on:
            self._ingest(going_on, ACTOR)

    def _report_late_events(self) -> None:
        told = self._late.run(self._newest)
        if told:
            self._trouble(told)

    def _note_troubles(self, has_judged: bool) -> None:
        """Record the troubles to show; without any, a judged span clears earlier ones."""
        book = TroubleBook(self._stores, self._clock)
        if self._troubles:
            book.note(self._monitor.name, self._holder, " ".join(dict.fromkeys(self._troubles)))
        elif has_judged:
            book.clear(self._monitor.name)

    def _takes_turn(self, end: int, now: float) -> bool:
        """Tell whether this member is to continue, so that only one runs the searches.

        That only saves work. A member that was killed during its turn continues at once when it is
        back, another one when the turn has grown old.
        """
        turn: Document = claim_document(
            f"{self._purpose}:turn", now, {"end": end}, purpose="monitor turn", holder=self._holder
        )
        if self._stores.claims.insert(turn):
            return True
        known = self._stores.claims.get(turn["_key"])
        age = now - float(known["time"]) if known else 0.0
        if known and known["holder"] != self._holder and 0 <= age < TURN_SECONDS:
            return False
        self._stores.claims.save([turn])
        return True

    # --- judging ----------------------------------------------------------------------------

    def _search(self, checkpoint: Checkpoint, spans: int) -> SearchResult:
        monitor, start = self._monitor, checkpoint.end
        end = start + spans * monitor.span
        result = self._searcher.run(
            monitor.spl(), str(start), str(end), limit=MAX_EVENTS, timeout=monitor.timeout
        )
        if result.cut_short:
            raise SearchTooSlow("The search was stopped before it had read everything.")
        return result

    def _waits(self, checkpoint: Checkpoint, warning: str) -> bool:
        """Tell whether spans that may lack events are judged later.

        A search peer that restarts is back in minutes, and its missing events must not look like
        silence. Spans that still lack events by then are judged as they are, and so are the
        following ones, until a search is complete.
        """
        if checkpoint.covered_from == checkpoint.end:
            return False  # The previous span was incomplete, too.
        now, key = self._clock.now(), f"{self._purpose}:waits"
        known = self._stores.claims.get(key)
        if known is None or known["value"]["end"] != checkpoint.end:
            value = {"end": checkpoint.end}
            known = claim_document(key, now, value, purpose="monitor waits", holder=self._holder)
            self._stores.claims.save([known])
        if not 0 <= now - float(known["time"]) < WAIT_SECONDS:
            return False
        self._trouble(
            f"Its search may be missing events: {warning} Its spans wait for them for "
            f"{WAIT_SECONDS / 60:g} minutes."
        )
        return True

    def _judge(
        self, checkpoint: Checkpoint, spans: int, result: SearchResult
    ) -> Tuple[List[Signal], Checkpoint]:
        """Return the signals of the next spans, and the checkpoint after them."""
        monitor, start = self._monitor, checkpoint.end
        end = start + spans * monitor.span
        detector = detector_for(monitor)
        detector.restore(checkpoint.state)
        rows = by_span(result.rows, monitor.span)
        raised: List[Tuple[int, Found]] = []
        unwell, since = dict(checkpoint.unwell), dict(checkpoint.unwell_since)
        for at in range(start, end, monitor.span):
            found = detector.judge(at, rows.get(at, []))
            if at + monitor.span > checkpoint.raising_from:
                raised.extend((at, one) for one in found)
                detector.note_raised(at, found)
            series = {*detector.unwell, *(one.key for one in found)}
            entities = {monitor.entity(key) for key in series}
            if detector.raises_once:
                _note_since(since, unwell, entities, at, monitor.span)
            unwell.update(dict.fromkeys(entities, float(at + monitor.span)))
        self._complain(result, detector)
        partly = result.truncated or result.warnings or detector.problems
        step = replace(
            checkpoint,
            end=end,
            state=detector.to_state(),
            unwell=unwell,
            unwell_since=since,
            covered_from=float(end) if partly else checkpoint.covered_from,
        )
        if not (result.truncated or result.warnings) and end > checkpoint.raising_from:
            last = end - monitor.span
            self._newest = end, count_of(monitor, rows.get(last, []))
        return self._signals(raised, checkpoint, end), step

    def _complain(self, result: SearchResult, detector: Detector) -> None:
        """Report what prevents findings, or some of them."""
        if result.truncated:
            self._trouble(
                f"A span has more than {MAX_EVENTS} rows; only that many were judged. Choose a "
                "shorter span or a narrower search."
            )
        for warning in result.warnings[:1]:
            self._trouble(
                f"Its search may be missing events, so findings may be missing: {warning}"
            )
        for problem in detector.problems:
            self._trouble(problem)
        if not detector.has_seen_any() and not detector.problems:
            by = self._monitor.by
            fields = f"with {', '.join(by)} " if by else ""
            self._trouble(
                f"It has seen no event {fields}yet. Check its search, and that its events have the "
                "fields of by."
            )

    # --- findings ----------------------------------------------------------------------------

    def _signals(
        self, raised: Sequence[Tuple[int, Found]], before: Checkpoint, end: int
    ) -> List[Signal]:
        if not raised:
            return []
        found = [one for _at, one in raised]
        memory = detector_for(self._monitor).memory(before.state, found)
        name = self._checkpoints.remember(before.end, end, memory) if memory else ""
        made = []
        for at, one in raised:
            try:
                made.append(signal_of(self._monitor, one, at, name, self._clock.now()))
            except Invalid as error:
                self._log_named(f"A finding of the span from {at} is not a signal: {error}")
        return made

    def _trouble(self, sentence: str) -> None:
        """Report a problem that prevents judging; it is shown to people until it is over."""
        self._troubles.append(self._log_named(sentence))

    def _warn(self, sentence: str) -> None:
        """Log something that is no failure: learning again after an upgrade, or a retry of less."""
        self._log(self._purpose, self._named(sentence), level=logging.WARNING)

    def _log_named(self, sentence: str) -> str:
        text = self._named(sentence)
        self._log(self._purpose, text)
        return text

    def _named(self, sentence: str) -> str:
        named = f"Monitor '{self._monitor.name}'"
        return sentence if sentence.startswith(named) else f"{named}: {sentence}"


def _note_since(
    since: Dict[str, float],
    unwell: Mapping[str, float],
    entities: Collection[str],
    at: int,
    span: int,
) -> None:
    """Record the entities whose trouble begins with the span from ``at``."""
    for entity in entities:
        if entity not in since or at - unwell[entity] > SPANS_BETWEEN * span:
            since[entity] = float(at + span)
