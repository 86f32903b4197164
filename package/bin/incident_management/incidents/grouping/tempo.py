"""Estimate how long a burst may pause before it ends, from its own rhythm."""

from __future__ import annotations

__all__ = ["LONGEST_PAUSE", "SHORTEST_PAUSE", "Tempo"]

SHORTEST_PAUSE = 6.0
"""Seconds. Sensors write about every five seconds, with times in whole seconds: a shorter pause
is an effect of the sensor, not of the problem."""
LONGEST_PAUSE = 900.0
FIRST_PAUSE = 12.0
PATIENCE = 4.0
FADING = 0.03
STRANGE = 0.25
"""The factor of the patience for a kind that has nothing in common with the burst."""
SAME_MOMENT = 0.5


class Tempo:
    """The longest pause of a burst so far, in seconds; it fades while shorter ones come.

    The longest, not the mean: bursts are uneven, and a burst may repeat its longest pause. It
    starts with ``FIRST_PAUSE``, so that a first pause of half a minute does not end the burst. A
    dense burst shortens it, a slow one lengthens it.
    """

    __slots__ = ("longest",)

    def __init__(self) -> None:
        self.longest = FIRST_PAUSE

    def observe(self, gap: float) -> None:
        """Learn from the gap before another alert, in seconds; below SAME_MOMENT it is ignored."""
        if gap >= self.longest:
            self.longest = gap
        elif gap >= SAME_MOMENT:
            self.longest += FADING * (gap - self.longest)

    def patience(self, familiarity: float) -> float:
        """Return the seconds of silence after which an alert no longer belongs to the burst.

        ``familiarity``: 1 for a kind that the burst has had, 0 for one that has nothing in
        common with its kinds.
        """
        patience = PATIENCE * self.longest * STRANGE ** (1.0 - familiarity)
        return min(LONGEST_PAUSE, max(SHORTEST_PAUSE, patience))
