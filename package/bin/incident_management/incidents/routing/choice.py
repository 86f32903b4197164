"""Chooses the team member who takes an incident now, with the reason. Pure and deterministic.

Candidates are on shift, have the required skills and have capacity left. The one with the least
open work takes the incident; of several, the one with more capacity left, then the first in the
team's list. Work is counted in points, by the severity of each incident. A person without open work
takes an incident even if it alone exceeds the capacity.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import List, Mapping, Optional, Sequence, Tuple

from ...ports import Document
from .on_call import OnCall
from .teams import Member, Team

__all__ = ["Availability", "Choice", "Chooser", "Load"]

MAX_FALLBACKS = 5
MAX_NAMED = 8

Load = Mapping[str, float]


@dataclass(frozen=True)
class Choice:
    """The chosen team and owner (blank: nobody can take it now), and the reason in words.

    ``by_rota``: the rota data of the entry, if the owner was chosen because of being on call.
    """

    team: str
    owner: str
    reason: str
    by_rota: Document = field(default_factory=dict)

    def to_data(self) -> Document:
        """Return the data of the entry that assigns an incident to the owner."""
        data = {"team": self.team, "owner": self.owner, "reason": self.reason}
        return {**data, **self.by_rota}


@dataclass(frozen=True)
class Availability:
    """A member's availability at a moment; ``back``: when the next shift begins, in words."""

    name: str
    load: float
    capacity: Optional[float]
    on_shift: bool
    back: str = ""
    lacks: Tuple[str, ...] = ()
    has_it: bool = False

    def can_take(self, weight: float) -> bool:
        return self.on_shift and not (self.lacks or self.has_it) and self.has_room(weight)

    def has_room(self, weight: float) -> bool:
        if self.capacity is None or weight <= 0:
            return True
        if self.load <= 0:
            return self.capacity > 0
        return self.load + weight <= self.capacity

    @property
    def room(self) -> float:
        return float("inf") if self.capacity is None else self.capacity - self.load

    def words(self, weight: float) -> str:
        """Return why this member does not take the incident, or the member's current work."""
        if self.has_it:
            return f"{self.name} already has the incident"
        if self.lacks:
            return f"{self.name} lacks the skill {_and(self.lacks)}"
        if not self.on_shift:
            return f"{self.name} is off shift{f' until {self.back}' if self.back else ''}"
        amount = f"{self.load:g}" + ("" if self.capacity is None else f" of {self.capacity:g}")
        return f"{self.name} {'has' if self.has_room(weight) else 'is full with'} {amount}"


@dataclass(frozen=True)
class Chooser:
    """Chooses among teams and members, each by name, with who is on call."""

    teams: Mapping[str, Team]
    members: Mapping[str, Member]
    on_call: OnCall

    def choose(
        self, team: str, weight: float, skills: Sequence[str], load: Load, now: float, excluded: str
    ) -> Choice:
        """Choose who takes an incident, from a team or from its fallback teams.

        Args:
            team: the team's name.
            weight: the incident's points.
            skills: the skills that the incident requires.
            load: the points of open work by user name.
            excluded: the current owner, who must not get it again.
        """
        said: List[str] = []
        tried: List[str] = []
        name = team
        while name in self.teams and name not in tried and len(tried) <= MAX_FALLBACKS:
            tried.append(name)
            members = self.availability(self.teams[name], skills, load, now, excluded)
            if self.teams[name].rota:
                duty = self.on_call.at(self.teams[name].rota, now, excluded)
                said.append(duty.reason)
                if duty.person:
                    one = self.availability_on_call(self.teams[name], duty.person, skills, load)
                    said.append(f"{one.words(weight)}.")
                    if one.can_take(weight):
                        by_rota = self.on_call.entry_data(self.teams[name].rota, now)
                        return Choice(name, duty.person, " ".join(said), by_rota)
                members = [one for one in members if one.name != duty.person]
            free = [one for one in members if one.can_take(weight)]
            if free:
                best = min(free, key=lambda one: (one.load, -one.room))
                said.append(_taken(name, best, members, weight))
                return Choice(name, best.name, " ".join(said))
            if members or not self.teams[name].rota:
                said.append(_none(name, members, weight))
            name = self.teams[name].fallback
            if name:
                said.append(f"Falling back to team '{name}'.")
        return Choice(team, "", " ".join(said))

    def availability(
        self, team: Team, skills: Sequence[str], load: Load, now: float, excluded: str = ""
    ) -> List[Availability]:
        """Return each member's availability, in the team's order; see :meth:`choose`."""
        found = []
        for name in team.members:
            hours = team.hours_of(self.members.get(name, Member(name)))
            on_shift = hours.is_open(now)
            back = None if on_shift else hours.next_open(now)
            one = self.availability_on_call(team, name, skills, load)
            shown = "" if back is None else hours.shown(back, now)
            has_it = bool(name) and name == excluded
            found.append(replace(one, on_shift=on_shift, back=shown, has_it=has_it))
        return found

    def availability_on_call(
        self, team: Team, name: str, skills: Sequence[str], load: Load
    ) -> Availability:
        """Return the availability of a person on call, regardless of calendars."""
        member = self.members.get(name, Member(name))
        return Availability(
            name=name,
            load=load.get(name, 0.0),
            capacity=team.capacity_of(member),
            on_shift=True,
            lacks=tuple(skill for skill in skills if skill.lower() not in member.skills),
        )


def _taken(team: str, best: Availability, members: Sequence[Availability], weight: float) -> str:
    others = [one.words(weight) for one in members if one is not best]
    words = [f"{best.words(weight)}, the least of those who can take it", *_some(others)]
    return f"{best.name} of team '{team}' takes the incident: {'; '.join(words)}."


def _none(team: str, members: Sequence[Availability], weight: float) -> str:
    words = _some([one.words(weight) for one in members]) or ["the team has no members"]
    return f"Nobody in team '{team}' can take the incident now: {'; '.join(words)}."


def _some(words: List[str]) -> List[str]:
    more = len(words) - MAX_NAMED
    return words if more <= 0 else [*words[:MAX_NAMED], f"and {more} more"]


def _and(words: Sequence[str]) -> str:
    return " and ".join(f"'{word}'" for word in words)
