"""The outbox: every notification is delivered once, or its failure is shown to people.

Attempts are stored in documents that are only ever inserted, in ``incident_claims``:
``deliver:<notification>:<n>``, a process makes attempt n; ``outcome:<notification>:<n>``, how it
ended; and ``again:<notification>:<n>``, a person asked to resend it after that. The notification's
own document is derived from them. So a late writer can at worst reset it, which the next reader
corrects from the claims; it can't cause a second message.

Everything that an attempt needs is read and saved before it is claimed, so that nothing between its
claim and the send can fail. If an attempt has no outcome, because its process died or the service's
answer was lost, the service is asked. If it can't be asked, the notification becomes
``unconfirmed``, and only a person can resend it.
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any, Callable, Collection, Dict, List, Mapping, Optional

from ...outside.network import NotConfigured, NotReady
from ...ports import Clock, Document, Stores
from ..announcing import late
from ..channel import Connected, Delivery, Notification, Sender, asked_of, sent_by
from ..senders import Senders
from .attempts import ATTEMPTS, LEASE_SECONDS, Attempts, settled
from .malformed import as_dead, is_malformed
from .notification import NewNotification
from .turns import AT_ONCE, Turns
from .unrecorded import ENDED_UNSENT, FINAL, Unrecorded

__all__ = ["FINAL", "Outbox"]

# How long after a lost answer the service is asked: it may still be processing the message.
ASK_AFTER_SECONDS = 15.0
FIRST_BACKOFF_SECONDS = 2.0
LONGEST_BACKOFF_SECONDS = 900.0
GIVES_UP_SECONDS = 24 * 3600.0
# Once a message has waited this long, its incident may have ended.
OVERTAKEN_SECONDS = 60.0
# How many of an incident's last messages are searched for the thread or ticket to continue.
LOOKED_AT = 100
# A channel's share of a round, in messages.
BATCH = 50

Record = Callable[[Document], None]


class Outbox:
    """Enqueues and delivers notifications.

    Args:
        holder: the name of this process, for the claims.
        record: writes the outcome on the incident's timeline, given the notification's document.
            It may be called twice for one outcome and must count once.
        jitter: returns numbers in [0, 1).
        gone: returns whether a holder has certainly ended: its attempts are settled at once.
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
        self._turns = Turns(stores.outbox, clock)
        self._unrecorded = Unrecorded(stores.outbox, clock)

    def enqueue(self, notification: NewNotification) -> bool:
        """Enqueue a notification. Return False if it is already there."""
        return self._stores.outbox.insert(notification.to_document(self._clock.now()))

    def deliver_due(
        self, senders: Senders, limit: int = BATCH, held: Collection[str] = ()
    ) -> Dict[str, int]:
        """Make the attempts that are due; return how many ended in which state.

        At most ``limit`` are made for each channel. Messages for the channels in ``held`` wait.
        """
        counts: Dict[str, int] = {}
        made: Dict[str, Sender] = {}
        try:
            for document in self._turns.round(limit, held):
                if is_malformed(document):
                    self._put_aside(document)
                    continue
                began = self._clock.now()
                state = self._advance(document, senders, made)
                self._turns.took(document["channel"], self._clock.now() - began, bool(state))
                if state:
                    counts[state] = counts.get(state, 0) + 1
        finally:
            for sender in made.values():
                if isinstance(sender, Connected):
                    sender.close()
        for document in self._unrecorded.find(limit):
            self._write_record(as_dead(document) if is_malformed(document) else document)
        return counts

    def retry(self, key: str, changed: Callable[[Document], Document]) -> Optional[Document]:
        """Resend a dead or unconfirmed notification at a person's request.

        Returns its document, or None if there is none. Notifications in other states are returned
        unchanged. ``changed`` returns the fields of a document that have new values by now.
        """
        document = self._stores.outbox.get(key)
        if document is None or document["state"] not in ENDED_UNSENT:
            return document
        if document["incident_id"] and not document["recorded"]:
            self._record(document)
        self._attempts.ask_again(key, int(document["attempts"]), changed(document))
        self._begin_again(document)
        return document

    def _begin_again(self, document: Document) -> None:
        """Restart a notification that ended unsent, if a person has asked to resend it."""
        number = int(document["attempts"])
        changed = self._attempts.asked_again(document["_key"], number)
        if changed is None:
            return
        anew = {"state": "pending", "spent": number, "next_attempt": AT_ONCE, "first_sent": 0.0}
        document.update(changed, **anew, recorded=False)
        self._stores.outbox.save([document])

    def ended(self) -> None:
        """Note that other code ended notifications: the next round records them on timelines."""
        self._unrecorded.expect()

    def _put_aside(self, document: Document) -> None:
        self._stores.outbox.save([as_dead(document)])
        self._unrecorded.expect()

    # --- one attempt ------------------------------------------------------------------------

    def _advance(
        self, document: Document, senders: Senders, made: Dict[str, Sender]
    ) -> Optional[str]:
        """Take a due notification one step further; return its new state if there is one."""
        try:
            sender = _sender(document["channel"], senders, made)
        except NotConfigured as error:
            return self._refuse(document, str(error))
        except NotReady:
            self._turns.failed(document["channel"])
            return None
        if document["state"] == "sending":
            return self._settle(document, int(document["attempts"]), sender)
        return self._attempt(document, sender)

    def _refuse(self, document: Document, reason: str) -> Optional[str]:
        """End a notification of an unusable channel: dead, or unconfirmed if it may be there."""
        number = int(document["attempts"])
        if document["state"] == "sending":
            known = self._attempts.outcome(document["_key"], number)
            delivery = known or Delivery("unconfirmed", f"Delivery can't be checked: {reason}")
            return self._end(document, number, delivery)
        if not self._attempts.begin(document["_key"], number + 1):
            return self._overtaken(document, number + 1, None, reason)
        return self._end(document, number + 1, Delivery("dead", reason))

    def _attempt(self, document: Document, sender: Sender) -> Optional[str]:
        key, number = document["_key"], int(document["attempts"]) + 1
        self._choose_thread(document)
        notification = self._as_it_is_now(document)
        started = self._clock.now()
        if not self._attempts.begin(key, number):
            return self._overtaken(document, number, sender)
        document.update(attempts=number, first_sent=document["first_sent"] or started)
        if self._clock.now() - started > LEASE_SECONDS / 2:
            # Other processes may soon count this attempt as lost, and it was not made yet.
            return self._end(document, number, Delivery("retry", "The attempt started too late."))
        self._attempts.make(key, number)
        is_repeat = number - int(document["spent"]) > 1
        first_sent = document["first_sent"]
        told = replace(notification, first_sent=first_sent, is_repeat=is_repeat)
        delivery = sent_by(sender, told)
        if delivery.outcome == "unknown":
            return self._wait_to_ask(document, delivery.detail)
        return self._end(document, number, delivery)

    def _choose_thread(self, document: Document) -> None:
        """Choose and save the thread, so that a lost message is later searched for there."""
        thread = self._thread(document)
        if thread != document["thread"]:
            document["thread"] = thread
            self._stores.outbox.save([document])

    def _overtaken(
        self, document: Document, number: int, sender: Optional[Sender], reason: str = ""
    ) -> Optional[str]:
        """Adopt the outcome of another process's attempt, or settle it if that process left it."""
        outcome = self._attempts.outcome(document["_key"], number)
        if outcome is not None:
            return self._apply(document, number, outcome)
        began = self._attempts.left_since(document["_key"], number)
        if began is None:
            return None
        if sender is None:
            lost = Delivery("unconfirmed", f"Delivery can't be checked: {reason}")
            return self._end(document, number, lost)
        document["first_sent"] = document["first_sent"] or began
        return self._settle(document, number, sender)

    def _settle(self, document: Document, number: int, sender: Sender) -> Optional[str]:
        """End an attempt that has no stored outcome."""
        outcome = self._attempts.outcome(document["_key"], number)
        if outcome is not None:
            return self._apply(document, number, outcome)
        begun = self._attempts.began(document["_key"], number)
        inquiry = asked_of(sender, replace(self._notification(document), begun=begun))
        if inquiry.answer == "later":
            age = self._clock.now() - document["first_sent"]
            if age < GIVES_UP_SECONDS:
                document["attempts"] = number
                return self._wait_to_ask(document, inquiry.detail)
        return self._end(document, number, settled(inquiry, number - int(document["spent"])))

    def _wait_to_ask(self, document: Document, detail: str) -> str:
        document.update(
            state="sending",
            last_error=f"{detail} Checking whether the message arrived."[:1000],
            next_attempt=self._clock.now() + ASK_AFTER_SECONDS,
        )
        self._stores.outbox.save([document])
        self._turns.failed(document["channel"])
        return "asking"

    # --- outcomes ---------------------------------------------------------------------------

    def _end(self, document: Document, number: int, delivery: Delivery) -> Optional[str]:
        """Store an attempt's outcome and apply it; one that another process stored first counts."""
        return self._apply(document, number, self._attempts.end(document["_key"], number, delivery))

    def _apply(self, document: Document, number: int, delivery: Delivery) -> str:
        """Update the notification's document with its last attempt's outcome."""
        now = self._clock.now()
        document.update(attempts=number, last_error=delivery.detail)
        if delivery.outcome == "retry":
            spent = number - int(document["spent"])
            if self._is_given_up(document, spent):
                document.update(
                    state="dead",
                    last_error=f"Gave up after {spent} attempts. Last error: {delivery.detail}",
                )
            else:
                wait = self._backoff(spent, delivery.retry_after)
                document.update(state="pending", next_attempt=now + wait)
                self._turns.failed(document["channel"], delivery.retry_after or 0.0)
        else:
            document["state"] = delivery.outcome
            if delivery.outcome == "sent":
                self._turns.worked(document["channel"])
                document.update(sent_at=now, receipt=dict(delivery.receipt), last_error="")
                if document.get("room"):
                    document["in_room"] = document["receipt"].get("channel") == document["room"]
        self._stores.outbox.save([document])
        if document["state"] in FINAL:
            self._write_record(document)
        return str(document["state"]) if document["state"] in FINAL else "retry"

    def _is_given_up(self, document: Document, spent: int) -> bool:
        """Return whether to stop: after a day, or if the service accepted others meanwhile."""
        began = document["first_sent"] or self._clock.now()
        if self._clock.now() - began >= GIVES_UP_SECONDS:
            return True
        if spent < ATTEMPTS:
            return False
        others = {"channel": document["channel"], "state": "sent", "sent_at": {"$gt": began}}
        return bool(self._stores.outbox.find(others, limit=1))

    def _backoff(self, spent: int, asked: Optional[float]) -> float:
        """Return the wait: exponential with jitter, and at least what the service asked for."""
        longest = min(LONGEST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2.0 ** min(spent - 1, 20))
        return max(longest * (0.5 + self._jitter() / 2), (asked or 0.0) * (1 + self._jitter() / 10))

    def _write_record(self, document: Document) -> None:
        self._unrecorded.expect()
        if document["incident_id"]:
            self._record(document)
        document["recorded"] = True
        self._stores.outbox.save([document])
        if document["state"] in ENDED_UNSENT:
            # A person may have asked after the saved document was read.
            self._begin_again(document)

    def _as_it_is_now(self, document: Document) -> Notification:
        """Return the notification, with what changed while it waited if it waited long."""
        notification = self._notification(document)
        told: Document = document["message"]
        age = self._clock.now() - float(told.get("time") or self._clock.now())
        if age < OVERTAKEN_SECONDS:
            return notification
        key = "" if document.get("follow_up") else document["incident_id"]
        incident = self._stores.incidents.get(key) if key else None
        notification = replace(notification, is_over=late.has_ended(incident))
        if age < late.LATE_SECONDS:
            return notification
        return replace(notification, late=age, message=late.waited(told, age, incident))

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
            room=str(document.get("room") or ""),
            otherwise=str(document.get("otherwise") or ""),
        )

    def _thread(self, document: Document) -> Mapping[str, Any]:
        """Return the receipt that this message continues: a thread, a ticket, or nothing.

        The last sent message decides: a new thread or ticket may have replaced an earlier one.
        """
        if not document["incident_id"]:
            return {}
        query = {
            "incident_id": document["incident_id"],
            "channel": document["channel"],
            "target": document["target"],
            "state": "sent",
            # Messages in the incident channel are no part of a thread.
            "in_room": {"$ne": True},
        }
        latest = self._stores.outbox.find(query, "sent_at:-1", LOOKED_AT, fields=("receipt",))
        receipts: List[Mapping[str, Any]] = [one["receipt"] or {} for one in latest]
        # Messages sent in a summary have no thread or ticket.
        receipt = next((one for one in receipts if one.get("ts") or one.get("ticket")), {})
        if receipt.get("ts"):
            first = {name: receipt[name] for name in ("channel", "ts") if name in receipt}
            return {**first, "ts": receipt.get("thread_ts") or receipt["ts"]}
        return receipt


def _sender(channel: str, senders: Senders, made: Dict[str, Sender]) -> Sender:
    if channel not in senders:
        raise NotConfigured(f"There is no channel '{channel}': use {', '.join(senders)}.")
    if channel not in made:
        made[channel] = senders[channel]()
    return made[channel]
