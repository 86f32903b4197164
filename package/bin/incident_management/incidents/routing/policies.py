"""Service levels and escalation paths: the stanzas [sla:…] and [escalation:…]."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Collection, List, Mapping, Optional, Sequence, Tuple

from ...channels import CHANNELS
from ...conf_values import listed
from ..errors import RoutingError
from .references import NO_TARGET, TEAM_HOURS
from .teams import Calendars, calendar_named
from .values import CONF, ForIncidents, choice, duration, number, optional_duration, user_name

__all__ = ["Path", "Policy", "Step"]

MAX_STEPS = 20
MAX_REPEATS = 100
_STEP = re.compile(r"step\.(\d+)")
_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*%")


@dataclass(frozen=True)
class Applies(ForIncidents):
    """Which incidents a stanza is for: the first by order, then by name, whose patterns match."""

    name: str
    order: float = 100.0
    severity: str = "*"
    team: str = "*"
    hours: str = ""


@dataclass(frozen=True)
class Policy(Applies):
    """Seconds of service time to acknowledge and to resolve; None: no such promise.

    ``warn_at`` is the share of the time after which to warn. ``hours`` names the calendar that
    counts, ``team`` for the team's own. ``on_reopen``: ``restart`` or ``continue``.
    """

    acknowledge: Optional[float] = None
    resolve: Optional[float] = None
    warn_at: float = 0.75
    on_reopen: str = "restart"

    @classmethod
    def read(cls, name: str, values: Mapping[str, str], calendars: Calendars) -> Policy:
        """Read a stanza. Raises RoutingError."""
        where = f"{CONF} [sla:{name}]"
        policy = cls(
            name,
            *_applies(where, values, calendars),
            optional_duration(where, values, "acknowledge"),
            optional_duration(where, values, "resolve"),
            _share(where, values, "warn_at", "75%"),
            choice(where, values, "on_reopen", ("restart", "continue")),
        )
        if policy.acknowledge is None and policy.resolve is None:
            raise RoutingError(f"{where} sets no target; set acknowledge, resolve or both.")
        return policy

    def target(self, clock: str) -> Optional[float]:
        """Return the seconds of one clock, ``acknowledge`` or ``resolve``."""
        return self.acknowledge if clock == "acknowledge" else self.resolve


@dataclass(frozen=True)
class Step:
    """Who gets an incident ``after`` so many seconds, and which channels are notified.

    ``rota``: assign it to the person on call then.
    """

    number: int
    after: float
    team: str = ""
    member: str = ""
    channels: Tuple[str, ...] = ()
    rota: str = ""


@dataclass(frozen=True)
class Path(Applies):
    """Escalation steps in the order of their times, repeated ``repeat`` times.

    ``every`` is the time in seconds from the last step to the first of the next round. ``until``
    says what ends the path: ``acknowledged`` or ``resolved``.
    """

    steps: Tuple[Step, ...] = ()
    until: str = "acknowledged"
    repeat: int = 0
    every: float = 0.0

    @classmethod
    def read(
        cls,
        name: str,
        values: Mapping[str, str],
        calendars: Calendars,
        teams: Collection[str],
        rotas: Collection[str] = (),
        told: Sequence[str] = CHANNELS,
    ) -> Path:
        """Read a stanza. Raises RoutingError.

        ``teams``, ``rotas`` and ``told`` (channels) hold all known names.
        """
        where = f"{CONF} [escalation:{name}]"
        repeat = int(min(number(where, values, "repeat", 0), MAX_REPEATS))
        every = optional_duration(where, values, "repeat_every") or 0.0
        if repeat and not every:
            raise RoutingError(
                f"{where} repeat_every is missing; set the time after the last step."
            )
        return cls(
            name,
            *_applies(where, values, calendars),
            _steps(where, values, {"team": teams, "rota": rotas, "channel": told}),
            choice(where, values, "until", ("acknowledged", "resolved")),
            repeat,
            every,
        )

    @property
    def period(self) -> float:
        """Seconds from one round's beginning to the next."""
        return self.steps[-1].after - self.steps[0].after + self.every


def _applies(
    where: str, values: Mapping[str, str], calendars: Calendars
) -> Tuple[float, str, str, str]:
    hours = values.get("hours", "").strip()
    if hours.lower() == TEAM_HOURS:
        hours = TEAM_HOURS
    else:
        calendar_named(f"{where} hours", hours, calendars)
    return (
        number(where, values, "order", 100.0),
        values.get("severity", "").strip() or "*",
        values.get("team", "").strip() or "*",
        hours,
    )


def _share(where: str, values: Mapping[str, str], key: str, default: str) -> float:
    text = values.get(key, "").strip() or default
    match = _SHARE.fullmatch(text)
    if not match or not 0 < float(match.group(1)) <= 100:
        raise RoutingError(f"{where} {key} is '{text}'; write a share of the time, such as 75%.")
    return float(match.group(1)) / 100


def _steps(
    where: str, values: Mapping[str, str], known: Mapping[str, Collection[str]]
) -> Tuple[Step, ...]:
    found: List[Step] = []
    for key, text in values.items():
        match = _STEP.fullmatch(key)
        if match and text.strip():
            found.append(_step(f"{where} {key}", int(match.group(1)), listed(text), known))
    if not 0 < len(found) <= MAX_STEPS:
        raise RoutingError(f"{where} has {len(found)} steps; write step.1 to step.{MAX_STEPS}.")
    found.sort(key=lambda step: step.number)
    if any(one.after > other.after for one, other in zip(found, found[1:])):
        raise RoutingError(
            f"{where} has a step that is due before a step with a lower number; reorder them."
        )
    return tuple(found)


def _step(
    where: str,
    position: int,
    parts: Tuple[str, ...],
    known: Mapping[str, Collection[str]],
) -> Step:
    """Read ``15m, team:leads, rota:second, channel:slack``: a time, then who and where."""
    after = duration(parts[0], where)
    given = {"team": "", "member": "", "rota": ""}
    channels: List[str] = []
    if parts[1:] == (NO_TARGET,):
        return Step(position, after)
    for part in parts[1:]:
        kind, _, name = (piece.strip() for piece in part.partition(":"))
        if kind == "channel" and name in known[kind]:
            channels.append(name)
        elif name and name in known.get(kind, (name,)) and kind in given:
            given[kind] = user_name(name) if kind == "member" else name
        else:
            raise RoutingError(
                f"{where} names '{part}'; use team:<existing team>, rota:<existing rota>, "
                f"member:<user> or channel:<{', '.join(known['channel'])}>."
            )
    if not (channels or any(given.values())):
        raise RoutingError(f"{where} names nobody; add a team, a rota, a member or a channel.")
    if given["member"] and given["rota"]:
        raise RoutingError(f"{where} names a member and a rota; keep only one of them.")
    return Step(position, after, given["team"], given["member"], tuple(channels), given["rota"])
