"""``/freezes``: change freezes, in which no fix is executed."""

from __future__ import annotations

from ..incidents.clocks.windows import shown
from ..remediation import freeze
from .router import Request, Response, route
from .schema import flag, listed, named, number, obj, record, text
from .shapes import WINDOW, WINDOW_KEPT

_GIVEN = {
    "team": text(1000, 1, "Pattern with * and ? for the incident's team."),
    "service": text(1000, 1, "Pattern with * and ? for the target of a fix."),
    "tag": text(1000, 1, "Pattern with * and ? for one of the incident's tags."),
    **WINDOW,
    "ends_at": number(0, 1e11, "Epoch seconds; 0 for no end, with days only."),
}
FREEZE = named(
    "Freeze",
    obj(
        {
            **_GIVEN,
            **WINDOW_KEPT,
            "ended_by": text(1000, about="Who ended it early."),
            "in_force": flag("The freeze is in force now."),
        },
        ("id", "reason", "team", "service", "tag", "in_force"),
    ),
)


@route(
    "GET",
    "/freezes",
    capability="incident_read",
    answers={200: record({"freezes": listed(FREEZE)})},
)
def list_freezes(request: Request) -> Response:
    """List change freezes, newest first: all current and future, and the newest 100 past ones."""
    found, now = freeze.listing(request.stores, request.clock), request.clock.now()
    return Response({"freezes": [shown(one, now) for one in found]})


@route(
    "POST",
    "/freezes",
    capability="incident_admin",
    body=obj(_GIVEN, ("reason",)),
    answers={201: FREEZE},
)
def add_freeze(request: Request) -> Response:
    """Start a change freeze: only fixes of actions with `allowed_in_freeze` are executed."""
    made = freeze.add(request.act, request.body)
    return Response(shown(made, request.clock.now()), status=201)


@route(
    "DELETE",
    "/freezes/{id}",
    capability="incident_admin",
    answers={200: FREEZE},
    problems=(404,),
)
def end_freeze(request: Request) -> Response:
    """End a freeze now; it stays listed, with who ended it."""
    ended = freeze.end(request.act, request.params["id"])
    return Response(shown(ended, request.clock.now()))
