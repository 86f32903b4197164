"""Sweeps all incidents: compares each document with its timeline, and rebuilds it if it differs.

An incident's document is derived, so it can always be rebuilt. It must be rebuilt if

- an earlier version of the app wrote it, without fields that it has now: lists sorted by a number
  leave out a document without it, and tasks would be missing;
- someone deleted it, or saved it in a lookup editor that made texts of its numbers;
- a backup was restored whose collections are from different times.

Missing entries that are named somewhere are restored from the index (:mod:`.lost_entries`), even
for an incident without any left. If that fails, the document knows more than the timeline: it stays
until the next write to the incident, and each sweep logs it.

:mod:`.stale_documents` checks recent entries. This sweep goes through all incidents in the order of
their ids, starts again with another build of the app, and rests between two sweeps.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Set, Tuple

from ..incidents import timeline
from ..incidents.entry_validation import is_readable
from ..incidents.model import Incident
from ..incidents.stores import claim_document
from ..incidents.timeline import LOST, named_keys
from ..incidents.upkeep.retention import pruned
from ..ports import Clock, Document, SearchFailed, Stores
from .clocks import schedule_check
from .lost_entries import IndexedEntries, restore_entries

__all__ = ["sweep_documents"]

CHECKPOINT = "worker:renew:checkpoint"
# Entries checked in a round, of as many incidents at most: for 18,000 incidents with 20 each, a
# sweep takes 36 rounds.
ENTRIES_A_ROUND = 10_000
# The most documents rebuilt in a round, for which their whole timelines are read.
RENEWED_A_ROUND = 500
# The most incidents for which a round searches the index.
BROUGHT_BACK_A_ROUND = 5
# From the beginning of a sweep to the beginning of the next.
EVERY_SECONDS = 6 * 3600.0
# The fields of every document of this version, with their types.
KINDS = {
    name: (int, float) if isinstance(value, (int, float)) else type(value)
    for name, value in Incident("INC-20260101-000000").to_document().items()
    # A cause may have any type.
    if name not in ("_key", "cause")
}
# The fields to read of an entry; the entry count reveals one that is malformed otherwise.
_LOOKED_AT = ("incident_id", "kind", "time", "seq", "prev")
_LOST = (
    "Entries of {0} are missing from incident_timeline, and the audit index has no unchanged copy. "
    "Were they deleted or changed by hand, or were collections restored from different times? "
    "GET /incidents/{0}/history shows what is left."
)
_NOT_SEARCHED = (
    "Entries of {0} are missing from incident_timeline, and the audit index can't be searched for "
    "them. The search is retried within hours: {1}"
)


def sweep_documents(
    stores: Stores,
    clock: Clock,
    build: str,
    indexed: IndexedEntries,
    report_trouble: Callable[[str, str], None],
) -> Dict[str, int]:
    """Check the next timelines, and rebuild the documents that do not match them.

    ``build`` identifies the installed app; ``tell`` takes a name and a sentence for the log. Raises
    what the stores raise; then the next round checks the same again.
    """
    now = clock.now()
    after, began = _place(stores, now, build)
    if after is None:
        return {}
    seen, documents, is_last = _next(stores, after)
    waiting = [one for one in sorted(seen) if not seen[one].fits(documents.get(one, {}))]
    turn = waiting[:RENEWED_A_ROUND]
    broken = [one for one in turn if seen[one].is_broken(documents.get(one, {}))]
    broken, turn = _some(broken, turn)
    still_broken = partial(_still_broken, stores, clock, indexed, report_trouble)
    lost = still_broken(broken, documents)
    # An incident that is leaving must not get a new document after its own was deleted.
    leaving = pruned(stores, turn)
    # A document that names lost entries has been rebuilt by a writer already, so it may be again.
    fit = [one for one in turn if one not in lost or LOST in documents.get(one, {})]
    fit = [one for one in fit if one not in leaving]
    renewed = timeline.refresh_many(stores, fit)
    # Which entries are malformed shows only when all of their fields are read.
    odd = [one for one in sorted(renewed) if renewed[one].entries < len(seen[one].keys)]
    odd, turn = _some(odd, turn)
    lost = still_broken(odd, documents)
    timeline.refresh_many(stores, [one for one in odd if one not in lost])
    schedule_check(stores, list(renewed), now)
    if len(turn) < len(waiting):
        after, is_last = turn[-1], False
    elif seen:
        after = max(seen)
    value = {"after": after, "over": is_last, "build": build}
    stores.claims.save([claim_document(CHECKPOINT, began, value)])
    return {"incidents_renewed": len(renewed)}


def _some(broken: List[str], turn: List[str]) -> Tuple[List[str], List[str]]:
    """Return the broken incidents to search the index for, and the turn up to the last of them.

    The next round continues after them.
    """
    some = broken[:BROUGHT_BACK_A_ROUND]
    return some, turn if some == broken else turn[: turn.index(some[-1]) + 1]


def _still_broken(
    stores: Stores,
    clock: Clock,
    indexed: IndexedEntries,
    report_trouble: Callable[[str, str], None],
    broken: Iterable[str],
    documents: Mapping[str, Document],
) -> Set[str]:
    """Restore entries; return the incidents for which that failed, after logging them."""
    lost: Set[str] = set()
    failed = ""
    for incident_id in broken:
        named = named_keys(documents.get(incident_id, {}))
        is_whole = False
        # The previous search may have taken longer than an incident needs to leave.
        if pruned(stores, [incident_id]):
            continue
        try:
            # After one failed search, no other is tried: it would delay the rest as long again.
            is_whole = not failed and not restore_entries(
                stores, clock, incident_id, named, indexed
            )
        except SearchFailed as error:
            failed = str(error)
        if not is_whole:
            lost.add(incident_id)
            told = _NOT_SEARCHED if failed else _LOST
            report_trouble("lost entries", told.format(incident_id, failed))
    return lost


@dataclass
class _Seen:
    """The keys of an incident's entries, and the keys that these follow."""

    keys: Set[str] = field(default_factory=set)
    named: Set[str] = field(default_factory=set)

    def add(self, entry: Document) -> None:
        if is_readable(entry, _LOOKED_AT):
            self.keys.add(str(entry["_key"]))
            self.named |= named_keys(entry)

    def is_broken(self, document: Document) -> bool:
        return not self.named | named_keys(document) <= self.keys

    def fits(self, document: Document) -> bool:
        is_whole = all(isinstance(document.get(name), kind) for name, kind in KINDS.items())
        return is_whole and document["entries"] == len(self.keys) and not self.is_broken(document)


def _place(stores: Stores, now: float, build: str) -> Tuple[Optional[str], float]:
    """Return the incident after which the sweep continues, None in a rest, and its beginning."""
    known = stores.claims.get(CHECKPOINT)
    if known is None or known["value"]["build"] != build:
        return "", now
    began, value = float(known["time"]), known["value"]
    if not value["over"]:
        return str(value["after"]), began
    # A beginning in the future comes from a wrong clock.
    return (None, began) if 0 <= now - began < EVERY_SECONDS else ("", now)


def _next(stores: Stores, after: str) -> Tuple[Dict[str, _Seen], Dict[str, Document], bool]:
    """Return the next incidents, their documents, and whether they are the last.

    An incident may be without entries or without a document.
    """
    query: Dict[str, Any] = {"incident_id": {"$gt": after}}
    order, fields = "incident_id:1,seq:1", _LOOKED_AT
    entries = stores.timeline.find(query, order, ENTRIES_A_ROUND, fields=fields)
    is_last = len(entries) < ENTRIES_A_ROUND
    those = {"$gt": after}
    if not is_last:
        last = those["$lte"] = str(entries[-1]["incident_id"])
        # The last incident may have more entries.
        entries += stores.timeline.find({"incident_id": last}, fields=fields)
    documents = {
        str(document["_key"]): document
        for document in stores.incidents.find(
            {"_key": those}, "_key:1", ENTRIES_A_ROUND, fields=(*KINDS, LOST)
        )
    }
    seen = {incident_id: _Seen() for incident_id in documents}
    for entry in entries:
        seen.setdefault(str(entry["incident_id"]), _Seen()).add(entry)
    if len(documents) == ENTRIES_A_ROUND:
        # Whether incidents after the last of these have documents is unknown.
        last, is_last = max(documents), False
        seen = {incident_id: one for incident_id, one in seen.items() if incident_id <= last}
    return seen, documents, is_last
