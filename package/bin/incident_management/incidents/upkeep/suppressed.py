"""Suppressed signals: which must still be ingested, and which of their problems continue.

Some tools report an alert only when it begins and when it ends. CloudWatch sends an alarm when its
state changes, Datadog unless it is set to renotify. An alert that began in a maintenance window
would never be reported again, so the worker ingests it when no suppression covers it any more,
unless the tool has reported its end since.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Iterable, List, Set

from ...ports import Clock, Document, Stores
from .. import suppression
from ..canonical import milliseconds
from ..joining.signals import signals_query
from ..model import Incident
from ..signal import Signal
from ..stores import KEYS_PER_QUERY, any_of, bounded_queries, chunks

__all__ = [
    "has_signals_of",
    "last_suppressed",
    "mark_ended",
    "still_firing",
    "suppressed_problems",
    "was_found_since",
]

TOLD_ONCE = ("cloudwatch", "datadog")
# The most suppressed signals checked in one turn, the newest first.
MAX_HELD = 2000
# The most suppressions that the query leaves out: it travels in a URL.
LEFT_OUT = 50


def still_firing(stores: Stores, clock: Clock) -> List[Signal]:
    """Return suppressed signals that have not ended and are no longer suppressed, ending now."""
    now = milliseconds(clock.now())
    active = suppression.active_between(stores.suppressions, now, now)
    # The signals of suppressions in force may exceed the limit for as long as a mute lasts.
    in_force = [one.id for one in active if one.in_force(now)][:LEFT_OUT]
    query: Document = {
        "$and": [
            {"suppressed_by": {"$gt": ""}},
            any_of("app", TOLD_ONCE),
            {"over": {"$ne": True}},
            *({"suppressed_by": {"$ne": one}} for one in in_force),
        ]
    }
    held = stores.signals.find(query, "last_time:-1", MAX_HELD)
    signals = [replace(Signal.from_document(document), last_time=now) for document in held]
    still = suppression.suppressing(active, signals)
    return [signal for signal in signals if signal.key not in still]


def suppressed_problems(stores: Stores, rule: str, app: str, since: float) -> Set[str]:
    """Return the dedup keys of a detection's problems with suppressed findings since then."""
    query = {"$and": [*_of(rule, app), {"received_at": {"$gt": since}}]}
    found = stores.signals.find(query, fields=("dedup_key",))
    return {str(one["dedup_key"]) for one in found}


def has_signals_of(stores: Stores, incident: Incident, problems: Iterable[str]) -> bool:
    """Tell whether an incident has signals of one of these problems, by dedup key."""
    queries = (any_of("dedup_key", some) for some in chunks(sorted(problems), KEYS_PER_QUERY))
    return any(
        stores.signals.find({"$and": [signals_query(incident), query]}, "", 1) for query in queries
    )


def was_found_since(stores: Stores, incident: Incident, since: float) -> bool:
    """Tell whether one of an incident's problems had suppressed findings since then.

    A problem whose end its tool has reported does not count.
    """
    query: Document = {
        "$and": [
            any_of("rule", incident.rules),
            {"received_at": {"$gt": since}},
            {"suppressed_by": {"$gt": ""}},
            {"over": {"$ne": True}},
        ]
    }
    found = stores.signals.find(query, "received_at:-1", MAX_HELD, fields=("dedup_key",))
    return has_signals_of(stores, incident, {str(one["dedup_key"]) for one in found})


def last_suppressed(stores: Stores, rule: str, app: str, since: float, until: float) -> float:
    """Return when a detection's last suppressed finding in a span arrived; 0 without one."""
    span = {"received_at": {"$gt": since, "$lte": until}}
    found = stores.signals.find({"$and": [*_of(rule, app), span]}, "received_at:-1", 1)
    return float(found[0]["received_at"]) if found else 0.0


def _of(rule: str, app: str) -> List[Document]:
    return [{"rule": rule}, {"app": app}, {"suppressed_by": {"$gt": ""}}]


def mark_ended(stores: Stores, problems: Iterable[str]) -> None:
    """Mark the suppressed signals of these problems, by dedup key, as over."""
    keys = [{"dedup_key": problem} for problem in sorted(problems)]
    for of_problems in bounded_queries(keys, len(keys)):
        held = {"$and": [{"suppressed_by": {"$gt": ""}}, {"over": {"$ne": True}}, of_problems]}
        ended = [{**document, "over": True} for document in stores.signals.find(held)]
        if ended:
            stores.signals.save(ended)
