"""A service that an administrator has described: one HTTP call, see docs/CHANNELS.md.

The request is built from a template that was checked when it was saved. No error contains a secret,
or the address, which may hold one.
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any, Dict, Iterator, Mapping, Optional
from urllib.parse import quote, urlsplit

from ...incidents.model import ENDED
from ...incidents.routing.http_channels import (
    CHANGED,
    FIELDS,
    KEPT,
    MARKS,
    SECRETS,
    SIGNING,
    WHOLE,
    Call,
    HttpChannel,
    secret_address,
)
from ...masking import mask
from ...outside.network import NotConfigured
from ...outside.templates import (
    BadTemplate,
    fields_of,
    filled,
    filled_address,
    filled_text,
)
from ...outside.transport import (
    Network,
    Reply,
    json_headers,
    not_followed,
    retry_after,
    send_json,
)
from ...ports import Clock
from ...utc import to_the_second
from ..channel import (
    NO_REPLY,
    Delivery,
    Inquiry,
    Notification,
    dead,
    retry,
    sent,
    unknown,
    without_reply,
)
from ..message import Message, field_facts, listed
from ..request_fields import truncated
from .signing import PREFIX, BadKey, key_of, signed

__all__ = ["PAGE", "HttpSender", "values_of"]

PAGE = "Configuration > HTTP channels"
# These events begin something new, even after an end.
_BEGINS = ("opened", "reopened")
_BASIC = f"Basic {WHOLE}"
# In a chat these begin a mention (but not within a mail address), a mention or link as <…>, or the
# target of a link after its text.
_EVERYBODY = "all|channel|everyone|here"
_CALLING = re.compile(
    rf"(?<![A-Za-z0-9])@(?=\S)|@(?=(?:{_EVERYBODY})\b)|<(?=[^\s\d=])|\](?=[(\[:])"
)
_PROSE = (
    *("title", "headline", "text", "team", "owner", "entity", "rule", "cause", "quote"),
    "fields",
)
ID_CHARACTERS = 200
# A shorter part of a secret may be any ordinary word.
PART_CHARACTERS = 6
# How much of a rejection is searched for other secrets, and how much of it is shown.
READ_CHARACTERS = 2_000
TOLD_CHARACTERS = 200


class HttpSender:
    """Sends to one such service. Raises NotConfigured when it can't be used.

    ``secrets``: the service's secrets from the password store, by the names of their settings.
    """

    def __init__(
        self, channel: HttpChannel, secrets: Mapping[str, Any], network: Network, clock: Clock
    ) -> None:
        # A blank that was copied along is no part of a secret.
        self._secrets = {name: str(secrets.get(name) or "").strip() for name in SECRETS}
        self._signing = str(secrets.get(SIGNING) or "").strip()
        signs = bool(channel.secrets.get(SIGNING))
        missing = [one for one in SECRETS if one in channel.fields and not self._secrets[one]]
        missing += [SIGNING] if signs and not self._signing else []
        if not channel.enabled:
            raise NotConfigured(f"The channel '{channel.name}' is off: switch it on under {PAGE}.")
        if missing:
            raise NotConfigured(
                f"The {missing[0]} of the channel '{channel.name}' is not in Splunk's password "
                f"store, or can't be decrypted: enter it again under {PAGE}."
            )
        if any(call.url.startswith(WHOLE) for call in channel.calls.values()):
            try:
                secret_address(self._secrets["secret"])
            except BadTemplate as error:
                raise NotConfigured(f"Channel '{channel.name}': {error}") from None
        try:
            self._key = key_of(self._signing) if signs else b""
        except BadKey as error:
            raise NotConfigured(f"Channel '{channel.name}': {error}") from None
        self._channel = channel
        self._network = network
        self._clock = clock

    def send(self, notification: Notification) -> Delivery:
        """Make the call for the event."""
        message = Message.from_document(notification.message)
        call = self._call(notification, message)
        if call is None:
            return sent(
                {"note": "The service gave no id for this incident, so there was nothing to end."}
            )
        values = {**values_of(notification, message, self._channel), **self._secrets}
        try:
            url = self._address(call, values)
            headers = dict(self._headers(values))
        except BadTemplate as error:
            return dead(str(error))
        # Escaping to ASCII would take up to twice as much of the size that a service allows.
        text = json.dumps(filled(call.body, values), ensure_ascii=False, separators=(",", ":"))
        body = text.encode("utf-8", "replace")
        if self._key:
            headers.update(signed(self._key, notification.id, self._clock.now(), body))
        try:
            reply = send_json(self._network, url, headers=headers, method=call.method, data=body)
        except NO_REPLY as error:
            return without_reply(error)
        host = urlsplit(url).hostname or ""
        # A service may answer a key that it knows from the previous attempt with a conflict.
        is_there = reply.status == 409 and notification.is_repeat and self._is_marked(call)
        if not (200 <= reply.status < 300 or is_there):
            return self._refused(reply, host, call)
        begins = message.event in _BEGINS and KEPT not in call.fields
        return sent(self._receipt(reply, notification, begins))

    def ask(self, notification: Notification) -> Inquiry:
        """Return whether a repeat is safe: an HTTP channel can't be asked what it received."""
        call = self._call(notification, Message.from_document(notification.message))
        if call is None:
            return Inquiry("harmless", "Nothing is sent.")
        if self._is_marked(call):
            return Inquiry("marked", "A repeat carries the same key.")
        return Inquiry("impossible", "The service can't be asked what it received.")

    # --- which call -------------------------------------------------------------------------

    def _call(self, notification: Notification, message: Message) -> Optional[Call]:
        """Choose the call. None: an end for which nothing was begun there, or an id is missing."""
        was_told = bool((notification.thread or {}).get("ticket"))
        has_id = bool(_id_of(notification))
        is_over = self._is_over(notification, message)
        own = [message.event] if message.event in ENDED or not is_over else []
        # Without an id of its own, a service begins anew with the same call as the first time.
        goes_on = was_told and (message.event not in _BEGINS or bool(self._channel.id_field))
        for name in (*own, *["resolved"] * is_over, *[CHANGED] * goes_on, ""):
            call = self._channel.calls.get(name)
            if call is not None and (has_id or KEPT not in call.fields):
                return call
            if call is not None and is_over:
                return None
        return None

    def _is_over(self, notification: Notification, message: Message) -> bool:
        """Return whether to send the end: software would take a later event for a new problem."""
        if message.event in ENDED:
            return True
        over = message.status in ENDED and message.event not in _BEGINS
        return not self._channel.for_people and (over or notification.is_over)

    def _is_marked(self, call: Call) -> bool:
        if self._key:
            # Its webhook-id is the same for all attempts.
            return True
        # In a chat the incident's key makes a thread, in which each message is shown.
        marks = MARKS[1:] if self._channel.for_people else MARKS
        return not (call.fields | fields_of(dict(self._channel.headers))).isdisjoint(marks)

    # --- what is sent -----------------------------------------------------------------------

    def _address(self, call: Call, values: Mapping[str, Any]) -> str:
        if call.url.startswith(WHOLE):
            rest = filled_address(call.url[len(WHOLE) :], values)
            return secret_address(self._secrets["secret"]) + rest
        return filled_address(call.url, values)

    def _headers(self, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        yield from {**json_headers(), "Content-Type": "application/json; charset=utf-8"}.items()
        for name, template in self._channel.headers.items():
            secret = self._secrets["secret"]
            if template == _BASIC and ":" in secret:
                # A user and a password, which Basic needs encoded (RFC 7617).
                yield name, f"Basic {base64.b64encode(secret.encode()).decode()}"
            else:
                yield name, _header(name, filled_text(template, values), template)

    # --- what came back ---------------------------------------------------------------------

    def _refused(self, reply: Reply, host: str, call: Call) -> Delivery:
        is_down = reply.status in (500, 503) or (reply.status > 500 and self._is_marked(call))
        if reply.status in (408, 425, 429) or is_down:
            wait = retry_after(reply.headers, self._clock.now())
            return retry(f"{host} answered {reply.status}.", wait)
        if reply.status > 500:
            # The answer is a gateway's: the service behind it may have accepted the call.
            return unknown(f"{host} answered {reply.status}, from a gateway.")
        said = truncated(self._without_secrets(reply.text), TOLD_CHARACTERS)
        refused = f"{host} rejected the request with {reply.status}{': ' if said else '.'}{said}"
        return dead(not_followed(reply, host) or refused)

    def _receipt(self, reply: Reply, notification: Notification, begins: bool) -> Dict[str, Any]:
        """Return the receipt that the next message continues from.

        ``begins``: the call began something new there.
        """
        receipt: Dict[str, Any] = {"status": reply.status}
        if not notification.incident_id:
            return receipt
        receipt["ticket"] = notification.incident_id
        if not self._channel.id_field:
            return receipt
        kept = "" if begins else _id_of(notification)
        found = kept or _found(reply.text, self._channel.id_field)
        if not found:
            place = ".".join(self._channel.id_field)
            note = f"The message was accepted, but its answer has no {place} for later messages."
            return {**receipt, "note": note}
        return {**receipt, "number": found}

    def _without_secrets(self, text: str) -> str:
        signing = (self._signing, self._signing.replace(PREFIX, "", 1))
        known = filter(None, (*self._secrets.values(), *signing))
        forms = {form for one in known for form in _forms(one)}
        for form in sorted(forms, key=len, reverse=True):
            text = text.replace(form, "******")
        return mask(" ".join(text.split())[:READ_CHARACTERS])


def _header(name: str, text: str, template: str) -> str:
    """Return a header's value; check it for ASCII only if it holds no secret.

    The transport rejects a bad value with a secret, without showing it.
    """
    if not text.isascii() and fields_of(template).isdisjoint(SECRETS):
        raise BadTemplate(
            f"The header {name} would be '{text[:100]}', and takes ASCII characters alone: give "
            "others a word of their own under Words."
        )
    return text.strip()


def _forms(secret: str) -> Iterator[str]:
    """Yield a secret in all forms that an answer may repeat, and parts of an address or login."""
    parts = re.split(r"[/?&=#:@]", secret)
    for one in (secret, *(part for part in parts if len(part) >= PART_CHARACTERS)):
        in_json = json.dumps(one)[1:-1]
        yield from (one, quote(one, safe=""), in_json, in_json.replace("/", "\\/"))
    yield base64.b64encode(secret.encode()).decode()


def _id_of(notification: Notification) -> str:
    """Return the id that the service gave; '' if it gave none, or none is read from its answers."""
    return str((notification.thread or {}).get("number") or "")


def _found(text: str, place: tuple[str, ...]) -> str:
    """Return the id at a place of a JSON answer; empty if there is no usable one."""
    try:
        value = json.loads(text)
        for name in place:
            value = value[int(name)] if isinstance(value, list) else value[name]
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""
    usable = isinstance(value, (str, int)) and not isinstance(value, bool)
    found = str(value).strip() if usable else ""
    return found if found.isprintable() and len(found) <= ID_CHARACTERS else ""


def values_of(notification: Notification, message: Message, channel: HttpChannel) -> Dict[str, Any]:
    """Return the value of each field except secrets; '' where there is none."""
    values: Dict[str, Any] = dict.fromkeys(FIELDS, "")
    values.update(
        incident=message.incident_id,
        title=message.title,
        headline=message.headline,
        text=message.text,
        severity=message.severity,
        status=message.status,
        event=message.event,
        team=message.team,
        owner=message.owner,
        entity=listed(message.where),
        rule=listed(message.rules),
        cause=message.cause,
        quote=message.quote,
        link=message.url,
        events=message.events or "",
        since=_iso(message.since),
        since_epoch=int(message.since) or "",
        time=_iso(message.time),
        time_epoch=int(message.time) or "",
        next_update=_iso(message.next_by),
        fields="; ".join(f"{label}: {value}" for label, value in field_facts(message)),
        dedup=notification.incident_id or notification.id,
        delivery=notification.id,
        id=_id_of(notification),
    )
    words = {
        name: known.get(values[name], known.get("*", values[name]))
        for name, known in channel.words.items()
    }
    if channel.for_people:
        for name in _PROSE:
            # An invisible space (U+200B) after such characters keeps a text from mentioning or
            # linking.
            values[name] = _CALLING.sub("\\g<0>\u200b", str(values[name]))
    return {**values, **words}


def _iso(moment: float) -> str:
    return to_the_second(moment).replace(" UTC", "Z").replace(" ", "T") if moment else ""
