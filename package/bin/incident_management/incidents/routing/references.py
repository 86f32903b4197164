"""References between stanzas of incident_routing.conf.

A reference to a missing stanza affects only itself: a team with an unknown calendar keeps its
members, and an escalation whose second step names an unknown team keeps its other steps.
"""

from __future__ import annotations

import re
from typing import Collection, Dict, Iterator, List, Mapping, NamedTuple, Sequence, Tuple

from ...channels import CHANNELS
from ...conf_values import is_true, listed
from ..clocks.calendar import ALWAYS_WORD
from ..patterns import matches
from .values import CONF, IF_SET_UP

__all__ = [
    "NO_TARGET",
    "TEAM_HOURS",
    "references_to",
    "unknown_people",
    "unknown_teams",
    "without_unknown_names",
]

Names = Mapping[str, Collection[str]]
Stanzas = Mapping[str, Mapping[str, str]]

# Among hours: those of the incident's team.
TEAM_HOURS = "team"
# Replaces the targets of a step if all are unknown: the step is still taken and announced. It can't
# be written in the file.
NO_TARGET = "\0"
# What each setting names, by the kind of its stanza. Channels are lists, the others one name.
_NAMES: Dict[str, Dict[str, str]] = {
    "team": {"fallback": "team", "rota": "rota", "calendar": "calendar", "channels": "channel"},
    "member": {"calendar": "calendar"},
    "rota": {"hours": "calendar", "fallback": "rota"},
    "rule": {"team": "team"},
    "sla": {"hours": "calendar"},
    "escalation": {"hours": "calendar"},
    "stakeholders": {"channels": "channel"},
}
# Kinds whose ``team`` holds patterns of teams' names.
_OF_TEAMS = ("sla", "escalation", "stakeholders", "field", "checklist")
_STEP = re.compile(r"step\.\d+")


class _Reference(NamedTuple):
    """A reference: ``setting`` of a stanza names something of a kind."""

    setting: str
    kind: str
    name: str


def without_unknown_names(kind: str, values: Mapping[str, str], known: Names) -> Dict[str, str]:
    """Return a stanza's settings without unknown names; ``known``: the names of each kind.

    A rule is unchanged, because it is of no use without its team.
    """
    kept = dict(values)
    for setting, wanted in _NAMES.get(kind, {}).items():
        if kind != "rule" and setting in kept:
            there = (one for one in listed(kept[setting]) if _is_known(kind, wanted, one, known))
            kept[setting] = ", ".join(there)
    if kind == "escalation":
        kept.update((key, _step(kept[key], known)) for key in kept if _STEP.fullmatch(key))
    return kept


def _step(text: str, known: Names) -> str:
    after, *targets = listed(text) or ("",)
    left = [target for target in targets if _is_known_target(_target("", target), known)]
    return ", ".join([after, *(left or [NO_TARGET])]) if after else text


def _is_known_target(target: _Reference, known: Names) -> bool:
    return bool(target.name) and (
        target.kind == "member" or target.name in known.get(target.kind, ())
    )


def _is_known(kind: str, wanted: str, name: str, known: Names) -> bool:
    if kind == "stakeholders" and name in CHANNELS:
        return False  # Stakeholders have separate settings for these.
    words = (ALWAYS_WORD, TEAM_HOURS) if kind in ("sla", "escalation") else (ALWAYS_WORD,)
    return name in known[wanted] or (wanted == "calendar" and name.lower() in words)


def references_to(stanzas: Stanzas, kind: str, name: str) -> List[Tuple[str, str]]:
    """Return the stanzas and settings that refer to a name.

    Stanzas that are switched off, and the stanza itself, do not count.
    """
    return [
        (header, one.setting)
        for header, values in stanzas.items()
        if header != f"{kind}:{name}" and not is_true(values.get("disabled"))
        for one in _references(header, values)
        if (one.kind, one.name) == (kind, name)
    ]


def _references(header: str, values: Mapping[str, str]) -> Iterator[_Reference]:
    kind = header.partition(":")[0]
    for setting, wanted in _NAMES.get(kind, {}).items():
        yield from (_Reference(setting, wanted, one) for one in listed(values.get(setting)))
    for setting, text in values.items():
        if header == "announce":
            names = (one.removesuffix(IF_SET_UP).rstrip() for one in listed(text))
            yield from (_Reference(setting, "channel", one) for one in names)
        elif kind == "escalation" and _STEP.fullmatch(setting):
            yield from (_target(setting, target) for target in listed(text)[1:])
        elif kind in _OF_TEAMS and setting == "team":
            yield from (_Reference(setting, "team", one) for one in listed(text))


def _target(setting: str, target: str) -> _Reference:
    kind, _, name = (piece.strip() for piece in target.partition(":"))
    return _Reference(setting, kind, name)


def unknown_people(
    named: Sequence[Tuple[str, Sequence[str]]], people: Collection[str]
) -> List[str]:
    """Return a sentence for each place that names a person who is unknown in the file.

    ``named``: places, such as ``[rota:first]``, and whom each names.
    """
    found = []
    for where, names in named:
        unknown = [name for name in names if name not in people]
        if unknown:
            found.append(
                f"{CONF} {where} names '{unknown[0]}', who is in no team and not listed under "
                "People; correct the name, or add the person."
            )
    return found


def unknown_teams(stanzas: Stanzas, teams: Collection[str]) -> List[str]:
    """Return a sentence for each stanza whose team pattern matches no team.

    Without any configured team, incidents may have any team.
    """
    return [
        f"{CONF} [{header}] team is '{pattern}', which matches no team; the teams are "
        f"{', '.join(sorted(teams)[:50])}."
        for header, values in stanzas.items()
        if teams and header.partition(":")[0] in _OF_TEAMS
        for pattern in listed(values.get("team"))
        if not any(matches(team, pattern) for team in teams)
    ]
