"""splunkd's data about detections: the saved searches that open incidents, and their runs.

Endpoints: "Search endpoint descriptions" in Splunk's REST API Reference: ``saved/searches``,
``…/{name}/history`` (the jobs of its runs that have not expired) and ``…/{name}/scheduled_times``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional

from ...conf_values import is_true
from ...durations import seconds_of
from ...ports import SearchFailed
from ..session import APP, Session, SplunkError, path_of
from .job_messages import texts_of

__all__ = [
    "ALIVE_FIELD",
    "QUIET_AFTER",
    "SavedDetection",
    "SearchRun",
    "alive_field",
    "detections",
    "past_runs",
    "quiet_after",
    "saved_search",
    "scheduled",
]

ACTION = "action.open_incident"
QUIET_AFTER = f"{ACTION}.param.quiet_after"
ALIVE_FIELD = f"{ACTION}.param.alive_field"
# Fields that every event has in the index, so that no event need be read.
INDEXED = ("host", "source", "sourcetype")
# scheduler__<owner>__<app>__RMD5<hash>_at_<scheduled time>_<number>, see Splunk's Search Manual,
# "Dispatch directory and search artifacts".
_SCHEDULED = re.compile(r"^scheduler_.*_at_(\d+)_")


@dataclass(frozen=True)
class SavedDetection:
    """A saved search that opens incidents; ``settings`` are its savedsearches.conf settings."""

    name: str
    app: str
    owner: str
    spl: str
    settings: Mapping[str, str]

    @property
    def enabled(self) -> bool:
        settings = self.settings
        return is_true(settings.get("is_scheduled")) and not is_true(settings.get("disabled"))

    @property
    def throttled(self) -> bool:
        return is_true(self.settings.get("alert.suppress"))


@dataclass(frozen=True)
class SearchRun:
    """A scheduled run: when it was due, how it went, how long it took in seconds.

    ``results`` is its job's number of results.
    """

    due: float
    failed: bool
    done: bool
    seconds: float
    events_scanned: int
    message: str
    sid: str = ""
    results: int = 0


def detections(session: Session) -> List[SavedDetection]:
    """Return the saved searches with the action ``open_incident`` that a session may see.

    Raises SearchFailed.
    """
    try:
        answer = session.get("/servicesNS/-/-/saved/searches", count=0)
    except SplunkError as error:
        raise SearchFailed(f"The saved searches can't be read: {error.message}") from error
    found = []
    for entry in answer.get("entry") or []:
        if not is_true((entry.get("content") or {}).get(ACTION)):
            continue
        acl = entry.get("acl") or {}
        app, owner = str(acl.get("app") or APP), str(acl.get("owner") or "nobody")
        # What is shared is read as nobody's: its owner's own folder may hold no copy.
        owner = owner if acl.get("sharing") == "user" else "nobody"
        found.append(_saved(entry, str(entry["name"]), app, owner))
    return sorted(found, key=lambda one: (one.name, one.app, one.owner))


def saved_search(session: Session, name: str, app: str, owner: str) -> Optional[SavedDetection]:
    """Return a saved search as it is now; None if there is none. Raises SearchFailed."""
    try:
        answer = session.get(_path(name, app, owner))
    except SplunkError as error:
        if error.status == 404:
            return None
        raise _unread(name, error) from error
    return _saved(answer["entry"][0], name, app, owner)


def past_runs(session: Session, search: SavedDetection) -> List[SearchRun]:
    """Return the scheduled runs whose jobs have not expired, oldest first. Raises SearchFailed."""
    entries = _get(session, search, "history", count=0).get("entry") or []
    runs = [run for run in (_run(entry) for entry in entries) if run is not None]
    return sorted(runs, key=lambda one: one.due)


def scheduled(
    session: Session, search: SavedDetection, earliest: float, latest: float
) -> List[float]:
    """Return when it was due to run within a time range, oldest first. Raises SearchFailed."""
    # Whether the ends belong to the span is not documented, hence the second more.
    span = {"earliest_time": f"{earliest:.0f}", "latest_time": f"{latest + 1:.0f}"}
    content = _get(session, search, "scheduled_times", **span)["entry"][0]["content"]
    times = content.get("scheduled_times") or []
    return sorted({float(time) for time in times if earliest < float(time) <= latest})


def quiet_after(text: str, name: str) -> Optional[float]:
    """Return ``quiet_after`` in seconds, 0 for never, None if it is not set.

    Raises SearchFailed for a malformed value.
    """
    if not text.strip():
        return None
    try:
        return seconds_of(text, unit=True, never=True)
    except ValueError as error:
        raise SearchFailed(f"{QUIET_AFTER} of '{name}' {error}.") from error


def alive_field(text: str, name: str) -> str:
    """Read ``alive_field``, empty when it is not set. Raises SearchFailed for any other field."""
    field = text.strip()
    if field not in ("", *INDEXED):
        raise SearchFailed(f"{ALIVE_FIELD} of '{name}' must be {', '.join(INDEXED)} or empty.")
    return field


def _get(session: Session, search: SavedDetection, *tail: str, **query: Any) -> Dict[str, Any]:
    path = _path(search.name, search.app, search.owner, *tail)
    try:
        answer: Dict[str, Any] = session.get(path, **query)
    except SplunkError as error:
        raise _unread(search.name, error) from error
    return answer


def _path(name: str, app: str, owner: str, *tail: str) -> str:
    return "/servicesNS/" + path_of(owner, app, "saved", "searches", name, *tail)


def _unread(name: str, error: SplunkError) -> SearchFailed:
    return SearchFailed(f"The runs of '{name}' can't be read: {error.message}")


def _saved(entry: Mapping[str, Any], name: str, app: str, owner: str) -> SavedDetection:
    settings = {k: "" if v is None else str(v) for k, v in (entry.get("content") or {}).items()}
    return SavedDetection(name, app, owner, settings.get("search", ""), settings)


def _run(entry: Mapping[str, Any]) -> Optional[SearchRun]:
    """Return a scheduled run; None for one that a person started."""
    content: Mapping[str, Any] = entry.get("content") or {}
    sid = str(content.get("sid") or entry.get("name") or "")
    match = _SCHEDULED.match(sid)
    if match is None:
        return None
    return SearchRun(
        due=float(match[1]),
        failed=is_true(content.get("isFailed")) or is_true(content.get("isZombie")),
        done=is_true(content.get("isDone")),
        seconds=float(content.get("runDuration") or 0.0),
        events_scanned=int(content.get("scanCount") or 0),
        message=next(iter(texts_of(content, "ERROR", "FATAL")), "")[:300],
        sid=sid,
        results=int(content.get("resultCount") or 0),
    )
