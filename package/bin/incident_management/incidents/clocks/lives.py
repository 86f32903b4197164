"""Derive an incident's lives, each from an opening or reopening to a resolve, from its timeline.

Deadlines depend on severity and team, so a life lists their changes. The team here is that of
routing and assignment: an escalation does not change what the responsible team has promised. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Iterable, Iterator, List, Optional, Tuple

from ..fold import State, effective, ordered
from ..model import Entry, Incident

__all__ = ["Change", "Life", "lives_of", "steps_of"]


@dataclass(frozen=True)
class Change:
    """From this moment on the incident had this severity and this team."""

    time: float
    severity: str
    team: str


@dataclass
class Life:
    """One stretch of being open. ``number`` counts from 1; times are epoch seconds."""

    number: int
    start: float
    changes: List[Change] = field(default_factory=list)
    acknowledged_at: Optional[float] = None
    ended_at: Optional[float] = None

    def see(self, change: Change, routed: bool = False) -> None:
        """Record the current severity and team.

        ``routed``: the rules chose the team at the opening, so it counts from the start.
        A team that gets the incident later is not responsible for the time before.
        """
        last = self.changes[-1] if self.changes else None
        if last is None:
            self.changes.append(change)
        elif routed and len(self.changes) == 1 and change.severity == last.severity:
            self.changes[0] = Change(last.time, last.severity, change.team)
        elif (change.severity, change.team) != (last.severity, last.team):
            self.changes.append(change)


def steps_of(entries: Iterable[Entry]) -> Iterator[Tuple[Entry, Incident, str]]:
    """Yield each entry of one incident, in order, with the incident after it, and its team.

    The team is that of routing or assignment, not of an escalation. The incident is one object that
    changes with the next step.
    """
    known = ordered(entries)
    if not known:
        return
    counted = {entry.key for entry in effective(known)}
    incident = Incident(known[0].incident_id)
    state, home = State(incident), ""
    for entry in known:
        before = incident.team
        state.add_signals(entry)
        if entry.key in counted:
            state.apply(entry)
        hands_on = entry.kind == "escalation" or entry.data.get("instead_of")
        if incident.team != before and not hands_on:
            home = incident.team
        yield entry, incident, home


def lives_of(entries: Iterable[Entry]) -> List[Life]:
    """Return the lives of one incident, in order.

    Different clocks may let entries go back in time; the lives' times never do.
    """
    lives: List[Life] = []
    now = float("-inf")
    for entry, incident, home in steps_of(entries):
        now = max(now, entry.time)
        if incident.opened_at is None:
            continue
        if incident.is_open and (not lives or lives[-1].ended_at is not None):
            lives.append(Life(len(lives) + 1, now))
        life = lives[-1]
        if incident.is_open:
            life.see(Change(now, incident.severity, home), entry.kind == "routed")
            if incident.status == "in_progress" and life.acknowledged_at is None:
                life.acknowledged_at = now
        elif life.ended_at is None:
            life.ended_at = now
    return lives
