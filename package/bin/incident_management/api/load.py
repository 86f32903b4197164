"""``GET /on-call/load``: what being on call costs a team's people."""

from __future__ import annotations

from typing import Dict, Sequence

from ..detection.health.report import HealthReport
from ..incidents.clocks.assignment import with_covers
from ..shifts.load.markdown import to_markdown
from ..shifts.load.report import SPANS, load_of
from ..shifts.shift import DAY, team_named
from ..splunk.configuration import conf
from .router import Request, Response, route
from .schema import any_text, any_whole, flag, listed, named, nullable, number, obj, one_of, record
from .shapes import NAME, TIME

OTHERS = "incident_load"

_NOISE = {
    "judged": any_whole("Calls for incidents of which people said whether they were right."),
    "noise": any_whole("Of these, for false alarms and duplicates."),
}
_SECONDS = nullable(number(0, about="Seconds from a call to the acknowledgement."))
_COUNTS = {
    "calls": any_whole(),
    "on_duty": any_whole("Of these, for whoever was on call by the team's rota then."),
    "most_in_a_day": any_whole(),
    "night_calls": any_whole("From 22:00 to 07:00 in the team's time zone."),
    "nights": any_whole("Nights with a call."),
    "weekend_calls": any_whole(),
    **_NOISE,
    "acknowledged": any_whole("Calls that an acknowledgement answered, whoever's."),
    "ack_median": _SECONDS,
    "ack_p95": _SECONDS,
    "missed": any_whole("The incident was escalated before anybody acknowledged it."),
}
_PERSON = {
    "person": any_text("Empty: nobody had the incident then."),
    "shifts": any_whole("By the team's rota as it is set now, with the covers of then."),
    "hours": number(0),
    "calls_a_day": nullable(number(0, about="Calls on duty for each 24 hours of it; null: none.")),
    **_COUNTS,
}
LOAD = named(
    "OnCallLoad",
    obj(
        {
            "team": any_text(),
            "rota": any_text("The team's; empty: it has none."),
            "time_zone": any_text("The rota's; without one that of the team's calendar."),
            "since": TIME,
            "until": TIME,
            "whose": any_text("The one person that all of it is about; empty: the whole team."),
            "truncated": flag("More calls than are read: `since` is when the first of them was."),
            "totals": record({"calls_a_day": nullable(number(0, about="Of the span.")), **_COUNTS}),
            "evenness": nullable(
                record(
                    {
                        "person": any_text("Who was called most."),
                        "calls_share": number(0, 1, "Of the calls by name."),
                        "hours_share": nullable(number(0, 1, "Of the hours on call.")),
                        "called": any_whole("How many people were called."),
                    }
                )
            ),
            "people": listed(record(_PERSON), about="The most called first."),
            "detections": listed(
                record(
                    {
                        "name": any_text(),
                        "calls": any_whole(),
                        "night_calls": any_whole(),
                        **_NOISE,
                        "incident_id": any_text("The last that it called for."),
                        "calmed_by": any_text("The setting that would have calmed it, if any."),
                    }
                ),
                about="The ten that called most.",
            ),
        },
        ("team", "since", "until", "whose", "totals", "people", "detections"),
    ),
)


@route(
    "GET",
    "/on-call/load",
    capability="incident_read",
    query={
        "team": {**NAME, "description": "Unless given, the one team that you are of."},
        "days": one_of([str(days) for days in SPANS], "28 unless given."),
        "format": one_of(("json", "markdown"), "JSON unless given."),
    },
    answers={200: (LOAD, "text/markdown")},
)
def get_load(request: Request) -> Response:
    """Who of a team was called how often, at night and for what noise, in the last days.

    With `incident_load` it tells of everybody; without, of the caller's own calls alone. A call is
    a message that asked somebody to act on an incident that they had; what follows within 15
    minutes for the same person and incident is the same call.
    """
    now, routing = request.clock.now(), request.routing()
    team = team_named(routing, str(request.args.get("team", "")).strip(), request.user)
    days = int(request.args.get("days", 28))
    routing = with_covers(request.stores, request.clock, routing, now - days * DAY)
    only = "" if OTHERS in request.capabilities else request.user.lower()

    def calming(names: Sequence[str]) -> Dict[str, str]:
        return HealthReport(request.user_session, request.stores, now).calming(names)

    load = load_of(request.stores, routing, team, days, now, calming, only)
    if request.args.get("format") == "markdown":
        text = to_markdown(load, conf.web_url(request.system_session))
        return Response(text, content_type="text/markdown; charset=utf-8")
    return Response(load.to_document())
