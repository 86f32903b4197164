"""Suppressed signals: which must still be ingested, and which of their problems continue.

Some tools tell of an alert twice: when it begins and when it ends. CloudWatch sends an alarm when
its state changes, Datadog unless it is told to renotify too. One that began in a maintenance window
would not be heard of again: so the worker takes it in when no suppression covers it any more,
unless the tool has said since that it is over.
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
# How many are looked at in one turn, the newest first.
MAX_HELD = 2000
# The most suppressions that the query leaves out: it travels in a URL.
LEFT_OUT = 50


def still_firing(stores: Stores, clock: Clock) -> List[Signal]:
    """Return what was held back, is not over and is held back no longer, with now as its end."""
    now = milliseconds(clock.now())
    active = suppression.active_between(stores.suppressions, now, now)
    # What these hold may be more than is looked at, for as long as a mute lasts.
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
    """Return the problems, by dedup key, of which a detection's findings were held back since."""
    query = {"$and": [*_of(rule, app), {"received_at": {"$gt": since}}]}
    found = stores.signals.find(query, fields=("dedup_key",))
    return {str(one["dedup_key"]) for one in found}


def has_signals_of(stores: Stores, incident: Incident, problems: Iterable[str]) -> bool:
    """Whether an incident has signals of one of these problems, by dedup key."""
    queries = (any_of("dedup_key", some) for some in chunks(sorted(problems), KEYS_PER_QUERY))
    return any(
        stores.signals.find({"$and": [signals_query(incident), query]}, "", 1) for query in queries
    )


def was_found_since(stores: Stores, incident: Incident, since: float) -> bool:
    """Whether one of an incident's problems was found since, though that was held back.

    One whose end its tool has told does not go on.
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
    """Return when a detection's last finding within a span was held back; 0: none was."""
    span = {"received_at": {"$gt": since, "$lte": until}}
    found = stores.signals.find({"$and": [*_of(rule, app), span]}, "received_at:-1", 1)
    return float(found[0]["received_at"]) if found else 0.0


def _of(rule: str, app: str) -> List[Document]:
    return [{"rule": rule}, {"app": app}, {"suppressed_by": {"$gt": ""}}]


def mark_ended(stores: Stores, problems: Iterable[str]) -> None:
    """Note that what was held back of these problems, by dedup key, is over."""
    keys = [{"dedup_key": problem} for problem in sorted(problems)]
    for of_problems in bounded_queries(keys, len(keys)):
        held = {"$and": [{"suppressed_by": {"$gt": ""}}, {"over": {"$ne": True}}, of_problems]}
        ended = [{**document, "over": True} for document in stores.signals.find(held)]
        if ended:
            stores.signals.save(ended)
