"""The model of the whole file incident_routing.conf."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import (
    Any,
    Collection,
    Dict,
    FrozenSet,
    List,
    Mapping,
    Optional,
    Sequence,
    Set,
    Tuple,
)

from ...channels import CHANNELS, PEOPLE
from ...ports import Document
from ..clocks.calendar import ALWAYS, Calendar
from ..covers import Cover
from ..errors import Invalid, NotFound
from ..grouping import DEFAULT_GROUNDS
from .checklists import DEFAULT_ROLES, Checklist
from .choice import Availability, Choice, Chooser, Load
from .custom_fields import CustomFields
from .http_channels import HttpChannel
from .on_call import OnCall
from .policies import Path, Policy
from .references import TEAM_HOURS
from .rotas import Rota
from .rules import Rule
from .stakeholders import Stakeholders
from .teams import (
    Member,
    Team,
    calendar_named,
    takes_everything,
)
from .values import CONF, AnnounceChannel

__all__ = ["CONF", "Decision", "Routing"]

Stanzas = Mapping[str, Mapping[str, str]]
MAX_NAMED = 50
DEFAULT_REVIEWED = ("critical", "high")
_NO_TEAM = Team("")


@dataclass(frozen=True)
class Decision:
    """The team and the owner (blank: none yet) that the rules chose, and why, in one sentence.

    ``skills`` are required of the person who takes the incident.
    """

    team: str
    owner: str
    reason: str
    skills: Tuple[str, ...] = ()

    def to_data(self) -> Document:
        """Return the data of the timeline entry ``routed``."""
        return {"team": self.team, "owner": self.owner, "reason": self.reason}


@dataclass(frozen=True)
class Routing:
    """The whole file. The windows and ``flap_calm`` are in seconds; see :mod:`..upkeep.flapping`.

    ``group_by``: why a problem may join an open incident, see :mod:`..grouping.related`.
    ``tell_singly`` and the like: when messages become summaries, see
    :mod:`...notify.announcing.storms`. ``review_severities``: which incidents get a review, see
    :mod:`..review`. ``weights`` are the points of work of an incident by severity. ``problems`` has
    a sentence for each malformed value; the rest applies.

    ``covers`` are not in the file: people add them later, and
    :func:`..clocks.assignment.with_covers` reads them. None: they were not read. ``roles`` are the
    roles besides the lead, who is the owner. ``own_channels`` are the HTTP channels of
    administrators, including malformed and disabled ones.
    """

    teams: Dict[str, Team] = field(default_factory=dict)
    rules: Tuple[Rule, ...] = ()
    announce: Dict[str, Tuple[AnnounceChannel, ...]] = field(default_factory=dict)
    reopen_window: float = 4 * 3600.0
    group_window: float = 15 * 60.0
    group_by: Tuple[str, ...] = DEFAULT_GROUNDS
    flap_count: int = 4
    flap_window: float = 2 * 3600.0
    flap_calm: float = 30 * 60.0
    problems: Tuple[str, ...] = ()
    members: Dict[str, Member] = field(default_factory=dict)
    calendars: Dict[str, Calendar] = field(default_factory=dict)
    policies: Tuple[Policy, ...] = ()
    paths: Tuple[Path, ...] = ()
    weights: Dict[str, float] = field(default_factory=dict)
    tell_singly: int = 20
    tell_critical_singly: int = 60
    tell_window: float = 10 * 60.0
    review_severities: Tuple[str, ...] = DEFAULT_REVIEWED
    rotas: Dict[str, Rota] = field(default_factory=dict)
    covers: Optional[Tuple[Cover, ...]] = None
    stakeholders: Tuple[Stakeholders, ...] = ()
    own_channels: Dict[str, HttpChannel] = field(default_factory=dict)
    fields: CustomFields = field(default_factory=CustomFields)
    roles: Tuple[str, ...] = DEFAULT_ROLES
    checklists: Tuple[Checklist, ...] = ()

    @classmethod
    def from_stanzas(cls, stanzas: Stanzas) -> Routing:
        """Read the file's stanzas.

        A malformed value costs its own stanza or setting, never an incident: the rest applies,
        and ``problems`` has a sentence for each. A malformed calendar counts as around the clock,
        so that no deadline is missed because of it.
        """
        from .reading import RoutingReader  # imports this module

        return RoutingReader(stanzas).routing()

    # --- assignment ----------------------------------------------------------------------------

    def decide(self, severity: str, *named: Sequence[str]) -> Decision:
        """Choose the team of an incident; ``named`` is what :meth:`.rules.Rule.explain` takes.

        If the team has one member who takes everything at any time, that member is the owner. For
        other teams, :meth:`choose` chooses an owner.
        """
        for rule in self.rules:
            reason = rule.explain(severity, *named)
            if reason:
                team = self.teams[rule.team]
                sole = not rule.skills and takes_everything(self.members, team)
                owner = team.members[0] if sole else ""
                text = " ".join([reason, *self.problems])
                return Decision(team.name, owner, text, rule.skills)
        reason = f"No rule of {CONF} matches, so the incident has no team."
        return Decision("", "", " ".join([reason, *self.problems]))

    def check_team(self, team: str) -> None:
        """Raise Invalid for a team that is not configured.

        An empty name means no team. If no team is configured at all, any name is accepted.
        """
        if team and self.teams and team not in self.teams:
            known = ", ".join(sorted(self.teams)[:MAX_NAMED])
            raise Invalid(f"There is no team '{team[:60]}' in {CONF}; the teams are {known}.")

    def check_rota(self, rota: str) -> None:
        """Raise NotFound for an unknown rota."""
        if rota not in self.rotas:
            known = ", ".join(sorted(self.rotas)[:MAX_NAMED]) or "none"
            raise NotFound(f"There is no rota '{rota[:60]}' in {CONF}; the rotas are {known}.")

    def assigns(self, team: str) -> bool:
        """Tell whether the app assigns a team's incidents to its members."""
        known = self.teams.get(team)
        return known is not None and known.assign == "auto" and bool(known.members or known.rota)

    def choose(
        self,
        team: str,
        severity: str,
        skills: Sequence[str],
        load: Load,
        now: float,
        excluded: str = "",
    ) -> Choice:
        """Choose who takes an incident now, from a team or from its fallback teams."""
        return self.chooser.choose(team, self.weight(severity), skills, load, now, excluded)

    @cached_property
    def chooser(self) -> Chooser:
        return Chooser(self.teams, self.members, self.on_call)

    @cached_property
    def on_call(self) -> OnCall:
        """The on-call times by the rotas and the covers."""
        return OnCall(self.rotas, self.members, self.covers or ())

    def people_of(self, team: str) -> Set[str]:
        """Return everyone who may get a team's incidents: its members, and who can be on call."""
        known = self.teams.get(team, _NO_TEAM)
        return {*known.members, *self.on_call.people(known.rota)}

    def people(self) -> Set[str]:
        """Return everyone whom the file names."""
        return {
            *self.members,
            *(name for team in self.teams for name in self.people_of(team)),
            *(name for rota in self.rotas for name in self.on_call.people(rota)),
        }

    def availability(self, team: str, load: Load, now: float) -> List[Availability]:
        """Return the availability of each member of a team now."""
        return self.chooser.availability(self.teams[team], (), load, now)

    def weight(self, severity: str) -> float:
        """Return the points of work of an incident of a severity."""
        return self.weights.get(severity, 1.0)

    # --- deadlines -----------------------------------------------------------------------------

    def policy(self, severity: str, team: str) -> Optional[Policy]:
        """Return the service level for incidents of a severity and a team; None without one."""
        return next((one for one in self.policies if one.fits(severity, team)), None)

    def path(self, severity: str, team: str) -> Optional[Path]:
        """Return the escalation path for incidents of a severity and a team; None without one."""
        return next((one for one in self.paths if one.fits(severity, team)), None)

    def hours(self, name: str, team: str) -> Calendar:
        """Return the calendar that a policy or path names; ``team`` means the team's own."""
        if name == TEAM_HOURS:
            return self.teams[team].calendar if team in self.teams else ALWAYS
        return calendar_named(CONF, name, self.calendars)

    def terms(self) -> List[Any]:
        """Return, as JSON, everything on which deadlines and escalation steps depend."""
        hours = [[name, calendar.terms()] for name, calendar in sorted(self.calendars.items())]
        teams = [[team.name, team.calendar.name] for team in self.teams.values()]
        policies = [asdict(one) for one in self.policies]
        updates = [asdict(one) for one in self.stakeholders if one.update_every]
        return [hours, sorted(teams), policies, [asdict(one) for one in self.paths], updates]

    def update_every(self, severity: str, team: str) -> Optional[float]:
        """Return the shortest update interval of stakeholders, in seconds; None without one."""
        groups = (one for one in self.stakeholders if one.fits(severity, team))
        return min((one.update_every for one in groups if one.update_every), default=None)

    # --- notification --------------------------------------------------------------------------

    @property
    def channel_names(self) -> Tuple[str, ...]:
        """All channels that can be notified."""
        return (*CHANNELS, *self.own_channels)

    @property
    def own_set_up(self) -> FrozenSet[str]:
        """Those of ``own_channels`` that are switched on."""
        return frozenset(name for name, one in self.own_channels.items() if one.enabled)

    @property
    def own_malformed(self) -> FrozenSet[str]:
        """Those of ``own_channels`` that can't be used until they are corrected."""
        return frozenset(name for name, one in self.own_channels.items() if not one.calls)

    def is_for_people(self, channel: str) -> bool:
        """Tell whether people read a channel, and so get summaries in a storm."""
        own = self.own_channels.get(channel)
        return own.for_people if own else channel in PEOPLE

    def channels(self, event: str, team: str, set_up: Collection[str]) -> Tuple[str, ...]:
        """Return the channels to notify of an event: those of [announce] that the team allows.

        ``set_up`` are the configured channels. Other channels are included only if [announce] or
        the team names them explicitly, so that the failed delivery is visible.
        """
        wishes = self.announce.get(event, ())
        of = self.teams.get(team, _NO_TEAM)
        return tuple(
            wish.channel
            for wish in wishes
            if (not of.channels or wish.channel in of.channels)
            and (not wish.if_set_up or wish.channel in set_up or of.names(wish.channel))
        )

    def target(self, team: str, channel: str) -> str:
        """Return the team's address in a channel; blank: the address in the channel's settings."""
        of = self.teams.get(team, _NO_TEAM)
        return {"slack": of.slack_channel, "email": ",".join(of.email)}.get(channel, "")
