"""Detections that open an incident only after several signals, or several rules, in some time.

``after`` of a signal holds ``signals`` (so many of its problem), ``rules`` (so many different rules
about its entity; either will do) and ``seconds``. While neither is met, a signal is stored with
``pending``, and opens nothing. A problem whose incident is open, or was resolved within the reopen
window, needs no condition: its signals add to it.

A writer stores its signals as pending before it reads those of the others, so of two writers that
bring the last signals at once, one sees all. What is met depends on the set of stored signals and
their own times, not on the order of arrival: a repeat changes nothing. The worker looks at what is
pending again (:func:`pending_now`), for a rule without a condition may complete another's, and for
writers that were ended in between.
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
# Beyond this many about one part of the entities, the newest are looked at.
MAX_READ = 10_000
# Pending signals that the worker looks at in one turn, the newest first.
MAX_RECHECKED = 2000
# One whose condition is never met is pending until it is deleted by age.
MAX_COUNTED = 10_000

Fact = Tuple[float, str]
_FACT = ("app", "rule", "entity", "last_time", "pending", "suppressed_by")


@dataclass(frozen=True)
class Gate:
    """What a problem's condition says now: ``signals`` may open an incident, none may not.

    ``with_problem`` is the problem whose incident they belong to, when several rules met.
    """

    signals: Tuple[Signal, ...] = ()
    reason: str = ""
    with_problem: str = ""
    seconds: float = 0.0


def check(after: Mapping[str, Any]) -> Document:
    """Return a condition in its stored form; empty for none. Raises Invalid with one sentence."""
    given = [after.get(name) or 0 for name in ("signals", "rules", "seconds")]
    if any(isinstance(one, bool) or not isinstance(one, (int, float)) for one in given):
        raise Invalid("A condition's signals, rules and seconds are numbers.")
    signals, rules, seconds = int(given[0]), int(given[1]), float(given[2])
    if signals <= 1 and rules <= 1:
        return {}
    if signals > MAX_SIGNALS or rules > MAX_RULES:
        text = f"A condition counts at most {MAX_SIGNALS} signals or {MAX_RULES} rules."
        raise Invalid(text)
    if not 0 < seconds <= LONGEST_SECONDS:
        raise Invalid("A condition needs 'seconds', its time span, of at most 7 days.")
    return {"signals": max(signals, 0), "rules": max(rules, 0), "seconds": seconds}


def gates(stores: Stores, fresh: Sequence[Signal], pending: Container[str] = ()) -> Dict[str, Gate]:
    """Store signals as pending, and return what the conditions of their problems say now.

    All of ``fresh`` have a condition; ``pending`` are the keys of those that are stored already.
    There may be gates of other problems, which the same rules have met.
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
    """Return which signals of a problem go to its incident, and which wait on.

    ``adds``: its newest incident takes more. What that has counted already is never held back, and
    never counted by a new one; what is older than the incident by more than the condition's time
    is not about it.
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
    """Return the newest signals that still may open something, for the worker to take in again."""
    query = {"$and": [{"pending": True}, {"last_time": {"$gte": clock.now() - LONGEST_SECONDS}}]}
    found = stores.signals.find(query, "last_time:-1", MAX_RECHECKED)
    return [Signal.from_document(document) for document in found]


def pending_count(stores: Stores) -> int:
    """Return how many signals are pending, MAX_COUNTED for so many or more."""
    order = "entity:1"  # as the acceleration by_pending
    return len(stores.signals.find({"pending": True}, order, MAX_COUNTED, fields=("entity",)))


def released(
    signals: Sequence[Signal], others: Mapping[str, Sequence[Fact]]
) -> Dict[str, Tuple[str, bool]]:
    """Return why each of some pending signals may open an incident, and whether rules met for it.

    ``others``: times and rules of what else was found about each entity.
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
    """Find the signals with a span of time around them in which enough was found."""
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
    """Return the stretches of time in which enough was found; those that overlap are one."""
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
    """What was found about these entities in the time of their conditions, and is not pending."""
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
