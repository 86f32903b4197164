"""``/baselines``: what ``| anomalyscore state=<name>`` learned, from one run to the next."""

from __future__ import annotations

from ..detection.baselines import saved_state
from .router import Request, Response, route
from .schema import listed, named, one_of, record, text, whole
from .shapes import NAME, TIME

_RUN = text(300, 1, "The search that learned.")
_SERIES = listed(
    text(100_000, 1, "A packed baseline."), saved_state.PART_SERIES, "Packed baselines."
)
_SETTINGS = {
    "season": one_of(("auto", "none", "hourly", "daily", "weekly")),
    "by": listed(NAME, 20, "The fields that tell series apart."),
    "count": whole(0, saved_state.MAX_SERIES_KEPT, "How many series."),
}
_HEAD_FIELDS = {"name": NAME, "run": _RUN, "saved_at": TIME, "saved_by": NAME, **_SETTINGS}
_HEAD = named("Baseline", record(_HEAD_FIELDS))
_FIRST = whole(0, saved_state.MAX_SERIES_KEPT, "Number of the first series.")
_BODY_BYTES = 4_000_000


@route(
    "GET",
    "/baselines",
    capability="incident_read",
    answers={200: record({"baselines": listed(_HEAD)})},
)
def list_baselines(request: Request) -> Response:
    """What is remembered, by name."""
    return Response({"baselines": saved_state.heads(request.stores)})


@route(
    "GET",
    "/baselines/{name}",
    capability="incident_signal",
    query={"first": _FIRST, "run": _RUN},
    answers={200: record({**_HEAD_FIELDS, "series": _SERIES})},
    problems=(404,),
)
def show_baseline(request: Request) -> Response:
    """What is remembered under a name, with 50 of its series."""
    first, run = request.args.get("first", 0), request.args.get("run", "")
    return Response(saved_state.part(request.stores, request.params["name"], first, run))


@route(
    "POST",
    "/baselines/{name}/series",
    capability="incident_signal",
    body=record({"run": _RUN, "first": _FIRST, "series": _SERIES}),
    body_bytes=_BODY_BYTES,
    answers={200: record({"saved": whole(0, saved_state.PART_SERIES)})},
)
def save_series(request: Request) -> Response:
    """Keep some series of a run, which count once the run is finished."""
    body, name = request.body, saved_state.checked_name(request.params["name"])
    saved_state.save_part(request.stores, name, body["run"], body["first"], body["series"])
    return Response({"saved": len(body["series"])})


@route(
    "POST",
    "/baselines/{name}",
    capability="incident_signal",
    body=record({"run": _RUN, **_SETTINGS}),
    answers={200: _HEAD},
)
def finish_baseline(request: Request) -> Response:
    """Make a run the one that is remembered, in place of the one before."""
    body, name = request.body, saved_state.checked_name(request.params["name"])
    head = saved_state.finish(request.stores, request.clock, request.user, name, body["run"], body)
    return Response(head)


@route(
    "DELETE",
    "/baselines/{name}",
    capability="incident_write",
    answers={200: record({"deleted": NAME})},
    problems=(404,),
)
def forget_baseline(request: Request) -> Response:
    """Forget what was learned: the next run with that name learns anew."""
    saved_state.forget(request.stores, request.params["name"])
    return Response({"deleted": request.params["name"]})
