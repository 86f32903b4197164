"""``/incidents/{id}/updates``: stakeholder updates."""

from __future__ import annotations

from typing import Any, Mapping

from ...durations import seconds_of
from ...incidents import timeline, updates
from ...incidents.clocks.updates import every_of
from ...incidents.errors import Invalid
from ...incidents.fold import fold
from ...incidents.model import Document, Entry
from ...incidents.routing import Stakeholders
from ...notify.announcing.stakeholders import hearing
from ..router import Request, Response, route
from ..schema import any_text, flag, listed, named, nullable, number, obj, one_of, record, text
from ..shapes import NAME, TIME
from .guard import change, run_action

_STATE = one_of(("", *updates.STATES))
_SERVICES = listed(NAME, updates.MAX_SERVICES, "What is affected.")
UPDATE = named(
    "Update",
    obj(
        {
            "time": TIME,
            "by": any_text(),
            "text": any_text(),
            "state": _STATE,
            "services": listed(any_text()),
            "next_by": number(about="Time of the promised next update; omitted if none."),
        },
        ("time", "by", "text"),
        more=True,
    ),
)
_GROUP = record(
    {
        "name": any_text(),
        "slack_channels": listed(any_text()),
        "mail_addresses": {"type": "integer", "minimum": 0},
        "teams": flag(),
    }
)


@change(
    "/incidents/{id}/updates",
    body=obj(
        {
            "text": text(updates.TEXT_CHARACTERS, 1, "Plain words; people outside read it."),
            "state": _STATE,
            "services": {**_SERVICES, "description": "What is affected; by default its entities."},
            "next_update_in": text(20, about="Time until the next update, such as 30m."),
            "next_update_by": number(0, 1e11, "The same in epoch seconds."),
        },
        ("text",),
    ),
)
def add_update(request: Request) -> Response:
    """Post an update for stakeholders, in any status; nothing else of the incident changes.

    `state` is the state that stakeholders see. Without a time for the next update, it promises the
    one that `update_every` requires, or none.
    """
    body = request.body
    update = updates.Update(
        text=request.text("text", required=True),
        state=request.text("state"),
        services=request.texts("services") if "services" in body else None,
        next_by=_next_by(request),
    )
    return run_action(request, updates.publish, update, routed=True)


@route(
    "GET",
    "/incidents/{id}/updates",
    capability="incident_read",
    answers={
        200: record(
            {
                "incident_id": any_text(),
                "updates": listed(UPDATE),
                "update_due": nullable(number()),
                "overdue": flag("An update is overdue."),
                "update_every": nullable(
                    number(about="Required interval while it is open, seconds.")
                ),
                "stakeholders": listed(_GROUP, about="Groups that receive the next update."),
                "draft": record({"text": any_text(), "state": _STATE, "services": _SERVICES}),
            }
        )
    },
)
def list_updates(request: Request) -> Response:
    """List updates, newest first, with the next due time, the recipients and a draft.

    Code generates the draft from facts; review and correct it before you send it.
    """
    entries = timeline.read_existing(request.stores, request.params["id"])
    incident, routing = fold(entries), request.routing()
    due = incident.update_due
    groups = hearing(request.stores, routing, incident.id, entries)
    return Response(
        {
            "incident_id": incident.id,
            "updates": [_shown(one) for one in reversed(updates.updates_of(entries))],
            "update_due": due,
            "overdue": due is not None and due < request.clock.now(),
            "update_every": every_of(entries, routing),
            "stakeholders": [_group(one) for one in groups],
            "draft": updates.draft(entries),
        }
    )


def _next_by(request: Request) -> float:
    """Return when the next update is promised, in epoch seconds; 0 if the request does not say."""
    said, moment = request.text("next_update_in"), float(request.body.get("next_update_by") or 0.0)
    if not said:
        return moment
    try:
        seconds = seconds_of(said, 60.0, unit=True)
    except ValueError as error:
        raise Invalid(f"'next_update_in' {error}.") from None
    if moment:
        raise Invalid("Give either next_update_in or next_update_by, not both.")
    return request.clock.now() + seconds


def _shown(entry: Entry) -> Document:
    return {**entry.data, "time": entry.time, "by": entry.actor}


def _group(group: Stakeholders) -> Mapping[str, Any]:
    return {
        "name": group.name,
        "slack_channels": list(group.slack_channels),
        "mail_addresses": len(group.email),
        "teams": group.teams,
    }
