"""``/incidents/{id}``: open, read, edit and withdraw one; :mod:`.listing` has the list."""

from __future__ import annotations

import uuid
from functools import partial
from typing import Any, Dict, Mapping

from ...incidents import editing, timeline
from ...incidents.intake.ingest import ByHand, Ingest
from ...incidents.joining.signals import latest_signals
from ...incidents.model import Incident
from ..router import Request, Response, route
from ..schema import any_text, flag, listed, obj, record
from ..shapes import (
    DESCRIPTION,
    ENTRY,
    FIELDS,
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
from .guard import IF_MATCH, INCIDENT_ANSWER, document_of, incident_response, run_action

SYSTEMS = listed(NAME, 100, "What is affected; later signals add theirs.")


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
            "fields": FIELDS,
        },
        ("title",),
    ),
    answers={201: INCIDENT},
)
def open_incident(request: Request) -> Response:
    """Open an incident manually. The default severity is medium."""
    routing = request.routing()
    fields = routing.fields.checked(request.body.get("fields") or {})
    ingest = Ingest(request.stores, request.clock, routing, request.topology())
    said = ByHand(
        title=request.text("title", required=True),
        description=request.text("description"),
        severity=request.text("severity", "medium"),
        entities=request.texts("affected_systems"),
        fields={name: value for name, value in fields.items() if value},
    )
    unique = request.mark or uuid.uuid4().hex
    incident = ingest.open_by_hand(said, request.user, unique, request.began)
    return incident_response(incident.to_document(), 201)


@route("GET", "/incidents/{id}", capability="incident_read", answers=INCIDENT_ANSWER)
def get_incident(request: Request) -> Response:
    """Return one incident, with its ETag."""
    return incident_response(document_of(request))


_EDITED = {
    "affected_systems": SYSTEMS,
    "title": TITLE,
    "description": DESCRIPTION,
    "severity": SEVERITY,
    "owner": NAME,
    "team": NAME,
    "fields": FIELDS,
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
    """Replace all editable fields; omitted ones become empty. Requires ``If-Match``.

    ``affected_systems`` and ``fields`` are kept when omitted, because signals set them, too. Custom
    fields that ``fields`` does not name are kept.
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
    """Change some editable fields (a JSON merge patch); ``If-Match`` is optional."""
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
    """Withdraw an incident that was opened by mistake, which closes it. Requires ``If-Match``.

    Nothing is erased. The timeline says who withdrew it and why, its signals stay, and the same
    finding opens a new incident.
    """
    reason = str(request.args.get("reason", "")).strip()
    stands = partial(editing.resume_withdrawal, request.act, request.params["id"], reason)
    return run_action(request, editing.withdraw, reason, required=True, stands=stands)


@route(
    "GET",
    "/incidents/{id}/timeline",
    capability="incident_read",
    query={"limit": {**LIMIT, "maximum": 5000}, "offset": OFFSET},
    answers={
        200: record(
            {
                "incident_id": any_text(),
                "verified": flag("All entries are complete and unchanged."),
                "problems": listed(any_text()),
                "entries": listed(ENTRY),
                "more": flag(),
            }
        )
    },
)
def get_timeline(request: Request) -> Response:
    """List the timeline entries in order, and say whether all are complete and unchanged."""
    incident_id = request.params["id"]
    limit, offset = request.args.get("limit", 1000), request.args.get("offset", 0)
    entries, verdict = timeline.read_verified(request.stores, incident_id)
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
    """List the incident's signals, newest first."""
    incident = Incident.from_document(document_of(request))
    limit, offset = request.args.get("limit", 100), request.args.get("offset", 0)
    found = latest_signals(request.stores, incident, limit + 1, offset)
    return Response(
        {
            "incident_id": incident.id,
            "signals": found[:limit],
            "more": len(found) > limit,
        },
    )


def _edited(request: Request, changes: Mapping[str, Any], required: bool) -> Response:
    edited: Dict[str, Any] = {
        name: value.strip() for name, value in changes.items() if isinstance(value, str)
    }
    if "affected_systems" in changes:
        edited["entities"] = list(dict.fromkeys(request.texts("affected_systems")))
    if "fields" in changes:
        edited["fields"] = request.routing().fields.checked(changes["fields"])
    team = edited.get("team", "")
    if team and team != document_of(request).get("team"):
        request.routing().check_team(team)
    stands = partial(editing.already_applied, request.act, request.params["id"], edited)
    return run_action(request, editing.edit, edited, required=required, stands=stands)
