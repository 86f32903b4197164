"""What a monitor's detectors find in one span, and the state that each carries to the next.

``judge`` takes the rows of one span, in order of time, and learns from them. The same state and
rows always give the same findings and the same next state: a repeated span is harmless.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Sequence, Tuple

from .baseline import SENSITIVITIES, Baseline
from .monitors import Monitor
from .templates import TemplateMiner

__all__ = ["MOST_SERIES", "Detector", "Found", "detector_for"]

MOST_SERIES = 500
"""Series of one monitor, so that its state stays one document of the KV store."""
MOST_TEMPLATES = 5000
REGULAR_SPANS = 6
REGULAR_SHARE = 0.9
FORGET_AFTER_SPANS = 300
"""Spans of silence after which a series is no longer expected."""

Row = Mapping[str, Any]
Key = Tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """One finding of one span: the series, what was seen in words, how many events."""

    key: Key
    text: str
    count: int = 1
    template_id: str = ""
    sample: str = ""


class Detector:
    """One detector of one monitor. ``problems`` are sentences about what could not be judged."""

    def __init__(self, monitor: Monitor) -> None:
        self.monitor = monitor
        self.problems: List[str] = []

    def judge(self, start: int, rows: Sequence[Row]) -> List[Found]:
        """Judge the span that begins at ``start``, and learn from it."""
        raise NotImplementedError

    def to_state(self) -> Dict[str, Any]:
        """Return what was learned, as JSON values."""
        raise NotImplementedError

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state. Raises ValueError for one of another version."""
        raise NotImplementedError

    def _key(self, row: Row) -> Key:
        return tuple(_text(row.get(name)) for name in self.monitor.by)

    def _has_room(self, known: int) -> bool:
        if known < MOST_SERIES:
            return True
        sentence = (
            f"Monitor '{self.monitor.name}' has more than {MOST_SERIES} series by "
            f"{', '.join(self.monitor.by)}; the further ones are not watched. Split it, or choose "
            "another field for by."
        )
        if sentence not in self.problems:
            self.problems.append(sentence)
        return False


class _Baselines(Detector):
    """A value outside of what its series has learned to expect."""

    def __init__(self, monitor: Monitor) -> None:
        super().__init__(monitor)
        self._series: Dict[Key, Baseline] = {}

    def judge(self, start: int, rows: Sequence[Row]) -> List[Found]:
        values = {self._key(row): row for row in rows}
        self._check_present(rows)
        found = []
        for key in [*self._series, *(key for key in values if key not in self._series)]:
            value = self._value(values.get(key))
            if value is None or (key not in self._series and not self._has_room(len(self._series))):
                continue
            if key not in self._series:
                self._series[key] = Baseline(self.monitor.season, *self._settings())
            score = self._series[key].add(value, float(start))
            if score.is_anomaly:
                text = (
                    f"{self.monitor.value} is {value:g}; {score.lower:.4g} to {score.upper:.4g} "
                    "was expected."
                )
                found.append(Found(key, text, _count(values.get(key))))
        return found

    def to_state(self) -> Dict[str, Any]:
        return {"series": [[list(key), one.to_state()] for key, one in self._series.items()]}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._series = {
            tuple(key): Baseline.from_state(saved, *self._settings())
            for key, saved in state.get("series", [])
        }

    def _check_present(self, rows: Sequence[Row]) -> None:
        if self.monitor.value == "count" or not rows:
            return
        if all(row.get("value") in (None, "") for row in rows):
            sentence = (
                f"Monitor '{self.monitor.name}': no event gives {self.monitor.value}; check that "
                "the search has that field, and that it holds numbers."
            )
            if sentence not in self.problems:
                self.problems.append(sentence)

    def _settings(self) -> Tuple[float, str]:
        return SENSITIVITIES[self.monitor.sensitivity], self.monitor.direction

    def _value(self, row: Any) -> Any:
        """A span without events counts 0; an average of nothing is no value."""
        adds_up = self.monitor.value == "count" or self.monitor.value.startswith(("sum(", "dc("))
        if row is None:
            return 0.0 if adds_up else None
        text = row.get("events" if self.monitor.value == "count" else "value")
        try:
            return float(text)
        except (TypeError, ValueError):
            if text in (None, ""):
                return 0.0 if adds_up else None
            raise ValueError(f"{self.monitor.value} is '{str(text)[:60]}', not a number") from None


class _Silence(Detector):
    """A series that always had events, and has none for ``threshold`` spans."""

    def __init__(self, monitor: Monitor) -> None:
        super().__init__(monitor)
        self._seen: Dict[Key, List[int]] = {}

    def judge(self, start: int, rows: Sequence[Row]) -> List[Found]:
        span = self.monitor.span
        for row in rows:
            key = self._key(row)
            if key not in self._seen and not self._has_room(len(self._seen)):
                continue
            first, spans, _last = self._seen.get(key, [start, 0, start])
            self._seen[key] = [first, spans + 1, start]
        found = []
        for key, (first, spans, last) in list(self._seen.items()):
            silent = (start - last) // span
            if silent > FORGET_AFTER_SPANS:
                del self._seen[key]
                continue
            usual = spans / ((last - first) / span + 1)
            if silent < self.monitor.threshold or silent < 1:
                continue
            if spans >= REGULAR_SPANS and usual >= REGULAR_SHARE:
                text = f"No event for {silent * span // 60} minutes; there was one all the time."
                found.append(Found(key, text))
        return found

    def to_state(self) -> Dict[str, Any]:
        return {"seen": [[list(key), seen] for key, seen in self._seen.items()]}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._seen = {tuple(key): list(seen) for key, seen in state.get("seen", [])}


class _Ratio(Detector):
    """More of the events are of one kind than ``threshold`` percent."""

    def judge(self, start: int, rows: Sequence[Row]) -> List[Found]:
        found = []
        for row in rows:
            events = _count(row)
            part = float(row.get("part") or 0)
            if events >= self.monitor.min_events and 100 * part > self.monitor.threshold * events:
                share = 100 * part / events
                text = f"{share:.1f} percent of {events} events have {self.monitor.value}."
                found.append(Found(self._key(row), text, max(1, int(part))))
        return found

    def to_state(self) -> Dict[str, Any]:
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        return


class _Templates(Detector):
    """A template that was not in any span before."""

    def __init__(self, monitor: Monitor) -> None:
        super().__init__(monitor)
        self._known: Dict[str, int] = {}

    def judge(self, start: int, rows: Sequence[Row]) -> List[Found]:
        miner = TemplateMiner(known=self._known)
        groups: Dict[str, List[Row]] = {}
        texts: Dict[str, str] = {}
        for row, match in zip(rows, miner.match_all([_text(row.get("_raw")) for row in rows])):
            texts[match.template_id] = match.template
            groups.setdefault(match.template_id, []).append(row)
        found = []
        for identity, some in groups.items():
            template = texts[identity]
            if template not in self._known and len(some) >= self.monitor.threshold:
                by_key: Dict[Key, List[Row]] = {}
                for row in some:
                    by_key.setdefault(self._key(row), []).append(row)
                for key, ours in by_key.items():
                    sample = _text(ours[-1].get("_raw"))[:1000]
                    text = f"Not seen before: {template[:500]}"
                    found.append(Found(key, text, len(ours), identity, sample))
            if template in self._known or len(some) >= self.monitor.threshold:
                self._known[template] = start
        self._forget()
        return found

    def _forget(self) -> None:
        """Drop what was seen longest ago."""
        if len(self._known) > MOST_TEMPLATES:
            newest = sorted(self._known.items(), key=lambda one: -one[1])[:MOST_TEMPLATES]
            self._known = dict(newest)

    def to_state(self) -> Dict[str, Any]:
        return {"known": [[text, seen] for text, seen in self._known.items()]}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._known = {text: int(seen) for text, seen in state.get("known", [])}


_DETECTORS = {
    "baseline": _Baselines,
    "silence": _Silence,
    "ratio": _Ratio,
    "new_template": _Templates,
}


def detector_for(monitor: Monitor) -> Detector:
    """Return a monitor's detector, which has learned nothing yet."""
    return _DETECTORS[monitor.detector](monitor)


def _count(row: Any) -> int:
    return int(float((row or {}).get("events") or 0))


def _text(value: Any) -> str:
    return ", ".join(str(v) for v in value) if isinstance(value, list) else str(value or "")
