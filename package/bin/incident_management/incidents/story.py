"""The state of an incident, kept in memory and updated entry by entry.

:func:`.fold.fold` folds a whole timeline; a :class:`Story` continues from its current state. Both
give the same document. An entry never changes, so the state stays right: only a timeline that lost
an entry, or gained one before the last, must be read again as a whole.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from math import inf
from typing import Callable, Dict, Iterable, List, Mapping, Optional, Set, Tuple

from .fold import State, ordered
from .model import Entry, Head, Incident

__all__ = ["LATE_SECONDS", "OutOfOrder", "Place", "Story", "StoryCache"]

# What a process remembers, counted in entries and signals: about 200 bytes each, settled signals
# less. Beyond it, the least recently used stories are forgotten, and read again when needed.
REMEMBERED = 600_000
SETTLED_WEIGHT = 20  # this many settled signals weigh as much as one that is not
PLACES_REMEMBERED = 100_000

# From this many on, the signals of a remembered story are settled: recognized, but not listed.
SETTLE_FROM = 64

# The longest time from when a writer reads what its entry follows until the entry is in the KV
# store: twice the longest duration of a request. Ingest gives up before writing after half of it.
LATE_SECONDS = 120.0

# Kinds of entries that do not change where the next signals of an incident's problems go.
STAYING = frozenset(
    (
        *("opened", "signal", "routed", "note", "notification"),
        *("analysis", "assigned", "severity", "ticket", "review", "follow_up"),
        *("update", "update_due", "task", "role"),
    )
)


class OutOfOrder(Exception):
    """An entry belongs before one that has already been applied."""


class Story:
    """The state of one incident from its known entries."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.keys: Set[str] = set()
        self.opened_for: Set[str] = set()
        self.last_resolve = ""
        # Problems that moved to another incident: this incident no longer has their newest episode.
        self.split_off: Set[str] = set()
        self._state: Optional[State] = None
        self._onces: Set[str] = set()
        self._heads: Set[str] = set()
        self._followed: Set[str] = set()
        self._last: Optional[Tuple[int, float, str]] = None
        self._added_up = False
        # The number of entries that may have redirected the next signals of its problems.
        self.redirects = 0
        # All entries below this seq are known, and no new ones can appear there.
        self.floor = 0
        self._seen: Optional[Tuple[float, int]] = None
        self._recent: Dict[str, int] = {}
        # When its document was last saved with no entry lost (monotonic seconds).
        self.saved_at = -inf
        for entry in ordered(entries):
            self.add(entry)

    def add(self, entry: Entry) -> None:
        """Apply one entry; a known one changes nothing.

        Raises:
            OutOfOrder: the entry belongs before the last one; nothing was changed.
        """
        if entry.key in self.keys:
            return
        if self._last is not None and entry.order < self._last:
            raise OutOfOrder(entry.key)
        if self._state is None:
            self._state = State(Incident(id=entry.incident_id))
        if self._state.settled and (entry.kind not in STAYING or entry.data.get("number")):
            # The entry may move signals, which must be listed for that.
            raise OutOfOrder(entry.key)
        self._added_up = False
        self.redirects += entry.kind not in STAYING
        self.keys.add(entry.key)
        self._recent[entry.key] = entry.seq
        self._last = entry.order
        self._link(entry)
        self._state.add_signals(entry)
        if entry.once not in self._onces:
            self._state.apply(entry)
        if entry.once:
            self._onces.add(entry.once)
        if entry.kind == "split":
            self.split_off.update(entry.data.get("problems") or ())
        if entry.kind == "opened":
            self.opened_for.add(str(entry.data.get("dedup_key")))
        if entry.kind == "status" and entry.data.get("to") == "resolved":
            self.last_resolve = entry.key
        incident = self._state.incident
        incident.updated_at = max(entry.time, incident.updated_at or entry.time)

    @property
    def incident(self) -> Optional[Incident]:
        """The incident from the entries so far; None without any. Further entries change it."""
        if self._state is None or self._last is None:
            return None
        if not self._added_up:
            self._state.finish(sorted(self._heads), self._last[0], len(self.keys))
            self._added_up = True
        return self._state.incident

    @property
    def head(self) -> Head:
        """The latest entries, which a new entry must follow."""
        return Head(self._last[0] if self._last else 0, tuple(sorted(self._heads)))

    @property
    def weight(self) -> int:
        state = self._state
        settled = len(state.settled) // SETTLED_WEIGHT if state else 0
        return len(self.keys) + settled + (len(state.events) if state else 0)

    def counts(self, signal_key: str) -> bool:
        """Tell whether a signal is in the entries, and was not moved away."""
        state = self._state
        if state is None:
            return False
        if signal_key not in state.events:
            return signal_key in state.settled
        return not state.holdings or state.holdings.holds(signal_key)

    def uncounted(self, signal_keys: Iterable[str]) -> Set[str]:
        """Return those of some signals that :meth:`counts` does not count."""
        state = self._state
        if state is None:
            return set(signal_keys)
        if state.holdings:
            return {key for key in signal_keys if not self.counts(key)}
        events, settled = state.events, state.settled
        return {key for key in signal_keys if key not in events and key not in settled}

    @property
    def merge_number(self) -> int:
        """The number of the merge that moved all signals away; 0 without one."""
        return self._state.holdings.whole if self._state else 0

    def has_had(self, signal_key: str, number: int) -> bool:
        """Tell whether a signal is here, or was moved by a move with this or a later number."""
        state = self._state
        if state is None:
            return False
        if signal_key not in state.events:
            return signal_key in state.settled
        return state.holdings.owns(signal_key) or state.holdings.latest(signal_key) >= number

    def openings(self, since: float) -> int:
        """Return how often the incident was opened since then, including the first time."""
        return sum(1 for time in (self._state.openings if self._state else ()) if time >= since)

    def owned(self) -> Dict[str, int]:
        """Return the event counts of the signals that are here, or would be without the merge.

        Raises:
            RuntimeError: the story was remembered, so its signals may no longer be listed.
        """
        if self._state and self._state.settled:
            raise RuntimeError("This story was remembered; load it anew to list its signals.")
        return self._state.holdings.owned(self._state.events) if self._state else {}

    def has(self, once: str) -> bool:
        """Tell whether an entry with this ``once`` exists."""
        return once in self._onces

    def recent(self) -> Set[str]:
        """Return the keys of the known entries from the floor on."""
        return set(self._recent)

    def follows(self, entry: Entry) -> bool:
        """Tell whether all entries that an entry follows are known."""
        return all(key in self.keys for key in entry.prev)

    def note_full_read(self, began: float, ended: float) -> None:
        """Record a read of all entries from the floor on, and raise the floor if possible.

        A writer that reads after the end of a read sees what it saw, and writes a larger seq. A
        writer that had read before may add its entry only within LATE_SECONDS. So a read that
        begins later than that sees all there will ever be up to that seq, which is the new floor.

        Args:
            began: when the read began, in monotonic seconds.
            ended: when it ended.
        """
        if self._seen is not None and began - self._seen[0] < LATE_SECONDS:
            return
        if self._seen is not None:
            self.floor = self._seen[1]
            self._recent = {key: seq for key, seq in self._recent.items() if seq >= self.floor}
        self._seen = (ended, self._last[0] if self._last else 0)

    def settle(self) -> None:
        """Save memory: replace the list of signal keys by a set of short keys."""
        state = self._state
        if state is None or not state.holdings.untouched:
            return
        if len(state.events) >= max(SETTLE_FROM, len(state.settled) // 8):
            state.settled.update(state.events)
            state.events = {}

    def _link(self, entry: Entry) -> None:
        self._followed.update(key for key in entry.prev if key not in self._heads)
        self._heads.difference_update(entry.prev)
        if entry.key not in self._followed:
            self._heads.add(entry.key)


@dataclass(frozen=True)
class Place:
    """Where the signals of a problem go: its newest episode and that episode's incident.

    It is valid while the incident's story has the same ``redirects``. ``incidents`` are the
    incidents of all episodes; the newest episode was claimed at ``claimed_at``.
    """

    episode: int
    incident_id: str
    previous: str
    claimed_at: float
    incidents: Tuple[str, ...]
    redirects: int


class StoryCache:
    """The stories that a process remembers; the least recently used ones are forgotten first.

    A story is taken out while in use, and put back only when everything added to it has been
    written: so no failed change stays in memory.
    """

    def __init__(
        self, most: int = REMEMBERED, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most
        self.monotonic = monotonic
        self._places: OrderedDict[str, Place] = OrderedDict()
        self._lock = threading.Lock()
        self._stories: OrderedDict[str, Story] = OrderedDict()
        self._weight = 0

    def take(self, incident_ids: Iterable[str]) -> Dict[str, Story]:
        """Take out the stories of these incidents that are remembered."""
        taken: Dict[str, Story] = {}
        with self._lock:
            for incident_id in incident_ids:
                story = self._stories.pop(incident_id, None)
                if story is not None:
                    self._weight -= story.weight
                    taken[incident_id] = story
        return taken

    def place(self, dedup_key: str) -> Optional[Place]:
        """Return where a problem's signals went last; :class:`Place` says how long it is valid."""
        return self._places.get(dedup_key)

    def forget(self, dedup_key: str) -> None:
        """Forget where a problem's signals went."""
        with self._lock:
            self._places.pop(dedup_key, None)

    def remember(self, places: Mapping[str, Place]) -> None:
        """Remember the places of problems, by dedup key."""
        with self._lock:
            self._places.update(places)
            while len(self._places) > PLACES_REMEMBERED:
                self._places.popitem(last=False)

    def put(self, stories: Dict[str, Story]) -> None:
        with self._lock:
            for incident_id, story in stories.items():
                if not story.keys:
                    continue
                story.settle()
                known = self._stories.pop(incident_id, None)
                self._weight += story.weight - (known.weight if known else 0)
                self._stories[incident_id] = story
            while self._weight > self._most and self._stories:
                _oldest, story = self._stories.popitem(last=False)
                self._weight -= story.weight


def by_incident(entries: Iterable[Entry]) -> Dict[str, List[Entry]]:
    """Group entries by incident, each list in order."""
    found: Dict[str, List[Entry]] = {}
    for entry in ordered(entries):
        found.setdefault(entry.incident_id, []).append(entry)
    return found
