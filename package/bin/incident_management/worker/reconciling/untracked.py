"""Runs of alerts that splunkd does not list, because they are not tracked.

``alert.track`` in savedsearches.conf.spec: with 0, which Splunk Web writes unless *Add to Triggered
Alerts* is among the actions, an alert is not listed. With ``auto``, the default, it is listed if an
action requests it (``track_alert`` of alert_actions.conf, as ``open_incident`` does), except for an
alert that always triggers. If the action of an unlisted alert is killed, its signals would be lost.
So every five minutes, the worker checks the jobs of these alerts' runs. splunkd's
``saved/searches`` was seen to return ``auto`` as false: such runs are then found both ways, and
ingested once, because of the run's claim.

If the number of results does not show that a run alerted, it is not ingested, as for runs
:mod:`.before_restart`.
"""

from __future__ import annotations

from typing import Dict, List, Mapping, Optional, Set

from ...conf_values import is_true
from ...incidents.intake.trigger import always_triggers
from ...ports import SearchFailed
from ...splunk.searching.detections import SavedDetection
from .fired_alert import FiredAlert
from .run_history import LONGEST_RUN_SECONDS, SEARCHES_A_ROUND, PastRuns, alerted, fired_by, name_of

__all__ = ["UntrackedRuns", "is_tracked"]

LOOK_SECONDS = 300.0
PURPOSE = "worker:untracked"


class UntrackedRuns:
    """Finds these runs, some searches in a round; an instance lives as long as its process.

    State that must outlive the process, which may end during a check, is in ``incident_claims``:
    when the last complete check began, and since when to check the runs of each search, in the
    order of their turns. A new search is checked from now on: its earlier runs may have had no
    action, and open no incident.
    """

    def __init__(self, past: PastRuns) -> None:
        self._past = past
        self._looked: Optional[float] = None
        self._begun: Optional[float] = None
        self._since: Dict[str, float] = {}
        self._left: List[SavedDetection] = []
        self._found: Dict[str, FiredAlert] = {}

    def found(self) -> List[FiredAlert]:
        """Check the next searches; return the runs found and not yet reconciled."""
        if self._looked is None:
            noted = self._past.noted(PURPOSE)
            self._looked, self._since = noted.get("looked") or 0.0, dict(noted.get("known") or ())
        now = self._past.clock.now()
        if self._begun is None and abs(now - self._looked) >= LOOK_SECONDS:
            self._begin(now)
        if self._begun is not None:
            self._go_on(now, self._begun)
        return list(self._found.values())

    def reconciled(self, done: Set[str]) -> None:
        """Drop the finished runs."""
        self._found = {sid: run for sid, run in self._found.items() if sid not in done}

    def _begin(self, now: float) -> None:
        """List the searches to check, those whose turn was longest ago first."""
        try:
            searches = self._past.history.searches()
        except SearchFailed as error:
            self._past.trouble("untracked", f"{error} It is retried.")
            return
        untracked = {name_of(one): one for one in searches if not is_tracked(one.settings)}
        known = {name: since for name, since in self._since.items() if name in untracked}
        self._since = {**known, **{name: now for name in untracked if name not in known}}
        self._left = [untracked[name] for name in self._since]
        self._begun = now

    def _go_on(self, now: float, begun: float) -> None:
        round_, self._left = self._left[:SEARCHES_A_ROUND], self._left[SEARCHES_A_ROUND:]
        for search in round_:
            self._check_search(search, now)
        if not self._left:
            self._looked, self._begun = begun, None
        self._past.note(PURPOSE, {"looked": self._looked, "known": list(self._since.items())})

    def _check_search(self, search: SavedDetection, now: float) -> None:
        name, an_hour_ago = name_of(search), now - LONGEST_RUN_SECONDS
        since = self._since.pop(name)
        # A clock that was ahead recorded a time in the future.
        since = since if since <= now else an_hour_ago
        self._since[name] = since
        try:
            runs = self._past.history.runs(search)
        except SearchFailed as error:
            self._past.trouble(f"untracked:{search.name}", f"{error} It is retried.")
            return
        ended = [one for one in runs if one.due >= since and one.done and not one.failed]
        fired = [one for one in ended if one.results and alerted(search.settings, one.results)]
        found = fired_by(search, self._past.unreconciled(fired))
        self._found.update((alert.sid, alert) for alert in found)
        self._since[name] = max(since, an_hour_ago)


def is_tracked(settings: Mapping[str, str]) -> bool:
    """Tell whether splunkd lists the alerts of a search with the action ``open_incident``."""
    track = str(settings.get("alert.track") or "auto").strip().lower()
    return is_true(track) or (track == "auto" and not always_triggers(settings))
