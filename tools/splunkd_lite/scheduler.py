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
from typing import Any

from .alerting import Alerting, AlertRun, acting_user
from .errors import SplunkdError
from .runners.errors import RunnerError
from .runners.saved_search import SavedSearch
from .schedule import due_times, previous_time
from .schedule_order import max_concurrent, priority, window_end

__all__ = ["Scheduler"]

TICK_SECONDS = 1.0
THREADS = 32  # how many run at once is for limits.conf to say
STOP_SECONDS = 10.0
_COMPONENT = "SavedSplunker"
_TROUBLE = (RunnerError, SplunkdError, OSError, sqlite3.Error)


class Scheduler:
    """The search scheduler of one stand-in."""

    def __init__(self, splunk: Any) -> None:
        self._splunk = splunk
        self._pace = splunk.options.cron_pace
        self._state = splunk.state("scheduler")
        self._alerting = Alerting(splunk)
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="scheduler")
        self._running: set[str] = set()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._started_at = self._last_tick = splunk.clock.now()
        self._complaints: set[str] = set()
        self._deferred: set[tuple[str, float]] = set()  # runs that wait for their turn

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
        while futures := self._launch(now):
            for future in futures:
                future.result()
            if not self._deferred:
                return

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
        """Start what is due, most urgent first, as far as there is room; the rest waits."""
        futures, waiting = [], set()
        room = max_concurrent(self._splunk.conf)
        for search in sorted(self._own_searches(), key=self._urgency):
            with self._lock:
                busy = search.id in self._running or self._elsewhere(search)
                runs = self._take(search, now, busy)
                if not runs or busy:
                    continue
                if len(self._running) >= room:
                    waiting |= self._defer(search, runs[0], now, room)
                elif self._claim(runs[0]):
                    self._running.add(search.id)
                    futures.append(self._pool.submit(self._execute_all, search, runs, now))
        self._deferred = waiting
        self._last_tick = now
        return futures

    def _urgency(self, search: SavedSearch) -> tuple[int, int]:
        """The place of a search among those that are due."""
        try:
            owner = self._splunk.access.user(acting_user(search.owner))
            return priority(search, owner.can("edit_search_schedule_priority"))
        except SplunkdError:  # the owner's account is gone; the dispatch will say so
            return priority(search, False)
        except RunnerError as error:
            self._complain(str(error))
            return (99, 0)

    def _defer(
        self, search: SavedSearch, run: AlertRun, now: float, room: int
    ) -> set[tuple[str, float]]:
        """Let a run wait for its turn; one whose window has passed is skipped."""
        mark = (search.id, run.time)
        try:
            end = window_end(search, run.time)
        except RunnerError as error:
            self._complain(str(error))
            end = None
        if end is not None and now >= end and not search.continuous:
            self._skip(search, [run.time], "its schedule window has passed")
            return set()
        if mark not in self._deferred:
            told = f'savedsearch_id="{search.id}", status=deferred, scheduled_time={run.time:.0f}'
            reason = f"the maximum number of concurrent scheduled searches, {room}, is reached"
            self._splunk.log(_COMPONENT, "INFO", f'{told}, reason="{reason}"')
        return {mark}

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

    def _claim(self, run: AlertRun) -> bool:
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

    def _take(self, search: SavedSearch, now: float, busy: bool) -> list[AlertRun]:
        """What is to be run now. While a run of the same search goes on, nothing is."""
        record = self._state.get(search.id) or {}
        interrupted = record.get("current")
        if interrupted and not busy:
            return [AlertRun(search, **interrupted)]
        due = self._due(search, now)
        if not due:
            return []
        if search.continuous:
            return [] if busy else [AlertRun(search, time) for time in due]
        left_out = due if busy else due[:-1]
        if left_out:
            self._skip(search, left_out, "it was still running" if busy else "it was late")
        return [] if busy else [AlertRun(search, due[-1])]

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
                missed = previous_time(cron, self._started_at, self._pace)
                if missed > after:
                    self._skip(search, [missed], "Splunk was down")
                    after = missed
            return due_times(cron, after, now, self._pace)
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

    def _execute_all(self, search: SavedSearch, runs: list[AlertRun], now: float) -> None:
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

    def _execute(self, run: AlertRun, now: float) -> None:
        search = run.search
        self._progress(run)
        status, count, ran = "success", 0, 0
        try:
            job = self._dispatch(run)
            if job.state == "FAILED":
                status = f"failed, message={' '.join(text for _, text in job.messages)!r}"
            else:
                count = len(job.rows)
                user = acting_user(search.owner)
                ran = self._alerting.follow(run, job, now, user, self._progress, self._ending)
                if not run.fired:
                    job.ttl = self._alerting.ttl(search, run.time, alerts=False)
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

    def _progress(self, run: AlertRun, ended: bool = False) -> None:
        with self._lock:
            last = (self._state.get(run.search.id) or {}).get("last", run.time)
            self._save(run.search, max(last, run.time), None if ended else run.as_json())

    def _dispatch(self, run: AlertRun) -> Any:
        search = run.search
        return self._splunk.jobs.dispatch(
            search.text("search"),
            acting_user(search.owner),
            search.app,
            search.settings.get("dispatch.earliest_time") or None,
            search.settings.get("dispatch.latest_time") or None,
            saved_search=search.name,
            owner=search.owner,
            exec_mode="blocking",
            now=run.time,
            ttl=self._alerting.ttl(search, run.time, alerts=True),
        )
