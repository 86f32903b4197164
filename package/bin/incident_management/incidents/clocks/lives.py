"""An incident's lives, each from an opening or reopening to a resolve, read off its timeline. Pure.

A clock that hangs on severity and team needs to know when they changed. An escalation hands an
incident on, but what was promised stays what the team promised that it belongs to: so the team
here is the one of routing and assignment.
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
        """Take in how things stand now.

        An incident is ``routed`` as it is opened: the team of its rules counts from the start. One
        that it is given to later can be held to nothing from before.
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

    That is the team of its routing or assignment, not of an escalation. The incident goes on
    changing with the next step.
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
    """Return the lives of one incident, the present or last one last.

    Entries of clocks that differ may go back in time; a moment is never before an earlier one.
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
