"""Deletes what was kept for a while and is of no more use."""

from __future__ import annotations

from typing import Dict

from ..api.idempotency import KEPT_ANSWER, KEPT_SECONDS
from ..ports import Clock, Stores

__all__ = ["forget_answers"]

FORGOTTEN_AT_ONCE = 1000


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
