"""Counts of due reviews and overdue follow-ups."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence

from ...ports import Clock, Document, Stores
from ..editing import WITHDRAWN
from ..model import ENDED
from ..signal import SIMULATED
from ..stores import claim_document
from .document import NO_PROBLEM
from .reminders import incidents_with_follow_ups
from .review_state import ENDING

__all__ = ["DUE_COUNTS", "due_clauses", "save_due_counts"]

DUE_COUNTS = "afterwards"
"""The key and the purpose of the claim with the counts for the overview page."""
# Reviews of incidents from the last 30 days, as in the workbench.
REVIEWED_SECONDS = 30 * 86_400.0
MOST = 1000


def due_clauses(severities: Sequence[str]) -> List[Document]:
    """Return the clauses of a query for the incidents whose review is due.

    That is: a review is needed, the incident is over, and the review was not ended.
    """
    over: List[Document] = [{"status": one} for one in ENDED]
    # If no severity is reviewed, nothing matches.
    of_these: List[Document] = [{"severity": one} for one in severities] or [{"severity": "none"}]
    excluded: Dict[str, Any] = {"review": ENDING, "feedback": NO_PROBLEM}
    return [
        {"$or": over},
        {"$or": of_these},
        {"merged_into": ""},
        {"rules": {"$ne": SIMULATED}},
        *({name: {"$ne": value}} for name, values in excluded.items() for value in values),
        # Withdrawn incidents, with or without a reason after a colon, are excluded.
        {"$or": [{"resolution": {"$lt": WITHDRAWN}}, {"resolution": {"$gte": f"{WITHDRAWN};"}}]},
    ]


def save_due_counts(stores: Stores, clock: Clock, severities: Sequence[str]) -> None:
    """Store the counts for the overview page; written only when they change.

    ``severities`` are those that are reviewed. Reviews of the last 30 days count, at most 1000.
    """
    now = clock.now()
    lately = {"opened_at": {"$gte": now - REVIEWED_SECONDS}}
    query = {"$and": [*due_clauses(severities), lately]}
    due = stores.incidents.find(query, limit=MOST, fields=("_key",))
    late = (
        one
        for document in incidents_with_follow_ups(stores, (), only_open=True)
        for one in document.get("follow_ups") or ()
        if one["state"] == "open" and one["due"] <= now
    )
    value = {"reviews_due": len(due), "follow_ups_overdue": sum(1 for _ in late)}
    known = stores.claims.get(DUE_COUNTS)
    if known is None or known["value"] != value:
        stores.claims.save([claim_document(DUE_COUNTS, now, value)])
