"""How far a monitor got and what it has learned, in the KV store.

Both are in one document, which is inserted and never changed: its key is the end of the last span
it covers. So an interrupted run is repeated from the same state, and if two members run a monitor
at once, only one sets the next step.

A monitor's state of a series before a finding is a document of its own, its memory, so that
recovery can be verified later (:mod:`..detection.monitors.rejudging`). It is kept as long as an
open incident names it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Set

from ...detection.monitors.memory import MAX_STATE_BYTES, MEMORY
from ...detection.monitors.monitor import Monitor
from ...detection.packing import pack, unpack
from ...incidents.model import readable_fields
from ...incidents.stores import (
    IS_OPEN,
    checkpoints_of,
    claim_document,
    is_checkpoint,
    is_number,
    readable_claim,
)
from ...ports import Clock, Document, Stores
from ...utc import to_the_second
from .roster import off_since

__all__ = ["CHECKPOINT", "Checkpoint", "Checkpoints"]

CHECKPOINT = "monitor"
"""The prefix of the purposes of a monitor's checkpoints; a colon and its name follow."""
KEPT_CHECKPOINTS = 3
KEPT_MEMORIES = 20
MAX_UNWELL = 1000
SHORT_BREAK_SECONDS = 900.0
"""A monitor that was off for no longer than this continues as if it had not been."""


@dataclass(frozen=True)
class Checkpoint:
    """The position and state of a monitor. Times are epoch seconds.

    ``end``: all spans before it were judged. ``raising_from``: spans that end before it were only
    learned from. ``covered_from``: every span since was judged as a whole. ``unwell``: the end of
    the last span in which an entity was out of order, by entity. ``unwell_since``: the end of the
    first span of that trouble, by entity, if the monitor raises a trouble once. ``learned_as``: the
    settings that the state depends on. ``trail``: earlier positions (:attr:`decided_until`),
    increasingly sparse; it shows which spans were judged before a clock went wrong.
    """

    end: int
    raising_from: float
    covered_from: float
    state: Mapping[str, Any] = field(default_factory=dict)
    unwell: Mapping[str, float] = field(default_factory=dict)
    unwell_since: Mapping[str, float] = field(default_factory=dict)
    learned_as: str = ""
    trail: Sequence[float] = ()
    key: str = ""

    @property
    def decided_until(self) -> float:
        """Return the time up to which findings were raised, or were not to be raised.

        During a backfill, ``end`` lies before it.
        """
        return max(float(self.end), self.raising_from)

    @classmethod
    def from_document(cls, document: Document) -> Checkpoint:
        """Read a document. Raises ValueError if its state can't be read."""
        value = document["value"]
        return cls(
            end=int(value["end"]),
            raising_from=float(value["raising_from"]),
            covered_from=float(value["covered_from"]),
            state=unpack(value["state"], MAX_STATE_BYTES),
            unwell={entity: float(end) for entity, end in value["unwell"]},
            unwell_since={entity: float(end) for entity, end in value.get("unwell_since") or ()},
            learned_as=str(value["learned_as"]),
            trail=_trail(document),
            key=str(document["_key"]),
        )

    def bounded(self) -> Checkpoint:
        """Drop the oldest of too many ``unwell`` entities; move ``covered_from`` past them.

        So no entity counts as quiet in the time that was dropped.
        """
        if len(self.unwell) <= MAX_UNWELL:
            return self
        latest = sorted(self.unwell.items(), key=lambda one: -one[1])
        covered_from = max(self.covered_from, latest[MAX_UNWELL][1])
        unwell = dict(latest[:MAX_UNWELL])
        since = {entity: end for entity, end in self.unwell_since.items() if entity in unwell}
        return replace(self, unwell=unwell, unwell_since=since, covered_from=covered_from)

    def trouble_end(self, entity: str, moment: float) -> Optional[float]:
        """Return the last end of the trouble that an entity was in at a moment, if it is later."""
        since, end = self.unwell_since.get(entity), self.unwell.get(entity, moment)
        return end if since is not None and since <= moment < end else None

    def to_value(self) -> Document:
        """Return the document's ``value``."""
        return {
            "end": self.end,
            "state": pack(self.state),
            "raising_from": self.raising_from,
            "covered_from": self.covered_from,
            "unwell": [[entity, end] for entity, end in self.unwell.items()],
            "unwell_since": [[entity, end] for entity, end in self.unwell_since.items()],
            "learned_as": self.learned_as,
            "trail": list(self.trail),
        }


class Checkpoints:
    """The checkpoints and memories of one monitor.

    ``tell`` takes one sentence for the log; ``trouble`` one to show to people.
    """

    def __init__(
        self,
        monitor: Monitor,
        stores: Stores,
        clock: Clock,
        holder: str,
        report: Callable[[str], Any],
        trouble: Callable[[str], Any],
    ) -> None:
        self._monitor = monitor
        self._stores = stores
        self._clock = clock
        self._holder = holder
        self._report = report
        self._trouble = trouble
        self._purpose = f"{CHECKPOINT}:{monitor.name}"

    def newest(self, now: float) -> Checkpoint:
        """Return the newest checkpoint that does not lie in the future, else a new beginning.

        A beginning is saved before any search, so that its spans stay due if the search fails. A
        checkpoint from the future was made while the clock was wrong: it covers spans whose events
        had yet to come, so it is deleted and those spans are judged again.
        """
        ends = self._drop_malformed()
        known = checkpoints_of(self._stores, self._monitor.name)
        wrong = [one for one in known if _decided_until(one) > self._latest(one, now)]
        known = [one for one in known if one not in wrong]
        before = {
            point for one in wrong for point in _trail(one) if point <= self._latest(one, now)
        } | {end for end in ends if end <= now}
        if wrong:
            self._report_clock(wrong, now, bool(known or before))
        found = self._readable(known)
        was_off = self._was_off(known, now)
        if found:
            self._delete([one for one in known if one["value"]["end"] > found.end] + wrong)
            return self._raising_from_now(found, now) if was_off else found
        stood_at = max(
            map(_decided_until, known), default=max(before, default=now - self._monitor.lag)
        )
        stood_at = now - self._monitor.lag if was_off else stood_at
        trail = before.union(*map(_trail, known))
        return self._begin(stood_at, trail, [*known, *wrong])

    def _drop_malformed(self) -> Set[float]:
        """Report and delete malformed checkpoints; return their ends, which their keys still tell.

        One that stayed would keep its key from a new one.
        """
        known = self._stores.claims.find({"purpose": self._purpose})
        malformed = [one for one in known if not is_checkpoint(one)]
        for one in malformed:
            then = "It continues from an earlier one"
            if len(malformed) == len(known):
                then = "It has no other, so it learns again, and raises from where that one ended"
            self._trouble(
                f"Its checkpoint {one['_key']} was changed by hand and can't be read. {then}."
            )
        self._delete(malformed)
        ends = (str(one["_key"])[len(self._purpose) + 1 :] for one in malformed)
        return {float(end) for end in ends if end.isdigit()}

    def _was_off(self, known: Sequence[Document], now: float) -> bool:
        """Tell whether the monitor was switched off or removed since it judged last.

        Findings from that time would be raised days later, about a time that nobody wanted watched.
        """
        stood_at = max(map(_decided_until, known), default=now)
        if now - stood_at <= SHORT_BREAK_SECONDS + self._monitor.lag + self._monitor.every:
            return False
        since = off_since(self._stores, self._monitor.name)
        if since is None or since < stood_at:
            return False
        self._report(
            f"It was off from {to_the_second(since)} to {to_the_second(now)}. It learns from what "
            f"happened since {to_the_second(stood_at)}, but raises none of it."
        )
        return True

    def _raising_from_now(self, found: Checkpoint, now: float) -> Checkpoint:
        until = float(self._monitor.complete_until(now))
        found = replace(found, raising_from=until, covered_from=until)
        self._stores.claims.save([self._step(found)])
        return found

    def _latest(self, document: Document, now: float) -> float:
        """Return the latest valid position of a checkpoint, by the lag with which it was made.

        After a change of the lag, the monitor only waits until spans are complete by the new one.
        """
        lag, span = float(document["value"].get("lag", self._monitor.lag)), self._monitor.span
        return float((now - lag) // span * span + span)

    def _report_clock(self, wrong: Sequence[Document], now: float, knows_before: bool) -> None:
        then = "The spans since the clock was right are judged again"
        if not knows_before:
            then = "No earlier checkpoint is known, so it learns again and raises from now on"
        at = to_the_second(max(map(_decided_until, wrong)))
        self._trouble(
            f"Its checkpoint is at {at}, but it is {to_the_second(now)}: the clock was changed. "
            f"{then}."
        )

    def _readable(self, known: Sequence[Document]) -> Optional[Checkpoint]:
        """Return the newest checkpoint from which the monitor can continue, if there is one."""
        if known and known[-1]["value"].get("learned_as") != self._monitor.learned_as:
            self._report(
                "Its settings or the app's version have changed since it learned. It learns again "
                "from its backfill."
            )
            self._report_other_settings(known[-1])
            return None
        for document in reversed(known):
            try:
                return Checkpoint.from_document(document)
            except ValueError as error:
                self._report(f"{error} It continues from an earlier checkpoint.")
        return None

    def _report_other_settings(self, newest: Document) -> None:
        """Report another member that runs this monitor with other settings.

        Each would undo the other's work. Splunk does not replicate inputs.conf, so an edit on one
        member stays there.
        """
        age = self._clock.now() - float(newest["time"])
        if (
            newest["holder"] != self._holder
            and 0 <= age < 2 * self._monitor.every + self._monitor.lag
        ):
            self._trouble(
                f"The search head {newest['holder']} has a monitor of this name with "
                "different settings or another version of the app, so each discards what the other "
                "has learned. Make them the same, or rename one."
            )

    def _begin(
        self, stood_at: float, trail: Iterable[float], old: Sequence[Document]
    ) -> Checkpoint:
        """Begin with the backfill before ``stood_at``, and raise from there on; delete ``old``.

        The beginning is saved first: without it, its position would be lost.
        """
        monitor = self._monitor
        backfill = max(monitor.backfill, float(monitor.span))
        start = monitor.complete_until(stood_at - backfill + monitor.lag)
        first = Checkpoint(
            start,
            raising_from=stood_at,
            covered_from=stood_at,
            learned_as=monitor.learned_as,
            trail=thinned([one for one in trail if one <= stood_at], stood_at, monitor.span),
            key=f"{self._purpose}:{start}",
        )
        # A checkpoint of the old settings may have the same key.
        self._stores.claims.save([self._step(first)])
        self._delete([one for one in old if one["_key"] != first.key])
        return first

    def _delete(self, documents: Sequence[Document]) -> None:
        for one in documents:
            self._stores.claims.delete(one["_key"])

    def commit(self, step: Checkpoint, before: Checkpoint) -> Checkpoint:
        """Save the next step; return the newest checkpoint, which may be another member's."""
        key = f"{self._purpose}:{step.end}"
        trail = thinned([*before.trail, before.decided_until], step.end, self._monitor.span)
        step = replace(step.bounded(), key=key, trail=trail)
        if not self._stores.claims.insert(self._step(step)):
            step = replace(step, key="")
        known = checkpoints_of(self._stores, self._monitor.name)
        self._delete(known[:-KEPT_CHECKPOINTS])
        newest = known[-1]
        return step if newest["_key"] == step.key else Checkpoint.from_document(newest)

    def remember(self, start: int, end: int, memory: Mapping[str, Any]) -> str:
        """Keep the state before ``start`` of series with findings up to ``end``; return its name.

        A later repeat of the run judges more spans from there, and has found more series.
        """
        key = f"{self._memories}:{start}:{end}"
        value = {"start": start, "state": pack(memory)}
        self._stores.claims.insert(self._document(key, self._memories, value))
        return key

    def forget_memories(self) -> None:
        """Delete memories except for the newest, and those that an open incident names."""
        known = self._stores.claims.find({"purpose": self._memories})
        if len(known) <= KEPT_MEMORIES:
            return
        query = {"$and": [{"search.monitor": self._monitor.name}, IS_OPEN]}
        found = map(readable_fields, self._stores.incidents.find(query))
        named = {str(one.get("search", {}).get("memory")) for one in found}
        ordered = sorted(known, key=lambda one: -_start(one))
        for old in ordered[KEPT_MEMORIES:]:
            if old["_key"] not in named:
                self._stores.claims.delete(old["_key"])

    @property
    def _memories(self) -> str:
        return f"{MEMORY}:{self._monitor.name}"

    def _step(self, step: Checkpoint) -> Document:
        value = {**step.to_value(), "lag": self._monitor.lag}
        return self._document(step.key, self._purpose, value)

    def _document(self, key: str, purpose: str, value: Document) -> Document:
        return claim_document(key, self._clock.now(), value, purpose=purpose, holder=self._holder)


def _start(memory: Document) -> float:
    """Return where a memory starts; a malformed one is the oldest."""
    start = readable_claim(memory)["value"].get("start")
    return float(start) if is_number(start) else 0.0


def _decided_until(document: Document) -> float:
    """Return :attr:`Checkpoint.decided_until` of a document, whose state may be unreadable."""
    value = document["value"]
    return max(float(value["end"]), float(value["raising_from"]))


def _trail(document: Document) -> List[float]:
    """Return :attr:`Checkpoint.trail` of a document; early versions of the app saved none."""
    return [float(point) for point in document["value"].get("trail") or ()]


def thinned(points: Sequence[float], now: float, span: int) -> List[float]:
    """Keep the first and the last moment at each power of two of distance from now.

    So few are kept, and one is always about as far back as any moment that may be searched for.
    Moments of a current backfill lie after ``now``, and count as near.
    """
    orders: Dict[int, List[float]] = {}
    for point in sorted(set(points)):
        orders.setdefault(int(max(0.0, now - point) // span).bit_length(), []).append(point)
    return sorted({point for some in orders.values() for point in (some[0], some[-1])})
