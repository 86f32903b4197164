"""``GET /fields``: the custom fields of incidents."""

from __future__ import annotations

from dataclasses import asdict

from ..incidents.routing.custom_fields import KINDS, PLACES
from .router import Request, Response, route
from .schema import any_text, flag, listed, number, one_of, record

_FIELD = record(
    {
        "name": any_text(),
        "label": any_text("Label on the pages."),
        "kind": one_of(KINDS),
        "options": listed(any_text(), about="Options of a choice field."),
        "help": any_text(),
        "severity": any_text("Severity patterns of the incidents that have it."),
        "team": any_text("Team patterns of the incidents that have it."),
        "required": flag("Required before such an incident is resolved."),
        "shown": listed(one_of(PLACES), about="Where it is shown besides the incident."),
        "order": number(),
    }
)


@route(
    "GET",
    "/fields",
    capability="incident_read",
    answers={200: record({"fields": listed(_FIELD)})},
)
def list_fields(request: Request) -> Response:
    """List the custom fields of incident_routing.conf, in display order."""
    return Response({"fields": [asdict(one) for one in request.routing().fields.all]})
