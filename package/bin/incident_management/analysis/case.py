"""What ranking reads and what it says: the case, and hypotheses about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, List

from .changes import Change
from .evidence import Citation, Event

__all__ = ["CULPRIT_SCORE", "Case", "Hypothesis", "Pattern"]

CULPRIT_SCORE = 0.5
"""A hypothesis below this score is listed, but nothing is blamed on it."""


@dataclass
class Pattern:
    """A group of alike error events. ``before`` is how many there were in the calm time before."""

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
    the time of its first such error; ``depends_on`` maps a service to those it calls.
    ``volume_ratio`` is events per minute in the span over before, per entity; 0 where an entity
    fell silent.
    """

    onset: float
    entities: List[str]
    patterns: List[Pattern] = field(default_factory=list)
    failing: Dict[str, float] = field(default_factory=dict)
    changes: List[Change] = field(default_factory=list)
    depends_on: Dict[str, List[str]] = field(default_factory=dict)
    volume_ratio: Dict[str, float] = field(default_factory=dict)
    text: str = ""


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
    advice: str = ""
    source: str = "ranking"
    time: float = 0.0
