"""Follow-ups that are overdue: their owners are reminded once, and a year later they are dropped.

An entry on the timeline says so, and the announcer tells it as it tells any other.
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

# Of those with follow-ups that are open, or asked for: as many as a large company has of grave
# incidents in a year.
MOST_INCIDENTS = 5000
LOOKED_AT_A_ROUND = 1000
A_ROUND = 50
# The longest until an incident is looked at again.
AGAIN_SECONDS = 86_400.0
AHEAD_SECONDS = 2 * AGAIN_SECONDS
# An incident with open follow-ups is kept (:mod:`..upkeep.retention`), so there must be an end.
FORGOTTEN_SECONDS = 365 * 86_400.0


def incidents_with_follow_ups(
    stores: Stores, fields: Tuple[str, ...], only_open: bool = False
) -> List[Document]:
    """Return those fields, and ``follow_ups``, of the newest incidents that have any.

    ``only_open``: of those that may have an open one.
    """
    query: Document = {"purpose": FOLLOW_UPS}
    if only_open:
        query["value.open"] = {"$ne": False}
    order, named = "purpose:1,_key:-1", ("purpose",)
    claims = stores.claims.find(query, order, MOST_INCIDENTS, fields=named)
    ids = [str(one["_key"]).partition(":")[2] for one in claims]
    return find_by(stores.incidents, "_key", ids, ("follow_ups", *fields)) if ids else []


def send_reminders(
    stores: Stores, clock: Clock, see_to: Callable[[Sequence[str]], object] = lambda ids: None
) -> Dict[str, int]:
    """Write what is due now, for at most 50 follow-ups; returns how many were told or dropped.

    ``see_to`` does what the tickets of some incidents' follow-ups may lack: after each change, and
    once a day.
    """
    now = clock.now()
    done = {"follow_ups_overdue": 0, "follow_ups_dropped": 0}
    for incident_id, one in _look(stores, now, see_to)[:A_ROUND]:
        write, name = (_drop, "dropped") if _is_forgotten(one, now) else (_tell, OVERDUE)
        # Each change makes it another follow-up: what was reminded of before, or reopened, is anew.
        once = f"follow-up:{one['id']}:{name}:{one['due']:.3f}:{one['at']:.3f}"
        try:
            if one in timeline.refresh(stores, incident_id).follow_ups:
                write(Act(stores, clock, ACTOR, once), incident_id, one)
                done[f"follow_ups_{name}"] += 1
        except (NotFound, IllegalMove):
            continue  # It has left the KV store since, or somebody has just changed it.
    return done


def _look(
    stores: Stores, now: float, see_to: Callable[[Sequence[str]], object]
) -> List[Tuple[str, Document]]:
    """Return what is to be told or dropped, and put off the incidents that have nothing of it."""
    # None that a right clock wrote lies further ahead than a day.
    times = [{"time": {"$lte": now}}, {"time": {"$gt": now + AHEAD_SECONDS}}]
    query = {"$and": [{"purpose": FOLLOW_UPS}, {"$or": times}]}
    found_claims = stores.claims.find(query, "purpose:1,time:1", LOOKED_AT_A_ROUND)
    claims = [readable_claim(one) for one in found_claims]
    ids = list(map(_incident_of, claims))
    known = _follow_ups_of(stores, ids)
    see_to([key for key, some in known.items() if any(one.get("tickets") for one in some)])
    noted = _open_ones(known)
    found: List[Tuple[str, Document]] = []
    put_off: List[Document] = []
    for claim, incident_id in zip(claims, ids):
        still_open = noted.get(incident_id, [])
        overdue = [(incident_id, one) for one in still_open if _is_to_be_told(one, now)]
        found += overdue
        age = now - float(claim["time"])
        if not overdue and not 0 <= age < WRITING_SECONDS:
            # Of one without a document, as in the middle of an upgrade, nobody knows.
            is_open = bool(still_open) or incident_id not in noted
            put_off.append(_put_off(claim, still_open, is_open, now))
    stores.claims.save(put_off)
    _look_again(stores, put_off, noted, now)
    return found


def _look_again(
    stores: Stores, put_off: Sequence[Document], noted: Mapping[str, List[Document]], now: float
) -> None:
    """Put off no longer what changed meanwhile, and forget what has left the KV store.

    Who changes a follow-up says so before and afterwards: in between, the change is seen here.
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
    """Return whose follow-ups they are, which a claim's key says, too."""
    return str(claim["_key"]).partition(":")[2]


def _follow_ups_of(stores: Stores, incident_ids: Sequence[str]) -> Dict[str, List[Document]]:
    """Return the follow-ups of each of these that has a document."""
    known = find_by(stores.incidents, "_key", incident_ids, ("follow_ups",))
    return {str(one["_key"]): list(one.get("follow_ups") or ()) for one in known}


def _open_ones(known: Mapping[str, List[Document]]) -> Dict[str, List[Document]]:
    return {key: [one for one in some if one["state"] == "open"] for key, some in known.items()}


def _put_off(
    claim: Document, still_open: Sequence[Document], is_open: bool, now: float
) -> Document:
    """Return the claim with when to look again: at the next date, or after a day."""
    dates = [float(one["due"]) for one in still_open if one["due"] > now]
    value = {**claim["value"], "open": is_open}
    return {**claim, "time": min([now + AGAIN_SECONDS, *dates]), "value": value}


def _is_to_be_told(one: Mapping[str, Any], now: float) -> bool:
    """Whether its date is past and its owner was not told, or it is forgotten."""
    return one["due"] <= now and (one.get("reminded") != one["due"] or _is_forgotten(one, now))


def _is_forgotten(one: Mapping[str, Any], now: float) -> bool:
    """Whether it is a year overdue, and nobody has changed it for a year."""
    return now - max(float(one["due"]), float(one["at"])) > FORGOTTEN_SECONDS


def _drop(act: Act, incident_id: str, one: Mapping[str, Any]) -> None:
    reason = "It was a year overdue, and nobody had changed it for a year."
    changes = {"state": "dropped", "reason": reason}
    change_follow_up(act, incident_id, one["id"], changes, one["at"])


def _tell(act: Act, incident_id: str, one: Mapping[str, Any]) -> None:
    told = {name: one[name] for name in ("title", "owner", "due", "due_day") if name in one}
    data = {"follow_up": one["id"], "event": OVERDUE, **told}
    timeline.record(act, incident_id, "follow_up", data, act.once)
