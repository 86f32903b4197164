"""What follows from a finished run of a saved search: its alert, and the alert's actions.

The scheduler and ``saved/searches/{name}/dispatch`` with ``trigger_actions`` both end here.
Sources: savedsearches.conf.spec 10.0 (``alert.*``, ``dispatch.ttl``); alert_actions.conf.spec 10.0
(``ttl``, ``track_alert``); limits.conf.spec (``max_per_result_alerts``); "Search endpoints" of the
REST API Reference.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .errors import SplunkdError
from .runners import alert_action
from .runners.alert_condition import PreviousCounts, Throttle, triggers
from .runners.errors import RunnerError
from .runners.saved_search import DEFAULT_EXPIRES, DEFAULT_SEVERITY, SavedSearch
from .runners.settings import lifetime
from .schedule import next_time

__all__ = ["SYSTEM_USER", "AlertRun", "Alerting", "DispatchedAlerts", "acting_user"]

SYSTEM_USER = "splunk-system-user"
UNSCHEDULED_PERIOD = 300.0  # what 2p means for a search without a schedule; unverified
POLL_SECONDS = 0.2
_COMPONENT = "SavedSplunker"
_TROUBLE = (RunnerError, SplunkdError, OSError, sqlite3.Error)


def acting_user(owner: str) -> str:
    """Whose rights a search of ``owner`` runs with: the system's, if nobody owns it."""
    return SYSTEM_USER if owner == "nobody" else owner


@dataclass
class AlertRun:
    """One run of one search, with what is already done of it.

    ``time`` is the scheduled time in epoch seconds (of a dispatched search, when that was asked).
    """

    search: SavedSearch
    time: float
    trigger: float | None = None  # when it was decided that it alerts
    chosen: list[int] = field(default_factory=list)  # the results that alert
    fired: bool = False
    started: list[str] = field(default_factory=list)
    member: str = ""  # of a cluster, who runs it
    adhoc: bool = False  # dispatched by somebody: each run is an alert of its own

    def as_json(self) -> dict[str, Any]:
        return {k: v for k, v in vars(self).items() if k != "search"}


class Alerting:
    """Decides whether runs alert, records their alerts and runs the actions."""

    def __init__(self, splunk: Any) -> None:
        self._splunk = splunk
        self._throttle = Throttle(splunk.state("suppressions"))
        self._counts = PreviousCounts(splunk.state("alert_counts"))

    def follow(
        self,
        run: AlertRun,
        job: Any,
        now: float,
        user: str,
        progress: Callable[[AlertRun], None],
        ending: threading.Event | None = None,
    ) -> int:
        """Check condition and throttling, record the alert, run the actions; how many ran.

        ``progress`` is called after each step; a run that it wrote down goes on where it was.
        ``user`` is whose session key the actions get; ``ending``, once set, ends an action.

        Raises:
            RunnerError: a setting of the search or of an action is malformed or not supported.
        """
        if run.trigger is None and not self._decide(run, job, now, progress):
            return 0
        if not run.fired:
            self._record(run, job, progress)
        return sum(
            self.act(run, job, action, user, progress, ending) for action in run.search.actions
        )

    def ttl(self, search: SavedSearch, time: float, alerts: bool) -> float:
        """How long the results are kept, in seconds.

        ``dispatch.ttl`` (2p), or where it alerts the longest ``ttl`` of its actions (10p), and no
        less than a tracked alert's ``alert.expires``.
        """
        cron = search.text("cron_schedule")
        period = next_time(cron, time) - time if cron else UNSCHEDULED_PERIOD
        ttl = lifetime(search.text("dispatch.ttl", "2p"), period, "dispatch.ttl")
        if not alerts:
            return ttl
        named = [(name, search.action_settings(name, self._splunk.conf)) for name in search.actions]
        if named:
            ttl = max(lifetime(s.get("ttl") or "10p", period, f"ttl in [{n}]") for n, s in named)
        if self._tracked(search):
            ttl = max(ttl, search.period("alert.expires", DEFAULT_EXPIRES))
        return ttl

    def _decide(
        self, run: AlertRun, job: Any, now: float, progress: Callable[[AlertRun], None]
    ) -> bool:
        search, rows = run.search, job.rows

        def filtered(spl: str) -> Any:
            return self._splunk.jobs.filter(job, spl)

        def previous(count: int) -> int | None:
            return self._counts.before(search, run.time, count)

        if not triggers(search, rows, filtered, previous):
            return False
        chosen = self._throttle.passing(search, rows, now)
        if not search.digest:
            chosen = chosen[: self._most_triggers()]
        if self._throttle.silenced(search, now) or not (chosen or search.digest):
            self._splunk.log(_COMPONENT, "INFO", f'savedsearch_id="{search.id}", suppressed=1')
            return False
        run.trigger, run.chosen = now, chosen
        progress(run)
        return True

    def _most_triggers(self) -> int | None:
        """How many results of one run trigger at most, where each does; 0 in limits.conf: all."""
        text = self._splunk.conf.get("limits", "scheduler", "max_per_result_alerts")
        return int(text or 500) or None

    def _record(self, run: AlertRun, job: Any, progress: Callable[[AlertRun], None]) -> None:
        """Note the silence and the fired alert; both are no-ops when a killed run did it."""
        search, trigger = run.search, run.trigger or run.time
        self._throttle.note(search, job.rows, run.chosen, trigger)
        if self._tracked(search) and (run.adhoc or not self._is_recorded(search, trigger)):
            self._splunk.alerts.fire(
                saved_search=search.name,
                app=search.app,
                owner=search.owner,
                sid=job.sid,
                severity=int(search.text("alert.severity") or DEFAULT_SEVERITY),
                trigger_time=trigger,
                actions=",".join(search.actions),
                expires_seconds=search.period("alert.expires", DEFAULT_EXPIRES),
                digest_mode=search.digest,
                alert_type=search.text("counttype") or "always",
                triggered_alerts=1 if search.digest else len(run.chosen),
            )
        run.fired = True
        progress(run)

    def _is_recorded(self, search: SavedSearch, trigger: float) -> bool:
        fired = self._splunk.alerts.all(search.name)
        return any(a.trigger_time == trigger and a.app == search.app for a in fired)

    def _tracked(self, search: SavedSearch) -> bool:
        """``alert.track``: with ``auto``, where an action asks for it and not always alerting."""
        if search.text("alert.track", "auto").strip().lower() != "auto":
            return search.flag("alert.track")
        if (search.text("counttype") or "always") == "always" and not search.text(
            "alert_condition"
        ):
            return False
        wanted = (search.action_settings(name, self._splunk.conf) for name in search.actions)
        return any(settings.get("track_alert") in ("1", "true") for settings in wanted)

    def act(
        self,
        run: AlertRun,
        job: Any,
        action: str,
        user: str,
        progress: Callable[[AlertRun], None],
        ending: threading.Event | None,
    ) -> int:
        """Run one action, once in digest mode, else for each chosen result; how often it ran."""
        search, count = run.search, 0
        rows = [None] if search.digest else [n for n in run.chosen if n < len(job.rows)]
        for row in rows:
            mark = action if row is None else f"{action}:{row}"
            if mark in run.started:
                continue
            run.started.append(mark)
            progress(run)
            alert_action.run(self._splunk, action, search, job, row, user, run.trigger, ending)
            count += 1
        return count


class DispatchedAlerts:
    """Alerts of searches that were dispatched with ``trigger_actions``, each in a thread."""

    def __init__(self, splunk: Any) -> None:
        self._splunk = splunk
        self._ending = threading.Event()
        self._threads: list[threading.Thread] = []

    def follow(self, search: SavedSearch, job: Any, user: str) -> None:
        """Wait for the job, then alert as a scheduled run would; a failed search alerts nobody.

        ``user`` is whose session key the actions get.
        """
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(
            target=self._go, args=(search, job, user), name=f"dispatch-{job.sid}", daemon=True
        )
        self._threads.append(thread)
        thread.start()

    def wait(self) -> None:
        """Wait until all that was dispatched so far has alerted."""
        for thread in list(self._threads):
            thread.join()

    def stop(self) -> None:
        """End the actions that run."""
        self._ending.set()
        self.wait()

    def _go(self, search: SavedSearch, job: Any, user: str) -> None:
        while not job.wait(POLL_SECONDS):
            if job.cancelled or self._ending.is_set():
                return
        if job.state != "DONE" or self._ending.is_set():
            return
        alerting, now = Alerting(self._splunk), self._splunk.clock.now()
        run, count = AlertRun(search, now, adhoc=True), 0
        try:
            job.ttl = max(job.ttl, alerting.ttl(search, now, alerts=True))
            count = alerting.follow(run, job, now, user, lambda run: None, self._ending)
        except _TROUBLE as error:
            self._splunk.log(_COMPONENT, "ERROR", f'savedsearch_id="{search.id}", {error}')
            return
        self._splunk.log(
            _COMPONENT,
            "INFO",
            f'savedsearch_id="{search.id}", search_type="adhoc", sid="{job.sid}", '
            f"result_count={len(job.rows)}, alert_actions={count}, status=success",
        )
