"""Runs what raised an incident again, over another window: a saved search, or a monitor."""

from __future__ import annotations

from typing import Any, Callable, Mapping, Tuple, Union

from ..detection.lookback import lookback, reason_not_rerunnable
from ..detection.monitors.memory import recall
from ..detection.monitors.monitor import MAX_EVENTS, Monitor
from ..detection.monitors.rejudging import Problem, events_in, would_find
from ..detection.monitors.search import MonitorSearcher
from ..detection.read_only import NotReadOnly, plain_text
from ..durations import span
from ..incidents.intake.alert import params_of
from ..incidents.intake.trigger import condition_of, triggers
from ..ports import Searcher, SearchFailed, Stores
from ..remediation.raising_search import CannotJudge, Grid, Rerun
from ..splunk.searching import knowledge
from ..splunk.searching.search import SavedSearch, SplunkSearcher
from ..splunk.session import APP, Session, SplunkError
from .rights import require_filters_only, require_owner_rights, require_read_only

__all__ = ["MonitorRaising", "Raising", "SavedSearchRaising", "raising_of"]

# The longest window of a saved search that proves a fix: the proof waits for all of it, and
# whatever else is to be done to the service waits with it.
LONGEST_SECONDS = 7200.0


class Raising:
    """See :class:`incident_management.remediation.raising_search.RaisingSearch`."""

    def __init__(self, saved_searches: SavedSearchRaising, monitors: MonitorRaising) -> None:
        self._saved_searches = saved_searches
        self._monitors = monitors

    def grid(self, search: Mapping[str, Any], at: float) -> Grid:
        return self._of(search).grid(search, at)

    def run(self, search: Mapping[str, Any], earliest: float, latest: float) -> Rerun:
        return self._of(search).run(search, earliest, latest)

    def _of(self, search: Mapping[str, Any]) -> Union[MonitorRaising, SavedSearchRaising]:
        if search.get("monitor"):
            return self._monitors
        if search.get("name"):
            return self._saved_searches
        raise CannotJudge("The incident was raised by no search that could be run again.")


def raising_of(
    session: Session, stores: Stores, monitors: Callable[[], Mapping[str, Mapping[str, Any]]]
) -> Raising:
    """Return what asks again what raised an incident, with a session's rights.

    ``monitors`` is as :class:`MonitorRaising` takes it.
    """
    searcher = MonitorSearcher(session)
    return Raising(SavedSearchRaising(session), MonitorRaising(stores, searcher, monitors))


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

    def grid(self, search: Mapping[str, Any], at: float) -> Grid:
        monitor = self._monitor(Problem.from_search(search))
        return Grid(monitor.span, max(monitor.lag, Grid().lag))

    def run(self, search: Mapping[str, Any], earliest: float, latest: float) -> Rerun:
        problem = Problem.from_search(search)
        monitor = self._monitor(problem)
        try:
            memory = recall(self._stores, problem.memory) if problem.memory else {}
        except LookupError as error:
            raise CannotJudge(str(error)) from error
        window = int(earliest), int(latest)
        spl = monitor.spl(problem.series)
        begin = window[0] - monitor.span
        result = self._searcher.run(
            spl, str(begin), str(window[1]), limit=MAX_EVENTS, timeout=monitor.timeout
        )
        if result.truncated:
            raise CannotJudge(f"A window has more than {MAX_EVENTS} rows, too many to judge.")
        result.whole()
        try:
            found = would_find(monitor, problem, memory, result.rows, window)
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
    """Runs a saved search over another window as long as its own, without its actions.

    It runs with its owner's rights, or not at all (:mod:`.rights`). What its alert condition would
    not have alerted on was not found.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._searcher = SplunkSearcher(session)

    def grid(self, search: Mapping[str, Any], at: float) -> Grid:
        saved = self._saved(search)
        try:
            length, lag = lookback(saved.earliest, saved.latest, at)
            names = _namespace(search)
            bound = reason_not_rerunnable(
                without_macros(self._session, saved.name, saved.spl, *names)
            )
        except (ValueError, NotReadOnly) as error:
            raise CannotJudge(
                f"Which time '{saved.name}' looks at can't be told: {error}"
            ) from error
        if bound:
            raise CannotJudge(f"'{saved.name}' {bound}, so it can't prove recovery.")
        if length > LONGEST_SECONDS:
            raise CannotJudge(f"'{saved.name}' looks at {span(length)}, too long to wait for.")
        require_read_only(self._session, saved, *names)
        _alerts(saved, 0)
        return Grid(0, max(lag, Grid().lag), length)

    def run(self, search: Mapping[str, Any], earliest: float, latest: float) -> Rerun:
        saved = self._saved(search)

        def unchanged() -> None:
            # splunkd runs it by its name, and whoever owns it may have changed it meanwhile.
            if _terms(self._saved(search)) != _terms(saved):
                raise CannotJudge(f"'{saved.name}' was changed just as it was run again.")

        result = self._searcher.run_saved(
            saved, earliest, latest, _condition(saved), unchanged=unchanged
        ).whole()
        rows = result.rows if _alerts(saved, len(result.rows)) else []
        field = params_of(saved.settings).get("entity_field", "").strip() or "entity"
        return Rerun(saved.spl, field, rows)

    def _saved(self, search: Mapping[str, Any]) -> SavedSearch:
        saved = self._searcher.saved_search(str(search["name"]), *_namespace(search))
        require_owner_rights(self._session, saved)
        require_filters_only(saved)
        return saved


def without_macros(session: Session, name: str, spl: str, app: str, owner: str) -> str:
    """Return the plain text of a saved search, its macros in place.

    Raises:
        SearchFailed: splunkd does not give the macros.
        NotReadOnly: a macro can't be looked into.
    """
    try:
        return plain_text(spl, lambda macro: knowledge.macro(session, macro, app, owner))
    except SplunkError as error:
        raise SearchFailed(f"The macros of '{name}' can't be read: {error.message}") from error


def _namespace(search: Mapping[str, Any]) -> Tuple[str, str]:
    return str(search.get("app") or APP), str(search.get("owner") or "nobody")


def _terms(saved: SavedSearch) -> Tuple[str, str, str, str]:
    return saved.spl, saved.owner, saved.sharing, _condition(saved)


def _condition(saved: SavedSearch) -> str:
    return saved.settings.get("alert_condition", "").strip()


def _alerts(saved: SavedSearch, results: int) -> bool:
    """Tell whether so many results alert; those that a condition in SPL has let through do."""
    if _condition(saved):
        return results > 0
    alerts = triggers(saved.settings, results)
    if alerts is None:
        raise CannotJudge(
            f"'{saved.name}' alerts on '{condition_of(saved.settings)}', which can't be told of "
            "another window."
        )
    return alerts
