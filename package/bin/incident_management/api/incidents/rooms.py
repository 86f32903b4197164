"""``/incidents/{id}/room``: a Slack channel of an incident's own."""

from __future__ import annotations

from ...incidents import rooms
from ..router import Request, Response
from ..schema import obj
from .acting import acted, change


@change("/incidents/{id}/room", body=obj({}))
def open_room(request: Request) -> Response:
    """Have a Slack channel of its own opened for an open incident.

    The worker opens it within seconds; `room` of the incident says how that stands. One that has a
    channel, or gets one, is answered as it is.
    """
    who = (request.stores, request.params["id"])
    return acted(request, rooms.want, done=lambda: rooms.on_its_way(*who))
