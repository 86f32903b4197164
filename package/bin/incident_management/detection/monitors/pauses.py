"""Learn when series are silent, so that what is switched off each night or weekend is expected
back.

A pause is compared with those of the last two weeks that began at about its time of day, by local
clocks. How much those vary decides how much this one may: a series that always stops on the minute
is missed on the minute, and one that people switch off when they leave gets the time that they
take.
"""

from __future__ import annotations

from statistics import median_high, median_low
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

from ..baselines.zone import Zone
from .detector import MAX_SERIES
from .rows import Key

__all__ = ["KEPT_SECONDS", "Pauses"]

HOUR = 3600
DAY = 86400
DAYS = 14
KEPT_SECONDS = (DAYS + 1) * DAY
KEPT = 60
"""Pauses of a series: four a day."""
NEAR_SECONDS = 3 * HOUR
"""By so much may what happens at the same time of the day differ from day to day."""
LONG_SECONDS = 6 * HOUR
"""A pause of so long a week before is expected again, though it was one: nights and weekends."""
RECENT_DAYS = 7
OFTEN = 2
"""Pauses in as many days make one of a series at that time usual; one, of a young series."""
YOUNG_SECONDS = 2 * DAY
MANY = 4
"""Days that show how much a pause varies."""

Pause = Tuple[float, float]
"""Beginning and end, in seconds of local time."""


class Pauses:
    """The pauses of some series in the last days; all times are epoch seconds.

    Args:
        zone: the time zone by which days are compared.
        slack: seconds by which a pause may begin before those that it is compared with.
    """

    def __init__(self, zone: Zone, slack: float) -> None:
        self._zone = zone
        self._slack = slack
        self._of: Dict[Key, List[List[int]]] = {}
        """Beginning and end of each; an end of 0: it goes on."""
        self._due: Dict[Key, Tuple[int, Optional[float]]] = {}
        """The last answer of :meth:`due_back`: it is asked for in each span of a silence."""

    def add(self, key: Key, begin: int, end: int = 0) -> None:
        """Record a pause of a series; without an end, one that still lasts when the series is
        forgotten.
        """
        self._due.pop(key, None)
        fresh = [one for one in self._of.pop(key, []) if one[0] >= begin - KEPT_SECONDS]
        # Removed and inserted anew, so that the series with the newest pauses are last.
        self._of[key] = [*fresh, [begin, end]][-KEPT:]
        if len(self._of) > MAX_SERIES:
            del self._of[next(iter(self._of))]

    def end(self, key: Key, at: int) -> None:
        """Record that a forgotten series has events again."""
        pauses = self._of.get(key)
        if pauses and not pauses[-1][1]:
            pauses[-1][1] = at
            self._due.pop(key, None)

    def due_back(self, key: Key, since: int, born: int) -> Optional[float]:
        """Return until when a pause that began at ``since`` is expected; None if it is not.

        ``born``: when the series was first seen, or seen again after it was forgotten.
        """
        if key not in self._due or self._due[key][0] != since:
            # A series that had a pause before is back, not new.
            was_there = any(begin < born for begin, _end in self._of.get(key, ()))
            is_young = since - born < YOUNG_SECONDS and not was_there
            self._due[key] = since, self._reckoned(key, since, born, 1 if is_young else OFTEN)
        return self._due[key][1]

    def _reckoned(self, key: Key, since: int, born: int, needed: int) -> Optional[float]:
        local = since + self._zone.offset(since)
        ended = self._ended(key)
        before = _by_day(ended, local)
        known = born + self._zone.offset(born)
        weeks = [day for day in (7, 14) if not _was_there(local - (21 - day) * DAY, known, ended)]
        backs: List[float] = []
        # A pause at noon is like yesterday's at noon. A pause in the evening, when the rest of the
        # work comes with gaps, may already be the night's.
        for which in (_nearest_to(local), _length):
            alike = {day: max(some, key=which) for day, some in before.items()}
            backs += _expected_until(local, alike, self._slack, needed, weeks)
        return max(backs) - self._zone.offset(max(backs) - local + since) if backs else None

    def unusual(self, key: Key, born: int, now: int) -> List[Tuple[int, int]]:
        """Return beginning and end of the pauses since ``born`` that came at no usual time."""
        days = min(DAYS, (now - born) / DAY)
        ended = self._ended(key)
        known = ((begin, end) for begin, end in self._of.get(key, ()) if end)
        return [
            one
            for one, local in zip(known, ended)
            if one[0] >= born and not _comes_again(local, ended, days)
        ]

    def _ended(self, key: Key) -> List[Pause]:
        offset = self._zone.offset
        pauses = self._of.get(key, ())
        return [(begin + offset(begin), end + offset(end)) for begin, end in pauses if end]

    def to_state(self) -> List[Any]:
        return [[list(key), pauses] for key, pauses in self._of.items()]

    def restore(self, state: List[Any]) -> None:
        self._of = {tuple(key): [list(map(int, one)) for one in some] for key, some in state}


def _by_day(pauses: Sequence[Pause], local: float) -> Dict[int, List[Pause]]:
    """Return the pauses that began at about this time of day, by how many days ago.

    Each is moved to today.
    """
    before: Dict[int, List[Pause]] = {}
    for begin, end in pauses:
        days = round((local - begin) / DAY)
        begin, end = begin + days * DAY, end + days * DAY
        if 1 <= days <= DAYS and abs(begin - local) <= NEAR_SECONDS:
            before.setdefault(days, []).append((begin, end))
    return before


def _was_there(local: float, born: float, pauses: Sequence[Pause]) -> bool:
    """Return whether a series had events in a week: then a long pause of another was an outage."""
    at = local + NEAR_SECONDS
    return born <= at and not any(begin <= at < end for begin, end in pauses)


def _nearest_to(local: float) -> Callable[[Pause], float]:
    return lambda pause: -abs(pause[0] - local)


def _length(pause: Pause) -> float:
    return pause[1] - pause[0]


def _expected_until(
    local: float, alike: Dict[int, Pause], slack: float, needed: int, weeks: Sequence[int]
) -> Iterator[float]:
    """Yield until when a pause that begins now may last, by one pause of each earlier day.

    ``weeks``: how many days ago a long one makes this one usual.
    """
    # Of a few, the variation is not known yet.
    more = 0.0 if len(alike) >= MANY else 3 * slack
    weekly = [alike[day] for day in weeks if day in alike and _length(alike[day]) >= LONG_SECONDS]
    earliest = min((begin for begin, _end in weekly), default=local) - 4 * slack
    if sum(day <= RECENT_DAYS for day in alike) >= needed:
        earliest = -_latest([-begin for begin, _end in alike.values()]) - slack - more
        if local >= earliest:
            yield _latest([end for _begin, end in alike.values()]) + more
    if weekly and local >= earliest:
        ends = sorted(end for _begin, end in weekly)
        differ = ends[-1] - ends[0]
        # Of two weeks that differ, the shorter pause counts: the other may have been a holiday.
        yield ends[0] if differ > NEAR_SECONDS else ends[-1] + (differ if ends[1:] else more)


def _latest(moments: Sequence[float]) -> float:
    """Return until when something that happened at these moments may happen.

    It may come as long after the last but one as that is after the middle, because the last may
    have been a fault.
    """
    middle = median_low(moments)
    near = sorted(one for one in moments if abs(one - middle) <= NEAR_SECONDS)
    last = near[-2:][0]
    return last + max(0.0, last - median_high(near))


def _comes_again(pause: Pause, among: Sequence[Pause], days: float) -> bool:
    """Return whether a pause is one of those of most days, or of each week."""
    begin = pause[0]
    like = {round((begin - one[0]) / DAY): one for one in among if _is_near(begin, one[0], HOUR)}
    if len(like) >= max(OFTEN, days / 2):
        return True
    return _length(pause) >= LONG_SECONDS and any(
        round((begin - one[0]) / DAY) in (-14, -7, 7, 14)
        and _is_near(begin, one[0], NEAR_SECONDS)
        and _length(one) >= LONG_SECONDS
        for one in among
    )


def _is_near(one: float, other: float, seconds: float) -> bool:
    """Return whether two moments are at about the same time of day."""
    return abs((one - other + DAY / 2) % DAY - DAY / 2) <= seconds
