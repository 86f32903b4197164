"""search/jobs, search/v2/jobs and search/parser.

Source: "Search endpoint descriptions" in the REST API Reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tools.splunkd_lite.conf import ANY
from tools.splunkd_lite.errors import SplunkdError
from tools.splunkd_lite.job import Job
from tools.splunkd_lite.metadata import Acl
from tools.splunkd_lite.rest import results, summary
from tools.splunkd_lite.rest.atom import Entry, Feed, entry_xml, message_response
from tools.splunkd_lite.rest.paging import paged
from tools.splunkd_lite.rest.request import RestRequest, RestResponse
from tools.splunkd_lite.rest.router import Answer, Handler, route

if TYPE_CHECKING:
    from tools.splunkd_lite.core import Splunk

__all__ = ["job_entry", "with_search"]

_TTL, _SAVED_TTL = 600, 604_800
# What the reference lists and is not done here, though it would change what a search finds. A name
# that it does not list is kept with the job by splunkd, as Dashboard Studio relies on.
_NOT_DONE = (
    "auto_finalize_ec", "auto_pause", "enable_lookups", "index_earliest", "index_latest",
    "max_time", "reload_macros", "remote_server_list", "replay_et", "replay_lt", "replay_speed",
    "reuse_max_seconds_ago", "sample_ratio", "time_format",
)  # fmt: skip
# What a job that is queued or parsed does not have yet, as measured on 10.4.2 (mockdr/mockdr,
# test_splunk_job_while_parsing.py).
_ONCE_IT_RUNS = (
    "eventAvailableCount", "eventCount", "eventSearch", "isRealTimeSearch", "keywords",
    "normalizedSearch", "resultCount", "runDuration", "scanCount",
)  # fmt: skip
_EXEC_MODES = ("normal", "blocking", "oneshot")
_NAMESPACES = (
    ' xmlns="http://www.w3.org/2005/Atom" xmlns:s="http://dev.splunk.com/ns/rest"'
    ' xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/"'
)


def both(methods: str, tail: str) -> Any:
    """Register under search/jobs and search/v2/jobs."""

    def register(handler: Handler) -> Handler:
        for base in ("search/jobs", "search/v2/jobs"):
            route(methods, base + tail)(handler)
        return handler

    return register


@both("GET", "")
def list_jobs(splunk: Splunk, request: RestRequest) -> Feed:
    wanted = set(request.param_list("id"))
    jobs = [
        job for job in splunk.jobs.all() if _may(request, job) and (not wanted or job.sid in wanted)
    ]
    entries = [job_entry(splunk, request, job) for job in jobs]
    return paged("jobs", entries, request, in_order=True)


@both("POST", "")
def create_job(splunk: Splunk, request: RestRequest) -> RestResponse:
    mode = request.param("exec_mode") or "normal"
    if mode not in _EXEC_MODES:
        raise SplunkdError(400, f"Invalid exec_mode '{mode}': use normal, blocking or oneshot.")
    job = _start(splunk, request, mode)
    if mode == "oneshot":
        return _oneshot(splunk, request, job)
    if request.json_wanted:
        return RestResponse.of_json({"sid": job.sid}, 201)
    return RestResponse.of_xml(f"<response>\n  <sid>{job.sid}</sid>\n</response>\n", 201)


@both("POST", "/export")
def export(splunk: Splunk, request: RestRequest) -> RestResponse:
    """Stream the results: JSON and raw text as they are found, XML and CSV when all are there."""
    streams = results.streams(request)
    job = _start(splunk, request, "normal" if streams else "blocking")
    while streams and not job.found() and not job.wait(results.LOOK_SECONDS):
        pass  # a search that fails before it finds anything is a 400
    if job.state == "FAILED":
        return _failed(request, job)
    return results.export(job, request)


@both("GET", "/{sid}")
def get_job(splunk: Splunk, request: RestRequest) -> Answer:
    job = _job(splunk, request)
    entry = job_entry(splunk, request, job)
    if request.json_wanted:
        return Feed("job", [entry])
    return RestResponse.of_xml(entry_xml(entry, _NAMESPACES).strip())


@both("DELETE", "/{sid}")
def delete_job(splunk: Splunk, request: RestRequest) -> RestResponse:
    job = _job(splunk, request)
    splunk.jobs.delete(job.sid)
    return message_response([("INFO", "Search job cancelled.")], 200, request.json_wanted)


@both("POST", "/{sid}/control")
def control(splunk: Splunk, request: RestRequest) -> RestResponse:
    job = _job(splunk, request)
    action = request.param("action")
    if action == "cancel":
        splunk.jobs.delete(job.sid)
    elif action == "finalize":
        job.finalize()
    elif action in ("pause", "unpause"):
        job.pause(action == "pause")
    elif action in ("enablepreview", "disablepreview"):
        job.previews = action == "enablepreview"
    elif action in ("touch", "save", "unsave", "setttl"):
        _keep(splunk, request, job, action)
    elif action == "setpriority":
        job.priority = request.number("priority", job.priority)
        if not 0 <= job.priority <= 10:
            raise SplunkdError(400, "The priority of a search job lies between 0 and 10.")
    else:
        raise SplunkdError(400, f"Invalid action '{action}' for a search job.")
    done = {"cancel": "Search job cancelled.", "finalize": "Search job finalized."}
    text = done.get(action, f"Search job: {action} done.")
    return message_response([("INFO", text)], 200, request.json_wanted)


def _keep(splunk: Splunk, request: RestRequest, job: Job, action: str) -> None:
    """How long the results stay: ``save`` a week, ``unsave`` ten minutes, from now on."""
    if job.ended is not None and action != "setttl":
        job.ended = splunk.clock.now()
    if action in ("save", "unsave"):
        job.saved = action == "save"
        job.ttl = float(_SAVED_TTL if job.saved else _TTL)
    elif action == "setttl":
        job.ttl = float(request.number("ttl", int(job.ttl)))


@both("GET POST", "/{sid}/results")
def get_results(splunk: Splunk, request: RestRequest) -> RestResponse:
    job = _job(splunk, request)
    if job.state == "FAILED":
        return _failed(request, job)
    if not job.is_done:
        return RestResponse(204)
    return results.response(splunk, job, request)


@both("GET POST", "/{sid}/results_preview")
def get_preview(splunk: Splunk, request: RestRequest) -> RestResponse:
    """What the search has found so far, of a transforming search the table of that."""
    job = _job(splunk, request)
    if job.state == "FAILED":
        return _failed(request, job)
    if not (job.previews or job.is_done):
        return RestResponse(204)
    return results.response(splunk, job, request)


@both("GET POST", "/{sid}/events")
def get_events(splunk: Splunk, request: RestRequest) -> RestResponse:
    """The events that the search kept: none of a transforming search, as no buckets are kept."""
    job = _job(splunk, request)
    if job.state == "FAILED":
        return _failed(request, job)
    return results.response(splunk, job, request, events=True)


@both("GET", "/{sid}/summary")
def get_summary(splunk: Splunk, request: RestRequest) -> RestResponse:
    """What the fields of the results hold so far."""
    return summary.response(_job(splunk, request), request)


@both("GET", "/{sid}/timeline")
def get_timeline(splunk: Splunk, request: RestRequest) -> RestResponse:
    """How many events there are, without buckets: ``status_buckets`` is not done here."""
    job = _job(splunk, request)
    return RestResponse.of_xml(f'<timeline c="{job.event_count}" cursor="0.000000"></timeline>')


@both("GET", "/{sid}/search.log")
def get_log(splunk: Splunk, request: RestRequest) -> RestResponse:
    job = _job(splunk, request)
    lines = [f"{kind} {text}" for kind, text in job.messages]
    return RestResponse(200, "\n".join(lines).encode(), "text/plain; charset=utf-8")


@route("GET POST", "search/parser")
@route("GET POST", "search/v2/parser")
def parser(splunk: Splunk, request: RestRequest) -> RestResponse:
    """Says whether a search parses."""
    splunk.jobs.check(request.param("q"), request.who, _app(splunk, request))
    if request.param("output_mode") == "json":
        return RestResponse.of_json({"remoteSearch": "", "commands": []})
    return RestResponse.of_xml("<response>\n<dict/>\n</response>\n")


def with_search(spl: str) -> str:
    """A saved search may leave out the leading ``search``; splunkd puts it there."""
    text = spl.strip()
    if text.startswith("|") or text.split(" ")[0].split("\n")[0].lower() == "search":
        return text
    return f"search {text}"


def job_entry(splunk: Splunk, request: RestRequest, job: Job) -> Entry:
    """A job as the REST API shows it."""
    done, failed = job.is_done, job.state == "FAILED"
    content: dict[str, Any] = {
        "cursorTime": "1970-01-01T00:00:00.000+00:00",
        "defaultSaveTTL": str(_SAVED_TTL),
        "defaultTTL": str(_TTL),
        "delegate": "scheduler" if job.scheduled else "",
        "diskUsage": 0,
        "dispatchState": "PAUSE" if job.paused and not done else job.state,
        "doneProgress": 1 if done else 0,
        "earliestTime": "" if job.earliest is None else results.iso(job.earliest),
        "eventCount": job.scan_count,
        "eventAvailableCount": job.found(),
        "eventSearch": job.search,
        "isDone": done,
        "isFailed": failed,
        "isFinalized": job.finalized and done,
        "isPaused": job.paused and not done,
        "isPreviewEnabled": job.previews,
        "isRealTimeSearch": False,
        "isSaved": job.saved,
        "isSavedSearch": job.saved_search is not None,
        "isZombie": False,
        "keywords": "",
        "label": job.saved_search or job.label,
        "latestTime": "" if job.latest is None else results.iso(job.latest),
        "messages": [{"type": kind, "text": text} for kind, text in job.messages],
        "normalizedSearch": job.search,
        "numPreviews": 0,
        "priority": job.priority,
        "request": {"search": job.search},
        "resultCount": job.row_count,
        "resultPreviewCount": job.found(),
        "runDuration": round(job.run_duration, 3),
        "scanCount": job.scan_count,
        "search": job.search,
        "sid": job.sid,
        "statusBuckets": 0,
        "ttl": int(job.ttl),
    }
    # As recorded of 10.4.2: what has no bound has no time, and the latest is text.
    if job.earliest is not None:
        content["searchEarliestTime"] = job.earliest
    if job.latest is not None:
        content["searchLatestTime"] = f"{job.latest:f}"
    if failed:
        fatal = [text for kind, text in job.messages if kind == "FATAL"]
        content["messages"] += [{"type": "ERROR", "text": text} for text in fatal]
    if job.state in ("QUEUED", "PARSING"):
        for name in _ONCE_IT_RUNS:
            content.pop(name, None)
    acl = Acl(job.app, job.owner, "global", (job.owner,), (job.owner,))
    links = ("search.log", "events", "results", "results_preview", "summary", "control")
    entry = Entry(job.search, content, acl, "search/jobs", links, job.created)
    entry.extra = {"published": results.iso(job.created)}
    return entry


def _start(splunk: Splunk, request: RestRequest, mode: str) -> Job:
    spl = request.param("search").strip()
    if not spl:
        raise SplunkdError(400, "Empty search.", "FATAL")
    first = spl.split()[0]
    if not spl.startswith(("|", "[")) and first.lower() != "search":
        raise SplunkdError(400, f"Unknown search command '{first}'.", "FATAL")
    if request.param("search_mode", "normal") == "realtime":
        raise SplunkdError(400, "Real-time searches are not supported.", "FATAL")
    _check_done(request)
    timeout = request.number("timeout", 0) or request.number("auto_cancel", 0)
    return splunk.jobs.dispatch(
        spl,
        request.who,
        _app(splunk, request),
        request.param("earliest_time") or None,
        request.param("latest_time") or None,
        exec_mode="normal" if mode == "normal" else "blocking",
        max_count=request.number("max_count", 500_000) or 500_000,
        sid=request.param("id") or None,
        now=float(request.param("now")) if request.param("now") else None,
        ttl=float(timeout or 600),
        label=request.param("label"),
    )


def _check_done(request: RestRequest) -> None:
    """Raises: SplunkdError: 400, an argument that is not done here has another than its default."""
    defaults = {
        "sample_ratio": ("1",),
        "enable_lookups": ("1", "true"),
        "reload_macros": ("1", "true"),
    }
    for name in _NOT_DONE:
        if request.has(name) and request.param(name) not in defaults.get(name, ("", "0")):
            raise SplunkdError(400, f"Argument '{name}' is not supported by this endpoint.")


def _app(splunk: Splunk, request: RestRequest) -> str:
    """The app that the search runs in."""
    app = "search" if request.app in (None, ANY) else str(request.app)
    if app not in splunk.conf.apps():
        raise SplunkdError(404, f"Application does not exist: {app}")
    return app


def _oneshot(splunk: Splunk, request: RestRequest, job: Job) -> RestResponse:
    """The results at once; the job is gone afterwards, as its sid is never told."""
    try:
        if job.state == "FAILED":
            return _failed(request, job)
        return results.response(splunk, job, request)
    finally:
        splunk.jobs.delete(job.sid)


def _failed(request: RestRequest, job: Job) -> RestResponse:
    messages = [(kind, text) for kind, text in job.messages if kind in ("FATAL", "ERROR")]
    as_json = request.param("output_mode").startswith("json")
    return message_response(messages or [("FATAL", "Search failed.")], 400, as_json)


def _job(splunk: Splunk, request: RestRequest) -> Job:
    job = splunk.jobs.get(_sid(request))
    if not _may(request, job):
        raise SplunkdError(403, f"You may not see the search job of user '{job.owner}'.")
    return job


def _sid(request: RestRequest) -> str:
    return request.vars["sid"]


def _may(request: RestRequest, job: Job) -> bool:
    """The owner of a job, who runs it, and administrators."""
    return request.who.name in (job.owner, job.user) or request.who.can("admin_all_objects")
