"""The shapes that several routes take or give."""

from __future__ import annotations

from ..incidents.clocks.promise import SLA_STATUSES
from ..incidents.model import SEVERITIES, STATUSES
from ..incidents.signal import TEXT_CHARACTERS, TITLE_CHARACTERS
from .schema import (
    Schema,
    any_object,
    flag,
    listed,
    named,
    nullable,
    number,
    obj,
    one_of,
    text,
    whole,
)

__all__ = [
    "ENTRY",
    "INCIDENT",
    "INCIDENT_FIELDS",
    "LISTED_INCIDENT",
    "NOTIFICATION",
    "PLAN",
    "PROBLEM",
    "REASON",
    "SEVERITY",
    "SIGNAL",
    "page",
]

MAX_LISTED = 1000
LARGEST_OFFSET = 1_000_000
NAME_CHARACTERS = 200

SEVERITY = one_of(SEVERITIES)
REASON = text(TEXT_CHARACTERS, about="Why, for the timeline.")
TITLE = text(TITLE_CHARACTERS, 1)
DESCRIPTION = text(TEXT_CHARACTERS)
NAME = text(NAME_CHARACTERS)
TIME = number(about="Epoch seconds.")
_ANY_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}

PROBLEM = named(
    "Problem",
    obj(
        {
            "type": _ANY_TEXT,
            "title": _ANY_TEXT,
            "status": {"type": "integer"},
            "detail": {**_ANY_TEXT, "description": "One sentence: what is wrong, what to do."},
        },
        ("type", "title", "status", "detail"),
        more=True,
    ),
)

_INCIDENT = {
    "id": _ANY_TEXT,
    "title": _ANY_TEXT,
    "description": _ANY_TEXT,
    "status": one_of(STATUSES),
    "severity": SEVERITY,
    "owner": _ANY_TEXT,
    "team": _ANY_TEXT,
    "entities": listed(_ANY_TEXT),
    "affected_systems": listed(_ANY_TEXT, about="The entities, by another name."),
    "rules": listed(_ANY_TEXT),
    "signals": {**_COUNT, "description": "How many signals."},
    "events": {**_COUNT, "description": "How many events the signals stand for."},
    "opened_at": TIME,
    "updated_at": TIME,
    "acknowledged_at": TIME,
    "resolved_at": TIME,
    "first_time": TIME,
    "last_time": TIME,
    "resolution": _ANY_TEXT,
    "category": {**_ANY_TEXT, "description": "Of the resolution."},
    "feedback": {**_ANY_TEXT, "description": "Whether the finding was right."},
    "cause": {"description": "What the newest analysis blames; empty for nothing."},
    "previous": {**_ANY_TEXT, "description": "The incident of the same problem before this."},
    "pinned": flag("It is not resolved by itself."),
    "merged_into": {**_ANY_TEXT, "description": "The incident that has its signals now."},
    "merged": listed(_ANY_TEXT, about="Incidents that were merged into this one."),
    "split_from": {**_ANY_TEXT, "description": "The incident it was split off."},
    "flapping": flag("It opens too often, and is held open until it is calm."),
    "openings": {**_COUNT, "description": "How often it was opened."},
    "runbook": {**_ANY_TEXT, "description": "What people do about it, by the detection."},
    "actions": listed(_ANY_TEXT, about="The catalogue's entries that the detection names."),
    "tags": listed(_ANY_TEXT),
    "level": {**_COUNT, "description": "How often it was escalated."},
    "handed_on": flag("Its owner keeps it until somebody of its team can take it."),
    "sla_ack_due": TIME,
    "sla_resolve_due": TIME,
    "sla_status": one_of(("", *SLA_STATUSES), "Empty: nothing was promised."),
    "head": listed(_ANY_TEXT, about="Keys of the newest timeline entries."),
    "entries": _COUNT,
}
INCIDENT_FIELDS = tuple(_INCIDENT)
INCIDENT = named(
    "Incident",
    obj(
        _INCIDENT,
        ("id", "title", "description", "status", "severity", "affected_systems", "head"),
        more=True,
    ),
)
LISTED_INCIDENT = named("ListedIncident", obj(_INCIDENT, ("id",), more=True))

ENTRY = named(
    "TimelineEntry",
    obj(
        {
            "_key": {**_ANY_TEXT, "description": "sha256 of all the rest."},
            "incident_id": _ANY_TEXT,
            "kind": _ANY_TEXT,
            "time": TIME,
            "seq": {"type": "integer"},
            "actor": _ANY_TEXT,
            "data": any_object(),
            "prev": listed(_ANY_TEXT),
            "once": _ANY_TEXT,
            "counts": flag("False: it lost a race on `once` and has no effect."),
        },
        ("_key", "incident_id", "kind", "time", "seq", "actor", "data", "prev"),
        more=True,
    ),
)

SIGNAL = named(
    "Signal",
    obj(
        {
            "_key": _ANY_TEXT,
            "incident_id": _ANY_TEXT,
            "rule": _ANY_TEXT,
            "entity": _ANY_TEXT,
            "severity": SEVERITY,
            "title": _ANY_TEXT,
            "description": _ANY_TEXT,
            "first_time": TIME,
            "last_time": TIME,
            "count": {"type": "integer"},
            "rows": listed(any_object()),
        },
        ("_key", "incident_id", "rule", "entity", "severity"),
        more=True,
    ),
)

PLAN = named(
    "Plan",
    obj(
        {
            "plan_id": _ANY_TEXT,
            "incident_id": _ANY_TEXT,
            "action": _ANY_TEXT,
            "arguments": any_object(),
            "plan_hash": _ANY_TEXT,
            "status": _ANY_TEXT,
            "detail": _ANY_TEXT,
            "next": {**_ANY_TEXT, "description": "What is to be done, or waited for."},
            "next_search": {**_ANY_TEXT, "description": "The search that does it; may be empty."},
            "proof": {**_ANY_TEXT, "description": "How it will be told whether the fix helps."},
            "freeze": {**_ANY_TEXT, "description": "Which change freeze stops it now; or empty."},
            "provable": nullable(flag("Null: it can't be told just now.")),
            "checks": listed(any_object()),
        },
        ("plan_id", "incident_id", "action", "arguments", "plan_hash", "status"),
        more=True,
    ),
)

_REQUEST = obj(
    {
        "method": _ANY_TEXT,
        "url": _ANY_TEXT,
        "headers": any_object(),
        "body": {"description": "An object; to Kubernetes, a list of operations."},
        "problem": {**_ANY_TEXT, "description": "Why it can't be told, instead of the others."},
    }
)
PREVIEW = named(
    "PlanPreview",
    obj(
        {
            "plan_id": _ANY_TEXT,
            "incident_id": _ANY_TEXT,
            "action": _ANY_TEXT,
            "status": _ANY_TEXT,
            "proposed": flag("False: there is no such plan yet."),
            "arguments": any_object(),
            "request": _REQUEST,
            "inverse": _ANY_TEXT,
            "inverse_request": _REQUEST,
            "proof": _ANY_TEXT,
            "provable": nullable(flag()),
            "checks": listed(any_object()),
        },
        ("plan_id", "incident_id", "action", "request", "checks"),
        more=True,
    ),
)

NOTIFICATION = named(
    "Notification",
    obj(
        {
            "id": _ANY_TEXT,
            "incident_id": nullable(_ANY_TEXT),
            "channel": nullable(_ANY_TEXT),
            "target": nullable(_ANY_TEXT),
            "event": nullable(_ANY_TEXT),
            "state": nullable(_ANY_TEXT),
            "attempts": nullable({"type": "integer"}),
            "last_error": nullable(_ANY_TEXT),
            "title": _ANY_TEXT,
        },
        ("id", "state"),
        more=True,
    ),
)


def page(name: str, items: Schema) -> Schema:
    """A list answer: the items under ``name`` and whether there are ``more``."""
    return obj({name: listed(items), "more": flag()}, (name, "more"), more=True)


LIMIT = whole(0, MAX_LISTED, "At most so many.")
OFFSET = whole(0, LARGEST_OFFSET, "Leave out so many at the beginning.")
