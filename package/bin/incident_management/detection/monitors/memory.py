"""Read the state that a monitor had before it raised a finding, as saved in the KV store."""

from __future__ import annotations

from typing import Any, Dict

from ...ports import Stores
from ..packing import unpack

__all__ = ["MAX_STATE_BYTES", "MEMORY", "recall"]

MEMORY = "monitor memory"
"""What the purposes of a monitor's memories begin with; a colon and its name follow."""
MAX_STATE_BYTES = 64_000_000
"""JSON of what a monitor has learned; packed it is a third of that or less."""


def recall(stores: Stores, key: str) -> Dict[str, Any]:
    """Return a memory by its name. Raises LookupError if it is gone or can't be read.

    The name comes with a signal, and a client may have made it up.
    """
    document = stores.claims.get(key)
    if document is None or not str(document["purpose"]).startswith(f"{MEMORY}:"):
        raise LookupError(
            "The state that the monitor had before it raised this problem was deleted."
        )
    try:
        return unpack(document["value"]["state"], MAX_STATE_BYTES)
    except ValueError as error:
        raise LookupError(str(error)) from error
