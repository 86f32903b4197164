"""Reads incident_routing.conf as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Callable, Dict, List, Mapping, Sequence, Tuple, TypeVar

from ...channels import CHANNELS
from ...conf_values import listed
from ..clocks.calendar import ALWAYS, Calendar
from ..grouping import DEFAULT_GROUNDS, GROUNDS
from ..model import SEVERITIES
from .checklists import DEFAULT_ROLES, Checklist, role_names
from .conf import DEFAULT_REVIEWED, Routing
from .custom_fields import CustomField, CustomFields
from .http_channels import HttpChannel, is_name
from .policies import Path, Policy
from .references import unknown_people, unknown_teams
from .rotas import Rota
from .rules import Rule
from .stakeholders import Stakeholders
from .stanzas import StanzaReader
from .teams import (
    Calendars,
    Member,
    Team,
    duplicate_members,
    invalid_slack_channels,
    reports_without_recipient,
    shared_slack_ids,
)
from .values import CONF, AnnounceChannel, announce_channels, duration, number, some_of, user_name

__all__ = ["RoutingReader"]

Ordered = TypeVar("Ordered", Policy, Path, Checklist)


@dataclass(frozen=True)
class _People:
    """The people, their working hours, rotas and teams."""

    calendars: Dict[str, Calendar]
    members: Dict[str, Member]
    rotas: Dict[str, Rota]
    teams: Dict[str, Team]


class RoutingReader(StanzaReader):
    """Builds a Routing from the file's stanzas, with a sentence for each mistake."""

    def routing(self) -> Routing:
        """Read everything. Kinds of stanzas are read after those that they refer to."""
        own = self._own_channels()
        told = (*CHANNELS, *own)
        kinds = ("team", "rota", "calendar")
        self._names = {"channel": told, **{kind: self._named(kind) for kind in kinds}}
        who = self._people(told)
        paths = self._in_order(
            "escalation",
            lambda n, v: Path.read(n, v, who.calendars, who.teams, who.rotas, told),
        )
        groups = self._each("stakeholders", lambda n, v: Stakeholders.read(n, v, tuple(own)))
        self._problems += self._unknown_people(who, paths)
        self._problems += unknown_teams(self._stanzas, who.teams)
        self._problems += _invalid_slack_channels(who.teams, groups)
        roles = self._read(lambda: role_names(self._general), DEFAULT_ROLES)
        return Routing(
            teams=who.teams,
            members=who.members,
            calendars=who.calendars,
            rotas=who.rotas,
            rules=self._rules(who.teams),
            policies=self._in_order("sla", lambda n, v: Policy.read(n, v, who.calendars)),
            paths=paths,
            checklists=self._in_order("checklist", lambda n, v: Checklist.read(n, v, roles)),
            roles=roles,
            fields=CustomFields.of(self._each("field", CustomField.read)),
            announce=self._announce(told),
            stakeholders=tuple(groups),
            own_channels=own,
            weights=self._weights(),
            reopen_window=self._window("reopen_window", "4h"),
            group_window=self._window("group_window", "15m"),
            group_by=self._some_of("group_by", GROUNDS, "grounds", DEFAULT_GROUNDS),
            flap_count=self._whole("flap_count", 4),
            flap_window=self._window("flap_window", "2h"),
            flap_calm=self._window("flap_calm", "30m"),
            tell_singly=self._whole("tell_singly", 20),
            tell_critical_singly=self._whole("tell_critical_singly", 60),
            tell_window=self._window("tell_window", "10m"),
            review_severities=self._some_of(
                "review_severities", SEVERITIES, "severities", DEFAULT_REVIEWED
            ),
            # Last: each of the others may have added some.
            problems=tuple(self._problems),
        )

    # --- stanzas of one kind ------------------------------------------------------------------

    def _own_channels(self) -> Dict[str, HttpChannel]:
        stanzas = self._named("channel")
        found = self._all(
            "channel", HttpChannel.read, lambda n: HttpChannel.malformed(n, stanzas[n])
        )
        return {name: one for name, one in found.items() if is_name(name)}

    def _people(self, told: Sequence[str]) -> _People:
        calendars = self._all(
            "calendar",
            lambda n, v: Calendar.read(f"{CONF} [calendar:{n}]", n, v),
            lambda _n: ALWAYS,
        )
        found = self._all(
            "member",
            lambda n, v: Member.read(n, v, calendars),
            lambda n: Member(user_name(n)),
        )
        members = {one.name: one for one in found.values()}
        self._problems += duplicate_members(found)
        self._problems += shared_slack_ids(members)
        rotas = self._rotas(calendars)
        names: Dict[str, Any] = dict.fromkeys(self._named("team"))
        teams = self._all("team", lambda n, v: Team.read(n, v, calendars, names, rotas, told), Team)
        self._problems += reports_without_recipient(teams)
        return _People(calendars, members, rotas, teams)

    def _unknown_people(self, who: _People, paths: Sequence[Path]) -> List[str]:
        people = {*who.members, *(name for team in who.teams.values() for name in team.members)}
        named = [(f"[rota:{rota.name}]", rota.members) for rota in who.rotas.values()]
        named += [
            (f"[escalation:{path.name}] step.{step.number}", (step.member,))
            for path in paths
            for step in path.steps
            if step.member
        ]
        return unknown_people(named, people)

    def _rotas(self, calendars: Calendars) -> Dict[str, Rota]:
        names: Dict[str, Any] = dict.fromkeys(self._named("rota"))
        return self._all("rota", lambda n, v: Rota.read(n, v, calendars, names), Rota)

    def _rules(self, teams: Mapping[str, Team]) -> Tuple[Rule, ...]:
        rules = self._each("rule", lambda n, v: Rule.read(n, v, teams))
        rules.sort(key=lambda rule: (rule.name == "default", rule.order, rule.name))
        return tuple(rules)

    def _in_order(
        self, kind: str, make: Callable[[str, Mapping[str, str]], Ordered]
    ) -> Tuple[Ordered, ...]:
        """Read the stanzas of a kind, sorted by ``order``: the first match counts."""
        return tuple(sorted(self._each(kind, make), key=lambda one: (one.order, one.name)))

    def _announce(self, told: Sequence[str]) -> Dict[str, Tuple[AnnounceChannel, ...]]:
        return {
            event: tuple(
                wish for word in listed(text) for wish in self._announce_channels(event, word, told)
            )
            for event, text in self._stanzas.get("announce", {}).items()
            if event != "disabled"
        }

    def _announce_channels(
        self, event: str, word: str, told: Sequence[str]
    ) -> Tuple[AnnounceChannel, ...]:
        """Read one channel of a list; an unknown one does not affect the others."""
        return self._read(partial(announce_channels, f"{CONF} [announce] {event}", word, told), ())

    # --- settings of [general] and [capacity] --------------------------------------------------

    @property
    def _general(self) -> Mapping[str, str]:
        return self._stanzas.get("general", {})

    def _window(self, key: str, default: str) -> float:
        where, text = f"{CONF} [general] {key}", self._general.get(key, default)
        return self._read(lambda: duration(text, where), duration(default))

    def _some_of(
        self, key: str, known: Sequence[str], noun: str, default: Tuple[str, ...]
    ) -> Tuple[str, ...]:
        """Read a list of known words; an empty setting means none of them."""
        where, text = f"{CONF} [general] {key}", self._general.get(key)
        if text is None:
            return default
        return self._read(lambda: some_of(where, text, known, noun), default)

    def _whole(self, key: str, default: int) -> int:
        where, plain = f"{CONF} [general]", float(default)
        return int(self._read(lambda: number(where, self._general, key, plain), plain))

    def _weights(self) -> Dict[str, float]:
        values = self._stanzas.get("capacity", {})
        where = f"{CONF} [capacity]"
        return {
            severity: self._read(partial(number, where, values, severity, 1.0), 1.0)
            for severity in SEVERITIES
        }


def _invalid_slack_channels(teams: Mapping[str, Team], groups: Sequence[Stakeholders]) -> List[str]:
    own = [(f"[team:{one.name}] slack_channel", one.slack_channel) for one in teams.values()]
    theirs = [
        (f"[stakeholders:{group.name}] slack_channels", channel)
        for group in groups
        for channel in group.slack_channels
    ]
    return invalid_slack_channels([*own, *theirs])
