"""Finds the incident that a person means: by part of its id, or by their thread or channel."""

from __future__ import annotations

from typing import List, Optional

from ...incidents.identity import as_digits
from ...incidents.stores import IS_OPEN
from ...notify.announcing.stakeholders import survivors
from ...ports import Clock, Document, Stores
from ..people import Declined

__all__ = ["by_place", "by_reference"]

# Parts of ids, and incident channels, are searched among open incidents and those changed within
# this time.
RECENT_SECONDS = 7 * 86400.0
LOOKED_AT = 5000
NAMED = 3
# A message's ts is by Slack's clock, the time at which it was recorded as sent is by ours.
SENT_WITHIN_SECONDS = 3600.0


def by_reference(stores: Stores, clock: Clock, part: str) -> str:
    """Return the id of the one incident that a part of an id matches. Raises Declined."""
    is_open = stores.incidents.find(IS_OPEN, limit=LOOKED_AT, fields=("_key",))
    changed = stores.incidents.find(
        _changed_lately(clock), "updated_at:-1", LOOKED_AT, fields=("_key",)
    )
    if len(is_open) == LOOKED_AT:
        raise Declined(f"Too many incidents are open to search for {part}. Enter the whole id.")
    day, _, digits = part.rpartition("-")
    keys = sorted({str(one["_key"]) for one in (*is_open, *changed)}, reverse=True)
    found = [key for key in keys if _fits(key, day, as_digits(digits))]
    if len(found) == 1:
        return found[0]
    if not found:
        raise Declined(
            f"No incident that is open or changed within a week matches {part}. Enter the "
            "whole id (INC-…), or help for the commands."
        )
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    raise Declined(f"{part} matches {', '.join(found[:NAMED])}{more}. Enter more of the id.")


def by_place(stores: Stores, clock: Clock, channel: str, ts: str = "") -> Optional[Document]:
    """Return the incident of a thread or a channel, or the one that it was merged into.

    ``ts`` is that of the thread's first message; empty if there is no thread.
    """
    key = _of_thread(stores, channel, ts)
    known = stores.incidents.get(key) if key else _of_room(stores, clock, channel)
    if known is None:
        return None
    return [known, *survivors(stores, str(known.get("merged_into") or ""))][-1]


def _of_room(stores: Stores, clock: Clock, channel: str) -> Optional[Document]:
    lately = {"$or": [IS_OPEN, _changed_lately(clock)]}
    query = {"$and": [{"room.channel": channel}, lately]}
    return next(iter(stores.incidents.find(query, "updated_at:-1", 1)), None)


def _changed_lately(clock: Clock) -> Document:
    return {"updated_at": {"$gte": clock.now() - RECENT_SECONDS}}


def _of_thread(stores: Stores, channel: str, ts: str) -> str:
    try:
        moment = float(ts)
    except ValueError:
        return ""
    within = {"$gte": moment - SENT_WITHIN_SECONDS, "$lte": moment + SENT_WITHIN_SECONDS}
    query = {"channel": "slack", "sent_at": within}
    sent = stores.outbox.find(query, limit=LOOKED_AT, fields=("incident_id", "receipt"))
    found: List[str] = [
        str(one.get("incident_id") or "")
        for one in sent
        if (one["receipt"] or {}).get("channel") == channel and one["receipt"].get("ts") == ts
    ]
    return next(filter(None, found), "")


def _fits(key: str, day: str, digits: str) -> bool:
    _inc, its_day, its_digits = key.split("-")
    return its_digits.startswith(digits) and day in ("", its_day)
