"""Escalation: which steps of a path are due because nobody acted. Pure.

A path begins when the incident's severity and team first call for it, at the earliest with its
life, and ends with an acknowledgement (or a resolve, as the path says). A step that is due is a
timeline entry with a deterministic ``once``, so two workers take it once. After an outage each
step is taken once, however many of its repeats were missed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Collection, Iterator, List, Optional, Sequence, Tuple

from ..routing import Path, Routing, Step
from .lives import Life

__all__ = ["Due", "due_steps", "next_step"]


@dataclass(frozen=True)
class Due:
    """A step that is due: since when, in which round (0 is the first), and its ``once``.

    ``until`` is what ends the path.
    """

    path: str
    step: Step
    round: int
    time: float
    once: str
    until: str

    @property
    def reason(self) -> str:
        again = f", for the {_ordinal(self.round + 1)} time" if self.round else ""
        return f"Step {self.step.number} of '{self.path}'{again}: nobody stopped it in time."


def due_steps(
    lives: Sequence[Life], written: Collection[str], routing: Routing, now: float
) -> List[Due]:
    """Return the steps that are due and not yet on the timeline, in order.

    Args:
        written: the ``once`` of the timeline's entries.
    """
    begun = _current_path(lives, routing)
    if begun is None:
        return []
    newest = {}
    for due in _all_steps(*begun, lives[-1], routing):
        if due.time > now:
            break
        newest[due.step.number] = due
    missing = [due for due in newest.values() if due.once not in written]
    return sorted(missing, key=lambda due: (due.time, due.step.number))


def next_step(lives: Sequence[Life], routing: Routing, now: float) -> Optional[float]:
    """Return when the next step will be due; None for never."""
    begun = _current_path(lives, routing)
    if begun is None:
        return None
    return next((d.time for d in _all_steps(*begun, lives[-1], routing) if d.time > now), None)


def _current_path(lives: Sequence[Life], routing: Routing) -> Optional[Tuple[Path, float]]:
    """The path that is walked now, and since when; None when there is none or it has ended."""
    if not lives:
        return None
    life = lives[-1]
    path: Optional[Path] = None
    since = life.start
    for change in life.changes:
        wanted = routing.path(change.severity, change.team)
        if wanted != path:
            path, since = wanted, change.time
    if path is None or life.ended_at is not None:
        return None
    if path.until == "acknowledged" and life.acknowledged_at is not None:
        return None
    return path, since


def _all_steps(path: Path, since: float, life: Life, routing: Routing) -> Iterator[Due]:
    """All steps of all rounds, in the order of their times."""
    calendar = routing.hours(path.hours, life.changes[-1].team)
    for number in range(path.repeat + 1):
        for step in path.steps:
            moment = calendar.after(since, step.after + number * path.period)
            if moment is None:
                return
            once = f"escalation:{life.number}:{path.name}:{since:.3f}:{number}.{step.number}"
            yield Due(path.name, step, number, moment, once, path.until)


def _ordinal(number: int) -> str:
    ending = "th" if 10 < number % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
