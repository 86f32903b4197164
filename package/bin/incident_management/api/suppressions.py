"""``/suppressions``: which signals open no incident, and until when."""

from __future__ import annotations

from ..incidents import suppression
from ..incidents.clocks import windows
from ..ports import Document
from .router import Request, Response, route
from .schema import flag, listed, named, number, obj, one_of, record, text, whole
from .shapes import LIMIT, NAME, OFFSET, SIGNAL, WINDOW, WINDOW_KEPT, page

# Signals counted for each: the workbench polls, and a storm leaves a million.
MAX_COUNTED = 1000
_GIVEN = {
    "kind": one_of(suppression.KINDS),
    "rule": text(1000, 1, "Pattern with * and ?."),
    "entity": text(1000, 1, "Pattern with * and ?."),
    "tag": text(1000, 1, "Pattern with * and ?, for one of the signal's tags."),
    **WINDOW,
}
SUPPRESSION = named(
    "Suppression",
    obj(
        {
            **_GIVEN,
            **WINDOW_KEPT,
            "in_force": flag("It suppresses signals now."),
            "signals": whole(
                0, MAX_COUNTED, "Number of signals it suppressed, up to this maximum."
            ),
            "more": flag("It suppressed more signals than counted."),
        },
        ("id", "kind", "reason", "rule", "entity", "in_force"),
    ),
)


@route(
    "GET",
    "/suppressions",
    capability="incident_read",
    query={"in_force": flag("Only those in force now, or only the others.")},
    answers={200: record({"suppressions": listed(SUPPRESSION)})},
)
def list_suppressions(request: Request) -> Response:
    """List suppressions, newest first, with the number of signals that each suppressed.

    All current and future ones are listed, and the newest 200 past ones. At most 1,000 signals are
    counted for each; `more` says that there are more.
    """
    found = suppression.list_suppressions(request.stores, request.clock)
    wanted = request.args.get("in_force")
    if wanted is not None:
        now = request.clock.now()
        found = [one for one in found if one.in_force(now) is wanted]
    return Response({"suppressions": [_shown(request, one) for one in found]})


@route(
    "GET",
    "/suppressions/signals",
    capability="incident_read",
    query={
        "suppression": {**NAME, "description": "The id of a suppression, including a deleted one."},
        "limit": LIMIT,
        "offset": OFFSET,
    },
    answers={200: page("signals", SIGNAL)},
)
def list_suppressed(request: Request) -> Response:
    """List suppressed signals, the latest received first, of all suppressions or of one.

    Each signal names the suppression and its reason: `suppressed_by`, `suppressed_because`.
    """
    limit, offset = request.args.get("limit", 100), request.args.get("offset", 0)
    by = request.args.get("suppression") or {"$gt": ""}
    order = "received_at:-1,last_time:-1,_key:-1"  # as an acceleration has it, for pages far down
    found = request.stores.signals.find({"suppressed_by": by}, order, limit=limit + 1, skip=offset)
    return Response({"signals": found[:limit], "more": len(found) > limit})


@route(
    "POST",
    "/suppressions",
    capability="incident_write",
    body=obj(
        {**_GIVEN, "seconds": number(1, 1e9, "Duration from now, instead of ends_at.")},
        ("kind", "reason"),
    ),
    answers={201: SUPPRESSION},
)
def add_suppression(request: Request) -> Response:
    """Suppress signals: they are stored and counted, but open no incident."""
    made = suppression.add(request.act, request.body)
    return Response(_shown(request, made), status=201)


@route(
    "DELETE",
    "/suppressions/{id}",
    capability="incident_write",
    answers={200: record({"deleted": NAME})},
    problems=(404,),
)
def remove_suppression(request: Request) -> Response:
    """End a suppression now."""
    suppression.remove(request.stores, request.params["id"])
    return Response({"deleted": request.params["id"]})


def _shown(request: Request, one: suppression.Suppression) -> Document:
    of = {"suppressed_by": one.id}
    order = "app:1"  # as the acceleration by_suppression
    held = request.stores.signals.find(of, order, MAX_COUNTED + 1, fields=("app",))
    counted = {"signals": min(len(held), MAX_COUNTED), "more": len(held) > MAX_COUNTED}
    return {**windows.shown(one, request.clock.now()), **counted}
