"""Runs saved searches on their cron schedule, and what they trigger.

Sources: savedsearches.conf.spec 10.0 (``realtime_schedule``, ``dispatch.*``, ``alert.*``);
"Configure the priority of scheduled reports": with real-time scheduling, the default, a missed or
still running period is left out; with continuous scheduling each period is run, late if need be.

Progress is written down at each step, so that a killed stand-in goes on where it was: a search
that had not alerted yet is run again for the same scheduled time; an alert that was recorded is
not recorded again, and an action that had been started is not started again.
"""

from __future__ import annotations

import sqlite3
import threading
import time
import traceback
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from .errors import SplunkdError
from .runners import alert_action
from .runners.alert_condition import Throttle, triggers
from .runners.errors import RunnerError
from .runners.saved_search import DEFAULT_EXPIRES, DEFAULT_SEVERITY, SavedSearch
from .runners.settings import lifetime
from .schedule import due_times, next_time, previous_time

__all__ = ["Scheduler"]

TICK_SECONDS = 1.0
MAX_CONCURRENT = 4
STOP_SECONDS = 10.0
SYSTEM_USER = "splunk-system-user"
_COMPONENT = "SavedSplunker"
_TROUBLE = (RunnerError, SplunkdError, OSError, sqlite3.Error)


@dataclass
class _Run:
    """One scheduled period of one search, with what is already done of it."""

    search: SavedSearch
    time: float
    trigger: float | None = None  # when it was decided that it alerts
    chosen: list[int] = field(default_factory=list)  # the results that alert
    fired: bool = False
    started: list[str] = field(default_factory=list)
    member: str = ""  # of a cluster, who runs it

    def as_json(self) -> dict[str, Any]:
        return {k: v for k, v in vars(self).items() if k != "search"}


class Scheduler:
    """The search scheduler of one stand-in."""

    def __init__(self, splunk: Any) -> None:
        self._splunk = splunk
        self._state = splunk.state("scheduler")
        self._throttle = Throttle(splunk.state("suppressions"))
        self._pool = ThreadPoolExecutor(MAX_CONCURRENT, thread_name_prefix="scheduler")
        self._running: set[str] = set()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._started_at = self._last_tick = splunk.clock.now()
        self._complaints: set[str] = set()

    def start(self) -> None:
        """Start ticking in a thread of its own."""
        self._started_at = self._last_tick = self._splunk.clock.now()
        self._thread = threading.Thread(target=self._loop, name="scheduler", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop: give what is being run a moment to end, then end it."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(TICK_SECONDS * 5)
        until = time.monotonic() + STOP_SECONDS
        while self._running and time.monotonic() < until:
            time.sleep(0.05)
        self._ending.set()
        for job in self._splunk.jobs.all() if self._running else []:
            job.cancel()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def tick(self, now: float) -> None:
        """Start whatever is due at ``now`` and wait for it to end."""
        for future in self._launch(now):
            future.result()

    def run_until(self, now: float) -> None:
        """Tick at every scheduled time up to ``now``, oldest first (for tests of long spans)."""
        times = {t for search in self._searches() for t in self._due(search, now, every=True)}
        for moment in sorted(times):
            self.tick(moment)
        self.tick(now)

    def _loop(self) -> None:
        while not self._stopping.is_set():
            try:
                self._launch(self._splunk.clock.now())
            except _TROUBLE as error:
                self._complain(f"The scheduler could not look at its searches: {error}")
            self._stopping.wait(TICK_SECONDS)

    def _searches(self) -> Iterable[SavedSearch]:
        for entry in self._splunk.conf.entries("savedsearches", owner="-"):
            owner = entry.acl.owner or "nobody"
            search = SavedSearch(entry.name, entry.acl.app, owner, entry.settings)
            try:
                if search.scheduled and search.text("cron_schedule"):
                    yield search
            except RunnerError as error:
                self._complain(str(error))

    def _complain(self, text: str) -> None:
        """Log a bad setting once, not at each tick."""
        if text not in self._complaints:
            self._complaints.add(text)
            self._splunk.log(_COMPONENT, "ERROR", text)

    def _launch(self, now: float) -> list[Future[None]]:
        futures = []
        for search in self._own_searches():
            with self._lock:
                busy = search.id in self._running or self._elsewhere(search)
                runs = self._take(search, now, busy)
                if runs and not busy and self._claim(runs[0]):
                    self._running.add(search.id)
                    futures.append(self._pool.submit(self._execute_all, search, runs, now))
        self._last_tick = now
        return futures

    def _own_searches(self) -> list[SavedSearch]:
        """In a cluster, those that the captain gave to this member."""
        searches, cluster = list(self._searches()), self._splunk.cluster
        if cluster is None:
            return searches
        own = cluster.allocate([search.id for search in searches])
        return [search for search in searches if search.id in own]

    def _elsewhere(self, search: SavedSearch) -> bool:
        """Whether another member, which is up, is running the search."""
        cluster = self._splunk.cluster
        current = (self._state.get(search.id) or {}).get("current")
        if cluster is None or not current or current.get("member") == cluster.label:
            return False
        return bool(cluster.is_up(current.get("member", "")))

    def _claim(self, run: _Run) -> bool:
        """Write down that this member runs it; False if another one did so first."""
        if self._splunk.cluster is None:
            return True
        seen = self._state.get(run.search.id)
        if seen.get("current", run.as_json()) != run.as_json():
            return False
        if "current" not in seen and seen["last"] >= run.time:
            return False
        run.member = self._splunk.cluster.label
        claimed = {"last": max(seen["last"], run.time), "current": run.as_json()}
        return bool(self._state.swap(run.search.id, seen, claimed))

    def _take(self, search: SavedSearch, now: float, busy: bool) -> list[_Run]:
        """What is to be run now. While a run of the same search goes on, nothing is."""
        record = self._state.get(search.id) or {}
        interrupted = record.get("current")
        if interrupted and not busy:
            return [_Run(search, **interrupted)]
        due = self._due(search, now)
        if not due:
            return []
        if search.continuous:
            return [] if busy else [_Run(search, time) for time in due]
        left_out = due if busy else due[:-1]
        if left_out:
            self._skip(search, left_out, "it was still running" if busy else "it was late")
        return [] if busy else [_Run(search, due[-1])]

    def _due(self, search: SavedSearch, now: float, every: bool = False) -> list[float]:
        """Scheduled times since the last run; the first sight of a search starts its schedule.

        With real-time scheduling, what came due while the stand-in was down is not due any more.
        """
        record = self._state.get(search.id)
        if record is None:
            self._state.swap(search.id, None, {"last": self._last_tick})
            record = self._state.get(search.id)
        after, cron = float(record["last"]), search.text("cron_schedule")
        try:
            if not search.continuous and not every and after < self._started_at:
                missed = previous_time(cron, self._started_at)
                if missed > after:
                    self._skip(search, [missed], "Splunk was down")
                    after = missed
            return due_times(cron, after, now)
        except RunnerError as error:
            self._complain(f'savedsearch_id="{search.id}", {error}')
            return []

    def _skip(self, search: SavedSearch, times: list[float], reason: str) -> None:
        record = self._state.get(search.id)
        self._state.swap(search.id, record, {**record, "last": max(record["last"], times[-1])})
        told = f'savedsearch_id="{search.id}", status=skipped, scheduled_time={times[-1]:.0f}'
        self._splunk.log(_COMPONENT, "INFO", f'{told}, reason="{reason}"')

    def _save(self, search: SavedSearch, last: float, current: dict[str, Any] | None) -> None:
        record = {"last": last, **({"current": current} if current else {})}
        self._state.set(search.id, record)

    def _execute_all(self, search: SavedSearch, runs: list[_Run], now: float) -> None:
        try:
            for run in runs:
                if self._stopping.is_set():
                    return
                self._execute(run, now)
        except sqlite3.Error as error:  # a full disk: the period is run when there is room again
            self._complain(f'savedsearch_id="{search.id}", its progress was not kept: {error}')
        except Exception:
            self._splunk.log(_COMPONENT, "ERROR", f"{search.id}: {traceback.format_exc()}")
            raise
        finally:
            with self._lock:
                self._running.discard(search.id)

    def _execute(self, run: _Run, now: float) -> None:
        search = run.search
        self._progress(run)
        status, count, ran = "success", 0, 0
        try:
            job = self._dispatch(run)
            if job.state == "FAILED":
                status = f"failed, message={' '.join(text for _, text in job.messages)!r}"
            else:
                count = len(job.rows)
                ran = self._alert(run, job, now)
                if not run.fired:
                    job.ttl = self._ttl(run, alerts=False)
        except _TROUBLE as error:
            status = f"failed, message={str(error)!r}"
        self._progress(run, ended=True)
        self._splunk.log(
            _COMPONENT,
            "INFO" if status == "success" else "ERROR",
            f'savedsearch_id="{search.id}", search_type="scheduled", user="{search.owner}", '
            f'app="{search.app}", savedsearch_name="{search.name}", scheduled_time={run.time:.0f}, '
            f"result_count={count}, alert_actions={ran}, status={status}",
        )

    def _progress(self, run: _Run, ended: bool = False) -> None:
        with self._lock:
            last = (self._state.get(run.search.id) or {}).get("last", run.time)
            self._save(run.search, max(last, run.time), None if ended else run.as_json())

    def _dispatch(self, run: _Run) -> Any:
        search = run.search
        user = SYSTEM_USER if search.owner == "nobody" else search.owner
        return self._splunk.jobs.dispatch(
            search.text("search"),
            user,
            search.app,
            search.settings.get("dispatch.earliest_time") or None,
            search.settings.get("dispatch.latest_time") or None,
            saved_search=search.name,
            owner=search.owner,
            exec_mode="blocking",
            now=run.time,
            ttl=self._ttl(run, alerts=True),
        )

    def _ttl(self, run: _Run, alerts: bool) -> float:
        """How long the results are kept: longer where an alert points at them.

        ``dispatch.ttl`` (2p); an action's ``ttl`` (10p) and a tracked alert's ``alert.expires``.
        """
        search, cron = run.search, run.search.text("cron_schedule")
        period = next_time(cron, run.time) - run.time
        ttl = lifetime(search.text("dispatch.ttl", "2p"), period, "dispatch.ttl")
        if not alerts:
            return ttl
        for name in search.actions:
            settings = search.action_settings(name, self._splunk.conf)
            ttl = max(ttl, lifetime(settings.get("ttl") or "10p", period, f"ttl in [{name}]"))
        if self._tracked(search):
            ttl = max(ttl, search.period("alert.expires", DEFAULT_EXPIRES))
        return ttl

    def _alert(self, run: _Run, job: Any, now: float) -> int:
        """Check the condition and the throttling; record the alert; run actions. How many ran."""
        search = run.search
        if run.trigger is None and not self._decide(run, job, now):
            return 0
        if not run.fired:
            self._record(run, job)
        return sum(self._act(run, job, action) for action in search.actions)

    def _decide(self, run: _Run, job: Any, now: float) -> bool:
        search, rows = run.search, job.rows
        if not triggers(search, rows, lambda spl: self._splunk.jobs.filter(job, spl)):
            return False
        chosen = self._throttle.passing(search, rows, now)
        if self._throttle.silenced(search, now) or not (chosen or search.digest):
            self._splunk.log(_COMPONENT, "INFO", f'savedsearch_id="{search.id}", suppressed=1')
            return False
        run.trigger, run.chosen = now, chosen
        self._progress(run)
        return True

    def _record(self, run: _Run, job: Any) -> None:
        """Note the silence and the fired alert; both are no-ops when a killed run did it."""
        search, trigger = run.search, run.trigger or run.time
        self._throttle.note(search, job.rows, run.chosen, trigger)
        if self._tracked(search) and not self._is_recorded(search, trigger):
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
                alert_type=search.text("counttype", "always"),
                triggered_alerts=1 if search.digest else len(run.chosen),
            )
        run.fired = True
        self._progress(run)

    def _is_recorded(self, search: SavedSearch, trigger: float) -> bool:
        fired = self._splunk.alerts.all(search.name)
        return any(a.trigger_time == trigger and a.app == search.app for a in fired)

    def _tracked(self, search: SavedSearch) -> bool:
        """``alert.track``: with ``auto``, where an action asks for it and not always alerting."""
        if search.text("alert.track", "auto").strip().lower() != "auto":
            return search.flag("alert.track")
        if search.text("counttype", "always") == "always" and not search.text("alert_condition"):
            return False
        wanted = (search.action_settings(name, self._splunk.conf) for name in search.actions)
        return any(settings.get("track_alert") in ("1", "true") for settings in wanted)

    def _act(self, run: _Run, job: Any, action: str) -> int:
        search = run.search
        user = SYSTEM_USER if search.owner == "nobody" else search.owner
        count = 0
        rows = [None] if search.digest else [n for n in run.chosen if n < len(job.rows)]
        for row in rows:
            mark = action if row is None else f"{action}:{row}"
            if mark in run.started:
                continue
            run.started.append(mark)
            self._progress(run)
            alert_action.run(
                self._splunk, action, search, job, row, user, run.trigger, self._ending
            )
            count += 1
        return count
