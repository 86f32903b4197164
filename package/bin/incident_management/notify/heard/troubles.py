"""What keeps tickets from being read at present, for whoever asks how the app is."""

from __future__ import annotations

from typing import List

from ...channels import HEARD
from ...incidents.stores import find_by
from ...ports import Stores

__all__ = ["note_key", "troubles"]


def note_key(channel: str) -> str:
    """Return the key of what the worker keeps of a ticket system, among the claims."""
    return f"worker:tickets:{channel}"


def troubles(stores: Stores) -> List[str]:
    """Return a sentence for each ticket system that can't be read. Raises what the stores raise."""
    known = find_by(stores.claims, "_key", map(note_key, HEARD))
    said = (str(one["value"].get("trouble") or "") for one in known)
    return sorted(sentence for sentence in said if sentence)
