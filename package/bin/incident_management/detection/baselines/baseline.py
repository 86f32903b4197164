"""Learned baselines: what a value should be now, online, in one pass and bounded memory.

A series is looked at in several ways at once: a single value against the level, and against the
same time of the day and the week before; the mean of the last few; the mean of some hours against
the hours before; how much it spreads. Each is measured against its own record (see
:mod:`.records`), and the clearest one decides. Times are epoch seconds.

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
"""Sensitivity -> how many times the largest deviation so far is an anomaly."""
STATE_VERSION = 2


class Score(NamedTuple):
    """What a point was expected to be, and how unusual it is.

    ``score`` is 0 (as expected) to 1; from 0.5 on, an anomaly begins here. A value beyond a bound
    is an anomaly by itself; within them, what happened over some time can be one.
    """

    expected: float
    lower: float
    upper: float
    score: float
    is_anomaly: bool


class OtherVersion(ValueError):
    """A state was learned by a version of the app that keeps it in another form."""


class Baseline:
    """Learns one series and judges each point before it learns from it.

    A counter, a series that only grows, is judged by its growth.

    Args:
        season: one of :data:`SEASONS`. ``auto``: daily and weekly.
        threshold: how many times a record is an anomaly, see :data:`SENSITIVITIES`.
        direction: ``up``: only too high is an anomaly; ``down``: only too low; or ``both``.
        min_history: points before the first verdict.
        zone: by whose clocks days and weeks begin.
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
        """Points for which it is no counter, without asking."""

    def add(self, value: float, time: Optional[float] = None) -> Score:
        """Judge a point, then learn from it."""
        return Score(*self.judge(value, time))

    def judge(self, value: float, time: Optional[float] = None) -> Judged:
        """Do what :meth:`add` does; the plain tuple takes less time to make."""
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
            # How much it grew before the restart is not known: nothing to judge or to learn.
            return value, value, value, 0.0, False
        expected, lower, upper, score, is_anomaly = self._learner.add(growth, time)
        return expected + last, lower + last, upper + last, score, is_anomaly

    @property
    def goes_on(self) -> bool:
        """Whether an anomaly that was found goes on, also where only several points show it.

        It is for 144 points at most: by then it is what is usual.
        """
        return self._learner.goes_on

    def resume_from(self, value: float) -> None:
        """Say what a counter stood at before the next point, after a pause that nobody watched."""
        if self._counter.is_counter:
            self._counter.last = value

    def to_state(self) -> Dict[str, Any]:
        """Return all that was learned as plain JSON values, at most 27 kB, for :meth:`from_state`.

        Settings are not in it: a series may go on under others of the same ``season``.
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
        """Return the baseline that was saved.

        Raises:
            OtherVersion: another version of the app gave it.
            ValueError: it is not one that :meth:`to_state` gave.
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
