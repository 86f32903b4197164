"""The documents of an incident's signals; some name an incident that was merged into it."""

from __future__ import annotations

from typing import List

from ...ports import Document, Stores
from ..model import Incident
from ..stores import any_of, chunks

__all__ = ["latest_signals", "signals_query"]

# As many as fit into a URL.
NAMES_A_QUERY = 30


def signals_query(incident: Incident) -> Document:
    """Return the query for the documents of an incident's signals.

    For a while, the signals of a merged incident still name that incident.
    """
    if incident.merged_into:
        return {"_key": ""}  # It has no signals, even if some still name it.
    return any_of("incident_id", (incident.id, *incident.merged))


def latest_signals(stores: Stores, incident: Incident, limit: int, skip: int) -> List[Document]:
    """Return documents of an incident's signals, the latest first.

    The ids are queried in parts: a query of all merged incidents would be too long for a URL, and
    the KV store would then read every signal to sort them.
    """
    names = [] if incident.merged_into else [incident.id, *incident.merged]
    order = "last_time:-1,_key:-1"  # as in an acceleration, for pages far down
    found: List[Document] = []
    for some in chunks(names, NAMES_A_QUERY):
        query = any_of("incident_id", some)
        if len(names) <= NAMES_A_QUERY:
            return stores.signals.find(query, order, limit, skip)
        found += stores.signals.find(query, order, limit + skip)
    found.sort(key=lambda one: (one["last_time"], one["_key"]), reverse=True)
    return found[skip : skip + limit]
