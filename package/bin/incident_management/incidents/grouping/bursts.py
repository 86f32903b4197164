"""Keep the bursts in progress, and end those that have been silent for too long."""

from __future__ import annotations

from collections import OrderedDict
from typing import Dict, Iterable, Optional, Set

from .mix import Mix
from .tempo import LONGEST_PAUSE, SHORTEST_PAUSE, Tempo

__all__ = ["Burst", "Bursts"]


class Burst:
    """One burst: its time span, rhythm, mix of kinds and entities."""

    __slots__ = ("alerts", "entities", "first", "group", "last", "mix", "tempo")

    def __init__(self, group: int, time: float) -> None:
        self.group = group
        self.first = self.last = time
        self.alerts = 0
        self.tempo = Tempo()
        self.mix = Mix()
        self.entities: Set[str] = set()
        """The entities whose latest burst this is."""

    def gap(self, time: float) -> float:
        """Return the seconds between a time and the burst; 0 within it, as for a late alert."""
        return max(0.0, time - self.last, self.first - time)

    def patience(self, kind: str) -> float:
        """Return the seconds of silence after which this kind no longer belongs to it."""
        return self.tempo.patience(self.mix.familiarity(kind))

    def turns(self, time: float, kind: str) -> bool:
        """Count an unusual alert's kind; return whether the mix shows that a new problem began."""
        if time - self.last >= SHORTEST_PAUSE:
            self.mix.pause()
        return self.mix.observe(kind)

    def extend(self, time: float) -> None:
        """Extend the burst to include a time."""
        self.first = min(self.first, time)
        self.last = max(self.last, time)


class Bursts:
    """At most ``limit`` bursts, each the latest of at most ``entities`` entities."""

    def __init__(self, limit: int, entities: int) -> None:
        self._limit = limit
        self._entities = entities
        # The least recently active first.
        self._bursts: OrderedDict[int, Burst] = OrderedDict()
        self._latest: Dict[str, Burst] = {}

    def __len__(self) -> int:
        return len(self._bursts)

    def of(self, entity: str) -> Optional[Burst]:
        """Return the latest burst of an entity."""
        return self._latest.get(entity)

    def recent(self) -> Iterable[Burst]:
        """Return the bursts, the most recently active first."""
        return reversed(self._bursts.values())

    def add(self, burst: Burst) -> None:
        """Add a burst; beyond the limit, the least recently active one is dropped."""
        self._bursts[burst.group] = burst
        if len(self._bursts) > self._limit:
            self._end(next(iter(self._bursts.values())))

    def touch(self, burst: Burst) -> None:
        """Make a burst the most recently active."""
        self._bursts.move_to_end(burst.group)

    def enter(self, burst: Burst, entity: str) -> None:
        """Make a burst the latest of an entity, unless it already has the most entities allowed."""
        before = self._latest.get(entity)
        if before is burst or len(burst.entities) >= self._entities:
            return
        if before is not None:
            before.entities.discard(entity)
        burst.entities.add(entity)
        self._latest[entity] = burst

    def end_old(self, time: float) -> None:
        """Drop the bursts that have been silent for longer than LONGEST_PAUSE."""
        while self._bursts:
            oldest = next(iter(self._bursts.values()))
            if time - oldest.last <= LONGEST_PAUSE:
                return
            self._end(oldest)

    def _end(self, burst: Burst) -> None:
        del self._bursts[burst.group]
        for entity in burst.entities:
            del self._latest[entity]
