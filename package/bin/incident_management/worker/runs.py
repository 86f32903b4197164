"""What splunkd knows of a saved search's runs, for :mod:`..incidents.upkeep.quiet`."""

from __future__ import annotations

from typing import List

from ..detection.backtest.reading import NotReading
from ..detection.lookback import looks_for_change
from ..incidents.upkeep.coverage import Plan, Run, SearchId
from ..splunk.detections import (
    QUIET_AFTER,
    SavedDetection,
    SearchRun,
    past_runs,
    quiet_after,
    saved_search,
    scheduled,
)
from ..splunk.session import Session
from .raising import without_macros

__all__ = ["SplunkRuns"]


class SplunkRuns:
    """See :class:`incident_management.incidents.upkeep.quiet.SearchRuns`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def plan(self, search: SearchId) -> Plan:
        name, app, owner = search
        saved = saved_search(self._session, name, app, owner or "nobody")
        if saved is None:
            return Plan(False)
        quiet = quiet_after(saved.settings.get(QUIET_AFTER, ""), name)
        return Plan(saved.enabled, saved.throttled, quiet)

    def blindness(self, search: SearchId) -> str:
        name, app, owner = search
        saved = saved_search(self._session, name, app, owner or "nobody")
        if saved is None:
            return ""
        try:
            text = without_macros(self._session, name, saved.spl, app, owner or "nobody")
        except NotReading as error:
            return str(error)
        return looks_for_change(text)

    def recent(self, search: SearchId) -> List[Run]:
        return [
            Run(run.due, _state(run), run.results)
            for run in past_runs(self._session, _named(search))
        ]

    def scheduled(self, search: SearchId, earliest: float, latest: float) -> List[float]:
        return scheduled(self._session, _named(search), earliest, latest)


def _named(search: SearchId) -> SavedDetection:
    """The search by its names alone, which is all that asking for its runs needs."""
    name, app, owner = search
    return SavedDetection(name, app, owner or "nobody", "", {})


def _state(run: SearchRun) -> str:
    if run.failed:
        return "failed"
    return "succeeded" if run.done else "running"
