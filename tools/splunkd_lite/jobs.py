"""Search jobs: dispatch, states, results on disk, expiry.

Source: ``search/jobs`` in the REST API Reference, "Search endpoint descriptions". A job's folder is
``var/run/splunk/dispatch/<sid>``, with ``results.csv.gz`` for alert actions and ``info.json``, from
which finished jobs are found again after a restart.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import shutil
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from tools.splunkd_lite.access import User
from tools.splunkd_lite.errors import SplunkdError, is_disk_full
from tools.splunkd_lite.job import Job
from tools.splunkd_lite.job_context import JobContext
from tools.splunkd_lite.spl.execute import Results
from tools.splunkd_lite.spl.holding import Held
from tools.splunkd_lite.timerange import parse_time

if TYPE_CHECKING:
    from tools.splunkd_lite.core import Splunk

__all__ = ["Job", "Jobs"]

PARALLEL_SEARCHES = 32  # a custom command may wait for searches of its own
_SID = re.compile(r"[A-Za-z0-9_@\-][A-Za-z0-9_.@\-]{0,250}")  # it names a folder
ROWS_IN_MEMORY = 500_000  # of all finished jobs together; older ones are read from disk again


class Jobs:
    """Runs searches in a pool of threads."""

    def __init__(self, splunk: Splunk) -> None:
        self._splunk = splunk
        self._folder = splunk.home / "var" / "run" / "splunk" / "dispatch"
        self._jobs: dict[str, Job] = {}
        self._lock = threading.RLock()
        self._pool = ThreadPoolExecutor(PARALLEL_SEARCHES, thread_name_prefix="search")
        self._numbers = itertools.count(1)
        self._restore()

    def dispatch(
        self,
        spl: str,
        user: User | str,
        app: str = "search",
        earliest: str | float | None = None,
        latest: str | float | None = None,
        *,
        saved_search: str | None = None,
        exec_mode: str = "blocking",
        max_count: int = 500_000,
        sid: str | None = None,
        now: float | None = None,
        ttl: float = 600.0,
        owner: str | None = None,
        label: str = "",
        scheduled: bool | None = None,
    ) -> Job:
        """Start a search; unless ``exec_mode`` is ``normal``, wait for its end.

        ``earliest`` and ``latest`` are Splunk time modifiers relative to ``now``, or epoch
        seconds. A job of a ``saved_search`` is a scheduled one unless ``scheduled`` says not.

        Raises:
            SplunkdError: 400, the search does not parse; 403, no ``search`` capability; 507,
                the disk is full; 501, a role narrows searches in a way that is not done here.
        """
        self.reap()
        who = self._splunk.access.user(user) if isinstance(user, str) else user
        if not who.can("search"):
            raise SplunkdError(403, f"User '{who.name}' lacks the capability: search.")
        self._splunk.access.check_search_limits(who)
        moment = self._splunk.clock.now() if now is None else now
        scheduled = saved_search is not None if scheduled is None else scheduled
        identity = sid or self._sid(saved_search if scheduled else None, owner, who, app, moment)
        if not _SID.fullmatch(identity):
            raise SplunkdError(400, f"Invalid sid '{identity}': letters, digits and _ . - @ only.")
        if not scheduled:
            self._check_quota(who)
        if identity in self._jobs:
            raise SplunkdError(409, f"Search with sid={identity} already exists.")
        job = Job(
            sid=identity,
            search=spl,
            user=who.name,
            owner=owner or who.name,
            app=app,
            folder=self._folder / identity,
            created=self._splunk.clock.now(),
            now=moment,
            earliest=parse_time(earliest, moment),
            latest=parse_time(latest, moment),
            saved_search=saved_search,
            scheduled=scheduled,
            ttl=ttl,
            max_count=max_count,
            label=label,
        )
        context = JobContext(self._splunk, job, who)
        pipeline = self.parse(spl, context)
        self._make_folder(job)
        with self._lock:
            self._jobs[job.sid] = job
        watched = exec_mode == "normal"  # else nobody knows of it before its end
        future = self._pool.submit(self._execute, job, pipeline, context, watched)
        if exec_mode != "normal":
            future.result()
        return job

    def get(self, sid: str) -> Job:
        """Raises: SplunkdError: 404, unknown or expired."""
        self.reap()
        job = self._jobs.get(sid) or self._of_another_member(sid)
        if job is None:
            raise SplunkdError(404, "Unknown sid.", "FATAL")
        return job

    def all(self, saved_search: str | None = None, app: str | None = None) -> list[Job]:
        """Jobs, newest first."""
        self.reap()
        with self._lock:
            jobs = list(self._jobs.values())
        return sorted(
            (
                job
                for job in jobs
                if saved_search in (None, job.saved_search) and app in (None, job.app)
            ),
            key=lambda job: (-job.created, job.sid),
        )

    def filter(self, job: Job, spl: str, who: User | None = None) -> list[dict[str, Any]]:
        """What a post-process search makes of a job's results (an alert condition, say).

        Raises:
            SplunkdError: 400, the search does not parse or fails.
        """
        return self.post_process(job, spl, who)[1]

    def post_process(
        self, job: Job, spl: str, who: User | None = None
    ) -> tuple[list[str], list[dict[str, Any]]]:
        """Like :meth:`filter`, with the fields in their order."""
        from tools.splunkd_lite.spl import Environment, SplError, parse
        from tools.splunkd_lite.spl.execute import run_pipeline, text_row

        text = spl.strip() if spl.strip().startswith("|") else f"| {spl.strip()}"
        context = JobContext(self._splunk, job, who or self._splunk.access.user(job.user))
        given = map(dict, job.rows)  # commands may change rows in place
        try:
            stream = run_pipeline(parse(text, context), Environment(context), rows=given)
            rows = [text_row(row) for row in stream]
        except SplError as error:
            raise SplunkdError(400, str(error), "FATAL") from error
        fields = dict.fromkeys(name for row in rows for name in row)
        known = [name for name in job.fields if name in fields]
        return list(dict.fromkeys([*known, *fields])), rows

    def delete(self, sid: str) -> None:
        """Cancel a job and remove its folder."""
        job = self.get(sid)
        job.cancel()
        self._forget(job)

    def reap(self) -> None:
        """Remove jobs whose time to live has passed since they ended."""
        now = self._splunk.clock.now()
        with self._lock:
            expired = [job for job in self._jobs.values() if job.expired(now)]
        for job in expired:
            self._forget(job)
        self._shrink()

    def stop(self) -> None:
        for job in list(self._jobs.values()):
            if not job.is_done:
                job.cancel()
        self._pool.shutdown(wait=True, cancel_futures=True)

    # Running

    def parse(self, spl: str, context: JobContext) -> Any:
        """The engine's tree of a search.

        Raises:
            SplunkdError: 400, naming what is wrong and where.
        """
        from tools.splunkd_lite.spl import SplError, parse

        try:
            return parse(spl, context)
        except SplError as error:
            raise SplunkdError(400, str(error), "FATAL") from error

    def check(self, spl: str, user: User, app: str) -> None:
        """Parse a search as ``user`` would run it, without running it."""
        now = self._splunk.clock.now()
        job = Job("check", spl, user.name, user.name, app, self._folder / "check", now, now)
        self.parse(spl, JobContext(self._splunk, job, user))

    def _execute(self, job: Job, pipeline: Any, context: JobContext, watched: bool) -> None:
        """Run in the pool; whatever happens, the job ends and says why."""
        started = self._splunk.clock.now()
        preview = Results(rows=Held(job.folder))
        job.start(preview)
        try:
            self._run(job, pipeline, context, preview, watched)
        except Exception as error:  # noqa: BLE001 - the thread's edge: a bug must end the job
            self._splunk.log("SearchProcess", "ERROR", f"{job.sid}: {traceback.format_exc()}")
            job.fail(f"The search failed inside the search process: {error!r}")
        finally:
            job.run_duration = max(0.0, self._splunk.clock.now() - started)
            self._note(job)
            job.settle(self._splunk.clock.now())

    def _run(
        self, job: Job, pipeline: Any, context: JobContext, preview: Results, watched: bool
    ) -> None:
        from tools.splunkd_lite.runners.errors import RunnerError
        from tools.splunkd_lite.spl import SplError, run

        try:
            results = run(pipeline, context, limit=job.max_count, into=preview, previews=watched)
            for message in results.messages:
                job.message(message.level, message.text)
            if job.finalized:
                job.message("INFO", "Search finalized.")
            job.finish(results.fields, results.rows)
        except (SplError, RunnerError) as error:
            job.fail(str(error))
        except SplunkdError as error:
            job.fail(error.text)
        except OSError as error:
            job.fail(self._disk_full(error))

    def _note(self, job: Job) -> None:
        """Leave what a restart needs to find the job again."""
        try:
            (job.folder / "info.json").write_text(json.dumps(job.info()), encoding="utf-8")
        except OSError as error:
            job.fail(self._disk_full(error))

    def _check_quota(self, who: User) -> None:
        """authorize.conf: srchJobsQuota, the highest of the user's roles; 0 is no limit.

        Raises:
            SplunkdError: 503, too many searches of theirs run (status and words unverified).
        """
        quota = self._splunk.access.jobs_quota(who)
        with self._lock:
            running = [j for j in self._jobs.values() if not j.is_done and not j.scheduled]
        if quota and sum(job.user == who.name for job in running) >= quota:
            raise SplunkdError(
                503,
                "Search not executed: The maximum number of concurrent historical searches for "
                "this user based on their role quota has been reached. "
                f"concurrency_limit={quota}",
                "FATAL",
            )

    def _make_folder(self, job: Job) -> None:
        try:
            job.folder.mkdir(parents=True)
        except OSError as error:
            raise SplunkdError(507, self._disk_full(error)) from error

    def _disk_full(self, error: OSError) -> str:
        if not is_disk_full(error):
            return f"The search could not use its dispatch folder: {error}"
        text = f"Search not executed: the disk is full at {self._folder}. Free some space."
        self._splunk.messages.post("disk_full_dispatch", "error", text)
        return text

    def _sid(
        self, saved_search: str | None, owner: str | None, who: User, app: str, moment: float
    ) -> str:
        """The forms that splunkd gives ad hoc and scheduled searches."""
        number = str(next(self._numbers))
        if self._splunk.cluster is not None:  # members tell their searches apart by their GUID
            number += f"_{self._splunk.guid}"
        if saved_search is None:
            return f"{moment:.0f}.{number}"
        digest = hashlib.md5(saved_search.encode(), usedforsecurity=False).hexdigest()[:16]
        who_owns = re.sub(r"[^A-Za-z0-9_.\-]", "_", owner or who.name)
        return f"scheduler__{who_owns}__{app}__RMD5{digest}_at_{moment:.0f}_{number}"

    # Keeping

    def _of_another_member(self, sid: str) -> Job | None:
        """A finished search of another member: a cluster's members share search artifacts."""
        cluster = self._splunk.cluster
        folder = cluster.dispatch_folder(sid) if cluster and _SID.fullmatch(sid) else None
        if folder is None:
            return None
        return Job.restore(folder, json.loads((folder / "info.json").read_text(encoding="utf-8")))

    def _restore(self) -> None:
        for path in sorted(self._folder.glob("*/info.json")):
            try:
                job = Job.restore(path.parent, json.loads(path.read_text(encoding="utf-8")))
            except (ValueError, KeyError, TypeError):
                continue  # a folder that a kill left half written: no job, expires by hand
            self._jobs[job.sid] = job
        highest = max((job.number for job in self._jobs.values()), default=0)
        self._numbers = itertools.count(highest + 1)

    def _forget(self, job: Job) -> None:
        with self._lock:
            self._jobs.pop(job.sid, None)
        shutil.rmtree(job.folder, ignore_errors=True)

    def _shrink(self) -> None:
        kept = 0
        for job in sorted(self._jobs.values(), key=lambda job: -job.created):
            if job.is_done:
                kept += job.rows_in_memory
                if kept > ROWS_IN_MEMORY:
                    job.unload()
