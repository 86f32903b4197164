"""What one call of ingest knows and has decided, before it writes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Set

from ...ports import Document
from ..grouping import Candidates, wording_of
from ..model import Entry, Incident, worst
from ..signal import Signal, first_values
from ..story import Story
from .conditions import Gate
from .ledger import Claim

__all__ = ["Batch", "Outcome", "Problem"]


class Outcome(NamedTuple):
    """What became of one signal.

    ``what``: ``opened``, ``added``, ``reopened``, ``duplicate``, ``suppressed``, or ``pending``
    while the condition of its detection is not met.
    """

    signal_key: str
    incident_id: str
    what: str


@dataclass
class Problem:
    """The new signals of one dedup key in this batch, and the newest episode known for it.

    ``claimed_at`` is when that one began, by its writer's clock. ``incidents`` are those of all
    episodes, in any order. ``left``: the newest episode's incident
    has left the KV store (:mod:`..upkeep.retention`), so that the next one begins. ``gate``: what
    the detection's condition says (:mod:`.conditions`), None without one. ``redirects``: the
    episode is remembered (:class:`..story.Place`), not looked up.
    """

    dedup_key: str
    signals: List[Signal]
    episode: int = 0
    incident_id: str = ""
    previous: str = ""
    claimed_at: float = 0.0
    incidents: List[str] = field(default_factory=list)
    deleted: bool = False
    gate: Optional[Gate] = None
    redirects: Optional[int] = None

    @property
    def first(self) -> Signal:
        return self.signals[0]

    def copy(self) -> Problem:
        """One that a plan may change."""
        return replace(self, signals=list(self.signals), incidents=list(self.incidents))

    @property
    def first_time(self) -> float:
        return min(signal.first_time for signal in self.signals)

    @property
    def last_time(self) -> float:
        return max(signal.last_time for signal in self.signals)

    def as_one(self) -> Signal:
        """One signal with the span of all, for grouping."""
        if len(self.signals) == 1:
            return self.first
        return replace(self.first, first_time=self.first_time, last_time=self.last_time)

    def wordings(self) -> Document:
        """What its events say, where it may be grouped by that."""
        wording = wording_of(self.first) if self.first.group else ""
        return {"wordings": [wording]} if wording else {}

    def data(self, keys: Optional[Set[str]] = None) -> Document:
        """The signals' part of an entry, of all or of those with these keys."""
        chosen = [s for s in self.signals if keys is None or s.key in keys]
        return {
            **_suggested(chosen),
            "signals": {signal.key: signal.count for signal in chosen},
            "severity": worst({signal.severity for signal in chosen}),
            "first_time": min([signal.first_time for signal in chosen]),
            "last_time": max([signal.last_time for signal in chosen]),
            "rule": self.first.rule,
            "entities": sorted({signal.entity for signal in chosen}),
        }


def _suggested(signals: Sequence[Signal]) -> Document:
    """The detections' tags, runbook, actions and group values, as far as there are any."""
    found: Document = {}
    for name, lists in (
        ("tags", [signal.tags for signal in signals if signal.tags]),
        ("actions", [signal.actions for signal in signals if signal.actions]),
        ("group_values", [signal.group_values for signal in signals if signal.group_values]),
    ):
        values = list(dict.fromkeys(value for one in lists for value in one))
        if values:
            found[name] = values
    fields = first_values(signals)
    if fields:
        found["fields"] = fields
    runbook = next((signal.runbook for signal in signals if signal.runbook), "")
    return {**found, "runbook": runbook} if runbook else found


@dataclass
class Batch:
    """What one call of ingest knows and has decided."""

    actor: str
    problems: Sequence[Problem] = ()
    began: float = 0.0
    stories: Dict[str, Story] = field(default_factory=dict)
    new: List[Entry] = field(default_factory=list)
    claims: List[Claim] = field(default_factory=list)
    touched: Set[str] = field(default_factory=set)
    stored: List[Document] = field(default_factory=list)
    outcomes: Dict[str, Outcome] = field(default_factory=dict)
    candidates: Optional[Candidates] = None
    coincidence_seconds: Optional[float] = None
    placed: Dict[str, str] = field(default_factory=dict)

    @property
    def earliest(self) -> float:
        """When the first of the problems began; 0 without any."""
        return min((problem.first_time for problem in self.problems), default=0.0)

    def add_stories(self, found: Mapping[str, Story]) -> None:
        """Take over what was read of some timelines."""
        self.stories.update(found)

    def incident(self, incident_id: str) -> Optional[Incident]:
        """What an incident's entries, drafted ones included, add up to; None without any."""
        story = self.stories.get(incident_id)
        return story.incident if story else None

    def draft(self, entry: Entry) -> None:
        """Add an entry that is to be written."""
        self.stories.setdefault(entry.incident_id, Story()).add(entry)
        self.new.append(entry)
        self.touched.add(entry.incident_id)

    def record(self, signals: Iterable[Signal], incident_id: str, what: str) -> None:
        """Note what became of signals, and that they are to be stored as of that incident."""
        for signal in signals:
            self.outcomes[signal.key] = Outcome(signal.key, incident_id, what)
            document = signal.to_document()
            document["incident_id"] = incident_id
            self.stored.append(document)

    def follow_merges(self, owners: Mapping[str, str]) -> None:
        """Let signals go with their incident, where that was merged in the meantime."""
        for document in self.stored:
            owner = owners.get(document.get("incident_id", ""))
            if owner:
                key = str(document["_key"])
                document["incident_id"] = owner
                self.outcomes[key] = self.outcomes[key]._replace(incident_id=owner)

    def keep_waiting(self, signals: Iterable[Signal]) -> None:
        """Leave signals pending, as they are stored."""
        for signal in signals:
            self.outcomes[signal.key] = Outcome(signal.key, "", "pending")

    def outcomes_for(self, signals: Sequence[Signal]) -> List[Outcome]:
        """One outcome a signal; the second of one key in a batch is a duplicate."""
        result, given = [], set()
        for signal in signals:
            outcome = self.outcomes[signal.key]
            if signal.key in given:
                outcome = outcome._replace(what="duplicate")
            given.add(signal.key)
            result.append(outcome)
        return result
