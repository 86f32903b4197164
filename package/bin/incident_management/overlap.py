"""How far back of a checkpoint a duty reads again: a little in each round, all of it now and then.

What is new has mostly a time of the last seconds. What comes late, or from a member whose clock is
behind, is older, and rare; to look for it in each round would read the same rows again and again.
"""

from __future__ import annotations

from typing import Optional

from .ports import Clock

__all__ = ["OVERLAP_SECONDS", "Overlap"]

# Covers the delay of a write, and the clocks of members that are kept in step (NTP).
NEAR_SECONDS = 60.0
ALL_EVERY_SECONDS = 60.0
# Covers what reached the KV store late, and clocks that nobody keeps in step.
OVERLAP_SECONDS = 900.0


class Overlap:
    """The overlap of one duty; one lives as long as its process."""

    # What a look just does not have yet must not be beyond the next one.
    _whole = OVERLAP_SECONDS + ALL_EVERY_SECONDS

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._read_at: Optional[float] = None

    def seconds(self) -> float:
        """Return how far back to read in this round: all of it in the first, and once a minute."""
        if self._read_at is None:
            return self._whole
        # A moment in the future was told by a clock that has been put right since.
        is_fresh = 0 <= self._clock.now() - self._read_at < ALL_EVERY_SECONDS
        return NEAR_SECONDS if is_fresh else self._whole

    def was_read(self, seconds: float) -> None:
        """Note that a round which read so far back has done all that it found."""
        if seconds >= self._whole:
            self._read_at = self._clock.now()
