"""The interface between the outbox and the senders of the services."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Optional, Protocol, runtime_checkable

from ..outside.transport import BadUrl, NoAnswer, NotSent

__all__ = [
    "NO_REPLY",
    "TEAM",
    "TEAM_TOO",
    "Connected",
    "Delivery",
    "Inquiry",
    "Notification",
    "Sender",
    "asked_of",
    "dead",
    "retry",
    "sent",
    "sent_by",
    "unknown",
    "without_reply",
]

# Raised by a request that got no reply.
NO_REPLY = (NotSent, NoAnswer, BadUrl)
# A message that the incident channel rejects goes to the team's channel (TEAM), or is there already
# (TEAM_TOO).
TEAM, TEAM_TOO = "team", "team too"


@dataclass(frozen=True)
class Notification:
    """One message for one channel.

    Attributes:
        id: the outbox key; the service gets it if it can carry one.
        target: the place within the channel (a Slack channel); empty: the settings' default.
        event: what happened, see :func:`incident_management.notify.events.event_of`.
        message: a :class:`~incident_management.notify.message.Message` as a document.
        thread: the receipt of the incident's first message there, or, for a ticket channel, of
            the last one, if there is one.
        first_sent: epoch seconds of the first attempt.
        begun: epoch seconds of the attempt that is asked about; bounds the search for it.
        late: for how many seconds it had to wait, if for long enough to mention.
        is_repeat: whether it was tried before, so that the service may have it.
        is_over: whether the incident has ended meanwhile, for a message that had to wait.
        room: the id of the incident channel in Slack, which gets the message if it accepts it.
        otherwise: what happens if not: :data:`TEAM`, :data:`TEAM_TOO`; empty: it is dead.
    """

    id: str
    incident_id: str
    channel: str
    target: str
    event: str
    message: Mapping[str, Any]
    thread: Optional[Mapping[str, Any]] = None
    first_sent: float = 0.0
    begun: float = 0.0
    late: float = 0.0
    is_repeat: bool = False
    is_over: bool = False
    room: str = ""
    otherwise: str = ""


@dataclass(frozen=True)
class Delivery:
    """How an attempt ended.

    ``outcome`` is ``sent``; ``retry``, the service certainly did not accept it and may later;
    ``dead``, it never will; or ``unknown``, this side can't tell.
    """

    outcome: str
    detail: str = ""
    receipt: Mapping[str, Any] = field(default_factory=dict)
    retry_after: Optional[float] = None


@dataclass(frozen=True)
class Inquiry:
    """A service's answer about an attempt whose outcome is unknown.

    ``answer`` is ``arrived``; ``missing``; ``harmless``, a repeat changes nothing there;
    ``marked``, receivers that check its id can recognise a repeat; ``impossible``, the service
    can't be asked; or ``later``, it could not be asked just now.
    """

    answer: str
    detail: str = ""
    receipt: Mapping[str, Any] = field(default_factory=dict)


class Sender(Protocol):
    """One service. Neither method raises for what the service or the network does."""

    def send(self, notification: Notification) -> Delivery:
        """Send once, without any retry of its own."""

    def ask(self, notification: Notification) -> Inquiry:
        """Ask the service whether an earlier attempt arrived."""


@runtime_checkable
class Connected(Protocol):
    """A sender that keeps a connection for the messages of a round."""

    def close(self) -> None:
        """Close it; raises nothing for what the service or the network does."""


def sent_by(sender: Sender, notification: Notification) -> Delivery:
    """Send a notification. An unexpected answer ends as ``unknown`` and delays no other message."""
    try:
        return sender.send(notification)
    except Exception as error:  # noqa: BLE001 - whatever a service answers
        return unknown(f"The service's answer can't be read ({type(error).__name__}).")


def asked_of(sender: Sender, notification: Notification) -> Inquiry:
    """Ask whether a notification arrived; an unexpected answer counts as ``later``."""
    try:
        return sender.ask(notification)
    except Exception as error:  # noqa: BLE001 - as above
        return Inquiry("later", f"The service's answer can't be read ({type(error).__name__}).")


def sent(receipt: Mapping[str, Any]) -> Delivery:
    """Return the delivery of a message that the service accepted."""
    return Delivery("sent", "", dict(receipt))


def retry(detail: str, after: Optional[float] = None) -> Delivery:
    """Return the delivery of a message that the service did not get.

    ``after``: the wait that the service asked for, in seconds.
    """
    return Delivery("retry", detail, {}, after)


def dead(detail: str) -> Delivery:
    """Return the delivery of a message that the service rejected for good."""
    return Delivery("dead", detail)


def unknown(detail: str) -> Delivery:
    """Return the delivery of a message whose answer was lost."""
    return Delivery("unknown", detail)


def without_reply(failure: Exception) -> Delivery:
    """Return the delivery that one of :data:`NO_REPLY` means."""
    if isinstance(failure, NoAnswer):
        return unknown(str(failure))
    return retry(str(failure)) if isinstance(failure, NotSent) else dead(str(failure))
