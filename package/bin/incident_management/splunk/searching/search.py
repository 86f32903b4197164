"""Runs searches through splunkd, and reads saved searches.

Endpoints: "Search endpoint descriptions" in Splunk's REST API Reference (``search/jobs``,
``saved/searches``).
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping

from ...ports import SearchFailed, SearchResult, SearchTooSlow
from ..nul import rows_without_nul
from ..session import Session, SplunkError, content_of, path_of
from .job_messages import texts_of

__all__ = ["SavedSearch", "SplunkSearcher", "with_search"]

PAGE_ROWS = 10_000
# Of a saved search that is run again so many rows are read.
RERUN_ROWS = 10_000
FIRST_POLL_SECONDS = 0.05
LONGEST_POLL_SECONDS = 1.0
JOB_LIFE_SECONDS = 120


@dataclass(frozen=True)
class SavedSearch:
    """A saved search; ``settings`` holds all of its savedsearches.conf settings as text.

    ``path`` is its endpoint; ``owner`` and ``sharing`` (``user``, ``app``, ``global``) are those of
    its access list.
    """

    name: str
    spl: str
    earliest: str
    latest: str
    settings: Dict[str, str] = field(default_factory=dict)
    path: str = ""
    owner: str = ""
    sharing: str = ""


class SplunkSearcher:
    """Runs searches with one session's rights, see :class:`incident_management.ports.Searcher`.

    They see the macros, lookups and other knowledge of the session's app, what its owner has there
    in private, and what is shared with all apps; :meth:`.session.Session.within` names another.
    """

    def __init__(
        self,
        session: Session,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session = session
        self._sleep = sleep
        self._monotonic = monotonic

    def run(
        self, spl: str, earliest: str, latest: str, limit: int = 1000, timeout: float = 60.0
    ) -> SearchResult:
        return self._finish(self._dispatch(spl, earliest, latest, limit), limit, timeout)

    def run_saved(
        self,
        saved: SavedSearch,
        earliest: float,
        latest: float,
        condition: str = "",
        timeout: float = 60.0,
        unchanged: Callable[[], None] = lambda: None,
    ) -> SearchResult:
        """Run a saved search over another window (epoch seconds), without its actions.

        ``saved/searches/{name}/dispatch``: ``dispatch.*`` arguments replace the saved settings, and
        actions are triggered only on request. ``condition`` is a search over the results, as
        ``alert_condition`` is: if it finds nothing, no rows are returned. ``unchanged`` is called
        after the dispatch, which goes by name; if it raises, the job is cancelled.

        Raises what :meth:`run` and ``unchanged`` do.
        """
        form = {
            "dispatch.earliest_time": f"{earliest:.3f}",
            "dispatch.latest_time": f"{latest:.3f}",
        }
        try:
            sid = str(self._session.post(f"{saved.path}/dispatch", form=form)["sid"])
        except SplunkError as error:
            raise SearchFailed(f"'{saved.name}' can't be run again: {error.message}") from error
        try:
            unchanged()
        except BaseException:
            self._discard(sid)
            raise
        return self._finish(sid, RERUN_ROWS, timeout, condition)

    def _finish(self, sid: str, limit: int, timeout: float, condition: str = "") -> SearchResult:
        """Wait for a job, read its rows, and remove it in any case."""
        try:
            job = self._wait(sid, timeout)
            _check_license(job)
            holds = not condition or bool(self._rows(sid, 1, condition))
            rows = self._rows(sid, limit + 1) if holds else []
        finally:
            self._discard(sid)
        return SearchResult(
            rows[:limit],
            sid,
            len(rows) > limit,
            texts_of(job, "WARN", "ERROR"),
            bool(job.get("isFinalized")),
        )

    def results_of(self, sid: str, limit: int) -> SearchResult:
        """Read the results of a job that has ended (a fired alert's run).

        Raises SearchFailed when the job is gone or has failed.
        """
        try:
            job = self._job(sid)
            if not job.get("isDone"):
                raise SearchFailed(f"The search {sid} has not finished yet.")
            rows = self._rows(sid, limit + 1)
        except SplunkError as error:
            raise SearchFailed(f"The results of {sid} can't be read: {error.message}") from error
        return SearchResult(rows[:limit], sid, len(rows) > limit)

    def saved_search(self, name: str, app: str, owner: str) -> SavedSearch:
        """Read a saved search as its owner sees it.

        Raises SearchFailed when there is none, or the session may not see it.
        """
        path = "/servicesNS/" + path_of(owner or "nobody", app, "saved", "searches", name)
        try:
            answer = self._session.get(path)
        except SplunkError as error:
            text = f"The saved search '{name}' of app {app} can't be read: {error.message}"
            if error.status == 404:
                text = f"There is no saved search '{name}' in the app {app} that you may see."
            raise SearchFailed(text) from error
        entry: Mapping[str, Any] = answer["entry"][0]
        content, acl = entry["content"], entry.get("acl") or {}
        settings = {key: "" if value is None else str(value) for key, value in content.items()}
        return SavedSearch(
            name,
            settings.get("search", ""),
            settings.get("dispatch.earliest_time", ""),
            settings.get("dispatch.latest_time", ""),
            settings,
            path,
            str(acl.get("owner") or ""),
            str(acl.get("sharing") or ""),
        )

    def _dispatch(self, spl: str, earliest: str, latest: str, limit: int) -> str:
        form = {
            "search": with_search(spl),
            "earliest_time": earliest,
            "latest_time": latest,
            "exec_mode": "normal",
            "max_count": str(limit + 1),
            "timeout": str(JOB_LIFE_SECONDS),
        }
        if latest.replace(".", "", 1).isdigit():
            # What the text itself says relative to now, as earliest=-7d, is meant then.
            form["now"] = latest
        try:
            answer = self._session.post("search/jobs", form=form)
        except SplunkError as error:
            raise SearchFailed(f"splunkd refused the search: {error.message}") from error
        return str(answer["sid"])

    def _wait(self, sid: str, timeout: float) -> Mapping[str, Any]:
        deadline, began = self._monotonic() + timeout, False
        pause = FIRST_POLL_SECONDS
        while True:
            try:
                job = self._job(sid)
            except SplunkError as error:
                raise SearchFailed(f"The search {sid} was lost: {error.message}") from error
            if job.get("isFailed"):
                raise SearchFailed(f"The search failed: {_first_fault(job)}")
            if job.get("isDone"):
                return job
            queued = not job or str(job.get("dispatchState", "")).upper() == "QUEUED"
            if not queued and not began:
                # What it waited in the queue is no time in which it was too slow.
                deadline, began = self._monotonic() + timeout, True
            if self._monotonic() >= deadline:
                if queued:
                    # To look at less would not help, which is what SearchTooSlow asks for.
                    raise SearchFailed(
                        f"The search did not start within {timeout:g} seconds: splunkd "
                        "keeps it queued, because more searches run than its limits or "
                        "the role's limits allow."
                    )
                raise SearchTooSlow(f"The search did not finish within {timeout:g} seconds.")
            self._sleep(pause)
            pause = min(LONGEST_POLL_SECONDS, pause * 2)

    def _job(self, sid: str) -> Mapping[str, Any]:
        return content_of(self._session.get("search/jobs/" + path_of(sid)))

    def _rows(self, sid: str, limit: int, search: str = "") -> List[Dict[str, Any]]:
        """Read a job's results, ``search`` applied to them: ``…/results`` in the reference.

        In its version 2: the first is deprecated, and an administrator may have it refuse a search
        that comes with a GET (``v1APIBlockGETSearchLaunch`` in restmap.conf.spec 10.2).
        """
        rows: List[Dict[str, Any]] = []
        path = "search/v2/jobs/" + path_of(sid) + "/results"
        while len(rows) < limit:
            count = min(PAGE_ROWS, limit - len(rows))
            page_of = {"count": count, "offset": len(rows)}
            try:
                if search:
                    answer = self._session.post(path, {**page_of, "search": search})
                else:
                    answer = self._session.get(path, **page_of)
            except SplunkError as error:
                text = f"The results of {sid} can't be read: {error.message}"
                raise SearchFailed(text) from error
            page = (answer or {}).get("results") or []
            rows.extend(rows_without_nul(page))
            if len(page) < count:
                break
        return rows

    def _discard(self, sid: str) -> None:
        """Cancel the job, which also removes it; it expires on its own if this fails."""
        try:
            self._session.post("search/jobs/" + path_of(sid) + "/control", {"action": "cancel"})
        except SplunkError:
            return


def with_search(spl: str) -> str:
    """Return SPL for splunkd: one without a leading command gets ``search``."""
    return spl if spl.lstrip().startswith(("|", "search ")) else f"search {spl}"


def _check_license(job: Mapping[str, Any]) -> None:
    """Raise SearchFailed if splunkd did not search because of its license.

    "About license violations" in the Admin Manual: search is then disabled, except for Splunk's own
    indexes. An empty result means nothing then, even if the job finished.
    """
    for text in texts_of(job, "ERROR"):
        if re.search(r"\blicen[cs]e\b.*\b(?:expired|exceeded|violat|invalid|disabled)", text, re.I):
            raise SearchFailed(f"The search failed: {text}")


def _first_fault(job: Mapping[str, Any]) -> str:
    return next(iter(texts_of(job, "FATAL", "ERROR")), "splunkd gave no reason.")
