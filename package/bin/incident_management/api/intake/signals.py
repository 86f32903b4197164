"""``POST /signals``: intake of findings from detections."""

from __future__ import annotations

from typing import Any, List, Mapping, Optional, Sequence

from ...incidents.intake import conditions
from ...incidents.intake.findings import signals_from
from ...incidents.intake.ingest import Ingest, Outcome
from ...incidents.signal import Signal
from ...ports import Document, Stores
from ..backend import Backend
from ..router import Request, Response, route
from ..schema import (
    any_object,
    any_text,
    any_whole,
    flag,
    listed,
    named,
    number,
    obj,
    record,
    text,
    whole,
)
from ..shapes import SEVERITY

SIGNALS = 5000
# A storm travels in few requests: some thousand findings with their sample rows.
SIGNALS_BYTES = 8_000_000


FINDING = named(
    "Finding",
    obj(
        {
            "rule": text(1000, 1),
            "entity": text(1000, 1),
            "severity": SEVERITY,
            "app": text(200),
            "owner": text(200),
            "title": text(20_000),
            "description": text(100_000),
            "first_time": number(0, 1e11, "Epoch seconds; default: now."),
            "last_time": number(0, 1e11),
            "count": number(0, 1e11, "Number of events it represents."),
            "sid": text(1000),
            "run": text(1000, about="The same finding in the same run is one signal."),
            "dedup": any_object("Identifies the problem of a finding; by default the entity."),
            "rows": listed(
                any_object(), about="Sample rows; 5 are kept, with 250 fields of 4,000 characters."
            ),
            "search": any_object("The saved search: name, app, owner. At most 10,000 characters."),
            "group": flag("True: may join a related open incident."),
            "group_values": listed(
                text(100),
                20,
                about="Values it shares with related problems, such as customer=acme.",
            ),
            "runbook": text(2000, about="Link to the runbook."),
            "actions": listed(text(100), 20, about="Catalogue actions that suit it."),
            "tags": listed(text(100), 20, about="Tags for routing."),
            "fields": any_object("Custom field values by name; the first value is kept."),
            "after": obj(
                {
                    "signals": whole(
                        0, conditions.MAX_SIGNALS, "Minimum number of signals of this problem."
                    ),
                    "rules": whole(
                        0, conditions.MAX_RULES, "Minimum number of rules about the entity."
                    ),
                    "seconds": number(0, conditions.LONGEST_SECONDS, "Time window in seconds."),
                }
            ),
        }
    ),
)

_OUTCOME = record({"signal": any_text(), "incident_id": any_text(), "what": any_text()})


@route(
    "POST",
    "/signals",
    capability="incident_signal",
    body=obj(
        {
            "signals": listed(FINDING, SIGNALS),
            "common": FINDING,
            "each": flag("Return the outcome of each; default true."),
        },
        ("signals",),
    ),
    answers={
        200: obj(
            {
                "taken": any_whole("Number of findings ingested."),
                "incidents": listed(any_text(), about="Incidents that they belong to."),
                "outcomes": listed(_OUTCOME),
            },
            ("taken", "incidents"),
        )
    },
    body_bytes=SIGNALS_BYTES,
)
def post_signals(request: Request) -> Response:
    """Ingest findings. Safe to repeat. Outcomes keep the order; `each` false omits them.

    Each finding needs a rule, an entity and a severity, its own or from `common`, which has what
    all findings share.
    """
    outcomes = ingest_findings(request, request.body["signals"], request.body.get("common"))
    # A suppressed signal belongs to no incident.
    incidents = sorted({outcome.incident_id for outcome in outcomes} - {""})
    answer: Document = {"taken": len(outcomes), "incidents": incidents}
    if request.body.get("each", True):
        answer["outcomes"] = [
            {"signal": o.signal_key, "incident_id": o.incident_id, "what": o.what} for o in outcomes
        ]
    return Response(answer)


def ingest_findings(
    request: Request, findings: Sequence[Document], common: Optional[Mapping[str, Any]] = None
) -> List[Outcome]:
    """Ingest findings in the caller's name; returns an outcome for each. Raises Invalid."""
    signals = signals_from(findings, request.clock.now(), common)
    return ingest_with(
        request.backend, request.system_session, request.stores, signals, request.user
    )


def ingest_with(
    backend: Backend, session: Any, stores: Stores, signals: Sequence[Signal], actor: str
) -> List[Outcome]:
    """Ingest signals with what the backend knows; ``session`` has the app's own rights."""
    routing, topology = backend.routing(session), backend.topology(session)
    ingest = Ingest(stores, backend.clock, routing, topology, backend.remembered)
    return ingest.ingest(signals, actor)
