"""``/on-call``: who is on call by each rota, now and in the coming days, and covers."""

from __future__ import annotations

from ..incidents import covers
from ..incidents.clocks import windows
from ..incidents.clocks.assignment import with_covers
from ..incidents.errors import Invalid
from ..incidents.routing import Routing
from ..incidents.routing.on_call import Span
from ..incidents.routing.values import user_name
from ..ports import Document
from .router import Request, Response, route
from .schema import any_text, flag, listed, named, nullable, number, obj, record, text
from .shapes import NAME, TIME

DAY_SECONDS = 86400.0
TWO_WEEKS = 14 * DAY_SECONDS
LONGEST = 92 * DAY_SECONDS
OTHERS = "incident_admin"

_SPAN = {
    "start": TIME,
    "end": TIME,
    "person": any_text("Empty: nobody, see `reason`."),
    "instead_of": any_text("The person who is covered, if any."),
    "cover": any_text("The id of the cover that applies."),
    "reason": any_text(),
}
_SHAPE = obj(_SPAN, ("start", "end", "person", "reason"))
SPAN = named("OnCallSpan", _SHAPE)
ROTA = named(
    "Rota",
    obj(
        {
            "name": any_text(),
            "members": listed(any_text(), about="In the order of their turns."),
            "time_zone": any_text(),
            "fallback": any_text("The rota to use when nobody is on call by this one."),
            "now": SPAN,
            "next": nullable(_SHAPE),
            "schedule": listed(SPAN, about="From `from` up to `to`, without gaps."),
        },
        ("name", "members", "now", "next", "schedule"),
    ),
)
_GIVEN = {
    "rota": {**NAME, "description": "Of incident_routing.conf."},
    "person": text(1000, about="Who covers; default: you."),
    "instead_of": text(1000, about="Who is covered; empty: whoever would be on call."),
    "starts_at": TIME,
    "ends_at": TIME,
    "reason": text(1000),
}
COVER = named(
    "Cover",
    obj(
        {
            **_GIVEN,
            "id": NAME,
            "created_by": NAME,
            "created_at": TIME,
            "ended_by": text(1000, about="Who ended it early."),
            "in_force": flag("It applies now."),
        },
        ("id", "rota", "person", "starts_at", "ends_at", "in_force"),
    ),
)


@route(
    "GET",
    "/on-call",
    capability="incident_read",
    query={
        "rota": {**NAME, "description": "Only this rota."},
        "from": number(0, 1e11, "Epoch seconds; default: now."),
        "to": number(0, 1e11, "Epoch seconds, at most 92 days later; default: two weeks."),
    },
    answers={200: record({"rotas": listed(ROTA), "people": listed(any_text())})},
    problems=(404,),
)
def show_on_call(request: Request) -> Response:
    """List for each rota who is on call now, who is next and when, and the schedule.

    `people` are all people in incident_routing.conf: those who may cover.
    """
    now = request.clock.now()
    start = request.args.get("from", now)
    end = request.args.get("to", start + TWO_WEEKS)
    if not start < end <= start + LONGEST:
        raise Invalid("'to' must be after 'from', by at most 92 days.")
    routing = with_covers(request.stores, request.clock, request.routing(), min(start, now))
    names = [request.args["rota"]] if "rota" in request.args else sorted(routing.rotas)
    shown = [_rota(routing, name, start, end, now) for name in names]
    return Response({"rotas": shown, "people": sorted(routing.people())})


@route(
    "GET",
    "/on-call/covers",
    capability="incident_read",
    answers={200: record({"covers": listed(COVER)})},
)
def list_covers(request: Request) -> Response:
    """List covers, newest first: all current and future ones, and the newest 100 past ones."""
    found, now = covers.list_covers(request.stores, request.clock), request.clock.now()
    return Response({"covers": [windows.shown(one, now) for one in found]})


@route(
    "POST",
    "/on-call/covers",
    capability="incident_write",
    body=obj(_GIVEN, ("rota", "ends_at")),
    answers={201: COVER},
    problems=(404,),
)
def add_cover(request: Request) -> Response:
    """Add a cover for a person, or for yourself; covers between others require incident_admin."""
    routing = with_covers(request.stores, request.clock, request.routing())
    rota = request.body["rota"]
    routing.check_rota(rota)
    people, of_rota = routing.people(), routing.on_call.people(rota)
    may_name_others = OTHERS in request.capabilities
    named = {name: user_name(request.body.get(name) or "") for name in ("person", "instead_of")}
    wanted = {**request.body, **named}
    made = covers.add(request.act, wanted, people, of_rota, may_name_others)
    return Response(windows.shown(made, request.clock.now()), status=201)


@route(
    "DELETE",
    "/on-call/covers/{id}",
    capability="incident_write",
    answers={200: COVER},
    problems=(404,),
)
def end_cover(request: Request) -> Response:
    """End a cover now, or before it begins; it stays listed, with who ended it.

    Allowed for the covering person, the covered person and the creator; others need incident_admin.
    """
    ended = covers.end(request.act, request.params["id"], OTHERS in request.capabilities)
    return Response(windows.shown(ended, request.clock.now()))


def _rota(routing: Routing, name: str, start: float, end: float, now: float) -> Document:
    routing.check_rota(name)
    rota, on_call = routing.rotas[name], routing.on_call
    # The second is long enough to hold the next handover, however long a turn is.
    for ahead in (TWO_WEEKS, TWO_WEEKS + 2 * rota.handovers.step.total_seconds()):
        current, *rest = on_call.spans(name, now, now + ahead)
        later = [one for one in rest if one.duty.person != current.duty.person]
        if later:
            break
    turn = rota.handovers.begins(rota.handovers.number_at(now))
    # Who has been for longer than is looked back has been in this turn.
    since = on_call.since(name, now) or turn
    return {
        "name": name,
        "members": list(rota.members),
        "time_zone": rota.handovers.zone_name,
        "fallback": rota.fallback,
        "now": {**_span(current), "start": since},
        "next": _span(later[0]) if later else None,
        "schedule": [_span(one) for one in on_call.spans(name, start, end)],
    }


def _span(span: Span) -> Document:
    duty = span.duty
    return {
        "start": span.start,
        "end": span.end,
        "person": duty.person,
        "instead_of": duty.instead_of,
        "cover": duty.cover,
        "reason": duty.reason,
    }
