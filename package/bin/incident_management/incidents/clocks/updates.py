"""When stakeholders are to hear next, and what has to be said because they did not. Pure.

A promise is given by an update (``next_by``), or demanded by a group ([stakeholders:…],
``update_every``). As with :mod:`.sla` nothing is stored but what happened: the worker writes down
when an update is due where the entries do not say so by themselves, and once a promise that it was
not kept. A promise that stakeholders were told of outlives a resolve: they wait.
"""

from __future__ import annotations

from typing import List, Mapping, Optional, Sequence, Tuple

from ..canonical import digest, milliseconds
from ..fold import fold
from ..model import Entry, Incident
from ..routing import Routing
from ..signal import SIMULATED
from .calendar import ALWAYS
from .lives import Change, Life, lives_of
from .sla import Document, Draft

__all__ = ["due_entries", "every_of", "next_moment", "update_due_data"]


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
    if incident.merged_into:
        return []
    moments = _due_moments(incident, lives, routing)
    due, every = moments[0] if moments else (None, 0.0)
    drafts = []
    if due != incident.update_due:
        data = {
            "event": "set",
            "due": due or 0.0,
            "every": every,
            "reason": _due_reason(due, every),
        }
        number = sum(1 for one in written.values() if one.get("event") == "set")
        drafts.append(Draft("update_due", data, f"update:set:{number}:{digest([due], 16)}"))
    for moment in dict.fromkeys(moment for moment, _every in moments if moment <= now):
        once = f"update:missed:{moment:.3f}"
        if once not in written:
            data = {"event": "missed", "due": moment, "reason": _missed_reason(incident, moment)}
            drafts.append(Draft("update_due", data, once))
    return drafts


def next_moment(
    incident: Incident, lives: Sequence[Life], routing: Routing, now: float
) -> Optional[float]:
    """Return when an update will be missed; None for never."""
    moments = [moment for moment, _every in _due_moments(incident, lives, routing)]
    return next((moment for moment in moments if moment > now), None)


def every_of(entries: Sequence[Entry], routing: Routing) -> Optional[float]:
    """Return how often, in seconds, stakeholders want to hear of an incident as it is now.

    None: they do not say, or it is over.
    """
    lives = lives_of(entries)
    is_over = not lives or lives[-1].ended_at is not None
    return None if is_over else _update_every(fold(entries), lives[-1].changes[-1], routing)


def _due_moments(
    incident: Incident, lives: Sequence[Life], routing: Routing
) -> List[Tuple[float, float]]:
    """When updates are due, the next first, with the wish behind each in seconds (0: a promise).

    One that was promised for later than a group wants to hear is due besides.
    """
    if incident.merged_into or incident.status == "closed":
        return []
    promised = incident.update_promised
    return sorted(
        [
            *([(promised, 0.0)] if promised is not None else []),
            *_due_by_groups(incident, lives[-1], routing),
        ]
    )


def _due_by_groups(incident: Incident, life: Life, routing: Routing) -> List[Tuple[float, float]]:
    """When a group wants to hear next: so long after the last update, or since it may ask."""
    last = incident.last_update
    told_at = float(last.get("time") or 0.0)
    is_told_over = last.get("state") == "resolved" and told_at >= life.start
    if life.ended_at is not None or is_told_over:
        return []
    every: Optional[float] = None
    since = life.start
    for change in life.changes:
        wanted = _update_every(incident, change, routing)
        if wanted != every:
            every, since = wanted, change.time
    return [] if every is None else [(milliseconds(max(since, told_at) + every), every)]


def _update_every(incident: Incident, change: Change, routing: Routing) -> Optional[float]:
    """How often they want to hear while it has a severity and a team; of a test they do not."""
    if incident.rules[:1] == [SIMULATED]:
        return None
    return routing.update_every(change.severity, change.team)


def _due_reason(due: Optional[float], every: float) -> str:
    if due is None:
        return "No update is waited for any more."
    if not every:
        return f"Stakeholders were promised an update by {ALWAYS.date_of(due)}."
    return (
        f"Stakeholders want an update every {every / 60:.0f} minutes: write one by "
        f"{ALWAYS.date_of(due)}."
    )


def _missed_reason(incident: Incident, due: float) -> str:
    by = str(incident.last_update.get("by") or "")
    own = by and due == incident.last_update.get("next_by")
    who = f"{by} promised stakeholders" if own else "Stakeholders were to get"
    over = "" if incident.is_open else f" It is {incident.status}, and they still wait."
    return f"{who} an update by {ALWAYS.date_of(due)}, and none was written.{over}"


def update_due_data(entries: Sequence[Entry]) -> Mapping[str, Document]:
    """Return the data of the entries of kind ``update_due``, by ``once``."""
    return {entry.once: entry.data for entry in entries if entry.kind == "update_due"}
