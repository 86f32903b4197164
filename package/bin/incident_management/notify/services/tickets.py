"""What ServiceNow and Jira share: one ticket for one incident, or for one follow-up.

The first message of an incident opens its ticket, later ones are added to it, and its end resolves
it. Before anything is written, the service is asked whether it has it already, so a message may be
repeated whenever its answer was lost. Texts come from logs, so the service must not read markup in
them. A message about a follow-up has the events of an incident: it opens, ends and reopens.
"""

from __future__ import annotations

import base64
import json
from typing import Any, Callable, Dict, List, Mapping, Optional, Protocol, Tuple, Union
from urllib.parse import urlsplit

from ...incidents.model import ENDED, SEVERITIES
from ...outside.network import NotConfigured, configured_url
from ...outside.transport import (
    Network,
    NoAnswer,
    NotSent,
    Reply,
    json_headers,
    not_followed,
    retry_after,
    send_json,
)
from ...utc import to_the_second
from ..channel import NO_REPLY, Delivery, Notification, dead, retry, unknown, without_reply
from ..message import Message, field_facts, listed
from ..request_fields import truncated

__all__ = [
    "FAILURES",
    "FIRST_LABEL",
    "Refused",
    "Service",
    "attempt",
    "basic",
    "configured",
    "facts",
    "is_over",
    "known_ticket",
    "meaning",
    "more",
    "opens",
    "reference",
    "subject",
]

SUBJECT_LENGTH = 160
# The label of each message's first line.
FIRST_LABEL = "What happened"


class Refused(Exception):
    """The service rejected the request; ``delivery`` is what that means for the message."""

    def __init__(self, delivery: Delivery, status: int = 0) -> None:
        super().__init__(delivery.detail)
        self.delivery = delivery
        self.status = status

    @classmethod
    def unreadable(cls, name: str) -> Refused:
        """Return the error for an answer that does not have the documented form."""
        return cls(retry(f"{name} answered in a form that can't be read: check its address."))


class Login(Protocol):
    """Signs requests in with a value that changes over time: :class:`.oauth.SignIn`."""

    def authorization(self) -> str:
        """Return the value of ``Authorization``. Raises as :meth:`Service.call`."""

    def renew(self) -> bool:
        """Forget the refused value. Return True if it is worth asking again."""


class Service:
    """One service's REST API: each call is one request, answered with JSON.

    Args:
        name: as people know it, for error sentences.
        base: the address that paths are appended to.
        login: the value of ``Authorization``, or an object that gives it.
        reason_of: reads from an error's body why the request was rejected.
        now: returns the time in epoch seconds, to evaluate ``Retry-After``.
        accept: the media type to ask for, where the service has its own.
    """

    def __init__(
        self,
        name: str,
        base: str,
        login: Union[str, Login],
        network: Network,
        reason_of: Callable[[Mapping[str, Any]], str],
        now: Callable[[], float],
        accept: str = "application/json",
    ) -> None:
        self._name = name
        self._base = base
        self._headers = {**json_headers(), "Accept": accept}
        self._login = login
        self._network = network
        self._reason_of = reason_of
        self._now = now

    def call(self, method: str, path: str, body: Any = None) -> Dict[str, Any]:
        """Send one request; an empty answer counts as an empty object.

        Raises:
            Refused: the answer is not 2xx, or not a JSON object.
            NotSent, BadUrl: as :func:`~...outside.transport.send_json`.
            NoAnswer: the same, for a request that may have changed something.
        """
        reply = self._asked(method, path, body)
        if reply.status == 401 and not isinstance(self._login, str) and self._login.renew():
            reply = self._asked(method, path, body)
        answer = _object(reply.text)
        if 200 <= reply.status < 300:
            if answer is None:
                raise Refused(retry(f"{self._name} answered without JSON: check its address."))
            return answer
        raise Refused(self._judged(method, reply, answer or {}), reply.status)

    def _asked(self, method: str, path: str, body: Any) -> Reply:
        login = self._login if isinstance(self._login, str) else self._login.authorization()
        headers = {**self._headers, "Authorization": login}
        try:
            return send_json(self._network, self._base + path, body, headers, method)
        except NoAnswer as error:
            if method == "GET":
                raise NotSent(str(error)) from None
            raise

    def find(self, path: str) -> Optional[Dict[str, Any]]:
        """Get the object at a path; None if it does not exist. Raises as :meth:`call`."""
        try:
            return self.call("GET", path)
        except Refused as error:
            if error.status != 404:
                raise
            return None

    def _judged(self, method: str, reply: Reply, answer: Mapping[str, Any]) -> Delivery:
        status = reply.status
        if status in (429, 503) or (status >= 500 and method == "GET"):
            wait = retry_after(reply.headers, self._now())
            return retry(f"{self._name} answered {status}.", wait)
        if status >= 500:
            # The service may have executed it before it failed, or executed it behind a gateway.
            return unknown(f"{self._name} answered {status}.")
        host = urlsplit(self._base).hostname or ""
        if elsewhere := not_followed(reply, host):
            return dead(elsewhere)
        reason = truncated(" ".join(self._reason_of(answer).split()), 300) or "no reason given"
        return dead(f"{self._name} rejected the request with {status}: {reason}")


def _object(text: str) -> Optional[Dict[str, Any]]:
    """Parse a JSON object; None for anything else."""
    if not text.strip():
        return {}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


# What a call to a service may raise.
FAILURES = (Refused, *NO_REPLY)


def attempt(work: Callable[[], Delivery]) -> Delivery:
    """Run it; return what a failure means for the message."""
    try:
        return work()
    except FAILURES as error:
        return meaning(error)


def meaning(failure: Exception) -> Delivery:
    """Return what one of :data:`FAILURES` means for the request."""
    return failure.delivery if isinstance(failure, Refused) else without_reply(failure)


def configured(service: str, address: str, **needed: str) -> str:
    """Return a service's checked address. Raises NotConfigured, also if a setting is empty."""
    for name, value in {"address": address, **needed}.items():
        if not value:
            what = name.replace("_", " ")
            raise NotConfigured(
                f"No {service} {what} is set: set it under Configuration > {service}."
            )
    return configured_url(address, f"The {service} address")


def reference(notification: Notification) -> str:
    """Return the id that links a ticket to its messages, without blanks or query characters."""
    return (
        str(notification.message.get("follow_up") or "")
        or notification.incident_id
        or notification.id
    )


def basic(user: str, password: str) -> str:
    """Return the value of ``Authorization`` for basic authentication (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")


def known_ticket(notification: Notification) -> str:
    """Return the id of the incident's ticket from an earlier message's receipt; '' if unknown."""
    return str((notification.thread or {}).get("ticket") or "")


def is_over(message: Message) -> bool:
    """Return whether the incident has ended, or had ended when the message was written."""
    return message.event in ENDED or (message.status in ENDED and message.event != "reopened")


def opens(message: Message, is_followed: bool = False) -> bool:
    """Return whether a message opens a ticket if there is none, or only one that is final.

    ``is_followed``: there is a final one. A follow-up's ticket is opened only on request.
    """
    if message.follow_up:
        return message.event == "opened" or (is_followed and message.event == "reopened")
    return not is_over(message)


def subject(message: Message) -> str:
    """Return a ticket's title: one line."""
    title = message.title if message.follow_up else f"{message.severity.upper()}: {message.title}"
    return truncated(" ".join(title.split()), SUBJECT_LENGTH)


def more(fields: Mapping[str, Any], message: Message) -> Dict[str, Any]:
    """Return the additional fields that an administrator configured for a new ticket.

    If a value is an object with severities as names, the one of the message's severity is used.
    """
    found = {}
    for name, value in fields.items():
        if isinstance(value, dict) and value and set(value) <= set(SEVERITIES):
            value = value.get(message.severity)
        if value is not None:
            found[name] = value
    return found


def facts(message: Message, first: bool) -> List[Tuple[str, str]]:
    """Return a message as labelled lines; the ``first`` message of a ticket has all of them."""
    found = [(FIRST_LABEL, message.headline), ("", message.text)]
    if first:
        found += [
            ("Where", listed(message.where)),
            ("Since", to_the_second(message.since) if message.since else ""),
            ("Found by", listed(message.rules)),
            ("Team", message.team),
            *field_facts(message),
        ]
    found += [
        ("Owner", message.owner if first else ""),
        ("Due", message.due_day),
        ("Likely cause", message.cause if first or message.event == "analysis" else ""),
        ("Log line", message.quote if first or message.event == "analysis" else ""),
    ]
    if first:
        found += [("Incident", message.incident_id), ("In Splunk", message.url)]
    return [(label, value) for label, value in found if value]
