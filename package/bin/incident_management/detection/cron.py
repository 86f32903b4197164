"""Compute when a cron schedule runs, in the search head's time zone.

The syntax is the five fields in Splunk's Alerting Manual ("Use cron expressions for alert
scheduling"): minute, hour, day of the month, month, day of the week (0 and 7 are Sunday). Each is
``*``, a number, a range, ``/`` and a step, or several of these separated by commas. If both days
are given, one of them is enough, as in cron(5).
"""

from __future__ import annotations

import re
from datetime import datetime, tzinfo
from typing import FrozenSet, List, Optional, Set

__all__ = ["Cron"]

MINUTE = 60.0
_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7))
_PART = re.compile(r"(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:/(\d{1,2}))?")


class Cron:
    """A cron schedule.

    Args:
        text: its five fields.
        zone: time zone of the schedule; None: this machine's, as splunkd's scheduler uses.

    Raises:
        ValueError: it is not a cron schedule; the text says which field is wrong.
    """

    def __init__(self, text: str, zone: Optional[tzinfo] = None) -> None:
        fields = text.split()
        if len(fields) != len(_FIELDS):
            raise ValueError(
                f"'{text[:60]}' is not a cron schedule; write five fields, such as */5 * * * *."
            )
        parsed = [_field(one, *known) for one, known in zip(fields, _FIELDS)]
        self._minutes, self._hours, self._days, self._months, weekdays = parsed
        self._weekdays = frozenset(day % 7 for day in weekdays)
        self._any_day, self._any_weekday = fields[2] == "*", fields[4] == "*"
        self._zone = zone

    def between(self, earliest: float, latest: float, most: int) -> List[float]:
        """Return the run times from ``earliest`` to ``latest`` (epoch seconds), oldest first.

        Returns at most ``most + 1`` times; one more than ``most`` shows that there are more.
        """
        found: List[float] = []
        moment = -(-earliest // MINUTE) * MINUTE
        while moment <= latest and len(found) <= most:
            local = datetime.fromtimestamp(moment, self._zone)
            if local.hour not in self._hours or not self._is_day(local):
                moment += MINUTE * (60 - local.minute)
                continue
            if local.minute in self._minutes:
                found.append(moment)
            moment += MINUTE
        return found

    def _is_day(self, day: datetime) -> bool:
        if day.month not in self._months:
            return False
        by_day, by_weekday = day.day in self._days, day.isoweekday() % 7 in self._weekdays
        if self._any_day or self._any_weekday:
            return by_day and by_weekday
        return by_day or by_weekday


def _field(text: str, name: str, least: int, most: int) -> FrozenSet[int]:
    """Return the numbers that one field allows."""
    found: Set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise _wrong(text, name)
        first, last, step = match.groups()
        begin = least if first is None else int(first)
        end = int(last) if last else most if first is None or step else begin
        if not least <= begin <= end <= most or step == "0":
            raise _wrong(text, name)
        found.update(range(begin, end + 1, int(step or 1)))
    return frozenset(found)


def _wrong(text: str, name: str) -> ValueError:
    return ValueError(f"'{text[:60]}' is not a valid {name} in a cron schedule.")
