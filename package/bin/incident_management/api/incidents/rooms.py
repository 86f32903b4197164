"""``/incidents/{id}/room``: a Slack channel of an incident's own."""

from __future__ import annotations

from ...incidents import incident_channel
from ...incidents.act import Act
from ...incidents.errors import IllegalMove
from ...incidents.model import Incident
from ...notify.reach import KEY
from ..router import Request, Response
from ..schema import obj
from .guard import change, run_action


@change("/incidents/{id}/room", body=obj({}))
def open_room(request: Request) -> Response:
    """Have a Slack channel of its own opened for an open incident.

    The worker opens it within seconds; `room` of the incident says how that stands. One that has a
    channel, or gets one, is answered as it is.
    """
    here = (request.stores, request.params["id"])
    return run_action(request, _want, done=lambda: incident_channel.find_requested(*here))


def _want(act: Act, incident_id: str) -> Incident:
    """As :func:`.rooms.request_channel`; IllegalMove also where the worker knows of no Slack."""
    known = act.stores.claims.get(KEY)
    if known and "slack" not in str(known["value"]["channels"]).split(", "):
        raise IllegalMove("Slack is not set up: set it up under Configuration > Slack.")
    return incident_channel.request_channel(act, incident_id)
