"""``/incidents/{id}`` and what people do to one; :mod:`.listing` has the list."""

from __future__ import annotations

import uuid
from typing import Any, Dict, Mapping

from ..incidents import editing, lifecycle, timeline
from ..incidents.clocks import assignment
from ..incidents.intake.ingest import Ingest
from ..incidents.joining.moving import latest_signals
from ..incidents.model import Incident
from .acting import IF_MATCH, INCIDENT_ANSWER, acted, answered, document_of
from .router import Request, Response, route
from .schema import flag, listed, obj, one_of, text
from .shapes import (
    DESCRIPTION,
    ENTRY,
    INCIDENT,
    LIMIT,
    NAME,
    OFFSET,
    REASON,
    SEVERITY,
    SIGNAL,
    TITLE,
    page,
)

SYSTEMS = listed(NAME, 100, "What is affected; signals that come later add theirs.")


@route(
    "POST",
    "/incidents",
    capability="incident_write",
    body=obj(
        {
            "title": TITLE,
            "description": DESCRIPTION,
            "severity": SEVERITY,
            "affected_systems": SYSTEMS,
        },
        ("title",),
    ),
    answers={201: INCIDENT},
)
def open_incident(request: Request) -> Response:
    """Open an incident by hand. The severity is medium unless given."""
    ingest = Ingest(request.stores, request.clock, request.routing(), request.topology())
    incident = ingest.open_by_hand(
        request.text("title", required=True),
        request.text("description"),
        request.text("severity", "medium"),
        request.texts("affected_systems"),
        request.user,
        request.mark or uuid.uuid4().hex,
        request.began,
    )
    return answered(incident.to_document(), 201)


@route("GET", "/incidents/{id}", capability="incident_read", answers=INCIDENT_ANSWER)
def get_incident(request: Request) -> Response:
    """One incident, with its ETag."""
    return answered(document_of(request))


_EDITED = {
    "affected_systems": SYSTEMS,
    "title": TITLE,
    "description": DESCRIPTION,
    "severity": SEVERITY,
    "owner": NAME,
    "team": NAME,
}


@route(
    "PUT",
    "/incidents/{id}",
    capability="incident_write",
    body=obj(_EDITED, ("title", "severity")),
    answers=INCIDENT_ANSWER,
    problems=(428,),
    headers=IF_MATCH,
)
def replace_incident(request: Request) -> Response:
    """Set all that can be edited; what is left out becomes empty. Needs ``If-Match``.

    Only ``affected_systems`` stay as they are when they are left out: signals name them, too.
    """
    empty = {"description": "", "owner": "", "team": ""}
    return _edited(request, {**empty, **request.body}, required=True)


@route(
    "PATCH",
    "/incidents/{id}",
    capability="incident_write",
    body=obj(_EDITED),
    answers=INCIDENT_ANSWER,
    headers=IF_MATCH,
)
def change_incident(request: Request) -> Response:
    """Set some of what can be edited (a JSON merge patch); ``If-Match`` may be given."""
    return _edited(request, request.body, required=False)


@route(
    "DELETE",
    "/incidents/{id}",
    capability="incident_admin",
    query={"reason": REASON},
    answers=INCIDENT_ANSWER,
    problems=(428,),
    headers=IF_MATCH,
)
def withdraw_incident(request: Request) -> Response:
    """Withdraw an incident that should not have been one: it is closed. Needs ``If-Match``.

    Nothing is erased. The timeline says who withdrew it and why, its signals stay, and the same
    finding opens a new incident.
    """
    reason = str(request.args.get("reason", "")).strip()
    return acted(request, editing.withdraw, reason, required=True)


@route(
    "GET",
    "/incidents/{id}/timeline",
    capability="incident_read",
    query={"limit": {**LIMIT, "maximum": 5000}, "offset": OFFSET},
    answers={
        200: obj(
            {
                "incident_id": {"type": "string"},
                "verified": flag("All entries are whole and unchanged."),
                "problems": listed({"type": "string"}),
                "entries": listed(ENTRY),
                "more": flag(),
            },
            ("incident_id", "verified", "problems", "entries", "more"),
        )
    },
)
def get_timeline(request: Request) -> Response:
    """The entries in order, and whether all of them are whole and unchanged."""
    incident_id = request.params["id"]
    limit, offset = request.args.get("limit", 1000), request.args.get("offset", 0)
    entries = timeline.read(request.stores, incident_id)
    if not entries:
        raise timeline.unknown(incident_id)
    document = request.stores.incidents.get(incident_id) or {}
    verdict = timeline.verify(entries, document.get("head") or ())
    counted = {entry.key for entry in timeline.effective(entries)}
    shown = entries[offset : offset + limit]
    return Response(
        {
            "incident_id": incident_id,
            "verified": verdict.ok,
            "problems": verdict.problems,
            "entries": [{**entry.to_document(), "counts": entry.key in counted} for entry in shown],
            "more": len(entries) > offset + limit,
        }
    )


@route(
    "GET",
    "/incidents/{id}/signals",
    capability="incident_read",
    query={"limit": LIMIT, "offset": OFFSET},
    answers={200: page("signals", SIGNAL)},
)
def get_signals(request: Request) -> Response:
    """The incident's signals, newest first."""
    incident = Incident.from_document(document_of(request))
    incident_id = incident.id
    limit, offset = request.args.get("limit", 100), request.args.get("offset", 0)
    found = latest_signals(request.stores, incident, limit + 1, offset)
    return Response(
        {
            "incident_id": incident_id,
            "signals": found[:limit],
            "more": len(found) > limit,
        },
    )


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


def _edited(request: Request, changes: Mapping[str, Any], required: bool) -> Response:
    edited: Dict[str, Any] = {
        name: value.strip() for name, value in changes.items() if isinstance(value, str)
    }
    if "affected_systems" in changes:
        edited["entities"] = list(dict.fromkeys(request.texts("affected_systems")))
    team = edited.get("team", "")
    if team and team != document_of(request).get("team"):
        request.routing().check_team(team)
    return acted(request, editing.edit, edited, required=required)
