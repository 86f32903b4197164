"""How long a burst may pause before it is over, by its own rhythm."""

from __future__ import annotations

from typing import Iterable

__all__ = ["LONGEST_PAUSE", "SHORTEST_PAUSE", "Tempo"]

SHORTEST_PAUSE = 6.5
"""Seconds. Sensors write every five seconds or so, and stamp whole seconds: a shorter pause tells
of the sensor, not of the problem."""
LONGEST_PAUSE = 900.0
FIRST_GAP = 10.0
PATIENCE = 3.0
WEIGHT = 0.3
SAME_MOMENT = 0.5


class Tempo:
    """The running mean of the gaps between a burst's moments, in seconds.

    It starts as if gaps of ``FIRST_GAP`` had come, so that a first pause of half a minute is no
    end; a dense burst soon makes it short, and a slow one long.
    """

    __slots__ = ("gap",)

    def __init__(self) -> None:
        self.gap = FIRST_GAP

    @classmethod
    def of(cls, times: Iterable[float]) -> Tempo:
        """Return the tempo that these times, in any order, amount to."""
        tempo = cls()
        ordered = sorted(times)
        for before, after in zip(ordered, ordered[1:]):
            tempo.observe(after - before)
        return tempo

    def observe(self, gap: float) -> None:
        """Take in the gap before one more alert; within one moment it says nothing."""
        if gap >= SAME_MOMENT:
            self.gap += WEIGHT * (gap - self.gap)

    def patience(self) -> float:
        """Return after how many seconds of silence the burst is over."""
        return min(LONGEST_PAUSE, max(SHORTEST_PAUSE, PATIENCE * self.gap))
