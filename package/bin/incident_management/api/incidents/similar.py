"""``GET /incidents/{id}/similar``: similar incidents, and how they were resolved."""

from __future__ import annotations

from ...incidents.model import SEVERITIES, STATUSES, Document, Incident
from ...incidents.similar import Similar, find_similar
from ..router import Request, Response, route
from ..schema import any_text, listed, named, number, obj, one_of, record, whole
from ..shapes import TIME
from .guard import document_of

MAX_EACH = 50
_SHOWN = {
    "id": any_text(),
    "title": any_text(),
    "status": one_of(STATUSES),
    "severity": one_of(SEVERITIES),
    "owner": any_text(),
    "team": any_text(),
    "opened_at": TIME,
    "resolved_at": TIME,
    "resolution": any_text(),
    "category": any_text(),
    "feedback": any_text("Whether the detection was right."),
}
_SIMILAR = named(
    "SimilarIncident",
    obj(
        {
            **_SHOWN,
            "cause": any_text("The cause that its newest analysis named."),
            "score": number(0, 1, "Similarity; 1 for an earlier episode of the problem."),
            "why": listed(any_text(), about="One sentence for each similarity."),
            "fixes": listed(any_text(), about="Fixes that were executed and verified."),
        },
        ("id", "title", "status", "severity", "score", "why", "fixes"),
    ),
)


@route(
    "GET",
    "/incidents/{id}/similar",
    capability="incident_read",
    query={"limit": whole(1, MAX_EACH, "Maximum number of each kind; default 10.")},
    answers={
        200: record(
            {
                "incident_id": any_text(),
                "open": listed(_SIMILAR, about="Open incidents, candidates for a merge."),
                "earlier": listed(
                    _SIMILAR, about="Resolved or closed incidents, with their resolution."
                ),
            }
        )
    },
)
def get_similar(request: Request) -> Response:
    """List similar incidents, the most similar first: open ones, and earlier ones with their fixes.

    Candidates are the newest 500 of each kind that share an affected system, the incidents of the
    newest 2,000 signals of its detections and of the newest 2,000 before it, and earlier episodes
    of the same problem.
    """
    incident = Incident.from_document(document_of(request))
    opened, ended = find_similar(request.stores, incident, int(request.args.get("limit", 10)))
    return Response(
        {
            "incident_id": incident.id,
            "open": [_shown(one) for one in opened],
            "earlier": [_shown(one) for one in ended],
        }
    )


def _shown(found: Similar) -> Document:
    document = found.document
    cause = document.get("cause")
    return {
        **{name: document[name] for name in _SHOWN if document.get(name) is not None},
        "cause": cause if isinstance(cause, str) else "",
        "score": found.score,
        "why": list(found.why),
        "fixes": list(found.fixes),
    }
