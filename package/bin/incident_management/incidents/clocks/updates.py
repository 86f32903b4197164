"""When stakeholders are to hear next, and what has to be said because they did not. Pure.

A promise is given by an update (``next_by``), or demanded by a group ([stakeholders:…],
``update_every``). As with :mod:`.sla` nothing is stored but what happened: the worker writes down
when an update is due where the entries do not say so by themselves, and once a promise that it was
not kept. A promise that stakeholders were told of outlives a resolve: they wait.
"""

from __future__ import annotations

from typing import List, Mapping, Optional, Sequence, Tuple

from ..canonical import digest, milliseconds
from ..model import Entry, Incident
from ..routing import Routing
from .calendar import ALWAYS
from .lives import Life
from .sla import Document, Draft

__all__ = ["due_entries", "next_moment", "written_of"]


def due_entries(
    incident: Incident,
    lives: Sequence[Life],
    written: Mapping[str, Document],
    routing: Routing,
    now: float,
) -> List[Draft]:
    """Return the ``update_due`` entries that should be on the timeline by now and are not.

    Args:
        written: the data of the effective entries of kind ``update_due``, by ``once``.
    """
    due, every = _due(incident, lives, routing)
    drafts = []
    if due != incident.update_due:
        data = {"event": "set", "due": due or 0.0, "every": every, "reason": _demand(due, every)}
        number = sum(1 for one in written.values() if one.get("event") == "set")
        drafts.append(Draft("update_due", data, f"update:set:{number}:{digest([due], 16)}"))
    if due is not None and now >= due:
        once = f"update:missed:{due:.3f}"
        if once not in written:
            reason = _missed(incident, due)
            drafts.append(
                Draft("update_due", {"event": "missed", "due": due, "reason": reason}, once)
            )
    return drafts


def next_moment(
    incident: Incident, lives: Sequence[Life], routing: Routing, now: float
) -> Optional[float]:
    """Return when an update will be missed; None for never."""
    due, _every = _due(incident, lives, routing)
    return due if due is not None and due > now else None


def _due(
    incident: Incident, lives: Sequence[Life], routing: Routing
) -> Tuple[Optional[float], float]:
    """When an update is due, and by which demand, in seconds (0: by a promise)."""
    if incident.merged_into or incident.status == "closed":
        return None, 0.0
    promised = incident.update_promised
    demanded, every = _demanded(incident, lives[-1], routing)
    if demanded is None or (promised is not None and promised <= demanded):
        return promised, 0.0
    return demanded, every


def _demanded(incident: Incident, life: Life, routing: Routing) -> Tuple[Optional[float], float]:
    """When a group wants to hear next: so long after the last update, or since it may ask."""
    last = incident.last_update
    told_at = float(last.get("time") or 0.0)
    is_told_over = last.get("state") == "resolved" and told_at >= life.start
    if life.ended_at is not None or is_told_over:
        return None, 0.0
    every: Optional[float] = None
    since = life.start
    for change in life.changes:
        wanted = routing.update_every(change.severity, change.team)
        if wanted != every:
            every, since = wanted, change.time
    if every is None:
        return None, 0.0
    return milliseconds(max(since, life.start, told_at) + every), every


def _demand(due: Optional[float], every: float) -> str:
    if due is None:
        return "No update is waited for any more."
    if not every:
        return f"Stakeholders were promised an update by {ALWAYS.date_of(due)}."
    return (
        f"Stakeholders want an update every {every / 60:.0f} minutes: write one by "
        f"{ALWAYS.date_of(due)}."
    )


def _missed(incident: Incident, due: float) -> str:
    by = str(incident.last_update.get("by") or "")
    promised = due == incident.update_promised
    who = f"{by} promised stakeholders" if promised and by else "Stakeholders were to get"
    over = "" if incident.is_open else f" It is {incident.status}, and they still wait."
    return f"{who} an update by {ALWAYS.date_of(due)}, and none was written.{over}"


def written_of(entries: Sequence[Entry]) -> Mapping[str, Document]:
    """Return the data of the entries of kind ``update_due``, by ``once``."""
    return {entry.once: entry.data for entry in entries if entry.kind == "update_due"}
