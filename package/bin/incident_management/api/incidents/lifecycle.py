"""Actions on one incident: acknowledge, assign, escalate, note, resolve, close and more."""

from __future__ import annotations

from functools import partial

from ...incidents import lifecycle, updates
from ...incidents.clocks import assignment
from ..router import Request, Response
from ..schema import flag, obj, one_of, record, text
from ..shapes import FIELDS, NAME, REASON
from .guard import change, run_action

# What a resolve may say.
RESOLUTION = {
    "resolution": REASON,
    "reason": REASON,
    "category": NAME,
    "feedback": one_of(lifecycle.FEEDBACK, "Whether the detection was right."),
}


@change("/incidents/{id}/acknowledge", body=obj({}))
def acknowledge(request: Request) -> Response:
    """Acknowledge an incident and start work; the caller becomes its owner unless it has one."""
    return run_action(request, lifecycle.acknowledge)


@change("/incidents/{id}/assign", body=obj({"owner": NAME, "team": NAME}))
def assign(request: Request) -> Response:
    """Assign an incident to a person, a team, or both; a team alone assigns an available member."""
    to = (request.text("owner"), request.text("team"))
    return run_action(request, assignment.assign, *to, routed=True)


@change(
    "/incidents/{id}/escalate",
    body=obj({"team": NAME, "owner": NAME, "reason": REASON}, ("reason",)),
)
def escalate(request: Request) -> Response:
    """Escalate an open incident by one level, with a reason.

    Without a team and an owner it goes to the next step of its escalation path.
    """
    given = map(request.text, ("reason", "owner", "team"))
    return run_action(request, assignment.escalate, *given, routed=True)


@change("/incidents/{id}/notes", body=record({"text": text(10_000, 1)}))
def add_note(request: Request) -> Response:
    """Add a note; allowed in any status."""
    return run_action(request, lifecycle.add_note, request.text("text", required=True))


_LAST = text(updates.TEXT_CHARACTERS, about="A final update for stakeholders.")


@change("/incidents/{id}/resolve", body=obj({**RESOLUTION, "update": _LAST, "fields": FIELDS}))
def resolve(request: Request) -> Response:
    """Resolve an open incident: ``resolution`` says what was done, ``reason`` why it is over."""
    ending = lifecycle.Ending(**{name: request.text(name) for name in RESOLUTION})
    fields = request.routing().fields.checked(request.body.get("fields") or {})
    return run_action(request, updates.resolve, ending, request.text("update"), fields, routed=True)


@change("/incidents/{id}/reopen", body=obj({"reason": REASON}))
def reopen(request: Request) -> Response:
    """Reopen a resolved incident."""
    act, incident_id, since = request.act, request.params["id"], request.began
    done = partial(lifecycle.find_reopened, act, incident_id, since)
    return run_action(request, lifecycle.reopen, request.text("reason"), done=done)


@change("/incidents/{id}/close", body=obj({"reason": REASON}))
def close(request: Request) -> Response:
    """Close a resolved incident permanently; the same problem then opens a new one."""
    return run_action(request, lifecycle.close, request.text("reason"))


@change(
    "/incidents/{id}/pin",
    body=obj(
        {"pinned": flag("True: it is never resolved automatically."), "reason": REASON}, ("pinned",)
    ),
)
def pin(request: Request) -> Response:
    """Pin an incident so that it is never resolved automatically, or unpin it."""
    pinned, reason = bool(request.body["pinned"]), request.text("reason")
    return run_action(request, lifecycle.pin, pinned, reason)
