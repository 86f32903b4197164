"""The threshold that a detection's search ends in: ``| where count > 5``, or a macro for the 5."""

from __future__ import annotations

import re
from typing import Optional, Tuple

__all__ = ["loosened_search", "threshold_of"]

_THRESHOLD = re.compile(
    r"(\|\s*where\s+([A-Za-z_]\w*)\s*>\s*)(`[A-Za-z_]\w*`|-?\d+(?:\.\d+)?)(\s*(?:\|[^|]*)?)\Z"
)


def threshold_of(spl: str) -> Tuple[str, str]:
    """Return the field that the last ``where`` compares, and the number or macro it must exceed.

    Both are empty unless it is of the form ``where field > number``.
    """
    match = _THRESHOLD.search(spl)
    return (match[2], match[3]) if match else ("", "")


def loosened_search(spl: str) -> Optional[str]:
    """Return a search whose threshold is 0, None when it has none."""
    match = _THRESHOLD.search(spl)
    return f"{spl[: match.start()]}{match[1]}0{match[4]}" if match else None
