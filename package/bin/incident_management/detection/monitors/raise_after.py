"""How long something must last before it is raised: ``raise_after``, N of the last M spans.

A detector reports the spans in which a series is out of order, and finds a problem when it begins.
Its findings wait here until enough spans were out of order. This is part of the state that is saved
with its span, so a span that is judged again counts once.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ..baselines.records import WARY_POINTS
from .detector import MAX_SERIES, Detector, Found
from .rows import Key, Row

__all__ = ["RaiseAfter"]

WAITS_SPANS = WARY_POINTS
"""How long what is found once waits to last. A baseline looks for clearer trouble for so long after
it found some; what did not last, and so was not raised, must not hide what comes then."""


@dataclass
class _Series:
    """A series that is, or recently was, out of order. Times are starts of spans.

    Attributes:
        spans: those out of order among the last M, with the events of each.
        raised: the last one that was raised.
        found: when a finding that is not raised yet was found.
        memory: what the detector knew before the first of ``spans``, while they wait.
    """

    spans: List[List[int]] = field(default_factory=list)
    raised: int = -1
    found: Optional[int] = None
    memory: Dict[str, Any] = field(default_factory=dict)


class RaiseAfter(Detector):
    """A detector whose findings must last, by its monitor's ``raise_after``.

    With ``1`` each finding is raised at once, as the detector finds it.
    """

    def __init__(self, inner: Detector) -> None:
        super().__init__(inner.monitor)
        self._inner = inner
        self._least, self._of = inner.monitor.raise_after
        self._series: Dict[Key, _Series] = {}
        self._before: Mapping[str, Any] = {}
        """The state from which it goes on."""
        self.problems = inner.problems
        self.raises_once = inner.raises_once

    def judge(self, start: int, rows: Sequence[Row]) -> List[Found]:
        found = {one.key for one in self._inner.judge(start, rows)}
        self.unwell = self._inner.unwell
        self._forget_before(start)
        raised = [self._weigh(start, one, one.key in found) for one in self._inner.seen.values()]
        self._forget_before(start + self.monitor.span)
        return [one for one in raised if one is not None]

    def _weigh(self, start: int, one: Found, is_found: bool) -> Optional[Found]:
        """Count a span in which a series is out of order; return the finding to raise."""
        is_crowded = one.key not in self._series and len(self._series) >= MAX_SERIES
        series = self._series.setdefault(one.key, _Series())
        series.spans.append([start, one.count])
        if is_found:
            series.found = start
        if series.found is None:
            return None
        # That many series in trouble at once are no accident, and their state must be bounded.
        if len(series.spans) >= self._least or is_crowded:
            return self._raise(start, one, series)
        series.memory = series.memory or self._inner.memory(self._before, [one])
        return None

    def _raise(self, start: int, one: Found, series: _Series) -> Found:
        waited = [span for span in series.spans if span[0] > series.raised]
        text = one.text
        if len(series.spans) > 1:
            text += f" The series was abnormal in {len(series.spans)} of the last {self._of} spans."
        series.raised, series.found, series.memory = start, None, {}
        return replace(
            one, text=text, begun=waited[0][0], count=sum(events for _at, events in waited)
        )

    def _forget_before(self, start: int) -> None:
        """Forget what no longer counts in the span that begins at ``start``."""
        span = self.monitor.span
        for key, series in list(self._series.items()):
            series.spans = [one for one in series.spans if one[0] > start - self._of * span]
            if not series.spans:
                series.memory = {}
            waits = WAITS_SPANS if self.raises_once else self._of
            if series.found is not None and series.found <= start - waits * span:
                series.found = None
            if not series.spans and series.found is None:
                del self._series[key]

    def to_state(self) -> Dict[str, Any]:
        waiting = [
            [list(key), one.spans, one.raised, one.found, one.memory]
            for key, one in self._series.items()
        ]
        return {**self._inner.to_state(), "waiting": waiting}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._before = state
        self._inner.restore(state)
        # A state of an earlier version has none. It is copied, because a restored state must
        # not change.
        self._series = {
            tuple(key): _Series([list(span) for span in spans], *rest)
            for key, spans, *rest in state.get("waiting", ())
        }

    def memory(self, state: Mapping[str, Any], found: Sequence[Found]) -> Dict[str, Any]:
        """Return what was known before the problem began, which may be earlier than ``state``."""
        waiting = {tuple(key): memory for key, *_rest, memory in state.get("waiting", ()) if memory}
        earlier = [waiting[key] for key in {one.key: one for one in found} if key in waiting]
        known = self._inner.memory(state, [one for one in found if one.key not in waiting])
        return {
            name: [*parts, *(part for memory in earlier for part in memory[name])]
            for name, parts in known.items()
        }

    def is_present(self, start: int, rows: Sequence[Row], key: Key, template_id: str = "") -> bool:
        """Judge each span, whether or not the problem lasts: recovery is proved by none of them."""
        return self._inner.is_present(start, rows, key, template_id)

    def prime(self, rows: Sequence[Row]) -> None:
        self._inner.prime(rows)

    def has_seen_any(self) -> bool:
        return self._inner.has_seen_any()
