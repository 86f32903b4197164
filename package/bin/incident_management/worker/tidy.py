"""Brings incident documents up to their entries, where a writer was ended in between.

A round looks at the entries of the last half hour, and at those before that which no round has
looked at: after an outage, or in a new worker, some each time until it has caught up.
"""

from __future__ import annotations

from collections import Counter
from typing import Dict, List, Tuple

from ..api.idempotency import KEPT_ANSWER, KEPT_SECONDS
from ..incidents import timeline
from ..incidents.stores import claim_document, find_by
from ..incidents.upkeep.retention import pruned
from ..ports import Clock, Document, Stores
from .clocks import ring

__all__ = ["forget_answers", "refresh_stale"]

CHECKPOINT = "worker:refresh:checkpoint"
# Covers clocks that differ, and entries that reached the KV store late.
LOOK_BACK_SECONDS = 1800.0
# So many older entries are looked at in one round.
MAX_OLDER = 1000
# What is read of an entry: whose it is, not what it says.
_WHOSE = ("incident_id", "time")
# A writer that is still at it gets time to finish.
GRACE_SECONDS = 10.0
FORGOTTEN_AT_ONCE = 1000


def refresh_stale(stores: Stores, clock: Clock) -> Dict[str, int]:
    """Refresh the incidents that have an entry which their documents do not hold.

    Raises what the stores raise; then the next round looks at the same again.
    """
    now = clock.now()
    recent = {"time": {"$gte": now - LOOK_BACK_SECONDS, "$lte": now - GRACE_SECONDS}}
    older, reached = _older(stores, now)
    entries = [*older, *stores.timeline.find(recent, "time:1", fields=_WHOSE)]
    refreshed = _refresh(stores, list(dict.fromkeys(one["incident_id"] for one in entries)))
    # Their documents bear the times of their entries, which may lie before what the clocks look at.
    ring(stores, refreshed, now)
    checkpoint = claim_document(CHECKPOINT, reached)
    stores.claims.save([checkpoint])
    return {"incidents_refreshed": len(refreshed)}


def _older(stores: Stores, now: float) -> Tuple[List[Document], float]:
    """Return some entries since the checkpoint that are not recent, and up to when they are all.

    Those of the last moment are returned together, so that each round gets on. A checkpoint from
    the future, which a wrong clock made, tells nothing: it begins anew.
    """
    known = stores.claims.get(CHECKPOINT)
    since = float(known["time"]) if known and known["time"] <= now else 0.0
    until = now - LOOK_BACK_SECONDS
    span = {"time": {"$gt": since, "$lt": until}}
    found = stores.timeline.find(span, "time:1", MAX_OLDER, fields=_WHOSE)
    if len(found) < MAX_OLDER:
        return found, until
    reached = float(found[-1]["time"])
    return found + stores.timeline.find({"time": reached}, fields=_WHOSE), reached


def _refresh(stores: Stores, ids: List[str]) -> List[str]:
    """Refresh those of some incidents that have other entries than their documents say."""
    known = {
        document["_key"]: document.get("entries")
        for document in find_by(stores.incidents, "_key", ids, fields=("entries",))
    }
    entries = find_by(stores.timeline, "incident_id", ids, fields=("incident_id",))
    written = Counter(str(entry["incident_id"]) for entry in entries)
    stale = [one for one in ids if known.get(one) != written[one]]
    # One that is leaving must not get a document again after its own is deleted.
    leaving = pruned(stores, stale)
    return list(timeline.refresh_many(stores, [one for one in stale if one not in leaving]))


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
