"""Learned baselines: what a value should be now, online, in one pass and bounded memory.

Several measures of a series are watched at once: a single value against the level, and against the
same time of the day and of the week before; the mean of the last few values; the mean of some hours
against the hours before; the spread of the values. Each measure is compared with its own record
(see :mod:`.records`), and the clearest deviation decides. Times are epoch seconds.

Memory of a series: at most 1,910 numbers, 20 kB.
"""

from __future__ import annotations

from typing import Any, Dict, NamedTuple, Optional

from .counter import AGAIN, Counter
from .learner import Judged, Learner
from .season import PERIODS
from .zone import UTC, Zone

__all__ = [
    "DIRECTIONS",
    "SEASONS",
    "SENSITIVITIES",
    "STATE_VERSION",
    "Baseline",
    "OtherVersion",
    "Score",
]

SEASONS = ("none", "auto", *PERIODS)
DIRECTIONS = ("both", "up", "down")
SENSITIVITIES: Dict[str, float] = {"low": 2.4, "medium": 1.7, "high": 1.2}
"""Sensitivity -> the multiple of the largest deviation so far that is an anomaly."""
STATE_VERSION = 2


class Score(NamedTuple):
    """The expected value of a point, and how unusual the point is.

    ``score`` is 0 (as expected) to 1; an anomaly begins at 0.5. A value beyond a bound is an
    anomaly by itself. Within the bounds, several values together can still be one.
    """

    expected: float
    lower: float
    upper: float
    score: float
    is_anomaly: bool


class OtherVersion(ValueError):
    """A state was saved by a version of the app that uses another format."""


class Baseline:
    """Learns one series, and judges each point before learning from it.

    A counter, that is a series that only grows, is judged by its growth.

    Args:
        season: one of :data:`SEASONS`. ``auto``: daily and weekly.
        threshold: the multiple of a record that is an anomaly, see :data:`SENSITIVITIES`.
        direction: ``up``: only high values are anomalies; ``down``: only low ones; or ``both``.
        min_history: number of points before the first verdict.
        zone: time zone in which days and weeks begin.
    """

    __slots__ = ("_counter", "_learner", "_plain", "_settings")

    def __init__(
        self,
        season: str = "auto",
        threshold: float = SENSITIVITIES["medium"],
        direction: str = "both",
        min_history: int = 10,
        zone: Zone = UTC,
    ) -> None:
        self._settings = (season, threshold, direction, min_history, zone)
        self._learner = Learner(*self._settings)
        self._counter = Counter()
        self._plain = 0
        """Number of coming points for which the series is taken as no counter, without a check."""

    def add(self, value: float, time: Optional[float] = None) -> Score:
        """Judge a point, then learn from it."""
        return Score(*self.judge(value, time))

    def judge(self, value: float, time: Optional[float] = None) -> Judged:
        """Do the same as :meth:`add`, but return a plain tuple, which is faster to create."""
        if self._plain:
            self._plain -= 1
            return self._learner.add(value, time)
        counter = self._counter
        last = counter.last
        if counter.changes(value):
            self._learner = Learner(*self._settings)
        growth = counter.growth(value)
        if counter.ruled_out:
            self._plain, self._counter = AGAIN, Counter(AGAIN)
            return self._learner.add(value, time)
        if not counter.is_counter:
            return self._learner.add(value, time)
        if growth is None or last is None:
            # The growth before the restart is unknown, so there is nothing to judge or learn.
            return value, value, value, 0.0, False
        expected, lower, upper, score, is_anomaly = self._learner.add(growth, time)
        return expected + last, lower + last, upper + last, score, is_anomaly

    @property
    def is_ongoing(self) -> bool:
        """Whether the last anomaly continues, including one that only several points show.

        It lasts at most 144 points: by then it has become normal.
        """
        return self._learner.is_ongoing

    def resume_from(self, value: float) -> None:
        """Set the value of a counter before the next point, after a pause that was not observed."""
        if self._counter.is_counter:
            self._counter.last = value

    def to_state(self) -> Dict[str, Any]:
        """Return all that was learned as plain JSON values, at most 27 kB, for :meth:`from_state`.

        The settings are not included: a series may continue with others of the same ``season``.
        """
        return {
            "version": STATE_VERSION,
            "season": self._settings[0],
            "counter": self._counter.to_state(),
            "plain": self._plain,
            "learner": self._learner.to_state(),
        }

    @classmethod
    def from_state(
        cls,
        state: Dict[str, Any],
        threshold: float = SENSITIVITIES["medium"],
        direction: str = "both",
        min_history: int = 10,
        zone: Zone = UTC,
    ) -> Baseline:
        """Restore a saved baseline.

        Raises:
            OtherVersion: another version of the app saved it.
            ValueError: it is not a state that :meth:`to_state` returned.
        """
        try:
            if state["version"] != STATE_VERSION:
                raise OtherVersion(
                    f"The saved baseline can't be read (version {state['version']}, not "
                    f"{STATE_VERSION}); delete it to learn anew."
                )
            baseline = cls(state["season"], threshold, direction, min_history, zone)
            baseline._counter = Counter.from_state(state["counter"])
            baseline._plain = int(state.get("plain", 0))
            baseline._learner.restore(state["learner"])
        except OtherVersion:
            raise
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise ValueError(
                f"The saved baseline can't be read ({error}); delete it to learn anew."
            ) from error
        return baseline
