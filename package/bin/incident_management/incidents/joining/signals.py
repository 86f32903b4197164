"""The documents of an incident's signals; some name an incident that was merged into it."""

from __future__ import annotations

from typing import List

from ...ports import Document, Stores
from ..model import Incident
from ..stores import any_of, chunks

__all__ = ["latest_signals", "signals_query"]

# As a query that fits into a URL.
NAMES_A_QUERY = 30


def signals_query(incident: Incident) -> Document:
    """Return the query for the documents of an incident's signals.

    Those of an incident that was merged into it name that one for a while.
    """
    if incident.merged_into:
        return {"_key": ""}  # It has none, whatever they still name.
    return any_of("incident_id", (incident.id, *incident.merged))


def latest_signals(stores: Stores, incident: Incident, limit: int, skip: int) -> List[Document]:
    """Return documents of an incident's signals, the latest first.

    The names are asked for some at a time: a query of all those that were merged into it would be
    too long for a URL, and then every signal would have to be read to order them.
    """
    names = [] if incident.merged_into else [incident.id, *incident.merged]
    order = "last_time:-1,_key:-1"  # as an acceleration has it, for pages far down
    found: List[Document] = []
    for some in chunks(names, NAMES_A_QUERY):
        query = any_of("incident_id", some)
        if len(names) <= NAMES_A_QUERY:
            return stores.signals.find(query, order, limit, skip)
        found += stores.signals.find(query, order, limit + skip)
    found.sort(key=lambda one: (one["last_time"], one["_key"]), reverse=True)
    return found[skip : skip + limit]
