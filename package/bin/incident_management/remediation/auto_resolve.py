"""Decide whether a fix that helped resolves its incident; people and findings can prevent it."""

from __future__ import annotations

from typing import Any, List, Mapping, Sequence, Set, Tuple

from ..incidents.fold import SIGNAL_KINDS
from ..incidents.lifecycle import is_manual_reopen
from ..incidents.model import Entry, Incident
from ..incidents.timeline import effective
from .plan import PlanState

__all__ = ["has_new_findings", "resolve_once", "stays_open", "verdict_once"]


def verdict_once(plan: Mapping[str, Any]) -> str:
    """Return the ``once`` key of a plan's verification entry."""
    return f"verification:{plan['_key']}"


def resolve_once(plan: Mapping[str, Any]) -> str:
    """Return the ``once`` key of the entry with which a plan resolves its incident."""
    return f"resolve:{plan['_key']}"


def stays_open(
    plan: Mapping[str, Any], state: PlanState, incident: Incident, entries: Sequence[Entry]
) -> Tuple[bool, str]:
    """Tell whether a plan that helped leaves its incident as it is, and why.

    The reason is empty when nothing needs saying: the incident is not open, is pinned, or was
    already resolved by this fix. ``incident`` is the surviving one, which the plan's may be merged
    into.
    """
    if not incident.is_open or incident.pinned:
        return True, ""
    if any(entry.once == resolve_once(plan) for entry in entries):
        return True, ""
    counted = effective(entries)
    began = f"action:{plan['_key']}:started"
    people = [
        entry.actor for entry in _after(counted, began, state.started_at) if is_manual_reopen(entry)
    ]
    if people:
        return True, f"{people[-1]} reopened it after the fix started."
    if any(
        entry.kind in SIGNAL_KINDS for entry in _after(counted, verdict_once(plan), state.judged_at)
    ):
        return True, "A new finding arrived after the fix was verified."
    return False, ""


def has_new_findings(known: Set[str], entries: Sequence[Entry]) -> bool:
    """Tell whether the entries contain a finding whose key is not in ``known``."""
    return any(entry.kind in SIGNAL_KINDS and entry.key not in known for entry in entries)


def _after(entries: Sequence[Entry], once: str, time: float) -> List[Entry]:
    """Return the entries after the one with a ``once`` key; if that is missing, those after
    ``time``.
    """
    places = [place for place, entry in enumerate(entries) if entry.once == once]
    if places:
        return list(entries[places[0] + 1 :])
    return [entry for entry in entries if entry.time > time]
