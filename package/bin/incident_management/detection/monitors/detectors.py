"""The detectors of monitors: what each finds in one span, and the state it carries to the next."""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from ..baselines.baseline import SENSITIVITIES, Baseline, Score
from ..baselines.records import CALM_POINTS, LASTING
from ..baselines.zone import Zone
from .burning import BurningBudget
from .detector import FORGET_AFTER_SPANS, MAX_SERIES, Detector, Found
from .lasting import Lasting
from .monitor import MAY_HAVE_TO_LAST, Monitor
from .novelty import NewTemplates
from .pauses import Pauses
from .rows import Key, Row, events_of, series_of

__all__ = ["detector_for"]

REGULAR_SPANS = 6
REGULAR_SHARE = 0.9
EXCUSED_SHARE = 1 / 3
"""The longest pause of a series, up to this share of its spans with events, says nothing of how
regular it is: else an outage would hide the next one."""
GOES_ON = 1 / 3
"""The value with which a trouble is found is often the highest of it; after a burst, what is usual
is still below a third of the way. A half loses 1 in 20 true faults, a quarter gains none."""


@dataclass
class _Fault:
    """An anomaly that is not over: how far from what is expected was too far when it began.

    A young series learns from a fault, so that it would soon be within its bounds. ``expected`` and
    ``value`` are those with which it was found last: what goes :data:`GOES_ON` of the way from the
    one to the other again goes on, though within the bounds; a burst is over. ``is_joint``: no
    value was beyond its bound when it was found, but several points together were unusual.
    """

    below: float
    above: float
    since: int
    calm: int = 0
    expected: float = 0.0
    value: Optional[float] = None
    is_joint: bool = False

    def goes_on(self, value: float) -> bool:
        """Tell whether a value is on the way to the one that was found."""
        if self.value is None:
            return False
        least = self.expected + GOES_ON * (self.value - self.expected)
        return value >= least if self.value >= self.expected else value <= least


class _Baselines(Detector):
    """A value outside of what its series has learned to expect."""

    raises_once = True

    def __init__(self, monitor: Monitor) -> None:
        super().__init__(monitor)
        self._series: Dict[Key, Baseline] = {}
        self._zone = Zone(monitor.time_zone)
        self._faults: Dict[Key, _Fault] = {}
        self._beyond: Set[Key] = set()
        """Series of which the value in the span judged last was beyond its bound."""
        self._last: Dict[Key, int] = {}
        """When each series had a row last."""

    def judge(self, start: int, rows: Sequence[Row]) -> List[Found]:
        values = {series_of(self.monitor, row): row for row in rows}
        if self.monitor.value != "count":
            self._check_numbers(rows, "value")
        self.seen = {}
        self.unwell, self._beyond = set(), set()
        self._make_room(start, values)
        found = []
        for key in [*self._series, *(key for key in values if key not in self._series)]:
            value = self._value(values.get(key))
            if value is None or (key not in self._series and not self._has_room(len(self._series))):
                continue
            if key not in self._series:
                self._series[key] = Baseline(
                    self.monitor.season, *self._settings(), zone=self._zone
                )
                self._last[key] = start
            score = self._series[key].add(value, float(start))
            is_off = self._follow(key, value, score, start)
            if not is_off and key not in self._faults:
                continue
            if is_off or self._faults[key].goes_on(value):
                text = (
                    f"{self.monitor.value} is {value:g}; {score.lower:.4g} to {score.upper:.4g} "
                    "was expected."
                )
                self.seen[key] = Found(key, text, events_of(values.get(key, {})))
            if score.is_anomaly:
                found.append(self.seen[key])
        return found

    def _make_room(self, start: int, values: Mapping[Key, Row]) -> None:
        """Note which series are there; forget those that are gone when new ones need their places.

        Only then: what pauses each weekend is not to be learned anew each week.
        """
        # A series of a state without these times counts as seen now.
        self._last = {
            key: start if key in values else self._last.get(key, start) for key in self._series
        }
        if len(self._series.keys() | values.keys()) <= MAX_SERIES:
            return
        oldest = start - FORGET_AFTER_SPANS * self.monitor.span
        for key in [key for key, last in self._last.items() if last < oldest]:
            del self._series[key], self._last[key]
            self._faults.pop(key, None)

    def to_state(self) -> Dict[str, Any]:
        return {
            "series": [
                [list(key), one.to_state(), self._last[key]] for key, one in self._series.items()
            ],
            "faults": [[list(key), *astuple(fault)] for key, fault in self._faults.items()],
        }

    def has_seen_any(self) -> bool:
        return bool(self._series)

    def memory(self, state: Mapping[str, Any], found: Sequence[Found]) -> Dict[str, Any]:
        return {"series": _of_keys(state.get("series", []), found)}

    def lead_in(self, rows: Sequence[Row]) -> None:
        for row in rows:
            value, series = self._value(row), self._series.get(series_of(self.monitor, row))
            if series is not None and value is not None:
                series.resume_from(value)

    def _follow(self, key: Key, value: float, score: Score, start: int) -> bool:
        """Follow a fault from where it begins until it has been calm, or has become usual.

        Returns whether this span by itself is out of order. One that is not may still be unwell: of
        a fault that only several spans together show, as long as they do.
        """
        expected = score.expected
        fault = self._faults.get(key) or _Fault(
            expected - score.lower, score.upper - expected, start
        )
        direction = self.monitor.direction
        too_high = direction != "down" and value > expected + fault.above
        too_low = direction != "up" and value < expected - fault.below
        if too_high or too_low:
            self._beyond.add(key)
        is_off = too_high or too_low or score.is_anomaly
        if score.is_anomaly:
            fault.expected, fault.value = expected, value
            fault.is_joint = key not in self._beyond
        is_unwell = is_off or (fault.is_joint and self._series[key].goes_on)
        if is_unwell:
            self.unwell.add(key)
        fault.calm = 0 if is_unwell or fault.goes_on(value) else fault.calm + 1
        is_usual = start - fault.since >= LASTING * self.monitor.span
        if is_usual or (fault.calm and (fault.calm >= CALM_POINTS or key not in self._faults)):
            self._faults.pop(key, None)
        else:
            self._faults[key] = fault
        return is_off

    def is_there(self, start: int, rows: Sequence[Row], key: Key, template_id: str = "") -> bool:
        """Tell whether a value is beyond its bound.

        What only several spans together show is no proof: a window has too few of them, so that it
        would be found before a fix and never after it.
        """
        self.judge(start, rows)
        return key in self._beyond

    def restore(self, state: Mapping[str, Any]) -> None:
        self._series = {
            tuple(key): Baseline.from_state(saved, *self._settings(), zone=self._zone)
            for key, saved, *_last in state.get("series", [])
        }
        self._last = {tuple(key): last[0] for key, _saved, *last in state.get("series", []) if last}
        self._faults = {tuple(key): _Fault(*fault) for key, *fault in state.get("faults", [])}

    def _settings(self) -> Tuple[float, str]:
        return SENSITIVITIES[self.monitor.sensitivity], self.monitor.direction

    def _value(self, row: Optional[Row]) -> Optional[float]:
        """A span without events counts 0; an average of nothing is no value, nor is text."""
        adds_up = self.monitor.value == "count" or self.monitor.value.startswith(("sum(", "dc("))
        if row is None:
            return 0.0 if adds_up else None
        field = "events" if self.monitor.value == "count" else "value"
        number = self._number(row, field)
        return 0.0 if number is None and adds_up and row.get(field) in (None, "") else number


class _Silence(Detector):
    """A series that always had events, and has none for ``threshold`` spans."""

    def __init__(self, monitor: Monitor) -> None:
        super().__init__(monitor)
        self._least = max(1, math.ceil(monitor.threshold))
        self._pauses = Pauses(Zone(monitor.time_zone), float(self._least * monitor.span))
        self._seen: Dict[Key, List[int]] = {}
        self._lost: Dict[Key, int] = {}
        """Series that were found silent and are not expected any more -> when they were last seen.

        They are found no more, but nobody can say that they are well until they have events."""

    def judge(self, start: int, rows: Sequence[Row]) -> List[Found]:
        self._learn(start, rows)
        found = self._silent(start)
        self.unwell = {*self._lost, *(one.key for one in found)}
        return found

    def _learn(self, start: int, rows: Sequence[Row]) -> None:
        """Note which series have events, and the pauses that are over."""
        span = self.monitor.span
        for row in rows:
            key = series_of(self.monitor, row)
            if key not in self._seen and not self._has_room(len(self._seen)):
                continue
            if key not in self._seen:
                self._pauses.end(key, start)
            first, spans, last, longest = self._seen.get(key, [start, 0, start, 0])
            pause = (start - last) // span - 1
            if pause >= self._least:
                expected = self._expected_spans(key, last + span, start)
                # As if it had begun later: such a pause says nothing of how regular it is.
                first, pause = first + expected * span, pause - expected
                self._pauses.add(key, last + span, start)
            self._seen[key] = [first, spans + 1, start, max(longest, pause)]
            self._lost.pop(key, None)

    def _silent(self, start: int) -> List[Found]:
        """Find the series that should have events; forget what was silent for very long."""
        span = self.monitor.span
        found = []
        for key, seen in list(self._seen.items()):
            last = seen[2]
            silent = (start - last) // span
            if silent < self._least:
                continue
            due = self._pauses.due_back(key, last + span)
            is_late = due is None or start >= due + self._least * span
            is_found = is_late and self._is_regular(*seen)
            if start - max(last, due or 0) > FORGET_AFTER_SPANS * span:
                del self._seen[key]
                self._pauses.add(key, last + span)
                if is_found:
                    self._lose(key, last)
            elif is_found:
                found.append(Found(key, _silence(silent * span // 60, due is not None)))
        return found

    def _expected_spans(self, key: Key, begin: int, end: int) -> int:
        """Return for how many spans of a pause that is over it was expected."""
        due = self._pauses.due_back(key, begin)
        return 0 if due is None else max(0, int(min(due, end)) - begin) // self.monitor.span

    def _is_regular(self, first: int, spans: int, last: int, longest: int) -> bool:
        """Whether there were events in nearly every span, but for one outage and what is usual."""
        excused = longest if longest <= EXCUSED_SHARE * spans else 0
        watched = (last - first) // self.monitor.span + 1 - excused
        return spans >= REGULAR_SPANS and spans >= REGULAR_SHARE * watched

    def _lose(self, key: Key, last: int) -> None:
        self._lost[key] = last
        if len(self._lost) > MAX_SERIES:
            del self._lost[min(self._lost, key=lambda one: self._lost[one])]

    def to_state(self) -> Dict[str, Any]:
        return {
            "seen": [[list(key), seen] for key, seen in self._seen.items()],
            "lost": [[list(key), last] for key, last in self._lost.items()],
            "pauses": self._pauses.to_state(),
        }

    def has_seen_any(self) -> bool:
        return bool(self._seen or self._lost)

    def memory(self, state: Mapping[str, Any], found: Sequence[Found]) -> Dict[str, Any]:
        return {name: _of_keys(state.get(name, []), found) for name in ("seen", "pauses")}

    def restore(self, state: Mapping[str, Any]) -> None:
        # A state without pauses has three numbers.
        self._seen = {tuple(key): [*seen, 0][:4] for key, seen in state.get("seen", [])}
        self._lost = {tuple(key): int(last) for key, last in state.get("lost", [])}
        self._pauses.restore(state.get("pauses", []))


def _silence(minutes: int, was_due: bool) -> str:
    usual = "it was silent at that time before, but not so long" if was_due else ""
    return f"No event for {minutes} minutes; {usual or 'there was one all the time'}."


class _Ratio(Detector):
    """More of the events are of one kind than ``threshold`` percent."""

    def __init__(self, monitor: Monitor) -> None:
        super().__init__(monitor)
        self._seen = False

    def judge(self, start: int, rows: Sequence[Row]) -> List[Found]:
        self._seen = self._seen or bool(rows)
        self._check_numbers(rows, "part")
        found = []
        for row in rows:
            events = events_of(row)
            part = self._number(row, "part") or 0.0
            if events >= self.monitor.min_events and 100 * part > self.monitor.threshold * events:
                share = 100 * part / events
                text = f"{share:.1f} percent of {events} events have {self.monitor.value}."
                found.append(Found(series_of(self.monitor, row), text, max(1, int(part))))
        self.seen = {one.key: one for one in found}
        self.unwell = set(self.seen)
        return found

    def to_state(self) -> Dict[str, Any]:
        return {"seen": self._seen}

    def has_seen_any(self) -> bool:
        return self._seen

    def memory(self, state: Mapping[str, Any], found: Sequence[Found]) -> Dict[str, Any]:
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._seen = bool(state.get("seen"))


_DETECTORS = {
    "baseline": _Baselines,
    "silence": _Silence,
    "ratio": _Ratio,
    "new_template": NewTemplates,
    "burn_rate": BurningBudget,
}


def detector_for(monitor: Monitor) -> Detector:
    """Return a monitor's detector, which has learned nothing yet."""
    detector = _DETECTORS[monitor.detector](monitor)
    return Lasting(detector) if monitor.detector in MAY_HAVE_TO_LAST else detector


def _of_keys(series: Sequence[Any], found: Sequence[Found]) -> List[Any]:
    """Return the parts of a state that are about the series of some findings."""
    keys = {one.key for one in found}
    return [one for one in series if tuple(one[0]) in keys]
