"""Checklists of tasks for incidents, from the stanzas [checklist:…], and the names of roles."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Collection, List, Mapping, Sequence, Tuple

from ...conf_values import listed
from ..errors import RoutingError
from ..model import Incident
from ..signal import TITLE_CHARACTERS
from .values import CONF, matching, number

__all__ = ["DEFAULT_ROLES", "LEAD", "Checklist", "ListedStep", "role_names"]

DEFAULT_ROLES: Tuple[str, ...] = ("communications", "scribe")
LEAD = "lead"
"""The name of the incident's owner in a step; it can't be assigned as a role."""
MAX_ROLES = 10
ROLE_CHARACTERS = 40
MAX_STEPS = 30
_STEP = re.compile(r"step\.(\d+)")
_PATTERNS = ("severity", "team", "entity", "rule", "tag")


@dataclass(frozen=True)
class ListedStep:
    """A step; ``role``: who does it, or empty; ``runbook``: an address, or empty."""

    title: str
    role: str = ""
    runbook: str = ""


@dataclass(frozen=True)
class Checklist:
    """Steps for the incidents that match all of its patterns (``*`` and ``?``, any case)."""

    name: str
    order: float = 100.0
    patterns: Tuple[Tuple[str, str], ...] = ()
    steps: Tuple[ListedStep, ...] = ()

    @classmethod
    def read(cls, name: str, values: Mapping[str, str], roles: Sequence[str]) -> Checklist:
        """Read a stanza; ``roles`` are the known roles. Raises RoutingError."""
        where = f"{CONF} [checklist:{name}]"
        given = ((key, values.get(key, "").strip()) for key in _PATTERNS)
        return cls(
            name,
            number(where, values, "order", 100.0),
            tuple((key, text) for key, text in given if text not in ("", "*")),
            _steps(where, values, (LEAD, *roles)),
        )

    def fits(self, incident: Incident) -> bool:
        """Tell whether the checklist applies to an incident in its current state."""
        of: Mapping[str, Sequence[str]] = {
            "severity": [incident.severity],
            "team": [incident.team],
            "entity": incident.entities,
            "rule": incident.rules,
            "tag": incident.tags,
        }
        return all(matching(text, of[key])[1] for key, text in self.patterns)


def role_names(general: Mapping[str, str]) -> Tuple[str, ...]:
    """Read the roles of [general]; an empty setting means no roles. Raises RoutingError."""
    if "roles" not in general:
        return DEFAULT_ROLES
    where, roles = f"{CONF} [general] roles", tuple(dict.fromkeys(listed(general["roles"])))
    if LEAD in (role.lower() for role in roles):
        raise RoutingError(
            f"{where} names '{LEAD}', which always means the incident's owner; remove it."
        )
    if len(roles) > MAX_ROLES or any(len(role) > ROLE_CHARACTERS for role in roles):
        raise RoutingError(
            f"{where} takes at most {MAX_ROLES} roles of {ROLE_CHARACTERS} characters each."
        )
    return roles


def _steps(where: str, values: Mapping[str, str], roles: Collection[str]) -> Tuple[ListedStep, ...]:
    found: List[Tuple[int, ListedStep]] = []
    for key, text in values.items():
        match = _STEP.fullmatch(key)
        if match and text.strip():
            found.append((int(match.group(1)), _step(f"{where} {key}", text, roles)))
    if not 0 < len(found) <= MAX_STEPS:
        raise RoutingError(f"{where} has {len(found)} steps; write step.1 to step.{MAX_STEPS}.")
    steps = [step for _number, step in sorted(found, key=lambda one: one[0])]
    titles = [step.title for step in steps]
    twice = next((title for title in titles if titles.count(title) > 1), "")
    if twice:
        # A step is identified by its title, so two equal ones could not be distinguished.
        raise RoutingError(f"{where} has '{twice[:60]}' twice; reword one of the steps.")
    return tuple(steps)


def _step(where: str, text: str, roles: Collection[str]) -> ListedStep:
    """Read ``Tell support | role: communications | runbook: https://wiki/…``."""
    title, *parts = (part.strip() for part in text.split("|"))
    given = {"role": "", "runbook": ""}
    for part in parts:
        kind, _, value = (piece.strip() for piece in part.partition(":"))
        if kind not in given or not value:
            raise RoutingError(
                f"{where} has '{part[:60]}'; after the task write | role: <name> or "
                "| runbook: <address>."
            )
        given[kind] = value
    title = " ".join(title.split())
    if not 0 < len(title) <= TITLE_CHARACTERS:
        raise RoutingError(
            f"{where} has no task, or a long one; write 1 to {TITLE_CHARACTERS} characters."
        )
    if given["role"] and given["role"] not in roles:
        known = ", ".join(roles)
        raise RoutingError(
            f"{where} names the unknown role '{given['role'][:60]}'; the roles are {known}."
        )
    return ListedStep(title, **given)
