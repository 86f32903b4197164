"""Time modifiers: -15m, @d, -1d@d+2h, now, 0, rt, epoch seconds and dates.

Source: https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/time-format-variables-and-modifiers/time-modifiers
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone, tzinfo

from tools.splunkd_lite.spl.errors import SplError

__all__ = ["Span", "parse_span", "resolve"]

_UNITS: dict[str, tuple[str, ...]] = {
    "us": ("us", "microsecond", "microseconds"),
    "ms": ("ms", "millisecond", "milliseconds"),
    "cs": ("cs", "centisecond", "centiseconds"),
    "ds": ("ds", "decisecond", "deciseconds"),
    "s": ("s", "sec", "secs", "second", "seconds"),
    "m": ("m", "min", "mins", "minute", "minutes"),
    "h": ("h", "hr", "hrs", "hour", "hours"),
    "d": ("d", "day", "days"),
    "w": ("w", "week", "weeks"),
    "mon": ("mon", "month", "months"),
    "q": ("q", "qtr", "qtrs", "quarter", "quarters"),
    "y": ("y", "yr", "yrs", "year", "years"),
}
_UNIT_OF = {spelling: unit for unit, spellings in _UNITS.items() for spelling in spellings}
_SECONDS = {"us": 1e-6, "ms": 1e-3, "cs": 1e-2, "ds": 0.1, "s": 1, "m": 60, "h": 3600,
            "d": 86400, "w": 604800}  # fmt: skip
_PART = re.compile(r"([+-]\d*)([A-Za-z]+)|@([A-Za-z]+)(\d?)")
_EPOCH = re.compile(r"-?\d+(?:\.\d+)?\Z")
_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?::(\d{1,2}):(\d{1,2}):(\d{1,2}))?\Z")
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)\Z")


def resolve(modifier: str, now: float, tz: tzinfo = timezone.utc) -> float:
    """The moment, in epoch seconds, that a time modifier names at `now`.

    `tz` is the zone of days, weeks and months. Raises SplError when it isn't a time modifier.
    """
    text = modifier.strip()
    if text in ("now", "now()", ""):
        return now
    if _EPOCH.match(text):
        return float(text)
    if text.startswith("rt"):
        text = text[2:]
        if not text:
            return now
    date = _DATE.match(text)
    if date:
        return _date(date, modifier, tz)
    if "T" in text and text[:4].isdigit():
        return _iso(text, modifier, tz)
    return _relative(text.removeprefix("now"), modifier, now, tz)


def _relative(text: str, modifier: str, now: float, tz: tzinfo) -> float:
    moment, at = now, 0
    while at < len(text):
        part = _PART.match(text, at)
        if part is None:
            raise SplError(f"Invalid value '{modifier}' for a time term: it is not a time modifier")
        amount, unit, snap, digit = part.groups()
        name = _UNIT_OF.get((unit or snap).lower()) if (unit or snap) != "M" else None
        if name is None:
            raise SplError(
                f"Invalid value '{modifier}' for a time term: unknown unit '{unit or snap}'"
            )
        if snap:
            if digit and name != "w":
                raise SplError(f"Invalid value '{modifier}' for a time term: only @w takes a day")
            moment = floor(moment, name, tz, int(digit) if digit else 0)
        else:
            count = int(amount) if len(amount) > 1 else int(amount + "1")
            moment = shift(moment, count, name, tz)
        at = part.end()
    return moment


def _date(found: re.Match[str], modifier: str, tz: tzinfo) -> float:
    month, day, year, hour, minute, second = (int(part or 0) for part in found.groups())
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=tz).timestamp()
    except ValueError as error:
        raise SplError(f"Invalid value '{modifier}' for a time term: {error}") from None


def _iso(text: str, modifier: str, tz: tzinfo) -> float:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise SplError(f"Invalid value '{modifier}' for a time term: {error}") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=tz)).timestamp()


def local_time(moment: float, tz: tzinfo) -> datetime:
    """The date and time of `moment` in `tz`. Raises SplError outside the years 1 to 9999."""
    try:
        return datetime.fromtimestamp(moment, tz)
    except (ValueError, OverflowError, OSError):
        raise SplError(f"the time {moment} is out of range") from None


def shift(moment: float, count: int, unit: str, tz: tzinfo) -> float:
    """`moment` moved by `count` units; months keep the day where they can."""
    if unit in ("mon", "q", "y"):
        months = count * {"mon": 1, "q": 3, "y": 12}[unit]
        return _add_months(moment, months, tz)
    if unit in ("d", "w"):
        when = local_time(moment, tz)
        try:
            local = when.replace(tzinfo=None) + timedelta(days=count * (7 if unit == "w" else 1))
        except OverflowError:
            raise SplError(f"a time {count}{unit} away is out of range") from None
        return local.replace(tzinfo=tz).timestamp()
    return moment + count * _SECONDS[unit]


def _add_months(moment: float, months: int, tz: tzinfo) -> float:
    when = local_time(moment, tz)
    index = when.year * 12 + when.month - 1 + months
    year, month = divmod(index, 12)
    if not 1 <= year <= 9999:
        raise SplError(f"a time {months} months away is out of range")
    day = when.day
    while True:
        try:
            return when.replace(year=year, month=month + 1, day=day).timestamp()
        except ValueError:
            day -= 1


def floor(moment: float, unit: str, tz: tzinfo, weekday: int = 0) -> float:
    """`moment` snapped down to the start of its unit; @w is Sunday, @w1 Monday."""
    if unit in ("us", "ms", "cs", "ds", "s"):
        step = _SECONDS[unit]
        return moment // step * step
    when = local_time(moment, tz).replace(second=0, microsecond=0)
    if unit == "m":
        return when.timestamp()
    when = when.replace(minute=0)
    if unit == "h":
        return when.timestamp()
    when = when.replace(hour=0)
    if unit == "w":
        back = (when.isoweekday() % 7 - weekday % 7) % 7
        return (when.replace(tzinfo=None) - timedelta(days=back)).replace(tzinfo=tz).timestamp()
    if unit == "mon":
        when = when.replace(day=1)
    elif unit == "q":
        when = when.replace(day=1, month=(when.month - 1) // 3 * 3 + 1)
    elif unit == "y":
        when = when.replace(day=1, month=1)
    return when.timestamp()


class Span:
    """A length of time that divides the time line, as `span=5m` does."""

    def __init__(self, count: float, unit: str) -> None:
        self.count, self.unit = count, unit

    @property
    def seconds(self) -> float:
        """The length; a month counts as 30 days, a quarter as 91, a year as 365."""
        each = {"mon": 30 * 86400, "q": 91 * 86400, "y": 365 * 86400}.get(self.unit)
        return self.count * (each or _SECONDS[self.unit])

    def start(self, moment: float, tz: tzinfo) -> float:
        """The start of the bucket that holds `moment`: days and longer align to `tz`, weeks of
        one to Sunday, shorter spans to the epoch."""
        if self.unit in ("mon", "q", "y"):
            months = int(self.count * {"mon": 1, "q": 3, "y": 12}[self.unit])
            when = local_time(floor(moment, "mon", tz), tz)
            index = (when.year * 12 + when.month - 1) // months * months
            return when.replace(year=index // 12, month=index % 12 + 1).timestamp()
        if self.unit == "w" and self.count == 1:
            return floor(moment, "w", tz)
        if self.unit in ("d", "w"):
            days = int(self.count * (7 if self.unit == "w" else 1))
            day = local_time(moment, tz).toordinal()
            base = datetime(1970, 1, 1).toordinal()
            ordinal = (day - base) // days * days + base
            return datetime.fromordinal(ordinal).replace(tzinfo=tz).timestamp()
        step = self.seconds
        start = moment // step * step
        return int(start) if start == int(start) else round(start, 6)

    def next(self, start: float, tz: tzinfo) -> float:
        """The start of the bucket after the one that starts at `start`."""
        moment = shift(start, int(self.count), self.unit, tz) if self.count >= 1 else start
        if self.count != int(self.count):
            moment = start + self.seconds
        return moment


def parse_span(text: str) -> Span | None:
    """A span such as 5m, 1h or 30 (seconds); None if it is not a time span."""
    found = _SPAN.match(text)
    if found is None or float(found.group(1)) <= 0:
        return None
    unit = _UNIT_OF.get((found.group(2) or "s").lower())
    if unit is None:
        return None
    count = float(found.group(1))
    return Span(int(count) if count == int(count) else count, unit)
