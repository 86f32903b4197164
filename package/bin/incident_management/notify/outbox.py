"""The outbox: every notification leaves it once, or ends where people see it.

What is true of an attempt stands in two documents that are only ever inserted, in
``incident_claims``: ``deliver:<notification>:<n>``, somebody makes attempt n; and
``outcome:<notification>:<n>``, how it ended. The notification's own document is what they add up
to, so a writer that was overtaken can at worst set it back, and the next reader finds out from
the claims; it can't cause a second message.

All that an attempt needs is read and saved before it is taken, so that between its claim and the
send nothing is left that could fail. An attempt without an outcome, by a process that died or lost
the service's answer, is settled by asking the service. Where it can't be asked, the notification
becomes ``unconfirmed``, and only a person sends it again.
"""

from __future__ import annotations

import hashlib
import random
from typing import Any, Callable, Collection, Dict, Iterator, List, Mapping, Optional, Set

from ..ports import Clock, Document, Stores
from .attempts import LEASE_SECONDS, Attempts
from .channel import Delivery, Inquiry, NotConfigured, Notification, Sender
from .senders import Senders

__all__ = ["FINAL", "Outbox", "notification_id"]

FINAL = ("sent", "dead", "unconfirmed")

# How long after a lost answer the service is asked: it may still be at it.
ASK_AFTER_SECONDS = 15.0
FIRST_BACKOFF_SECONDS = 2.0
LONGEST_BACKOFF_SECONDS = 900.0
ATTEMPTS = 20
ASKING_GIVES_UP_SECONDS = 24 * 3600.0
BATCH = 50
PAGE = 200
# Channels that a query leaves out by name, so that it still fits into a URL.
MAX_LEFT_OUT = 20

Record = Callable[[Document], None]


def notification_id(source: str, channel: str, target: str) -> str:
    """Return the outbox key: the same source, channel and target are the same notification."""
    text = "\n".join((source, channel, target))
    return hashlib.sha256(text.encode()).hexdigest()[:40]


class Outbox:
    """Puts notifications on the outbox and delivers them.

    Args:
        holder: who this process is, for the claims.
        record: writes the outcome on the incident's timeline; gets the notification's document.
            It may be called twice for one outcome and must count once.
        jitter: gives numbers in [0, 1).
        gone: tells whether a holder has certainly ended: what it left is settled at once.
    """

    def __init__(
        self,
        stores: Stores,
        clock: Clock,
        holder: str,
        record: Record,
        jitter: Callable[[], float] = random.random,
        gone: Callable[[str], bool] = lambda holder: False,
    ) -> None:
        self._stores = stores
        self._clock = clock
        self._attempts = Attempts(stores, clock, holder, gone)
        self._record = record
        self._jitter = jitter
        self._paused: Dict[str, float] = {}
        self._resting: Set[str] = set()

    def enqueue(
        self,
        source: str,
        channel: str,
        event: str,
        message: Mapping[str, Any],
        incident_id: str = "",
        target: str = "",
        order: str = "",
        key_target: str = "",
    ) -> bool:
        """Put one notification on the outbox. False: it is there already.

        Args:
            source: the timeline entry's key, or the caller's own id of what it tells.
            order: sorts an incident's notifications; those with one leave a channel in that
                order. Empty: it waits for nothing.
            key_target: the part of the target that makes it another notification.
        """
        now = self._clock.now()
        return self._stores.outbox.insert(
            {
                "_key": notification_id(source, channel, key_target),
                "incident_id": incident_id,
                "lane": f"{incident_id}/{channel}" if order else "",
                "order": order,
                "channel": channel,
                "target": target,
                "event": event,
                "message": dict(message),
                "state": "pending",
                "attempts": 0,
                "spent": 0,
                "next_attempt": now,
                "first_sent": 0.0,
                "last_error": "",
                "created_at": now,
                "sent_at": 0.0,
                "receipt": {},
                "thread": {},
                "recorded": False,
            }
        )

    def deliver_due(
        self, senders: Senders, limit: int = BATCH, held: Collection[str] = ()
    ) -> Dict[str, int]:
        """Make the attempts that are due, at most ``limit``; returns how many ended how.

        Messages for the channels in ``held`` wait. A channel whose service is down or asks to
        slow down is left alone for the rest of the round.
        """
        counts: Dict[str, int] = {}
        made: Dict[str, Sender] = {}
        done = 0
        self._resting = set(held)
        for document in self._due():
            if done >= limit:
                break
            if self._held_back(document):
                continue
            state = self._advance(document, senders, made)
            if state:
                counts[state] = counts.get(state, 0) + 1
                done += 1
        self._record_final(limit)
        return counts

    def retry(self, key: str) -> Optional[Document]:
        """Send a dead or unconfirmed notification again, because a person says so.

        Returns its document, or None when there is none. Others than dead and unconfirmed ones
        are returned as they are.
        """
        document = self._stores.outbox.get(key)
        if document is None or document["state"] not in ("dead", "unconfirmed"):
            return document
        document.update(
            state="pending",
            spent=document["attempts"],
            next_attempt=self._clock.now(),
            first_sent=0.0,
            recorded=False,
        )
        self._stores.outbox.save([document])
        return document

    # --- choosing ---------------------------------------------------------------------------

    def _due(self) -> Iterator[Document]:
        """Yield what is due; of a channel that takes nothing now, no more than a page is read."""
        waiting: Document = {
            "$or": [{"state": "pending"}, {"state": "sending"}],
            "next_attempt": {"$lte": self._clock.now()},
        }
        seen = set()
        left_out: List[str] = []
        skip = 0
        while True:
            shut = sorted(self._shut())[:MAX_LEFT_OUT]
            if shut != left_out:
                left_out, skip = shut, 0
            others = [{"channel": {"$ne": channel}} for channel in left_out]
            query = {**waiting, "$and": others} if others else waiting
            page = self._stores.outbox.find(query, "created_at:1,order:1", PAGE, skip)
            for document in page:
                if document["_key"] not in seen:
                    seen.add(document["_key"])
                    yield document
            if len(page) < PAGE:
                return
            skip += PAGE

    def _shut(self) -> Set[str]:
        """The channels that take nothing now: held, paused, or at rest for this round."""
        now = self._clock.now()
        return self._resting.union(name for name, until in self._paused.items() if until > now)

    def _held_back(self, document: Document) -> bool:
        """Whether its channel is paused, or an earlier one of its incident has not left yet."""
        if document["channel"] in self._shut():
            return True
        if not document["lane"]:
            return False
        earlier = {
            "lane": document["lane"],
            "order": {"$lt": document["order"]},
            "$or": [{"state": "pending"}, {"state": "sending"}],
        }
        return bool(self._stores.outbox.find(earlier, limit=1))

    # --- one attempt ------------------------------------------------------------------------

    def _advance(
        self, document: Document, senders: Senders, made: Dict[str, Sender]
    ) -> Optional[str]:
        """Take a due notification one step further; returns its new state if there was one."""
        try:
            sender = _sender(document["channel"], senders, made)
        except NotConfigured as error:
            return self._refuse(document, str(error))
        if document["state"] == "sending":
            return self._settle(document, int(document["attempts"]), sender)
        return self._attempt(document, sender)

    def _refuse(self, document: Document, reason: str) -> Optional[str]:
        """A channel that can't be used takes nothing; what it may have taken stays open."""
        number = int(document["attempts"])
        if document["state"] == "sending":
            known = self._attempts.outcome(document["_key"], number)
            delivery = known or Delivery("unconfirmed", f"It can't be asked about: {reason}")
            return self._end(document, number, delivery)
        if not self._attempts.begin(document["_key"], number + 1):
            return self._overtaken(document, number + 1, None, reason)
        return self._end(document, number + 1, Delivery("dead", reason))

    def _attempt(self, document: Document, sender: Sender) -> Optional[str]:
        key, number = document["_key"], int(document["attempts"]) + 1
        self._choose_thread(document)
        started = self._clock.now()
        if not self._attempts.begin(key, number):
            return self._overtaken(document, number, sender)
        document.update(attempts=number, first_sent=document["first_sent"] or started)
        if self._clock.now() - started > LEASE_SECONDS / 2:
            # Others may soon take this attempt for lost; it was not made yet.
            return self._end(document, number, Delivery("retry", "The attempt began too late."))
        self._attempts.make(key, number)
        delivery = sender.send(self._notification(document))
        if delivery.outcome == "unknown":
            return self._wait_to_ask(document, delivery.detail)
        return self._end(document, number, delivery)

    def _choose_thread(self, document: Document) -> None:
        """Where it goes; kept, so that a lost message is later looked for where it was sent."""
        thread = self._thread(document)
        if thread != document["thread"]:
            document["thread"] = thread
            self._stores.outbox.save([document])

    def _overtaken(
        self, document: Document, number: int, sender: Optional[Sender], reason: str = ""
    ) -> Optional[str]:
        """Somebody has this attempt: take over its outcome, or settle it when it was left."""
        outcome = self._attempts.outcome(document["_key"], number)
        if outcome is not None:
            return self._apply(document, number, outcome)
        began = self._attempts.left_since(document["_key"], number)
        if began is None:
            return None
        if sender is None:
            lost = Delivery("unconfirmed", f"It can't be asked about: {reason}")
            return self._end(document, number, lost)
        document["first_sent"] = document["first_sent"] or began
        return self._settle(document, number, sender)

    def _settle(self, document: Document, number: int, sender: Sender) -> Optional[str]:
        """End an attempt whose outcome nobody wrote down."""
        outcome = self._attempts.outcome(document["_key"], number)
        if outcome is not None:
            return self._apply(document, number, outcome)
        inquiry = sender.ask(self._notification(document))
        if inquiry.answer == "later":
            age = self._clock.now() - document["first_sent"]
            if age < ASKING_GIVES_UP_SECONDS:
                document["attempts"] = number
                return self._wait_to_ask(document, inquiry.detail)
        return self._end(document, number, _settled(inquiry))

    def _wait_to_ask(self, document: Document, detail: str) -> str:
        document.update(
            state="sending",
            last_error=f"{detail} Whether it arrived is being asked."[:1000],
            next_attempt=self._clock.now() + ASK_AFTER_SECONDS,
        )
        self._stores.outbox.save([document])
        self._pause(document["channel"], 0.0)
        return "asking"

    # --- outcomes ---------------------------------------------------------------------------

    def _end(self, document: Document, number: int, delivery: Delivery) -> Optional[str]:
        """Write an attempt's outcome down, unless somebody else did; theirs counts then."""
        return self._apply(document, number, self._attempts.end(document["_key"], number, delivery))

    def _apply(self, document: Document, number: int, delivery: Delivery) -> str:
        """Make the notification's document say what its last attempt's outcome means."""
        now = self._clock.now()
        document.update(attempts=number, last_error=delivery.detail)
        if delivery.outcome == "retry":
            spent = number - int(document["spent"])
            if spent >= ATTEMPTS:
                document.update(
                    state="dead",
                    last_error=f"Given up after {spent} attempts; the last: {delivery.detail}",
                )
            else:
                wait = self._backoff(spent, delivery.retry_after)
                document.update(state="pending", next_attempt=now + wait)
                self._pause(document["channel"], delivery.retry_after or 0.0)
        else:
            document["state"] = delivery.outcome
            if delivery.outcome == "sent":
                document.update(sent_at=now, receipt=dict(delivery.receipt), last_error="")
        self._stores.outbox.save([document])
        if document["state"] in FINAL:
            self._write_record(document)
        return str(document["state"]) if document["state"] in FINAL else "retry"

    def _backoff(self, spent: int, asked: Optional[float]) -> float:
        """Exponential with jitter, and never less than the service asked for."""
        longest = min(LONGEST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2.0 ** (spent - 1))
        return max(longest * (0.5 + self._jitter() / 2), (asked or 0.0) * (1 + self._jitter() / 10))

    def _pause(self, channel: str, seconds: float) -> None:
        self._resting.add(channel)
        self._paused[channel] = self._clock.now() + seconds

    def _record_final(self, limit: int) -> None:
        """Catch up on outcomes whose timeline entry a crash prevented."""
        query = {"recorded": False, "$or": [{"state": state} for state in FINAL]}
        for document in self._stores.outbox.find(query, limit=limit):
            self._write_record(document)

    def _write_record(self, document: Document) -> None:
        if document["incident_id"]:
            self._record(document)
        document["recorded"] = True
        self._stores.outbox.save([document])

    def _notification(self, document: Document) -> Notification:
        return Notification(
            id=document["_key"],
            incident_id=document["incident_id"],
            channel=document["channel"],
            target=document["target"],
            event=document["event"],
            message=document["message"],
            thread=document["thread"] or None,
            first_sent=float(document["first_sent"]),
        )

    def _thread(self, document: Document) -> Mapping[str, Any]:
        """The receipt of what this message goes on from in the same place, or nothing.

        That is the incident's first message, which began a thread; or the last one, whose ticket is
        the one that is worked on: a new one may have followed another that was closed for good.
        """
        if not document["incident_id"]:
            return {}
        query = {
            "incident_id": document["incident_id"],
            "channel": document["channel"],
            "target": document["target"],
            "state": "sent",
        }
        earlier: List[Document] = self._stores.outbox.find(query, "sent_at:1", 10)
        for found in earlier:
            receipt: Mapping[str, Any] = found.get("receipt") or {}
            if receipt.get("ts") and not receipt.get("thread_ts"):
                return receipt
        latest: List[Document] = self._stores.outbox.find(query, "sent_at:-1", 1) if earlier else []
        receipt = latest[0].get("receipt") or {} if latest else {}
        return receipt if receipt.get("ticket") else {}


def _sender(channel: str, senders: Senders, made: Dict[str, Sender]) -> Sender:
    if channel not in senders:
        raise NotConfigured(f"There is no channel '{channel}': use {', '.join(senders)}.")
    if channel not in made:
        made[channel] = senders[channel]()
    return made[channel]


def _settled(inquiry: Inquiry) -> Delivery:
    """What an inquiry's answer makes of the attempt."""
    if inquiry.answer == "arrived":
        return Delivery("sent", inquiry.detail, inquiry.receipt)
    if inquiry.answer in ("missing", "harmless"):
        return Delivery("retry", inquiry.detail)
    return Delivery("unconfirmed", inquiry.detail)
