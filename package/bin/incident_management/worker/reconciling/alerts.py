"""splunkd's lists of fired alerts and of past runs."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

from ...conf_values import listed
from ...incidents.intake.alert import params_of
from ...ports import SearchFailed, SearchResult
from ...splunk.scripts.alert_action import RESULT_ROWS
from ...splunk.searching.detections import SavedDetection, SearchRun, detections, past_runs
from ...splunk.searching.search import SplunkSearcher
from ...splunk.session import APP, Session, SplunkError
from .fired_alert import FiredAlert

__all__ = ["SplunkAlerts"]

FIRED_A_PAGE = 1000


class SplunkAlerts:
    """splunkd's list of fired alerts: ``alerts/fired_alerts`` in the REST API Reference.

    Also the remaining jobs of earlier runs; see :class:`.run_history.RunHistory`.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._searcher = SplunkSearcher(session)

    def recent(self, since: float) -> List[FiredAlert]:
        """Read the list, which covers all apps, page by page, the newest first."""
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
            raise SearchFailed(f"The start time of splunkd can't be read: {error}.") from error

    def searches(self) -> List[SavedDetection]:
        return detections(self._session)

    def runs(self, search: SavedDetection) -> List[SearchRun]:
        return past_runs(self._session, search)

    def rows(self, sid: str) -> SearchResult:
        return self._searcher.results_of(sid, RESULT_ROWS)

    def params(self, name: str, app: str, owner: str) -> Dict[str, str]:
        saved = self._searcher.saved_search(name, app, owner)
        return params_of(saved.settings)


def _fired(entry: Mapping[str, Any]) -> FiredAlert:
    content, acl = entry.get("content") or {}, entry.get("acl") or {}
    return FiredAlert(
        name=str(content.get("savedsearch_name") or ""),
        app=str(acl.get("app") or APP),
        owner=str(acl.get("owner") or "nobody"),
        sid=str(content.get("sid") or ""),
        time=float(content.get("trigger_time") or 0.0),
        actions=listed(content.get("actions")),
        for_each_result=str(content.get("digest_mode", "1")).lower() in ("0", "false"),
    )
