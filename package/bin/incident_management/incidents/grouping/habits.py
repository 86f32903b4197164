"""What usually comes from where: learned while it comes, forgotten by half-life.

All state is bounded: the least recently seen of too many is forgotten, and is unusual when it
comes again. Nothing here looks at alerts that have not come yet.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Dict, Iterable, Iterator, Optional, Set, Tuple

__all__ = ["SLOT", "Companions", "Crowd", "Habit", "Habits"]

SLOT = 3600.0
"""Seconds of the unit in which a habit is counted: so many hours with it, not so many alerts."""
HALF_LIFE_SLOTS = 24.0
USUAL_SLOTS = 3.0
SURGE = 2.0
KEYS = 100_000
KINDS = 10_000
TOGETHER_SECONDS = 1.0
TOGETHER_SHARE = 0.5
TOGETHER_TIMES = 3
TOGETHER_KINDS = 16
MEMORY_TIMES = 1024


def _decay(slots: int) -> float:
    return float(0.5 ** (slots / HALF_LIFE_SLOTS))


class Habit:
    """How one kind of alert has come from one entity: in how many slots, how many in the worst."""

    __slots__ = ("count", "peak", "slot", "slots")

    def __init__(self, time: float) -> None:
        self.slot = int(time // SLOT)
        self.slots = 0.0
        self.count = 0
        self.peak = 0.0

    @classmethod
    def of(cls, times: Iterable[float]) -> Habit:
        """Return the habit that these times, in any order, amount to."""
        ordered = sorted(times)
        habit = cls(ordered[0] if ordered else 0.0)
        for time in ordered:
            habit.observe(time)
        return habit

    def observe(self, time: float) -> bool:
        """Count one at ``time`` and return whether it was usual.

        Usual: it came in at least ``USUAL_SLOTS`` earlier slots, of which each weighs half as much
        a day later, and this slot has at most ``SURGE`` times as many as the worst of them. A time
        before the newest slot counts into that.
        """
        slot = int(time // SLOT)
        if slot > self.slot:
            decay = _decay(slot - self.slot)
            self.slots = (self.slots + (1.0 if self.count else 0.0)) * decay
            self.peak = max(self.peak * decay, float(self.count))
            self.slot, self.count = slot, 0
        self.count += 1
        return self.slots >= USUAL_SLOTS and self.count <= SURGE * self.peak


class Habits:
    """The habit of each (kind, entity), of the ``keys`` that came last."""

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
    """How often anything unusual comes at all, so that a coincidence can be told from chance."""

    def __init__(self) -> None:
        self._slot: Optional[int] = None
        self._moments = 1.0
        self._seconds = SLOT
        self._now = 0
        self._last = float("-inf")

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
        if time - self._last >= 1.0:
            self._now += 1
            self._last = time

    def seconds_apart(self) -> float:
        """Return the usual time between two unusual moments, in seconds, before this slot."""
        return self._seconds / max(self._moments, 1e-9)


@dataclass
class _Company:
    """One kind: how often it came, and how often beside which others."""

    times: int = 0
    last: float = float("-inf")
    counted: Set[str] = field(default_factory=set)
    beside: Dict[str, int] = field(default_factory=dict)

    def begin(self, time: float) -> None:
        if time - self.last > TOGETHER_SECONDS:
            self.times += 1
            self.last = time
            self.counted.clear()
            if self.times > MEMORY_TIMES:
                self.times //= 2
                self.beside = {kind: n // 2 for kind, n in self.beside.items() if n > 1}

    def meet(self, kind: str) -> None:
        if kind in self.counted:
            return
        if kind in self.beside or len(self.beside) < TOGETHER_KINDS:
            self.counted.add(kind)
            self.beside[kind] = self.beside.get(kind, 0) + 1

    def keeps(self, kind: str) -> bool:
        return (
            self.times >= TOGETHER_TIMES and self.beside.get(kind, 0) >= TOGETHER_SHARE * self.times
        )


class Companions:
    """Which kinds come together from one entity: two sensors that tell of the same thing."""

    def __init__(self) -> None:
        self._company: OrderedDict[str, _Company] = OrderedDict()
        self._recent: OrderedDict[str, Dict[str, float]] = OrderedDict()

    def observe(self, time: float, kind: str, entity: str) -> Iterator[str]:
        """Count one alert; give the kinds just seen there that this one usually comes with."""
        company = self._company.setdefault(kind, _Company())
        self._company.move_to_end(kind)
        recent = self._recent.setdefault(entity, {})
        self._recent.move_to_end(entity)
        for store in (self._company, self._recent):
            if len(store) > KINDS:
                store.popitem(last=False)
        company.begin(time)
        near = [k for k, t in recent.items() if k != kind and time - t <= TOGETHER_SECONDS]
        for other in near:
            company.meet(other)
        recent.pop(kind, None)
        recent[kind] = time
        if len(recent) > TOGETHER_KINDS:
            del recent[next(iter(recent))]
        return (other for other in near if company.keeps(other))
