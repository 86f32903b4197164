"""Which tickets are followed, and how far the looking at each has come.

One document for each ticket system, the claim ``worker:tickets:<channel>``, and one for the tickets
of follow-ups there. Tickets are found in the receipts of what was sent; of an incident the newest
is followed, until the incident is closed, of a follow-up until a month after it was done or
dropped. The document is a note: where it is lost, everything is looked at again, and nothing is
told twice.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, field
from typing import Dict, List, Mapping

from ..incidents.model import ENDED
from ..incidents.stores import claim_document, find_by
from ..notify.inbound.read_failures import note_key
from ..notify.inbound.ticket import is_ticket_id
from ..ports import Clock, Document, Stores

__all__ = ["TicketTracker", "TrackedTicket"]

# Covers members' clocks that differ, and outcomes that were written down late.
OVERLAP_SECONDS = 900.0
_RECEIPT = ("incident_id", "follow_up", "receipt", "sent_at")
_KEPT = ("since", "next", "failures", "trouble", "after", "failed_at", "changed")
_STANDS = ("status", "resolved_at", "updated_at")
# All that a cluster keeps in three months, of a thousand messages a day.
MOST_READ = 100_000
MAX_FOLLOWED = 5000
# An incident's ticket is looked at until this long after its end: reasons are often written later.
AFTER_END_SECONDS = 86400.0
# What is done is opened again when it is found not to be; a batch of them is one request.
AFTER_DONE_SECONDS = 30 * 86400.0


@dataclass
class TrackedTicket:
    """One ticket. ``stamp``: the last that was looked at; ``settled``: twice, with the same stamp.

    ``sent_at``: when the message was sent whose receipt named it. ``state`` and ``over``: as it was
    looked at last; empty, and False, before that. ``follow_up``: whose it is, if it is not the
    incident's.
    """

    incident_id: str
    ticket: str
    number: str
    sent_at: float
    stamp: str = ""
    settled: bool = False
    state: str = ""
    over: bool = False
    follow_up: str = ""

    @property
    def of(self) -> str:
        """What it is the ticket of."""
        return self.follow_up or self.incident_id


@dataclass
class TicketTracker:
    """A ticket system's document, of the tickets of incidents or of ``follow_ups``.

    Attributes:
        since: up to when receipts were read, by our clock.
        next: when it is asked next.
        failures: in a row, the last at ``failed_at``; ``trouble`` is what people are told.
        after: what was looked at last, where one look does not reach all.
        changed: up to when it is known what has changed, where the service says so.
    """

    channel: str
    follow_ups: bool = False
    since: float = 0.0
    next: float = 0.0
    failures: int = 0
    trouble: str = ""
    after: str = ""
    failed_at: float = 0.0
    changed: str = ""
    tickets: Dict[str, TrackedTicket] = field(default_factory=dict)

    @classmethod
    def read(cls, stores: Stores, channel: str, follow_ups: bool = False) -> TicketTracker:
        """Read it; an empty one where there is none."""
        known = stores.claims.get(note_key(channel, follow_ups))
        if known is None:
            return cls(channel, follow_ups)
        value: Document = known["value"]
        followed = [TrackedTicket(*one) for one in value.get("tickets", [])]
        kept = {name: value[name] for name in _KEPT if name in value}
        return cls(channel, follow_ups, **kept, tickets={one.of: one for one in followed})

    def save(self, stores: Stores, clock: Clock) -> None:
        """Write it down."""
        value: Document = {name: getattr(self, name) for name in _KEPT}
        # As lists, because ids are no names of fields.
        rows = (list(astuple(one)) for one in self.tickets.values())
        # An earlier version, which may read it in an upgrade, knows no follow-up's.
        value["tickets"] = [row if self.follow_ups else row[:-1] for row in rows]
        key = note_key(self.channel, self.follow_ups)
        stores.claims.save([claim_document(key, clock.now(), value)])

    def is_reached_again(self, stores: Stores) -> bool:
        """Tell whether a message arrived there after the last failure."""
        sent = {"channel": self.channel, "state": "sent", "sent_at": {"$gt": self.failed_at}}
        return self.failures > 0 and bool(stores.outbox.find(sent, limit=1))

    def follow_new(self, stores: Stores, now: float) -> None:
        """Follow what receipts have named since the last time."""
        start = min(self.since, now) - OVERLAP_SECONDS
        query: Document = {"channel": self.channel, "state": "sent", "sent_at": {"$gte": start}}
        if self.follow_ups:
            query["follow_up"] = {"$gt": ""}
        found = stores.outbox.find(query, "sent_at:1", MOST_READ, fields=_RECEIPT)
        for document in found:
            self._follow(document)
        self.since = now if len(found) < MOST_READ else float(found[-1]["sent_at"])

    def _follow(self, document: Mapping[str, object]) -> None:
        receipt = document.get("receipt")
        incident_id = str(document.get("incident_id") or "")
        follow_up = str(document.get("follow_up") or "")
        is_other = bool(follow_up) != self.follow_ups
        if not incident_id or is_other or not isinstance(receipt, dict):
            return
        ticket, sent_at = str(receipt.get("ticket") or ""), float(str(document["sent_at"]))
        known = self.tickets.get(follow_up or incident_id)
        if not is_ticket_id(ticket) or (known and known.ticket == ticket):
            return
        if known is None or known.sent_at <= sent_at:
            one = TrackedTicket(incident_id, ticket, str(receipt.get("number") or ""), sent_at)
            one.follow_up = follow_up
            self.tickets[one.of] = one

    def due(self, stores: Stores, now: float) -> List[TrackedTicket]:
        """Return the tickets to look at, in turn; those of incidents that left are forgotten."""
        kept = self._kept(stores, now)
        by_age = sorted(self.tickets.items(), key=lambda item: item[1].sent_at)
        self.tickets = {key: one for key, one in by_age if key in kept}
        while len(self.tickets) > MAX_FOLLOWED:
            del self.tickets[next(iter(self.tickets))]
        wanted = sorted(key for key in self.tickets if kept[key])
        turn = [key for key in wanted if key > self.after]
        return [self.tickets[key] for key in turn + wanted[: len(wanted) - len(turn)]]

    def _kept(self, stores: Stores, now: float) -> Dict[str, bool]:
        """Return what is followed on, and whether it is looked at now."""
        ids = sorted({one.incident_id for one in self.tickets.values()})
        if not self.follow_ups:
            found = find_by(stores.incidents, "_key", ids, _STANDS)
            stay = (one for one in found if not _is_long_closed(one, now))
            return {str(one["_key"]): _is_recent(one, now) for one in stay}
        found = find_by(stores.incidents, "_key", ids, ("follow_ups",))
        noted = (one for each in found for one in each.get("follow_ups") or ())
        since = now - AFTER_DONE_SECONDS
        return {one["id"]: True for one in noted if one["state"] == "open" or one["at"] > since}


def _ended_at(incident: Document) -> float:
    return float(incident.get("resolved_at") or incident.get("updated_at") or 0.0)


def _is_recent(incident: Document, now: float) -> bool:
    is_open = incident["status"] not in ENDED
    return is_open or now - _ended_at(incident) < AFTER_END_SECONDS


def _is_long_closed(incident: Document, now: float) -> bool:
    return incident["status"] == "closed" and not _is_recent(incident, now)
