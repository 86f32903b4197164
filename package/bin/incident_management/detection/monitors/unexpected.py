"""The detector ``baseline``: values outside the range that their series have taught it to
expect.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from ..baselines.baseline import SENSITIVITIES, Baseline, Score
from ..baselines.records import CALM_POINTS, LASTING
from ..baselines.zone import Zone
from .detector import FORGET_AFTER_SPANS, MAX_SERIES, Detector, Found, of_keys
from .monitor import Monitor
from .rows import Key, Row, events_of, series_of

__all__ = ["UnexpectedValues"]

GOES_ON = 1 / 3
"""The value with which a trouble is found is often the highest of it; after a burst, what is usual
is still below a third of the way. A half loses 1 in 20 true faults, a quarter gains none."""


@dataclass
class _Fault:
    """An anomaly that is not over, with the deviation that was too large when it began.

    A young series learns from a fault, so that the fault would soon be within its bounds.
    ``expected`` and ``value`` are those with which it was found last: a value that again covers
    :data:`GOES_ON` of the way from the one to the other belongs to the fault, even within the
    bounds; a burst is over. ``is_joint``: when it was found, no single value was beyond its bound,
    but several points together were unusual.
    """

    below: float
    above: float
    since: int
    calm: int = 0
    expected: float = 0.0
    value: Optional[float] = None
    is_joint: bool = False

    def continues_with(self, value: float) -> bool:
        """Return whether a value is on the way to the one that was found."""
        if self.value is None:
            return False
        least = self.expected + GOES_ON * (self.value - self.expected)
        return value >= least if self.value >= self.expected else value <= least


class UnexpectedValues(Detector):
    """Finds values outside the range that their series has learned to expect."""

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
            if is_off or self._faults[key].continues_with(value):
                text = (
                    f"{self.monitor.value} is {value:g}; {score.lower:.4g} to {score.upper:.4g} "
                    "was expected."
                )
                self.seen[key] = Found(key, text, events_of(values.get(key, {})))
            if score.is_anomaly:
                found.append(self.seen[key])
        return found

    def _make_room(self, start: int, values: Mapping[Key, Row]) -> None:
        """Record which series exist; forget those that are gone when new ones need their places.

        Only then, because a series that pauses each weekend must not be learned anew each week.
        """
        # In a state without these times, each series counts as seen now.
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
        return {"series": of_keys(state.get("series", []), found)}

    def prime(self, rows: Sequence[Row]) -> None:
        for row in rows:
            value, series = self._value(row), self._series.get(series_of(self.monitor, row))
            if series is not None and value is not None:
                series.resume_from(value)

    def _follow(self, key: Key, value: float, score: Score, start: int) -> bool:
        """Follow a fault from its beginning until it has been calm, or has become usual.

        Return whether this span alone is out of order. One that is not may still belong to a fault
        that only several spans together show, as long as they do.
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
        is_unwell = is_off or (fault.is_joint and self._series[key].is_ongoing)
        if is_unwell:
            self.unwell.add(key)
        fault.calm = 0 if is_unwell or fault.continues_with(value) else fault.calm + 1
        is_usual = start - fault.since >= LASTING * self.monitor.span
        if is_usual or (fault.calm and (fault.calm >= CALM_POINTS or key not in self._faults)):
            self._faults.pop(key, None)
        else:
            self._faults[key] = fault
        return is_off

    def is_present(self, start: int, rows: Sequence[Row], key: Key, template_id: str = "") -> bool:
        """Return whether a value is beyond its bound.

        What only several spans together show is no proof: a window has too few of them, so it would
        be found before a fix and never after it.
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
        """Return a span's value: 0 for counts without events; None for an average of nothing and
        for text.
        """
        adds_up = self.monitor.value == "count" or self.monitor.value.startswith(("sum(", "dc("))
        if row is None:
            return 0.0 if adds_up else None
        field = "events" if self.monitor.value == "count" else "value"
        number = self._number(row, field)
        return 0.0 if number is None and adds_up and row.get(field) in (None, "") else number
