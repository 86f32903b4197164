"""Runs of alerts that splunkd does not list, because they are not tracked.

``alert.track`` in savedsearches.conf.spec: with 0, which Splunk Web writes unless *Add to Triggered
Alerts* is among the actions, an alert is not listed; with ``auto``, the default, it is where an
action asks for that (``track_alert`` of alert_actions.conf, as ``open_incident`` does), but for an
alert that triggers always. An action of an alert that is not listed, and is killed, would never be
made good. So the worker looks every five minutes through the jobs of these alerts' runs.

As of :mod:`.forgotten` runs: where it does not follow from the count of results that a run alerted,
nothing is taken in.
"""

from __future__ import annotations

from typing import Callable, Dict, List, Mapping, Optional, Set, Tuple

from ..incidents.intake.trigger import always_triggers
from ..incidents.stores import claim_document
from ..ports import Clock, SearchFailed, Stores
from ..splunk.detections import SavedDetection
from .fired import FiredAlert
from .forgotten import (
    LONGEST_RUN_SECONDS,
    SEARCHES_A_ROUND,
    RunHistory,
    alerted,
    fired_by,
    unreconciled,
)

__all__ = ["UntrackedRuns", "is_tracked"]

LOOK_SECONDS = 300.0
PURPOSE = "worker:untracked"


class UntrackedRuns:
    """Finds them, some searches a round; one lives as long as the worker's process.

    What must outlive the process is in ``incident_claims``: when it looked last, and since when
    each search is known. What ran before may have had no action, and opens no incident.

    Args:
        holder: this member's name.
        trouble: is told, in one sentence, what can't be read.
    """

    def __init__(
        self,
        stores: Stores,
        clock: Clock,
        history: RunHistory,
        holder: str,
        trouble: Callable[[str, str], None],
    ) -> None:
        self._claims = stores.claims
        self._clock = clock
        self._history = history
        self._holder = holder
        self._trouble = trouble
        self._key = f"{PURPOSE}:{holder}"
        self._kept: Optional[Mapping[str, float]] = None
        self._looked = 0.0
        self._left: List[Tuple[SavedDetection, float]] = []
        self._found: Dict[str, FiredAlert] = {}

    def found(self) -> List[FiredAlert]:
        """Look through the next searches; return what was found and is not reconciled yet."""
        if self._kept is None:
            value = (self._claims.get(self._key) or {}).get("value") or {}
            self._kept, self._looked = dict(value.get("known") or ()), value.get("looked") or 0.0
        now = self._clock.now()
        if not self._left and abs(now - self._looked) >= LOOK_SECONDS:
            self._begin(now, self._kept)
        round_, self._left = self._left[:SEARCHES_A_ROUND], self._left[SEARCHES_A_ROUND:]
        for search, since in round_:
            self._look_at(search, since)
        return list(self._found.values())

    def reconciled(self, done: Set[str]) -> None:
        """Drop what is done."""
        self._found = {sid: run for sid, run in self._found.items() if sid not in done}

    def _begin(self, now: float, known: Mapping[str, float]) -> None:
        """List the searches to look through, and keep which these are."""
        try:
            searches = [one for one in self._history.searches() if not is_tracked(one.settings)]
        except SearchFailed as error:
            self._trouble("untracked", f"{error} It is tried again.")
            return
        since = min(self._looked, now) - LONGEST_RUN_SECONDS
        seen = {_name(one): min(known.get(_name(one), now), now) for one in searches}
        self._left = [(one, max(since, seen[_name(one)])) for one in searches]
        value = {"looked": now, "known": list(seen.items())}
        claim = claim_document(self._key, now, value, purpose=PURPOSE, holder=self._holder)
        self._claims.save([claim])
        self._kept, self._looked = seen, now

    def _look_at(self, search: SavedDetection, since: float) -> None:
        try:
            runs = self._history.runs(search)
        except SearchFailed as error:
            self._trouble(f"untracked:{search.name}", f"{error} It is tried again.")
            return
        ended = [one for one in runs if one.due >= since and one.done and not one.failed]
        fired = [one for one in ended if one.results and alerted(search.settings, one.results)]
        found = fired_by(search, unreconciled(self._claims, fired))
        self._found.update((alert.sid, alert) for alert in found)


def is_tracked(settings: Mapping[str, str]) -> bool:
    """Tell whether splunkd lists the alerts of a search with the action ``open_incident``."""
    track = str(settings.get("alert.track") or "auto").strip().lower()
    return track in ("1", "true") or (track == "auto" and not always_triggers(settings))


def _name(search: SavedDetection) -> str:
    return "/".join((search.app, search.owner, search.name))
