"""Groups a stream of alerts into problems, in one pass, in bounded memory, without looking ahead.

What is unusual for where it comes from, or comes more often than ever, opens a burst or joins the
one that is going on. Across entities it joins only within a time in which a coincidence is
unlikely, given how often something unusual comes at all. What is usual stays out of bursts, unless
it comes from an entity in one while it rages; it is gathered by kind, so that nothing is lost and
no burst swallows it. A decision is final when it is made.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Dict, Optional, Set

from .habits import Companions, Crowd, Habits
from .tempo import LONGEST_PAUSE, SHORTEST_PAUSE, Tempo

__all__ = ["Limits", "Placement", "Segmenter"]

CHANCE = 0.25
"""How likely a coincidence of two unusual things may be for it to join them across entities."""
STAMP = 1.0


@dataclass(frozen=True)
class Limits:
    """What a segmenter keeps at most; beyond it, the least recently active is let go."""

    bursts: int = 64
    streams: int = 10_000
    habits: int = 100_000
    entities: int = 1_000


@dataclass(frozen=True)
class Placement:
    """The group of one alert, whether it is the first in it, and why it went there.

    ``usual``: the group gathers what usually comes, and is no problem by itself.
    """

    group: int
    opened: bool
    usual: bool
    reason: str


@dataclass
class _Burst:
    group: int
    last: float
    tempo: Tempo = field(default_factory=Tempo)
    entities: Set[str] = field(default_factory=set)


@dataclass
class _Stream:
    group: int
    last: float


class Segmenter:
    """Gives each alert its group.

    Args:
        window: seconds of silence after which a gathering of usual alerts ends; the setting
            ``group_window`` of incident_routing.conf.
        limits: bounds of what is kept.
    """

    def __init__(self, window: float = LONGEST_PAUSE, limits: Limits = Limits()) -> None:
        self._window = window
        self._limits = limits
        self._habits = Habits(limits.habits)
        self._crowd = Crowd()
        self._companions = Companions()
        # The least recently active first.
        self._bursts: OrderedDict[int, _Burst] = OrderedDict()
        self._burst_of: Dict[str, _Burst] = {}
        self._streams: OrderedDict[str, _Stream] = OrderedDict()
        self._groups = 0

    def place(self, time: float, kind: str, entity: str) -> Placement:
        """Decide on the next alert.

        Alerts come in order of time, in seconds; one that is late counts as if it came with the
        latest. ``kind`` is the detection that raised it, ``entity`` where.
        """
        usual = self._habits.observe(time, kind, entity)
        self._end_old(time)
        if not usual:
            self._crowd.observe(time)
        burst = self._nearest(time, entity, usual)
        if burst is not None:
            return self._join(burst, time, entity, usual)
        return self._gather(time, kind, entity) if usual else self._open(time, kind, entity)

    def sizes(self) -> Dict[str, int]:
        """Return how much is kept, by what."""
        return {
            "bursts": len(self._bursts),
            "streams": len(self._streams),
            "habits": len(self._habits),
        }

    def _end_old(self, time: float) -> None:
        while self._bursts:
            oldest = next(iter(self._bursts.values()))
            if time - oldest.last <= LONGEST_PAUSE and len(self._bursts) <= self._limits.bursts:
                return
            del self._bursts[oldest.group]
            for entity in oldest.entities:
                if self._burst_of.get(entity) is oldest:
                    del self._burst_of[entity]

    def _nearest(self, time: float, entity: str, usual: bool) -> Optional[_Burst]:
        """The entity's own burst while it lasts, else the most recently active that it fits."""
        own = self._burst_of.get(entity)
        if own is not None:
            limit = SHORTEST_PAUSE if usual else own.tempo.patience()
            if time - own.last <= limit:
                return own
        # Many alerts are stamped in whole seconds: a coincidence within less can't be told.
        unlikely = CHANCE * self._crowd.seconds_apart()
        if usual or unlikely < STAMP:
            return None
        for burst in reversed(self._bursts.values()):
            if time - burst.last <= min(burst.tempo.patience(), unlikely):
                return burst
        return None

    def _join(self, burst: _Burst, time: float, entity: str, usual: bool) -> Placement:
        gap = max(0.0, time - burst.last)
        if usual:
            reason = f"Usual there, but in the midst of a burst, {gap:.0f} seconds after its last."
        else:
            limit = burst.tempo.patience()
            reason = (
                f"Unusual, {gap:.0f} seconds after the burst's last (pause at most {limit:.0f})."
            )
            burst.tempo.observe(gap)
            self._enter(burst, entity)
        burst.last = max(burst.last, time)
        self._bursts.move_to_end(burst.group)
        return Placement(burst.group, False, False, reason)

    def _enter(self, burst: _Burst, entity: str) -> None:
        if len(burst.entities) < self._limits.entities or entity in burst.entities:
            burst.entities.add(entity)
            self._burst_of[entity] = burst

    def _open(self, time: float, kind: str, entity: str) -> Placement:
        self._groups += 1
        burst = self._bursts[self._groups] = _Burst(self._groups, time)
        self._enter(burst, entity)
        self._end_old(time)
        reason = f"'{kind}' is unusual for '{entity}', and no burst is going on that it fits."
        return Placement(self._groups, True, False, reason)

    def _gather(self, time: float, kind: str, entity: str) -> Placement:
        """Put a usual alert with those of its kind, or of one that it usually comes with."""
        company = [
            (self._streams[other].group, other)
            for other in self._companions.observe(time, kind, entity)
            if other in self._streams and time - self._streams[other].last <= self._window
        ]
        stream = self._streams.get(kind)
        reason = f"'{kind}' is usual for '{entity}'."
        if company:
            stream = self._streams[min(company)[1]]
            reason = f"'{kind}' is usual for '{entity}', and comes with '{min(company)[1]}'."
        opened = stream is None or time - stream.last > self._window
        if stream is None or opened:
            self._groups += 1
            stream = _Stream(self._groups, time)
        stream.last = max(stream.last, time)
        self._streams[kind] = stream
        self._streams.move_to_end(kind)
        if len(self._streams) > self._limits.streams:
            self._streams.popitem(last=False)
        return Placement(stream.group, opened, True, reason)
