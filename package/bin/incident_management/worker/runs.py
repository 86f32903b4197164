"""What splunkd knows of a saved search's runs, for :mod:`..incidents.upkeep.quiet`.

Endpoints: "Search endpoint descriptions" in Splunk's REST API Reference: ``saved/searches/{name}``,
``…/history`` (the jobs of its runs that have not expired) and ``…/scheduled_times``
(``earliest_time`` and ``latest_time``, absolute or relative).
"""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping, Optional

from ..incidents.upkeep.quiet import Plan, Run, SearchId
from ..ports import SearchFailed
from ..splunk.detections import QUIET_AFTER, quiet_after
from ..splunk.session import Session, SplunkError, path_of

__all__ = ["SplunkRuns"]

# scheduler__<owner>__<app>__RMD5<hash>_at_<scheduled time>_<number>, see Splunk's Search Manual,
# "Dispatch directory and search artifacts".
_SCHEDULED = re.compile(r"^scheduler_.*_at_(\d+)_")


class SplunkRuns:
    """See :class:`incident_management.incidents.upkeep.quiet.SearchRuns`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def plan(self, search: SearchId) -> Plan:
        try:
            content = self._get(search)["entry"][0]["content"]
        except SplunkError as error:
            if error.status == 404:
                return Plan(False)
            raise _failed(search, error) from error
        enabled = _true(content.get("is_scheduled")) and not _true(content.get("disabled"))
        throttled = _true(content.get("alert.suppress"))
        return Plan(enabled, throttled, quiet_after(str(content.get(QUIET_AFTER) or ""), search[0]))

    def recent(self, search: SearchId) -> List[Run]:
        try:
            answer = self._get(search, "history", count=0)
        except SplunkError as error:
            raise _failed(search, error) from error
        runs = (_run(entry) for entry in answer.get("entry") or [])
        return [run for run in runs if run is not None]

    def scheduled(self, search: SearchId, earliest: float, latest: float) -> List[float]:
        # Whether the ends belong to the span is not documented, hence the second more.
        span = {"earliest_time": f"{earliest:.0f}", "latest_time": f"{latest + 1:.0f}"}
        try:
            answer = self._get(search, "scheduled_times", **span)
        except SplunkError as error:
            raise _failed(search, error) from error
        times = answer["entry"][0]["content"].get("scheduled_times") or []
        return sorted({float(time) for time in times if earliest < float(time) <= latest})

    def _get(self, search: SearchId, *tail: str, **query: Any) -> Any:
        name, app, owner = search
        path = path_of(owner or "nobody", app, "saved", "searches", name, *tail)
        return self._session.get("/servicesNS/" + path, **query)


def _run(entry: Mapping[str, Any]) -> Optional[Run]:
    """A run by the schedule; one that somebody started is none."""
    content: Dict[str, Any] = entry.get("content") or {}
    match = _SCHEDULED.match(str(content.get("sid") or entry.get("name") or ""))
    if match is None:
        return None
    failed = _true(content.get("isFailed")) or _true(content.get("isZombie"))
    state = "failed" if failed else "succeeded" if _true(content.get("isDone")) else "running"
    return Run(float(match.group(1)), state, int(content.get("resultCount") or 0))


def _true(value: Any) -> bool:
    return str(value).strip().lower() in ("1", "true")


def _failed(search: SearchId, error: SplunkError) -> SearchFailed:
    return SearchFailed(f"The runs of '{search[0]}' can't be read: {error.message}")
