"""Pack a learned state as short text for one field of a document.

JSON, zlib (RFC 1950) and base64: a field's name in the KV store may hold no dot, a series' may.
Both ways are bounded: only finite numbers are written or read, and no text unfolds to more than is
asked for.
"""

from __future__ import annotations

import base64
import json
import math
import zlib
from typing import Any, Dict, Mapping

__all__ = ["pack", "unpack"]


def pack(state: Mapping[str, Any]) -> str:
    """Return a state as text. Raises ValueError for a number that is not finite."""
    data = json.dumps(state, separators=(",", ":"), allow_nan=False).encode()
    return base64.b64encode(zlib.compress(data)).decode("ascii")


def unpack(text: str, most_bytes: int) -> Dict[str, Any]:
    """Return the state that was packed, of at most ``most_bytes`` of JSON.

    Raises:
        ValueError: the text is not one that :func:`pack` gave, or unfolds to more.
    """
    try:
        unzip = zlib.decompressobj()
        data = unzip.decompress(base64.b64decode(text, validate=True), most_bytes)
        read = json.JSONDecoder(parse_float=_finite, parse_constant=_finite).decode
        state = read(data.decode()) if unzip.eof else None
    except (ValueError, zlib.error) as error:
        raise ValueError(f"The saved state can't be read ({error}).") from error
    if not isinstance(state, dict):
        raise ValueError("The saved state can't be read (it is not an object, or too large).")
    return state


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"it holds {text[:20]}")
    return number
