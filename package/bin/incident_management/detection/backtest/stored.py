"""The app's collections that a replay reads: recorded incidents, topology, suppressions."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from ...incidents.grouping import Topology
from ...incidents.suppression import Suppression
from ...ports import Searcher, SearchFailed
from ...splunk.searching import spl
from .outcome import Recorded

__all__ = ["StoredData"]

MAX_RECORDED = 10_000
"""Incidents that a replay is compared with."""


class StoredData:
    """Reads the app's collections with the user's rights; warns about any that can't be read."""

    def __init__(self, searcher: Searcher, warn: Callable[[str], Any]) -> None:
        self._searcher = searcher
        self._warn = warn

    def recorded(self, start: float, end: float) -> Optional[List[Recorded]]:
        """Return the newest incidents of a time range; None if they can't be read."""
        times = f"last_time>={spl.number(start)} AND first_time<={spl.number(end)}"
        rows = self._rows(
            "the recorded incidents",
            "the replay is not compared with them",
            spl.Fragment(f"{spl.lookup('incidents')} where {times}"),
            spl.sort(["-first_time"], MAX_RECORDED + 1),
        )
        if rows is None:
            return None
        if len(rows) > MAX_RECORDED:
            self._warn(
                f"More than {MAX_RECORDED} incidents were recorded in that time; the replay is "
                f"compared with the newest {MAX_RECORDED}."
            )
        return [Recorded.from_row(row) for row in rows[:MAX_RECORDED]]

    def topology(self) -> Topology:
        """Return the topology; an empty one if it can't be read."""
        rows = self._rows(
            "the lookup incident_topology",
            "incidents of services that depend on each other are not grouped",
            spl.lookup("incident_topology"),
        )
        return Topology.from_rows({k: str(v) for k, v in row.items()} for row in rows or [])

    def suppressions(self) -> Tuple[Suppression, ...]:
        """Return the app's suppressions as they were at the time.

        A suppression does not apply to signals from before its creation, even if its start was set
        earlier. Suppressions that were ended early have been deleted, so they are missing here.
        """
        rows = self._rows(
            "maintenance windows, mutes and snoozes",
            "the replay suppresses nothing by them and may show more pages than there were",
            spl.lookup("incident_suppressions"),
        )
        return tuple(_suppression(row) for row in rows or [])

    def _rows(self, what: str, so: str, *commands: spl.Fragment) -> Optional[List[Dict[str, Any]]]:
        search = str(spl.Search(commands=list(commands)))
        try:
            return self._searcher.run(search, "0", "now", limit=MAX_RECORDED + 1).rows
        except SearchFailed as error:
            self._warn(f"You can't read {what}, so {so}: {error}")
            return None


def _suppression(row: Mapping[str, Any]) -> Suppression:
    given = {name: value for name, value in row.items() if value not in (None, "")}
    days = given.get("days") or ()
    times = {name: float(given.get(name) or 0.0) for name in ("starts_at", "ends_at", "created_at")}
    times["starts_at"] = max(times["starts_at"], times["created_at"])
    # A single day is stored as a text, several days as a list.
    named = [days] if isinstance(days, str) else list(days)
    return Suppression.from_document({**given, **times, "days": named})
