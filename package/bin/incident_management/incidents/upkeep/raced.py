"""Makes one of incidents that were opened at once by writers who could not see each other.

Two detections that fire in the same second are taken in by two processes. Each looks for an
incident to join before the other has written its own, so that both open one for what is one
problem. Nothing can prevent that in a KV store without transactions, but it can be seen afterwards:
both are there, opened seconds apart, and the later one would have joined the earlier.
"""

from __future__ import annotations

from typing import Dict, List, Optional

from ...ports import Clock, Stores
from .. import timeline
from ..errors import IllegalMove
from ..grouping import Candidates, Join, Topology
from ..joining import merging
from ..model import Incident
from ..routing import Routing
from ..signal import Signal

__all__ = ["join_raced"]

ACTOR = "incident_management"
TOGETHER_SECONDS = 15.0
"""How long a writer may take from its look to its writing, and members' clocks may differ."""
LOOK_BACK_SECONDS = 120.0
MAX_INCIDENTS = 500
# Somebody has decided here on what does not belong together.
TAKEN_APART = ("split", "unmerged")


def join_raced(
    stores: Stores, clock: Clock, routing: Routing, topology: Topology
) -> Dict[str, int]:
    """Merge what was opened at once and belongs together into the one that was first.

    What was split or taken out of a merge stays apart. Raises what the stores raise, and
    Contended.
    """
    since = clock.now() - LOOK_BACK_SECONDS
    documents = stores.incidents.find(
        {"opened_at": {"$gte": since}}, "opened_at:1,_key:1", MAX_INCIDENTS
    )
    recent = [one for one in map(Incident.from_document, documents) if one.is_open]
    merged = 0
    for place, incident in enumerate(recent):
        join = _join(stores, incident, recent[:place], routing, topology)
        if join is None or not _untouched(stores, incident.id, join.incident_id):
            continue
        try:
            reason = f"{join.reason} Both were opened at once."
            merging.merge(stores, clock, incident.id, join.incident_id, ACTOR, reason)
        except IllegalMove:
            continue  # One of them was closed or merged in between.
        merged += 1
        incident.status = "closed"
    return {"raced_incidents_merged": merged}


def _join(
    stores: Stores,
    incident: Incident,
    earlier: List[Incident],
    routing: Routing,
    topology: Topology,
) -> Optional[Join]:
    """Return what the incident would have joined, had its writer seen it."""
    opened = incident.opened_at or 0.0
    near = [
        one
        for one in earlier
        if one.is_open and opened - (one.opened_at or 0.0) <= TOGETHER_SECONDS
    ]
    if not near:
        return None
    first = stores.signals.find({"incident_id": incident.id}, "first_time:1,_key:1", 1)
    signal = Signal.from_document(first[0]) if first else None
    if signal is None or not signal.group:
        return None
    window, grounds = routing.group_window, routing.group_by
    return next(iter(Candidates(near).choose(signal, topology, window, grounds)), None)


def _untouched(stores: Stores, *incident_ids: str) -> bool:
    found = timeline.read_many(stores, incident_ids)
    return not any(entry.kind in TAKEN_APART for entries in found.values() for entry in entries)
