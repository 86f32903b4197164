"""Read from the KV store which monitors a cluster has, and what keeps them from judging.

The worker of each member registers the monitors of its inputs.conf, and a monitor's process records
its trouble (:mod:`...worker.monitors.roster`, :mod:`...worker.monitors.troubles`).
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

from ...ports import Document, Stores
from ..packing import unpack

__all__ = [
    "GONE_SECONDS",
    "REGISTERED",
    "TROUBLE",
    "known_monitors",
    "registered_monitors",
    "registrations",
    "troubles",
]

REGISTERED = "monitors of a member"
TROUBLE = "monitor trouble"
GONE_SECONDS = 3600.0
"""A member that has not signed for so long is gone, and its monitors with it."""
MAX_BYTES = 8_000_000

Monitors = Mapping[str, Mapping[str, Any]]


def registrations(stores: Stores, now: float) -> List[Document]:
    """Return the registrations of members that are not gone, the newest last."""
    found = stores.claims.find({"purpose": REGISTERED})
    fresh = [one for one in found if now - float(one["time"]) < GONE_SECONDS]
    return sorted(fresh, key=lambda one: float(one["time"]))


def registered_monitors(document: Document) -> Monitors:
    """Return the monitors that a member registered; none if unreadable, they are registered
    again.
    """
    try:
        return dict(unpack(str(document["value"]["monitors"]), MAX_BYTES)["monitors"])
    except (ValueError, LookupError):
        return {}


def known_monitors(
    stores: Stores, now: float, own: Monitors, holder: str = ""
) -> Dict[str, Mapping[str, Any]]:
    """Return the settings of the monitors of all members, by name.

    ``own`` are those of this member, whose name is ``holder``; they take precedence.
    """
    found: Dict[str, Mapping[str, Any]] = {}
    for document in registrations(stores, now):
        if document["holder"] != holder:
            found.update(registered_monitors(document))
    return {**found, **own}


def troubles(stores: Stores) -> Dict[str, str]:
    """Return, for each monitor that is in trouble, a sentence with what is wrong now."""
    notes = stores.claims.find({"purpose": TROUBLE})
    return {str(one["value"]["monitor"]): str(one["value"]["sentence"]) for one in notes}
