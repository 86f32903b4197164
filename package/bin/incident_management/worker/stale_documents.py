"""Repairs incident documents that lack entries because their writer was killed in between.

A round looks at the entries of the last half hour, and at those before that which no round has
looked at: after an outage, or in a new worker, some each time until it has caught up.

A document names the last entries that it holds, its ``head``, and an entry those that it follows.
So what can be come to from the head is in the document, and in a storm that is enough to see for
nearly all incidents, however long their timelines are. Of the others, and of each one once more
when half an hour has passed without an entry, the entries are counted.
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
# The most older entries that one round looks at.
MAX_OLDER = 1000
# A round stops once it has counted this many entries; what is left waits for the next one.
COUNTED_ENTRIES = 50_000
# What is read of an entry: whose it is and where it stands, not what it says.
_WHERE = ("incident_id", "time", "prev")
# A writer that is still at it gets time to finish.
GRACE_SECONDS = 10.0
# How many steps back from the heads it looks for entries that came while it was reading.
STEPS = 3
# Entries have their times to the millisecond.
MOMENT = 0.001


def refresh_stale(stores: Stores, clock: Clock) -> Dict[str, int]:
    """Refresh the incidents that have an entry which their documents do not hold.

    Raises what the stores raise; then the next round looks at the same again.
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
    # Their documents bear the times of their entries, which may lie before what the clocks look at.
    schedule_check(stores, refreshed, now)
    left = [moment - MOMENT for moment in list(resting.values())[len(turn) :]]
    stores.claims.save([claim_document(CHECKPOINT, min([reached, *left]))])
    return {"incidents_refreshed": len(refreshed)}


def _older(stores: Stores, now: float) -> Tuple[List[Document], float]:
    """Return some entries since the checkpoint that are not recent, and up to when they are all.

    Those of the last moment are returned together, so that each round gets on. A checkpoint from
    the future, which a wrong clock made, tells nothing: it begins anew.
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
    """Return when the first entry of each incident was, of some in the order of time."""
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
    """Return the incidents with a settled entry that can't be come to from their heads."""
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
        # What was written after the entries were read, and before the document was.
        for one in find_by(stores.timeline, "_key", unknown, fields=("prev",)):
            prev[str(one["_key"])] = named_keys(one)
    return list(wanted)


def _held(head: Iterable[str], prev: Mapping[str, Set[str]]) -> Tuple[Set[str], Set[str]]:
    """Return which entries can be come to from a head, and where what is known of them ends."""
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

    Those of the last moment are returned together, so that each round gets on.
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

    A document that counts more than there are is all that still names those which are lost: it
    stays as it is for :mod:`.document_sweep`, which brings them back.
    """
    entries = find_by(stores.timeline, "incident_id", ids, fields=("incident_id",))
    written = Counter(str(entry["incident_id"]) for entry in entries)
    stale = [one for one in ids if _lacks(documents.get(one, {}).get("entries"), written[one])]
    # One that is leaving must not get a document again after its own is deleted.
    leaving = pruned(stores, stale)
    return list(timeline.refresh_many(stores, [one for one in stale if one not in leaving]))


def _lacks(counted: Any, written: int) -> bool:
    """Whether a document that counts so many entries lacks some; one without a number does."""
    return not isinstance(counted, (int, float)) or counted < written
