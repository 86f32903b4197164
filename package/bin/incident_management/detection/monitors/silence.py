"""The detector ``silence``: series that always had events, and have none now."""

from __future__ import annotations

import math
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ..baselines.zone import Zone
from .detector import FORGET_AFTER_SPANS, MAX_SERIES, Detector, Found, of_keys
from .monitor import Monitor
from .pauses import KEPT_SECONDS, Pauses
from .rows import Key, Row, series_of

__all__ = ["Silence"]

REGULAR_SPANS = 6
REGULAR_SHARE = 0.9
EXCUSED_SHARE = 1 / 3
"""The longest pause of a series, up to this share of its spans with events, says nothing of how
regular it is: else an outage would hide the next one."""
DAY = 86400
LONGEST_DAYS_OFF = 31


class Silence(Detector):
    """Finds series that always had events, and have none for ``threshold`` spans."""

    def __init__(self, monitor: Monitor) -> None:
        super().__init__(monitor)
        self._least = max(1, math.ceil(monitor.threshold))
        self._pauses = Pauses(Zone(monitor.time_zone), float(self._least * monitor.span))
        self._seen: Dict[Key, List[int]] = {}
        """By series: spans with events, spans of short gaps, when it was last and first seen."""
        self._lost: Dict[Key, int] = {}
        """Series that were found silent and are not expected any more -> when they were last seen.

        They are found no more, but nobody can say that they are well until they have events."""

    def judge(self, start: int, rows: Sequence[Row]) -> List[Found]:
        self._learn(start, rows)
        found = self._silent(start)
        self.unwell = {*self._lost, *(one.key for one in found)}
        return found

    def _learn(self, start: int, rows: Sequence[Row]) -> None:
        """Record which series have events, and the pauses that ended."""
        span = self.monitor.span
        for row in rows:
            key = series_of(self.monitor, row)
            if key not in self._seen and not self._has_room(len(self._seen)):
                continue
            if key not in self._seen:
                self._pauses.end(key, start)
            spans, gaps, last, born = self._seen.get(key, [0, 0, start - span, start])
            pause = (start - last) // span - 1
            if pause >= self._least:
                self._pauses.add(key, last + span, start)
            elif pause > 0:
                gaps += pause
            if (spans + gaps) * span > KEPT_SECONDS:
                spans, gaps = spans // 2, gaps // 2
            self._seen[key] = [spans + 1, gaps, start, born]
            self._lost.pop(key, None)

    def _silent(self, start: int) -> List[Found]:
        """Find the series that should have events; forget those that were silent for very long."""
        span = self.monitor.span
        found = []
        for key, (_spans, _gaps, last, born) in list(self._seen.items()):
            silent = (start - last) // span
            if silent < self._least:
                continue
            due = self._due_back(key, last + span, born)
            missed = self._missed(max(last, due or 0), start)
            is_late = missed >= self._least * span
            is_found = is_late and self._is_regular(key, start)
            if missed > FORGET_AFTER_SPANS * span:
                del self._seen[key]
                self._pauses.add(key, last + span)
                if is_found:
                    self._lose(key, last)
            elif is_found:
                found.append(Found(key, _sentence(silent * span // 60, due is not None)))
        return found

    def _due_back(self, key: Key, since: int, born: int) -> Optional[float]:
        """Return until when a pause is expected; on a day off, until that time of the next day.

        A series that is due when the hours of each day are over has no day off.
        """
        due, hours = self._pauses.due_back(key, since, born), self.monitor.hours
        if due is None or hours is None:
            return due
        days = (due + number * DAY for number in range(LONGEST_DAYS_OFF))
        return next((day for day in days if hours.service_seconds(day, day + DAY / 2)), due)

    def _missed(self, since: float, now: float) -> float:
        """Return for how many seconds events were expected and missing."""
        hours = self.monitor.hours
        return hours.service_seconds(since, now) if hours else now - since

    def _is_regular(self, key: Key, now: int) -> bool:
        """Return whether nearly every span had events, except for one outage and usual pauses."""
        spans, gaps, _last, born = self._seen[key]
        unusual = self._pauses.unusual(key, born, now)
        pauses = [int(self._missed(begin, end)) // self.monitor.span for begin, end in unusual]
        longest = max(pauses, default=0)
        excused = longest if longest <= EXCUSED_SHARE * spans else 0
        watched = spans + gaps + sum(pauses) - excused
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
        return {name: of_keys(state.get(name, []), found) for name in ("seen", "pauses")}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._seen = {tuple(key): list(map(int, seen)) for key, seen in state.get("seen", [])}
        self._lost = {tuple(key): int(last) for key, last in state.get("lost", [])}
        self._pauses.restore(state.get("pauses", []))


def _sentence(minutes: int, was_due: bool) -> str:
    usual = "it was silent at that time before, but not so long" if was_due else ""
    return f"No event for {minutes} minutes; {usual or 'there was one all the time'}."
