"""``/detections``: the health of each detection, and settings that reduce noise."""

from __future__ import annotations

from ..detection.health.report import HealthReport
from .router import Request, Response, route
from .schema import flag, listed, named, nullable, number, obj, one_of, record, text, whole
from .shapes import TIME

_COUNT = whole(0, 10**9)
_SHARE = number(0, 1)
_FIRING = record(
    {
        "days": whole(1, 400),
        "signals": _COUNT,
        "incidents": whole(0, 10**9, "Opened by this detection."),
        "pages": whole(0, 10**9, "Incidents opened or reopened."),
        "pages_per_day": number(0),
    }
)
_FEEDBACK = obj(
    {
        "true_positive": _COUNT,
        "false_positive": _COUNT,
        "duplicate": _COUNT,
        "none": whole(0, 10**9, "Incidents without feedback."),
        "precision": nullable(_SHARE),
        "precision_low": number(0, 1, "Wilson's 95% interval, with `precision_high`."),
        "precision_high": _SHARE,
    },
    ("true_positive", "false_positive", "duplicate", "none", "precision"),
)
_CALMED = obj(
    {
        "setting": one_of(("threshold", "alert.suppress.period", "after_signals")),
        "change": text(2000, 1, "The setting and its new value."),
        "kept_true": _COUNT,
        "of_true": _COUNT,
        "dropped_unwanted": _COUNT,
        "of_unwanted": _COUNT,
        "incidents": whole(0, 10**9, "Incidents that would have been opened."),
        "of_incidents": _COUNT,
        "pages": whole(0, 10**9, "How often they would have been opened or reopened."),
        "of_pages": _COUNT,
        "sentence": text(4000, 1),
    },
    ("setting", "change", "sentence"),
)
_STATES = ("ok", "disabled", "new", "never_fired", "silent", "failing", "skipped")
_FIELDS = {
    "name": text(1000, 1),
    "app": text(200),
    "source": one_of(("saved_search", "other"), "`other`: the rule of a monitor or an API client."),
    "state": one_of(_STATES, "`failing` and `skipped` appear only in a single detection's report."),
    "why": text(1000, about="One sentence; empty if the state is ok."),
    "last_fired": nullable(TIME),
    "week": _FIRING,
    "month": _FIRING,
    "feedback": _FEEDBACK,
    "noisy": flag(),
    "why_noisy": text(1000),
    "calmed_by": nullable(_CALMED),
}
_RUNS = obj(
    {
        "known": whole(0, 10**9, "Scheduled runs whose jobs have not expired."),
        "failed": _COUNT,
        "mean_seconds": nullable(number(0)),
        "longest_seconds": nullable(number(0)),
        "seconds_per_day": nullable(number(0)),
        "mean_events_scanned": nullable(number(0)),
    },
    ("known", "failed", "mean_seconds"),
)
_DETECTION = named("Detection", record(_FIELDS))
_PAGES = {"pages_per_day": number(0, 1e6, "A detection with more pages is noisy; default 10.")}


@route(
    "GET",
    "/detections",
    capability="incident_read",
    query=_PAGES,
    answers={200: record({"detections": listed(_DETECTION)})},
)
def list_detections(request: Request) -> Response:
    """List each detection's firing and paging rates, feedback, and whether it is noisy.

    Only saved searches that the caller may see are included.
    """
    return Response({"detections": _report(request).all()})


@route(
    "GET",
    "/detections/{name}/health",
    capability="incident_read",
    query={
        **_PAGES,
        "app": text(200, 1, "The app, if several apps have a detection of this name."),
    },
    answers={200: named("DetectionHealth", record({**_FIELDS, "runs": nullable(_RUNS)}))},
    problems=(404,),
    slashes=True,
)
def show_health(request: Request) -> Response:
    """Return one detection's health, with the cost, failures and skips of its runs.

    For a noisy detection, ``calmed_by`` is the setting that would have reduced its noise, computed
    from its recorded signals of 30 days; null if every setting would have lost an incident that
    people marked as right.
    """
    app = str(request.args.get("app") or "")
    return Response(_report(request).one(request.params["name"], app))


def _report(request: Request) -> HealthReport:
    given = request.args.get("pages_per_day")
    more = {} if given is None else {"limit": float(given)}
    return HealthReport(request.user_session, request.stores, request.clock.now(), **more)
