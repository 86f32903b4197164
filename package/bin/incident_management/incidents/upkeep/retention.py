"""Deletes old incidents, and defines what is kept.

A closed incident leaves the KV store in two steps, so that no reader sees half of it:

1. Its tombstone is inserted (claim ``pruned:<id>``). From then on no request may change it.
2. When every request that began before must have ended, and a search finds each of its entries in
the index, its document is deleted first, then its entries, then everything that belongs to it. An
interrupted run is finished by the next one, because the tombstone says so.

The tombstone stays: the API answers ``410 Gone`` because of it, and it tells ingest that the
problem's next finding is a new incident. Claims of episodes stay, too. Monitors' claims are deleted
by another duty (:mod:`...worker.cleanup`).
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Set

from ...ports import Clock, Document, Stores
from .. import lifecycle, timeline
from ..act import Act
from ..clocks import windows
from ..errors import IllegalMove, NotFound
from ..incident_channel import HOURLY_COUNT as ROOM_HOUR
from ..incident_channel import claim_prefix as rooms_of
from ..model import ACTOR, Entry
from ..review.writing import claim_key
from ..stores import (
    MODEL_CALL,
    MODEL_CALL_OF_DAY,
    any_of,
    chunks,
    claim_document,
    find_by,
    is_number,
    readable_claim,
    with_prefix,
)

__all__ = ["Retention", "gone_sentence", "pruned", "tombstone", "totals"]

TOMBSTONE = "pruned"
# The purpose of the tombstones of deleted incidents. It differs because there are as many as
# incidents ever were, and incidents that are leaving are searched for each minute.
LEFT = "pruned and left"
TOTALS = "retention:totals"
# Longer than a request that was accepted before the tombstone may take.
LEAVING_SECONDS = 300.0
# splunkd needs a while from an event's arrival until a search finds it.
INDEXING_SECONDS = 60.0
MISSING_SECONDS = 3600.0
INCIDENTS_A_ROUND = 50
LOOKED_AT_ONCE = 100
# The oldest may all wait for the follow-ups of incidents that were merged into them.
LOOKED_AT_A_ROUND = 1000
CLOSED_A_ROUND = 100
LOOSE_A_ROUND = 1000
SIGNALS_A_ROUND = 10_000
# A query to delete by travels in a URL.
NOTIFICATIONS_AT_ONCE = 5
DAY_SECONDS = 86400.0

Keys = Callable[[Sequence[str]], Mapping[str, Set[str]]]
Send = Callable[[Sequence[Entry]], None]
Trouble = Callable[[str, str], None]


def tombstone(stores: Stores, incident_id: str) -> Optional[Document]:
    """Return the tombstone of an incident that is leaving or has left, or None."""
    return stores.claims.get(f"{TOMBSTONE}:{incident_id}")


def pruned(stores: Stores, incident_ids: Iterable[str]) -> Set[str]:
    """Return those of some incidents that are leaving or have left the KV store."""
    keys = [f"{TOMBSTONE}:{incident_id}" for incident_id in incident_ids]
    return set(map(_incident_of, find_by(stores.claims, "_key", keys)))


def totals(stores: Stores) -> Dict[str, int]:
    """Return how much was deleted since the app was installed, by kind."""
    known = stores.claims.get(TOTALS) or {"value": {}}
    counts = readable_claim(known)["value"].items()
    return {str(name): int(count) for name, count in counts if is_number(count)}


def _incident_of(stone: Mapping[str, Any]) -> str:
    """Return the incident of a tombstone, by its key: its value may have been changed by hand."""
    return str(stone["_key"])[len(TOMBSTONE) + 1 :]


def gone_sentence(stone: Mapping[str, Any]) -> str:
    """Return the error sentence for a request about such an incident."""
    incident_id = _incident_of(stone)
    return (
        f"{incident_id} was closed long ago and deleted by retention. Its history is in the "
        f"index: search `incident_history({incident_id})`, or GET /incidents/{incident_id}/history."
    )


class Retention:
    """Closes incidents that were resolved long ago, and deletes those closed long ago.

    Args:
        indexed: returns the keys of the entries that are in the index, by incident.
        send: sends entries to the index again; None: this process can't.
        trouble: receives a name and a sentence about what keeps an incident from being deleted.
    """

    def __init__(
        self, stores: Stores, clock: Clock, indexed: Keys, send: Send, trouble: Trouble
    ) -> None:
        self._stores = stores
        self._clock = clock
        self._indexed = indexed
        self._send = send
        self._trouble = trouble

    def run(self, close_after: float, keep: float) -> Dict[str, int]:
        """Do one bounded round; return the numbers of changes, by name.

        ``close_after`` and ``keep`` are in seconds, 0: never. Raises what the stores and
        ``indexed`` raise; the rest stays for the next round.
        """
        done = {"incidents_closed": self._close(close_after) if close_after else 0}
        if keep:
            cutoff = self._clock.now() - keep
            self._condemn(cutoff)
            self._set_aside()
            done.update(self._execute())
            done.update(self._loose(cutoff))
        return done

    def _close(self, after: float) -> int:
        query = {"status": "resolved", "resolved_at": {"$lt": self._clock.now() - after}}
        act, closed = Act(self._stores, self._clock, ACTOR), 0
        for document in self._stores.incidents.find(query, "resolved_at:1", CLOSED_A_ROUND):
            reason = f"Resolved for {after / DAY_SECONDS:.3g} days."
            try:
                lifecycle.close(act, str(document["_key"]), reason)
                closed += 1
            except (IllegalMove, NotFound):
                # Another writer was faster.
                continue
        return closed

    # --- leaving ----------------------------------------------------------------------------

    def _condemn(self, cutoff: float) -> None:
        """Insert the tombstones of the incidents that have been closed for long enough.

        A merged incident leads later signals of its problems to the other one, as long as that
        exists. So both leave together, the merged one a moment before, so that an interruption
        leaves none behind. An incident with open follow-ups stays until they are done or dropped
        (:mod:`..review.reminders`). A document of an earlier version does not have that number: it
        is rebuilt first.
        """
        query = {
            "status": "closed",
            "merged_into": "",
            "updated_at": {"$lt": cutoff},
            "follow_ups_open": 0,
        }
        condemned = 0
        for skip in range(0, LOOKED_AT_A_ROUND, LOOKED_AT_ONCE):
            found = self._stores.incidents.find(query, "updated_at:1", LOOKED_AT_ONCE, skip)
            known = pruned(self._stores, [str(one["_key"]) for one in found])
            for document in [one for one in found if one["_key"] not in known]:
                if condemned == INCIDENTS_A_ROUND:
                    return
                group = [*reversed(self._merged(document)), document]
                if any(one.get("follow_ups_open") for one in group):
                    continue
                condemned += 1
                for one in group:
                    self._stores.claims.insert(_tombstone(one, self._clock.now()))
            if len(found) < LOOKED_AT_ONCE:
                return

    def _merged(self, document: Document) -> List[Document]:
        """Return the incidents merged into this one, directly or indirectly, the nearest first."""
        found: Dict[str, Document] = {}
        wanted = list(document.get("merged") or ())
        while wanted:
            some = find_by(self._stores.incidents, "_key", wanted)
            fresh = [one for one in some if one["_key"] not in found and one.get("merged_into")]
            found.update({str(one["_key"]): one for one in fresh})
            wanted = [key for one in fresh for key in one.get("merged") or ()]
        return list(found.values())

    def _set_aside(self) -> None:
        """Change the purpose of tombstones of deleted incidents that an earlier version wrote."""
        left = {"purpose": TOMBSTONE, "value.phase": "left"}
        stones = self._stores.claims.find(left, "_key:1", LOOSE_A_ROUND)
        if stones:
            self._stores.claims.save([{**stone, "purpose": LEFT} for stone in stones])

    def _execute(self) -> Dict[str, int]:
        """Delete the incidents whose waiting time is over and whose history is indexed.

        Incidents that are still leaving count as work, so that the next round comes soon.
        """
        query = {"purpose": TOMBSTONE, "value.phase": "leaving"}
        leaving = self._stores.claims.find(query, "time:1", INCIDENTS_A_ROUND)
        done = {"incidents_leaving": len(leaving), "incidents_pruned": 0, "audit_events": 0}
        before = self._clock.now() - LEAVING_SECONDS
        stones = []
        for stone in map(readable_claim, leaving):
            if not stone["time"]:
                # Changed by hand. It waits from now on, because requests may be under way.
                self._stores.claims.save([{**stone, "time": self._clock.now()}])
            elif stone["time"] < before:
                stones.append(stone)
        ids = [_incident_of(stone) for stone in stones]
        entries = timeline.read_many(self._stores, ids)
        indexed = self._indexed(ids) if any(entries.values()) else {}
        for stone in stones:
            incident_id = _incident_of(stone)
            mine = entries[incident_id]
            if _has_open_follow_ups(mine):
                # A request that was accepted before the tombstone opened one: the incident stays.
                timeline.refresh(self._stores, incident_id)
                self._stores.claims.delete(str(stone["_key"]))
                continue
            missing = [e for e in mine if e.key not in indexed.get(incident_id, set())]
            if missing:
                done["audit_events"] += self._send_again(stone, missing)
                continue
            self._delete(stone, len(mine))
            done["incidents_pruned"] += 1
        return done

    def _send_again(self, stone: Document, missing: Sequence[Entry]) -> int:
        """Send entries that the index lacks; the next search for them comes after a while."""
        now, value = self._clock.now(), stone["value"]
        sent_at = value.get("sent_at")
        if is_number(sent_at) and now - sent_at < INDEXING_SECONDS:
            return 0
        if now - float(stone["time"]) > MISSING_SECONDS:
            incident_id = _incident_of(stone)
            text = (
                f"{incident_id} can't be deleted by retention: {len(missing)} of its entries are "
                "not in the audit index. Check that the index in incident_audit_index exists."
            )
            self._trouble(TOMBSTONE, text)
        self._send(missing)
        self._stores.claims.save([{**stone, "value": {**value, "sent_at": now}}])
        return len(missing)

    def _delete(self, stone: Document, entries: int) -> None:
        """Delete one incident. Every step may be repeated; the last one records the end."""
        stores, incident_id = self._stores, _incident_of(stone)
        mine = {"incident_id": incident_id}
        stores.incidents.delete(incident_id)
        stores.timeline.delete_matching(mine)
        for collection in (stores.signals, stores.plans, stores.analyses):
            collection.delete_matching(mine)
        self._delete_notifications(stores.outbox.keys(mine))
        stores.claims.delete_matching(with_prefix("purpose", f"edit:{incident_id}:"))
        stores.claims.delete(f"clock:{incident_id}")
        stores.claims.delete(claim_key(incident_id))
        stores.claims.delete_matching(with_prefix("_key", f"{MODEL_CALL}:{incident_id}:"))
        stores.claims.delete_matching(with_prefix("_key", rooms_of(incident_id)))
        value = {**stone["value"], "phase": "left", "left_at": self._clock.now()}
        known = stone["value"].get("entries")
        value["entries"] = max(entries, int(known) if is_number(known) else 0)
        stores.claims.save([{**stone, "purpose": LEFT, "value": value}])
        self._count("incidents", 1)

    def _delete_notifications(self, keys: Sequence[str]) -> None:
        """Delete notifications, after the claims that name them, so that no claim is left over."""
        for some in chunks(keys, NOTIFICATIONS_AT_ONCE):
            named = [
                with_prefix("_key", f"{purpose}:{key}:")
                for key in some
                for purpose in ("deliver", "outcome", "again")
            ]
            named += [{"_key": f"slack first:{key}"} for key in some]
            self._stores.claims.delete_matching({"$or": named})
            self._stores.outbox.delete_matching(any_of("_key", some))

    # --- documents without an incident ----------------------------------------------------------

    def _loose(self, cutoff: float) -> Dict[str, int]:
        """Delete old signals and messages without an incident, and expired claims and windows."""
        stores = self._stores
        signals = self._loose_signals(cutoff)
        messages = [
            str(one["_key"])
            for one in stores.outbox.find(
                {"$and": [{"incident_id": ""}, {"created_at": {"$lt": cutoff}}]},
                limit=LOOSE_A_ROUND,
                fields=("state",),
            )
            if one["state"] in ("sent", "dead", "unconfirmed")
        ]
        self._delete_notifications(messages)
        windows.delete_ended(stores.suppressions, cutoff)
        before = {"time": {"$lt": cutoff}}
        for purpose in ("reconciled", "ran", MODEL_CALL_OF_DAY):
            stores.claims.delete_matching({"purpose": purpose, **before})
        hours = with_prefix("purpose", f"{ROOM_HOUR}:")["$and"]
        stores.claims.delete_matching({"$and": [*hours, before]})
        # Turns of workers that were killed; a checkpoint has no holder and stays.
        left = [*with_prefix("purpose", "worker:")["$and"], {"holder": {"$ne": ""}}]
        stores.claims.delete_matching({"$and": [*left, before]})
        self._count("signals", signals)
        return {"signals_pruned": signals, "notifications_pruned": len(messages)}

    def _loose_signals(self, cutoff: float) -> int:
        """Delete the oldest signals without an incident; return how many there were.

        Deletes in one request: a maintenance window in a storm may have suppressed many per minute.
        """
        unclaimed = [{"incident_id": ""}, {"received_at": {"$lt": cutoff}}]
        found = self._stores.signals.find(
            {"$and": unclaimed}, "received_at:1", SIGNALS_A_ROUND, fields=("received_at",)
        )
        if found:
            last: Document = {"received_at": {"$lte": found[-1]["received_at"]}}
            self._stores.signals.delete_matching({"$and": [*unclaimed, last]})
        return len(found)

    def _count(self, name: str, count: int) -> None:
        """Add to the totals of GET /metrics; a run that is killed may count one less."""
        if not count:
            return
        known = totals(self._stores)
        document = claim_document(
            TOTALS, self._clock.now(), {**known, name: known.get(name, 0) + count}
        )
        self._stores.claims.save([document])


def _has_open_follow_ups(entries: Sequence[Entry]) -> bool:
    """Tell, by the timeline, whether follow-ups are open; the document may be outdated."""
    noted = any(entry.kind == "follow_up" for entry in entries)
    return noted and timeline.fold(entries).follow_ups_open > 0


def _tombstone(document: Mapping[str, Any], now: float) -> Document:
    incident_id = str(document["_key"])
    kept = ("title", "severity", "opened_at", "resolved_at", "updated_at", "entries", "head")
    return claim_document(
        f"{TOMBSTONE}:{incident_id}",
        now,
        {
            "incident_id": incident_id,
            "phase": "leaving",
            **{name: document[name] for name in kept if name in document},
        },
        purpose=TOMBSTONE,
    )
