"""``410 Gone``: for an incident that retention deleted or is about to delete."""

from __future__ import annotations

from ..incidents.upkeep import retention
from .messages import Problem, Request

__all__ = ["OF_AN_INCIDENT", "was_deleted"]

# The routes of one incident begin with this.
OF_AN_INCIDENT = "/incidents/{id}"


def was_deleted(request: Request) -> None:
    """Raise Problem 410 when the incident in the path has left or is leaving the KV store."""
    stone = retention.tombstone(request.stores, request.params["id"])
    if stone is not None:
        raise Problem(410, retention.gone_sentence(stone))
