"""The kinds of deviation by which a series is judged: places in every list with one entry a kind.

After the first four come two for each season: what a value is away from it, and the mean of that.
"""

from __future__ import annotations

from typing import Tuple

__all__ = [
    "CHANGE", "FIRST_SEASON", "SHORT_MEAN", "SPREAD", "VALUE", "count_of", "of_season", "single",
]  # fmt: skip

VALUE = 0
"""A value against the level."""
SHORT_MEAN = 1
"""The mean of the last few values against the level, on a curved scale."""
CHANGE = 2
"""The mean of some hours against that of the hours before."""
SPREAD = 3
"""How far the last values spread, against how far they usually do."""
FIRST_SEASON = 4


def of_season(place: int) -> Tuple[int, int]:
    """Return the kinds of the season at that place: a value against it, and the mean of some."""
    kind = FIRST_SEASON + 2 * place
    return kind, kind + 1


def count_of(seasons: int) -> int:
    """Return how many kinds there are with this many seasons."""
    return FIRST_SEASON + 2 * seasons


def single(seasons: int) -> Tuple[int, ...]:
    """Return the kinds that are about a single value."""
    return (VALUE, *(of_season(place)[0] for place in range(seasons)))
