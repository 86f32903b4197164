"""How far a monitor got and what it has learned, in the KV store.

Both are one document, and that document is inserted, never changed: its key is the end of the last
span it covers. So a run that was ended in the middle is repeated from the same state, and of two
members that run a monitor at once only one sets the next step.

What a monitor knew of a series before it raised something is a document of its own, its memory, so
that recovery can be proved later (:mod:`..detection.rejudging`). It is kept as long as an open
incident names it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Callable, Dict, List, Mapping

from ..detection.monitors import Monitor
from ..detection.packing import pack, unpack
from ..incidents.model import OPEN_STATUSES
from ..incidents.upkeep.quiet import checkpoints_of
from ..ports import Clock, Document, Stores

__all__ = ["MOST_STATE_BYTES", "Checkpoint", "Checkpoints", "recall"]

KEPT_CHECKPOINTS = 3
KEPT_MEMORIES = 20
MOST_UNWELL = 1000
MOST_STATE_BYTES = 64_000_000
"""JSON of what a monitor has learned; packed it is a third of that or less."""


@dataclass(frozen=True)
class Checkpoint:
    """Where a monitor stands. Times are epoch seconds.

    ``end``: all spans before it were judged. ``raising_from``: what ends before was learned from
    only. ``covered_from``: every span since was judged as a whole. ``unwell``: entity -> the end
    of the last span in which it was out of order. ``learned_as``: the settings that the state
    depends on.
    """

    end: int
    raising_from: float
    covered_from: float
    state: Mapping[str, Any] = field(default_factory=dict)
    unwell: Mapping[str, float] = field(default_factory=dict)
    learned_as: str = ""
    key: str = ""

    @classmethod
    def of(cls, document: Document) -> Checkpoint:
        """Read a document. Raises ValueError when its state can't be read."""
        value = document["value"]
        return cls(
            int(value["end"]),
            float(value["raising_from"]),
            float(value["covered_from"]),
            unpack(value["state"], MOST_STATE_BYTES),
            {entity: float(end) for entity, end in value["unwell"]},
            str(value["learned_as"]),
            str(document["_key"]),
        )

    def bounded(self) -> Checkpoint:
        """Forget who was out of order longest ago; nobody counts as quiet in the time forgotten."""
        if len(self.unwell) <= MOST_UNWELL:
            return self
        latest = sorted(self.unwell.items(), key=lambda one: -one[1])
        covered_from = max(self.covered_from, latest[MOST_UNWELL][1])
        return replace(self, unwell=dict(latest[:MOST_UNWELL]), covered_from=covered_from)

    def to_value(self) -> Document:
        """Return the document's ``value``."""
        return {
            "end": self.end,
            "state": pack(self.state),
            "raising_from": self.raising_from,
            "covered_from": self.covered_from,
            "unwell": [[entity, end] for entity, end in self.unwell.items()],
            "learned_as": self.learned_as,
        }


class Checkpoints:
    """The checkpoints and memories of one monitor; ``tell`` takes one sentence."""

    def __init__(
        self,
        monitor: Monitor,
        stores: Stores,
        clock: Clock,
        holder: str,
        tell: Callable[[str], Any],
    ) -> None:
        self._monitor = monitor
        self._stores = stores
        self._clock = clock
        self._holder = holder
        self._tell = tell
        self._purpose = f"monitor:{monitor.name}"

    def newest(self, now: float) -> Checkpoint:
        """Return the newest checkpoint that does not lie in the future, else a first one.

        One from the future was made while the clock was wrong: it covers spans whose events had
        yet to come, so it is taken away and those spans are judged again.
        """
        known = checkpoints_of(self._stores, self._monitor.name)
        latest = self._monitor.complete_until(now) + self._monitor.span
        while known and known[-1]["value"]["end"] > latest:
            wrong = known.pop()
            self._tell(
                f"It stands at {wrong['value']['end']}, which is after the clock's {now:.0f}; the "
                "clock was changed, and the spans in between are judged again."
            )
            self._stores.claims.delete(wrong["_key"])
        if known and known[-1]["value"]["learned_as"] != self._monitor.learned_as:
            return self._learn_anew(known)
        while known:
            try:
                return Checkpoint.of(known[-1])
            except ValueError as error:
                self._tell(f"{error} It goes on from the checkpoint before.")
                self._stores.claims.delete(known.pop()["_key"])
        raising_from = now - self._monitor.lag
        return self._first(self._monitor.complete_until(now - self._monitor.backfill), raising_from)

    def _learn_anew(self, known: List[Document]) -> Checkpoint:
        """Begin again after the settings were changed; what was raised already stays so.

        The new beginning is written first: without it, it would not be known where raising goes on.
        """
        stood_at = int(known[-1]["value"]["end"])
        span, lag = self._monitor.span, self._monitor.lag
        begin = self._monitor.complete_until(stood_at - self._monitor.backfill + lag)
        first = self._first(min(begin, stood_at - span), float(stood_at))
        self._tell("Its settings were changed: it learns anew from the spans of its backfill.")
        first = replace(first, key=f"{self._purpose}:{first.end}")
        # One of the old settings may stand under the same key.
        self._stores.claims.save([self._document(first.key, self._purpose, first.to_value())])
        for old in known:
            if old["_key"] != first.key:
                self._stores.claims.delete(old["_key"])
        return first

    def _first(self, start: int, raising_from: float) -> Checkpoint:
        as_now = self._monitor.learned_as
        return Checkpoint(start, raising_from, raising_from, learned_as=as_now)

    def commit(self, step: Checkpoint) -> Checkpoint:
        """Set the next step; returns the newest checkpoint, which may be another member's."""
        key = f"{self._purpose}:{step.end}"
        step = replace(step.bounded(), key=key)
        if not self._stores.claims.insert(self._document(key, self._purpose, step.to_value())):
            step = replace(step, key="")
        known = checkpoints_of(self._stores, self._monitor.name)
        for old in known[:-KEPT_CHECKPOINTS]:
            self._stores.claims.delete(old["_key"])
        newest = known[-1]
        return step if newest["_key"] == step.key else Checkpoint.of(newest)

    def remember(self, start: int, memory: Mapping[str, Any]) -> str:
        """Keep what was known before the span that begins at ``start``; return what names it."""
        key = f"monitor memory:{self._monitor.name}:{start}"
        value = {"start": start, "state": pack(memory)}
        self._stores.claims.insert(self._document(key, self._memories, value))
        return key

    def forget_memories(self) -> None:
        """Drop all but the newest memories and those that an open incident names."""
        known = self._stores.claims.find({"purpose": self._memories})
        if len(known) <= KEPT_MEMORIES:
            return
        is_open = {"$or": [{"status": status} for status in OPEN_STATUSES]}
        query = {"$and": [{"search.monitor": self._monitor.name}, is_open]}
        named = {one["search"].get("memory") for one in self._stores.incidents.find(query)}
        ordered = sorted(known, key=lambda one: -one["value"]["start"])
        for old in ordered[KEPT_MEMORIES:]:
            if old["_key"] not in named:
                self._stores.claims.delete(old["_key"])

    @property
    def _memories(self) -> str:
        return f"monitor memory:{self._monitor.name}"

    def _document(self, key: str, purpose: str, value: Document) -> Document:
        return {
            "_key": key,
            "purpose": purpose,
            "holder": self._holder,
            "time": self._clock.now(),
            "value": value,
        }


def recall(stores: Stores, key: str) -> Dict[str, Any]:
    """Return a memory by what names it. Raises LookupError when it is gone, or can't be read."""
    document = stores.claims.get(key)
    if document is None:
        raise LookupError("What the monitor knew before it raised this is not kept any more.")
    try:
        return unpack(document["value"]["state"], MOST_STATE_BYTES)
    except ValueError as error:
        raise LookupError(str(error)) from error
