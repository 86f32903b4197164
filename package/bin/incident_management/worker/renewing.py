"""Compares each incident's document with its timeline, some at a time, and makes it anew.

An incident's document is derived, so it can always be made again, and must be where

- an earlier version of the app wrote it, which did not know all that lists are sorted by now: one
  that lacks a number has no place in a list that goes on after a number;
- somebody deleted or changed it, in an editor of lookups or by a search;
- a backup without one moment for all collections was restored.

A timeline with fewer entries than its document knows has lost some, and the document tells more
than what is left: it stays, and the log names the incident.

:mod:`.refreshing` looks at what has happened lately; this walks through all timelines in the order
of their incidents, begins anew with another build of the app, and rests between two walks.
"""

from __future__ import annotations

from collections import Counter
from typing import Callable, Dict, Optional, Tuple

from ..incidents import timeline
from ..incidents.model import Incident
from ..incidents.stores import claim_document, find_by
from ..incidents.upkeep.retention import pruned
from ..ports import Clock, Document, Stores
from .clocks import ring

__all__ = ["renew_documents"]

CHECKPOINT = "worker:renew:checkpoint"
# So many entries are counted in a round: of 18,000 incidents with 20 each, a walk takes 36 rounds.
ENTRIES_A_ROUND = 10_000
# So many documents are made anew in a round, for which their whole timelines are read.
RENEWED_A_ROUND = 500
# From the beginning of a walk to the next one's.
EVERY_SECONDS = 6 * 3600.0
# What every document of this version holds, and that is quickly read.
NUMBERS = tuple(
    sorted(
        name
        for name, value in Incident("INC-20260101-000000").to_document().items()
        if isinstance(value, (int, float))
    )
)
_LOST = (
    "Entries of {} ({} incidents) are no longer in incident_timeline: were they deleted by hand, "
    "or is the backup of several moments? GET /incidents/{{id}}/history has them from the index."
)


def renew_documents(
    stores: Stores, clock: Clock, build: str, tell: Callable[[str, str], None]
) -> Dict[str, int]:
    """Look at the next timelines, and make the documents anew that do not fit them.

    ``build`` names the app that is installed; ``tell`` takes a name and a sentence for the log.
    Raises what the stores raise; then the next round looks at the same again.
    """
    now = clock.now()
    after, began = _place(stores, now, build)
    if after is None:
        return {}
    counts, is_last = _counted(stores, after)
    found = find_by(stores.incidents, "_key", counts, fields=NUMBERS)
    documents = {str(document["_key"]): document for document in found}
    unfit = [one for one in counts if not _fits(documents.get(one, {}), counts[one])]
    # One that is leaving must not get a document again after its own is deleted.
    leaving = pruned(stores, unfit)
    lost = {one for one in unfit if documents.get(one, {}).get("entries", 0) > counts[one]}
    if lost - leaving:
        tell(
            "lost entries", _LOST.format(", ".join(sorted(lost - leaving)[:5]), len(lost - leaving))
        )
    turn = [one for one in unfit if one not in leaving | lost][:RENEWED_A_ROUND]
    renewed = list(timeline.refresh_many(stores, turn))
    ring(stores, renewed, now)
    if len(turn) == RENEWED_A_ROUND:
        after, is_last = turn[-1], False
    elif counts:
        after = max(counts)
    value = {"after": after, "over": is_last, "build": build}
    stores.claims.save([claim_document(CHECKPOINT, began, value)])
    return {"incidents_renewed": len(renewed)}


def _fits(document: Document, entries: int) -> bool:
    return document.keys() >= {*NUMBERS} and document["entries"] == entries


def _place(stores: Stores, now: float, build: str) -> Tuple[Optional[str], float]:
    """Return after which incident the walk goes on, none while it rests, and when it began."""
    known = stores.claims.get(CHECKPOINT)
    if known is None or known["value"]["build"] != build:
        return "", now
    began, value = float(known["time"]), known["value"]
    if not value["over"]:
        return str(value["after"]), began
    # A beginning in the future is that of a wrong clock.
    return (None, began) if 0 <= now - began < EVERY_SECONDS else ("", now)


def _counted(stores: Stores, after: str) -> Tuple[Dict[str, int], bool]:
    """Return how many entries the next incidents have, and whether they are the last ones."""
    query = {"incident_id": {"$gt": after}}
    order, fields = "incident_id:1,seq:1", ("incident_id",)
    found = stores.timeline.find(query, order, ENTRIES_A_ROUND, fields=fields)
    counts = Counter(str(entry["incident_id"]) for entry in found)
    is_last = len(found) < ENTRIES_A_ROUND
    if not is_last:
        # There may be more of the last one.
        last = str(found[-1]["incident_id"])
        counts[last] = len(stores.timeline.keys({"incident_id": last}))
    return dict(counts), is_last
