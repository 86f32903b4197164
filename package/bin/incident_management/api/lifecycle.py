"""Moving an incident on: escalate, close; and the report of how it went."""

from __future__ import annotations

from ..incidents import lifecycle, report, timeline
from ..incidents.clocks import assignment
from .acting import IF_MATCH, INCIDENT_ANSWER, acted
from .router import Request, Response, route
from .schema import obj
from .shapes import NAME, REASON


@route(
    "POST",
    "/incidents/{id}/escalate",
    capability="incident_write",
    body=obj({"team": NAME, "owner": NAME, "reason": REASON}, ("reason",)),
    answers=INCIDENT_ANSWER,
    headers=IF_MATCH,
)
def escalate(request: Request) -> Response:
    """Hand an open incident up, one level at a time, with the reason.

    Without a team and an owner it goes to the next step of its escalation path.
    """
    reason, owner, team = (request.text(name) for name in ("reason", "owner", "team"))
    return acted(
        request,
        assignment.escalate,
        reason,
        routed=True,
        owner=owner,
        team=team,
        once=request.mark,
    )


@route(
    "POST",
    "/incidents/{id}/close",
    capability="incident_write",
    body=obj({"reason": REASON}),
    answers=INCIDENT_ANSWER,
    headers=IF_MATCH,
)
def close(request: Request) -> Response:
    """Close a resolved incident for good; the same problem then opens a new one."""
    return acted(request, lifecycle.close, request.text("reason"), once=request.mark)


@route("GET", "/incidents/{id}/report", capability="incident_read", answers={200: "text/markdown"})
def get_report(request: Request) -> Response:
    """The incident's story as Markdown, with the times to detect, acknowledge and resolve."""
    entries = timeline.read(request.stores, request.params["id"])
    if not entries:
        raise timeline.unknown(request.params["id"])
    return Response(report.markdown(entries), content_type="text/markdown; charset=utf-8")
