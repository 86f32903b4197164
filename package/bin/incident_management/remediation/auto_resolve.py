"""Whether a fix that has helped resolves its incident, which people and findings may prevent."""

from __future__ import annotations

from typing import Any, List, Mapping, Sequence, Set, Tuple

from ..incidents.fold import SIGNAL_KINDS
from ..incidents.lifecycle import is_manual_reopen
from ..incidents.model import Entry, Incident
from ..incidents.timeline import effective
from .plan import PlanState

__all__ = ["has_new_findings", "resolve_once", "stays_open", "verdict_once"]


def verdict_once(plan: Mapping[str, Any]) -> str:
    """Return what a plan's verdict is written once by."""
    return f"verification:{plan['_key']}"


def resolve_once(plan: Mapping[str, Any]) -> str:
    """Return what the resolve of a plan's incident is written once by."""
    return f"resolve:{plan['_key']}"


def stays_open(
    plan: Mapping[str, Any], state: PlanState, incident: Incident, entries: Sequence[Entry]
) -> Tuple[bool, str]:
    """Tell whether the incident of a plan that has helped is left as it is, and why.

    The reason is empty where there is nothing to say: it is over, pinned, or this fix has resolved
    it once. ``incident`` is the one that stands, which may have taken over the plan's.
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
    """Tell whether a finding is among the entries that is not known by its key."""
    return any(entry.kind in SIGNAL_KINDS and entry.key not in known for entry in entries)


def _after(entries: Sequence[Entry], once: str, time: float) -> List[Entry]:
    """Return what comes after an entry, which another incident may have: then by its time."""
    places = [place for place, entry in enumerate(entries) if entry.once == once]
    if places:
        return list(entries[places[0] + 1 :])
    return [entry for entry in entries if entry.time > time]
