"""A monitor's findings that were held back, and whose trouble has gone on since.

A detector that finds a trouble in its first span only would never tell of one that began in a
maintenance window. So what was held back is taken in again, with the end that its trouble has by
now: while a suppression covers that it stays held back, and after that it opens its incident.
"""

from __future__ import annotations

from dataclasses import replace
from typing import List

from ...incidents.signal import Signal
from ...ports import Document, Stores
from ...splunk.session import APP
from .checkpoints import Checkpoint

__all__ = ["ongoing_suppressed"]

# The most of one monitor that are looked at, the newest first.
MAX_HELD = 1000


def ongoing_suppressed(stores: Stores, monitor: str, checkpoint: Checkpoint) -> List[Signal]:
    """Return what was held back of a monitor and goes on, each up to where it was found last."""
    if not checkpoint.unwell_since:
        return []
    earliest: Document = {"last_time": {"$gte": min(checkpoint.unwell_since.values())}}
    query: Document = {
        "$and": [{"suppressed_by": {"$gt": ""}}, {"rule": monitor}, {"app": APP}, earliest]
    }
    found = []
    for document in stores.signals.find(query, "last_time:-1", MAX_HELD):
        signal = Signal.from_document(document)
        end = checkpoint.goes_on(signal.entity, signal.last_time)
        if end is not None:
            found.append(replace(signal, last_time=end))
    return found
