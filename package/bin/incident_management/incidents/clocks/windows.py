"""Times of the calendar that people name: once, or on days of the week.

``starts_at`` and ``ends_at`` (epoch seconds; 0: no end) bound a window. With ``days``, of ``mon``
to ``sun``, it is in force on these days only, from ``from_time`` up to ``to_time`` (``HH:MM`` in
``time_zone``; one that ends before it begins goes on past midnight).
"""

from __future__ import annotations

import re
from dataclasses import asdict, fields
from datetime import datetime, timedelta, tzinfo
from typing import Any, List, Mapping, Protocol, Tuple, Type, TypeVar

from ...ports import Collection, Document
from ..errors import Invalid
from .zones import ADVICE, zone_named

__all__ = [
    "DAYS",
    "Kept",
    "Window",
    "check_window",
    "forget_over",
    "in_force",
    "newest_first",
    "not_over",
    "when",
]

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# In so long a time each day of the week comes whole, also in a week with a change of the clocks.
EVERY_DAY_SECONDS = 8 * 86_400.0
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


class Window(Protocol):
    """What has such times, as a suppression or a change freeze."""

    @property
    def starts_at(self) -> float: ...

    @property
    def ends_at(self) -> float: ...

    @property
    def days(self) -> Tuple[str, ...]: ...

    @property
    def from_time(self) -> str: ...

    @property
    def to_time(self) -> str: ...

    @property
    def time_zone(self) -> str: ...


_T = TypeVar("_T", bound="Kept")


class Kept:
    """A window that is kept as a document: the base of a dataclass with an ``id``."""

    def in_force(self: Any, moment: float) -> bool:
        return in_force(self, moment)

    def to_document(self: Any) -> Document:
        return {**asdict(self), "days": list(self.days), "_key": self.id}

    @classmethod
    def from_document(cls: Type[_T], document: Mapping[str, Any]) -> _T:
        """Return what a document says; a field that it lacks has its default."""
        names = (one.name for one in fields(cls))  # type: ignore[arg-type]
        values = {name: document[name] for name in names if name in document}
        values["days"] = tuple(values.get("days") or ())
        return cls(**values)


def in_force(window: Window, moment: float) -> bool:
    """Tell whether a moment, in epoch seconds, is within a window."""
    if moment < window.starts_at or (window.ends_at and moment >= window.ends_at):
        return False
    return not window.days or _in_weekly_window(window, moment)


def when(window: Window) -> str:
    """Say for people when a window ends, and on which days it is in force."""
    parts = []
    if window.days:
        hours = f"{window.from_time} to {window.to_time} {window.time_zone}"
        parts.append(f"on {', '.join(window.days)} from {hours}")
    if window.ends_at:
        end = datetime.fromtimestamp(window.ends_at, _zone(window.time_zone))
        parts.append(f"until {end:%Y-%m-%d %H:%M} {window.time_zone}")
    return ", ".join(parts)


def check_window(window: Window) -> None:
    """Raise Invalid for days, times of day or a zone that are none, or days that never come."""
    for day in window.days:
        if day not in DAYS:
            raise Invalid(f"'{day[:20]}' is no day; use {', '.join(DAYS)}.")
    _minutes(window.from_time)
    _minutes(window.to_time)
    _zone(window.time_zone)
    if window.days and _is_over_before_it_comes(window):
        raise Invalid(
            f"It would be over before its first {' or '.join(window.days)} comes: name a later "
            "end, or none."
        )


def _is_over_before_it_comes(window: Window) -> bool:
    if not window.ends_at or window.ends_at - window.starts_at >= EVERY_DAY_SECONDS:
        return False
    first = datetime.fromtimestamp(window.starts_at, _zone(window.time_zone))
    hour, minute = divmod(_minutes(window.from_time), 60)
    begins = first.replace(hour=hour, minute=minute, second=0, microsecond=0)
    starts = [(begins + timedelta(days=n)).timestamp() for n in range(9)]
    return not any(in_force(window, moment) for moment in [window.starts_at, *starts])


def _in_weekly_window(window: Window, moment: float) -> bool:
    local = datetime.fromtimestamp(moment, _zone(window.time_zone))
    start, end = _minutes(window.from_time), _minutes(window.to_time)
    minute = local.hour * 60 + local.minute
    today, yesterday = (DAYS[(local - timedelta(days=n)).weekday()] for n in (0, 1))
    if start < end:
        return today in window.days and start <= minute < end
    began_today = today in window.days and minute >= start
    return began_today or (yesterday in window.days and minute < end)


def _minutes(text: str) -> int:
    match = _CLOCK.fullmatch(text)
    if not match:
        raise Invalid(f"'{text[:20]}' is no time of day; write HH:MM, such as 22:30.")
    return int(match.group(1)) * 60 + int(match.group(2))


def _zone(name: str) -> tzinfo:
    zone = zone_named(name)
    if zone is None:
        raise Invalid(f"'{name[:60]}' is no time zone that this machine knows; {ADVICE}")
    return zone


def not_over(now: float) -> Document:
    """Return the query for documents whose window has no end, or one to come."""
    return {"$or": [{"ends_at": 0}, {"ends_at": {"$gt": now}}]}


def newest_first(windows: Collection, now: float, most_over: int) -> List[Document]:
    """Return all that are not over, and so many of the newest of those that are."""
    over: Document = {"$and": [{"ends_at": {"$gt": 0}}, {"ends_at": {"$lte": now}}]}
    found = [
        *windows.find(not_over(now)),
        *windows.find(over, sort="created_at:-1", limit=most_over),
    ]
    return sorted(found, key=lambda document: -float(document["created_at"]))


def forget_over(windows: Collection, before: float) -> None:
    """Delete those that were over before a moment."""
    over: List[Document] = [{"ends_at": {"$gt": 0}}, {"ends_at": {"$lt": before}}]
    windows.delete_matching({"$and": over})
