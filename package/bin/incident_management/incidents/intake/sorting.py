"""Sorting the signals of one call: known already, held back, waiting for a condition, new."""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import attrgetter
from typing import Collection, Dict, List, Sequence, Set

from ...ports import Document, Stores
from .. import suppression
from ..signal import Signal
from ..stores import find_by
from ..suppression import Suppression
from . import conditions
from .batch import Batch, Outcome, Problem
from .ledger import Ledger, claims_of, ledger_of
from .reading import Reader

__all__ = ["Sorted", "Sorting"]


@dataclass
class Sorted:
    """How the signals of one call were sorted.

    ``outcomes``, by key, are of those that are stored already or held back; ``held`` are the
    documents of the latter, ``holding`` what holds each back, by key. ``undecided`` are the keys of
    those that are stored and wait for a condition, ``again`` of those that are stored as held back
    and have gone on since. ``problems`` are all but the first two, by dedup key, the oldest first.
    """

    outcomes: Dict[str, Outcome] = field(default_factory=dict)
    suppressed: List[Document] = field(default_factory=list)
    suppressed_by: Dict[str, Suppression] = field(default_factory=dict)
    undecided: Set[str] = field(default_factory=set)
    continued: Set[str] = field(default_factory=set)
    problems: List[Problem] = field(default_factory=list)


class Sorting:
    """Sorts signals by what is stored, by the suppressions and by their detections' conditions."""

    def __init__(self, stores: Stores, ledger: Ledger, reader: Reader) -> None:
        self._stores = stores
        self._ledger = ledger
        self._reader = reader

    def sort(self, signals: Sequence[Signal]) -> Sorted:
        """Sort some signals. Those that wait for a condition are stored here, as pending."""
        found = Sorted()
        fresh = self._undecided(signals, found)
        holding = self._suppressions_of(
            [s for s in fresh if s.key not in found.undecided], found.continued
        )
        problems: Dict[str, Problem] = {}
        for signal in fresh:
            one = holding.get(signal.key)
            if one is not None:
                _suppress(signal, one, found)
                continue
            problem = problems.setdefault(signal.dedup_key, Problem(signal.dedup_key, []))
            problem.signals.append(signal)
        found.problems = self._apply_conditions(list(problems.values()), found.undecided)
        return found

    def suppressed_but_counted(self, found: Sorted) -> List[Signal]:
        """Return those that were just stored as held back, and that an incident counts.

        Another delivery of them may have taken them in where a suppression was made or ended in
        that moment; of those whose suppression stands since before they came nothing else is read.
        """
        held = [Signal.from_document(one) for one in found.suppressed]
        ids = {one.id for one in found.suppressed_by.values()}
        there = {str(one["_key"]) for one in find_by(self._stores.suppressions, "_key", ids)}
        doubtful = [
            signal
            for signal in held
            if (one := found.suppressed_by[signal.key]).came_after(signal) or one.id not in there
        ]
        counted = self._counted(doubtful) if doubtful else set()
        return [signal for signal in doubtful if signal.key in counted]

    def _undecided(self, signals: Sequence[Signal], found: Sorted) -> List[Signal]:
        """Note what is decided already; return the rest, each key once, the oldest first.

        What was held back is decided anew when it comes with a later end: it has gone on.
        """
        held: Dict[str, float] = {}
        for document in find_by(self._stores.signals, "_key", [signal.key for signal in signals]):
            key = str(document["_key"])
            if document.get("pending"):
                found.undecided.add(key)
            elif document.get("suppressed_by"):
                held[key] = float(document["last_time"])
            else:
                incident_id = str(document.get("incident_id", ""))
                found.outcomes[key] = Outcome(key, incident_id, "duplicate")
        fresh: Dict[str, Signal] = {}
        for signal in sorted(signals, key=attrgetter("first_time", "key")):
            goes_on = signal.last_time > held.get(signal.key, float("-inf"))
            if signal.key not in found.outcomes and goes_on:
                fresh.setdefault(signal.key, signal)
        found.continued = held.keys() & fresh.keys()
        for key in held.keys() - fresh.keys():
            found.outcomes[key] = Outcome(key, "", "duplicate")
        return list(fresh.values())

    def _suppressions_of(
        self, signals: Sequence[Signal], continued: Collection[str]
    ) -> Dict[str, Suppression]:
        """Return which suppression holds each of some signals back, where one does.

        One that was made after a signal may find it counted already, by a delivery that was ended
        before its last step, and so may one that is ``again`` in force: then it comes too late.
        """
        if not signals:
            return {}
        times = [signal.last_time for signal in signals]
        active = suppression.active_between(self._stores.suppressions, min(times), max(times))
        found = suppression.suppressing(active, signals) if active else {}
        late = [
            signal
            for signal in signals
            if signal.key in found
            and (found[signal.key].came_after(signal) or signal.key in continued)
        ]
        for key in self._counted(late) if late else ():
            del found[key]
        return found

    def _counted(self, signals: Sequence[Signal]) -> Set[str]:
        """Return the keys of those signals that an incident of their problem has written down."""
        keys = {signal.dedup_key for signal in signals}
        newest = self._ledger.newest(ledger_of(signal) for signal in signals)
        claims = claims_of(self._stores, keys, newest)
        ids = sorted({str(claim["incident_id"]) for claim in claims})
        batch = Batch("")
        self._reader.read(batch, ids)
        self._reader.put_back(batch)
        stories = batch.stories.values()
        return {s.key for s in signals if any(story.has_had(s.key, 0) for story in stories)}

    def _apply_conditions(self, problems: List[Problem], undecided: Set[str]) -> List[Problem]:
        """Ask the conditions of those detections that have one; may add others' waiting problems.

        A problem that also has a signal without a condition needs none.
        """
        asked = [p for p in problems if p.first.after and all(s.after for s in p.signals)]
        if not asked:
            return problems
        fresh = [signal for problem in asked for signal in problem.signals]
        gates = conditions.gates(self._stores, fresh, undecided)
        by_key = {problem.dedup_key: problem for problem in asked}
        taken = {problem.dedup_key for problem in problems}
        for key, gate in gates.items():
            if key in by_key:
                by_key[key].gate = gate
            elif gate.signals and key not in taken:
                problems.append(Problem(key, list(gate.signals), gate=gate))
        return problems


def _suppress(signal: Signal, one: Suppression, found: Sorted) -> None:
    found.outcomes[signal.key] = Outcome(signal.key, "", "suppressed")
    found.suppressed_by[signal.key] = one
    marks = {"suppressed_by": one.id, "suppressed_because": one.why()}
    found.suppressed.append({**signal.to_document(), **marks})
