"""``GET /handover``: what whoever takes over on call has to know of a team's incidents."""

from __future__ import annotations

from ..incidents.clocks.assignment import with_covers
from ..incidents.model import SEVERITIES
from ..shifts.markdown import to_markdown
from ..shifts.report import report_of
from ..shifts.shift import LONGEST, shift_of, team_named
from ..splunk.configuration import conf
from .router import Request, Response, route
from .schema import any_text, any_whole, flag, listed, named, number, obj, one_of, record
from .shapes import NAME, TIME

_SAID = obj(
    {"text": any_text("Without secrets."), "at": number(about="Epoch seconds: it ends the text.")},
    ("text",),
)
_LINE = obj(
    {
        "title": any_text(),
        "says": listed(_SAID),
        "incident_id": any_text("Of several the newest; empty: it is about none."),
        "severity": one_of(("", *SEVERITIES)),
        "status": any_text(),
        "owner": any_text(),
    },
    ("title", "says", "incident_id"),
)
HANDOVER = named(
    "Handover",
    obj(
        {
            "team": any_text(),
            "since": TIME,
            "until": TIME,
            "rota": any_text("The team's; empty: it has none."),
            "person": any_text("Who is on call; empty: nobody, for the reason that is given."),
            "began": number(about="Since when, in epoch seconds; 0: for longer than some days."),
            "reason": any_text(),
            "next_person": any_text("Who is next; empty: nobody."),
            "next_at": number(about="From when on; 0: nobody else in the coming turns."),
            "time_zone": any_text("The team's, in which its messages and Markdown tell times."),
            "counts": record(
                {
                    "open": any_whole(),
                    "nobody_has": any_whole("Of the open ones."),
                    "opened": any_whole("In the span."),
                    "solved": any_whole("In the span."),
                    "noise": any_whole("Ended in the span, judged a false alarm or duplicate."),
                }
            ),
            "open_by_severity": {"type": "object", "additionalProperties": any_whole()},
            "truncated": flag("Not all were read: of the open the gravest, else the newest."),
            "sections": listed(
                obj(
                    {
                        "name": any_text(),
                        "title": any_text(),
                        "lines": listed(_LINE, about="At most 50."),
                        "total": any_whole("How many there are."),
                    },
                    ("name", "title", "lines", "total"),
                )
            ),
        },
        ("team", "since", "until", "person", "counts", "sections"),
    ),
)


@route(
    "GET",
    "/handover",
    capability="incident_read",
    query={
        "team": {**NAME, "description": "Unless given, the one team that you are of."},
        "since": number(0, 1e11, "Epoch seconds, at most 31 days ago; see above."),
        "format": one_of(("json", "markdown"), "JSON unless given."),
    },
    answers={200: (HANDOVER, "text/markdown")},
)
def get_handover(request: Request) -> Response:
    """What is open of a team and what it waits for; what happened since, and what comes soon.

    It is made by code, and names each incident that it speaks of. Unless `since` is given it tells
    from when on whoever was on call two hours ago was: so who takes over reads of the whole shift
    before. Of a team that has no rota, and where that is not known, it tells of a day.
    """
    now, routing = request.clock.now(), request.routing()
    team = team_named(routing, str(request.args.get("team", "")).strip(), request.user)
    routing = with_covers(request.stores, request.clock, routing, now - LONGEST)
    report = report_of(
        request.stores, routing, shift_of(routing, team, now, request.args.get("since"))
    )
    if request.args.get("format") == "markdown":
        text = to_markdown(report, conf.web_url(request.system_session))
        return Response(text, content_type="text/markdown; charset=utf-8")
    return Response(report.to_document())
