"""A searcher over events in memory that understands exactly the searches of the finders.

Anything else fails the test: so a changed search is noticed here, and not silently answered.
"""

from __future__ import annotations

import re
from typing import Any, Dict, List, Sequence

from incident_management.ports import SearchFailed, SearchResult

_IN = re.compile(r"\(service IN \((.*?)\) OR host IN \(.*?\)\)")
_ENTITY = re.compile(r'\| where lower\(entity\)="(.*?)"')
_INDEX = re.compile(r'^search index="(.*?)"')
_CD = re.compile(r"search event_cd IN \((.*?)\)")
_HEAD = re.compile(r"\| head (\d+)")
_TERMS = re.compile(r'\(("\*?[\w \[\]]+"(?: OR "\*?[\w \[\]]+")+)\)')
_ERROR_TERMS_MARK = '("error" OR "err"'


class EventSearcher:
    """Holds log events, change events and a topology; runs the finders' searches over them.

    An event is a dict with ``time`` (epoch seconds), ``raw``, and optional ``service``, ``host``,
    ``index``, ``sourcetype`` and change fields.
    """

    def __init__(
        self,
        logs: Sequence[Dict[str, Any]] = (),
        changes: Sequence[Dict[str, Any]] = (),
        topology: Sequence[Dict[str, str]] = (),
    ) -> None:
        self.logs = [self._event(e, n, "main") for n, e in enumerate(logs)]
        self.changes = [self._event(e, n, "changes") for n, e in enumerate(changes)]
        self.topology = list(topology)
        self.asked: List[str] = []
        self.failing: List[str] = []

    def run(
        self, spl: str, earliest: str, latest: str, limit: int = 1000, timeout: float = 60.0
    ) -> SearchResult:
        self.asked.append(spl)
        for part in self.failing:
            if part in spl:
                raise SearchFailed("The search failed: switched to fail.")
        rows = self._rows(spl, float(earliest), float(latest))
        return SearchResult(rows[:limit], sid="memory", truncated=len(rows) > limit)

    def _rows(self, spl: str, earliest: float, latest: float) -> List[Dict[str, Any]]:
        if spl.startswith('| inputlookup strict=true "incident_topology"'):
            return list(self.topology)
        events = [e for e in self._base(spl) if earliest <= e["_time"] < latest]
        only = _ENTITY.search(spl)
        if only:
            events = [e for e in events if e["entity"].lower() == only[1]]
        addresses = _CD.search(spl)
        if addresses:
            wanted = re.findall(r'"(.*?)"', addresses[1])
            events = [e for e in events if e["event_cd"] in wanted]
        if "max(_time) as last_time" in spl or "min(_time) as first_time" in spl:
            return _counts(events)
        if spl.endswith("| stats count"):
            return [{"count": str(len(events))}]
        if "| table event_time" in spl:
            head = _HEAD.search(spl)
            newest = sorted(events, key=lambda e: -e["_time"])
            return newest[: int(head[1])] if head else newest
        raise AssertionError(f"This searcher does not know the search: {spl}")

    def _base(self, spl: str) -> List[Dict[str, Any]]:
        index = _INDEX.match(spl)
        if index:
            events = self.changes if "`incident_change_index`" in spl else self.logs + self.changes
            return [e for e in events if e["index"] == index[1]]
        marks = ("change_id", "CreateAlias20150331", "UpdateAlias20150331",
                 "CreateService", "UpdateService")  # fmt: skip
        words = "({})".format(" OR ".join(f'"{word}"' for word in marks))
        if spl.startswith(f"search {words} service IN ("):
            services = re.findall(r'"(.*?)"', spl.partition(" service IN (")[2].partition(")")[0])
            assert '`incident_change_index` change_id="*"' in spl and 'version="*"' in spl
            return [e for e in self.changes if e.get("service") in services and e.get("version")]
        if spl.startswith("search `incident_change_index`"):
            assert 'change_id="*"' in spl, "the change index may hold other events too"
            return [e for e in self.changes if e.get("change_id")]
        told = 'NOT ((`incident_change_index` change_id="*" kind="*"))'
        assert told in spl, "changes are no errors"
        if not spl.startswith("search `incident_indexes`"):
            raise AssertionError(f"This searcher does not know the search: {spl}")
        events = self.logs
        terms = _TERMS.search(spl)
        if terms and _ERROR_TERMS_MARK in spl:
            words = "|".join(map(re.escape, terms[1].split('"')[1::2])).replace(r"\*", "[a-z0-9]*")
            word = re.compile(rf"(?<![a-z0-9])(?:{words})(?![a-z0-9])")
            events = [e for e in events if word.search(e["_raw"].lower())]
        entities = _IN.search(spl)
        if entities:
            names = set(re.findall(r'"(.*?)"', entities[1]))
            events = [e for e in events if names & {e.get("service"), e.get("host")}]
        return events

    @staticmethod
    def _event(event: Dict[str, Any], place: int, index: str) -> Dict[str, Any]:
        return {
            **event,
            "_time": float(event["time"]),
            "event_time": repr(float(event["time"])),
            "_raw": event["raw"],
            "index": event.get("index", index),
            "sourcetype": event.get("sourcetype", "app"),
            "entity": event.get("service") or event.get("host") or "",
            "event_cd": f"{index}:{place}",
            "event_bkt": f"{index}~0~A",
        }


def _counts(events: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    rows: Dict[str, Dict[str, Any]] = {}
    for event in events:
        row = rows.setdefault(
            event["entity"], {"entity": event["entity"], "n": 0, "t": event["_time"], "u": 0.0}
        )
        row["n"] += 1
        row["t"] = min(row["t"], event["_time"])
        row["u"] = max(row["u"], event["_time"])
    return [
        {
            "entity": r["entity"],
            "count": str(r["n"]),
            "first_time": repr(r["t"]),
            "last_time": repr(r["u"]),
        }
        for r in rows.values()
        if r["entity"]
    ]
