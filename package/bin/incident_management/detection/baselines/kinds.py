"""The kinds of deviation that are judged: positions in every list with one entry for each kind.

After the first four come two for each season: a value's distance from it, and that distance's mean.
"""

from __future__ import annotations

from typing import Tuple

__all__ = [
    "CHANGE", "FIRST_SEASON", "SHORT_MEAN", "SPREAD", "VALUE", "count_of", "of_season", "single",
]  # fmt: skip

VALUE = 0
"""A single value against the level."""
SHORT_MEAN = 1
"""The mean of the last few values against the level, on a curved scale."""
CHANGE = 2
"""The mean of some hours against the mean of the hours before."""
SPREAD = 3
"""The spread of the last values against their usual spread."""
FIRST_SEASON = 4


def of_season(place: int) -> Tuple[int, int]:
    """Return the two kinds of the season at a position: single value, and mean of some values."""
    kind = FIRST_SEASON + 2 * place
    return kind, kind + 1


def count_of(seasons: int) -> int:
    """Return the number of kinds with this many seasons."""
    return FIRST_SEASON + 2 * seasons


def single(seasons: int) -> Tuple[int, ...]:
    """Return the kinds that are about a single value."""
    return (VALUE, *(of_season(place)[0] for place in range(seasons)))
