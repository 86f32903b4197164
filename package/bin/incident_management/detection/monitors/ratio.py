"""The detector ``ratio``: too large a share of the events is of one kind."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

from .detector import Detector, Found
from .monitor import Monitor
from .rows import Row, events_of, series_of

__all__ = ["Ratio"]


class Ratio(Detector):
    """Finds spans in which more than ``threshold`` percent of the events are of one kind."""

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
