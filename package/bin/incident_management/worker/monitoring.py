"""Runs a monitor: reads the spans that are due, judges them, and remembers exactly how far it got.

What a monitor has learned and how far it got are one document, and that document is inserted,
never changed: its key is the end of the last span it covers. So a run that was ended in the middle
is repeated from the same state and finds the same signals, which ingest drops as known; and of two
members that run a monitor at once only one sets the next step. No span is missed or counted twice.
"""

from __future__ import annotations

import base64
import json
import zlib
from datetime import datetime
from typing import Any, Callable, Dict, List, Mapping, Sequence

from ..detection.monitors import MOST_EVENTS, Monitor
from ..detection.monitors_detectors import Detector, Found, detector_for
from ..incidents.errors import Invalid
from ..incidents.model import Signal
from ..ports import Clock, Document, Searcher, SearchFailed, SearchTooSlow, Stores
from ..splunk.session import APP

__all__ = ["MonitorRunner"]

ACTOR = "incident_monitor"
SPANS_A_SEARCH = 288
SPANS_A_RUN = 20_000
KEPT_CHECKPOINTS = 3
TURN_SECONDS = 900.0

Ingest = Callable[[Sequence[Signal], str], Any]
Trouble = Callable[[str, str], None]


class MonitorRunner:
    """One monitor over stores, a searcher and a clock.

    Args:
        ingest: takes signals in; may be given the same ones again.
        trouble: is told, in one sentence, what a monitor could not do.
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
        self._trouble = trouble
        self._holder = holder
        self._purpose = f"monitor:{monitor.name}"
        self._spans = SPANS_A_SEARCH

    def run(self) -> Dict[str, int]:
        """Judge all spans that are due; returns how many spans and signals there were.

        A search that fails or takes too long is told of, and its spans stay due. Raises what the
        stores raise.
        """
        done = {"monitor_spans": 0, "monitor_signals": 0}
        now = self._clock.now()
        checkpoint = self._checkpoint(now)
        until = self._monitor.complete_until(now)
        end = int(checkpoint["value"]["end"])
        if until <= end or (checkpoint["_key"] and until - end < self._monitor.every):
            return done
        if not self._takes_turn(end, now):
            return done
        while end < until and done["monitor_spans"] < SPANS_A_RUN:
            spans = min(self._spans, (until - end) // self._monitor.span)
            try:
                signals, after = self._judge(checkpoint, end, spans)
            except SearchFailed as error:
                self._tell(f"{error} Its spans from {end} on are looked at again.")
                if spans == 1 or not isinstance(error, SearchTooSlow):
                    break
                self._spans = spans // 2
                continue
            except ValueError as error:
                self._tell(f"{error}; nothing was learned from {end} on.")
                break
            if signals:
                self._ingest(signals, ACTOR)
            end += spans * self._monitor.span
            checkpoint = self._commit(end, after, checkpoint)
            if int(checkpoint["value"]["end"]) != end:
                break  # Another member went on: the rest is its.
            done["monitor_spans"] += spans
            done["monitor_signals"] += len(signals)
        self._stores.claims.delete(f"{self._purpose}:turn")
        return done

    def _takes_turn(self, end: int, now: float) -> bool:
        """Tell whether this member is to go on from here, so that one alone runs the searches.

        That only saves work. A member that was ended at its turn goes on at once when it is back,
        another one when the turn has grown old.
        """
        turn: Document = {
            "_key": f"{self._purpose}:turn",
            "purpose": "monitor turn",
            "holder": self._holder,
            "time": now,
            "value": {"end": end},
        }
        if self._stores.claims.insert(turn):
            return True
        known = self._stores.claims.get(turn["_key"])
        age = now - float(known["time"]) if known else 0.0
        if known and known["holder"] != self._holder and 0 <= age < TURN_SECONDS:
            return False
        self._stores.claims.save([turn])
        return True

    # --- judging ----------------------------------------------------------------------------

    def _judge(self, checkpoint: Document, start: int, spans: int) -> Any:
        """Return the signals of some spans, and what the detector has learned by then."""
        monitor = self._monitor
        end = start + spans * monitor.span
        result = self._searcher.run(
            monitor.spl(), str(start), str(end), limit=MOST_EVENTS, timeout=monitor.timeout
        )
        if result.truncated and spans > 1:
            middle = spans // 2
            first, after = self._judge(checkpoint, start, middle)
            between = {**checkpoint, "value": {**checkpoint["value"], "state": after}}
            rest, after = self._judge(between, start + middle * monitor.span, spans - middle)
            return [*first, *rest], after
        if result.truncated:
            self._tell(
                f"The span from {start} has more than {MOST_EVENTS} rows; only so many were "
                "judged. Choose a shorter span, or a narrower search."
            )
        detector = self._detector(checkpoint)
        by_span: Dict[int, List[Mapping[str, Any]]] = {}
        for row in sorted(result.rows, key=lambda one: _seconds(one)):
            at = int(_seconds(row) // monitor.span) * monitor.span
            by_span.setdefault(at, []).append(row)
        signals: List[Signal] = []
        raising_from = float(checkpoint["value"]["raising_from"])
        for at in range(start, end, monitor.span):
            found = detector.judge(at, by_span.get(at, []))
            if at + monitor.span > raising_from:
                signals.extend(self._signals(found, at))
        for problem in detector.problems:
            self._tell(problem, named=True)
        return signals, _packed(detector.to_state())

    def _detector(self, checkpoint: Document) -> Detector:
        detector = detector_for(self._monitor)
        state = checkpoint["value"].get("state")
        if state:
            detector.restore(json.loads(zlib.decompress(base64.b64decode(state))))
        return detector

    def _signals(self, found: Sequence[Found], at: int) -> List[Signal]:
        made = []
        for one in found:
            try:
                made.append(self._signal(one, at))
            except Invalid as error:
                self._tell(f"A finding of the span from {at} is not a signal: {error}")
        return made

    def _signal(self, found: Found, at: int) -> Signal:
        monitor = self._monitor
        entity = ", ".join(part for part in found.key if part) or monitor.name
        dedup = dict(zip(monitor.by, found.key)) or {"monitor": monitor.name}
        if found.template_id:
            dedup["template_id"] = found.template_id
        title = monitor.title or "{monitor}: {entity}"
        for token, value in (("{monitor}", monitor.name), ("{entity}", entity)):
            title = title.replace(token, value)
        row = {**dict(zip(monitor.by, found.key)), "finding": found.text}
        if found.sample:
            row["sample"] = found.sample
        return Signal.create(
            rule=monitor.name,
            app=APP,
            owner="nobody",
            entity=entity,
            severity=monitor.severity,
            title=title,
            description="\n".join(part for part in (found.text, found.sample) if part),
            first_time=float(at),
            last_time=float(at + monitor.span),
            count=found.count,
            run=f"span:{at}",
            dedup=dedup,
            rows=[row],
            received_at=self._clock.now(),
        )

    # --- how far it got ---------------------------------------------------------------------

    def _checkpoint(self, now: float) -> Document:
        """Return the newest checkpoint that does not lie in the future, else a first one.

        One from the future was made while the clock was wrong: it covers spans whose events had
        yet to come, so it is taken away and those spans are judged again.
        """
        known = sorted(self._known(), key=lambda one: one["value"]["end"])
        latest = self._monitor.complete_until(now) + self._monitor.span
        while known and known[-1]["value"]["end"] > latest:
            wrong = known.pop()
            self._tell(
                f"It stands at {wrong['value']['end']}, which is after the clock's {now:.0f}; the "
                "clock was changed, and the spans in between are judged again."
            )
            self._stores.claims.delete(wrong["_key"])
        if known:
            return known[-1]
        start = self._monitor.complete_until(now - self._monitor.backfill)
        value = {"end": start, "state": "", "raising_from": now - self._monitor.lag}
        return {"_key": "", "time": 0.0, "value": value}

    def _known(self) -> List[Document]:
        return self._stores.claims.find({"purpose": self._purpose})

    def _commit(self, end: int, state: str, before: Document) -> Document:
        """Set the next step; returns the newest checkpoint, which may be another member's."""
        document = {
            "_key": f"{self._purpose}:{end}",
            "purpose": self._purpose,
            "holder": self._holder,
            "time": self._clock.now(),
            "value": {
                "end": end,
                "state": state,
                "raising_from": before["value"]["raising_from"],
            },
        }
        self._stores.claims.insert(document)
        known = sorted(self._known(), key=lambda one: one["value"]["end"])
        for old in known[:-KEPT_CHECKPOINTS]:
            self._stores.claims.delete(old["_key"])
        return known[-1]

    def _tell(self, sentence: str, named: bool = False) -> None:
        text = sentence if named else f"Monitor '{self._monitor.name}': {sentence}"
        self._trouble(self._purpose, text)


def _packed(state: Mapping[str, Any]) -> str:
    """State as short text: a field's name in the KV store may hold no dot, a series' may."""
    text = json.dumps(state, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(zlib.compress(text.encode())).decode("ascii")


def _seconds(row: Mapping[str, Any]) -> float:
    """The time of a row; splunkd writes ``_time`` of results in ISO 8601 or epoch seconds."""
    text = str(row.get("_time") or "")
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except ValueError:
        raise ValueError(f"a row's _time is '{text[:40]}', not a time; keep _time") from None
