"""Describe a burning error budget in words for the person who is paged."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Tuple

from .objective import Objective, percent_of

__all__ = ["budget_left", "burn_rate_sentence"]

DAY, HOUR, MINUTE = 86400, 3600, 60


def burn_rate_sentence(
    objective: Objective,
    now: Tuple[int, int],
    long: int,
    spent: Tuple[int, int],
    known: int,
) -> str:
    """Return the sentence about a rate that was exceeded.

    Args:
        now: the known bad and all events of its long window of ``long`` seconds.
        spent: those of the budget's window, of which ``known`` seconds are known.
    """
    bad, total = now
    burn = Fraction(bad, total) / objective.budget
    whole = _length(objective.window)
    left = budget_left(objective, spent, known)
    lasts = _about(float(objective.window / burn))
    so_far = "" if known >= objective.window else f", as far as the last {_about(known)} tell"
    rest = f"nothing of it is left{so_far}"
    if left > 0:
        rest_lasts = _about(float(left * objective.window / burn))
        rest = f"{_percent(left)} of it is left, for {rest_lasts}{so_far}"
    return (
        f"{_good(objective.percent, bad, total)} percent of {total:,} events were good in the last "
        f"{_length(long)}, and {percent_of(objective.percent)} should be: {float(burn):.3g} times "
        f"as many bad ones as that allows. At this rate the error budget of {whole} is used up in "
        f"{lasts}; {rest}."
    )


def budget_left(objective: Objective, spent: Tuple[int, int], known: int) -> Fraction:
    """Return the share of the budget that is left, below 0 if more was spent.

    If a window is known in part, the budget assumes the same number of events all the time. Without
    any events, as after a new and shorter window, the budget is whole.
    """
    bad, total = spent
    if not total:
        return Fraction(1)
    return 1 - Fraction(bad * known, total * objective.window) / objective.budget


def _good(percent: float, bad: int, total: int) -> str:
    """Return the good share in percent, rounded down so that it does not look like the
    objective.
    """
    digits = max(1, len(f"{percent:.10f}".rstrip("0").partition(".")[2]))
    scale: int = 10**digits
    return f"{math.floor(Fraction(100 * (total - bad) * scale, total)) / scale:.{digits}f}"


def _percent(share: Fraction) -> str:
    return "less than 1 percent" if share < Fraction(1, 100) else f"{int(share * 100)} percent"


def _length(seconds: int) -> str:
    """Return a window in words: ``hour``, ``6 hours``, ``30 days``."""
    for unit, name in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        if seconds % unit == 0:
            return name if seconds == unit else f"{seconds // unit} {name}s"
    return f"{seconds} seconds"


def _about(seconds: float) -> str:
    """Return a rough time, in the largest unit of which it is two or more."""
    for unit, name in ((DAY, "days"), (HOUR, "hours")):
        if seconds >= 2 * unit:
            return f"{float(f'{seconds / unit:.2g}'):g} {name}"
    return f"{max(1, round(seconds / MINUTE))} minutes"
