"""The search head that a worker process runs on."""

from __future__ import annotations

from dataclasses import dataclass

from ..ports import Clock, Stores
from ..splunk.session import Session

__all__ = ["Member"]


@dataclass(frozen=True)
class Member:
    """A search head, in a cluster one of several; ``name`` is what its claims are held by."""

    name: str
    session: Session
    stores: Stores
    clock: Clock
