"""``GET /on-call/load``: the on-call load of a team's people."""

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
    "judged": any_whole("Calls for incidents with feedback."),
    "noise": any_whole("Of these, for false alarms and duplicates."),
}
_SECONDS = nullable(number(0, about="Seconds from a call to the acknowledgement."))
_COUNTS = {
    "calls": any_whole(),
    "on_duty": any_whole("Of these, calls to the person on call by the team's rota."),
    "most_in_a_day": any_whole(),
    "night_calls": any_whole("From 22:00 to 07:00 in the team's time zone."),
    "nights": any_whole("Nights with a call."),
    "weekend_calls": any_whole(),
    **_NOISE,
    "acknowledged": any_whole("Calls that were followed by an acknowledgement, by anybody."),
    "ack_median": _SECONDS,
    "ack_p95": _SECONDS,
    "missed": any_whole("Calls whose incident was escalated before an acknowledgement."),
}
_PERSON = {
    "person": any_text("Empty: the incident had no owner then."),
    "shifts": any_whole("By the team's current rota, with the covers of that time."),
    "hours": number(0),
    "calls_a_day": nullable(number(0, about="Calls on duty per 24 hours on duty; null: no duty.")),
    **_COUNTS,
}
LOAD = named(
    "OnCallLoad",
    obj(
        {
            "team": any_text(),
            "rota": any_text("The team's; empty: it has none."),
            "time_zone": any_text("Time zone of the rota, else of the team's calendar."),
            "since": TIME,
            "until": TIME,
            "whose": any_text("The person that the report is limited to; empty: the team."),
            "truncated": flag("Too many calls to read; `since` is the time of the first one read."),
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
            "people": listed(record(_PERSON), about="Most calls first."),
            "detections": listed(
                record(
                    {
                        "name": any_text(),
                        "calls": any_whole(),
                        "night_calls": any_whole(),
                        **_NOISE,
                        "incident_id": any_text("The newest incident that it called for."),
                        "calmed_by": any_text(
                            "The setting that would have reduced its noise, if any."
                        ),
                    }
                ),
                about="The ten with the most calls.",
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
        "team": {**NAME, "description": "Default: your team, if you are in one team."},
        "days": one_of([str(days) for days in SPANS], "Default: 28."),
        "format": one_of(("json", "markdown"), "Default: json."),
    },
    answers={200: (LOAD, "text/markdown")},
)
def get_load(request: Request) -> Response:
    """Report how often a team's people were called, at night and for noise, in the last days.

    With `incident_load` it covers everybody; without, only the caller's own calls. A call is a
    message that asked a person to act on an incident that they owned. Further messages within 15
    minutes for the same person and incident belong to the same call.
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
