"""Reports ticket systems that can't be read at present, for the health of the app."""

from __future__ import annotations

from typing import List

from ...channels import FOLLOW_UP_SYSTEMS, INBOUND
from ...incidents.stores import find_by
from ...ports import Stores

__all__ = ["note_key", "troubles"]


def note_key(channel: str, follow_ups: bool = False) -> str:
    """Return the key of the claim in which the worker keeps the state of a ticket system.

    ``follow_ups``: for the tickets of follow-ups there.
    """
    return f"worker:tickets:{channel}{':follow-ups' if follow_ups else ''}"


def troubles(stores: Stores) -> List[str]:
    """Return a sentence for each ticket system that can't be read. Raises what the stores raise."""
    keys = [*map(note_key, INBOUND), *(note_key(channel, True) for channel in FOLLOW_UP_SYSTEMS)]
    said = {str(one["value"].get("trouble") or "") for one in find_by(stores.claims, "_key", keys)}
    return sorted(said - {""})
