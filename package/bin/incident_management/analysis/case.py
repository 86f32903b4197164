"""What ranking reads and what it says: the case, and hypotheses about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Dict, List, Optional

from .changes import Change
from .evidence import Citation, Event

__all__ = ["CULPRIT_SCORE", "ONLY_NEAR", "Case", "Hypothesis", "Pattern"]

CULPRIT_SCORE = 0.5
"""A hypothesis below this score is listed, but nothing is blamed on it."""
ONLY_NEAR = "Only its time and place speak for it."
"""Said against a change that nothing else ties to the errors: its confidence is low."""


@dataclass
class Pattern:
    """A group of alike error events.

    ``count`` of them are in the incident's time, ``before`` in the calm time before. ``events`` are
    the first of those from the onset on, or of the incident's time where there are none after it;
    ``first_time`` is that of the first.
    """

    template: str
    entity: str
    count: int
    before: int
    first_time: float
    events: List[Event] = field(default_factory=list)


@dataclass
class Case:
    """What ranking knows of an incident. ``onset`` is epoch seconds.

    ``patterns`` are the error patterns that are new or have risen; ``failing`` maps an entity to
    the time of its first such error; ``depends_on`` maps a service to those it calls. The
    times of ``early_errors`` are those of such errors up to some minutes past the onset, in order;
    of those before it only where they had become more. ``volume_ratio`` is events per minute in
    the span over before, per entity; 0 where an entity fell silent. ``ordinary_ratio`` is the same
    without the errors that have risen.
    """

    onset: float
    entities: List[str]
    patterns: List[Pattern] = field(default_factory=list)
    failing: Dict[str, float] = field(default_factory=dict)
    changes: List[Change] = field(default_factory=list)
    depends_on: Dict[str, List[str]] = field(default_factory=dict)
    volume_ratio: Dict[str, float] = field(default_factory=dict)
    ordinary_ratio: Dict[str, float] = field(default_factory=dict)
    text: str = ""
    early_errors: List[float] = field(default_factory=list)

    @cached_property
    def first_error(self) -> Optional[Citation]:
        """Cites the first of the risen errors from the onset on; the first of all if none is."""
        events = [event for pattern in self.patterns for event in pattern.events]
        burst = [event for event in events if event.time >= self.onset]
        first = min(burst or events, key=lambda event: (event.time, event.raw), default=None)
        return Citation.of_event(first) if first else None


@dataclass
class Hypothesis:
    """A candidate cause. ``kind`` is ``change`` or ``condition``; ``source`` ranking or model."""

    kind: str
    cause: str
    score: float
    reasons_for: List[str] = field(default_factory=list)
    reasons_against: List[str] = field(default_factory=list)
    citations: List[Citation] = field(default_factory=list)
    change_id: str = ""
    change_kind: str = ""
    service: str = ""
    version: str = ""
    previous_version: str = ""
    place: Dict[str, str] = field(default_factory=dict)
    advice: str = ""
    source: str = "ranking"
    time: float = 0.0
    sure: bool = False
    """More speaks for it than nearness: such a one wins over a change that is only near."""
    near: bool = False
    """A change that shows nothing, on what failed and shortly before: to be looked at first."""
