"""Working hours: when a team works, the service time that has passed, and when work resumes.

A moment is open when the wall clock of the calendar's time zone shows a time within its weekly
hours, on a day that is no holiday. That one rule covers a change of the clocks: an hour that is
skipped was not open, one that comes twice is open twice.

Moments are epoch seconds, lengths are seconds.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Dict, FrozenSet, Iterable, Iterator, List, Mapping, Optional, Tuple

from ...conf_values import listed
from ..errors import RoutingError
from .zones import ADVICE, zone_named

__all__ = ["ALWAYS", "ALWAYS_WORD", "DAYS", "Calendar", "Days", "moment_named", "read_zone"]

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ALWAYS_WORD = "24x7"
DAY_SECONDS = 86400
# A calendar that is not open within this many days never opens again.
HORIZON_DAYS = 800
LONGEST_HOLIDAY_DAYS = 366
_EPOCH = date(1970, 1, 1).toordinal()
_FULL_DAY = (0, DAY_SECONDS)
_HOURS = re.compile(r"(.*?)\s+(\S+)\s*-\s*(\S+)")
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)|24:00")

Span = Tuple[int, int]
Week = Tuple[Tuple[Span, ...], ...]


class Days:
    """A set of days: single days, ranges of days, and yearly days."""

    def __init__(self, days: Iterable[date] = (), yearly: Iterable[Tuple[int, int]] = ()) -> None:
        self._days: FrozenSet[date] = frozenset(days)
        self._yearly: FrozenSet[Tuple[int, int]] = frozenset(yearly)

    def __contains__(self, day: date) -> bool:
        return day in self._days or (day.month, day.day) in self._yearly

    def __bool__(self) -> bool:
        return bool(self._days or self._yearly)

    def __or__(self, other: Days) -> Days:
        return Days(self._days | other._days, self._yearly | other._yearly)

    def terms(self) -> List[str]:
        """Return the contents of the set, as JSON."""
        return sorted(str(day) for day in (*self._days, *self._yearly))

    @classmethod
    def read(cls, where: str, text: str) -> Days:
        """Read ``2026-12-25, 01-01, 2026-12-28..2026-12-31``: a day, a yearly day, a range.

        Raises RoutingError naming ``where``.
        """
        days: List[date] = []
        yearly: List[Tuple[int, int]] = []
        for part in listed(text):
            first, dots, last = (piece.strip() for piece in part.partition(".."))
            try:
                if dots:
                    days.extend(_span_of_days(date.fromisoformat(first), date.fromisoformat(last)))
                elif len(part) == 5:
                    # A leap year, so that 02-29 is accepted.
                    once = date.fromisoformat(f"2000-{part}")
                    yearly.append((once.month, once.day))
                else:
                    days.append(date.fromisoformat(part))
            except ValueError:
                raise RoutingError(
                    f"{where} has '{part[:40]}'; write a day as 2026-12-25, a yearly day as "
                    "12-25, or a range of at most a year as 2026-12-24..2026-12-31."
                ) from None
        return cls(days, yearly)


class Calendar:
    """Weekly hours in one time zone, except holidays.

    Args:
        name: its name in incident_routing.conf.
        zone: the time zone's name, such as ``Europe/Berlin``.
        week: for each day from Monday, the open spans in seconds from midnight of the wall clock.
        holidays: days that are closed from midnight to midnight.
    Raises:
        RoutingError: this machine does not know the time zone.
    """

    def __init__(self, name: str, zone: str, week: Week, holidays: Optional[Days] = None) -> None:
        self.name = name
        self.zone = zone
        self._zone = read_zone(f"The calendar '{name}'", zone)
        self._week = week
        self._holidays = holidays or Days()
        self.always = not self._holidays and all(spans == (_FULL_DAY,) for spans in week)
        self._known: Dict[int, Tuple[Span, ...]] = {}

    @classmethod
    def read(cls, where: str, name: str, values: Mapping[str, str]) -> Calendar:
        """Create a calendar from a stanza's ``time_zone``, ``hours`` and ``holidays``.

        Raises RoutingError naming ``where`` and the key.
        """
        zone = values.get("time_zone", "").strip() or "UTC"
        read_zone(f"{where} time_zone", zone)
        week = read_hours(f"{where} hours", values.get("hours", ""))
        holidays = Days.read(f"{where} holidays", values.get("holidays", ""))
        return cls(name, zone, week, holidays)

    def without(self, days: Days) -> Calendar:
        """Return this calendar with more days off, such as one person's."""
        return _without(self, days) if days else self

    def date_of(self, moment: float) -> str:
        """Format any moment: ``2026-11-30 09:00 Europe/Berlin``."""
        local = datetime.fromtimestamp(moment, self._zone)
        return f"{local.date().isoformat()} {local.hour:02d}:{local.minute:02d} {self.zone}"

    def terms(self) -> List[object]:
        """Return the contents of the calendar, as JSON."""
        return [self.zone, self._week, self._holidays.terms()]

    def is_open(self, moment: float) -> bool:
        spans = self._spans(int(moment // DAY_SECONDS))
        return any(start <= moment < end for start, end in spans)

    def service_seconds(self, start: float, end: float) -> float:
        """Return the open seconds within a span."""
        if end <= start:
            return 0.0
        if self.always:
            return end - start
        days = range(int(start // DAY_SECONDS), int(end // DAY_SECONDS) + 1)
        return sum(
            max(0.0, min(end, last) - max(start, first))
            for day in days
            for first, last in self._spans(day)
        )

    def after(self, start: float, seconds: float) -> Optional[float]:
        """Return the first moment when ``seconds`` of open time have passed since ``start``.

        None if that takes more than 800 days.
        """
        if seconds <= 0 or self.always:
            return start + max(0.0, seconds)
        left = seconds
        for first, last in self._ahead(start):
            if last - first >= left:
                return first + left
            left -= last - first
        return None

    def next_open(self, moment: float) -> Optional[float]:
        """Return the first open moment from this one on; None if there is none in 800 days."""
        return next((first for first, _last in self._ahead(moment)), None)

    def shown(self, moment: float, now: float) -> str:
        """Format a future moment in this time zone: ``Mon 09:00 Europe/Berlin``."""
        return moment_named(self._zone, self.zone, moment, now)

    def edges(self, start: float, end: float) -> Iterator[float]:
        """Yield the moments within a span at which it may open or close."""
        if self.always:
            return
        for day in range(int(start // DAY_SECONDS), int(end // DAY_SECONDS) + 1):
            for first, last in self._spans(day):
                yield from (float(first), float(last))

    def _ahead(self, start: float) -> Iterator[Tuple[float, float]]:
        """Yield the open spans from a moment on, in order."""
        if not any(self._week):
            return
        today = int(start // DAY_SECONDS)
        for day in range(today, today + HORIZON_DAYS):
            for first, last in self._spans(day):
                if last > start:
                    yield max(start, float(first)), float(last)

    def _spans(self, day: int) -> Tuple[Span, ...]:
        """Return the open spans within one UTC day, numbered from the epoch."""
        if day not in self._known:
            if len(self._known) > 4 * HORIZON_DAYS:
                self._known.clear()
            found: List[Span] = []
            start = day * DAY_SECONDS
            for first, last, offset in self._pieces(start, start + DAY_SECONDS):
                found.extend(self._open(first, last, offset))
            self._known[day] = tuple(found)
        return self._known[day]

    def _open(self, first: int, last: int, offset: int) -> Iterator[Span]:
        """Yield the open spans within a UTC span that has one offset."""
        begin, end = first + offset, last + offset
        for day in range(begin // DAY_SECONDS, (end - 1) // DAY_SECONDS + 1):
            today = date.fromordinal(_EPOCH + day)
            if today in self._holidays:
                continue
            midnight = day * DAY_SECONDS
            for opens, closes in self._week[today.weekday()]:
                low, high = max(begin, midnight + opens), min(end, midnight + closes)
                if low < high:
                    yield low - offset, high - offset

    def _pieces(self, first: int, last: int) -> Iterator[Tuple[int, int, int]]:
        """Cut a UTC span where the zone's offset changes; halving finds the exact second."""
        offset = self._offset(first)
        if last - first == 1 or offset == self._offset(last - 1):
            yield first, last, offset
            return
        middle = (first + last) // 2
        yield from self._pieces(first, middle)
        yield from self._pieces(middle, last)

    def _offset(self, moment: int) -> int:
        offset = datetime.fromtimestamp(moment, self._zone).utcoffset() or timedelta()
        return int(offset.total_seconds())


def moment_named(zone: tzinfo, name: str, moment: float, now: float) -> str:
    """Format a future moment in a time zone; with its date if it is more than six days ahead."""
    local = datetime.fromtimestamp(moment, zone)
    day = DAYS[local.weekday()].capitalize()
    if moment - now > 6 * DAY_SECONDS:
        day += f" {local.date().isoformat()}"
    return f"{day} {local.hour:02d}:{local.minute:02d} {name}"


@lru_cache(maxsize=1000)
def _without(calendar: Calendar, days: Days) -> Calendar:
    """Return one calendar for each pair of objects, so that its computed spans stay cached."""
    return Calendar(calendar.name, calendar.zone, calendar._week, calendar._holidays | days)


def read_hours(where: str, text: str) -> Week:
    """Read ``mon-fri 09:00-12:30, mon-fri 13:00-17:30, sat 22:00-06:00`` or ``24x7``.

    A window that ends before it begins continues into the next day. Empty means 24x7. Raises
    RoutingError naming ``where``.
    """
    week: List[List[Span]] = [[] for _day in DAYS]
    for part in listed(text) or (ALWAYS_WORD,):
        if part.lower() == ALWAYS_WORD:
            for spans in week:
                spans.append(_FULL_DAY)
            continue
        match = _HOURS.fullmatch(part)
        if not match:
            raise _bad_hours(where, part)
        start, end = (_seconds(where, part, match.group(n)) for n in (2, 3))
        if start == end:
            raise _bad_hours(where, part)
        for day in _weekdays(where, part, match.group(1)):
            if start < end:
                week[day].append((start, end))
            else:
                week[day].append((start, DAY_SECONDS))
                week[(day + 1) % 7].append((0, end))
    return tuple(tuple(_merged(spans)) for spans in week)


def _weekdays(where: str, part: str, text: str) -> List[int]:
    """Return the days of ``mon-fri`` or ``mon wed fri``; a range may pass the end of the week."""
    found: List[int] = []
    for word in text.lower().split():
        first, dash, last = word.partition("-")
        if first not in DAYS or (dash and last not in DAYS):
            raise _bad_hours(where, part)
        start, end = DAYS.index(first), DAYS.index(last or first)
        found.extend((start + step) % 7 for step in range((end - start) % 7 + 1))
    if not found:
        raise _bad_hours(where, part)
    return found


def _seconds(where: str, part: str, text: str) -> int:
    match = _CLOCK.fullmatch(text)
    if not match:
        raise _bad_hours(where, part)
    if match.group(1) is None:
        return DAY_SECONDS
    return int(match.group(1)) * 3600 + int(match.group(2)) * 60


def _bad_hours(where: str, part: str) -> RoutingError:
    return RoutingError(
        f"{where} has '{part[:60]}'; write days and a span, such as mon-fri 09:00-17:30, or "
        f"{ALWAYS_WORD}."
    )


def _merged(spans: Iterable[Span]) -> List[Span]:
    merged: List[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif start < end:
            merged.append((start, end))
    return merged


def _span_of_days(first: date, last: date) -> List[date]:
    if not timedelta(0) <= last - first <= timedelta(days=LONGEST_HOLIDAY_DAYS):
        raise ValueError
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def read_zone(where: str, name: str) -> tzinfo:
    """Return a time zone by its name. Raises RoutingError naming ``where``."""
    try:
        return zone_named(name)
    except ValueError:
        raise RoutingError(
            f"{where} is '{name[:60]}', which is not a time zone that this machine knows; {ADVICE}"
        ) from None


ALWAYS = Calendar(ALWAYS_WORD, "UTC", tuple((_FULL_DAY,) for _day in DAYS))
