"""Find which time a saved search looks at, and whether it can be run over another window.

A search can be run over another window only if its text leaves the times to the dispatch: "Specify
time modifiers in your search" in Splunk's Search Manual (a time modifier in the text overrides the
time range), "Time modifiers" in the Search Reference (their names, the deprecated ones included).
Finding nothing means that all is well only for a search that does not look for a change within its
window: a search that does would not find a problem that lasts longer than the window.
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
    """Return the length of the time range that a run looks at, and how long before the run it ends.

    Both in seconds; ``at`` is epoch seconds, the others are Splunk's time modifiers.

    Raises:
        ValueError: a modifier is not understood, or it looks at all time.
    """
    if earliest.strip() in ("", "0"):
        raise ValueError("it looks at all time, without a start.")
    begin, end = resolve(earliest, at), resolve(latest, at)
    if end <= begin:
        raise ValueError(f"its time range is empty, from '{earliest}' to '{latest}'.")
    return end - begin, at - end


def reason_finds_only_changes(plain: str) -> str:
    """Return why a search does not find a lasting problem; empty if it does.

    Such a search compares parts of its window. The text continues the search's name. ``plain`` is
    as for :func:`reason_not_rerunnable`.
    """
    change = _CHANGE.search(plain)
    if change is None:
        return ""
    return (
        f"compares parts of its window with '{change[1]}', so it no longer finds a problem that "
        "lasts"
    )


def reason_not_rerunnable(plain: str) -> str:
    """Return what keeps a search from being run over another window; empty if nothing is found.

    The text continues the search's name. ``addinfo`` gives a search the ends of its window, which
    it needs to compare the newest part with the rest.

    Args:
        plain: the search with its macros in place and without what is quoted.
    """
    timeless = _TIMELESS.match(plain)
    if timeless:
        return f"begins with '{timeless[1]}', which ignores the time range"
    hides = _HIDES.search(plain)
    if hides:
        return f"contains the command '{hides[1]}', which runs another search"
    change = reason_finds_only_changes(plain)
    if change:
        return change
    present = _PRESENT.search(plain)
    if present:
        return f"uses the present time ({present[0]})"
    for depth, part in _parts(plain):
        found = _RETURNED.search(part) if depth else None
        if not found and not _COMPUTES.match(part):
            found = _MODIFIER.search(part)
        if found:
            return f"sets its own time range with '{found[0].strip()}'"
    return ""


def own_time_modifier(plain: str) -> str:
    """Return the time modifier with which a search sets its own time range; empty without one.

    It overrides the times that the search is dispatched with. A modifier in a subsearch applies to
    the subsearch alone, and is ignored here. ``plain`` as for :func:`reason_not_rerunnable`.
    """
    for depth, part in _parts(plain):
        found = None if depth or _COMPUTES.match(part) else _MODIFIER.search(part)
        if found:
            return found[0].strip()
    return ""


def _parts(plain: str) -> Iterator[Tuple[int, str]]:
    """Yield the commands of a search, each with its depth in subsearches."""
    depth = 0
    for part in re.split(r"([\[\]|])", plain):
        depth += {"[": 1, "]": -1}.get(part, 0)
        yield depth, part
