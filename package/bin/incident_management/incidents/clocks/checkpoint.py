"""How far the worker has looked at incidents' clocks: a note in ``incident_claims``.

Where nothing is promised and no escalation configured there is none, and the worker has nothing to
look at.
"""

from __future__ import annotations

from ...ports import Clock, Stores
from ..stores import claim_document

__all__ = ["KEY", "begin"]

KEY = "worker:clocks:checkpoint"


def begin(stores: Stores, clock: Clock) -> None:
    """Have the worker look from now on, if it does not already."""
    stores.claims.insert(claim_document(KEY, clock.now()))
