"""A monitor over a made-up world: events with times, a clock that the test moves."""

from __future__ import annotations

import logging
from typing import Any, Callable, Dict, List, Optional, Tuple

from incident_management.detection.monitors.monitor import Monitor
from incident_management.detection.monitors.registry import TROUBLE
from incident_management.incidents.intake.ingest import Ingest
from incident_management.incidents.routing import Routing
from incident_management.ports import SearchResult
from incident_management.worker.monitors.runner import MonitorRunner
from tests.fakes import FakeStores, ManualClock

START = 1_699_999_200
"""A whole hour."""
HOUR = 3600
STANZA = "incident_monitor://orders"


class Watched:
    """Monitors one search over ``events``: (time, fields), which a test may add to."""

    def __init__(self, **settings: Any) -> None:
        given = {"monitor_search": "index=app", "span": "5m", "lag": "60s", "backfill": "1h"}
        self.values = {**given, **settings}
        self.monitor = Monitor.read(STANZA, self.values)
        self.stores = FakeStores()
        self.clock = ManualClock(START)
        self.events: List[Tuple[float, Dict[str, str]]] = []
        self.rows: Optional[List[Dict[str, str]]] = None
        """What every search finds, in the place of the events."""
        self.warnings: List[str] = []
        """What splunkd warns of at every search."""
        self.cut_short = False
        """Whether splunkd ends every search of more than a span before it has read everything."""
        self.windows: List[Tuple[int, int]] = []
        self.again: List[Tuple[int, int]] = []
        """What was searched once more, for late events."""
        self.told: List[str] = []
        self.levels: List[int] = []
        self.before: Callable[[int, int], None] = lambda _start, _end: None
        self.holder = "member-1"

    def add(self, time: float, count: int = 1, **fields: str) -> None:
        self.events.extend((time, fields) for _ in range(count))

    def pass_time(self, seconds: float, count: int = 0, **fields: str) -> None:
        """Let time pass in spans, with ``count`` events in each, and run the monitor at each."""
        for _ in range(int(seconds // self.monitor.span)):
            if count:
                self.add(self.clock.now() + 1, count, **fields)
            self.clock.advance(self.monitor.span)
            self.run()

    def troubles(self) -> Dict[str, str]:
        """Return the trouble of each monitor."""
        notes = self.stores.claims.find({"purpose": TROUBLE})
        return {one["value"]["monitor"]: one["value"]["sentence"] for one in notes}

    def run(self) -> Dict[str, int]:
        ingest = Ingest(self.stores, self.clock, Routing())
        return MonitorRunner(
            self.monitor,
            self.stores,
            self.searcher,
            self.clock,
            ingest.ingest,
            self._tell,
            self.holder,
        ).run()

    @property
    def searcher(self) -> _Searcher:
        return _Searcher(self)

    def change(self, **settings: Any) -> None:
        """Change the stanza."""
        self.values.update(settings)
        self.monitor = Monitor.read(STANZA, self.values)

    def _tell(self, _name: str, sentence: str, level: int = logging.ERROR) -> None:
        self.told.append(sentence)
        self.levels.append(level)

    @property
    def signals(self) -> List[Dict[str, Any]]:
        found = self.stores.signals.all()
        return sorted(found, key=lambda one: (one["first_time"], one["_key"]))

    def raised(self) -> List[Tuple[str, int]]:
        """Entity and seconds from the start, of each signal."""
        return [(one["entity"], int(one["first_time"] - START)) for one in self.signals]

    def answer(self, earliest: str, latest: str, limit: int) -> SearchResult:
        """What Monitor.spl asks for, over this world."""
        start, end = int(earliest), int(latest)
        self.windows.append((start, end))
        self.before(start, end)
        if self.rows is not None:
            return SearchResult(self.rows[:limit])
        chosen = [(time, row) for time, row in self.events if start <= time < end]
        if self.monitor.needs_events:
            when = [{"_time": str(time), "indexed": str(time)} for time, _row in chosen]
            rows = [{**at, **row} for at, (_time, row) in zip(when, chosen)]
            return SearchResult(rows[:limit], truncated=len(rows) > limit)
        spans: Dict[Tuple[str, ...], List[Dict[str, str]]] = {}
        for time, row in chosen:
            at = str(int(time // self.monitor.span) * self.monitor.span)
            key = (at, *[row.get(name, "") for name in self.monitor.by])
            spans.setdefault(key, []).append(row)
        rows = [self._row(key, some) for key, some in spans.items()]
        cut = self.cut_short and end - start > self.monitor.span
        return SearchResult(rows[:limit], "", len(rows) > limit, self.warnings, cut)

    def _row(self, key: Tuple[str, ...], some: List[Dict[str, str]]) -> Dict[str, str]:
        row = {"_time": key[0], "events": str(len(some)), **dict(zip(self.monitor.by, key[1:]))}
        row["indexed"] = str(max(float(one.get("indexed", key[0])) for one in some))
        if self.monitor.detector in ("ratio", "burn_rate"):
            row["part"] = str(sum(float(one[self.monitor.value]) for one in some))
        elif self.monitor.value.startswith("max("):
            row["value"] = str(max(float(one[self.monitor.value[4:-1]]) for one in some))
        return row


class _Searcher:
    """ports.Searcher over a watched world."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched

    def run(
        self, spl: str, earliest: str, latest: str, limit: int = 1000, timeout: float = 60.0
    ) -> SearchResult:
        watched, before = self._watched, list(self._watched.windows)
        result = watched.answer(earliest, latest, limit)
        if "_indextime" in spl:
            watched.again += watched.windows[len(before) :]
            watched.windows[:] = before
        return result


def ratio(**more: str) -> Watched:
    """One that has seen an event, in its backfill, so that it does not say that there was none."""
    watched = Watched(detector="ratio", value="failed", threshold="5", **more)
    watched.add(START - 1000, failed="0")
    return watched


def mixed(watched: Watched, time: float, good: int, bad: int, **fields: str) -> None:
    watched.add(time, good, failed="0", **fields)
    watched.add(time, bad, failed="1", **fields)


def judged(watched: Watched) -> list[int]:
    """The ends of the spans that the checkpoints say were judged."""
    claims = watched.stores.claims.all()
    return sorted(c["value"]["end"] - START for c in claims if c["purpose"].startswith("monitor:"))


def newest(watched: Watched) -> dict:
    """The value of the newest checkpoint."""
    values = [c["value"] for c in watched.stores.claims.all() if c["purpose"] == "monitor:orders"]
    return max(values, key=lambda value: value["end"])
