"""Find when the errors of an incident began: where their rate rises, not at the first of them.

Errors of the same kind may occur now and then on any day. So the steepest rise is the change point
of a Poisson process whose rate changes once, found by maximum likelihood (Raftery and Akman,
"Bayesian analysis of a Poisson process with a change-point", Biometrika 73, 1986). From there the
onset moves back over errors that are closer together than those of the calm window.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import List, NamedTuple, Optional, Sequence, Tuple

__all__ = ["RISE", "Onset", "Span", "onset_of", "seconds_of"]

Span = Tuple[float, float]
"""A start and an end, epoch seconds."""

RISE = 3.0
"""Errors have risen when they come at this many times the rate of the calm time before."""
LONGEST_GAP = 300.0
"""Errors with no longer gap than this, in seconds, may be one burst."""
CLOSE = 0.1
"""A gap of this share of the calm's mean gap is no chance: at random, one of ten is as short."""
LONGEST_GROWTH = 1800.0
"""How long before its steepest rise a burst may have begun, in seconds."""
SHORTEST_SPAN = 60.0
"""A few errors within an instant are no rate: each is measured over this many seconds at least."""


def seconds_of(spans: Sequence[Span], until: float = math.inf) -> float:
    """Return the number of seconds that the spans cover up to a moment."""
    return sum(max(0.0, min(end, until) - start) for start, end in spans)


class Onset(NamedTuple):
    """When errors became frequent, in epoch seconds.

    ``growing``: the times of the errors shortly before, which were already more frequent than in
    the calm window.
    """

    time: float
    growing: List[float]


def onset_of(times: Sequence[float], spans: Sequence[Span]) -> Optional[Onset]:
    """Return the onset of the errors, None if there are none.

    Args:
        times: the times of the errors, the oldest first.
        spans: the times that were searched for errors; they do not overlap.
    """
    if not times:
        return None
    place = _rise(times, spans)
    growth = min(LONGEST_GROWTH, seconds_of(spans, times[place]) / 2)
    calm_end = times[place] - growth
    calm, calm_seconds = bisect_left(times, calm_end), seconds_of(spans, calm_end)
    gap = min(LONGEST_GAP, CLOSE * calm_seconds / calm) if calm else LONGEST_GAP
    while place > calm and times[place] - times[place - 1] <= gap:
        place -= 1
    growing = list(times[calm:place])
    usual = len(growing) * calm_seconds < RISE * calm * (times[place] - calm_end)
    return Onset(times[place], [] if usual else growing)


def _rise(times: Sequence[float], spans: Sequence[Span]) -> int:
    """Return the index of the error from which on a higher rate explains the times best."""
    total = seconds_of(spans)
    best, best_likelihood = 0, -math.inf
    for before, time in enumerate(times):
        calm, after = seconds_of(spans, time), len(times) - before
        rises = before * (total - calm) <= after * calm
        likelihood = _likelihood(before, calm) + _likelihood(after, total - calm)
        if rises and likelihood > best_likelihood:
            best, best_likelihood = before, likelihood
    return best


def _likelihood(count: int, seconds: float) -> float:
    """Return the part of a Poisson process's log likelihood that depends on its rate."""
    return count * math.log(count / max(SHORTEST_SPAN, seconds)) if count else 0.0
