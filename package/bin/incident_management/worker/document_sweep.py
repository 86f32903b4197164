"""Compares each incident's document with its timeline, some at a time, and makes it anew.

An incident's document is derived, so it can always be made again, and must be where

- an earlier version of the app wrote it, which did not know all that it holds now: one that lacks
  a number has no place in a list that goes on after a number, and one without tasks shows none;
- somebody deleted it, or saved it in an editor of lookups that made texts of its numbers;
- a backup without one moment for all collections was restored.

Entries that are named and gone are brought back from the index (:mod:`.lost_entries`), also where
an incident has none left. Where that can't be done, the document tells more than what is left: it
stays until somebody writes to the incident, and the log names it in each walk.

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
# So many entries are counted in a round, of as many incidents at most: of 18,000 incidents with 20
# each, a walk takes 36 rounds.
ENTRIES_A_ROUND = 10_000
# So many documents are made anew in a round, for which their whole timelines are read.
RENEWED_A_ROUND = 500
# For so many incidents a round searches the index.
BROUGHT_BACK_A_ROUND = 5
# From the beginning of a walk to the next one's.
EVERY_SECONDS = 6 * 3600.0
# What every document of this version holds, and of which type.
KINDS = {
    name: (int, float) if isinstance(value, (int, float)) else type(value)
    for name, value in Incident("INC-20260101-000000").to_document().items()
    # A cause may be of any.
    if name not in ("_key", "cause")
}
# What is read of an entry; of one that another field makes unreadable the number tells.
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
    tell: Callable[[str, str], None],
) -> Dict[str, int]:
    """Look at the next timelines, and make the documents anew that do not fit them.

    ``build`` names the app that is installed; ``tell`` takes a name and a sentence for the log.
    Raises what the stores raise; then the next round looks at the same again.
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
    still_broken = partial(_still_broken, stores, clock, indexed, tell)
    lost = still_broken(broken, documents)
    # One that is leaving must not get a document again after its own is deleted.
    leaving = pruned(stores, turn)
    # One that names what is lost has told no more than what is left since somebody wrote to it.
    fit = [one for one in turn if one not in lost or LOST in documents.get(one, {})]
    fit = [one for one in fit if one not in leaving]
    renewed = timeline.refresh_many(stores, fit)
    # Which entries can't be read shows only when all of them is.
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
    """Return as many broken incidents as a round searches the index for, and the turn up to them.

    The next round goes on behind them.
    """
    some = broken[:BROUGHT_BACK_A_ROUND]
    return some, turn if some == broken else turn[: turn.index(some[-1]) + 1]


def _still_broken(
    stores: Stores,
    clock: Clock,
    indexed: IndexedEntries,
    tell: Callable[[str, str], None],
    broken: Iterable[str],
    documents: Mapping[str, Document],
) -> Set[str]:
    """Bring entries back; return the incidents for which that can't be done, and tell of them."""
    lost: Set[str] = set()
    failed = ""
    for incident_id in broken:
        named = named_keys(documents.get(incident_id, {}))
        is_whole = False
        # The search of the one before may have taken longer than an incident needs to leave.
        if pruned(stores, [incident_id]):
            continue
        try:
            # A second search that fails would keep everything else waiting for as long again.
            is_whole = not failed and not restore_entries(
                stores, clock, incident_id, named, indexed
            )
        except SearchFailed as error:
            failed = str(error)
        if not is_whole:
            lost.add(incident_id)
            told = _NOT_SEARCHED if failed else _LOST
            tell("lost entries", told.format(incident_id, failed))
    return lost


@dataclass
class _Seen:
    """The keys of an incident's entries, and those that they follow."""

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
    """Return after which incident the walk goes on, none while it rests, and when it began."""
    known = stores.claims.get(CHECKPOINT)
    if known is None or known["value"]["build"] != build:
        return "", now
    began, value = float(known["time"]), known["value"]
    if not value["over"]:
        return str(value["after"]), began
    # A beginning in the future is that of a wrong clock.
    return (None, began) if 0 <= now - began < EVERY_SECONDS else ("", now)


def _next(stores: Stores, after: str) -> Tuple[Dict[str, _Seen], Dict[str, Document], bool]:
    """Return what the next incidents have, their documents, and whether they are the last.

    An incident may be without entries or without a document.
    """
    query: Dict[str, Any] = {"incident_id": {"$gt": after}}
    order, fields = "incident_id:1,seq:1", _LOOKED_AT
    entries = stores.timeline.find(query, order, ENTRIES_A_ROUND, fields=fields)
    is_last = len(entries) < ENTRIES_A_ROUND
    those = {"$gt": after}
    if not is_last:
        last = those["$lte"] = str(entries[-1]["incident_id"])
        # There may be more of the last one.
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
        # Of those after the last of these nobody knows whether they have documents.
        last, is_last = max(documents), False
        seen = {incident_id: one for incident_id, one in seen.items() if incident_id <= last}
    return seen, documents, is_last
