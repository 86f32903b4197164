"""An incident's entries, added up one after another as they become known.

:func:`.fold.fold` adds a whole timeline up; a :class:`Story` goes on from where it was. Both give
the same document. An entry never changes, so what has been added up stays right: only a timeline
that lost an entry, or gained one before the last, must be read anew.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Dict, Iterable, List, Optional, Set, Tuple

from .fold import State, ordered
from .model import Entry, Head, Incident

__all__ = ["OutOfOrder", "Stories", "Story"]

# What a process remembers, in entries and signals: about 150 bytes each. Beyond it, the stories
# that were not used for longest are forgotten, and read again when they are needed.
REMEMBERED = 400_000


class OutOfOrder(Exception):
    """An entry belongs before one that has been added up already."""


class Story:
    """What one incident's entries say so far."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.keys: Set[str] = set()
        self.opened_for: Set[str] = set()
        self.last_resolve = ""
        self._state: Optional[State] = None
        self._onces: Set[str] = set()
        self._heads: Set[str] = set()
        self._followed: Set[str] = set()
        self._last: Optional[Tuple[int, float, str]] = None
        for entry in ordered(entries):
            self.add(entry)

    def add(self, entry: Entry) -> None:
        """Take one entry in; one that is known changes nothing.

        Raises OutOfOrder, with nothing changed, when it belongs before the last one.
        """
        if entry.key in self.keys:
            return
        if self._last is not None and entry.order < self._last:
            raise OutOfOrder(entry.key)
        if self._state is None:
            self._state = State(Incident(id=entry.incident_id))
        self.keys.add(entry.key)
        self._last = entry.order
        self._link(entry)
        self._state.add_signals(entry)
        if entry.once not in self._onces:
            self._state.apply(entry)
        if entry.once:
            self._onces.add(entry.once)
        if entry.kind == "opened":
            self.opened_for.add(str(entry.data.get("dedup_key")))
        if entry.kind == "status" and entry.data.get("to") == "resolved":
            self.last_resolve = entry.key
        incident = self._state.incident
        incident.updated_at = max(entry.time, incident.updated_at or entry.time)

    @property
    def incident(self) -> Optional[Incident]:
        """What the entries add up to now; None without any. Goes on changing with the story."""
        if self._state is None or self._last is None:
            return None
        self._state.finish(sorted(self._heads), self._last[0], len(self.keys))
        return self._state.incident

    @property
    def head(self) -> Head:
        """What a new entry must follow."""
        return Head(self._last[0] if self._last else 0, tuple(sorted(self._heads)))

    @property
    def weight(self) -> int:
        return len(self.keys) + (len(self._state.events) if self._state else 0)

    def counts(self, signal_key: str) -> bool:
        """Tell whether a signal is written down in the entries, and was not moved away."""
        state = self._state
        if state is None or signal_key not in state.events:
            return False
        return not state.holdings or state.holdings.holds(signal_key)

    @property
    def merge_number(self) -> int:
        """The number of the merge that took everything away; 0 when there is none."""
        return self._state.holdings.whole if self._state else 0

    def has_had(self, signal_key: str, number: int) -> bool:
        """Tell whether a signal is here, or was moved by a move of this or a later number."""
        state = self._state
        if state is None or signal_key not in state.events:
            return False
        return state.holdings.owns(signal_key) or state.holdings.latest(signal_key) >= number

    def owned(self) -> Dict[str, int]:
        """The signals that are here, or would be if the incident were not merged: their events."""
        return self._state.holdings.owned(self._state.events) if self._state else {}

    def has(self, once: str) -> bool:
        """Tell whether an entry with this ``once`` is there."""
        return once in self._onces

    def _link(self, entry: Entry) -> None:
        self._followed.update(key for key in entry.prev if key not in self._heads)
        self._heads.difference_update(entry.prev)
        if entry.key not in self._followed:
            self._heads.add(entry.key)


class Stories:
    """The stories that a process remembers, the least recently used ones forgotten first.

    A story is taken out while it is worked on, and put back only when everything that was added to
    it has been written: so nothing that failed stays in memory.
    """

    def __init__(self, most: int = REMEMBERED) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._stories: OrderedDict[str, Story] = OrderedDict()
        self._weight = 0

    def take(self, incident_ids: Iterable[str]) -> Dict[str, Story]:
        """Take out those that are remembered."""
        taken: Dict[str, Story] = {}
        with self._lock:
            for incident_id in incident_ids:
                story = self._stories.pop(incident_id, None)
                if story is not None:
                    self._weight -= story.weight
                    taken[incident_id] = story
        return taken

    def put(self, stories: Dict[str, Story]) -> None:
        with self._lock:
            for incident_id, story in stories.items():
                known = self._stories.pop(incident_id, None)
                self._weight += story.weight - (known.weight if known else 0)
                self._stories[incident_id] = story
            while self._weight > self._most and self._stories:
                _oldest, story = self._stories.popitem(last=False)
                self._weight -= story.weight


def by_incident(entries: Iterable[Entry]) -> Dict[str, List[Entry]]:
    """Sort entries by their incident, each list in order."""
    found: Dict[str, List[Entry]] = {}
    for entry in ordered(entries):
        found.setdefault(entry.incident_id, []).append(entry)
    return found
