"""Routes of the outbox: request notifications, and list or resend failed ones."""

from __future__ import annotations

from typing import Any, Dict, Mapping

from ..channels import CHANNELS
from ..incidents.errors import NotFound
from ..incidents.routing import Routing
from ..notify.announcing.storms import GATHERED
from ..notify.delivery.outbox import FINAL, Outbox
from ..notify.delivery.record import recorder
from ..notify.request_fields import CHARACTERS
from ..notify.requested import enqueue
from ..splunk.configuration import conf
from .router import Request, Response, route
from .schema import any_text, flag, obj, one_of, record, text
from .shapes import LIMIT, NOTIFICATION, page

__all__ = ["shown"]

STATES = ("pending", "sending", GATHERED, *FINAL)
MAX_LISTED = 500
_CHANNELS = ", ".join(f"`{one}`" for one in CHANNELS)
_ASKED = record({"id": any_text(), "new": flag()})
_SHOWN = (
    "incident_id", "channel", "target", "event", "state", "attempts", "next_attempt",
    "last_error", "created_at", "sent_at",
)  # fmt: skip


@route(
    "POST",
    "/notifications",
    capability="incident_signal",
    body=obj(
        {
            "channel": text(
                CHARACTERS["channel"], 1, f"{_CHANNELS}, or an HTTP channel of your own."
            ),
            "message": text(CHARACTERS["message"], 1),
            "id": text(
                CHARACTERS["id"], about="A repeated id of the same user and channel is sent once."
            ),
            "title": text(CHARACTERS["title"]),
            "severity": text(CHARACTERS["severity"]),
            "target": text(CHARACTERS["target"], about="A Slack channel."),
            "incident_id": text(CHARACTERS["incident_id"]),
            "rule": text(CHARACTERS["rule"]),
        },
        ("channel", "message"),
    ),
    answers={200: _ASKED, 201: _ASKED},
    problems=(404,),
)
def notify(request: Request) -> Response:
    """Queue a notification in the outbox. Safe to repeat with the same ``id``."""
    answer = enqueue(
        request.act,
        _outbox(request),
        {"id": request.mark, **request.body},
        conf.web_url(request.system_session),
        request.routing().channel_names,
    )
    return Response(answer, status=201 if answer["new"] else 200)


@route(
    "GET",
    "/outbox",
    capability="incident_admin",
    query={
        "state": one_of(STATES),
        "channel": text(100, about="Also `webhook:<subscription>`."),
        "incident": text(40),
        "limit": {**LIMIT, "maximum": MAX_LISTED},
    },
    answers={200: page("notifications", NOTIFICATION)},
)
def list_outbox(request: Request) -> Response:
    """List notifications, newest first."""
    asked = {"state": "state", "channel": "channel", "incident": "incident_id"}
    query = {field: request.args[name] for name, field in asked.items() if name in request.args}
    limit = request.args.get("limit", 100)
    # A summary's document names up to 5,000 others.
    fields = ("message", *_SHOWN)
    found = request.stores.outbox.find(query, "created_at:-1", limit + 1, fields=fields)
    return Response(
        {"notifications": [shown(one) for one in found[:limit]], "more": len(found) > limit}
    )


@route(
    "POST",
    "/outbox/{id}/retry",
    capability="incident_admin",
    body=obj({}),
    answers={200: NOTIFICATION},
)
def retry(request: Request) -> Response:
    """Resend a dead or unconfirmed notification to its recipients' current address."""
    routing = request.routing()

    def changed(document: Dict[str, Any]) -> Dict[str, Any]:
        # What was refused may have been the address. That of an alert is its author's own, and
        # that of a summary of somebody's mails theirs.
        if not document["order"] and "team" not in document:
            return {}
        message, channel = document["message"], document["channel"]
        if document.get("stakeholders"):
            return _mailed(routing, document)
        owner = routing.members.get(str(message.get("owner")))
        if owner and message.get("mention"):
            message = {**message, "mention": owner.known_as(channel)}
        if document.get("follow_up"):
            return {"message": message}
        target = routing.target(str(document.get("team", message.get("team") or "")), channel)
        return {"target": target, "message": message}

    document = _outbox(request).retry(request.params["id"], changed)
    if document is None:
        raise NotFound(f"Notification {request.params['id'][:60]} not found. See GET /outbox.")
    return Response(shown(document))


def _mailed(routing: Routing, document: Mapping[str, Any]) -> Dict[str, Any]:
    """Where stakeholders get their mail by now; another place of theirs is another notification."""
    name = document["stakeholders"]
    group = next((one for one in routing.stakeholders if one.name == name), None)
    is_mail = document["channel"] == "email" and group is not None and group.email
    return {"target": ",".join(group.email)} if group and is_mail else {}


def _outbox(request: Request) -> Outbox:
    return Outbox(
        request.stores,
        request.clock,
        f"rest:{request.user}",
        recorder(request.stores, request.clock),
    )


def shown(document: Dict[str, Any]) -> Dict[str, Any]:
    """Return a notification as the API shows it."""
    message = document.get("message") or {}
    shown = {name: document.get(name) for name in _SHOWN}
    return {"id": document["_key"], **shown, "title": message.get("title", "")}
