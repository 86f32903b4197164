"""The shapes that several routes take or give."""

from __future__ import annotations

from ..incidents.clocks.calendar import DAYS
from ..incidents.clocks.sla_state import SLA_STATUSES
from ..incidents.model import SEVERITIES, STATUSES
from ..incidents.signal import TEXT_CHARACTERS, TITLE_CHARACTERS
from .schema import (
    Schema,
    any_object,
    any_text,
    any_whole,
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

MAX_LISTED = 1000
LARGEST_OFFSET = 1_000_000
NAME_CHARACTERS = 200

SEVERITY = one_of(SEVERITIES)
REASON = text(TEXT_CHARACTERS, about="Why, for the timeline.")
TITLE = text(TITLE_CHARACTERS, 1)
DESCRIPTION = text(TEXT_CHARACTERS)
NAME = text(NAME_CHARACTERS)
TIME = number(about="Epoch seconds.")
FIELDS = any_object("Custom field values by name, see GET /fields; null or empty clears one.")
_COUNT = {"type": "integer", "minimum": 0}

# What people give of a window (:mod:`..incidents.clocks.windows`), and what is kept besides.
WINDOW = {
    "reason": text(1000, 1),
    "starts_at": TIME,
    "ends_at": number(0, 1e11, "Epoch seconds; 0 for no end."),
    "days": listed(one_of(DAYS), 7, about="Days on which it is in force."),
    "from_time": text(5, 5, "HH:MM"),
    "to_time": text(5, 5, "HH:MM; earlier than from_time: ends the next day."),
    "time_zone": text(60, 1, "Such as Europe/Berlin."),
}
WINDOW_KEPT = {"id": NAME, "created_by": NAME, "created_at": TIME}

PROBLEM = named(
    "Problem",
    obj(
        {
            "type": any_text(),
            "title": any_text(),
            "status": any_whole(),
            "detail": any_text("One sentence: what is wrong and what to do."),
        },
        ("type", "title", "status", "detail"),
        more=True,
    ),
)

_INCIDENT = {
    "id": any_text(),
    "title": any_text(),
    "description": any_text(),
    "status": one_of(STATUSES),
    "severity": SEVERITY,
    "owner": any_text(),
    "team": any_text(),
    "entities": listed(any_text()),
    "affected_systems": listed(any_text(), about="The same as `entities`."),
    "rules": listed(any_text()),
    "signals": {**_COUNT, "description": "How many signals."},
    "events": {**_COUNT, "description": "Total event count of the signals."},
    "opened_at": TIME,
    "updated_at": TIME,
    "acknowledged_at": TIME,
    "resolved_at": TIME,
    "first_time": TIME,
    "last_time": TIME,
    "resolution": any_text(),
    "category": any_text("Category of the resolution."),
    "feedback": any_text("Whether the detection was right."),
    "cause": {"description": "The cause that the newest analysis names; empty for none."},
    "previous": any_text("The previous incident of the same problem."),
    "pinned": flag("True: it is never resolved automatically."),
    "merged_into": any_text("The incident that took over its signals."),
    "merged": listed(any_text(), about="Incidents that were merged into this one."),
    "split_from": any_text("The incident that it was split from."),
    "flapping": flag("It opens too often and is held open until it is stable."),
    "openings": {**_COUNT, "description": "How often it was opened."},
    "runbook": any_text("The runbook that the detection names."),
    "actions": listed(any_text(), about="Catalogue actions that the detection names."),
    "tags": listed(any_text()),
    "level": {**_COUNT, "description": "How often it was escalated."},
    "handed_on": flag("Its owner keeps it until a member of its team can take it."),
    "rota": any_text("The rota that assigned it to its owner."),
    "review": one_of(("", "begun", "done", "not_needed"), "State of its review."),
    "follow_ups": listed(any_object(), about="Follow-ups, as in GET /follow-ups."),
    "follow_ups_open": {**_COUNT, "description": "Number of open follow-ups."},
    "tasks": listed(any_object(), about="Added or changed tasks; `/incidents/{id}/tasks` has all."),
    "roles": listed(any_object(), about="Assigned (`id`, `person`) and relinquished roles."),
    "sla_ack_due": TIME,
    "sla_resolve_due": TIME,
    "sla_status": one_of(("", *SLA_STATUSES), "Empty: no deadline applies."),
    "update_due": number(about="When the next stakeholder update is due, epoch seconds."),
    "update_promised": number(about="The time that the last update promised them."),
    "last_update": any_object("The last stakeholder update, with `time` and `by`."),
    "room": any_object(
        "Its Slack incident channel: `state`, and `channel` and `name` once it exists."
    ),
    "fields": any_object("Custom field values by name."),
    "head": listed(any_text(), about="Keys of the newest timeline entries."),
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
            "_key": any_text("SHA-256 of all other fields."),
            "incident_id": any_text(),
            "kind": any_text(),
            "time": TIME,
            "seq": any_whole(),
            "actor": any_text(),
            "data": any_object(),
            "prev": listed(any_text()),
            "once": any_text(),
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
            "_key": any_text(),
            "incident_id": any_text(),
            "rule": any_text(),
            "entity": any_text(),
            "severity": SEVERITY,
            "title": any_text(),
            "description": any_text(),
            "first_time": TIME,
            "last_time": TIME,
            "count": any_whole(),
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
            "plan_id": any_text(),
            "incident_id": any_text(),
            "action": any_text(),
            "arguments": any_object(),
            "plan_hash": any_text(),
            "status": any_text(),
            "detail": any_text(),
            "next": any_text("The next step."),
            "next_search": any_text("The search command for that step; may be empty."),
            "proof": any_text("How recovery will be verified."),
            "freeze": any_text("The change freeze that blocks it now; empty for none."),
            "provable": nullable(flag("Null: unknown at present.")),
            "checks": listed(any_object()),
        },
        ("plan_id", "incident_id", "action", "arguments", "plan_hash", "status"),
        more=True,
    ),
)

_REQUEST = obj(
    {
        "method": any_text(),
        "url": any_text(),
        "headers": any_object(),
        "body": {"description": "An object; for Kubernetes a list of operations."},
        "problem": any_text("Why the request is unknown; replaces the other fields."),
    }
)
PREVIEW = named(
    "PlanPreview",
    obj(
        {
            "plan_id": any_text(),
            "incident_id": any_text(),
            "action": any_text(),
            "status": any_text(),
            "proposed": flag("False: no such plan exists yet."),
            "arguments": any_object(),
            "request": _REQUEST,
            "inverse": any_text(),
            "inverse_request": _REQUEST,
            "proof": any_text(),
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
            "id": any_text(),
            "incident_id": nullable(any_text()),
            "channel": nullable(any_text()),
            "target": nullable(any_text()),
            "event": nullable(any_text()),
            "state": nullable(any_text()),
            "attempts": nullable(any_whole()),
            "last_error": nullable(any_text()),
            "title": any_text(),
        },
        ("id", "state"),
        more=True,
    ),
)


def page(name: str, items: Schema) -> Schema:
    """A list answer: the items under ``name`` and whether there are ``more``."""
    return obj({name: listed(items), "more": flag()}, (name, "more"), more=True)


LIMIT = whole(0, MAX_LISTED, "Maximum number of items.")
OFFSET = whole(0, LARGEST_OFFSET, "Number of items to skip.")
