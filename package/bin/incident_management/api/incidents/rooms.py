"""``/incidents/{id}/room``: an incident's own Slack channel."""

from __future__ import annotations

from ...incidents import incident_channel
from ...incidents.act import Act
from ...incidents.errors import IllegalMove
from ...incidents.model import Incident
from ...notify.configured_channels import KEY
from ..router import Request, Response
from ..schema import obj
from .guard import change, run_action


@change("/incidents/{id}/room", body=obj({}))
def open_room(request: Request) -> Response:
    """Request a Slack incident channel for an open incident.

    The worker opens it within seconds; the incident's `room` has the state. If the incident already
    has a channel or a pending request, nothing changes.
    """
    here = (request.stores, request.params["id"])
    return run_action(request, _want, done=lambda: incident_channel.find_requested(*here))


def _want(act: Act, incident_id: str) -> Incident:
    """As :func:`.rooms.request_channel`; IllegalMove also where the worker knows of no Slack."""
    known = act.stores.claims.get(KEY)
    if known and "slack" not in str(known["value"]["channels"]).split(", "):
        raise IllegalMove("Slack is not set up: set it up under Configuration > Slack.")
    return incident_channel.request_channel(act, incident_id)
