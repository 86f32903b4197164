"""Find who is on call for a team now and next, and the span of the report. Pure.

Moments are epoch seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from typing import Optional, Tuple

from ..incidents.clocks.zones import moment_in, zone_named
from ..incidents.errors import Invalid
from ..incidents.routing import Routing, Team
from ..incidents.routing.on_call import Span

__all__ = ["DAY", "LONGEST", "Shift", "shift_of", "team_named", "zone_of"]

DAY = 86_400.0
LONGEST = 31 * DAY
# A person who came on call within this time gets the report of the shift before.
TAKING_OVER = 2 * 3600.0
# How far ahead the next turn is searched for.
AHEAD = 15 * DAY


@dataclass(frozen=True)
class Shift:
    """A team's shift at a moment: ``person`` (blank: nobody) is on call since ``began``.

    ``began`` is 0.0 if nobody took over in the last days. ``reason`` says who is on call in a
    sentence. ``since``: the beginning of the report's span. ``next_person`` (blank: nobody) takes
    over at ``next_at``; 0.0: nobody else does in the coming turns. ``time_zone`` is the team's.
    """

    team: str
    since: float
    until: float
    rota: str = ""
    person: str = ""
    began: float = 0.0
    reason: str = ""
    next_person: str = ""
    next_at: float = 0.0
    time_zone: str = "UTC"

    def time_text(self, moment: float) -> str:
        """Return a moment as text, in the team's time zone."""
        return moment_in(self.time_zone, moment)


def team_named(routing: Routing, asked: str, person: str) -> str:
    """Return the requested team; without one, the team of a person.

    Raises Invalid if there is no such team, or if the person is in none or several.
    """
    if asked:
        routing.check_team(asked)
        return asked
    teams = sorted(routing.teams)
    own = [name for name in teams if person.lower() in routing.people_of(name)]
    found = own or teams
    if len(found) == 1:
        return found[0]
    if not found:
        raise Invalid("No team is configured. Add one under Configuration > Response teams.")
    raise Invalid(f"Choose a team: one of {', '.join(found[:20])}.")


def zone_of(routing: Routing, team: str) -> Tuple[str, tzinfo]:
    """Return a team's time zone: that of its rota, else that of its calendar, else UTC."""
    of = routing.teams.get(team, Team(team))
    rota = routing.rotas.get(of.rota)
    name = rota.handovers.zone_name if rota else of.calendar.zone
    return name, zone_named(name)


def shift_of(routing: Routing, team: str, now: float, since: Optional[float] = None) -> Shift:
    """Return a team's shift; ``since``: the beginning of the report's span.

    By default the span begins when the person who was on call two hours ago began. Without a rota,
    or if that is not known, it is a day.

    Raises Invalid for a ``since`` that is not before now, or more than 31 days ago.
    """
    if since is not None and not now - LONGEST <= since < now:
        raise Invalid("'since' must be in the past, at most 31 days ago.")
    rota = routing.teams.get(team, Team(team)).rota
    zone, _zone = zone_of(routing, team)
    if rota not in routing.rotas:
        reason, since = (
            f"Team {team} has no on-call rotation.",
            now - DAY if since is None else since,
        )
        return Shift(team, since, now, reason=reason, time_zone=zone)
    duty, began = routing.on_call.at(rota, now), routing.on_call.since(rota, now)
    coming = _next(routing, rota, now)
    return Shift(
        team,
        _report_start(routing, rota, now) if since is None else since,
        now,
        rota,
        duty.person,
        began,
        duty.reason,
        coming.duty.person if coming else "",
        coming.start if coming else 0.0,
        zone,
    )


def _report_start(routing: Routing, rota: str, now: float) -> float:
    began = routing.on_call.since(rota, now - TAKING_OVER)
    return max(began, now - LONGEST) if began else now - DAY


def _next(routing: Routing, rota: str, now: float) -> Optional[Span]:
    current, *rest = routing.on_call.spans(rota, now, now + AHEAD)
    return next((one for one in rest if one.duty.person != current.duty.person), None)
