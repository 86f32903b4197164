"""Follow-ups that are overdue: their owners are reminded once, and after a year they are dropped.

An entry on the timeline says so, and the announcer tells it as it tells any other.
"""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Mapping, Tuple

from ...ports import Clock, Document, Stores
from .. import timeline
from ..errors import NotFound
from ..model import ACTOR
from ..stores import find_by
from .afterwards import OVERDUE
from .writing import FOLLOW_UPS

__all__ = ["incidents_with_follow_ups", "remind"]

# The newest incidents with follow-ups, as many as a year has of grave ones in a large company.
MOST_INCIDENTS = 5000
A_ROUND = 50
# An incident with open follow-ups is kept (:mod:`..upkeep.retention`), so there must be an end.
FORGOTTEN_SECONDS = 365 * 86_400.0


def incidents_with_follow_ups(stores: Stores, fields: Tuple[str, ...]) -> List[Document]:
    """Return those fields, and ``follow_ups``, of the incidents that have any."""
    claims = stores.claims.find({"purpose": FOLLOW_UPS}, "purpose:1,_key:-1", MOST_INCIDENTS)
    ids = [str(one["value"]["incident_id"]) for one in claims]
    return find_by(stores.incidents, "_key", ids, ("follow_ups", *fields)) if ids else []


def remind(stores: Stores, clock: Clock) -> Dict[str, int]:
    """Write what is due now, for at most 50 follow-ups; returns how many were told or dropped."""
    now = clock.now()
    done = {"follow_ups_overdue": 0, "follow_ups_dropped": 0}
    wanted = list(_overdue(stores, now))[:A_ROUND]
    for incident_id, one in wanted:
        name, data = _entry(one, now)
        once = f"follow-up:{one['id']}:{name}:{float(one['due']):.3f}"
        try:
            timeline.append(stores, clock, incident_id, "follow_up", data, ACTOR, once)
            timeline.refresh(stores, incident_id)
        except NotFound:
            continue  # It has left the KV store since.
        done[f"follow_ups_{name}"] += 1
    return done


def _overdue(stores: Stores, now: float) -> Iterator[Tuple[str, Document]]:
    """Open follow-ups whose date is past, and that nobody was told of, or that are long past."""
    for document in incidents_with_follow_ups(stores, ("follow_ups_open",)):
        for one in document.get("follow_ups") or ():
            if one["state"] != "open" or one["due"] > now:
                continue
            if one.get("reminded") != one["due"] or now - one["due"] > FORGOTTEN_SECONDS:
                yield str(document["_key"]), one


def _entry(one: Mapping[str, Any], now: float) -> Tuple[str, Document]:
    if now - float(one["due"]) > FORGOTTEN_SECONDS:
        reason = "It was a year overdue, and nobody has changed it."
        changed = {"event": "changed", "state": "dropped", "reason": reason}
        return "dropped", {"follow_up": one["id"], **changed}
    told = {name: one[name] for name in ("title", "owner", "due")}
    return OVERDUE, {"follow_up": one["id"], "event": OVERDUE, **told}
