"""Evaluate conditions of detections: open an incident only after several signals or rules.

``after`` of a signal has ``signals`` (this many of its problem), ``rules`` (this many different
rules about its entity; either suffices) and ``seconds``. Until one of them is met, a signal is
stored with ``pending``, and opens nothing. A problem whose incident is open, or was resolved within
the reopen window, needs no condition: its signals are added to the incident.

A writer stores its signals as pending before it reads the others', so of two writers that bring the
last signals at once, one sees all. The result depends on the stored signals and their own times,
not on the order of arrival, so a repeat changes nothing. The worker evaluates pending signals again
(:func:`pending_now`): a rule without a condition may complete another's, and a writer may have been
killed in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Container, Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple

from ...ports import Clock, Document, Stores
from ..errors import Invalid
from ..signal import Signal
from ..stores import bounded_queries
from ..story import Story

__all__ = ["Gate", "check", "choose", "gates", "pending_count", "pending_now", "released"]

MAX_SIGNALS = 1000
MAX_RULES = 50
LONGEST_SECONDS = 7 * 86400.0
# Of more values the KV store (MongoDB) gives no order by an acceleration.
ENTITIES_PER_QUERY = 200
# The most signals read for one part of the entities, the newest first.
MAX_READ = 10_000
# Pending signals that the worker evaluates in one round, the newest first.
MAX_RECHECKED = 2000
# A signal whose condition is never met is pending until it is deleted by age.
MAX_COUNTED = 10_000

Fact = Tuple[float, str]
_FACT = ("app", "rule", "entity", "last_time", "pending", "suppressed_by")


@dataclass(frozen=True)
class Gate:
    """The result of a problem's condition: ``signals`` may open an incident; empty: not met.

    ``with_problem`` is the problem whose incident they join, if several rules met.
    """

    signals: Tuple[Signal, ...] = ()
    reason: str = ""
    with_problem: str = ""
    seconds: float = 0.0


def check(after: Mapping[str, Any]) -> Document:
    """Return a condition in its stored form; empty for none. Raises Invalid with one sentence."""
    given = [after.get(name) or 0 for name in ("signals", "rules", "seconds")]
    if any(isinstance(one, bool) or not isinstance(one, (int, float)) for one in given):
        raise Invalid("A condition's signals, rules and seconds must be numbers.")
    signals, rules, seconds = int(given[0]), int(given[1]), float(given[2])
    if signals <= 1 and rules <= 1:
        return {}
    if signals > MAX_SIGNALS or rules > MAX_RULES:
        text = f"A condition counts at most {MAX_SIGNALS} signals or {MAX_RULES} rules."
        raise Invalid(text)
    if not 0 < seconds <= LONGEST_SECONDS:
        raise Invalid("A condition needs 'seconds', a time span of at most 7 days.")
    return {"signals": max(signals, 0), "rules": max(rules, 0), "seconds": seconds}


def gates(stores: Stores, fresh: Sequence[Signal], pending: Container[str] = ()) -> Dict[str, Gate]:
    """Store signals as pending, and return the results of their problems' conditions.

    All of ``fresh`` have a condition; ``pending`` are the keys of those that are stored already.
    The result may include other problems whose conditions are now met by the same rules.
    """
    new = [{**s.to_document(), "pending": True} for s in fresh if s.key not in pending]
    if new:
        stores.signals.save(new)
    known = {signal.key: signal for signal in _pending(stores, {s.entity for s in fresh})}
    known.update({signal.key: signal for signal in fresh})
    asked = [signal for signal in known.values() if signal.after.get("rules")]
    return _gates(list(known.values()), _others(stores, asked) if asked else {})


def choose(
    signals: Sequence[Signal], gate: Gate, story: Optional[Story], adds: bool
) -> Tuple[List[Signal], List[Signal]]:
    """Return which signals of a problem go to its incident, and which stay pending.

    ``adds``: its newest incident accepts more signals. Signals that it has already counted are
    never pending, and never counted by a new incident. Signals that are older than the incident by
    more than the condition's time are not about it.
    """
    counted = [s for s in signals if story is not None and story.counts(s.key)]
    passing = {signal.key: signal for signal in gate.signals}
    incident = story.incident if story is not None else None
    if adds:
        since = (incident.first_time if incident else None) or 0.0
        passing.update({s.key: s for s in signals if s.last_time >= since - gate.seconds})
        passing.update({signal.key: signal for signal in counted})
    elif counted:
        passing = {signal.key: signal for signal in counted}
    chosen = sorted(passing.values(), key=lambda signal: (signal.first_time, signal.key))
    return chosen, [signal for signal in signals if signal.key not in passing]


def pending_now(stores: Stores, clock: Clock) -> List[Signal]:
    """Return the newest signals that may still open an incident, for the worker to ingest."""
    query = {"$and": [{"pending": True}, {"last_time": {"$gte": clock.now() - LONGEST_SECONDS}}]}
    found = stores.signals.find(query, "last_time:-1", MAX_RECHECKED)
    return [Signal.from_document(document) for document in found]


def pending_count(stores: Stores) -> int:
    """Return the number of pending signals, at most MAX_COUNTED."""
    order = "entity:1"  # as the acceleration by_pending
    return len(stores.signals.find({"pending": True}, order, MAX_COUNTED, fields=("entity",)))


def released(
    signals: Sequence[Signal], others: Mapping[str, Sequence[Fact]]
) -> Dict[str, Tuple[str, bool]]:
    """Return the pending signals that may open an incident: by key, why, and whether rules met.

    ``others``: times and rules of the other signals about each entity.
    """
    found: Dict[str, Tuple[str, bool]] = {}
    by_problem: Dict[str, List[Signal]] = {}
    by_entity: Dict[str, List[Signal]] = {}
    for signal in signals:
        by_problem.setdefault(signal.dedup_key, []).append(signal)
        by_entity.setdefault(signal.entity, []).append(signal)
    for entity, some in by_entity.items():
        facts = [(s.last_time, f"{s.app}:{s.rule}") for s in some] + list(others.get(entity, ()))
        _release(some, facts, "rules", found)
    for some in by_problem.values():
        # A run that found the problem at several entities has found it once.
        _release(some, [(s.last_time, s.sid or s.key) for s in some], "signals", found)
    return found


def _release(
    signals: Sequence[Signal], facts: Iterable[Fact], what: str, found: Dict[str, Tuple[str, bool]]
) -> None:
    """Add the signals that lie in a span of time with enough facts to ``found``."""
    ordered = sorted(facts)
    conditions = {(int(s.after[what]), float(s.after["seconds"])) for s in signals if s.after}
    for least, seconds in sorted(conditions):
        if least < 2:
            continue
        for begin, end in _spans(ordered, seconds, least):
            reason = f"At least {least} {what} within {seconds:.0f} seconds."
            for signal in signals:
                mine = (int(signal.after[what]), float(signal.after["seconds"]))
                if mine == (least, seconds) and begin <= signal.last_time <= end:
                    found.setdefault(signal.key, (reason, what == "rules"))


def _spans(ordered: Sequence[Fact], seconds: float, least: int) -> List[Tuple[float, float]]:
    """Return the spans of time with enough facts; overlapping spans are merged."""
    spans: List[Tuple[float, float]] = []
    within: Dict[str, int] = {}
    end = 0
    for begin, first in ordered:
        while end < len(ordered) and ordered[end][0] <= begin + seconds:
            what = ordered[end][1]
            within[what] = within.get(what, 0) + 1
            end += 1
        if len(within) >= least:
            last = ordered[end - 1][0]
            if spans and begin <= spans[-1][1]:
                spans[-1] = (spans[-1][0], max(last, spans[-1][1]))
            else:
                spans.append((begin, last))
        within[first] -= 1
        if not within[first]:
            del within[first]
    return spans


def _gates(signals: Sequence[Signal], others: Mapping[str, Sequence[Fact]]) -> Dict[str, Gate]:
    why = released(signals, others)
    ordered = sorted(signals, key=lambda signal: (signal.first_time, signal.key))
    leaders: Dict[str, str] = {}
    for signal in ordered:
        if why.get(signal.key, ("", False))[1]:
            leaders.setdefault(signal.entity, signal.dedup_key)
    by_problem: Dict[str, List[Signal]] = {}
    for signal in ordered:
        by_problem.setdefault(signal.dedup_key, []).append(signal)
    gates: Dict[str, Gate] = {}
    for key, some in by_problem.items():
        passing = [signal for signal in some if signal.key in why]
        reason = why[passing[0].key][0] if passing else ""
        found = [leaders[signal.entity] for signal in passing if why[signal.key][1]]
        leader = next((one for one in found if one != key), "")
        seconds = max(float(signal.after["seconds"]) for signal in some)
        gates[key] = Gate(tuple(passing), reason, leader, seconds)
    return gates


def _pending(stores: Stores, entities: Set[str]) -> List[Signal]:
    found: List[Signal] = []
    for of_entities in bounded_queries(
        ({"entity": one} for one in sorted(entities)), ENTITIES_PER_QUERY
    ):
        query = {"$and": [{"pending": True}, of_entities]}
        documents = stores.signals.find(query, "last_time:-1", MAX_READ)
        found += [Signal.from_document(document) for document in documents]
    return found


def _others(stores: Stores, signals: Sequence[Signal]) -> Dict[str, List[Fact]]:
    """Return the signals about these entities, in the time of the conditions, not pending."""
    span = max(float(signal.after["seconds"]) for signal in signals)
    times = [signal.last_time for signal in signals]
    found: Dict[str, List[Fact]] = {}
    entities = sorted({signal.entity for signal in signals})
    for of_entities in bounded_queries(({"entity": one} for one in entities), ENTITIES_PER_QUERY):
        query = {
            "$and": [
                of_entities,
                {"last_time": {"$gte": min(times) - span}},
                {"last_time": {"$lte": max(times) + span}},
            ]
        }
        for document in stores.signals.find(query, "last_time:-1", MAX_READ, fields=_FACT):
            if not document.get("pending") and not document.get("suppressed_by"):
                fact = (float(document["last_time"]), f"{document['app']}:{document['rule']}")
                found.setdefault(str(document["entity"]), []).append(fact)
    return found
