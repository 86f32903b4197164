"""Asks what raised an incident again, over another window: a saved search, or a monitor."""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, List, Mapping

from ..detection.monitors.monitor import MOST_EVENTS, Monitor
from ..detection.monitors.rejudging import Problem, events_in, is_there
from ..ports import Searcher, SearchFailed, Stores
from ..remediation.verify import CannotJudge, Grid, Rerun
from ..splunk.search import SplunkSearcher
from ..splunk.session import APP, Session, SplunkError, path_of
from .monitor_checkpoints import recall

__all__ = ["MonitorRaising", "Raising", "SavedSearchRaising"]

RERUN_SECONDS = 60.0
RERUN_ROWS = 10_000
PARAM = "action.open_incident.param."


class Raising:
    """See :class:`incident_management.remediation.verify.RaisingSearch`."""

    def __init__(self, saved_searches: SavedSearchRaising, monitors: MonitorRaising) -> None:
        self._saved_searches = saved_searches
        self._monitors = monitors

    def grid(self, search: Mapping[str, Any]) -> Grid:
        return self._of(search).grid(search)

    def run(self, search: Mapping[str, Any], earliest: float, latest: float) -> Rerun:
        return self._of(search).run(search, earliest, latest)

    def _of(self, search: Mapping[str, Any]) -> Any:
        if search.get("monitor"):
            return self._monitors
        if search.get("name"):
            return self._saved_searches
        raise CannotJudge("The incident was raised by no search that could be run again.")


class MonitorRaising:
    """Judges a window by the monitor's own detector, with what it knew before it raised.

    Args:
        monitors: returns the settings of the monitors that are enabled on some member, by name;
            raises SplunkError.
    """

    def __init__(
        self,
        stores: Stores,
        searcher: Searcher,
        monitors: Callable[[], Mapping[str, Mapping[str, Any]]],
    ) -> None:
        self._stores = stores
        self._searcher = searcher
        self._monitors = monitors

    def grid(self, search: Mapping[str, Any]) -> Grid:
        monitor = self._monitor(Problem.of(search))
        return Grid(monitor.span, max(monitor.lag, Grid().lag))

    def run(self, search: Mapping[str, Any], earliest: float, latest: float) -> Rerun:
        problem = Problem.of(search)
        monitor = self._monitor(problem)
        try:
            memory = recall(self._stores, problem.memory) if problem.memory else {}
        except LookupError as error:
            raise CannotJudge(str(error)) from error
        window = int(earliest), int(latest)
        spl = monitor.spl(problem.series)
        begin = window[0] - monitor.span
        result = self._searcher.run(
            spl, str(begin), str(window[1]), limit=MOST_EVENTS, timeout=monitor.timeout
        )
        if result.truncated:
            raise CannotJudge(f"A window has more than {MOST_EVENTS} rows, too many to judge.")
        try:
            found = is_there(monitor, problem, memory, result.rows, window)
            events = events_in(monitor, problem, result.rows, window)
        except ValueError as error:
            raise CannotJudge(f"Monitor '{monitor.name}' can't judge it again: {error}") from error
        rows = [{"entity": problem.entity}] if found else []
        return Rerun(spl, "entity", rows, {problem.entity: events})

    def _monitor(self, problem: Problem) -> Monitor:
        try:
            values = self._monitors().get(problem.monitor)
        except SplunkError as error:
            raise SearchFailed(f"inputs.conf can't be read: {error.message}") from error
        if values is None:
            raise CannotJudge(
                f"No search head has the monitor '{problem.monitor}': it was removed, it is off, "
                "or the search head that has it is down."
            )
        try:
            monitor = Monitor.read(f"incident_monitor://{problem.monitor}", values)
        except ValueError as error:
            raise CannotJudge(str(error)) from error
        if len(monitor.by) != len(problem.series):
            raise CannotJudge(f"Monitor '{problem.monitor}' watches other series than it did.")
        return monitor


class SavedSearchRaising:
    """Dispatches a saved search over another window, without its actions.

    ``saved/searches/{name}/dispatch`` in the REST API Reference: ``dispatch.*`` arguments replace
    the saved ones, and actions are triggered only when asked for.
    """

    def __init__(self, session: Session, sleep: Callable[[float], None] = time.sleep) -> None:
        self._session = session
        self._searcher = SplunkSearcher(session)
        self._sleep = sleep

    def grid(self, search: Mapping[str, Any]) -> Grid:
        return Grid()

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
