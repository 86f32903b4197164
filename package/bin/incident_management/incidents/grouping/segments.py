"""Group a stream of alerts into problems, in one pass, in bounded memory, without looking ahead.

An alert is unusual if it is rare for its entity, or more frequent than ever. An unusual alert joins
the burst in progress, or opens one:

* It joins within the longest pause that fits the burst's rhythm; the limit is shorter for a kind
  that has nothing in common with the burst.
* Across entities it joins only within a time in which a coincidence is unlikely, given how often
  anything unusual happens.
* If the mix of kinds has changed after a pause, a new burst begins.

A usual alert joins a burst only while its entity is in the middle of one. Other usual alerts are
grouped by time, separately before and after the beginning of a burst. A decision is final.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Optional

from .bursts import Burst, Bursts
from .gatherings import Gatherings
from .habits import Crowd, Habits
from .tempo import LONGEST_PAUSE, SAME_MOMENT, SHORTEST_PAUSE

__all__ = ["Limits", "Placement", "Segmenter"]

CHANCE = 0.1
"""The largest probability of a coincidence at which unusual alerts of two entities are joined."""
STAMP = 1.0
STARTED = 2
"""Unusual alerts from which on a burst counts as more than a single unusual alert."""
NAME = 200
"""Characters of a kind's or an entity's name that are compared."""


@dataclass(frozen=True)
class Limits:
    """What a segmenter keeps at most; beyond it, the least recently active entry is dropped."""

    bursts: int = 64
    habits: int = 100_000
    entities: int = 1_000


@dataclass(frozen=True)
class Placement:
    """The group of one alert, whether it is the first in it, and why it went there.

    ``usual``: the group gathers what usually comes, and is no problem by itself.
    """

    group: int
    opened: bool
    usual: bool
    reason: str


class Segmenter:
    """Assigns each alert to a group."""

    def __init__(self, limits: Limits = Limits()) -> None:
        self._habits = Habits(limits.habits)
        self._crowd = Crowd()
        self._bursts = Bursts(limits.bursts, limits.entities)
        self._gatherings = Gatherings(LONGEST_PAUSE)
        self._groups = 0

    def place(self, time: float, kind: str, entity: str) -> Placement:
        """Return the group of the next alert.

        Alerts come roughly in order of time. A late alert goes to the group of its time while that
        is kept. The caller replaces future times by now, as they would make all habits look old.

        Args:
            time: epoch seconds.
            kind: the detection that raised the alert.
            entity: what the alert is about.
        """
        kind, entity = kind[:NAME], entity[:NAME]
        usual = self._habits.observe(time, kind, entity)
        self._bursts.end_old(time)
        if usual:
            burst = self._bursts.of(entity)
            if burst is not None and burst.gap(time) <= SHORTEST_PAUSE:
                return _include_usual(burst, time)
            return self._gather(time, kind, entity)
        self._crowd.observe(time)
        nearest = self._nearest(time, kind, entity)
        if nearest is None:
            reason = f"'{kind}' is unusual for '{entity}', and fits no burst in progress."
            return self._open(time, kind, entity, reason)
        if nearest.turns(time, kind):
            reason = "The mix of kinds has changed since the burst's last pause: a new burst."
            return self._open(time, kind, entity, reason)
        return self._join(nearest, time, kind, entity)

    def sizes(self) -> Dict[str, int]:
        """Return the number of kept bursts, gatherings and habits."""
        return {
            "bursts": len(self._bursts),
            "gatherings": len(self._gatherings),
            "habits": len(self._habits),
        }

    def _nearest(self, time: float, kind: str, entity: str) -> Optional[Burst]:
        """Return the entity's own burst if it fits, else the most recently active that fits."""
        own = self._bursts.of(entity)
        if own is not None and _fits(own, time, kind, LONGEST_PAUSE):
            return own
        # Many alerts have whole seconds: a coincidence within less can't be recognized.
        unlikely = CHANCE * self._crowd.seconds_apart()
        if unlikely < STAMP:
            return None
        for burst in self._bursts.recent():
            if _fits(burst, time, kind, unlikely):
                return burst
        return None

    def _join(self, burst: Burst, time: float, kind: str, entity: str) -> Placement:
        gap = burst.gap(time)
        limit = burst.tempo.patience(1.0)
        reason = f"Unusual, {gap:.0f} seconds after the burst's last alert (limit {limit:.0f})."
        burst.tempo.observe(gap)
        burst.extend(time)
        self._bursts.touch(burst)
        self._enter(burst, time, entity)
        return Placement(burst.group, False, False, reason)

    def _open(self, time: float, kind: str, entity: str, reason: str) -> Placement:
        self._groups += 1
        burst = Burst(self._groups, time)
        burst.mix.observe(kind)
        self._bursts.add(burst)
        self._enter(burst, time, entity)
        return Placement(self._groups, True, False, reason)

    def _enter(self, burst: Burst, time: float, entity: str) -> None:
        """Count an unusual alert; separate the usual ones before and after the beginning."""
        burst.alerts += 1
        if burst.alerts == STARTED:
            self._gatherings.close(time)
        self._bursts.enter(burst, entity)

    def _gather(self, time: float, kind: str, entity: str) -> Placement:
        gathering = self._gatherings.find(time)
        if gathering is not None:
            reason = (
                f"'{kind}' is usual for '{entity}': grouped with other usual alerts of that time."
            )
            return Placement(gathering.group, False, True, reason)
        self._groups += 1
        self._gatherings.open(self._groups, time)
        reason = f"'{kind}' is usual for '{entity}': the first usual alert in a while."
        return Placement(self._groups, True, True, reason)


def _fits(burst: Burst, time: float, kind: str, limit: float) -> bool:
    gap = burst.gap(time)
    if gap > limit or gap > LONGEST_PAUSE:
        return False
    return gap <= SAME_MOMENT or gap <= burst.patience(kind)


def _include_usual(burst: Burst, time: float) -> Placement:
    """Add a usual alert to the burst that its entity is in.

    It does not extend the burst: otherwise a busy host would never leave it.
    """
    gap = burst.gap(time)
    reason = f"Usual there, but part of a burst, {gap:.0f} seconds after its last alert."
    return Placement(burst.group, False, False, reason)
