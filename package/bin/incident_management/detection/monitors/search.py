"""The searches of monitors. They run with the app's rights, the system's, so they may only read.

Otherwise anyone who may edit a macro that a monitor uses could write with these rights. So the
expanded search is checked when the monitor is saved, and again before each run.
"""

from __future__ import annotations

from ...ports import SearchFailed, SearchResult
from ...splunk.searching import knowledge
from ...splunk.searching.search import SplunkSearcher, with_search
from ...splunk.session import APP, Session, SplunkError
from ..lookback import own_time_modifier
from ..read_only import NotReadOnly, check_read_only
from .monitor import Monitor

__all__ = ["MonitorSearcher", "check_search"]

NOBODY = "nobody"


class MonitorSearcher:
    """Runs only searches that read; see :class:`incident_management.ports.Searcher`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._searcher = SplunkSearcher(session)

    def run(
        self, spl: str, earliest: str, latest: str, limit: int = 1000, timeout: float = 60.0
    ) -> SearchResult:
        try:
            _check_reading(self._session, spl)
        except SplunkError as error:
            raise SearchFailed(
                f"The macros and commands of the search can't be read: {error.message}"
            ) from error
        except ValueError as error:
            raise SearchFailed(str(error)) from error
        return self._searcher.run(spl, earliest, latest, limit, timeout)


def check_search(session: Session, monitor: Monitor) -> None:
    """Check that splunkd accepts a monitor's search, and that it only reads, without running it.

    ``search/v2/parser`` in Splunk's REST API Reference; ``parse_only`` keeps it from running
    subsearches.

    Raises:
        ValueError: one sentence that says what is wrong with it.
    """
    spl = monitor.spl()
    try:
        _check_reading(session, spl)
        form = {"q": with_search(spl), "parse_only": "true"}
        session.post("search/v2/parser", form=form)
    except SplunkError as error:
        raise ValueError(
            f"splunkd rejects monitor_search: {error.message} Correct the search."
        ) from error


def _check_reading(session: Session, spl: str) -> None:
    """Raise ValueError for a search that does not only read, or that sets its own time range.

    Raises SplunkError if that can't be determined.
    """
    try:
        plain = check_read_only(
            spl,
            lambda name: knowledge.macro(session, name, APP, NOBODY),
            knowledge.risky_commands(session, APP, NOBODY),
        )
    except NotReadOnly as error:
        raise ValueError(
            f"The search {error}; a monitor runs only searches that only read."
        ) from error
    own = own_time_modifier(plain)
    if own:
        raise ValueError(
            f"The search sets its own time range with '{own}', which "
            "overrides the monitor's spans. "
            "Remove it, or compare a field of that name with | where."
        )
