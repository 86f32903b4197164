"""A sentence of a review with the entries that support it, and an incident's lives. Pure."""

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
# A total may rest on hundreds of entries, of which these are named.
MOST_SOURCES = 5


@dataclass(frozen=True)
class Statement:
    """One sentence, and the entries that support it; the first of them is named.

    A sentence without entries states that the timeline lacks something.
    """

    text: str
    sources: Tuple[Entry, ...] = ()

    def to_document(self) -> Document:
        """Return it as the API shows it: the first sources, and their total number."""
        shown = [
            {"entry": one.key, "kind": one.kind, "time": one.time, "actor": one.actor}
            for one in self.sources[:MOST_SOURCES]
        ]
        return {"text": shorten_line(self.text), "sources": shown, "rests_on": len(self.sources)}


@dataclass
class Life:
    """From an opening to the end, with the first entry of each step between. ``number`` from 1."""

    number: int
    opened: Entry
    acknowledged: Optional[Entry] = None
    fixed: Optional[Entry] = None
    recovered: Optional[Entry] = None
    ended: Optional[Entry] = None

    def took(self, step: str) -> Optional[float]:
        """Return the seconds from the opening to a step; None if the step did not happen."""
        entry: Optional[Entry] = getattr(self, step)
        return None if entry is None else max(0.0, milliseconds(entry.time - self.opened.time))

    def to_document(self) -> Document:
        """Return it as the API shows it."""
        steps = ("acknowledged", "fixed", "recovered", "ended")
        return {
            "number": self.number,
            "opened_at": self.opened.time,
            **{step: self.took(step) for step in steps},
        }


@dataclass
class ReviewedTimeline:
    """An incident's entries with their folded state, those that have an effect, and the lives."""

    entries: Sequence[Entry]
    state: State = field(init=False)
    counted: List[Entry] = field(init=False)
    lives: List[Life] = field(init=False)

    def __post_init__(self) -> None:
        """Fold the entries. Raises ValueError for none."""
        self.state = fold_state(self.entries)
        self.counted, self.lives = _replayed(effective(self.entries))

    @property
    def incident(self) -> Incident:
        return self.state.incident

    def of_kind(self, *kinds: str) -> List[Entry]:
        """Return the effective entries of some kinds, in order."""
        return [entry for entry in self.counted if entry.kind in kinds]


def _replayed(effective_ones: Iterable[Entry]) -> Tuple[List[Entry], List[Life]]:
    """Return the lives, and the entries without ineffective status changes, as after a race."""
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
    """Return a text as one line, cut to a maximum length."""
    line = " ".join(str(text or "").split())
    return line if len(line) <= CHARACTERS else f"{line[: CHARACTERS - 1]}…"


def elide_middle(found: List[Statement], first: int = 30, last: int = 20) -> List[Statement]:
    """Replace the middle of a long list by one statement with the number left out."""
    left = found[first : max(first, len(found) - last)]
    if not left:
        return found
    sources = tuple(source for one in left for source in one.sources[:1])
    more = Statement(f"{len(left)} more like these are on the timeline.", sources)
    return [*found[:first], more, *found[first + len(left) :]]


def join_names(names: Sequence[str], most: int = 10) -> str:
    """Return the first of some names, and the number of the others."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


Account = Dict[str, List[Statement]]
