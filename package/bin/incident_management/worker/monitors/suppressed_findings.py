"""A monitor's suppressed findings whose trouble has continued since.

A detector that raises a trouble only in its first span would never report one that began in a
maintenance window. So suppressed findings are ingested again, with the current end of their
trouble: they stay suppressed while a suppression covers that end, and open their incident after it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import List

from ...incidents.signal import Signal
from ...ports import Document, Stores
from ...splunk.session import APP
from .checkpoints import Checkpoint

__all__ = ["ongoing_suppressed"]

# The most findings of one monitor that are checked, the newest first.
MAX_HELD = 1000


def ongoing_suppressed(stores: Stores, monitor: str, checkpoint: Checkpoint) -> List[Signal]:
    """Return a monitor's suppressed findings that continue, each with the end of its trouble."""
    if not checkpoint.unwell_since:
        return []
    earliest: Document = {"last_time": {"$gte": min(checkpoint.unwell_since.values())}}
    query: Document = {
        "$and": [{"suppressed_by": {"$gt": ""}}, {"rule": monitor}, {"app": APP}, earliest]
    }
    found = []
    for document in stores.signals.find(query, "last_time:-1", MAX_HELD):
        signal = Signal.from_document(document)
        end = checkpoint.trouble_end(signal.entity, signal.last_time)
        if end is not None:
            found.append(replace(signal, last_time=end))
    return found
