"""``/incidents/{id}/updates``: what is written for those who do not work on it."""

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
            "next_by": number(about="Epoch seconds; left out where nothing was promised."),
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
            "text": text(updates.TEXT_CHARACTERS, 1, "In plain words; people outside read it."),
            "state": _STATE,
            "services": {**_SERVICES, "description": "What is affected; else its entities."},
            "next_update_in": text(20, about="When they hear next, such as 30m."),
            "next_update_by": number(0, 1e11, "The same in epoch seconds."),
        },
        ("text",),
    ),
)
def add_update(request: Request) -> Response:
    """Write an update for stakeholders, in any state; nothing else of the incident changes.

    Its state is what they are told. Without a time they are promised none, or what
    `update_every` asks for.
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
                "overdue": flag("An update should have been written by now."),
                "update_every": nullable(number(about="Seconds; of what is open.")),
                "stakeholders": listed(_GROUP, about="Who is told of the next one."),
                "draft": record({"text": any_text(), "state": _STATE, "services": _SERVICES}),
            }
        )
    },
)
def list_updates(request: Request) -> Response:
    """Its updates, the newest first, when the next is due, who hears of it, and a draft.

    The draft is made of facts by code: to be read and corrected before it is sent.
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
    """Return when the next update is promised, in epoch seconds; 0: nothing was said."""
    said, moment = request.text("next_update_in"), float(request.body.get("next_update_by") or 0.0)
    if not said:
        return moment
    try:
        seconds = seconds_of(said, 60.0, unit=True)
    except ValueError as error:
        raise Invalid(f"'next_update_in' {error}.") from None
    if moment:
        raise Invalid("Give next_update_in or next_update_by, not both.")
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
