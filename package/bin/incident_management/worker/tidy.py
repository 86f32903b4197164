"""Deletes what was kept for a while and is of no more use."""

from __future__ import annotations

from ..api.idempotency import KEPT_ANSWER, KEPT_SECONDS
from ..ports import Clock, Stores

__all__ = ["forget_answers"]


def forget_answers(stores: Stores, clock: Clock) -> None:
    """Delete the answers that were kept for repeats of a request, when their time is over."""
    old = {
        "$and": [
            {"purpose": {"$gte": KEPT_ANSWER}},
            {"purpose": {"$lt": KEPT_ANSWER + "~"}},
            {"time": {"$lt": clock.now() - KEPT_SECONDS}},
        ]
    }
    # All in one request: a program with a key for each of its requests makes thousands an hour.
    stores.claims.delete_matching(old)
