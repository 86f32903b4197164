"""Reminds the owners of overdue follow-ups once, and drops follow-ups after a further year.

An entry on the timeline records that, and the announcer sends it as any other.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Sequence, Tuple

from ...ports import Clock, Document, Stores
from .. import timeline
from ..act import Act
from ..errors import IllegalMove, NotFound
from ..items import WRITING_SECONDS
from ..model import ACTOR
from ..stores import find_by, readable_claim
from .review_state import OVERDUE
from .writing import FOLLOW_UPS, change_follow_up

__all__ = ["incidents_with_follow_ups", "send_reminders"]

# Of incidents with follow-ups: as many as a large company has severe incidents in a year.
MOST_INCIDENTS = 5000
LOOKED_AT_A_ROUND = 1000
A_ROUND = 50
# The longest time until an incident is checked again.
AGAIN_SECONDS = 86_400.0
AHEAD_SECONDS = 2 * AGAIN_SECONDS
# An incident with open follow-ups is kept (:mod:`..upkeep.retention`), so they must end some time.
FORGOTTEN_SECONDS = 365 * 86_400.0


def incidents_with_follow_ups(
    stores: Stores, fields: Tuple[str, ...], only_open: bool = False
) -> List[Document]:
    """Return those fields, and ``follow_ups``, of the newest incidents with follow-ups.

    ``only_open``: only of incidents that may have open ones.
    """
    query: Document = {"purpose": FOLLOW_UPS}
    if only_open:
        query["value.open"] = {"$ne": False}
    order, named = "purpose:1,_key:-1", ("purpose",)
    claims = stores.claims.find(query, order, MOST_INCIDENTS, fields=named)
    ids = [str(one["_key"]).partition(":")[2] for one in claims]
    return find_by(stores.incidents, "_key", ids, ("follow_ups", *fields)) if ids else []


def send_reminders(
    stores: Stores,
    clock: Clock,
    enqueue_missing: Callable[[Sequence[str]], object] = lambda ids: None,
) -> Dict[str, int]:
    """Write due reminders and drops, at most 50; return the numbers of both.

    ``enqueue_missing`` updates the tickets of some incidents' follow-ups, after each change and
    once a day.
    """
    now = clock.now()
    done = {"follow_ups_overdue": 0, "follow_ups_dropped": 0}
    for incident_id, one in _due_follow_ups(stores, now, enqueue_missing)[:A_ROUND]:
        write, name = (_drop, "dropped") if _is_forgotten(one, now) else (_remind, OVERDUE)
        # Every change makes a new ``once``, so a changed or reopened follow-up gets a new reminder.
        once = f"follow-up:{one['id']}:{name}:{one['due']:.3f}:{one['at']:.3f}"
        try:
            if one in timeline.refresh(stores, incident_id).follow_ups:
                write(Act(stores, clock, ACTOR, once), incident_id, one)
                done[f"follow_ups_{name}"] += 1
        except (NotFound, IllegalMove):
            continue  # It was deleted, or another user has just changed it.
    return done


def _due_follow_ups(
    stores: Stores, now: float, enqueue_missing: Callable[[Sequence[str]], object]
) -> List[Tuple[str, Document]]:
    """Return the follow-ups to remind of or drop; put off the check of the other incidents."""
    # A right clock schedules no check more than a day ahead.
    times = [{"time": {"$lte": now}}, {"time": {"$gt": now + AHEAD_SECONDS}}]
    query = {"$and": [{"purpose": FOLLOW_UPS}, {"$or": times}]}
    found_claims = stores.claims.find(query, "purpose:1,time:1", LOOKED_AT_A_ROUND)
    claims = [readable_claim(one) for one in found_claims]
    ids = list(map(_incident_of, claims))
    known = _follow_ups_of(stores, ids)
    enqueue_missing([key for key, some in known.items() if any(one.get("tickets") for one in some)])
    noted = _open_ones(known)
    found: List[Tuple[str, Document]] = []
    put_off: List[Document] = []
    for claim, incident_id in zip(claims, ids):
        still_open = noted.get(incident_id, [])
        overdue = [(incident_id, one) for one in still_open if _needs_reminder(one, now)]
        found += overdue
        age = now - float(claim["time"])
        if not overdue and not 0 <= age < WRITING_SECONDS:
            # Without a document, as during an upgrade, the state is unknown.
            is_open = bool(still_open) or incident_id not in noted
            put_off.append(_put_off(claim, still_open, is_open, now))
    stores.claims.save(put_off)
    _recheck_changed(stores, put_off, noted, now)
    return found


def _recheck_changed(
    stores: Stores, put_off: Sequence[Document], noted: Mapping[str, List[Document]], now: float
) -> None:
    """Undo the scheduling of incidents that changed meanwhile; delete claims of deleted ones.

    A writer of a follow-up saves its claim before and after: a change in between is seen here.
    """
    open_now = _open_ones(_follow_ups_of(stores, list(map(_incident_of, put_off))))
    changed: List[Document] = []
    for claim in put_off:
        before, after = noted.get(_incident_of(claim)), open_now.get(_incident_of(claim))
        if before is not None and after is None:
            stores.claims.delete(str(claim["_key"]))
        elif before != after:
            changed.append({**claim, "time": now, "value": {**claim["value"], "open": True}})
    stores.claims.save(changed)


def _incident_of(claim: Document) -> str:
    """Return the id of the incident from a claim's key."""
    return str(claim["_key"]).partition(":")[2]


def _follow_ups_of(stores: Stores, incident_ids: Sequence[str]) -> Dict[str, List[Document]]:
    """Return the follow-ups of those incidents that have a document."""
    known = find_by(stores.incidents, "_key", incident_ids, ("follow_ups",))
    return {str(one["_key"]): list(one.get("follow_ups") or ()) for one in known}


def _open_ones(known: Mapping[str, List[Document]]) -> Dict[str, List[Document]]:
    return {key: [one for one in some if one["state"] == "open"] for key, some in known.items()}


def _put_off(
    claim: Document, still_open: Sequence[Document], is_open: bool, now: float
) -> Document:
    """Return the claim with the time of the next check: the next due date, or after a day."""
    dates = [float(one["due"]) for one in still_open if one["due"] > now]
    value = {**claim["value"], "open": is_open}
    return {**claim, "time": min([now + AGAIN_SECONDS, *dates]), "value": value}


def _needs_reminder(one: Mapping[str, Any], now: float) -> bool:
    """Tell whether a follow-up is overdue without a reminder, or forgotten."""
    return one["due"] <= now and (one.get("reminded") != one["due"] or _is_forgotten(one, now))


def _is_forgotten(one: Mapping[str, Any], now: float) -> bool:
    """Tell whether it is a year overdue, and was not changed for a year."""
    return now - max(float(one["due"]), float(one["at"])) > FORGOTTEN_SECONDS


def _drop(act: Act, incident_id: str, one: Mapping[str, Any]) -> None:
    reason = "It was a year overdue, and nobody had changed it for a year."
    changes = {"state": "dropped", "reason": reason}
    change_follow_up(act, incident_id, one["id"], changes, one["at"])


def _remind(act: Act, incident_id: str, one: Mapping[str, Any]) -> None:
    told = {name: one[name] for name in ("title", "owner", "due", "due_day") if name in one}
    data = {"follow_up": one["id"], "event": OVERDUE, **told}
    timeline.record(act, incident_id, "follow_up", data, act.once)
