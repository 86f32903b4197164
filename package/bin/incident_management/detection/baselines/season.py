"""What a value was at the same time of the hour, the day or the week before, in local time.

A pattern that follows people's hours keeps its place in the day when the clocks change. A state
learned in another zone, or without one, is moved by the number of slots between the two.
"""

from __future__ import annotations

from array import array
from typing import Any, Dict, List, NamedTuple, Optional

from .level import median
from .zone import Zone

__all__ = ["PERIODS", "Period", "Season"]


class Period(NamedTuple):
    """A season: its length in seconds, its number of slots, and the numbers kept for each slot."""

    length: float
    slots: int
    kept: int


PERIODS: Dict[str, Period] = {
    "hourly": Period(3600.0, 12, 12),
    "daily": Period(86400.0, 48, 7),
    "weekly": Period(7 * 86400.0, 168, 6),
}
BOTH_CLOCKS_SECONDS = 15 * 86400.0
"""How long after a clock change the values by the old clock count as usual too: jobs follow UTC.
By then, the weeks have learned the new times."""
ENOUGH = 2
"""Values that a slot needs before it gives an expectation."""


class Season:
    """The last few values of every slot; the expectation is the median over it and its neighbours.

    The expectation is computed when a slot is entered, so that the values of a fault that lasts
    within the slot don't count. Memory: ``slots * kept`` numbers, at most 336.

    Args:
        zone: time zone of the slots.

    Attributes:
        usual: the expected value from ``begin`` until before ``end``; None when unknown.
        low, high: the lowest and highest usual value; they differ for a season of ranges.
        is_clock_changed: whether the clocks were changed between the previous slot and this one.
    """

    __slots__ = (
        "_both_until", "_counts", "_entered", "_kept", "_offset", "_period", "_turned", "_values",
        "_zone", "begin", "end", "high", "is_clock_changed", "low", "usual",
    )  # fmt: skip

    def __init__(self, period: Period, zone: Zone) -> None:
        self._period = period
        # A copy of the period's value, because it is read at every point.
        self._kept = period.kept
        self._zone = zone
        self._offset = 0.0
        self._values = array("d", bytes(8 * period.slots * period.kept))
        self._counts = [0] * period.slots
        self._entered = -1
        self.is_clock_changed = False
        self._turned = 0
        """Slots by which the clocks were last put forward,"""
        self._both_until = 0.0
        """and until when both clocks count."""
        self.usual: Optional[float] = None
        self.low = self.high = 0.0
        self.begin = self.end = 0.0

    def expected(self, time: float, alone: bool = False) -> Optional[float]:
        """Return the usual value at a time; None when it is not known yet.

        ``alone``: ignore the slot's neighbours, because one of them has just seen an anomaly.
        """
        if not self.begin <= time < self.end:
            self._enter(time)
            slot = self._entered
            self.usual = self._usual(slot, alone) if self._counts[slot] >= ENOUGH else None
            self.low = self.high = self.usual or 0.0
            other = self._by_old_clock(slot)
            if self.usual is not None and other is not None and self._counts[other] >= ENOUGH:
                then = self._usual(other, alone)
                self.low, self.high = min(self.low, then), max(self.high, then)
        return self.usual

    def _by_old_clock(self, slot: int) -> Optional[int]:
        """Return the slot by the old clock; None if the clock change is too long ago to matter."""
        if self.begin >= self._both_until:
            return None
        return (slot - self._turned) % self._period.slots

    def _enter(self, time: float) -> None:
        length, slots, _kept = self._period
        offset = self._zone.offset(time)
        self.is_clock_changed = self._entered >= 0 and (offset - self._offset) % length != 0.0
        if self.is_clock_changed:
            self._turned = round((offset - self._offset) / length * slots)
            self._both_until = time + BOTH_CLOCKS_SECONDS
        self._offset = offset
        within = (time + offset) % length
        self._entered = min(int(within / length * slots), slots - 1)
        self.begin = time - within + self._entered * length / slots
        self.end = self.begin + length / slots

    def _usual(self, slot: int, alone: bool) -> float:
        kept, slots = self._period.kept, self._period.slots
        near_slots = (slot,) if alone else (slot - 1, slot, slot + 1 - slots)
        found: List[float] = []
        for near in near_slots:
            # A negative slot wraps around to the end.
            start = near % slots * kept
            found.extend(self._values[start : start + min(kept, self._counts[near])])
        return median(found)

    def learn(self, value: float) -> None:
        """Learn a value for the time passed to :meth:`expected` last."""
        kept, slot = self._kept, self._entered
        count = self._counts[slot]
        self._values[slot * kept + count % kept] = value
        # The count also gives the next place to write, so it wraps around with the ring.
        self._counts[slot] = count + 1 if count < 2 * kept - 1 else kept

    def move(self, factor: float, by: float, lasted: float, step: float) -> None:
        """Scale and move what was learned before a shift; later values already include the shift.

        Args:
            factor, by: how the series is scaled and moved.
            lasted: seconds since the shift; values learned within them stay as they are.
            step: seconds between points.
        """
        length, slots, kept = self._period
        slot_length = length / slots
        each = max(1, round(slot_length / step)) if step > 0.0 else kept
        for slot, count in enumerate(self._counts):
            ago = (self._entered - slot) % slots * slot_length
            visits = int((lasted - ago) / length) + 1 if lasted >= ago else 0
            # From the newest value back, except those of the visits since the shift.
            for age in range(visits * each, min(count, kept)):
                place = slot * kept + (count - 1 - age) % kept
                self._values[place] = self._values[place] * factor + by
        # An empty slot forces a new expectation at the next time.
        self.end = self.begin

    def _turn(self, learned_at: float) -> int:
        """Move what was learned at another offset from UTC; return the number of slots moved."""
        length, slots, kept = self._period
        self._offset = self._zone.offset(self.begin)
        by = round((self._offset - learned_at) / length * slots) % slots
        self._entered = (self._entered + by) % slots
        self._counts = self._counts[slots - by :] + self._counts[: slots - by]
        cut = (slots - by) * kept
        self._values = self._values[cut:] + self._values[:cut]
        return by

    def to_state(self) -> Dict[str, Any]:
        return {
            "values": [float(f"{value:.7g}") for value in self._values],
            "counts": list(self._counts),
            "time": self.begin,
            "end": self.end,
            "offset": self._offset,
            "entered": self._entered,
            "turned": [self._turned, self._both_until],
            "expected": self.usual,
        }

    @classmethod
    def from_state(cls, period: Period, zone: Zone, state: Dict[str, Any]) -> Season:
        """Restore a saved season. Raises ValueError if its shape differs."""
        season = cls(period, zone)
        season._restore(state)
        season.low = season.high = season.usual or 0.0
        return season

    def _restore(self, state: Dict[str, Any]) -> None:
        values, counts = array("d", state["values"]), [int(n) for n in state["counts"]]
        if len(values) != len(self._values) or len(counts) != self._period.slots:
            raise ValueError("the saved season has another number of slots.")
        self._values, self._counts = values, counts
        self._entered = int(state["entered"])
        if self._entered >= 0:
            self.begin = begin = float(state["time"])
            # A state without a zone uses UTC, and does not say when its slot ends.
            self.end = float(state.get("end", begin + self._period.length / self._period.slots))
            self._turn(float(state.get("offset", 0.0)))
        turned, until = state.get("turned", (0, 0.0))
        self._turned, self._both_until = int(turned), float(until)
        expected = state["expected"]
        self.usual = None if expected is None else float(expected)
