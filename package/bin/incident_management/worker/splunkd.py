"""What the worker's duties need of splunkd, behind the protocols that they are written against."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Tuple

from ..ports import SearchFailed
from ..remediation.verify import Rerun
from ..splunk import settings as settings_room
from ..splunk.search import SplunkSearcher
from ..splunk.session import APP, Session, SplunkError, path_of
from ..splunk.settings import Settings, SettingsError

__all__ = [
    "Fired",
    "SplunkAlerts",
    "SplunkRaisingSearch",
    "has_capability",
    "notice",
    "read_settings",
]

FIRED_LISTED = 1000
RERUN_SECONDS = 60.0
RERUN_ROWS = 10_000
MESSAGE = "incident_management_settings"
PARAM = "action.open_incident.param."
PARTS = (
    "slack", "teams", "pagerduty", "bedrock", "remediation", "network", "proxy", "lifecycle",
    "logging",
)  # fmt: skip


@dataclass(frozen=True)
class Fired:
    """See :class:`.signals.FiredAlert`."""

    name: str
    app: str
    owner: str
    sid: str
    time: float
    actions: Tuple[str, ...]


class SplunkAlerts:
    """splunkd's list of fired alerts: ``alerts/fired_alerts`` in the REST API Reference."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._searcher = SplunkSearcher(session)

    def recent(self) -> List[Any]:
        answer = self._session.get("/servicesNS/-/-/alerts/fired_alerts/-", count=FIRED_LISTED)
        return [_fired(entry) for entry in answer.get("entry") or []]

    def rows(self, sid: str) -> List[Dict[str, Any]]:
        return self._searcher.results_of(sid).rows

    def params(self, name: str, app: str, owner: str) -> Dict[str, str]:
        saved = self._searcher.saved_search(name, app, owner)
        return {
            key[len(PARAM) :]: value.replace("$name$", name)
            for key, value in saved.settings.items()
            if key.startswith(PARAM)
        }


def _fired(entry: Mapping[str, Any]) -> Fired:
    content, acl = entry.get("content") or {}, entry.get("acl") or {}
    actions = str(content.get("actions") or "").split(",")
    return Fired(
        str(content.get("savedsearch_name") or ""),
        str(acl.get("app") or APP),
        str(acl.get("owner") or "nobody"),
        str(content.get("sid") or ""),
        float(content.get("trigger_time") or 0.0),
        tuple(action.strip() for action in actions if action.strip()),
    )


class SplunkRaisingSearch:
    """Dispatches a saved search over another window, without its actions.

    ``saved/searches/{name}/dispatch`` in the REST API Reference: ``dispatch.*`` arguments replace
    the saved ones, and actions are triggered only when asked for.
    """

    def __init__(self, session: Session, sleep: Callable[[float], None] = time.sleep) -> None:
        self._session = session
        self._searcher = SplunkSearcher(session)
        self._sleep = sleep

    def run(self, search: Mapping[str, Any], earliest: float, latest: float) -> Rerun:
        name, app = str(search["name"]), str(search.get("app") or APP)
        owner = str(search.get("owner") or "nobody")
        saved = self._searcher.saved_search(name, app, owner)
        path = "/servicesNS/" + path_of(owner, app, "saved", "searches", name) + "/dispatch"
        form = {
            "dispatch.earliest_time": f"{earliest:.3f}",
            "dispatch.latest_time": f"{latest:.3f}",
        }
        try:
            sid = str(self._session.post(path, form=form)["sid"])
        except SplunkError as error:
            raise SearchFailed(f"'{name}' can't be run again: {error.message}") from error
        rows = self._rows(sid)
        field = saved.settings.get(f"{PARAM}entity_field", "").strip() or "entity"
        return Rerun(saved.spl, field, rows)

    def _rows(self, sid: str) -> List[Dict[str, Any]]:
        deadline = time.monotonic() + RERUN_SECONDS
        path = "/services/search/jobs/" + path_of(sid)
        while True:
            try:
                content = self._session.get(path)["entry"][0]["content"]
            except SplunkError as error:
                raise SearchFailed(f"The search {sid} was lost: {error.message}") from error
            if content.get("isFailed"):
                raise SearchFailed(f"The search {sid} failed.")
            if content.get("isDone"):
                return self._searcher.results_of(sid, RERUN_ROWS).rows
            if time.monotonic() > deadline:
                raise SearchFailed(f"The search {sid} did not end within {RERUN_SECONDS:.0f} s.")
            self._sleep(0.2)


def read_settings(session: Session) -> tuple[Settings, Dict[str, str]]:
    """Read the settings part by part, so that a malformed one spoils no other.

    Returns the settings, with defaults in the place of malformed parts, and for each such part
    the sentence. Raises SettingsError when they can't be read at all.
    """
    stanzas = settings_room.stanzas(session)
    problems: Dict[str, str] = {}
    for part in PARTS:
        try:
            settings_room.parse({part: stanzas.get(part, {})})
        except SettingsError as error:
            problems[part] = str(error)
    good = {name: values for name, values in stanzas.items() if name not in problems}
    return settings_room.parse(good), problems


def notice(session: Session) -> Callable[[str], None]:
    """Return what shows a sentence to administrators: ``messages`` in the REST API Reference."""

    def show(sentence: str) -> None:
        if sentence:
            form = {"name": MESSAGE, "value": sentence, "severity": "warn"}
            session.post("/services/messages", form=form)
            return
        try:
            session.delete("/services/messages/" + MESSAGE)
        except SplunkError as error:
            if error.status != 404:
                raise

    return show


def has_capability(session: Session, user: str, capability: str) -> bool:
    """Tell whether a user has a capability: ``authentication/users`` in the REST API Reference.

    A search without an owner belongs to the system. Raises SplunkError when it can't be told.
    """
    if user in ("nobody", "splunk-system-user"):
        return True
    try:
        answer = session.get("/services/authentication/users/" + path_of(user))
    except SplunkError as error:
        if error.status == 404:
            return False
        raise
    return capability in (answer["entry"][0]["content"].get("capabilities") or [])
