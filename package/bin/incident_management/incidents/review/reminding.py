"""Follow-ups that are overdue: their owners are reminded once, and a year later they are dropped.

An entry on the timeline says so, and the announcer tells it as it tells any other.
"""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Mapping, Tuple

from ...ports import Clock, Document, Stores
from .. import timeline
from ..errors import IllegalMove, NotFound
from ..model import ACTOR
from ..stores import find_by
from .afterwards import OVERDUE
from .writing import FOLLOW_UPS, change_follow_up

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
    for incident_id, one in list(_overdue(stores, now))[:A_ROUND]:
        act, name = (_drop, "dropped") if _is_forgotten(one, now) else (_tell, OVERDUE)
        # Each change makes it another follow-up: what was reminded of before, or reopened, is anew.
        once = f"follow-up:{one['id']}:{name}:{one['due']:.3f}:{one['at']:.3f}"
        try:
            if one in timeline.refresh(stores, incident_id).follow_ups:
                act(stores, clock, incident_id, one, once)
                done[f"follow_ups_{name}"] += 1
        except (NotFound, IllegalMove):
            continue  # It has left the KV store since, or somebody has just changed it.
    return done


def _overdue(stores: Stores, now: float) -> Iterator[Tuple[str, Document]]:
    """Open follow-ups whose date is past and whose owner was not told, or that are forgotten."""
    for document in incidents_with_follow_ups(stores, ("follow_ups_open",)):
        for one in document.get("follow_ups") or ():
            if one["state"] != "open" or one["due"] > now:
                continue
            if one.get("reminded") != one["due"] or _is_forgotten(one, now):
                yield str(document["_key"]), one


def _is_forgotten(one: Mapping[str, Any], now: float) -> bool:
    """Whether it is a year overdue, and nobody has changed it for a year."""
    return now - max(float(one["due"]), float(one["at"])) > FORGOTTEN_SECONDS


def _drop(
    stores: Stores, clock: Clock, incident_id: str, one: Mapping[str, Any], once: str
) -> None:
    reason = "It was a year overdue, and nobody has changed it."
    changes = {"state": "dropped", "reason": reason}
    change_follow_up(stores, clock, incident_id, ACTOR, one["id"], changes, once, one["at"])


def _tell(
    stores: Stores, clock: Clock, incident_id: str, one: Mapping[str, Any], once: str
) -> None:
    told = {name: one[name] for name in ("title", "owner", "due")}
    data = {"follow_up": one["id"], "event": OVERDUE, **told}
    timeline.append(stores, clock, incident_id, "follow_up", data, ACTOR, once)
    timeline.refresh(stores, incident_id)
