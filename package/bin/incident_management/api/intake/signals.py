"""``POST /signals``: the way in for detections."""

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
            "first_time": number(0, 1e11, "Epoch seconds; now unless given."),
            "last_time": number(0, 1e11),
            "count": number(0, 1e11, "How many events it stands for."),
            "sid": text(1000),
            "run": text(1000, about="The same finding of the same run is one signal."),
            "dedup": any_object("What makes two findings one problem; by default the entity."),
            "rows": listed(
                any_object(), about="Sample rows; 5 are kept, with 250 fields of 4,000 characters."
            ),
            "search": any_object("The saved search: name, app, owner. At most 10,000 characters."),
            "group": flag("May join an open incident that it is related to."),
            "group_values": listed(
                text(100), 20, about="What it shares with related problems, such as customer=acme."
            ),
            "runbook": text(2000, about="A link to what people do about it."),
            "actions": listed(text(100), 20, about="Entries of the catalogue that suit it."),
            "tags": listed(text(100), 20, about="The detection's own words, for routing."),
            "fields": any_object("Values of custom fields by name; the first one stands."),
            "after": obj(
                {
                    "signals": whole(0, conditions.MAX_SIGNALS, "So many of this problem."),
                    "rules": whole(0, conditions.MAX_RULES, "So many rules about the entity."),
                    "seconds": number(0, conditions.LONGEST_SECONDS, "In so long a time."),
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
            "each": flag("Answer with what became of each; true unless given."),
        },
        ("signals",),
    ),
    answers={
        200: obj(
            {
                "taken": any_whole("How many findings were taken in."),
                "incidents": listed(any_text(), about="Where they went."),
                "outcomes": listed(_OUTCOME),
            },
            ("taken", "incidents"),
        )
    },
    body_bytes=SIGNALS_BYTES,
)
def post_signals(request: Request) -> Response:
    """Take findings in. Safe to repeat; the outcomes, unless `each` is false, come in their order.

    Each has a rule, an entity and a severity, its own or that of `common`, which holds what all
    of them share.
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
