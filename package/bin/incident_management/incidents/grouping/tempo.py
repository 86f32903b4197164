"""How long a burst may pause before it is over, by its own rhythm."""

from __future__ import annotations

__all__ = ["LONGEST_PAUSE", "SHORTEST_PAUSE", "Tempo"]

SHORTEST_PAUSE = 6.0
"""Seconds. Sensors write every five seconds or so, and stamp whole seconds: a shorter pause tells
of the sensor, not of the problem."""
LONGEST_PAUSE = 900.0
FIRST_PAUSE = 12.0
PATIENCE = 4.0
FADING = 0.03
STRANGE = 0.25
"""What is left of the patience for something that has nothing in common with the burst."""
SAME_MOMENT = 0.5


class Tempo:
    """The longest pause of a burst so far, in seconds; it fades while shorter ones come.

    The longest, not the mean: bursts are uneven, and what one has paused before it may pause again.
    It starts as if it had paused for ``FIRST_PAUSE``, so that a first pause of half a minute is no
    end; a dense burst makes it short, and a slow one long.
    """

    __slots__ = ("longest",)

    def __init__(self) -> None:
        self.longest = FIRST_PAUSE

    def observe(self, gap: float) -> None:
        """Take in the gap before one more alert; within one moment it says nothing."""
        if gap >= self.longest:
            self.longest = gap
        elif gap >= SAME_MOMENT:
            self.longest += FADING * (gap - self.longest)

    def patience(self, familiarity: float) -> float:
        """Return after how many seconds of silence an alert no longer belongs to the burst.

        ``familiarity``: 1 for a kind that the burst has had, 0 for one that has nothing to do with
        what it has had.
        """
        patience = PATIENCE * self.longest * STRANGE ** (1.0 - familiarity)
        return min(LONGEST_PAUSE, max(SHORTEST_PAUSE, patience))
