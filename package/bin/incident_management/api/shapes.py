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
FIELDS = any_object("Values of custom fields by name, see GET /fields; null or empty: none.")
_COUNT = {"type": "integer", "minimum": 0}

# What people give of a window (:mod:`..incidents.clocks.windows`), and what is kept besides.
WINDOW = {
    "reason": text(1000, 1),
    "starts_at": TIME,
    "ends_at": number(0, 1e11, "Epoch seconds; 0 for no end."),
    "days": listed(one_of(DAYS), 7, about="In force on these days only."),
    "from_time": text(5, 5, "HH:MM"),
    "to_time": text(5, 5, "HH:MM; before from_time: past midnight."),
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
            "detail": any_text("One sentence: what is wrong, what to do."),
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
    "affected_systems": listed(any_text(), about="The entities, by another name."),
    "rules": listed(any_text()),
    "signals": {**_COUNT, "description": "How many signals."},
    "events": {**_COUNT, "description": "How many events the signals stand for."},
    "opened_at": TIME,
    "updated_at": TIME,
    "acknowledged_at": TIME,
    "resolved_at": TIME,
    "first_time": TIME,
    "last_time": TIME,
    "resolution": any_text(),
    "category": any_text("Of the resolution."),
    "feedback": any_text("Whether the finding was right."),
    "cause": {"description": "What the newest analysis blames; empty for nothing."},
    "previous": any_text("The incident of the same problem before this."),
    "pinned": flag("It is not resolved by itself."),
    "merged_into": any_text("The incident that has its signals now."),
    "merged": listed(any_text(), about="Incidents that were merged into this one."),
    "split_from": any_text("The incident it was split off."),
    "flapping": flag("It opens too often, and is held open until it is calm."),
    "openings": {**_COUNT, "description": "How often it was opened."},
    "runbook": any_text("What people do about it, by the detection."),
    "actions": listed(any_text(), about="The catalogue's entries that the detection names."),
    "tags": listed(any_text()),
    "level": {**_COUNT, "description": "How often it was escalated."},
    "handed_on": flag("Its owner keeps it until somebody of its team can take it."),
    "rota": any_text("The rota by which its owner was on call and got it."),
    "review": one_of(("", "begun", "done", "not_needed"), "What people said of its review."),
    "follow_ups": listed(any_object(), about="What is to be done afterwards, as of /follow-ups."),
    "follow_ups_open": {**_COUNT, "description": "How many of these are open."},
    "tasks": listed(any_object(), about="Added or touched; `/incidents/{id}/tasks` has all."),
    "roles": listed(any_object(), about="That somebody has (`id`, `person`), or gave up."),
    "sla_ack_due": TIME,
    "sla_resolve_due": TIME,
    "sla_status": one_of(("", *SLA_STATUSES), "Empty: nothing was promised."),
    "update_due": number(about="When stakeholders are to hear next, in epoch seconds."),
    "update_promised": number(about="When they were told that they would."),
    "last_update": any_object("The last update for them, with `time` and `by`."),
    "room": any_object(
        "Its own channel in Slack: `state`, and where it has one `channel`, `name`."
    ),
    "fields": any_object("Values of its custom fields by name."),
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
            "_key": any_text("sha256 of all the rest."),
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
            "next": any_text("What is to be done, or waited for."),
            "next_search": any_text("The search that does it; may be empty."),
            "proof": any_text("How it will be told whether the fix helps."),
            "freeze": any_text("Which change freeze stops it now; or empty."),
            "provable": nullable(flag("Null: it can't be told just now.")),
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
        "body": {"description": "An object; to Kubernetes, a list of operations."},
        "problem": any_text("Why it can't be told, instead of the others."),
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
            "proposed": flag("False: there is no such plan yet."),
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


LIMIT = whole(0, MAX_LISTED, "At most so many.")
OFFSET = whole(0, LARGEST_OFFSET, "How many to leave out at the beginning.")
