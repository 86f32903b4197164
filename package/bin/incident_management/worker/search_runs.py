"""What splunkd knows of a saved search's runs, for :mod:`..incidents.upkeep.quiet_resolve`."""

from __future__ import annotations

from typing import List, Set

from ..detection.lookback import reason_finds_only_changes
from ..detection.read_only import NotReadOnly
from ..incidents.upkeep.run_coverage import Plan, Run, SearchId
from ..ports import Searcher
from ..rerun.raising import without_macros
from ..splunk.searching import spl
from ..splunk.searching.detections import (
    ALIVE_FIELD,
    QUIET_AFTER,
    SavedDetection,
    SearchRun,
    alive_field,
    past_runs,
    quiet_after,
    saved_search,
    scheduled,
)
from ..splunk.session import Session

__all__ = ["SplunkRuns"]

# splunkd returns no more rows of a result at once (maxresultrows in limits.conf).
MOST_SEEN = 50_000


class SplunkRuns:
    """See :class:`incident_management.incidents.upkeep.run_coverage.SearchRuns`."""

    def __init__(self, session: Session, searcher: Searcher) -> None:
        self._session = session
        self._searcher = searcher

    def plan(self, search: SearchId) -> Plan:
        name, app, owner = search
        saved = saved_search(self._session, name, app, owner or "nobody")
        if saved is None:
            return Plan(False)
        quiet = quiet_after(saved.settings.get(QUIET_AFTER, ""), name)
        alive = alive_field(saved.settings.get(ALIVE_FIELD, ""), name)
        return Plan(saved.enabled, saved.throttled, quiet, alive)

    def blindness(self, search: SearchId) -> str:
        name, app, owner = search
        saved = saved_search(self._session, name, app, owner or "nobody")
        if saved is None:
            return ""
        try:
            text = without_macros(self._session, name, saved.spl, app, owner or "nobody")
        except NotReadOnly as error:
            return str(error)
        return reason_finds_only_changes(text)

    def seen(self, field: str, since: float) -> Set[str]:
        counted = spl.command(
            "tstats",
            spl.name("count"),
            spl.name("where"),
            spl.macro("incident_indexes"),
            spl.negate(spl.field_is("sourcetype", "incident_management*")),
            spl.name("by"),
            spl.name(field),
        )
        search = str(spl.Search().pipe(counted))
        # Entities missing from an incomplete result count as not seen.
        found = self._searcher.run(search, f"{since:.0f}", "now", MOST_SEEN)
        return {str(row[field]).lower() for row in found.rows}

    def recent(self, search: SearchId) -> List[Run]:
        return [
            Run(run.due, _state(run), run.results)
            for run in past_runs(self._session, _named(search))
        ]

    def scheduled(self, search: SearchId, earliest: float, latest: float) -> List[float]:
        return scheduled(self._session, _named(search), earliest, latest)


def _named(search: SearchId) -> SavedDetection:
    """Return the search by its name, app and owner, all that a query for its runs needs."""
    name, app, owner = search
    return SavedDetection(name, app, owner or "nobody", "", {})


def _state(run: SearchRun) -> str:
    if run.failed:
        return "failed"
    return "succeeded" if run.done else "running"
