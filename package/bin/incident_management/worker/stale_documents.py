"""Repairs incident documents that lack entries because their writer was killed in between.

A round checks the entries of the last half hour, and earlier ones that no round has checked: after
an outage, or in a new worker, some in each round until it has caught up.

A document names the last entries that it holds, its ``head``, and an entry those that it follows.
So every entry that can be reached from the head is in the document. In a storm, this check settles
nearly all incidents, however long their timelines are. For the others, and for each incident once
more when half an hour has passed without an entry, the entries are counted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any, Dict, Iterable, List, Mapping, Set, Tuple

from ..incidents import timeline
from ..incidents.entry_validation import is_readable
from ..incidents.stores import claim_document, find_by
from ..incidents.timeline import named_keys
from ..incidents.upkeep.retention import pruned
from ..ports import Clock, Document, Stores
from .clocks import schedule_check

__all__ = ["refresh_stale"]

CHECKPOINT = "worker:refresh:checkpoint"
# Covers clocks that differ, and entries that reached the KV store late.
LOOK_BACK_SECONDS = 1800.0
# The most older entries that one round checks.
MAX_OLDER = 1000
# A round stops after counting this many entries; the rest waits for the next one.
COUNTED_ENTRIES = 50_000
# The fields to read of an entry: its incident and its position, not its content.
_WHERE = ("incident_id", "time", "prev")
# A writer that is still at work gets this time to finish.
GRACE_SECONDS = 10.0
# How many steps back from the heads to look for entries written during the read.
STEPS = 3
# The precision of entries' times.
MOMENT = 0.001


def refresh_stale(stores: Stores, clock: Clock) -> Dict[str, int]:
    """Refresh the incidents that have an entry which their documents do not hold.

    Raises what the stores raise; then the next round checks the same again.
    """
    now = clock.now()
    older, reached = _older(stores, now)
    span = {"time": {"$gte": now - LOOK_BACK_SECONDS}}
    recent = _readable(stores.timeline.find(span, "time:1", fields=_WHERE))
    settled = [one for one in recent if one["time"] <= now - GRACE_SECONDS]
    first = _first_times([*older, *settled])
    found = find_by(stores.incidents, "_key", first, fields=("entries", "head"))
    documents = {str(document["_key"]): document for document in found}
    active = {str(one["incident_id"]) for one in recent}
    unseen = _unseen(stores, recent, settled, documents)
    resting = {one: moment for one, moment in first.items() if one not in active}
    turn = _turn(resting, documents)
    refreshed = _refresh(stores, [*unseen, *turn], documents)
    # Their documents have the times of their entries, which may lie before the clocks' checkpoint.
    schedule_check(stores, refreshed, now)
    left = [moment - MOMENT for moment in list(resting.values())[len(turn) :]]
    stores.claims.save([claim_document(CHECKPOINT, min([reached, *left]))])
    return {"incidents_refreshed": len(refreshed)}


def _older(stores: Stores, now: float) -> Tuple[List[Document], float]:
    """Return some entries since the checkpoint that are not recent, and the time reached by them.

    Entries with the last time are returned together, so that each round makes progress. A
    checkpoint from the future, set by a wrong clock, is ignored: the check begins anew.
    """
    known = stores.claims.get(CHECKPOINT)
    since = float(known["time"]) if known and known["time"] <= now else 0.0
    until = now - LOOK_BACK_SECONDS
    span = {"time": {"$gt": since, "$lt": until}}
    found = stores.timeline.find(span, "time:1", MAX_OLDER, fields=_WHERE)
    if len(found) < MAX_OLDER:
        return _readable(found), until
    reached = float(found[-1]["time"])
    return _readable(found + stores.timeline.find({"time": reached}, fields=_WHERE)), reached


def _readable(entries: Iterable[Document]) -> List[Document]:
    return [one for one in entries if is_readable(one, _WHERE)]


def _first_times(entries: Iterable[Document]) -> Dict[str, float]:
    """Return the time of each incident's first entry, of entries in the order of time."""
    first: Dict[str, float] = {}
    for entry in entries:
        first.setdefault(str(entry["incident_id"]), float(entry["time"]))
    return first


def _unseen(
    stores: Stores,
    recent: Iterable[Document],
    settled: Iterable[Document],
    documents: Mapping[str, Document],
) -> List[str]:
    """Return the incidents with a settled entry that can't be reached from their heads."""
    prev = {str(one["_key"]): named_keys(one) for one in recent}
    wanted: Dict[str, Set[str]] = defaultdict(set)
    for one in settled:
        wanted[str(one["incident_id"])].add(str(one["_key"]))
    for step in range(STEPS + 1):
        unknown: Set[str] = set()
        for incident_id in list(wanted):
            held, beyond = _held(named_keys(documents.get(incident_id, {})), prev)
            unknown |= beyond
            if wanted[incident_id] <= held:
                del wanted[incident_id]
                unknown -= beyond
        if not unknown or step == STEPS:
            break
        # Entries written after the entries were read, and before the document was.
        for one in find_by(stores.timeline, "_key", unknown, fields=("prev",)):
            prev[str(one["_key"])] = named_keys(one)
    return list(wanted)


def _held(head: Iterable[str], prev: Mapping[str, Set[str]]) -> Tuple[Set[str], Set[str]]:
    """Return the known entries reachable from a head, and the unknown ones behind them."""
    held: Set[str] = set()
    beyond: Set[str] = set()
    ahead = list(head)
    while ahead:
        key = ahead.pop()
        if key not in prev:
            beyond.add(key)
        elif key not in held:
            held.add(key)
            ahead.extend(prev[key])
    return held, beyond


def _turn(resting: Mapping[str, float], documents: Mapping[str, Document]) -> List[str]:
    """Return the first of some incidents, given by time, as many as a round can count.

    Those with the last time are returned together, so that each round makes progress.
    """
    turn: List[str] = []
    left, last = COUNTED_ENTRIES, 0.0
    for incident_id, moment in resting.items():
        if left <= 0 and moment > last:
            break
        turn.append(incident_id)
        counted = documents.get(incident_id, {}).get("entries")
        left -= max(1, int(counted)) if isinstance(counted, (int, float)) else 1
        last = moment
    return turn


def _refresh(stores: Stores, ids: List[str], documents: Mapping[str, Document]) -> List[str]:
    """Refresh those of some incidents that have entries which their documents do not count.

    A document that counts more entries than exist is the last place that names the lost ones: it
    stays for :mod:`.document_sweep`, which restores them.
    """
    entries = find_by(stores.timeline, "incident_id", ids, fields=("incident_id",))
    written = Counter(str(entry["incident_id"]) for entry in entries)
    stale = [one for one in ids if _lacks(documents.get(one, {}).get("entries"), written[one])]
    # An incident that is leaving must not get a new document after its own was deleted.
    leaving = pruned(stores, stale)
    return list(timeline.refresh_many(stores, [one for one in stale if one not in leaving]))


def _lacks(counted: Any, written: int) -> bool:
    """Tell whether a document with this count lacks entries; one without a number does."""
    return not isinstance(counted, (int, float)) or counted < written
