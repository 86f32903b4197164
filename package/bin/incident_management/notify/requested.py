"""Notifications that an alert action or an API caller requests."""

from __future__ import annotations

import hashlib
from typing import Any, Dict, Mapping, Sequence

from ..channels import CHANNELS
from ..incidents.act import Act
from ..incidents.canonical import canonical
from ..incidents.errors import Invalid, NotFound
from ..incidents.model import NOBODY, SEVERITIES
from .delivery.notification import NewNotification
from .delivery.outbox import Outbox
from .message import Message, incident_url, one_line, plain
from .request_fields import CHARACTERS, is_target

__all__ = ["enqueue"]

TEXT_CHARACTERS = 3000
TITLE_CHARACTERS = 200


def enqueue(
    act: Act,
    outbox: Outbox,
    request: Mapping[str, Any],
    web_url: str,
    channels: Sequence[str] = CHANNELS,
) -> Dict[str, Any]:
    """Enqueue a requested notification.

    Args:
        request: ``channel`` and ``message``; optional ``id`` (the same id of one user on the same
            channel is sent once; by default the request's own content in this minute), ``title``,
            ``severity``, ``target`` (a Slack channel), ``incident_id``, ``rule``.
        web_url: base URL of Splunk Web, for links; may be empty.
        channels: the names of all channels.

    Returns the notification's ``id``, and whether it is ``new``.

    Raises:
        Invalid: a field is missing, unknown or malformed.
        NotFound: there is no such incident.
    """
    values = _checked(request, channels)
    notification = NewNotification(
        source=_source(act, values),
        channel=values["channel"],
        event="alert",
        message=_message(act, values, web_url).to_document(),
        incident_id=values["incident_id"],
        target=values["target"],
        key_target=values["target"],
    )
    return {"id": notification.key, "new": outbox.enqueue(notification)}


def _message(act: Act, values: Mapping[str, str], web_url: str) -> Message:
    """Build the message of a request. Raises NotFound."""
    incident_id = values["incident_id"]
    incident = act.stores.incidents.get(incident_id) if incident_id else None
    if incident_id and incident is None:
        raise NotFound(f"No incident {incident_id}; check the id, or leave it out.")
    return Message(
        event="alert",
        headline=f"Alert by {plain(values['rule'] or act.actor, 100)}",
        title=one_line(values["title"] or values["message"], TITLE_CHARACTERS),
        incident_id=incident_id,
        severity=values["severity"] or "medium",
        status=str((incident or {}).get("status", "")),
        text=plain(values["message"], TEXT_CHARACTERS) if values["title"] else "",
        rules=[plain(values["rule"], 80)] if values["rule"] else [],
        url=incident_url(web_url, incident_id),
        time=act.clock.now(),
    )


def _source(act: Act, values: Mapping[str, str]) -> str:
    """Return the id of a request; ids are per caller, so nobody can suppress another's alert.

    All system users share one name: the worker repeats an alert's request as the app's user, where
    the alert itself sent it as the system's user.
    """
    asker = NOBODY[0] if act.actor in NOBODY else act.actor
    return f"asked:{asker}:{values['id'] or _own_id(values, asker, act.clock.now())}"


def _checked(request: Mapping[str, Any], channels: Sequence[str]) -> Dict[str, str]:
    values = dict.fromkeys(CHARACTERS, "")
    for name, value in request.items():
        if name not in CHARACTERS:
            raise Invalid(f"Unknown field '{name}'. Known fields: {', '.join(CHARACTERS)}.")
        if not isinstance(value, str):
            raise Invalid(f"'{name}' must be a string.")
        values[name] = value.strip()
    if values["channel"] not in channels:
        raise Invalid(
            f"'{values['channel'][:40]}' is not a channel; the channels are {', '.join(channels)}."
        )
    if not values["message"]:
        raise Invalid("'message' is missing. Enter the text to send.")
    values["severity"] = values["severity"].lower()
    if values["severity"] and values["severity"] not in SEVERITIES:
        raise Invalid(
            f"'{values['severity'][:40]}' is not a severity; use {', '.join(SEVERITIES)}."
        )
    # Mail goes only to recipients that an administrator configured.
    if values["target"] and (values["channel"] == "email" or not is_target(values["target"])):
        raise Invalid("'target' must be the name or the id of a Slack channel.")
    return values


def _own_id(values: Mapping[str, str], actor: str, now: float) -> str:
    content = canonical([values, actor, int(now // 60)])
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()
