"""What the worker's duties ask of splunkd: fired alerts, past runs, messages, capabilities."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping

from ..incidents.intake.alert import params_of
from ..incidents.model import NOBODY
from ..ports import SearchFailed, SearchResult
from ..splunk.alert_action import RESULT_ROWS
from ..splunk.detections import SavedDetection, SearchRun, detections, past_runs
from ..splunk.search import SplunkSearcher
from ..splunk.session import APP, Session, SplunkError, path_of
from .reconciling.fired import FiredAlert

__all__ = [
    "Bulletin",
    "SplunkAlerts",
    "has_capability",
    "notice",
]

FIRED_A_PAGE = 1000
MESSAGE = "incident_management_settings"


class SplunkAlerts:
    """splunkd's list of fired alerts: ``alerts/fired_alerts`` in the REST API Reference.

    And the jobs that are left of earlier runs; see :class:`.reconciling.run_history.RunHistory`.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._searcher = SplunkSearcher(session)

    def recent(self, since: float) -> List[FiredAlert]:
        """Page through the list, which is that of all apps, newest first."""
        found: List[FiredAlert] = []
        while True:
            answer = self._session.get(
                "/servicesNS/-/-/alerts/fired_alerts/-",
                sort_key="trigger_time",
                sort_dir="desc",
                count=FIRED_A_PAGE,
                offset=len(found),
            )
            page = [_fired(entry) for entry in answer.get("entry") or []]
            found.extend(page)
            if len(page) < FIRED_A_PAGE or page[-1].time < since:
                return found

    def splunkd_started(self) -> float:
        try:
            answer = self._session.get("/services/server/info")
            return float(answer["entry"][0]["content"]["startup_time"])
        except (SplunkError, KeyError) as error:
            raise SearchFailed(f"When splunkd started can't be read: {error}.") from error

    def searches(self) -> List[SavedDetection]:
        return detections(self._session)

    def runs(self, search: SavedDetection) -> List[SearchRun]:
        return past_runs(self._session, search)

    def rows(self, sid: str) -> SearchResult:
        return self._searcher.results_of(sid, RESULT_ROWS)

    def params(self, name: str, app: str, owner: str) -> Dict[str, str]:
        saved = self._searcher.saved_search(name, app, owner)
        given = params_of(saved.settings).items()
        return {key: value.replace("$name$", name) for key, value in given}


def _fired(entry: Mapping[str, Any]) -> FiredAlert:
    content, acl = entry.get("content") or {}, entry.get("acl") or {}
    actions = str(content.get("actions") or "").split(",")
    return FiredAlert(
        name=str(content.get("savedsearch_name") or ""),
        app=str(acl.get("app") or APP),
        owner=str(acl.get("owner") or "nobody"),
        sid=str(content.get("sid") or ""),
        time=float(content.get("trigger_time") or 0.0),
        actions=tuple(action.strip() for action in actions if action.strip()),
        for_each_result=str(content.get("digest_mode", "1")).lower() in ("0", "false"),
    )


class Bulletin:
    """The messages that Splunk Web shows to administrators: ``messages`` in the REST API Reference.

    Both methods raise SplunkError.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def show(self, name: str, sentence: str) -> None:
        """Put up a message, or replace the one of that name."""
        form = {"name": name, "value": sentence, "severity": "warn"}
        self._session.post("/services/messages", form=form)

    def take_away(self, name: str) -> None:
        """Take a message away, if it is still there."""
        try:
            self._session.delete("/services/messages/" + path_of(name))
        except SplunkError as error:
            if error.status != 404:
                raise


def notice(session: Session, name: str = MESSAGE) -> Callable[[str], None]:
    """Return what shows a sentence under a name (the settings'); an empty one takes it away."""
    bulletin = Bulletin(session)

    def show(sentence: str) -> None:
        if sentence:
            bulletin.show(name, sentence)
        else:
            bulletin.take_away(name)

    return show


def has_capability(session: Session, user: str, capability: str) -> bool:
    """Tell whether a user has a capability: ``authentication/users`` in the REST API Reference.

    A search without an owner belongs to the system. Raises SplunkError when it can't be told.
    """
    if user in NOBODY:
        return True
    try:
        answer = session.get("/services/authentication/users/" + path_of(user))
    except SplunkError as error:
        if error.status == 404:
            return False
        raise
    return capability in (answer["entry"][0]["content"].get("capabilities") or [])
