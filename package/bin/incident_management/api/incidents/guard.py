"""Shared by the routes of one incident: the ``If-Match`` check and the response."""

from __future__ import annotations

from functools import partial
from typing import Any, Callable, Mapping, Optional

from ...incidents import editing, lifecycle, timeline
from ...incidents.model import Document, Incident, readable_fields
from ..gone import was_deleted
from ..people import check_people
from ..router import Problem, Request, Response, route
from ..shapes import INCIDENT

__all__ = [
    "IF_MATCH",
    "INCIDENT_ANSWER",
    "change",
    "document_of",
    "incident_response",
    "run_action",
    "shown",
    "with_version_check",
]

Done = Callable[[], Optional[Incident]]

IF_MATCH = {"If-Match": "The ETag that you read, or `*` for any. Answers 412 if it changed."}
INCIDENT_ANSWER = {200: INCIDENT}
change = partial(
    route, "POST", capability="incident_write", answers=INCIDENT_ANSWER, headers=IF_MATCH
)
"""Registers a route that changes the incident in its path, as :func:`..router.route` does."""


def run_action(
    request: Request,
    does: Callable[..., Incident],
    *given: Any,
    required: bool = False,
    routed: bool = False,
    done: Optional[Done] = None,
    stands: Optional[Done] = None,
) -> Response:
    """Run ``does(request.act, incident_id, …)`` on the path's incident and return the incident.

    ``routed``: ``does`` also takes the routing, after the act. ``If-Match`` is checked, see
    :func:`with_version_check`, and so is whether a person whom the body names exists.
    """
    routing = [request.routing()] if routed else []

    def act() -> Incident:
        check_people(request)
        return does(request.act, *routing, request.params["id"], *given)

    return with_version_check(request, act, required, done, stands)


def with_version_check(
    request: Request,
    does: Callable[[], Incident],
    required: bool = False,
    done: Optional[Done] = None,
    stands: Optional[Done] = None,
) -> Response:
    """Change an incident if it has the version that ``If-Match`` names, once per Idempotency-Key.

    ``done`` finds what an earlier attempt with the key did, where no entry has its mark.
    ``stands`` returns the incident if it already is as requested, perhaps by an earlier attempt of
    this request, whatever version was read (RFC 9110, section 13.1.1).
    Raises Problem: 428 without the header where it is ``required``, 412 for another version.
    """
    who = (request.stores, request.params["id"], request.mark)
    if request.mark:
        incident = done() if done else lifecycle.find_done(*who)
        if incident:
            # The first attempt was killed before it incident_response, and has changed the version.
            return incident_response(incident.to_document())
    wanted = request.headers.get("if-match", "").strip()
    if not wanted and required:
        raise Problem(
            428, f"{request.method} requires If-Match. Send the ETag that you read, or *."
        )
    if wanted in ("", "*"):
        return incident_response(does().to_document())
    expected = wanted[2:] if wanted.startswith("W/") else wanted
    try:
        with editing.editing(request.act, request.params["id"], expected.strip('"')[:100]):
            return incident_response(does().to_document())
    except editing.Outdated as error:
        if request.mark and lifecycle.is_begun(*who):
            # It was the right version, until the first attempt was cut off between its entries.
            return incident_response(does().to_document())
        known = stands() if stands else None
        if known:
            return incident_response(known.to_document())
        raise Problem(412, str(error)) from None


def document_of(request: Request) -> Document:
    """Return the document of the incident in the path. Raises NotFound, or Problem 410."""
    incident_id = request.params["id"]
    document = request.stores.incidents.get(incident_id)
    if document is None:
        # Do not restore an incident that is being deleted.
        was_deleted(request)
        # Its writer may have been killed between writing the entries and the document.
        document = timeline.refresh(request.stores, incident_id).to_document()
    return document


def shown(document: Mapping[str, object]) -> Document:
    """Return an incident as the API shows it; ``affected_systems`` equals ``entities``."""
    visible = readable_fields(document)
    if document.get("status") == "closed":
        # Versions before this one left it on what was merged.
        visible.pop("update_due", None)
    entities = document.get("entities")
    visible["affected_systems"] = list(entities) if isinstance(entities, list) else []
    return visible


def incident_response(document: Document, status: int = 200) -> Response:
    """Return a response with an incident and its ETag."""
    etag = f'"{editing.version(document.get("head") or ())}"'
    return Response(shown(document), status, {"ETag": etag})
