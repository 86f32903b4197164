"""ServiceNow: one record of a table, through the Table API, for one incident.

``correlation_id`` of the record is the incident's id, and ``correlation_display`` the id of the
message that was written last: it changes together with what the message writes, so a message whose
answer was lost is recognised when it is tried again. An incident's messages come one by one.

Sources: "Table API" and "REST OAuth example" in ServiceNow's REST API reference; "Client
credentials" in its Platform Security (that grant takes the property
glide.oauth.inbound.client.credential.grant_type.enabled and an OAuth Application User); states and
close codes are those of a base system's Incident Management (1 new, 2 in progress, 6 resolved, 7
closed, 8 canceled).
"""

from __future__ import annotations

import re
from typing import Any, Dict, Mapping, Optional, Tuple, Union
from urllib.parse import quote, urlencode

from ...outside.transport import Network
from ...ports import Clock
from ...splunk.channel_settings import BASIC, CLIENT, PASSWORD, ServiceNow
from ..channel import Delivery, Inquiry, Notification, sent
from ..message import Message
from .oauth import SignIn
from .tickets import (
    Refused,
    Service,
    attempt,
    basic,
    configured,
    facts,
    is_over,
    known_ticket,
    more,
    reference,
    subject,
)

__all__ = ["FINAL", "RESOLVED", "ServiceNowSender", "service_of"]

NEW, IN_PROGRESS, RESOLVED = "1", "2", "6"
# Nothing can be added to these, and the base system does not let anybody open them again.
FINAL = ("7", "8")
# Impact and urgency, of which a base system makes the priority 1 to 5.
_GRAVITY = {
    "critical": ("1", "1"),
    "high": ("2", "1"),
    "medium": ("2", "2"),
    "low": ("3", "2"),
    "info": ("3", "3"),
}
_FIELDS = "sys_id,number,state,correlation_id,correlation_display"
_BY_HAND = {
    RESOLVED: "Splunk could not resolve this record, please do so by hand.",
    IN_PROGRESS: "Splunk could not set this record to in progress, please do so by hand.",
}
_HINTS = {
    CLIENT: (
        "Check client ID and secret under Configuration > ServiceNow, and that the instance allows "
        "client credentials (glide.oauth.inbound.client.credential.grant_type.enabled) and that "
        "the OAuth application has a user."
    ),
    PASSWORD: "Check client ID, client secret, user and password under Configuration > ServiceNow.",
}
# What a journal field takes for HTML begins with this.
_CODE = re.compile(r"\[(/?code\])", re.IGNORECASE)


class ServiceNowSender:
    """Speaks to one instance. Raises NotConfigured when a setting is missing or unusable."""

    def __init__(self, settings: ServiceNow, network: Network, clock: Clock) -> None:
        self._service = service_of(settings, network, clock)
        self._table = f"/api/now/table/{quote(settings.table, safe='')}"
        self._settings = settings

    def send(self, notification: Notification) -> Delivery:
        """Open the incident's record, or add to it."""
        return attempt(lambda: self._send(notification))

    def ask(self, notification: Notification) -> Inquiry:
        """A repeat is harmless: it looks first whether the record has the message."""
        return Inquiry("harmless", "A repeat looks first whether it arrived.")

    def _send(self, notification: Notification) -> Delivery:
        message = Message.from_document(notification.message)
        mark = f"Splunk {notification.id}"
        record = self._found(notification)
        if record is not None and record.get("correlation_display") == mark:
            return sent(_receipt(record, message))
        if record is None or (record.get("state") in FINAL and not is_over(message)):
            if is_over(message):
                # Nobody there ever heard of it.
                return sent({})
            return sent(_receipt(self._open(notification, message, mark), message, True))
        if record.get("state") in FINAL:
            return sent(_receipt(record, message))
        change = {**self._change(message, str(record.get("state"))), "correlation_display": mark}
        return sent({**_receipt(self._changed(record, change), message), "noted": True})

    def _changed(self, record: Mapping[str, Any], change: Mapping[str, str]) -> Mapping[str, Any]:
        """Change a record. One that may not get its state yet (a data policy, say) is told why."""
        path = f"{self._table}/{quote(str(record['sys_id']), safe='')}?{_query()}"
        try:
            return self._service.call("PATCH", path, change).get("result") or record
        except Refused as error:
            if "state" not in change or error.delivery.outcome != "dead":
                raise
            note = f"{change['work_notes']}\n{_BY_HAND[change['state']]} {_plain(str(error))}"
        told = {"work_notes": note, "correlation_display": change["correlation_display"]}
        return self._service.call("PATCH", path, told).get("result") or record

    def _found(self, notification: Notification) -> Optional[Mapping[str, Any]]:
        """The incident's newest record; None when there is none.

        The one that is known may have been followed by another, if the answer was lost that named
        it.
        """
        known, record = known_ticket(notification), None
        if known:
            found = self._service.find(f"{self._table}/{quote(known, safe='')}?{_query()}")
            record = found.get("result") if found else None
            if record and record.get("state") not in FINAL:
                return record
        search = f"correlation_id={reference(notification)}^ORDERBYDESCsys_created_on"
        answer = self._service.call("GET", f"{self._table}?{_query(search)}").get("result") or []
        # Of a query whose field a table does not have, or that may not be read, an instance drops
        # that part, and answers with any record (glide.invalid_query.returns_no_rows is false).
        mine = [one for one in answer if one.get("correlation_id") == reference(notification)]
        return mine[0] if mine else record

    def _open(self, notification: Notification, message: Message, mark: str) -> Mapping[str, Any]:
        impact, urgency = _GRAVITY.get(message.severity, _GRAVITY["medium"])
        record = {
            **more(self._settings.more_fields, message),
            "short_description": subject(message),
            "description": _text(message, True),
            "impact": impact,
            "urgency": urgency,
            "correlation_id": reference(notification),
            "correlation_display": mark,
        }
        if self._settings.assignment_group:
            record["assignment_group"] = self._settings.assignment_group
        answer = self._service.call("POST", f"{self._table}?{_query()}", record)
        result: Mapping[str, Any] = answer.get("result") or {}
        return result

    def _change(self, message: Message, state: str) -> Dict[str, str]:
        note = _text(message, False)
        change = {"work_notes": note}
        if is_over(message):
            if state != RESOLVED:
                change.update(
                    state=RESOLVED, close_code=self._settings.close_code, close_notes=note
                )
        elif message.event == "reopened" or (message.event == "acknowledged" and state == NEW):
            change["state"] = IN_PROGRESS
        elif message.event == "severity":
            change["impact"], change["urgency"] = _GRAVITY.get(message.severity, _GRAVITY["medium"])
        return change


def service_of(settings: ServiceNow, network: Network, clock: Clock) -> Service:
    """Return the instance's API. Raises NotConfigured when a setting is missing or unusable."""
    name, needed = "ServiceNow", {"user": settings.username}
    if settings.sign_in != CLIENT:
        needed["password"] = settings.password
    if settings.sign_in != BASIC:
        needed.update(client_ID=settings.client_id, client_secret=settings.client_secret)
    base = configured(name, settings.instance_url, **needed)
    if settings.sign_in == BASIC:
        login: Union[str, SignIn] = basic(settings.username, settings.password)
    else:
        url = f"{base}/oauth_token.do"
        login = SignIn(name, url, _grant(settings), _HINTS[settings.sign_in], network, clock.now)
    return Service(name, base, login, network, _reason, clock.now)


def _grant(settings: ServiceNow) -> Dict[str, str]:
    """What is sent for a token: of a client by itself, or with its user's password."""
    grant = {"client_id": settings.client_id, "client_secret": settings.client_secret}
    if settings.sign_in == CLIENT:
        return {"grant_type": "client_credentials", **grant}
    user = {"username": settings.username, "password": settings.password}
    return {"grant_type": "password", **grant, **user}


def _query(search: str = "") -> str:
    values = {"sysparm_fields": _FIELDS}
    if search:
        values.update(sysparm_query=search, sysparm_limit="1")
    return urlencode(values)


def _text(message: Message, first: bool) -> str:
    lines = [f"{label}: {value}" if label else value for label, value in facts(message, first)]
    return _plain("\n".join(lines))


def _plain(text: str) -> str:
    return _CODE.sub(r"[ \1", text)


def _receipt(record: Mapping[str, Any], message: Message, is_new: bool = False) -> Dict[str, Any]:
    """The record, with the state that this message has left it in, if it was to change that.

    So that what comes back of it is not taken for what somebody else did.
    """
    state = str(record.get("state", ""))
    receipt: Dict[str, Any] = {
        "ticket": str(record.get("sys_id", "")),
        "number": str(record.get("number", "")),
    }
    if is_new or state in _goals(message):
        receipt.update(state=state, over=state == RESOLVED or state in FINAL)
    return receipt


def _goals(message: Message) -> Tuple[str, ...]:
    """The states of which one is what a message leads to."""
    if is_over(message):
        return (RESOLVED,)
    return {"opened": (NEW,), "reopened": (IN_PROGRESS,), "acknowledged": (IN_PROGRESS,)}.get(
        message.event, ()
    )


def _reason(answer: Mapping[str, Any]) -> str:
    error = answer.get("error")
    if not isinstance(error, dict):
        return ""
    return " ".join(str(error[part]) for part in ("message", "detail") if error.get(part))
