"""``GET /fields``: which custom fields incidents have."""

from __future__ import annotations

from dataclasses import asdict

from ..incidents.routing.custom_fields import KINDS, PLACES
from .router import Request, Response, route
from .schema import any_text, flag, listed, number, one_of, record

_FIELD = record(
    {
        "name": any_text(),
        "label": any_text("What people call it."),
        "kind": one_of(KINDS),
        "options": listed(any_text(), about="Of a choice."),
        "help": any_text(),
        "severity": any_text("Patterns: of which incidents it is asked for."),
        "team": any_text("The same."),
        "required": flag("It is set before such an incident is resolved."),
        "shown": listed(one_of(PLACES), about="Where besides the incident itself."),
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
    """The custom fields of incident_routing.conf, in the order in which they are shown."""
    return Response({"fields": [asdict(one) for one in request.routing().fields.all]})
