"""Merges incidents that two writers opened at once because neither could see the other's.

Two detections that fire in the same second are taken in by two processes. Each looks for an
incident to join before the other has written its own, so that both open one for what is one
problem. Nothing can prevent that in a KV store without transactions, but it can be seen afterwards:
both are there, opened seconds apart, and the later one would have joined the earlier.
"""

from __future__ import annotations

from functools import partial
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from ...ports import Clock, Stores
from .. import timeline
from ..act import Act
from ..entry_validation import is_readable
from ..errors import IllegalMove, NotFound
from ..grouping import Candidates, Join, Topology
from ..joining import merging
from ..model import ACTOR, Incident
from ..routing import Routing
from ..signal import Signal
from ..stores import any_of, find_by

__all__ = ["Compared", "merge_raced"]

TOGETHER_SECONDS = 15.0
"""The seconds from a writer's read to its write, including differences of members' clocks."""
LOOK_BACK_SECONDS = 120.0
MAX_INCIDENTS = 500
# With these entries, a person has decided what does not belong together.
TAKEN_APART = ("split", "unmerged")
# The fields to read of an incident: its content and its times.
_READ = (
    *("id", "status", "opened_at", "first_time", "last_time"),
    *("entities", "group_values", "wordings"),
)
About = Tuple[str, int, int, int]
Compared = Dict[str, Tuple[About, ...]]
"""Incidents that were compared with those near them, with the marks of the latter."""


def merge_raced(
    stores: Stores,
    clock: Clock,
    routing: Routing,
    topology: Topology,
    compared: Optional[Compared] = None,
) -> Dict[str, int]:
    """Merge related incidents that were opened at once into the first of them.

    Incidents that were split, or whose merge was undone, stay apart. Raises what the stores raise,
    and Contended.

    Args:
        compared: incidents that were found to stay apart. Keep it between calls: in a storm it
            saves reading a signal of each incident again and again.
    """
    compared = {} if compared is None else compared
    since = clock.now() - LOOK_BACK_SECONDS
    documents = stores.incidents.find(
        {"opened_at": {"$gte": since}}, "opened_at:1,_key:1", MAX_INCIDENTS, fields=_READ
    )
    recent = [one for one in map(Incident.from_document, documents) if one.is_open]
    for gone in compared.keys() - {incident.id for incident in recent}:
        del compared[gone]
    act, merged = Act(stores, clock, ACTOR), 0
    openers = _opening_signals(stores, [one for one, *_ in _to_compare(recent, compared)])
    for incident, near, state in _to_compare(recent, compared):
        if incident.id not in openers:
            continue  # Its signal is not stored yet.
        join = _join(openers[incident.id], near, routing, topology)
        if join is None or not _untouched(stores, incident.id, join.incident_id):
            compared[incident.id] = state
            continue
        reason = f"{join.reason} Both were opened at once."
        # People, or another worker, may move signals until then.
        may = partial(_untouched, stores, incident.id, join.incident_id)
        try:
            merging.merge(act, incident.id, join.incident_id, reason, may)
        except (IllegalMove, NotFound):
            continue  # One was closed, merged or split in between, or its timeline is gone.
        merged += 1
        incident.status = "closed"
    return {"raced_incidents_merged": merged}


def _to_compare(
    recent: List[Incident], compared: Compared
) -> Iterator[Tuple[Incident, List[Incident], Tuple[About, ...]]]:
    """Yield the incidents with others near them that they were not compared with in this state."""
    for place, incident in enumerate(recent):
        near = _near(incident, recent[:place])
        state = tuple(_about(one) for one in near)
        if near and compared.get(incident.id) != state:
            yield incident, near, state


def _opening_signals(stores: Stores, incidents: Sequence[Incident]) -> Dict[str, Signal]:
    """Return a signal that opened each of these, in two calls: a storm has hundreds of them."""
    if not incidents:
        return {}
    mine = any_of("incident_id", [incident.id for incident in incidents])
    fields = ("incident_id", "data")
    entries = stores.timeline.find({"$and": [mine, {"kind": "opened"}]}, fields=fields)
    # All signals of an entry are of one problem. A query by time is impossible: all findings of one
    # search may begin at the same time.
    keys = {
        str(one["incident_id"]): next(iter(one["data"].get("signals") or ()), "")
        for one in entries
        if is_readable(one, fields)
    }
    found = find_by(stores.signals, "_key", keys.values())
    signals = {str(one["_key"]): Signal.from_document(one) for one in found}
    return {incident_id: signals[key] for incident_id, key in keys.items() if key in signals}


def _near(incident: Incident, earlier: List[Incident]) -> List[Incident]:
    """Return incidents opened so shortly before that its writer may not have seen them."""
    opened = incident.opened_at or 0.0
    return [
        one
        for one in earlier
        if one.is_open and opened - (one.opened_at or 0.0) <= TOGETHER_SECONDS
    ]


def _about(incident: Incident) -> About:
    """Return a mark of an incident's content, which changes when further incidents may join it."""
    counts = (len(incident.entities), len(incident.group_values), len(incident.wordings))
    return (incident.id, *counts)


def _join(
    signal: Signal, near: List[Incident], routing: Routing, topology: Topology
) -> Optional[Join]:
    """Return the join that the writer of this signal would have made had it seen the others."""
    if not signal.group:
        return None
    window, grounds = routing.group_window, routing.group_by
    return next(iter(Candidates(near).choose(signal, topology, window, grounds)), None)


def _untouched(stores: Stores, *incident_ids: str) -> bool:
    found = timeline.read_many(stores, incident_ids)
    return not any(entry.kind in TAKEN_APART for entries in found.values() for entry in entries)
