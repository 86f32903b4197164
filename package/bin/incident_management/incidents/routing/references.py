"""What stanzas of incident_routing.conf name of each other.

A name of something that is gone costs no more than itself: a team whose calendar nobody knows keeps
its members, an escalation whose second step goes to a team that is gone keeps its other steps.
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
# All that is left of a step that named nobody who is there: it is taken, and told as any other.
# Nobody can write it in the file.
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
    """``setting`` of a stanza names something of a kind."""

    setting: str
    kind: str
    name: str


def without_unknown_names(kind: str, values: Mapping[str, str], known: Names) -> Dict[str, str]:
    """Return a stanza's settings without the names that nothing has; ``known``: those of each kind.

    A rule without its team is for nobody, and so stays as it is.
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
        return False  # They have settings of their own for those.
    words = (ALWAYS_WORD, TEAM_HOURS) if kind in ("sla", "escalation") else (ALWAYS_WORD,)
    return name in known[wanted] or (wanted == "calendar" and name.lower() in words)


def references_to(stanzas: Stanzas, kind: str, name: str) -> List[Tuple[str, str]]:
    """Return which stanzas name something, and in which settings.

    What is switched off names nothing, and nothing names itself.
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
    """Return a sentence for each place that names somebody whom nothing else in the file names.

    ``named``: places, such as ``[rota:first]``, and whom each names.
    """
    found = []
    for where, names in named:
        unknown = [name for name in names if name not in people]
        if unknown:
            found.append(
                f"{CONF} {where} names '{unknown[0]}', who is in no team and not among the people; "
                "correct the name, or add the person."
            )
    return found


def unknown_teams(stanzas: Stanzas, teams: Collection[str]) -> List[str]:
    """Return a sentence for each stanza that is for a team which there is not.

    Where there is no team at all, incidents may have any.
    """
    return [
        f"{CONF} [{header}] team names '{pattern}', which no team is called; the teams are "
        f"{', '.join(sorted(teams)[:50])}."
        for header, values in stanzas.items()
        if teams and header.partition(":")[0] in _OF_TEAMS
        for pattern in listed(values.get("team"))
        if not any(matches(team, pattern) for team in teams)
    ]
