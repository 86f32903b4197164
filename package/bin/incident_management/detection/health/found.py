"""What detections found lately, each by its name and app, from one look at their signals.

Two apps may have a detection of one name. What names no app counts for every one of its name.
Times are epoch seconds.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from ...incidents.stores import chunks
from ...ports import Document, Stores
from .measures import DAY, MONTH_DAYS

__all__ = ["Key", "OpenedBy", "RecentSignals", "last_before", "opened_by"]

PAGE = 10_000
NAMED_AT_ONCE = 10
"""Detections in one query, so that it goes into a URL."""
_FIELDS = ("rule", "app", "incident_id", "received_at")

Key = Tuple[str, str]
"""A detection: its name and its app."""
OpenedBy = Dict[Key, List[Mapping[str, Any]]]


class RecentSignals:
    """The signals of the last 30 days, counted: of all detections, or of one."""

    def __init__(self, stores: Stores, now: float, rule: str = "") -> None:
        self._now = now
        self._stores = stores
        self._days: Dict[Key, Counter[int]] = {}
        self._last: Dict[Key, float] = {}
        self._apps: Dict[Tuple[str, str], str] = {}
        for signal in self._read(rule):
            self._add(signal)

    def _read(self, rule: str) -> Iterator[Document]:
        """Read them page by page, the newest first: there may be a million."""
        since = self._now - MONTH_DAYS * DAY
        of: List[Document] = [{"rule": rule}] if rule else []
        until, seen = self._now, frozenset[str]()
        while True:
            span = {"received_at": {"$gte": since, "$lte": until}}
            page = self._stores.signals.find(
                {"$and": [*of, span]}, "received_at:-1", PAGE, fields=_FIELDS
            )
            new = [one for one in page if one["_key"] not in seen]
            yield from new
            if len(page) < PAGE or not new:
                return
            until = float(page[-1]["received_at"])
            # Those of the last moment come again.
            seen = frozenset(one["_key"] for one in page if float(one["received_at"]) == until)

    def _add(self, signal: Mapping[str, Any]) -> None:
        rule, app = key = str(signal["rule"]), str(signal.get("app") or "")
        at = float(signal["received_at"])
        self._days.setdefault(key, Counter())[int((self._now - at) // DAY)] += 1
        self._last[key] = max(at, self._last.get(key, at))
        incident = str(signal.get("incident_id") or "")
        if incident:
            self._apps.setdefault((incident, rule), app)

    def signals(self, key: Key, days: int) -> int:
        """Return how many signals a detection had in its last days."""
        return sum(
            count
            for one in _named(key)
            for day, count in self._days.get(one, {}).items()
            if day < days
        )

    def last(self, key: Key) -> Optional[float]:
        """Return when a detection's newest signal came; None: not within 30 days."""
        return max((self._last[one] for one in _named(key) if one in self._last), default=None)

    def opened(self, incident: Mapping[str, Any]) -> Key:
        """Return which detection opened an incident; its app is empty where it is not known."""
        rule = str((incident.get("rules") or [""])[0])
        app = (incident.get("search") or {}).get("app")
        return rule, str(app or self._apps.get((str(incident["id"]), rule), ""))

    def by_detection(self, incidents: Iterable[Mapping[str, Any]]) -> OpenedBy:
        """Return some incidents by the detection that opened them."""
        found: OpenedBy = {}
        for one in incidents:
            found.setdefault(self.opened(one), []).append(one)
        return found


def opened_by(key: Key, incidents: OpenedBy) -> List[Mapping[str, Any]]:
    """Return those of some incidents that a detection opened, also where no app is known."""
    return [one for named in _named(key) for one in incidents.get(named, ())]


def last_before(stores: Stores, keys: Sequence[Key], before: float) -> Dict[Key, float]:
    """Return when some detections found something last, of those that did before a moment.

    Most never found anything, so many are asked for at once.
    """
    found: Dict[Key, float] = {}
    for some in chunks(keys, NAMED_AT_ONCE):
        left = list(some)
        while left:
            older: Document = {"received_at": {"$lt": before}}
            of = [{"rule": rule, "app": app} for rule, app in left]
            query = {"$and": [older, {"$or": of}]}
            newest = stores.signals.find(query, "received_at:-1", 1, fields=_FIELDS)
            if not newest:
                break
            key = str(newest[0]["rule"]), str(newest[0].get("app") or "")
            found[key] = float(newest[0]["received_at"])
            left.remove(key)
    return found


def _named(key: Key) -> Sequence[Key]:
    rule, app = key
    return (key, (rule, "")) if app else (key,)
