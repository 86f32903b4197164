"""The handover times of a rota: turns of one length, by the wall clock of a time zone. Pure.

A turn begins at the same time of the wall clock as the one before, so it is an hour longer or
shorter when the clocks change. If the clocks show a time twice, the first one counts; a time that
they skip counts as before the change (as in :mod:`..clocks.windows`). Moments are epoch seconds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone, tzinfo

from ..clocks.calendar import DAYS, read_zone
from ..errors import RoutingError

__all__ = ["Handovers", "read_handovers"]

# When the clocks change, a shorter turn could begin before the previous one.
SHORTEST_HOURS = 4
LONGEST = timedelta(weeks=52)
_FIXED = re.compile(r"(daily|mon|tue|wed|thu|fri|sat|sun)\s+([01]\d|2[0-3]):([0-5]\d)")
_EVERY = re.compile(r"every\s+(\d{1,4})\s*([hdw])")
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True)
class Handovers:
    """The turns; ``first``: when turn 0 begins, by the wall clock. Earlier turns are negative."""

    first: datetime = datetime(2000, 1, 3)
    step: timedelta = timedelta(weeks=1)
    zone_name: str = "UTC"
    zone: tzinfo = field(default=timezone.utc, compare=False)

    def begins(self, number: int) -> float:
        """Return when a turn begins."""
        wall = self.first + number * self.step
        return wall.replace(tzinfo=self.zone, fold=0).timestamp()

    def number_at(self, moment: float) -> int:
        """Return the number of the turn at a moment."""
        number = (self.local(moment) - self.first) // self.step
        while self.begins(number) > moment:
            number -= 1
        while self.begins(number + 1) <= moment:
            number += 1
        return number

    def local(self, moment: float) -> datetime:
        """Return the time on the wall clock at a moment."""
        return datetime.fromtimestamp(moment, self.zone).replace(tzinfo=None)


def read_handovers(where: str, handover: str, start: str, zone_name: str) -> Handovers:
    """Read the handover times of a rota, the first at ``start``. Raises RoutingError."""
    zone_name = zone_name or "UTC"
    zone = read_zone(f"{where} time_zone", zone_name)
    fixed, every = _FIXED.fullmatch(handover.lower()), _EVERY.fullmatch(handover.lower())
    if fixed:
        word, hour, minute = fixed.group(1), int(fixed.group(2)), int(fixed.group(3))
        day = _start(where, start, "%Y-%m-%d", "a day such as 2026-12-07")
        if word != "daily" and DAYS[day.weekday()] != word:
            raise RoutingError(
                f"{where} start is '{start}', a {DAYS[day.weekday()]}, but the handover is on "
                f"{word}; choose a start on a {word}."
            )
        step = timedelta(days=1 if word == "daily" else 7)
        return Handovers(day.replace(hour=hour, minute=minute), step, zone_name, zone)
    if every:
        step = timedelta(**{_UNITS[every.group(2)]: int(every.group(1))})
        if not timedelta(hours=SHORTEST_HOURS) <= step <= LONGEST:
            raise RoutingError(
                f"{where} handover is '{handover}'; a turn lasts {SHORTEST_HOURS} hours to 52 "
                "weeks."
            )
        first = _start(where, start, "%Y-%m-%d %H:%M", "a day and time such as 2026-12-07 09:00")
        return Handovers(first, step, zone_name, zone)
    raise RoutingError(
        f"{where} handover is '{handover[:40]}'; write mon 09:00, daily 09:00, or every 3d (or "
        "12h, 2w), counted from the start."
    )


def _start(where: str, text: str, form: str, wanted: str) -> datetime:
    try:
        found = datetime.strptime(text, form)
    except ValueError:
        found = datetime.min
    if not 2000 <= found.year <= 2200:
        raise RoutingError(
            f"{where} start is '{text[:40]}'; set {wanted}, when the first member's turn begins."
        )
    return found
