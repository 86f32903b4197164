"""The search head that a worker process runs on."""

from __future__ import annotations

from dataclasses import dataclass

from ..ports import Clock, Stores
from ..splunk.session import Session

__all__ = ["Member"]


@dataclass(frozen=True)
class Member:
    """A search head, possibly in a cluster; ``name`` is the holder of its claims."""

    name: str
    session: Session
    stores: Stores
    clock: Clock
