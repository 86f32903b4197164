"""What ServiceNow and Jira have in common: one ticket for one incident, or for one follow-up.

The first thing told of an incident opens its ticket, what follows is added to it, and its end
resolves it. Before anything is written the service is asked whether it is there already, so a
message may be repeated whenever its answer was lost. Texts come from logs: nothing in them may be
taken for the service's markup. A message about a follow-up has the events of an incident: it opens,
ends, and is opened again.
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
# What each message begins with.
FIRST_LABEL = "What happened"


class Refused(Exception):
    """The service did not do what was asked; ``delivery`` is what that means for the message."""

    def __init__(self, delivery: Delivery, status: int = 0) -> None:
        super().__init__(delivery.detail)
        self.delivery = delivery
        self.status = status

    @classmethod
    def unreadable(cls, name: str) -> Refused:
        """The answer of the service of that name has not the form of its reference."""
        return cls(retry(f"{name} answered in a form that can't be read: check its address."))


class Login(Protocol):
    """Signs requests in with what changes in time: :class:`.oauth.SignIn`."""

    def authorization(self) -> str:
        """Return the value of ``Authorization``. Raises as :meth:`Service.call`."""

    def renew(self) -> bool:
        """Forget what was refused. True: it is worth asking again."""


class Service:
    """One service's REST API: each call is one request, and its answer JSON.

    Args:
        name: as people know it, for the sentences about it.
        base: the address that paths are added to.
        login: the value of ``Authorization``, or what gives it.
        reason_of: reads out of an error's body why it was refused.
        now: gives the time in epoch seconds, to read ``Retry-After`` by.
        accept: the media type to ask for, where the service has one of its own.
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
        """Send one request; an empty answer is an empty object.

        Raises:
            Refused: it was answered with anything but 2xx, or not with a JSON object.
            NotSent, BadUrl: as :func:`~...outside.transport.send_json`.
            NoAnswer: the same, of a request that may have changed something.
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
        """Get what is at a path; None when there is no such thing. Raises as :meth:`call`."""
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
            # It may have been carried out before it failed, or behind a gateway.
            return unknown(f"{self._name} answered {status}.")
        host = urlsplit(self._base).hostname or ""
        if elsewhere := not_followed(reply, host):
            return dead(elsewhere)
        reason = truncated(" ".join(self._reason_of(answer).split()), 300) or "no reason given"
        return dead(f"{self._name} refused it with {status}: {reason}")


def _object(text: str) -> Optional[Dict[str, Any]]:
    """Parse a JSON object; None for anything else."""
    if not text.strip():
        return {}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


# What speaking to a service may raise.
FAILURES = (Refused, *NO_REPLY)


def attempt(work: Callable[[], Delivery]) -> Delivery:
    """Do it, and say what a failure means for the message."""
    try:
        return work()
    except FAILURES as error:
        return meaning(error)


def meaning(failure: Exception) -> Delivery:
    """Say what one of :data:`FAILURES` means for what was asked."""
    return failure.delivery if isinstance(failure, Refused) else without_reply(failure)


def configured(service: str, address: str, **needed: str) -> str:
    """Return a service's address, checked. Raises NotConfigured, also when a setting is empty."""
    for name, value in {"address": address, **needed}.items():
        if not value:
            what = name.replace("_", " ")
            raise NotConfigured(
                f"No {service} {what} is set: set it under Configuration > {service}."
            )
    return configured_url(address, f"The {service} address")


def reference(notification: Notification) -> str:
    """Return what joins a ticket to what was told: an id, without blanks or marks of a query."""
    return (
        str(notification.message.get("follow_up") or "")
        or notification.incident_id
        or notification.id
    )


def basic(user: str, password: str) -> str:
    """Return the value of ``Authorization`` for basic authentication (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")


def known_ticket(notification: Notification) -> str:
    """Return the id of the incident's ticket, as an earlier message's receipt has it."""
    return str((notification.thread or {}).get("ticket") or "")


def is_over(message: Message) -> bool:
    """Tell whether the incident has ended, or had when something was told of it."""
    return message.event in ENDED or (message.status in ENDED and message.event != "reopened")


def opens(message: Message, is_followed: bool = False) -> bool:
    """Tell whether a message makes a ticket where there is none, or one that is closed for good.

    ``is_followed``: there is such a one. A follow-up's ticket is made for whoever wants it, alone.
    """
    if message.follow_up:
        return message.event == "opened" or (is_followed and message.event == "reopened")
    return not is_over(message)


def subject(message: Message) -> str:
    """Return a ticket's title: one line."""
    title = message.title if message.follow_up else f"{message.severity.upper()}: {message.title}"
    return truncated(" ".join(title.split()), SUBJECT_LENGTH)


def more(fields: Mapping[str, Any], message: Message) -> Dict[str, Any]:
    """Return the fields that an administrator wants a new ticket to have besides.

    Of a value that is an object with names of severities, the one of the message's severity counts.
    """
    found = {}
    for name, value in fields.items():
        if isinstance(value, dict) and value and set(value) <= set(SEVERITIES):
            value = value.get(message.severity)
        if value is not None:
            found[name] = value
    return found


def facts(message: Message, first: bool) -> List[Tuple[str, str]]:
    """Return what a message says, as labelled lines; a ticket's ``first`` ones say all."""
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
