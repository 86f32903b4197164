"""Noise floors of a series: a smaller deviation is never an anomaly, whatever its record."""

from __future__ import annotations

import math
from typing import List, Sequence

from .kinds import CHANGE, SHORT_MEAN, SPREAD, VALUE
from .level import Level
from .records import Records
from .seasonal import SEASON_MEANS, Seasonal
from .window import CHANGE_POINTS, SPREAD_POINTS

__all__ = ["CURVE", "FEW", "STEADY_POINTS", "reckon_floors"]

POISSON_SPREADS = 3.0
RELATIVE_NOISE = 0.002
"""A deviation below three times this share of the level is never an anomaly."""
BORROWED = 100.0
"""Points of a season after which its own record counts as much as half of the level's record."""
RANGE_NOISE = 3.0
"""A value outside the range of the weeks by at most this many mean errors is noise. The record of
such deviations is low at first, because few values lie outside the range."""
STEADY, STEADY_POINTS = 0.25, 200
"""Whole numbers that spread less than this share of a Poisson distribution are not counts."""
FEW = 6
"""Points in the short mean of values."""
CURVE = 10.0
"""How well the curved scale separates small values; it bends at a tenth of the usual value."""


def reckon_floors(
    floors: List[float],
    level: Level,
    bend: float,
    is_count: bool,
    is_known: bool,
    seasons: Sequence[Seasonal],
    records: Records,
) -> None:
    """Set the floor of each kind: a Poisson distribution's spread for counts, else a small share.

    Args:
        floors: one number for each kind, overwritten.
        is_known: whether enough points were seen to tell whole numbers from counts.
    """
    middle = level.middle
    noise = RELATIVE_NOISE * abs(middle)
    if is_count:
        poisson = math.sqrt(max(middle, 0.0) + 0.5)
        steady = STEADY * poisson if middle >= 1.0 and is_known else 0.0
        is_count = level.spread >= steady
        # In a series of whole numbers, a difference of one is noise at any level.
        noise = max(noise, poisson if is_count else 1.0)
    reach = POISSON_SPREADS * noise
    bend = max(bend, abs(middle)) or 1.0
    few = reach / math.sqrt(FEW)
    floors[VALUE] = reach
    floors[SHORT_MEAN] = math.asinh(CURVE * (middle + few) / bend) - math.asinh(
        CURVE * middle / bend
    )
    floors[CHANGE] = reach / math.sqrt(CHANGE_POINTS / 2)
    floors[SPREAD] = noise if is_count else reach / math.sqrt(2 * SPREAD_POINTS)
    for seasonal in seasons:
        length = SEASON_MEANS[seasonal.name]
        # A season that is known for a short time has seen few of its own extremes. Until it has,
        # the level's extremes stand in for them.
        known = records.seen(seasonal.kind)
        borrowed = records.mark(VALUE) * BORROWED / (BORROWED + known)
        noise = RANGE_NOISE * (seasonal.error or 0.0) if seasonal.is_range else 0.0
        floors[seasonal.kind] = max(reach, borrowed, noise)
        floors[seasonal.mean_kind] = max(reach / math.sqrt(length), borrowed)
