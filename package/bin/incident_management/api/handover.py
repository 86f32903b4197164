"""``GET /handover``: the handover report of a team for the next on-call engineer."""

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
    {
        "text": any_text("Secrets are masked."),
        "at": number(about="Epoch seconds, shown after the text."),
    },
    ("text",),
)
_LINE = obj(
    {
        "title": any_text(),
        "says": listed(_SAID),
        "incident_id": any_text("The newest of several; empty: none."),
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
            "person": any_text("Who is on call; empty: nobody, see `reason`."),
            "began": number(about="On call since, epoch seconds; 0: longer than some days."),
            "reason": any_text(),
            "next_person": any_text("Who is next; empty: nobody."),
            "next_at": number(about="When that begins; 0: nobody else in the coming turns."),
            "time_zone": any_text("The team's time zone, used in messages and Markdown."),
            "counts": record(
                {
                    "open": any_whole(),
                    "nobody_has": any_whole("Of the open ones."),
                    "opened": any_whole("In the span."),
                    "solved": any_whole("In the span."),
                    "noise": any_whole("Ended in the span with feedback false alarm or duplicate."),
                }
            ),
            "open_by_severity": {"type": "object", "additionalProperties": any_whole()},
            "truncated": flag(
                "Not all were read: only the most severe open and the newest others."
            ),
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
        "team": {**NAME, "description": "Default: your team, if you are in one team."},
        "since": number(0, 1e11, "Epoch seconds, at most 31 days ago; default above."),
        "format": one_of(("json", "markdown"), "Default: json."),
    },
    answers={200: (HANDOVER, "text/markdown")},
)
def get_handover(request: Request) -> Response:
    """Report a team's open incidents and what they wait for, recent events, and what comes soon.

    Code generates the report; every statement names its incident. By default it begins when the
    shift of the person who was on call two hours ago began, so it covers the whole previous shift.
    If the team has no rota, or that time is unknown, it covers one day.
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
