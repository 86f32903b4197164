"""Deletes kept answers and monitor data when their retention time is over."""

from __future__ import annotations

from typing import Callable, Container

from ..detection.monitors.memory import MEMORY
from ..detection.monitors.registry import REGISTERED
from ..incidents.stores import KEPT_ANSWER, KEPT_ANSWER_SECONDS, KEPT_END
from ..ports import Clock, Document, Stores
from .monitors.checkpoints import CHECKPOINT
from .monitors.late_events import LATE
from .monitors.roster import OFF

__all__ = ["delete_expired_answers", "delete_removed_monitors"]

MONITOR_KEPT_SECONDS = 90 * 86400.0
"""How long a monitor's data is kept after no member has the monitor any more."""


def delete_expired_answers(stores: Stores, clock: Clock) -> None:
    """Delete answers kept for repeated requests, and ends of alerts, after their retention time."""
    old = {
        "$and": [
            {"purpose": {"$gte": KEPT_ANSWER}},
            {"purpose": {"$lt": KEPT_ANSWER + "~"}},
            {"time": {"$lt": clock.now() - KEPT_ANSWER_SECONDS}},
        ]
    }
    # One request: a client with a key for each of its requests leaves thousands an hour.
    stores.claims.delete_matching(old)
    over = [{"purpose": KEPT_END}, {"time": {"$lt": clock.now() - KEPT_ANSWER_SECONDS}}]
    stores.claims.delete_matching({"$and": over})


def delete_removed_monitors(
    stores: Stores, clock: Clock, present: Callable[[], Container[str]]
) -> None:
    """Delete the data of monitors and members that are gone for long.

    A monitor may have 60 MB. ``present`` returns the names of the existing monitors; its errors are
    raised.
    """
    claims = stores.claims
    old: Document = {"time": {"$lt": clock.now() - MONITOR_KEPT_SECONDS}}
    claims.delete_matching({"$and": [{"purpose": REGISTERED}, old]})
    begin, end = f"{CHECKPOINT}:", f"{CHECKPOINT};"
    stood = [{"purpose": {"$gte": begin}}, {"purpose": {"$lt": end}}, old]
    left = {str(one["purpose"]) for one in claims.find({"$and": stood}, fields=("purpose",))}
    names = {purpose[len(begin) :] for purpose in left}
    there = present() if names else ()
    for name in sorted(one for one in names if one not in there):
        claims.delete(f"{OFF}:{name}")
        for note in ("turn", "waits", LATE):
            claims.delete(f"{CHECKPOINT}:{name}:{note}")
        # Checkpoints last, as the rest is found by them. A monitor that begins now keeps its own.
        for purpose in (MEMORY, CHECKPOINT):
            claims.delete_matching({"$and": [{"purpose": f"{purpose}:{name}"}, old]})
