"""``/detections``: how each detection does, and what would calm a noisy one."""

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
        "pages": whole(0, 10**9, "Opened, or opened again."),
        "pages_per_day": number(0),
    }
)
_FEEDBACK = obj(
    {
        "true_positive": _COUNT,
        "false_positive": _COUNT,
        "duplicate": _COUNT,
        "none": whole(0, 10**9, "Incidents that nobody judged."),
        "precision": nullable(_SHARE),
        "precision_low": number(0, 1, "With the next one: Wilson's interval, 95%."),
        "precision_high": _SHARE,
    },
    ("true_positive", "false_positive", "duplicate", "none", "precision"),
)
_CALMED = obj(
    {
        "setting": one_of(("threshold", "alert.suppress.period", "after_signals")),
        "change": text(2000, 1, "What to set to what."),
        "kept_true": _COUNT,
        "of_true": _COUNT,
        "dropped_unwanted": _COUNT,
        "of_unwanted": _COUNT,
        "incidents": whole(0, 10**9, "How many would have been opened."),
        "of_incidents": _COUNT,
        "pages": whole(0, 10**9, "How often they would have been opened, or opened again."),
        "of_pages": _COUNT,
        "sentence": text(4000, 1),
    },
    ("setting", "change", "sentence"),
)
_STATES = ("ok", "disabled", "new", "never_fired", "silent", "failing", "skipped")
_FIELDS = {
    "name": text(1000, 1),
    "app": text(200),
    "source": one_of(("saved_search", "other"), "A monitor's or a client's rule is other."),
    "state": one_of(_STATES, "Of a saved search failing and skipped only in its own report."),
    "why": text(1000, about="One sentence unless the state is ok."),
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
_PAGES = {"pages_per_day": number(0, 1e6, "Beyond this a detection is noisy; 10 unless given.")}


@route(
    "GET",
    "/detections",
    capability="incident_read",
    query=_PAGES,
    answers={200: record({"detections": listed(_DETECTION)})},
)
def list_detections(request: Request) -> Response:
    """Each detection: how often it fires and pages, what people said of it, whether it is noisy.

    The saved searches are those that the caller may see.
    """
    return Response({"detections": _report(request).all()})


@route(
    "GET",
    "/detections/{name}/health",
    capability="incident_read",
    query={**_PAGES, "app": text(200, 1, "Its app, where several have one of that name.")},
    answers={200: named("DetectionHealth", record({**_FIELDS, "runs": nullable(_RUNS)}))},
    problems=(404,),
    slashes=True,
)
def show_health(request: Request) -> Response:
    """One detection's health, with its runs: what they cost, and whether they fail or are skipped.

    A noisy detection comes with the setting that would have calmed it (``calmed_by``), worked out
    from its recorded signals of 30 days; null when no setting would have helped without losing an
    incident that people called right.
    """
    app = str(request.args.get("app") or "")
    return Response(_report(request).one(request.params["name"], app))


def _report(request: Request) -> HealthReport:
    given = request.args.get("pages_per_day")
    more = {} if given is None else {"limit": float(given)}
    return HealthReport(request.user_session, request.stores, request.clock.now(), **more)
