"""``/freezes``: when no fix is carried out, and of what."""

from __future__ import annotations

from ..incidents.clocks.windows import shown
from ..remediation import freeze
from .router import Request, Response, route
from .schema import flag, listed, named, number, obj, record, text
from .shapes import WINDOW, WINDOW_KEPT

_GIVEN = {
    "team": text(1000, 1, "Pattern with * and ? for the incident's team."),
    "service": text(1000, 1, "Pattern with * and ? for what a fix acts on."),
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
            "in_force": flag("Nothing of what it is about is changed now."),
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
    """Change freezes, the newest first: all that are not over, and the newest 100 that are."""
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
    """Freeze changes: no fix is carried out but of actions with `allowed_in_freeze`."""
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
