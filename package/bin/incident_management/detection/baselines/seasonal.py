"""A season as one of the measures of a series."""

from __future__ import annotations

from typing import Any, Dict, Optional

from .kinds import of_season
from .season import PERIODS, Season
from .weeks import Weeks, season_class
from .window import Means
from .zone import Zone

__all__ = ["SEASON_MEANS", "Seasonal"]

SEASON_MEANS = {"hourly": 3, "daily": 12, "weekly": 12}
"""Points in the short mean of deviations from a season."""


class Seasonal:
    """A season with its mean error, and the running mean of the latest deviations from it."""

    __slots__ = (
        "error", "is_range", "kind", "mean_kind", "means", "name", "residual", "season", "zone",
    )  # fmt: skip

    def __init__(self, name: str, zone: Zone, place: int) -> None:
        self.name = name
        self.kind, self.mean_kind = of_season(place)
        self.zone = zone
        self.season: Season = season_class(name)(PERIODS[name], zone)
        self.is_range = isinstance(self.season, Weeks)
        self.means = Means(SEASON_MEANS[name])
        self.error: Optional[float] = None
        self.residual: Optional[float] = None

    def to_state(self) -> Dict[str, Any]:
        return {
            "season": self.season.to_state(),
            "means": self.means.to_state(),
            "error": self.error,
        }

    def restore(self, state: Dict[str, Any], step: float) -> None:
        saved, period = state["season"], PERIODS[self.name]
        if self.is_range:
            self.season = Weeks.from_state(period, self.zone, saved, step)
        else:
            self.season = Season.from_state(period, self.zone, saved)
        self.means = Means.from_state(state["means"])
        error = state["error"]
        self.error = None if error is None else float(error)
