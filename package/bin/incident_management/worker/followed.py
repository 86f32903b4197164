"""Which tickets are followed, and how far the looking at each has come.

One document for each ticket system, the claim ``worker:tickets:<channel>``. Tickets are found in
the receipts of what was sent; of an incident the newest is followed, until the incident is closed.
The document is a note: where it is lost, everything is looked at again, and nothing is told twice.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, field
from typing import Dict, List, Mapping

from ..incidents.model import ENDED
from ..incidents.stores import claim_document, find_by
from ..notify.heard.ticket import is_ticket_id
from ..notify.heard.troubles import note_key
from ..ports import Clock, Document, Stores

__all__ = ["Followed", "Notebook"]

# Covers members' clocks that differ, and outcomes that were written down late.
OVERLAP_SECONDS = 900.0
_RECEIPT = ("incident_id", "receipt", "sent_at")
_KEPT = ("since", "next", "failures", "trouble", "after", "failed_at", "changed")
_STANDS = ("status", "resolved_at", "updated_at")
# All that a cluster keeps in three months, of a thousand messages a day.
MOST_READ = 100_000
MAX_FOLLOWED = 5000
# An incident's ticket is looked at until this long after its end: reasons are often written later.
AFTER_END_SECONDS = 86400.0


@dataclass
class Followed:
    """One ticket. ``stamp``: the last that was looked at; ``settled``: twice, with the same stamp.

    ``sent_at``: when the message was sent whose receipt named it. ``state`` and ``over``: as it was
    looked at last; empty, and False, before that.
    """

    incident_id: str
    ticket: str
    number: str
    sent_at: float
    stamp: str = ""
    settled: bool = False
    state: str = ""
    over: bool = False


@dataclass
class Notebook:
    """A ticket system's document.

    Attributes:
        since: up to when receipts were read, by our clock.
        next: when it is asked next.
        failures: in a row, the last at ``failed_at``; ``trouble`` is what people are told.
        after: the incident that was looked at last, where one look does not reach all.
        changed: up to when it is known what has changed, where the service says so.
    """

    channel: str
    since: float = 0.0
    next: float = 0.0
    failures: int = 0
    trouble: str = ""
    after: str = ""
    failed_at: float = 0.0
    changed: str = ""
    tickets: Dict[str, Followed] = field(default_factory=dict)

    @classmethod
    def read(cls, stores: Stores, channel: str) -> Notebook:
        """Read it; an empty one where there is none."""
        known = stores.claims.get(note_key(channel))
        if known is None:
            return cls(channel)
        value: Document = known["value"]
        followed = [Followed(*one) for one in value.get("tickets", [])]
        kept = {name: value[name] for name in _KEPT if name in value}
        return cls(channel, **kept, tickets={one.incident_id: one for one in followed})

    def save(self, stores: Stores, clock: Clock) -> None:
        """Write it down."""
        value: Document = {name: getattr(self, name) for name in _KEPT}
        # As lists, because ids are no names of fields.
        value["tickets"] = [list(astuple(one)) for one in self.tickets.values()]
        stores.claims.save([claim_document(note_key(self.channel), clock.now(), value)])

    def is_reached_again(self, stores: Stores) -> bool:
        """Tell whether a message arrived there after the last failure."""
        sent = {"channel": self.channel, "state": "sent", "sent_at": {"$gt": self.failed_at}}
        return self.failures > 0 and bool(stores.outbox.find(sent, limit=1))

    def follow_new(self, stores: Stores, now: float) -> None:
        """Follow what receipts have named since the last time."""
        start = min(self.since, now) - OVERLAP_SECONDS
        query = {"channel": self.channel, "state": "sent", "sent_at": {"$gte": start}}
        found = stores.outbox.find(query, "sent_at:1", MOST_READ, fields=_RECEIPT)
        for document in found:
            self._follow(document)
        self.since = now if len(found) < MOST_READ else float(found[-1]["sent_at"])

    def _follow(self, document: Mapping[str, object]) -> None:
        receipt = document.get("receipt")
        incident_id = str(document.get("incident_id") or "")
        if not incident_id or not isinstance(receipt, dict):
            return
        ticket, sent_at = str(receipt.get("ticket") or ""), float(str(document["sent_at"]))
        known = self.tickets.get(incident_id)
        if not is_ticket_id(ticket) or (known and known.ticket == ticket):
            return
        if known is None or known.sent_at <= sent_at:
            number = str(receipt.get("number") or "")
            self.tickets[incident_id] = Followed(incident_id, ticket, number, sent_at)

    def due(self, stores: Stores, now: float) -> List[Followed]:
        """Return the tickets to look at, in turn; those of incidents that left are forgotten."""
        found = find_by(stores.incidents, "_key", self.tickets, _STANDS)
        known = {str(one["_key"]): one for one in found}
        self.tickets = {
            incident_id: one
            for incident_id, one in sorted(self.tickets.items(), key=lambda item: item[1].sent_at)
            if incident_id in known and not _is_long_closed(known[incident_id], now)
        }
        while len(self.tickets) > MAX_FOLLOWED:
            del self.tickets[next(iter(self.tickets))]
        wanted = sorted(key for key in self.tickets if _is_recent(known[key], now))
        turn = [key for key in wanted if key > self.after]
        return [self.tickets[key] for key in turn + wanted[: len(wanted) - len(turn)]]


def _ended_at(incident: Document) -> float:
    return float(incident.get("resolved_at") or incident.get("updated_at") or 0.0)


def _is_recent(incident: Document, now: float) -> bool:
    is_open = incident["status"] not in ENDED
    return is_open or now - _ended_at(incident) < AFTER_END_SECONDS


def _is_long_closed(incident: Document, now: float) -> bool:
    return incident["status"] == "closed" and not _is_recent(incident, now)
