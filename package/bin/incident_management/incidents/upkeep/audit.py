"""Timeline entries as events in an index, so that history survives the loss of the KV store.

An event is the whole entry as one line of JSON, so that the entry can be restored and its hash
checked. An event may be written twice (after a kill, by two members): its ``key`` reveals that, and
all searches of this app drop duplicates. An event is never missing: an entry leaves the overlap
only when it is recorded as sent, and retention deletes nothing that a search does not find.

Small fields come first, because Splunk reads the fields of a long event only near its beginning
(limits.conf: ``[kv] maxchars``, ``[spath] extraction_cutoff``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Callable, Dict, Iterable, List, Optional, Sequence, Set, Tuple

from ...masking import mask_values
from ...overlap import OVERLAP_SECONDS, Overlap
from ...ports import Clock, Document, Stores
from .. import timeline
from ..canonical import digest
from ..entry_validation import readable_entries
from ..fold import ordered
from ..model import Entry
from ..stores import chunks, claim_document, find_by, readable_claim

__all__ = [
    "SOURCE",
    "SOURCETYPE",
    "AuditWriter",
    "History",
    "entry_of",
    "event_of",
    "history_from_events",
]

SOURCETYPE = "incident_management:audit"
SOURCE = "incident_management"

CHECKPOINT = "audit:checkpoint"
SENT = "audited"
# A member whose clock is hours ahead must not delete the records that keep others from sending
# again.
SENT_KEPT_SECONDS = 86400.0
ENTRIES_A_ROUND = 2000
KEYS_A_RECORD = 1000
KEY_DIGITS = 20

Send = Callable[[Sequence[Entry]], None]


def event_of(entry: Entry) -> str:
    """Return an entry as one line of ASCII JSON.

    Text that looks like a secret is replaced; then ``masked`` is true, and the hash can't be
    checked any more.
    """
    data = mask_values(entry.data)
    event: Document = {
        "time": entry.time,
        "key": entry.key,
        "incident_id": entry.incident_id,
        "kind": entry.kind,
        "seq": entry.seq,
        "actor": entry.actor,
        "once": entry.once,
        "masked": data != entry.data,
        "prev": list(entry.prev),
        "data": data,
    }
    return json.dumps(event, separators=(",", ":"), allow_nan=False)


def entry_of(raw: str) -> Tuple[Entry, bool]:
    """Return the entry of an event, and whether something in it is masked.

    Raises ValueError for text that is not such an event.
    """
    try:
        event = json.loads(raw)
        document = {**event, "_key": event["key"]}
        return Entry.from_document(document), bool(event.get("masked"))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"An audit event lacks {error}.") from error


@dataclass(frozen=True)
class History:
    """An incident's entries from its events, in order.

    ``masked``: keys of the entries whose text was masked; ``unreadable``: the number of events that
    are not the app's, or were truncated.
    """

    entries: List[Entry]
    masked: Set[str] = field(default_factory=set)
    unreadable: int = 0

    def verify(self) -> timeline.Verdict:
        """Check hashes and links as for a timeline; masked entries by their links only."""
        verdict = timeline.verify(self.entries, masked=self.masked)
        problems = list(verdict.problems)
        if self.unreadable:
            problems.append(f"{self.unreadable} events could not be read.")
        return timeline.Verdict(not problems, len(self.entries), problems)


def history_from_events(raws: Iterable[str]) -> History:
    """Return the history from the events of one incident, in any order and with duplicates."""
    found: Dict[str, Entry] = {}
    masked: Set[str] = set()
    unreadable = 0
    for raw in raws:
        try:
            entry, hidden = entry_of(raw)
        except ValueError:
            unreadable += 1
            continue
        # Of two events of one entry, the one that matches its hash is used.
        if entry.key not in found or found[entry.key].hash() != entry.key:
            found[entry.key] = entry
            (masked.add if hidden else masked.discard)(entry.key)
    return History(ordered(found.values()), masked, unreadable)


class AuditWriter:
    """Sends every timeline entry to the index, oldest first.

    Sent entries are recorded in ``incident_claims`` after they were sent, so after a kill in
    between they are sent again. The checkpoint is the time of the newest entry that was sent, or
    now if that time lies in the future.

    Args:
        send: hands entries to Splunk; returns when all were taken, else raises.
    """

    def __init__(self, stores: Stores, clock: Clock, send: Send) -> None:
        self._stores = stores
        self._clock = clock
        self._send = send
        self._overlap = Overlap(clock)
        # The end of the last round, and entries that are known to be sent.
        self._reached: Optional[float] = None
        self._known: Set[str] = set()

    def run(self) -> Dict[str, int]:
        """Send new entries, at most 2,000; return how many. Raises what ``send`` raises."""
        seconds = self._overlap.seconds()
        sent = 0 if self._has_nothing_new(seconds) else self._send_new(seconds)
        self._overlap.was_read(seconds)
        return {"audit_events": sent}

    def _has_nothing_new(self, seconds: float) -> bool:
        """Tell whether all entries since the last round's end, less the overlap, are known as sent.

        Another member may have moved the checkpoint forward since; then this reads more than
        necessary.
        """
        if self._reached is None:
            return False
        since = {"time": {"$gte": min(self._reached, self._clock.now()) - seconds}}
        rows = self._stores.timeline.find(since, "time:1", ENTRIES_A_ROUND, fields=("_key",))
        return len(rows) < ENTRIES_A_ROUND and self._known.issuperset(
            _short(one["_key"]) for one in rows
        )

    def _send_new(self, seconds: float) -> int:
        now, known = self._clock.now(), self._checkpoint()
        # A checkpoint from the future, set by a wrong clock, must not make others' entries look
        # late.
        checkpoint = min(known, now)
        since = checkpoint - seconds
        sent = self._sent(since)
        late = self._late(since, checkpoint, sent)
        newer = {"time": {"$gt": checkpoint}}
        fresh = self._stores.timeline.find(newer, "time:1", ENTRIES_A_ROUND)
        documents = [*late, *(one for one in fresh if _short(one["_key"]) not in sent)]
        entries = readable_entries(documents)
        entries.sort(key=lambda entry: (entry.time, entry.seq))
        for some in chunks(entries, KEYS_A_RECORD):
            self._send(some)
            self._write_down(some)
        reached = min(float(fresh[-1]["time"]), now) if fresh else checkpoint
        if reached != known:
            self._move_to(reached)
        if seconds >= OVERLAP_SECONDS:
            self._known.clear()
        self._known.update(sent, (_short(entry.key) for entry in entries))
        self._reached = reached
        return len(entries)

    def _late(self, since: float, until: float, sent: Set[str]) -> List[Document]:
        """Return entries from before the checkpoint that have not been sent."""
        query = {"$and": [{"time": {"$gte": since}}, {"time": {"$lte": until}}]}
        keys = [key for key in self._stores.timeline.keys(query) if _short(key) not in sent]
        return find_by(self._stores.timeline, "_key", keys)

    def _sent(self, since: float) -> Set[str]:
        records = self._stores.claims.find({"purpose": SENT, "time": {"$gte": since}})
        keys = (readable_claim(record)["value"].get("keys") for record in records)
        return {key for some in keys if isinstance(some, list) for key in map(str, some)}

    def _write_down(self, entries: Sequence[Entry]) -> None:
        keys = [_short(entry.key) for entry in entries]
        self._stores.claims.insert(
            claim_document(
                f"{SENT}:{digest(keys, 40)}",
                max(entry.time for entry in entries),
                {"keys": keys},
                purpose=SENT,
            )
        )

    def _checkpoint(self) -> float:
        document = self._stores.claims.get(CHECKPOINT)
        return float(readable_claim(document)["time"]) if document else 0.0

    def _move_to(self, moment: float) -> None:
        checkpoint = claim_document(CHECKPOINT, moment)
        self._stores.claims.save([checkpoint])
        old = {"purpose": SENT, "time": {"$lt": moment - SENT_KEPT_SECONDS}}
        self._stores.claims.delete_matching(old)


def _short(key: str) -> str:
    return key[:KEY_DIGITS]
