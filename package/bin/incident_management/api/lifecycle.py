"""What people do to one incident: acknowledge, assign, escalate, note, resolve, close and more."""

from __future__ import annotations

from ..incidents import lifecycle
from ..incidents.clocks import assignment
from .acting import IF_MATCH, INCIDENT_ANSWER, acted
from .router import Request, Response, route
from .schema import flag, obj, one_of, text
from .shapes import NAME, REASON


@route(
    "POST",
    "/incidents/{id}/acknowledge",
    capability="incident_write",
    body=obj({}),
    answers=INCIDENT_ANSWER,
    headers=IF_MATCH,
)
def acknowledge(request: Request) -> Response:
    """Start work on an incident; it becomes the caller's unless it has an owner."""
    return acted(request, lifecycle.acknowledge, once=request.mark)


@route(
    "POST",
    "/incidents/{id}/assign",
    capability="incident_write",
    body=obj({"owner": NAME, "team": NAME}),
    answers=INCIDENT_ANSWER,
    headers=IF_MATCH,
)
def assign(request: Request) -> Response:
    """Give an incident to a person, a team, or both; of a team alone, whoever can take it."""
    owner, team = request.text("owner"), request.text("team")
    return acted(request, assignment.assign, routed=True, owner=owner, team=team, once=request.mark)


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
    "/incidents/{id}/notes",
    capability="incident_write",
    body=obj({"text": text(10_000, 1)}, ("text",)),
    answers=INCIDENT_ANSWER,
    headers=IF_MATCH,
)
def add_note(request: Request) -> Response:
    """Write a note, in any state."""
    said = request.text("text", required=True)
    return acted(request, lifecycle.note, said, once=request.mark)


@route(
    "POST",
    "/incidents/{id}/resolve",
    capability="incident_write",
    body=obj(
        {
            "resolution": REASON,
            "reason": REASON,
            "category": NAME,
            "feedback": one_of(lifecycle.FEEDBACK, "Was the finding right?"),
        }
    ),
    answers=INCIDENT_ANSWER,
    headers=IF_MATCH,
)
def resolve(request: Request) -> Response:
    """Resolve an open incident: ``resolution`` is what was done, ``reason`` why it is over."""
    return acted(
        request,
        lifecycle.resolve,
        resolution=request.text("resolution"),
        reason=request.text("reason"),
        category=request.text("category"),
        feedback=request.text("feedback"),
        once=request.mark,
    )


@route(
    "POST",
    "/incidents/{id}/reopen",
    capability="incident_write",
    body=obj({"reason": REASON}),
    answers=INCIDENT_ANSWER,
    headers=IF_MATCH,
)
def reopen(request: Request) -> Response:
    """Reopen a resolved incident."""
    who = (request.stores, request.params["id"], request.user, request.began)
    return acted(
        request,
        lifecycle.reopen,
        request.text("reason"),
        done=lambda: lifecycle.reopened_since(*who),
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


@route(
    "POST",
    "/incidents/{id}/pin",
    capability="incident_write",
    body=obj(
        {"pinned": flag("True: it is never resolved by itself."), "reason": REASON}, ("pinned",)
    ),
    answers=INCIDENT_ANSWER,
    headers=IF_MATCH,
)
def pin(request: Request) -> Response:
    """Keep an incident from being resolved when its searches are quiet, or let it be again."""
    pinned, reason = bool(request.body["pinned"]), request.text("reason")
    return acted(request, lifecycle.pin, pinned, reason)
