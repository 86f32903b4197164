"""Roles: the stanzas ``[role_<name>]`` of authorize.conf, with what each inherits.

Source: authorize.conf in the Admin manual.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

__all__ = ["Role", "narrowing", "resolved", "unique", "with_imports"]

# Settings of a role that narrow its searches, each with the values that do not (authorize.conf).
_NARROWING = {
    "srchFilter": ("*",),
    "srchTimeWin": ("-1", "0"),
    "srchTimeEarliest": ("-1", "0"),
    "srchMaxTime": ("100days",),
}


@dataclass(frozen=True)
class Role:
    """A role with what it inherits folded in; ``settings`` are its own lines."""

    name: str
    imported: tuple[str, ...]
    own_capabilities: frozenset[str]
    capabilities: frozenset[str]
    allowed_indexes: tuple[str, ...]
    default_indexes: tuple[str, ...]
    settings: dict[str, str]


def resolved(conf: Mapping[str, dict[str, str]]) -> dict[str, Role]:
    """All roles, by name, out of the stanzas of authorize.conf."""
    stanzas = {
        name.removeprefix("role_"): body for name, body in conf.items() if name.startswith("role_")
    }
    return {name: _resolve(name, stanzas) for name in stanzas}


def with_imports(names: Iterable[str], roles: Mapping[str, Role]) -> list[Role]:
    """The roles of these names and all that they import."""
    lines = {name: {"importRoles": ";".join(role.imported)} for name, role in roles.items()}
    known = [name for name in names if name in roles]
    chain = unique(one for name in known for one in (name, *_imports(name, lines)))
    return [roles[name] for name in chain]


def narrowing(role: Role) -> Iterator[str]:
    """The settings of a role that narrow its searches, which is not done here."""
    for setting, wide in _NARROWING.items():
        if role.settings.get(setting, "").strip() not in ("", *wide):
            yield setting


def unique(values: Iterable[str]) -> tuple[str, ...]:
    """The values without repeats, in their order."""
    return tuple(dict.fromkeys(values))


def _resolve(name: str, stanzas: dict[str, dict[str, str]]) -> Role:
    imported = _imports(name, stanzas)
    chain = [name, *imported]
    own = _enabled(stanzas[name])
    return Role(
        name,
        tuple(_split(stanzas[name].get("importRoles", ""))),
        own,
        own.union(*(_enabled(stanzas[role]) for role in imported)),
        unique(i for role in chain for i in _split(stanzas[role].get("srchIndexesAllowed", ""))),
        unique(i for role in chain for i in _split(stanzas[role].get("srchIndexesDefault", ""))),
        stanzas[name],
    )


def _imports(name: str, stanzas: dict[str, dict[str, str]]) -> list[str]:
    """Imported roles, nearest first; a cycle ends the walk."""
    seen: list[str] = []
    waiting = _split(stanzas[name].get("importRoles", ""))
    while waiting:
        role = waiting.pop(0)
        if role in seen or role == name or role not in stanzas:
            continue
        seen.append(role)
        waiting += _split(stanzas[role].get("importRoles", ""))
    return seen


def _enabled(settings: dict[str, str]) -> frozenset[str]:
    return frozenset(key for key, value in settings.items() if value.strip().lower() == "enabled")


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(";") if part.strip()]
