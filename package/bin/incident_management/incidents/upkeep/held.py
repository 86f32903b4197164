"""Alerts that were held back, of tools that tell of one twice: when it begins and when it ends.

CloudWatch sends an alarm when its state changes, Datadog unless it is told to renotify too. One
that began in a maintenance window would not be heard of again: so the worker takes it in when no
suppression covers it any more, unless the tool has said since that it is over.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Iterable, List

from ...ports import Clock, Document, Stores
from .. import suppression
from ..canonical import milliseconds
from ..signal import Signal

__all__ = ["TOLD_ONCE", "going_on", "note_ends"]

TOLD_ONCE = ("cloudwatch", "datadog")
# So many are looked at in one turn, the newest first.
MOST_HELD = 2000


def going_on(stores: Stores, clock: Clock) -> List[Signal]:
    """Return what was held back, is not over and is held back no longer, with now as its end."""
    tools: Document = {"$or": [{"app": tool} for tool in TOLD_ONCE]}
    query: Document = {"$and": [{"suppressed_by": {"$gt": ""}}, tools, {"over": {"$ne": True}}]}
    held = stores.signals.find(query, "last_time:-1", MOST_HELD)
    now = milliseconds(clock.now())
    active = suppression.active(stores.suppressions, now) if held else []
    signals = [replace(Signal.from_document(document), last_time=now) for document in held]
    return [signal for signal in signals if suppression.first_match(active, signal) is None]


def note_ends(stores: Stores, problems: Iterable[str]) -> None:
    """Note that what was held back of these problems, by dedup key, is over."""
    some: List[Document] = [{"dedup_key": problem} for problem in sorted(problems)]
    held = stores.signals.find({"$and": [{"suppressed_by": {"$gt": ""}}, {"$or": some}]})
    ended = [{**document, "over": True} for document in held if not document.get("over")]
    if ended:
        stores.signals.save(ended)
