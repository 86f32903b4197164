"""The range of each hour of the week in the weeks before: a season of ranges.

The lowest and the highest value of each hour are kept for three weeks. Usual is what lies between
the median of the lowest and the median of the highest values. So a weekly job of half an hour is
usual, and a fault in a single week is not.
"""

from __future__ import annotations

import math
from typing import Any, Dict, List, Optional, Tuple, Type

from .season import Period, Season
from .zone import Zone

__all__ = ["Weeks", "season_class"]

WEEKS = 3
"""Visits kept for each slot."""
PAIR = 2
"""Numbers kept for each visit: the lowest and the highest value."""
OLDER_KEPT = 4
"""Values that older versions kept for each slot."""

Visit = Tuple[int, float, float]
"""A slot, and the lowest and the highest value in it."""


class Weeks(Season):
    """The lowest and the highest value in the last three visits of each slot.

    The expectation is computed when half of a slot is entered, from this slot and its nearer
    neighbour: what happens once a week may begin a little earlier or later. A visit counts only
    after the next slot was left, so that an ongoing fault does not count. With two visits, what
    either of them had is usual.

    Memory: 1,008 numbers.
    """

    __slots__ = ("_begun", "_highest", "_lowest", "_slot", "_waiting")

    def __init__(self, period: Period, zone: Zone) -> None:
        super().__init__(period, zone)
        self._slot = -1
        self._begun = 0.0
        self._lowest, self._highest = math.inf, -math.inf
        self._waiting: Optional[Visit] = None

    def expected(self, time: float, alone: bool = False) -> Optional[float]:
        """Return the middle of the usual range at a time; None when it is not known yet.

        ``alone`` has no effect: no neighbour contains an ongoing anomaly.
        """
        if not self.begin <= time < self.end:
            self._enter(time)
            half = (self.end - self.begin) / 2.0
            if self._slot < 0 or abs(self.begin - self._begun) > half:
                self._leave()
                self._slot, self._begun = self._entered, self.begin
            if time < self.begin + half:
                self.end = self.begin + half
                self._set_range(self._slot, self._slot - 1)
            else:
                self.begin += half
                self._set_range(self._slot, (self._slot + 1) % self._period.slots)
        return self.usual

    def _leave(self) -> None:
        """Store the waiting visit; the visit that has just ended waits from now on."""
        if self._waiting is not None:
            slot, low, high = self._waiting
            count = self._counts[slot]
            self._put(slot, count, low, high)
            # The count also gives the next place to write, so it wraps around with the ring.
            self._counts[slot] = count + 1 if count < 2 * WEEKS - 1 else WEEKS
        self._waiting = self._going_on()
        self._lowest, self._highest = math.inf, -math.inf

    def _going_on(self) -> Optional[Visit]:
        if self._lowest > self._highest:
            return None
        return self._slot, self._lowest, self._highest

    def _put(self, slot: int, count: int, low: float, high: float) -> None:
        place = slot * self._period.kept + count % WEEKS * PAIR
        self._values[place], self._values[place + 1] = low, high

    def _set_range(self, slot: int, near: int) -> None:
        """Set the usual range of a slot, widened by its neighbour's."""
        self.usual = None
        if self._counts[slot]:
            self.low, self.high = self._range(slot)
            self.usual = (self.low + self.high) / 2.0
            for other in (near, self._by_old_clock(slot), self._by_old_clock(near)):
                if other is not None and self._counts[other]:
                    low, high = self._range(other)
                    self.low, self.high = min(self.low, low), max(self.high, high)

    def _range(self, slot: int) -> Tuple[float, float]:
        kept, count = self._period.kept, min(self._counts[slot], WEEKS)
        # A negative slot wraps around to the end.
        start = slot % self._period.slots * kept
        pairs = self._values[start : start + count * PAIR]
        return sorted(pairs[::PAIR])[(count - 1) // 2], sorted(pairs[1::PAIR])[count // 2]

    def learn(self, value: float) -> None:
        """Learn a value for the time passed to :meth:`expected` last."""
        if value < self._lowest:
            self._lowest = value
        if value > self._highest:
            self._highest = value

    def move(self, factor: float, by: float, lasted: float, step: float) -> None:
        """Scale and move the visits before a shift; see :meth:`.season.Season.move`."""
        length, slots, kept = self._period
        slot_length = length / slots
        for slot, count in enumerate(self._counts):
            ago = (self._entered - slot) % slots * slot_length
            visits = int((lasted - ago) / length) + 1 if lasted >= ago else 0
            if ago < 2.0 * slot_length and visits:
                # The current visit and the waiting one are not stored yet.
                visits -= 1
            for age in range(visits, min(count, WEEKS)):
                place = slot * kept + (count - 1 - age) % WEEKS * PAIR
                for number in (place, place + 1):
                    self._values[number] = self._values[number] * factor + by
        # An empty slot forces a new expectation at the next time.
        self.end = self.begin

    def _turn(self, learned_at: float) -> int:
        by, slots = super()._turn(learned_at), self._period.slots
        if self._slot >= 0:
            self._slot = (self._slot + by) % slots
        if self._waiting is not None:
            slot, low, high = self._waiting
            self._waiting = (slot + by) % slots, low, high
        return by

    def to_state(self) -> Dict[str, Any]:
        visits = [self._waiting, self._going_on()]
        return {
            **super().to_state(),
            "range": [self.low, self.high],
            "begun": self._begun,
            "visits": [None if visit is None else list(visit) for visit in visits],
        }

    @classmethod
    def from_state(
        cls, period: Period, zone: Zone, state: Dict[str, Any], step: float = 0.0
    ) -> Weeks:
        """Restore a saved season, also one of an older version.

        Args:
            step: seconds between points; used to split an older version's values into visits.

        Raises:
            ValueError: its shape differs.
        """
        if "visits" not in state:
            return cls._from_older(period, zone, state, step)
        season = cls(period, zone)
        # This comes before turning the season to the present zone, as for the learned values.
        waiting, going_on = state["visits"]
        season._waiting = None if waiting is None else _visit(waiting)
        if going_on is not None:
            season._slot, season._lowest, season._highest = _visit(going_on)
        season._begun = float(state["begun"])
        season._restore(state)
        season.low, season.high = map(float, state["range"])
        return season

    @classmethod
    def _from_older(cls, period: Period, zone: Zone, state: Dict[str, Any], step: float) -> Weeks:
        """Return the ranges of a state that kept the last four values of each slot."""
        season, values = cls(period, zone), [float(value) for value in state["values"]]
        if len(values) != period.slots * OLDER_KEPT or len(state["counts"]) != period.slots:
            raise ValueError("the saved season has another number of slots.")
        each = max(1, round(period.length / period.slots / step)) if step > 0.0 else OLDER_KEPT
        for slot, count in enumerate(map(int, state["counts"])):
            ring = values[slot * OLDER_KEPT : (slot + 1) * OLDER_KEPT]
            newest = [ring[(count - 1 - age) % OLDER_KEPT] for age in range(min(count, OLDER_KEPT))]
            visits = [newest[i : i + each] for i in range(0, len(newest), each)][:WEEKS]
            for visit in reversed(visits):
                season._put(slot, season._counts[slot], min(visit), max(visit))
                season._counts[slot] += 1
        numbers = {"values": season._values, "counts": season._counts}
        season._restore({**state, **numbers, "expected": None})
        season.end = season.begin
        return season


def _visit(saved: List[Any]) -> Visit:
    slot, low, high = saved
    return int(slot), float(low), float(high)


def season_class(name: str) -> Type[Season]:
    """Return the class of a season by its name."""
    return Weeks if name == "weekly" else Season
