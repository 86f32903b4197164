"""Who gets an incident, and which channels hear of what: incident_routing.conf.

Pure: made from stanzas, so that an explanation can be given and tested without Splunk.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from typing import Callable, Dict, List, Mapping, Sequence, Tuple, TypeVar

from .errors import RoutingError

__all__ = ["CHANNELS", "Decision", "Routing", "Rule", "Team", "duration"]

CHANNELS = ("slack", "teams", "pagerduty")
CONF = "incident_routing.conf"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw]?)")

T = TypeVar("T")
Stanzas = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Team:
    """``channels``: where the team wants to be told; empty means wherever [announce] says."""

    name: str
    members: Tuple[str, ...] = ()
    channels: Tuple[str, ...] = ()
    slack_channel: str = ""


@dataclass(frozen=True)
class Rule:
    """Matches when each of its patterns (``*`` and ``?``, any case) does; the first match wins."""

    name: str
    team: str
    order: float = 100.0
    severity: str = "*"
    entity: str = "*"
    rule: str = "*"

    def explain(self, severity: str, entities: Sequence[str], rules: Sequence[str]) -> str:
        """Return why this rule matches, or nothing when it does not."""
        reasons = []
        for name, pattern, values in (
            ("severity", self.severity, [severity]),
            ("entity", self.entity, entities),
            ("rule", self.rule, rules),
        ):
            if pattern == "*":
                continue
            matched = [value for value in values if _like(value, pattern)]
            if not matched:
                return ""
            reasons.append(f"{name} '{matched[0]}' matches '{pattern}'")
        why = " and ".join(reasons) or "it takes what no other rule took"
        return f"Rule '{self.name}' gives it to team '{self.team}': {why}."


@dataclass(frozen=True)
class Decision:
    """Which team, whose owner (blank: nobody yet), and why, in one sentence."""

    team: str
    owner: str
    reason: str


@dataclass(frozen=True)
class Routing:
    """incident_routing.conf. ``reopen_window`` and ``group_window`` are in seconds."""

    teams: Dict[str, Team] = field(default_factory=dict)
    rules: Tuple[Rule, ...] = ()
    announce: Dict[str, Tuple[str, ...]] = field(default_factory=dict)
    reopen_window: float = 4 * 3600.0
    group_window: float = 15 * 60.0
    problems: Tuple[str, ...] = ()

    @classmethod
    def from_stanzas(cls, stanzas: Stanzas) -> Routing:
        """Read the file's stanzas.

        A malformed value costs its own stanza or setting, never an incident: the rest applies,
        and ``problems`` has a sentence for each.
        """
        problems: List[str] = []

        def read(make: Callable[[], T], default: T) -> T:
            try:
                return make()
            except RoutingError as error:
                problems.append(str(error))
                return default

        teams: Dict[str, Team] = {}
        rules: List[Rule] = []
        announce: Dict[str, Tuple[str, ...]] = {}
        for name, values in stanzas.items():
            if name.startswith("team:"):
                team = read(partial(_team, name[5:], values), Team(name[5:]))
                teams[team.name] = team
        for name, values in stanzas.items():
            if name.startswith("rule:"):
                rules.extend(read(partial(_rules, name[5:], values, teams), []))
        for kind, text in stanzas.get("announce", {}).items():
            announce[kind] = read(partial(_channels, f"[announce] {kind}", text), ())
        windows = [
            read(partial(_window, stanzas, key, default), duration(default))
            for key, default in (("reopen_window", "4h"), ("group_window", "15m"))
        ]
        rules.sort(key=lambda rule: (rule.name == "default", rule.order, rule.name))
        return cls(teams, tuple(rules), announce, windows[0], windows[1], tuple(problems))

    def decide(self, severity: str, entities: Sequence[str], rules: Sequence[str]) -> Decision:
        """Choose the team of an incident; a team of one member names the owner, too."""
        for rule in self.rules:
            reason = rule.explain(severity, entities, rules)
            if reason:
                team = self.teams[rule.team]
                owner = team.members[0] if len(team.members) == 1 else ""
                return Decision(team.name, owner, " ".join([reason, *self.problems]))
        reason = f"No rule of {CONF} matches, so no team has it."
        return Decision("", "", " ".join([reason, *self.problems]))

    def channels(self, event: str, team: str = "") -> Tuple[str, ...]:
        """Return the channels that are told of an event: those of [announce] that the team has."""
        wanted = self.announce.get(event, ())
        has = self.teams[team].channels if team in self.teams else ()
        return tuple(channel for channel in wanted if not has or channel in has)

    def slack_channel(self, team: str) -> str:
        """Return the team's own Slack channel; blank means the one of the settings."""
        return self.teams[team].slack_channel if team in self.teams else ""


def duration(text: str, where: str = "The duration") -> float:
    """Return the seconds of ``90s``, ``15m``, ``4h``, ``2d``, ``1w`` or plain seconds.

    Raises RoutingError naming ``where``.
    """
    match = _DURATION.fullmatch(str(text).strip().lower())
    if not match:
        raise RoutingError(f"{where} is '{text}'; write a number and one of s, m, h, d, w: 15m.")
    return float(match.group(1)) * _UNITS[match.group(2) or "s"]


def _team(name: str, values: Mapping[str, str]) -> Team:
    return Team(
        name,
        _list(values.get("members", "")),
        _channels(f"[team:{name}] channels", values.get("channels", "")),
        values.get("slack_channel", "").strip(),
    )


def _rules(name: str, values: Mapping[str, str], teams: Mapping[str, Team]) -> List[Rule]:
    where = f"{CONF} [rule:{name}]"
    team = values.get("team", "").strip()
    if team not in teams:
        raise RoutingError(f"{where} team is '{team}'; name a team that has a [team:…] stanza.")
    try:
        order = float(values.get("order", "100") or "100")
    except ValueError:
        raise RoutingError(f"{where} order is '{values['order']}'; set a number.") from None
    severity, entity, rule = (
        values.get(key, "").strip() or "*" for key in ("severity", "entity", "rule")
    )
    return [Rule(name, team, order, severity, entity, rule)]


def _window(stanzas: Stanzas, key: str, default: str) -> float:
    return duration(stanzas.get("general", {}).get(key, default), f"{CONF} [general] {key}")


def _channels(where: str, text: str) -> Tuple[str, ...]:
    channels = _list(text)
    for channel in channels:
        if channel not in CHANNELS:
            known = ", ".join(CHANNELS)
            raise RoutingError(f"{CONF} {where} names '{channel}'; the channels are {known}.")
    return channels


def _list(text: str) -> Tuple[str, ...]:
    parts: List[str] = [part.strip() for part in text.split(",")]
    return tuple(part for part in parts if part)


def _like(value: str, pattern: str) -> bool:
    return fnmatchcase(value.lower(), pattern.lower())
