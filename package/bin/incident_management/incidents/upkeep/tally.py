"""How many signals came, counted once their hour is over: a storm leaves millions in a month.

The worker counts each hour and keeps the figures of a day (UTC) in two documents, of all signals by
detection and of those that were held back. Whoever asks for a span gets the sums of its counted
hours, and what is left of it is read. Times are epoch seconds; a span includes both its ends.

A signal counts in the hour in which it came: one that is held back, and comes again in a later
hour, counts in both, and one that is taken in or deleted after its hour was counted stays counted.
"""

from __future__ import annotations

from typing import (
    Collection,
    Dict,
    Iterable,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Set,
    Tuple,
)

from ...ports import Clock, Document, Stores
from ..stores import claim_document

__all__ = ["FOUND", "HELD", "Found", "count_hours", "found_in", "held_in"]

FOUND, HELD = "signals of a day", "held signals of a day"
"""Purposes of the claims with the figures of a day."""
HOUR, DAY = 3600.0, 86400.0
# Times are written in milliseconds: an hour's last one.
LAST = HOUR - 0.001
# A member whose clock is so far behind still writes into an hour before it is counted.
CLOCKS_APART_SECONDS = 900.0
# Where nothing was counted yet, counting begins so long ago: nobody asks for more by detection.
FIRST_DAYS = 30
HOURS_A_ROUND = 6
# Of detections with signals on one day; the figures of a day with more are not kept.
MAX_DETECTIONS = 2000
PAGE = 10_000
_FIELDS = ("rule", "app", "received_at", "suppressed_by")

Key = Tuple[str, str]
Span = Tuple[float, float]


class Found(NamedTuple):
    """How many signals a detection had, and when its newest came; that may be after the span."""

    signals: int
    last: float


def found_in(stores: Stores, since: float, until: float, rule: str = "") -> Dict[Key, Found]:
    """Return what each detection found in a span, by name and app; ``rule``: of that name alone."""
    days = _days(stores, FOUND, since, until)
    hours = _counted(days, since, until)
    found: Dict[Key, Found] = {}
    for day in days:
        for one in day["value"]["counts"]:
            count = _sum(one, day, hours)
            if count and rule in ("", one["rule"]):
                _add(found, one, count, float(one["last"]))
    for start, end in _rest(hours, since, until):
        for one in _signals(stores, start, end, rule):
            _add(found, one, 1, float(one["received_at"]))
    return found


def held_in(stores: Stores, since: float, until: float) -> int:
    """Return how many signals were held back in a span."""
    days = _days(stores, HELD, since, until)
    hours = _counted(days, since, until)
    total = sum(_sum(one, day, hours) for day in days for one in day["value"]["counts"])
    for start, end in _rest(hours, since, until):
        span = [{"received_at": {"$gte": start}}, {"received_at": {"$lte": end}}]
        total += len(stores.signals.keys({"$and": [{"suppressed_by": {"$gt": ""}}, *span]}))
    return total


def count_hours(stores: Stores, clock: Clock) -> Dict[str, int]:
    """Count some of the hours that are over; returns how many.

    May be repeated, and done by two at once: an hour's figures replace what is known of it.
    """
    now, counted = clock.now(), 0
    hour = _next_hour(stores, now)
    over = now - CLOCKS_APART_SECONDS
    while hour is not None and hour + HOUR <= over and counted < HOURS_A_ROUND:
        _count(stores, hour)
        hour, counted = hour + HOUR, counted + 1
    return {"hours_counted": counted}


def _next_hour(stores: Stores, now: float) -> Optional[float]:
    """Return when the first hour begins that is not counted; None while there is no signal."""
    newest = [_newest(stores, purpose) for purpose in (FOUND, HELD)]
    if any(one and one["value"]["until"] > now for one in newest):
        # By a clock that was ahead: today is counted anew.
        for purpose in (FOUND, HELD):
            ahead = [{"purpose": purpose}, {"time": {"$gte": _begin(now, DAY)}}]
            stores.claims.delete_matching({"$and": ahead})
        newest = [_newest(stores, purpose) for purpose in (FOUND, HELD)]
    known = [float(one["value"]["until"]) for one in newest if one]
    if len(known) == len(newest):
        return min(known)
    first = stores.signals.find({}, "received_at:1", 1, fields=("received_at",))
    if not first:
        return None
    begin = _begin(now, DAY) - FIRST_DAYS * DAY
    return max(_begin(float(first[0]["received_at"]), HOUR), begin)


def _newest(stores: Stores, purpose: str) -> Optional[Document]:
    found = stores.claims.find({"purpose": purpose}, "time:-1", 1)
    return found[0] if found else None


def _count(stores: Stores, hour: float) -> None:
    found: Dict[Key, Found] = {}
    held = 0
    for one in _signals(stores, hour, hour + LAST):
        _add(found, one, 1, float(one["received_at"]))
        held += bool(one.get("suppressed_by"))
    of_all = {("", ""): Found(held, hour)} if held else {}
    stores.claims.save([_with(stores, FOUND, hour, found), _with(stores, HELD, hour, of_all)])


def _add(found: Dict[Key, Found], one: Document, count: int, at: float) -> None:
    key = str(one["rule"]), str(one.get("app") or "")
    known = found.get(key, Found(0, at))
    found[key] = Found(known.signals + count, max(known.last, at))


def _with(stores: Stores, purpose: str, hour: float, found: Mapping[Key, Found]) -> Document:
    """Return the document of an hour's day with the figures of that hour."""
    day = _begin(hour, DAY)
    number = str(int((hour - day) // HOUR))
    key = f"{purpose}:{int(day)}"
    known = (stores.claims.get(key) or {"value": {}})["value"]
    counts = {(one["rule"], one["app"]): one for one in known.get("counts", ())}
    for one in counts.values():
        one["hours"].pop(number, None)
    for (rule, app), (count, last) in found.items():
        one = counts.setdefault((rule, app), {"rule": rule, "app": app, "hours": {}, "last": last})
        one["hours"][number], one["last"] = count, max(last, one["last"])
    value: Document = {"until": hour + HOUR, "counts": list(counts.values())}
    if known.get("too_many") or len(counts) > MAX_DETECTIONS:
        value = {"until": hour + HOUR, "counts": [], "too_many": True}
    return claim_document(key, day, value, purpose=purpose)


def _signals(stores: Stores, since: float, until: float, rule: str = "") -> Iterator[Document]:
    """Yield the signals of a span page by page, the newest first."""
    of: List[Document] = [{"rule": rule}] if rule else []
    seen: Set[str] = set()
    while True:
        span = {"received_at": {"$gte": since, "$lte": until}}
        page = stores.signals.find({"$and": [*of, span]}, "received_at:-1", PAGE, fields=_FIELDS)
        new = [one for one in page if one["_key"] not in seen]
        yield from new
        if len(page) < PAGE or not new:
            return
        until = float(page[-1]["received_at"])
        # Those of the last moment come again.
        seen = {str(one["_key"]) for one in page if float(one["received_at"]) == until}


def _days(stores: Stores, purpose: str, since: float, until: float) -> List[Document]:
    span = [{"time": {"$gte": _begin(since, DAY)}}, {"time": {"$lte": until}}]
    return stores.claims.find({"$and": [{"purpose": purpose}, *span]})


def _counted(days: Iterable[Document], since: float, until: float) -> Set[float]:
    """Return when the counted hours begin that lie within a span as a whole."""
    return {
        hour
        for day in days
        if not day["value"].get("too_many")
        for hour in (float(day["time"]) + number * HOUR for number in range(24))
        if since <= hour and hour + LAST <= until and hour < float(day["value"]["until"])
    }


def _sum(one: Document, day: Document, hours: Collection[float]) -> int:
    return sum(
        int(count)
        for number, count in one["hours"].items()
        if float(day["time"]) + int(number) * HOUR in hours
    )


def _rest(hours: Iterable[float], since: float, until: float) -> List[Span]:
    """Return what is left of a span without some of its hours."""
    rest, at = [], since
    for hour in sorted(hours):
        if at < hour:
            rest.append((at, hour - HOUR + LAST))
        at = hour + HOUR
    return [*rest, (at, until)] if at <= until else rest


def _begin(time: float, length: float) -> float:
    return time // length * length
