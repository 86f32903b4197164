"""ServiceNow: one record of a table, through the Table API, for one incident or one follow-up.

The record's ``correlation_id`` is the incident's (or follow-up's) id, and its
``correlation_display`` the id of the last message written. It changes in the same call as the
message's changes, so a message whose answer was lost is recognised when it is repeated. An
incident's messages are sent one by one.

Sources: "Table API" and "REST OAuth example" in ServiceNow's REST API reference; "Client
credentials" in its Platform Security (that grant needs the property
glide.oauth.inbound.client.credential.grant_type.enabled and an OAuth Application User). States and
close codes are those of a base system's Incident Management (1 new, 2 in progress, 6 resolved, 7
closed, 8 canceled); for other task tables those that "TaskStateUtil" gives as the task table's (2
work in progress, 3 closed complete; what is closed is not active). The address of a record:
"Examples of navigating by URL".
"""

from __future__ import annotations

import re
import time
from typing import Any, Dict, Mapping, NamedTuple, Optional, Tuple, Union
from urllib.parse import quote, urlencode

from ...outside.transport import Network
from ...ports import Clock
from ...splunk.configuration.channel_settings import BASIC, CLIENT, PASSWORD, ServiceNow
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
    opens,
    reference,
    subject,
)

__all__ = ["ServiceNowSender", "States", "service_of", "states_of"]


class States(NamedTuple):
    """The states of a table.

    ``final``: in these a record accepts no additions, and the base system lets nobody reopen it.
    ``by_active``: a record is over when it is not active.
    """

    new: str = "1"
    working: str = "2"
    done: str = "6"
    final: Tuple[str, ...] = ("7", "8")
    by_active: bool = False

    def over(self, state: str, active: str = "") -> bool:
        """Return whether a record is over."""
        return state == self.done or state in self.final or (self.by_active and active == "false")


def states_of(settings: ServiceNow, follow_ups: bool = False) -> States:
    """Return the states of the incident table, or of the follow-up table."""
    base = States()
    if not follow_ups:
        return base
    if settings.of_follow_ups().table != settings.table:
        base = States(done="3", final=(), by_active=True)
    working, done = settings.follow_up_open_state, settings.follow_up_done_state
    return base._replace(working=working or base.working, done=done or base.done)


# Impact and urgency, from which a base system computes the priority 1 to 5.
_GRAVITY = {
    "critical": ("1", "1"),
    "high": ("2", "1"),
    "medium": ("2", "2"),
    "low": ("3", "2"),
    "info": ("3", "3"),
}
_FIELDS = "sys_id,number,state,correlation_id,correlation_display"
_BY_HAND = {
    True: "Splunk could not resolve this record, please do so by hand.",
    False: "Splunk could not set this record to in progress, please do so by hand.",
}
_HINTS = {
    CLIENT: (
        "Check client ID and secret under Configuration > ServiceNow, and that the instance allows "
        "client credentials (glide.oauth.inbound.client.credential.grant_type.enabled) and that "
        "the OAuth application has a user."
    ),
    PASSWORD: "Check client ID, client secret, user and password under Configuration > ServiceNow.",
}
# In a journal field this marks text that is rendered as HTML.
_CODE = re.compile(r"\[(/?code\])", re.IGNORECASE)


class ServiceNowSender:
    """Sends to one instance. Raises NotConfigured when a setting is missing or unusable."""

    def __init__(self, settings: ServiceNow, network: Network, clock: Clock) -> None:
        self._service = service_of(settings, network, clock)
        self._of_incidents = _Place(settings, states_of(settings))
        self._of_follow_ups = _Place(settings.of_follow_ups(), states_of(settings, True))

    def send(self, notification: Notification) -> Delivery:
        """Open the incident's record, or add to it."""
        return attempt(lambda: self._send(notification))

    def ask(self, notification: Notification) -> Inquiry:
        """Return that a repeat is harmless: it first checks whether the record has the message."""
        return Inquiry("harmless", "A repeat looks first whether it arrived.")

    def _send(self, notification: Notification) -> Delivery:
        message = Message.from_document(notification.message)
        place = self._of_follow_ups if message.follow_up else self._of_incidents
        mark = f"Splunk {notification.id}"
        record = self._found(notification, place)
        if record is not None and record.get("correlation_display") == mark:
            return sent(place.receipt(record, message))
        is_final = record is not None and record.get("state") in place.states.final
        if (record is None or is_final) and opens(message, is_final):
            made = self._open(notification, message, place, mark)
            return sent(place.receipt(made, message, True))
        if record is None:
            # ServiceNow has no record of this incident, so there is nothing to change.
            return sent({})
        if is_final:
            return sent(place.receipt(record, message))
        change = {**place.change(message, str(record.get("state"))), "correlation_display": mark}
        changed = self._changed(record, change, place, message)
        return sent({**place.receipt(changed, message), "noted": True})

    def _changed(
        self,
        record: Mapping[str, Any],
        change: Mapping[str, str],
        place: _Place,
        message: Message,
    ) -> Mapping[str, Any]:
        """Change a record. If its state is rejected (by a data policy, say), note why there."""
        path = f"{place.path}/{quote(str(record['sys_id']), safe='')}?{_query()}"
        try:
            return self._service.call("PATCH", path, change).get("result") or record
        except Refused as error:
            if "state" not in change or error.delivery.outcome != "dead":
                raise
            note = f"{change['work_notes']}\n{_BY_HAND[is_over(message)]} {_plain(str(error))}"
        told = {"work_notes": note, "correlation_display": change["correlation_display"]}
        return self._service.call("PATCH", path, told).get("result") or record

    def _found(self, notification: Notification, place: _Place) -> Optional[Mapping[str, Any]]:
        """Return the incident's newest record; None if there is none.

        After a known one in a final state, a newer one may exist whose creation had its answer
        lost.
        """
        known, record = known_ticket(notification), None
        if known:
            found = self._service.find(f"{place.path}/{quote(known, safe='')}?{_query()}")
            record = found.get("result") if found else None
            if record and record.get("state") not in place.states.final:
                return record
        search = f"correlation_id={reference(notification)}^ORDERBYDESCsys_created_on"
        answer = self._service.call("GET", f"{place.path}?{_query(search)}").get("result") or []
        # If a queried field does not exist or may not be read, an instance drops that condition and
        # returns any records (glide.invalid_query.returns_no_rows is false).
        mine = [one for one in answer if one.get("correlation_id") == reference(notification)]
        return mine[0] if mine else record

    def _open(
        self, notification: Notification, message: Message, place: _Place, mark: str
    ) -> Mapping[str, Any]:
        record = {
            **more(place.settings.more_fields, message),
            "short_description": subject(message),
            "description": _text(message, True),
            # An incident's severity says nothing about the urgency of its follow-ups.
            **(_planned(message) if message.follow_up else _gravity(message)),
            "correlation_id": reference(notification),
            "correlation_display": mark,
        }
        if place.settings.assignment_group:
            record["assignment_group"] = place.settings.assignment_group
        answer = self._service.call("POST", f"{place.path}?{_query()}", record)
        result: Mapping[str, Any] = answer.get("result") or {}
        return result


class _Place(NamedTuple):
    """Where the records of incidents, or of follow-ups, are, and what they look like."""

    settings: ServiceNow
    states: States

    @property
    def path(self) -> str:
        return f"/api/now/table/{quote(self.settings.table, safe='')}"

    def change(self, message: Message, state: str) -> Dict[str, str]:
        """Return what a message changes of a record in that state."""
        note = _text(message, False)
        change = {"work_notes": note, **_planned(message)}
        if is_over(message):
            if state != self.states.done:
                change.update(state=self.states.done, close_notes=note)
                if not self.states.by_active:  # Other task tables have no resolution code.
                    change["close_code"] = self.settings.close_code
        elif message.event == "reopened" or (
            message.event == "acknowledged" and state == self.states.new
        ):
            change["state"] = self.states.working
        elif message.event == "severity":
            change.update(_gravity(message))
        return change

    def receipt(
        self, record: Mapping[str, Any], message: Message, is_new: bool = False
    ) -> Dict[str, Any]:
        """Return the record, with the state that this message left it in, if it was to change that.

        So the echo of this change is not taken for somebody else's.
        """
        state, sys_id = str(record.get("state", "")), str(record.get("sys_id", ""))
        receipt: Dict[str, Any] = {"ticket": sys_id, "number": str(record.get("number", ""))}
        if message.follow_up:
            page = quote(f"{self.settings.table}.do?sys_id={sys_id}", safe="")
            receipt["url"] = f"{self.settings.instance_url.rstrip('/')}/nav_to.do?uri={page}"
        if message.follow_up and message.mention:
            receipt["assignee"] = message.mention
        if is_new or state in self._goals(message):
            receipt.update(state=state, over=self.states.over(state))
        return receipt

    def _goals(self, message: Message) -> Tuple[str, ...]:
        """Return the states that a message may be meant to lead to."""
        if is_over(message):
            return (self.states.done,)
        working = (self.states.working,)
        leads = {"opened": (self.states.new,), "reopened": working, "acknowledged": working}
        return leads.get(message.event, ())


def _gravity(message: Message) -> Dict[str, str]:
    impact, urgency = _GRAVITY.get(message.severity, _GRAVITY["medium"])
    return {"impact": impact, "urgency": urgency}


def _planned(message: Message) -> Dict[str, str]:
    """Return a follow-up's assignee and due time, as far as the message has them."""
    if not message.follow_up:
        return {}
    due = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(message.due)) if message.due else ""
    planned = {"due_date": due, "assigned_to": message.mention}
    return {name: value for name, value in planned.items() if value}


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
    """Return the token request: by client credentials alone, or with the user's password."""
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


def _reason(answer: Mapping[str, Any]) -> str:
    error = answer.get("error")
    if not isinstance(error, dict):
        return ""
    return " ".join(str(error[part]) for part in ("message", "detail") if error.get(part))
