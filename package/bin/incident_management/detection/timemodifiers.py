"""Splunk's relative time modifiers, resolved against a moment in the past.

The forms of "Time modifiers" in Splunk's Search Reference: ``now``, epoch seconds,
``-5m@m+30s``, units s, m, h, d, w, mon, q, y, snaps ``@w0``…``@w7``. Everything else is refused:
a replay over the wrong window would be worse than none. Days and hours are in the search head's
time zone, as for a scheduled search.
"""

from __future__ import annotations

import calendar
import re
from datetime import datetime, timedelta, tzinfo
from typing import Optional

__all__ = ["resolve"]

_STEP = re.compile(r"([+-])(\d*)([a-z]+)|@([a-z]+[0-7]?)")
_UNITS = {
    "s": ("s", "sec", "secs", "second", "seconds"),
    "m": ("m", "min", "mins", "minute", "minutes"),
    "h": ("h", "hr", "hrs", "hour", "hours"),
    "d": ("d", "day", "days"),
    "w": ("w", "week", "weeks"),
    "mon": ("mon", "month", "months"),
    "q": ("q", "qtr", "qtrs", "quarter", "quarters"),
    "y": ("y", "yr", "yrs", "year", "years"),
}
_NAMES = {word: unit for unit, words in _UNITS.items() for word in words}
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_DAYS = {"d": 1, "w": 7}
_MONTHS = {"mon": 1, "q": 3, "y": 12}


def resolve(modifier: str, now: float, zone: Optional[tzinfo] = None) -> float:
    """Return the epoch seconds that a time modifier means at ``now``.

    Args:
        zone: whose days and hours it means; None is the machine's.

    Raises:
        ValueError: it is not understood; the text says what is.
    """
    text = modifier.strip().lower()
    if text in ("", "now", "now()"):
        return now
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    moment = now
    place = 0
    for match in _STEP.finditer(text):
        if match.start() != place:
            break
        place = match.end()
        sign, count, unit, snap = match.groups()
        if snap:
            moment = _snapped(datetime.fromtimestamp(moment, zone), snap, modifier).timestamp()
        else:
            amount = int(count or 1) * (-1 if sign == "-" else 1)
            moment = _moved(moment, amount, _unit(unit, modifier), zone)
    if place != len(text) or place == 0:
        raise _unknown(modifier)
    return moment


def _unit(word: str, modifier: str) -> str:
    if word not in _NAMES:
        raise _unknown(modifier)
    return _NAMES[word]


def _moved(moment: float, amount: int, unit: str, zone: Optional[tzinfo]) -> float:
    if unit in _SECONDS:
        return moment + amount * _SECONDS[unit]
    # Without a zone it is the machine's, and so are its changes of the clocks.
    day = datetime.fromtimestamp(moment, zone)
    if unit in _DAYS:
        return (day + timedelta(days=amount * _DAYS[unit])).timestamp()
    months = day.year * 12 + day.month - 1 + amount * _MONTHS[unit]
    year, month = divmod(months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return day.replace(year=year, month=month + 1, day=min(day.day, last)).timestamp()


def _snapped(moment: datetime, snap: str, modifier: str) -> datetime:
    weekday = re.fullmatch(r"w([0-7])", snap)
    unit = "w" if weekday else _unit(snap, modifier)
    if unit == "s":
        return moment.replace(microsecond=0)
    moment = moment.replace(second=0, microsecond=0)
    if unit == "m":
        return moment
    moment = moment.replace(minute=0)
    if unit == "h":
        return moment
    moment = moment.replace(hour=0)
    if unit == "d":
        return moment
    if unit == "w":
        first = int(weekday[1]) % 7 if weekday else 0
        return moment - timedelta(days=(moment.isoweekday() - first) % 7)
    month = {"mon": moment.month, "q": 3 * ((moment.month - 1) // 3) + 1, "y": 1}[unit]
    return moment.replace(day=1, month=month)


def _unknown(modifier: str) -> ValueError:
    return ValueError(
        f"'{modifier[:60]}' is not a supported time; use epoch seconds or a form such as -5m@m."
    )
