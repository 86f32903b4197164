"""Which tickets are polled, and how far each has been read.

There is one document for each ticket system, the claim ``worker:tickets:<channel>``, and one for
the tickets of follow-ups there. Tickets are found in the receipts of sent messages. The newest one
of an incident is polled until the incident is closed, that of a follow-up until a month after it
was done or dropped. If the document is lost, everything is read again, and nothing is recorded
twice.
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

# Covers members' clocks that differ, and results that were recorded late.
OVERLAP_SECONDS = 900.0
_RECEIPT = ("incident_id", "follow_up", "receipt", "sent_at")
_KEPT = ("since", "next", "failures", "trouble", "after", "failed_at", "changed")
_STANDS = ("status", "resolved_at", "updated_at")
# All that a cluster keeps in three months, with a thousand messages a day.
MOST_READ = 100_000
MAX_FOLLOWED = 5000
# An incident's ticket is polled until this long after its end: reasons are often added later.
AFTER_END_SECONDS = 86400.0
# A done follow-up is reopened if it proves not to be; a batch of tickets is one request.
AFTER_DONE_SECONDS = 30 * 86400.0


@dataclass
class TrackedTicket:
    """One ticket.

    ``stamp``: the version that was read last; ``settled``: it was read twice with that stamp.
    ``sent_at``: when the message was sent whose receipt named it. ``state`` and ``over``: as last
    read; empty, and False, before that. ``follow_up``: the follow-up it belongs to; empty for the
    incident's own.
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
        """The id of the follow-up or incident that it is the ticket of."""
        return self.follow_up or self.incident_id


@dataclass
class TicketTracker:
    """A ticket system's document, for the tickets of incidents or of ``follow_ups``.

    Attributes:
        since: until when receipts were read, by our clock.
        next: when the next poll is due.
        failures: the number in a row, the last at ``failed_at``; ``trouble`` is shown to people.
        after: the last item polled, if one poll does not reach all.
        changed: until when the service has reported changes, if it does so.
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
        """Read the document; return an empty tracker if there is none."""
        known = stores.claims.get(note_key(channel, follow_ups))
        if known is None:
            return cls(channel, follow_ups)
        value: Document = known["value"]
        followed = [TrackedTicket(*one) for one in value.get("tickets", [])]
        kept = {name: value[name] for name in _KEPT if name in value}
        return cls(channel, follow_ups, **kept, tickets={one.of: one for one in followed})

    def save(self, stores: Stores, clock: Clock) -> None:
        """Save the document."""
        value: Document = {name: getattr(self, name) for name in _KEPT}
        # As lists, because ids may not be valid field names.
        rows = (list(astuple(one)) for one in self.tickets.values())
        # An earlier version, which may read this during an upgrade, lacks the field follow_up.
        value["tickets"] = [row if self.follow_ups else row[:-1] for row in rows]
        key = note_key(self.channel, self.follow_ups)
        stores.claims.save([claim_document(key, clock.now(), value)])

    def is_reached_again(self, stores: Stores) -> bool:
        """Tell whether a message was delivered there after the last failure."""
        sent = {"channel": self.channel, "state": "sent", "sent_at": {"$gt": self.failed_at}}
        return self.failures > 0 and bool(stores.outbox.find(sent, limit=1))

    def follow_new(self, stores: Stores, now: float) -> None:
        """Track the tickets named in receipts since the last time."""
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
        """Return the tickets to poll, in turn; forget those of deleted incidents."""
        kept = self._kept(stores, now)
        by_age = sorted(self.tickets.items(), key=lambda item: item[1].sent_at)
        self.tickets = {key: one for key, one in by_age if key in kept}
        while len(self.tickets) > MAX_FOLLOWED:
            del self.tickets[next(iter(self.tickets))]
        wanted = sorted(key for key in self.tickets if kept[key])
        turn = [key for key in wanted if key > self.after]
        return [self.tickets[key] for key in turn + wanted[: len(wanted) - len(turn)]]

    def _kept(self, stores: Stores, now: float) -> Dict[str, bool]:
        """Return the tickets to keep by key, each with whether to poll it now."""
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
