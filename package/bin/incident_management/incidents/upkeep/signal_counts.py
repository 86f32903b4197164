"""Signal counts by hour, kept because a storm leaves millions of signals in a month.

The worker counts each hour when it is over, and keeps the counts of a day (UTC) in one document:
all signals by detection, and the suppressed ones. A query for a span sums up its counted hours, and
reads the signals of the rest. Times are epoch seconds; a span includes both its ends.

A signal counts in the hour in which it arrived. A suppressed one that arrives again in a later hour
counts in both. One that is ingested or deleted after its hour was counted stays counted.
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

__all__ = ["PURPOSE", "DetectionCount", "count_by_detection", "count_hours", "count_suppressed"]

PURPOSE = "signals of a day"
"""The purpose of the claims with the counts of a day."""
HOUR, DAY = 3600.0, 86400.0
# Times have milliseconds: this is the last one of an hour.
LAST = HOUR - 0.001
# A member whose clock is this far behind can still write into an hour before it is counted.
CLOCKS_APART_SECONDS = 900.0
# The first count begins this many days ago: no page asks for more by detection.
FIRST_DAYS = 30
HOURS_A_ROUND = 6
# As far back as GET /stats reads. Retention leaves these claims alone: if a deleted day were
# counted again from remaining old signals, the count would never get past that day.
KEPT_DAYS = 400
# The most detections with signals on one day; for a day with more, only suppressed ones are
# counted.
MAX_DETECTIONS = 2000
PAGE = 10_000
_FIELDS = ("rule", "app", "received_at", "suppressed_by")

Key = Tuple[str, str]
Span = Tuple[float, float]


class DetectionCount(NamedTuple):
    """The number of a detection's signals, and the time of its newest, maybe after the span."""

    signals: int
    last: float


def count_by_detection(
    stores: Stores, since: float, until: float, rule: str = ""
) -> Dict[Key, DetectionCount]:
    """Return the signal counts of a span by detection name and app; ``rule``: only of that name."""
    days = [day for day in _days(stores, since, until) if not day["value"]["too_many"]]
    hours = _counted(days, since, until)
    found: Dict[Key, DetectionCount] = {}
    for day in days:
        for one in day["value"]["counts"]:
            count = _sum(one["hours"], day, hours)
            if count and rule in ("", one["rule"]):
                _add(found, one, count, float(one["last"]))
    for start, end in _rest(hours, since, until):
        for one in _signals(stores, start, end, rule):
            _add(found, one, 1, float(one["received_at"]))
    return found


def count_suppressed(stores: Stores, since: float, until: float) -> int:
    """Return the number of signals suppressed in a span."""
    days = _days(stores, since, until)
    hours = _counted(days, since, until)
    total = sum(_sum(day["value"]["held"], day, hours) for day in days)
    for start, end in _rest(hours, since, until):
        span = [{"received_at": {"$gte": start}}, {"received_at": {"$lte": end}}]
        total += len(stores.signals.keys({"$and": [{"suppressed_by": {"$gt": ""}}, *span]}))
    return total


def count_hours(stores: Stores, clock: Clock) -> Dict[str, int]:
    """Count some of the hours that are over; return how many.

    Safe to repeat and to run twice at once: an hour's counts replace the known ones.
    """
    now, counted = clock.now(), 0
    hour = _next_hour(stores, now)
    over = now - CLOCKS_APART_SECONDS
    while hour is not None and hour + HOUR <= over and counted < HOURS_A_ROUND:
        _count(stores, hour)
        hour, counted = hour + HOUR, counted + 1
    if counted:
        old = {"purpose": PURPOSE, "time": {"$lt": now - KEPT_DAYS * DAY}}
        stores.claims.delete_matching(old)
    return {"hours_counted": counted}


def _next_hour(stores: Stores, now: float) -> Optional[float]:
    """Return when the first uncounted hour begins; None while there is no signal."""
    until = _counted_until(stores)
    if until is not None and until > now:
        # Counted by a clock that was ahead: count today anew.
        today = {"purpose": PURPOSE, "time": {"$gte": _begin(now, DAY)}}
        stores.claims.delete_matching(today)
        until = _counted_until(stores)
    if until is not None:
        return until
    first = stores.signals.find({}, "received_at:1", 1, fields=("received_at",))
    if not first:
        return None
    begin = _begin(now, DAY) - FIRST_DAYS * DAY
    received = first[0].get("received_at")
    if not isinstance(received, (int, float)):
        return begin  # A signal without a time sorts first.
    return max(_begin(float(received), HOUR), begin)


def _counted_until(stores: Stores) -> Optional[float]:
    newest = stores.claims.find({"purpose": PURPOSE}, "time:-1", 1)
    return float(newest[0]["value"]["until"]) if newest else None


def _count(stores: Stores, hour: float) -> None:
    """Count an hour, and store its counts in the document of its day."""
    found: Dict[Key, DetectionCount] = {}
    held = 0
    for signal in _signals(stores, hour, hour + LAST):
        _add(found, signal, 1, float(signal["received_at"]))
        held += bool(signal.get("suppressed_by"))
    day = _begin(hour, DAY)
    number, key = str(int((hour - day) // HOUR)), f"{PURPOSE}:{int(day)}"
    known = (stores.claims.get(key) or {"value": {}})["value"]
    counts = {(one["rule"], one["app"]): one for one in known.get("counts", ())}
    for one in counts.values():
        one["hours"].pop(number, None)
    for (rule, app), (count, last) in found.items():
        one = counts.setdefault((rule, app), {"rule": rule, "app": app, "hours": {}, "last": last})
        one["hours"][number], one["last"] = count, max(last, one["last"])
    too_many = bool(known.get("too_many")) or len(counts) > MAX_DETECTIONS
    value: Document = {
        "until": hour + HOUR,
        "held": {**known.get("held", {}), number: held},
        "counts": [] if too_many else list(counts.values()),
        "too_many": too_many,
    }
    stores.claims.save([claim_document(key, day, value, purpose=PURPOSE)])


def _add(found: Dict[Key, DetectionCount], one: Document, count: int, at: float) -> None:
    key = str(one["rule"]), str(one.get("app") or "")
    known = found.get(key, DetectionCount(0, at))
    found[key] = DetectionCount(known.signals + count, max(known.last, at))


def _signals(stores: Stores, since: float, until: float, rule: str = "") -> Iterator[Document]:
    """Yield the signals of a span page by page, the newest first."""
    of: List[Document] = [{"rule": rule}] if rule else []
    skip = 0
    while True:
        span = {"received_at": {"$gte": since, "$lte": until}}
        query = {"$and": [*of, span]}
        page = stores.signals.find(query, "received_at:-1", PAGE, skip, _FIELDS)
        yield from page
        if len(page) < PAGE:
            return
        # Signals with the last time match again; a storm may have more of them than a page.
        last = float(page[-1]["received_at"])
        alike = sum(1 for one in page if float(one["received_at"]) == last)
        until, skip = last, alike + (skip if last == until else 0)


def _days(stores: Stores, since: float, until: float) -> List[Document]:
    span = [{"time": {"$gte": _begin(since, DAY)}}, {"time": {"$lte": until}}]
    return stores.claims.find({"$and": [{"purpose": PURPOSE}, *span]})


def _counted(days: Iterable[Document], since: float, until: float) -> Set[float]:
    """Return the beginnings of the counted hours that lie wholly within a span."""
    return {
        hour
        for day in days
        for hour in (float(day["time"]) + number * HOUR for number in range(24))
        if since <= hour and hour + LAST <= until and hour < float(day["value"]["until"])
    }


def _sum(counts: Mapping[str, int], day: Document, hours: Collection[float]) -> int:
    return sum(
        int(count)
        for number, count in counts.items()
        if float(day["time"]) + int(number) * HOUR in hours
    )


def _rest(hours: Iterable[float], since: float, until: float) -> List[Span]:
    """Return the parts of a span outside some of its hours."""
    rest, at = [], since
    for hour in sorted(hours):
        if at < hour:
            rest.append((at, hour - HOUR + LAST))
        at = hour + HOUR
    return [*rest, (at, until)] if at <= until else rest


def _begin(time: float, length: float) -> float:
    return time // length * length
