"""The recent signals of each detection, identified by its name and app.

Two apps may have detections of the same name. A signal without an app counts for every detection of
its name. Times are epoch seconds.
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple

from ...incidents.stores import chunks, find_by
from ...incidents.upkeep.signal_counts import count_by_detection
from ...ports import Document, Stores
from .measures import DAY, MONTH_DAYS, WEEK_DAYS

__all__ = ["Key", "OpenedBy", "RecentSignals", "last_fired_before", "opened_by"]

MILLISECOND = 0.001
NAMED_AT_ONCE = 10
"""Detections in one query, so that it fits into a URL."""
_FIELDS = ("rule", "app", "incident_id", "received_at")

Key = Tuple[str, str]
"""A detection: its name and its app."""
OpenedBy = Dict[Key, List[Mapping[str, Any]]]


class RecentSignals:
    """Counts of the signals of the last 30 days, of all detections or of one."""

    def __init__(self, stores: Stores, now: float, rule: str = "") -> None:
        self._stores = stores
        week, month = now - WEEK_DAYS * DAY, now - MONTH_DAYS * DAY
        self._week = count_by_detection(stores, week, now, rule)
        self._before = count_by_detection(stores, month, week - MILLISECOND, rule)
        self._apps: Dict[str, Set[str]] = {}
        for name, app in (*self._week, *self._before):
            self._apps.setdefault(name, set()).add(app)

    def signals(self, key: Key, days: int) -> int:
        """Return a detection's number of signals in the last WEEK_DAYS or MONTH_DAYS."""
        spans = (self._week,) if days == WEEK_DAYS else (self._week, self._before)
        return sum(span[one].signals for span in spans for one in _named(key) if one in span)

    def last(self, key: Key) -> Optional[float]:
        """Return the time of a detection's newest signal; None: none within 30 days."""
        spans = (self._week, self._before)
        times = [span[one].last for span in spans for one in _named(key) if one in span]
        return max(times, default=None)

    def by_detection(self, incidents: Sequence[Mapping[str, Any]]) -> OpenedBy:
        """Group incidents by the detection that opened them, whose app may be unknown."""
        apps = self._apps_of(incidents)
        found: OpenedBy = {}
        for one in incidents:
            found.setdefault((_rule(one), apps[str(one["id"])]), []).append(one)
        return found

    def _apps_of(self, incidents: Iterable[Mapping[str, Any]]) -> Dict[str, str]:
        """Return the app of the detection of each incident, by incident id; empty if unknown.

        An incident that names no app gets it from the signals of its rule. If these have one app,
        that is used, otherwise the app of the incident's own newest signal.
        """
        found: Dict[str, str] = {}
        doubtful: Dict[str, str] = {}
        for one in incidents:
            rule, known = _rule(one), str((one.get("search") or {}).get("app") or "")
            apps = {known} if known else self._apps.get(rule, {""})
            found[str(one["id"])] = next(iter(apps)) if len(apps) == 1 else ""
            if len(apps) > 1:
                doubtful[str(one["id"])] = rule
        signals = find_by(self._stores.signals, "incident_id", doubtful, fields=_FIELDS)
        for signal in sorted(signals, key=lambda one: float(one["received_at"])):
            incident = str(signal["incident_id"])
            if signal["rule"] == doubtful[incident]:
                found[incident] = str(signal.get("app") or "")
        return found


def _rule(incident: Mapping[str, Any]) -> str:
    return str((incident.get("rules") or [""])[0])


def opened_by(key: Key, incidents: OpenedBy) -> List[Mapping[str, Any]]:
    """Return the incidents that a detection opened, including those without a known app."""
    return [one for named in _named(key) for one in incidents.get(named, ())]


def last_fired_before(stores: Stores, keys: Sequence[Key], before: float) -> Dict[Key, float]:
    """Return the last time before a moment at which each detection found something, if it did.

    Most detections never found anything, so many are queried at once.
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
