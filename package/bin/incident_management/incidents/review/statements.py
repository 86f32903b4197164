"""A sentence of a review with the entries that it rests on, and an incident's lives. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, List, Optional, Sequence, Tuple

from ..canonical import milliseconds
from ..fold import State, effective, fold_state
from ..model import OPEN_STATUSES, Document, Entry, Incident

__all__ = [
    "Account",
    "Life",
    "ReviewedTimeline",
    "Statement",
    "elide_middle",
    "join_names",
    "shorten_line",
]

CHARACTERS = 1000
# A sum may rest on hundreds of entries, of which these are named.
MOST_SOURCES = 5


@dataclass(frozen=True)
class Statement:
    """One sentence, and the entries that say so; the first of these is the one that is named.

    Without any it tells that the timeline lacks something.
    """

    text: str
    sources: Tuple[Entry, ...] = ()

    def to_document(self) -> Document:
        """As the API shows it: of many sources the first, and how many there are."""
        shown = [
            {"entry": one.key, "kind": one.kind, "time": one.time, "actor": one.actor}
            for one in self.sources[:MOST_SOURCES]
        ]
        return {"text": shorten_line(self.text), "sources": shown, "rests_on": len(self.sources)}


@dataclass
class Life:
    """From an opening to the end, and the first entry of each step between. ``number`` from 1."""

    number: int
    opened: Entry
    acknowledged: Optional[Entry] = None
    fixed: Optional[Entry] = None
    recovered: Optional[Entry] = None
    ended: Optional[Entry] = None

    def took(self, step: str) -> Optional[float]:
        """Return the seconds from the opening to a step; None for one that did not come."""
        entry: Optional[Entry] = getattr(self, step)
        return None if entry is None else max(0.0, milliseconds(entry.time - self.opened.time))

    def to_document(self) -> Document:
        """As the API shows it."""
        steps = ("acknowledged", "fixed", "recovered", "ended")
        return {
            "number": self.number,
            "opened_at": self.opened.time,
            **{step: self.took(step) for step in steps},
        }


@dataclass
class ReviewedTimeline:
    """All that an incident's entries tell: what they add up to, those that count, the lives."""

    entries: Sequence[Entry]
    state: State = field(init=False)
    counted: List[Entry] = field(init=False)
    lives: List[Life] = field(init=False)

    def __post_init__(self) -> None:
        """Raises ValueError for no entries."""
        self.state = fold_state(self.entries)
        self.counted, self.lives = _replayed(effective(self.entries))

    @property
    def incident(self) -> Incident:
        return self.state.incident

    def of_kind(self, *kinds: str) -> List[Entry]:
        """Return the entries of some kinds that count, in order."""
        return [entry for entry in self.counted if entry.kind in kinds]


def _replayed(effective_ones: Iterable[Entry]) -> Tuple[List[Entry], List[Life]]:
    """Return the entries without the moves that had no effect, as after a race, and the lives."""
    counted: List[Entry] = []
    lives: List[Life] = []
    state: Optional[State] = None
    for entry in effective_ones:
        state = state or State(Incident(entry.incident_id))
        before = state.incident.status
        was_open = bool(lives) and before in OPEN_STATUSES
        state.apply(entry)
        after = state.incident.status
        if entry.kind != "status" or after != before:
            counted.append(entry)
        if after in OPEN_STATUSES and not was_open and state.incident.opened_at is not None:
            lives.append(Life(len(lives) + 1, entry))
        if lives:
            _step(lives[-1], entry, before, after, was_open)
    return counted, lives


def _step(life: Life, entry: Entry, before: str, after: str, was_open: bool) -> None:
    if after == "in_progress" != before:
        life.acknowledged = life.acknowledged or entry
    if entry.kind == "action" and entry.data.get("phase") == "done":
        life.fixed = life.fixed or entry
    if entry.kind == "verification" and entry.data.get("outcome") == "recovered":
        life.recovered = life.recovered or entry
    if was_open and after not in OPEN_STATUSES:
        life.ended = entry


def shorten_line(text: Any) -> str:
    """Return a text on one line, and not endless."""
    line = " ".join(str(text or "").split())
    return line if len(line) <= CHARACTERS else f"{line[: CHARACTERS - 1]}…"


def elide_middle(found: List[Statement], first: int = 30, last: int = 20) -> List[Statement]:
    """Return the first and the last of very many, and between them how many there are more."""
    left = found[first : max(first, len(found) - last)]
    if not left:
        return found
    sources = tuple(source for one in left for source in one.sources[:1])
    more = Statement(f"{len(left)} more like these are on the timeline.", sources)
    return [*found[:first], more, *found[first + len(left) :]]


def join_names(names: Sequence[str], most: int = 10) -> str:
    """Return the first of some names, and how many more there are."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


Account = Dict[str, List[Statement]]
