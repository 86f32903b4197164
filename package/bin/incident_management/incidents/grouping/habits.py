"""Learn which alerts are usual for an entity, and forget them by half-life.

All state is bounded: beyond the limit, the least recently seen habit is forgotten and is unusual
when it returns. Nothing here looks ahead.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Optional, Tuple

__all__ = ["SLOT", "Crowd", "Habit", "Habits"]

SLOT = 3600.0
"""Seconds of the unit in which a habit is counted: hours with an alert, not alerts."""
HALF_LIFE_SLOTS = 24.0
USUAL_SLOTS = 3.0
SURGE = 2.0
KEYS = 100_000
DIGITS = 3
"""The decimals to keep of a faded figure."""


def _decay(slots: int) -> float:
    return float(0.5 ** (slots / HALF_LIFE_SLOTS))


class Habit:
    """How often one kind of alert came from one entity: the slots with it, and the worst slot."""

    __slots__ = ("count", "peak", "slot", "slots")

    def __init__(self, time: float) -> None:
        self.slot = int(time // SLOT)
        self.slots = 0.0
        self.count = 0
        self.peak = 0.0

    def observe(self, time: float) -> bool:
        """Count one at ``time`` and return whether it was usual.

        Usual: it came in at least ``USUAL_SLOTS`` earlier slots, of which each weighs half as much
        a day later, and this slot has at most ``SURGE`` times as many as the worst of them. A time
        before the newest slot counts into that.
        """
        slot = int(time // SLOT)
        if slot > self.slot:
            decay = _decay(slot - self.slot)
            self.slots = round((self.slots + (1.0 if self.count else 0.0)) * decay, DIGITS)
            self.peak = round(max(self.peak * decay, float(self.count)), DIGITS)
            self.slot, self.count = slot, 0
        self.count += 1
        return self.slots >= USUAL_SLOTS and self.count <= SURGE * self.peak


class Habits:
    """The habits of the ``keys`` most recent pairs of kind and entity."""

    def __init__(self, keys: int = KEYS) -> None:
        self._keys = keys
        self._habits: OrderedDict[Tuple[str, str], Habit] = OrderedDict()

    def __len__(self) -> int:
        return len(self._habits)

    def observe(self, time: float, kind: str, entity: str) -> bool:
        """Count one alert and return whether it was usual."""
        key = (kind, entity)
        habit = self._habits.get(key)
        if habit is None:
            habit = self._habits[key] = Habit(time)
            if len(self._habits) > self._keys:
                self._habits.popitem(last=False)
        else:
            self._habits.move_to_end(key)
        return habit.observe(time)


class Crowd:
    """How often anything unusual happens at all, to tell a related event from a coincidence."""

    def __init__(self) -> None:
        self._slot: Optional[int] = None
        self._moments = 1.0
        self._seconds = SLOT
        self._now = 0
        self._last: Optional[float] = None

    def observe(self, time: float) -> None:
        """Count a moment with something unusual; the same second counts once."""
        slot = int(time // SLOT)
        if self._slot is None:
            self._slot = slot
        elif slot > self._slot:
            passed = slot - self._slot
            decay = _decay(passed)
            self._moments = (self._moments + self._now) * decay
            # A quiet slot is observed, too: it adds its time and no moment.
            self._seconds = self._seconds * decay + min(passed, int(HALF_LIFE_SLOTS)) * SLOT
            self._slot, self._now = slot, 0
        if self._last is None or time - self._last >= 1.0:
            self._now += 1
            self._last = time

    def seconds_apart(self) -> float:
        """Return the mean seconds between two unusual moments before this slot."""
        return self._seconds / max(self._moments, 1e-9)
