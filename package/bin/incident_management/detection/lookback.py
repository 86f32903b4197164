"""Which time a saved search looks at in a run, and whether it can be asked about another window.

It answers for a window that it is dispatched over only where its text leaves the times to the
dispatch: "Specify time modifiers in your search" in Splunk's Search Manual (a time modifier in the
text overrides the time range), "Time modifiers" in the Search Reference (their names, the
deprecated ones included). And finding nothing means that all is well only for a search that does
not look for a change within its window: it would not find a problem that lasts that long.
"""

from __future__ import annotations

import re
from typing import Iterator, Tuple

from .timemodifiers import resolve

__all__ = ["lookback", "own_time_modifier", "reason_finds_only_changes", "reason_not_rerunnable"]

_MODIFIER = re.compile(
    r"\b(_index_)?(earliest|latest)\s*=(?!=)"
    r"|\b(start|end)?(days|hours|minutes|months)ago\s*="
    r"|\b(start|end)timeu?\s*="
    r"|\bsearchtimespan(days|hours|minutes|months)\s*=",
    re.I,
)
# A field of that name which a subsearch returns is a time modifier of the search around it.
_RETURNED = re.compile(r"\b(earliest|latest)\b(?!\s*\()", re.I)
_PRESENT = re.compile(r"\b(now|time)\(\s*\)", re.I)
_CHANGE = re.compile(
    r"[|\[]\s*(addinfo|anomalies|anomalousvalue|anomalydetection|anomalyscore|autoregress|delta"
    r"|predict|timewrap|trendline|x11)\b",
    re.I,
)
_COMPUTES = re.compile(r"\s*(eval|where|fieldformat)\b", re.I)
_TIMELESS = re.compile(r"\s*\|\s*(inputlookup|inputcsv|rest|loadjob|makeresults|dbxquery)\b", re.I)
_HIDES = re.compile(r"[|\[]\s*(map|savedsearch)\b", re.I)


def lookback(earliest: str, latest: str, at: float) -> Tuple[float, float]:
    """Return how long a time a run at a moment looks at, and how long before it that ends.

    Both in seconds; ``at`` is epoch seconds, the others are Splunk's time modifiers.

    Raises:
        ValueError: a modifier is not understood, or it looks at all time.
    """
    if earliest.strip() in ("", "0"):
        raise ValueError("It looks at all time.")
    begin, end = resolve(earliest, at), resolve(latest, at)
    if end <= begin:
        raise ValueError(f"It looks at no time: from '{earliest}' to '{latest}'.")
    return end - begin, at - end


def reason_finds_only_changes(plain: str) -> str:
    """Tell why a search does not find a lasting problem; empty unless it looks for a change.

    The text goes on from the search's name; ``plain`` as for :func:`reason_not_rerunnable`.
    """
    change = _CHANGE.search(plain)
    if change is None:
        return ""
    return f"compares parts of its window with '{change[1]}': what lasts, it finds no more"


def reason_not_rerunnable(plain: str) -> str:
    """Tell what keeps a search from being asked about any window; empty if nothing is seen to.

    The text goes on from the search's name. ``addinfo`` tells a search the ends of its window,
    which it needs to compare the newest part with the rest.

    Args:
        plain: the search with its macros in place and without what is quoted.
    """
    timeless = _TIMELESS.match(plain)
    if timeless:
        return f"begins with '{timeless[1]}', which heeds no time range"
    hides = _HIDES.search(plain)
    if hides:
        return f"holds the command '{hides[1]}', which runs another search"
    change = reason_finds_only_changes(plain)
    if change:
        return change
    present = _PRESENT.search(plain)
    if present:
        return f"asks for the present time by {present[0]}"
    for depth, part in _parts(plain):
        found = _RETURNED.search(part) if depth else None
        if not found and not _COMPUTES.match(part):
            found = _MODIFIER.search(part)
        if found:
            return f"sets its own times by '{found[0].strip()}'"
    return ""


def own_time_modifier(plain: str) -> str:
    """Return the time modifier by which a search sets its own times; empty without one.

    It goes before the times that the search is dispatched with. That of a subsearch is for the
    subsearch alone, and is not looked at. ``plain`` as for :func:`reason_not_rerunnable`.
    """
    for depth, part in _parts(plain):
        found = None if depth or _COMPUTES.match(part) else _MODIFIER.search(part)
        if found:
            return found[0].strip()
    return ""


def _parts(plain: str) -> Iterator[Tuple[int, str]]:
    """Yield the commands of a search, and in how many subsearches each is."""
    depth = 0
    for part in re.split(r"([\[\]|])", plain):
        depth += {"[": 1, "]": -1}.get(part, 0)
        yield depth, part
