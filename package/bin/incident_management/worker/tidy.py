"""Brings incident documents up to their entries, where a writer was ended in between."""

from __future__ import annotations

from typing import Dict, List

from ..api.once import KEPT_ANSWER, KEPT_SECONDS
from ..incidents import timeline
from ..incidents.stores import find_by
from ..ports import Clock, Stores

__all__ = ["forget_answers", "refresh_stale"]

LOOK_BACK_SECONDS = 1800.0
# A writer that is still at it gets time to finish.
GRACE_SECONDS = 10.0
FORGOTTEN_AT_ONCE = 1000


def refresh_stale(stores: Stores, clock: Clock) -> Dict[str, int]:
    """Refresh the incidents that have a recent entry which their documents do not hold."""
    now = clock.now()
    query = {"time": {"$gte": now - LOOK_BACK_SECONDS, "$lte": now - GRACE_SECONDS}}
    recent = stores.timeline.find(query, "time:1")
    ids = list(dict.fromkeys(entry["incident_id"] for entry in recent))
    known = {document["_key"]: document for document in find_by(stores.incidents, "_key", ids)}
    stale: List[str] = [
        incident_id
        for incident_id, entries in timeline.read_many(stores, ids).items()
        if (known.get(incident_id) or {}).get("entries") != len(entries)
    ]
    return {"incidents_refreshed": len(timeline.refresh_many(stores, stale))}


def forget_answers(stores: Stores, clock: Clock) -> Dict[str, int]:
    """Delete the answers that were kept for repeats of a request, when their time is over."""
    old = {
        "$and": [
            {"purpose": {"$gte": KEPT_ANSWER}},
            {"purpose": {"$lt": KEPT_ANSWER + "~"}},
            {"time": {"$lt": clock.now() - KEPT_SECONDS}},
        ]
    }
    found = stores.claims.find(old, "time:1", FORGOTTEN_AT_ONCE)
    return {"answers_forgotten": sum(stores.claims.delete(one["_key"]) for one in found)}
