"""Macros that a search's text refers to, as its user sees them, and which commands are risky.

Endpoints: ``configs/conf-macros/{name}`` and ``configs/conf-commands`` in Splunk's REST API
Reference ("Configuration endpoint descriptions"); ``is_risky`` in commands.conf.spec.
"""

from __future__ import annotations

from typing import Any, Dict, FrozenSet, Mapping, Optional

from ...conf_values import is_true
from ..session import Session, SplunkError, path_of

__all__ = ["macro", "macro_number", "risky_commands"]


def macro(session: Session, name: str, app: str, owner: str) -> Optional[Dict[str, str]]:
    """Return a macro's settings, None where the session sees none. Raises SplunkError.

    Args:
        name: as in macros.conf, such as ``errors(2)`` for one with two arguments.
        app: in which the search runs.
        owner: who runs it.
    """
    try:
        answer = session.get("/servicesNS/" + path_of(owner, app, "configs", "conf-macros", name))
    except SplunkError as error:
        if error.status == 404:
            return None
        raise
    content: Mapping[str, Any] = answer["entry"][0]["content"]
    return {key: "" if value is None else str(value) for key, value in content.items()}


def macro_number(session: Session, name: str, app: str, owner: str) -> Optional[float]:
    """Return a macro's definition where it is a number, else None. Raises SplunkError."""
    found = macro(session, name, app, owner)
    try:
        return float(found.get("definition", "")) if found else None
    except ValueError:
        return None


def risky_commands(session: Session, app: str, owner: str) -> FrozenSet[str]:
    """Return the commands that splunkd marks as risky. Raises SplunkError."""
    path = "/servicesNS/" + path_of(owner, app, "configs", "conf-commands")
    entries = session.get(path, count=0).get("entry") or []
    return frozenset(
        str(entry["name"]).lower()
        for entry in entries
        if is_true((entry.get("content") or {}).get("is_risky"))
    )
