"""Keep how far the worker has checked incidents' deadlines, as a claim in ``incident_claims``.

Without service levels, escalations and promised updates there is no checkpoint, and the worker
checks nothing.
"""

from __future__ import annotations

from ...ports import Clock, Stores
from ..stores import claim_document

__all__ = ["KEY", "begin"]

KEY = "worker:clocks:checkpoint"


def begin(stores: Stores, clock: Clock) -> None:
    """Make the worker check deadlines from now on, if it does not already."""
    stores.claims.insert(claim_document(KEY, clock.now()))
