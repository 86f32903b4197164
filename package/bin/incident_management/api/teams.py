"""``GET /teams``: the teams, their members on shift, and each member's load."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

from ..incidents.clocks.assignment import loads
from ..incidents.routing import Routing, Team
from ..incidents.stores import IS_OPEN
from ..ports import Stores
from .router import Request, Response, route
from .schema import any_text, any_whole, flag, listed, nullable, number, obj, record

_MEMBER = record(
    {
        "name": any_text(),
        "on_shift": flag("On shift now, by the calendars of incident_routing.conf."),
        "on_shift_again": any_text("When the next shift begins; empty while on shift."),
        "load": number(about="Load points of open incidents; the severity sets how many."),
        "capacity": nullable(number(about="Maximum load points; null: no limit.")),
        "skills": listed(any_text()),
    }
)


@route(
    "GET",
    "/teams",
    capability="incident_read",
    answers={
        200: record(
            {
                "teams": listed(
                    obj(
                        {
                            "name": any_text(),
                            "members": listed(any_text()),
                            "on_shift": listed(any_text(), about="Members on shift now."),
                            "people": listed(_MEMBER),
                            "channels": listed(any_text()),
                            "slack_channel": any_text(),
                            "email": listed(any_text()),
                            "calendar": any_text(),
                            "fallback": any_text(),
                            "assign": any_text(),
                            "rota": any_text("The team's rota, see GET /on-call."),
                            "open_incidents": any_whole(),
                            "unassigned": any_whole("Open incidents of the team without an owner."),
                        },
                        ("name", "members", "on_shift", "people", "channels", "open_incidents"),
                    )
                )
            }
        )
    },
)
def list_teams(request: Request) -> Response:
    """List the teams of incident_routing.conf, their open incidents and members' load."""
    routing = request.routing()
    everybody = {name for team in routing.teams.values() for name in team.members}
    load = loads(request.stores, routing, everybody)
    now = request.clock.now()
    teams = sorted(routing.teams.values(), key=lambda team: team.name)
    return Response({"teams": [_team(request.stores, routing, one, load, now) for one in teams]})


def _team(
    stores: Stores, routing: Routing, team: Team, load: Mapping[str, float], now: float
) -> Dict[str, Any]:
    people: List[Dict[str, Any]] = []
    for one in routing.availability(team.name, load, now):
        member = routing.members.get(one.name)
        people.append(
            {
                "name": one.name,
                "on_shift": one.on_shift,
                "on_shift_again": one.back,
                "load": one.load,
                "capacity": one.capacity,
                "skills": sorted(member.skills) if member else [],
            }
        )
    standing = [{"team": team.name}, IS_OPEN]
    return {
        "name": team.name,
        "members": list(team.members),
        "on_shift": [one["name"] for one in people if one["on_shift"]],
        "people": people,
        "channels": list(team.channels),
        "slack_channel": team.slack_channel,
        "email": list(team.email),
        "calendar": team.calendar.name,
        "fallback": team.fallback,
        "assign": team.assign,
        "rota": team.rota,
        "open_incidents": len(stores.incidents.keys({"$and": standing})),
        "unassigned": len(stores.incidents.keys({"$and": [*standing, {"owner": ""}]})),
    }
