"""When series were silent before: what is switched off each night or weekend is due back then.

A pause is expected that begins when others did by local clocks: on two of the last seven days, or,
if that was a long one, a week before. One outage alone makes the next at its time no pause.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

from ..baselines.zone import Zone
from .detector import MAX_SERIES
from .rows import Key

__all__ = ["Pauses"]

DAY = 86400
DAYS = 7
KEPT_SECONDS = (DAYS + 1) * DAY
KEPT = 24
"""Pauses of a series: three a day."""
LONG_SECONDS = 6 * 3600
"""A pause of so long a week before is expected again, though it was one: nights and weekends."""


class Pauses:
    """The pauses of some series in the last days; all times are epoch seconds.

    Args:
        zone: by whose clocks days are alike.
        slack: seconds by which beginnings may differ.
    """

    def __init__(self, zone: Zone, slack: float) -> None:
        self._zone = zone
        self._slack = slack
        self._of: Dict[Key, List[List[int]]] = {}
        """Beginning and end of each; an end of 0: it goes on."""
        self._due: Dict[Key, Tuple[int, Optional[float]]] = {}
        """The last answer of :meth:`due_back`: it is asked for in each span of a silence."""

    def add(self, key: Key, begin: int, end: int = 0) -> None:
        """Note a pause of a series; without an end, one that goes on when it is forgotten."""
        self._due.pop(key, None)
        fresh = [one for one in self._of.pop(key, []) if one[0] >= begin - KEPT_SECONDS]
        # Popped and put in anew: the series with the newest pauses are the last.
        self._of[key] = [*fresh, [begin, end]][-KEPT:]
        if len(self._of) > MAX_SERIES:
            del self._of[next(iter(self._of))]

    def end(self, key: Key, at: int) -> None:
        """Note that a series that was forgotten has events again."""
        pauses = self._of.get(key)
        if pauses and not pauses[-1][1]:
            pauses[-1][1] = at
            self._due.pop(key, None)

    def due_back(self, key: Key, since: int) -> Optional[float]:
        """Return until when a pause that began at ``since`` is expected; None: it is not."""
        if key not in self._due or self._due[key][0] != since:
            self._due[key] = since, self._reckoned(key, since)
        return self._due[key][1]

    def _reckoned(self, key: Key, since: int) -> Optional[float]:
        local = since + self._zone.offset(since)
        daily, weekly = [], []
        for begin, end in self._of.get(key, ()):
            began = begin + self._zone.offset(begin)
            days = round((local - began) / DAY)
            if not (end and 1 <= days <= DAYS) or abs(local - began - days * DAY) > self._slack:
                continue
            back = end + self._zone.offset(end) + days * DAY
            daily.append(back)
            if days == DAYS and end - begin >= LONG_SECONDS:
                weekly.append(back)
        # Of two at least, so that the one night in which it came back late does not count.
        backs = [*weekly, *sorted(daily)[-2:-1]]
        return max(backs) - self._zone.offset(max(backs) - local + since) if backs else None

    def to_state(self) -> List[Any]:
        return [[list(key), pauses] for key, pauses in self._of.items()]

    def restore(self, state: List[Any]) -> None:
        self._of = {tuple(key): [list(map(int, one)) for one in some] for key, some in state}
