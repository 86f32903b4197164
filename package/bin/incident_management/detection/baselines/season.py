"""What a value was at the same time of the hour, the day or the week before, by local clocks.

What follows people's hours keeps its place in the day when the clocks change. What was learned
under another zone, or without one, moves by as many slots as the two are apart.
"""

from __future__ import annotations

from array import array
from typing import Any, Dict, List, NamedTuple, Optional

from .level import median
from .zone import Zone

__all__ = ["PERIODS", "Period", "Season"]


class Period(NamedTuple):
    """A season: its length in seconds, how many slots it has, and numbers kept of a slot."""

    length: float
    slots: int
    kept: int


PERIODS: Dict[str, Period] = {
    "hourly": Period(3600.0, 12, 12),
    "daily": Period(86400.0, 48, 7),
    "weekly": Period(7 * 86400.0, 168, 6),
}
BOTH_CLOCKS_SECONDS = 15 * 86400.0
"""After a change of the clocks, what is usual by the old ones is usual as well: jobs follow UTC.
By then the weeks have learned anew."""
ENOUGH = 2
"""Values of a slot from which it expects something."""


class Season:
    """The last few values of every slot; what is expected is the median over it and its neighbours.

    The expectation is made when a slot is entered, so that the values of a fault that goes on
    within it don't count. Memory: ``slots * kept`` numbers, at most 336.

    Args:
        zone: by whose clocks the slots are cut.

    Attributes:
        usual: what is expected from ``begin`` until before ``end``, or None when not known.
        low, high: between which values all are as usual; a season of ranges has some distance
            between them.
        is_clock_changed: whether the clocks were changed between this slot and the one before.
    """

    __slots__ = (
        "_both_until", "_counts", "_entered", "_kept", "_offset", "_period", "_turned", "_values",
        "_zone", "begin", "end", "high", "is_clock_changed", "low", "usual",
    )  # fmt: skip

    def __init__(self, period: Period, zone: Zone) -> None:
        self._period = period
        # As in the period, but asked for at every point.
        self._kept = period.kept
        self._zone = zone
        self._offset = 0.0
        self._values = array("d", bytes(8 * period.slots * period.kept))
        self._counts = [0] * period.slots
        self._entered = -1
        self.is_clock_changed = False
        self._turned = 0
        """How many slots the clocks were put forward the last time,"""
        self._both_until = 0.0
        """and until when both clocks count."""
        self.usual: Optional[float] = None
        self.low = self.high = 0.0
        self.begin = self.end = 0.0

    def expected(self, time: float, alone: bool = False) -> Optional[float]:
        """Return what is usual at that time, or None when it is not known yet.

        ``alone``: leave the neighbours of the slot out; one of them was just seen in an anomaly.
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
        """Return which slot it would be had the clocks not been changed; None: that is over."""
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
            # A negative place counts from the end: the neighbours wrap around.
            start = near % slots * kept
            found.extend(self._values[start : start + min(kept, self._counts[near])])
        return median(found)

    def learn(self, value: float) -> None:
        """Keep the value of the time that was last asked for."""
        kept, slot = self._kept, self._entered
        count = self._counts[slot]
        self._values[slot * kept + count % kept] = value
        # The count says which place is next, too, so it stays in step with the ring.
        self._counts[slot] = count + 1 if count < 2 * kept - 1 else kept

    def move(self, factor: float, by: float, lasted: float, step: float) -> None:
        """Scale and move what was learned before a shift; the season itself has not changed.

        Args:
            factor, by: what the series is scaled and moved by.
            lasted: seconds since the shift; what was learned within them has it already.
            step: seconds from point to point.
        """
        length, slots, kept = self._period
        slot_length = length / slots
        each = max(1, round(slot_length / step)) if step > 0.0 else kept
        for slot, count in enumerate(self._counts):
            ago = (self._entered - slot) % slots * slot_length
            visits = int((lasted - ago) / length) + 1 if lasted >= ago else 0
            # From the newest value back, leaving out those of the visits since.
            for age in range(visits * each, min(count, kept)):
                place = slot * kept + (count - 1 - age) % kept
                self._values[place] = self._values[place] * factor + by
        # What is usual is reckoned anew at the next time, whichever it is.
        self.end = self.begin

    def _turn(self, learned_at: float) -> int:
        """Move what was learned at another offset from UTC; return by how many slots."""
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
        """Return the season that was saved. Raises ValueError when it is of another shape."""
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
            # A state without a zone is cut by UTC, and has no end of its slot.
            self.end = float(state.get("end", begin + self._period.length / self._period.slots))
            self._turn(float(state.get("offset", 0.0)))
        turned, until = state.get("turned", (0, 0.0))
        self._turned, self._both_until = int(turned), float(until)
        expected = state["expected"]
        self.usual = None if expected is None else float(expected)
