"""The threshold that a detection's search ends in: ``| where count > 5``, or a macro for the 5.

Other conditions may stand beside it: ``| where samples >= 2 AND depth > 1000``.
"""

from __future__ import annotations

import re
from typing import Optional, Tuple

__all__ = ["final_limit", "threshold_of", "without_threshold"]

# The last where, which at most one command follows.
_WHERE = re.compile(r"\|\s*where\s+([^|\"]+?)\s*(?:\|[^|]*)?\Z")
_THRESHOLD = re.compile(r"\s*([A-Za-z_]\w*)\s*>\s*(`[A-Za-z_]\w*`|-?\d+(?:\.\d+)?)\s*")
_AND = re.compile(r"\sAND\s")
_OTHERWISE = re.compile(r"\b(?:OR|NOT|XOR)\b")


def threshold_of(spl: str) -> Tuple[str, str]:
    """Return the field that the last ``where`` compares, and the number or macro it must exceed.

    Both are empty unless just one of its conditions is of the form ``field > number``, and all of
    them must hold.
    """
    found = _find(spl)
    return (found[0][1], found[0][2]) if found else ("", "")


def final_limit(spl: str) -> str:
    """Return the number or macro of :func:`threshold_of` where no command follows it, else ""."""
    where = _WHERE.search(spl)
    return "" if where is None or "|" in where.group().lstrip("|") else threshold_of(spl)[1]


def without_threshold(spl: str) -> Optional[str]:
    """Return a search whose threshold is 0, None when it has none."""
    found = _find(spl)
    if found is None:
        return None
    match, offset = found
    return f"{spl[: offset + match.start(2)]}0{spl[offset + match.end(2) :]}"


def _find(spl: str) -> Optional[Tuple[re.Match[str], int]]:
    """Return the threshold's condition, and where in the search it was looked for."""
    where = _WHERE.search(spl)
    if where is None or _OTHERWISE.search(where[1]) or "(" in where[1]:
        return None
    found = []
    start = 0
    for end in [*(one.start() for one in _AND.finditer(where[1])), len(where[1])]:
        match = _THRESHOLD.fullmatch(where[1][start:end])
        if match:
            found.append((match, where.start(1) + start))
        start = end + len(" AND ")
    return found[0] if len(found) == 1 else None
