"""Time windows that people define: once, or on days of the week.

``starts_at`` and ``ends_at`` (epoch seconds; 0: no end) bound a window. With ``days``, of ``mon``
to ``sun``, it is in force on these days only, from ``from_time`` up to ``to_time`` (``HH:MM`` in
``time_zone``; one that ends before it begins continues past midnight). If the clocks show a time
twice, the first one counts; a time that they skip counts as before the change of the clocks.

A window's document may be malformed after a change by hand. Its kind then defines what happens: a
freeze still freezes, a suppression and a cover have no effect.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import MISSING, asdict, dataclass, fields
from datetime import datetime, timedelta, tzinfo
from typing import Any, Dict, List, Mapping, Protocol, Tuple, Type, TypeVar

from ...ports import Collection, Document
from ..errors import Invalid
from .calendar import DAYS
from .zones import zone_named

__all__ = [
    "LATEST",
    "Window",
    "delete_ended",
    "insert",
    "newest_first",
    "not_ended",
    "valid_fields",
]

LATEST = 1e11
"""The latest time accepted, in epoch seconds: the year 5138."""

# Long enough to contain each day of the week as a whole, even when the clocks change.
EVERY_DAY_SECONDS = 8 * 86_400.0
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


class _Stored(Protocol):
    """A window that is stored as a document under its id."""

    @property
    def id(self) -> str: ...

    @property
    def created_at(self) -> float: ...

    def to_document(self) -> Document: ...

    @classmethod
    def from_document(cls: Type[_K], document: Mapping[str, Any]) -> _K: ...

    def in_force(self, moment: float) -> bool: ...


_K = TypeVar("_K", bound=_Stored)
_W = TypeVar("_W", bound="Window")


@dataclass(frozen=True)
class Window:
    """A window with its reason, stored as a document: a suppression or a change freeze."""

    id: str
    reason: str
    starts_at: float = 0.0
    ends_at: float = 0.0
    days: Tuple[str, ...] = ()
    from_time: str = "00:00"
    to_time: str = "00:00"
    time_zone: str = "UTC"
    created_by: str = ""
    created_at: float = 0.0

    def malformed(self: _W, why: str) -> _W:
        """Return the window to use for a malformed document; its malformed fields are defaults."""
        raise NotImplementedError

    @classmethod
    def of(
        cls: Type[_W], prefix: str, wanted: Mapping[str, Any], actor: str, now: float, unique: str
    ) -> _W:
        """Create a window from a request's fields; its id follows from ``unique``, if given."""
        return cls(
            **{
                "starts_at": now,
                **wanted,
                "id": f"{prefix}-{(unique or uuid.uuid4().hex)[:10]}",
                "days": tuple(dict.fromkeys(wanted.get("days") or ())),
                "created_by": actor,
                "created_at": now,
            }
        )

    def to_document(self) -> Document:
        return {**asdict(self), "days": list(self.days), "_key": self.id}

    @classmethod
    def from_document(cls: Type[_W], document: Mapping[str, Any]) -> _W:
        """Read a document; missing fields have their defaults."""
        values, why = valid_fields(cls, document)
        values["days"] = tuple(values.get("days") or ())
        return cls(**values).malformed(why) if why else cls(**values)

    def in_force(self, moment: float) -> bool:
        """Tell whether a moment, in epoch seconds, is within the window."""
        if moment < self.starts_at or (self.ends_at and moment >= self.ends_at):
            return False
        return not self.days or self._is_in_week(moment)

    def changes(self, start: float, end: float) -> List[float]:
        """Return the moments after ``start``, up to ``end``, at which it begins or ends, in order.

        The span should be some days at most: every day is examined.
        """
        points = {self.starts_at, self.ends_at}
        if self.days:
            first = datetime.fromtimestamp(start, _zone(self.time_zone)) - timedelta(days=1)
            minutes = (_minutes(self.from_time), _minutes(self.to_time))
            for number in range(int((end - start) // 86_400.0) + 4):
                points.update(_at(first + timedelta(days=number), minute) for minute in minutes)
        between = sorted(point for point in points if start < point <= end)
        return [one for one in between if self.in_force(one) != self.in_force(one - 0.001)]

    def next_end(self, moment: float) -> float:
        """Return when a window that is in force at a moment ends; 0: it has no end."""
        changes = self.changes(moment, moment + EVERY_DAY_SECONDS)
        return changes[0] if changes else self.ends_at

    def when(self) -> str:
        """Describe, for people, the days of the window and its end."""
        parts = []
        if self.days:
            hours = f"{self.from_time} to {self.to_time} {self.time_zone}"
            parts.append(f"on {', '.join(self.days)} from {hours}")
        if self.ends_at:
            end = datetime.fromtimestamp(self.ends_at, _zone(self.time_zone))
            parts.append(f"until {end:%Y-%m-%d %H:%M} {self.time_zone}")
        return ", ".join(parts)

    def check(self) -> None:
        """Raise Invalid for a malformed day, time of day or zone, or days that never come."""
        for day in self.days:
            if day not in DAYS:
                raise Invalid(f"'{day[:20]}' is not a day; use {', '.join(DAYS)}.")
        _minutes(self.from_time)
        _minutes(self.to_time)
        _zone(self.time_zone)
        if self.days and self._is_over_before_it_comes():
            raise Invalid(
                f"The window would end before its first {' or '.join(self.days)}. Choose a later "
                "end, or none."
            )

    def _is_over_before_it_comes(self) -> bool:
        if not self.ends_at or self.ends_at - self.starts_at >= EVERY_DAY_SECONDS:
            return False
        first = datetime.fromtimestamp(self.starts_at, _zone(self.time_zone))
        begin = _minutes(self.from_time)
        starts = [_at(first + timedelta(days=n), begin) for n in range(9)]
        return not any(self.in_force(moment) for moment in [self.starts_at, *starts])

    def _is_in_week(self, moment: float) -> bool:
        today = datetime.fromtimestamp(moment, _zone(self.time_zone))
        start, end = _minutes(self.from_time), _minutes(self.to_time)
        for day in (today, today - timedelta(days=1)):
            if DAYS[day.weekday()] in self.days:
                last = day if start < end else day + timedelta(days=1)
                if _at(day, start) <= moment < _at(last, end):
                    return True
        return False


def _at(day: datetime, minute: int) -> float:
    """Return the moment of a wall clock time on a day: the first, if it comes twice."""
    hour, minute = divmod(minute, 60)
    return day.replace(hour=hour, minute=minute, second=0, microsecond=0, fold=0).timestamp()


def _minutes(text: str) -> int:
    match = _CLOCK.fullmatch(text)
    if not match:
        raise Invalid(f"'{text[:20]}' is not a time of day; write HH:MM, such as 22:30.")
    return int(match.group(1)) * 60 + int(match.group(2))


def _zone(name: str) -> tzinfo:
    try:
        return zone_named(name)
    except ValueError as error:
        raise Invalid(str(error)) from None


def valid_fields(kind: Type[Any], document: Mapping[str, Any]) -> Tuple[Document, str]:
    """Return the valid fields of a window's document, and a sentence that names malformed ones.

    The id is the document's key. A malformed field without a default becomes an empty text or 0.
    The sentence is empty if all fields are valid.

    Args:
        kind: the dataclass of the window.
    """
    values: Document = {}
    malformed: List[str] = []
    known = {**document, "id": document.get("_key", document.get("id"))}
    for one in fields(kind):
        value = known.get(one.name, _NOTHING)
        if value is not _NOTHING and _is_valid(one.name, str(one.type), value):
            values[one.name] = value
        elif value is not _NOTHING or one.default is MISSING:
            malformed.append(one.name)
            values.update({one.name: _EMPTY[str(one.type)]} if one.default is MISSING else {})
    named = ", ".join(malformed)
    return (
        values,
        f"Its document was changed by hand and can't be read: {named}." if malformed else "",
    )


_NOTHING = object()
_EMPTY: Dict[str, Any] = {"str": "", "float": 0.0}


def _is_valid(name: str, kind: str, value: Any) -> bool:
    if kind == "float":
        return isinstance(value, (int, float)) and 0 <= value <= LATEST
    if kind == "str":
        return isinstance(value, str) and _is_valid_text(name, value)
    return isinstance(value, (list, tuple)) and all(day in DAYS for day in value)


def _is_valid_text(name: str, text: str) -> bool:
    """Tell whether the text of a time of day or a zone is valid; other texts always are."""
    check = {"from_time": _minutes, "to_time": _minutes, "time_zone": _zone}.get(name)
    try:
        return check is None or check(text) is not None
    except Invalid:
        return False


def shown(window: _Stored, now: float) -> Document:
    """Return a window as the API shows it, with whether it is in force."""
    document = {key: value for key, value in window.to_document().items() if key != "_key"}
    return {**document, "in_force": window.in_force(now)}


def insert(windows: Collection, window: _K) -> _K:
    """Store a window; return the stored one if the request is a repeat."""
    if windows.insert(window.to_document()):
        return window
    known = windows.get(window.id)
    return window.from_document(known) if known else window


def not_ended(now: float) -> Document:
    """Return the query for windows without an end, or with one after ``now``."""
    return {"$or": [{"ends_at": 0}, {"ends_at": {"$gt": now}}]}


def newest_first(windows: Collection, kind: Type[_K], now: float, max_ended: int) -> List[_K]:
    """Return all windows that have not ended, and the newest ``max_ended`` that have."""
    over: Document = {"$and": [{"ends_at": {"$gt": 0}}, {"ends_at": {"$lte": now}}]}
    found = [
        *windows.find(not_ended(now)),
        *windows.find(over, sort="created_at:-1", limit=max_ended),
    ]
    return sorted(map(kind.from_document, found), key=lambda one: -one.created_at)


def delete_ended(windows: Collection, before: float) -> None:
    """Delete the windows that ended before a moment."""
    over: List[Document] = [{"ends_at": {"$gt": 0}}, {"ends_at": {"$lt": before}}]
    windows.delete_matching({"$and": over})
