"""Requests about an incident's follow-ups, tasks and roles in a random story."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from tests.unit.worker.soak import HOUR

__all__ = ["asked"]

_CHANGES: tuple[dict[str, str], ...] = (
    {"state": "done"},
    {"state": "dropped", "reason": "no"},
    {"state": "open", "reason": "not yet"},
    {"owner": "bob"},
)


def asked(
    rng: random.Random, incident: Mapping[str, Any], number: int, now: float
) -> tuple[str, dict[str, Any]]:
    """Return the end of a path below the incident, and a body."""
    what = rng.choice(("follow-ups", "tasks", "roles"))
    if what == "roles":
        return what, {"role": "scribe", "person": rng.choice(("ann", "bob", ""))}
    there = [one["id"] for one in incident.get(what.replace("-", "_")) or ()]
    if there and rng.random() < 0.6:
        return f"{what}/{rng.choice(there)}", rng.choice(_CHANGES)
    due = {"due": now + rng.choice((HOUR, 30 * HOUR))} if what == "follow-ups" else {}
    return what, {"title": f"Do {number}", "owner": "ann", **due}
