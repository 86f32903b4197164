"""The input and the output of ranking: a case, and hypotheses about its cause."""

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
    """A group of similar error events.

    ``count`` is their number during the incident, ``before`` their number in the calm window before
    it. ``events`` are the first ones from the onset on, or the first ones of the incident if none
    follow the onset. ``first_time`` is the time of the first.
    """

    template: str
    entity: str
    count: int
    before: int
    first_time: float
    events: List[Event] = field(default_factory=list)


@dataclass
class Case:
    """The facts about an incident that ranking uses. ``onset`` is epoch seconds.

    ``patterns`` are the error patterns that are new or more frequent. ``failing`` maps an entity to
    the time of its first such error. ``depends_on`` maps a service to the services it calls.
    ``early_errors`` are the times of such errors up to some minutes past the onset, in order.
    Errors before the onset are included only where they had become more frequent. ``volume_ratio``
    is, per entity, events per minute during the incident divided by events per minute before it;
    0 if the entity fell silent. ``ordinary_ratio`` is the same without the errors that have risen.
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
        """Cite the first new or more frequent error since the onset, else the first of all."""
        events = [event for pattern in self.patterns for event in pattern.events]
        burst = [event for event in events if event.time >= self.onset]
        first = min(burst or events, key=lambda event: (event.time, event.raw), default=None)
        return Citation.of_event(first) if first else None


@dataclass
class Hypothesis:
    """A candidate cause.

    ``kind`` is ``change`` or ``condition``; ``source`` is ``ranking`` or ``model``.
    """

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
