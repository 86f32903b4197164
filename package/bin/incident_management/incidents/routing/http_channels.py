"""HTTP channels that an administrator defines, from the stanzas [channel:…]."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Set, Tuple
from urllib.parse import urlsplit

from ...channels import CHANNELS
from ...conf_values import is_true
from ...outside.templates import (
    BadTemplate,
    check_text,
    checked,
    fields_of,
    filled_text,
    json_of,
    parsed,
)
from ..errors import RoutingError
from ..model import SEVERITIES, STATUSES
from .values import CONF, choice

__all__ = [
    "CHANGED",
    "FIELDS",
    "KEPT",
    "MARKS",
    "NAME",
    "NAME_RULE",
    "PEOPLE",
    "SECRETS",
    "SETTINGS",
    "SIGNING",
    "SOFTWARE",
    "WHOLE",
    "Call",
    "HttpChannel",
    "is_name",
    "secret_address",
]

SETTINGS = (
    *("url", "method", "headers", "body", "calls", "secret", "secret2"),
    *("signing_secret", "id_field", "words", "read_by"),
)
# A name must fit into lists, and be a valid field name of documents.
NAME = re.compile(r"^[a-z][a-z0-9_-]{0,39}$")
NAME_RULE = (
    "Enter a name of 1 to 40 lowercase letters, digits, _ and - that starts with a letter and is "
    "not a built-in channel."
)
# Names that documents and the API use for other things.
_TAKEN = (*CHANNELS, "webhook", "webhooks")
METHODS = ("POST", "PUT", "PATCH")
SECRETS = ("secret", "secret2")
# The key that signs each call; templates can't use it.
SIGNING = "signing_secret"
SIGNED = ("webhook-id", "webhook-timestamp", "webhook-signature")
# The id that the service returned for the object that the first call created.
KEPT = "id"
# Fields by which a service can recognize a repeated call.
MARKS = ("dedup", "delivery")
# The fields of templates, see docs/CHANNELS.md.
FIELDS = (
    *("incident", "title", "headline", "text", "severity", "status", "event", "team", "owner"),
    *("entity", "rule", "cause", "quote", "link", "events", "since", "since_epoch", "time"),
    *("time_epoch", "next_update", "fields", *MARKS, KEPT, *SECRETS),
)
# The fields for headers and addresses: a header can only hold ASCII, an address no prose.
_SHORT = ("incident", "severity", "status", "event", "team", *MARKS, KEPT, *SECRETS)
_WORDED = ("severity", "status", "event", "team")
# The call for later events about an incident that have no call of their own.
CHANGED = "changed"
# An address that is wholly secret, such as a chat's webhook; text may follow it.
WHOLE = "{secret}"
PEOPLE, SOFTWARE = "people", "software"
_LOWER = tuple(method.lower() for method in METHODS)
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
# Headers that the HTTP connection itself sets.
_NOT_HEADERS = ("host", "content-length", "transfer-encoding", "connection", "accept-encoding")
_PLACE = re.compile(r"[A-Za-z0-9_-]{1,80}(\.[A-Za-z0-9_-]{1,80}){0,9}")


@dataclass(frozen=True)
class Call:
    """One HTTP call: ``url`` and the texts of ``body`` are templates."""

    method: str
    url: str
    body: Any

    @property
    def fields(self) -> Set[str]:
        return fields_of(self.url) | fields_of(self.body)


@dataclass(frozen=True)
class HttpChannel:
    """A channel; ``calls`` are by event, '' is the one for events without their own.

    ``words``: the service's own words for a field's values, ``*`` for all others. ``secrets`` are
    as the file has them. ``for_people``: people read it. Without ``calls`` the channel is
    malformed, see :meth:`malformed`.
    """

    name: str
    enabled: bool = True
    calls: Mapping[str, Call] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    id_field: Tuple[str, ...] = ()
    for_people: bool = True
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, name: str, values: Mapping[str, str]) -> HttpChannel:
        """Read a stanza. Raises RoutingError."""
        where = f"{CONF} [channel:{name}]"
        if not is_name(name):
            raise RoutingError(f"{where} has an invalid name. {NAME_RULE}")
        secrets = {one: values.get(one, "").strip() for one in (*SECRETS, SIGNING)}
        try:
            calls = _calls(where, values)
            headers = _headers(f"{where} headers", values.get("headers", ""))
            words = _words(f"{where} words", values.get("words", ""))
        except BadTemplate as error:
            raise RoutingError(str(error)) from None
        channel = cls(
            name,
            not is_true(values.get("disabled")),
            calls,
            headers,
            words,
            _id_field(where, values.get("id_field", "").strip()),
            choice(where, values, "read_by", (PEOPLE, SOFTWARE)) == PEOPLE,
            secrets,
        )
        channel._check(where)
        return channel

    @classmethod
    def malformed(cls, name: str, values: Mapping[str, str]) -> HttpChannel:
        """Return what is known of a malformed stanza: whether it is enabled, and who reads it."""
        is_software = values.get("read_by", "").strip().lower() == SOFTWARE
        return cls(name, not is_true(values.get("disabled")), for_people=not is_software)

    @property
    def fields(self) -> Set[str]:
        """The fields used in its headers and all its calls."""
        found = fields_of(dict(self.headers))
        return found.union(*(call.fields for call in self.calls.values()))

    def _check(self, where: str) -> None:
        for one in SECRETS:
            if one in self.fields and not self.secrets[one]:
                raise RoutingError(f"{where} uses {{{one}}}, but {one} is empty; enter it.")
        mine = [one for one in self.headers if one.lower() in SIGNED]
        if mine and self.secrets[SIGNING]:
            raise RoutingError(
                f"{where} headers set {mine[0]}, which the signature sets; remove it."
            )
        if KEPT in fields_of(dict(self.headers)) | self.calls[""].fields:
            raise RoutingError(
                f"{where} uses {{{KEPT}}} in its headers, url or body; use it only in an entry of "
                "calls, because it comes from the response to the first call."
            )
        if KEPT in self.fields and not self.id_field:
            raise RoutingError(
                f"{where} uses {{{KEPT}}}, but id_field is empty; name the field of the response "
                "that holds it."
            )


def is_name(text: str) -> bool:
    """Tell whether a text is a valid name of a channel."""
    return NAME.fullmatch(text) is not None and text not in _TAKEN


def secret_address(secret: str) -> str:
    """Return a secret that is an address. Raises BadTemplate, without the secret."""
    return _well_formed("The secret", secret)


def _calls(where: str, values: Mapping[str, str]) -> Dict[str, Call]:
    url, body = values.get("url", "").strip(), values.get("body", "").strip()
    for key, text in (("url", url), ("body", body)):
        if not text:
            raise RoutingError(
                f"{where} {key} is empty; enter it, or start from a ready-made channel."
            )
    method = choice(where, {"method": values.get("method", "").lower()}, "method", _LOWER).upper()
    first = Call(
        method, _address(f"{where} url", url), parsed(body, f"{where} body", _of_body(False))
    )
    calls = {"": first}
    text = values.get("calls", "").strip()
    for event, given in _object(f"{where} calls", text).items():
        calls[event] = _call(f"{where} calls.{event}", event, given, first)
    return calls


def _call(where: str, event: str, given: Any, first: Call) -> Call:
    # Imported here, so that reading the file does not load the modules that send messages.
    from ...notify.events import HEADLINES

    if event not in (*HEADLINES, CHANGED):
        known = ", ".join((CHANGED, *HEADLINES))
        raise BadTemplate(f"{where} names an unknown event; use {known}.")
    if not isinstance(given, dict) or not given or set(given) - {"url", "method", "body"}:
        raise BadTemplate(f"{where} must be an object with only url, method and body; correct it.")
    method, url = str(given.get("method", first.method)).upper(), given.get("url", first.url)
    if method not in METHODS:
        raise BadTemplate(f"{where}.method must be {' or '.join(METHODS)}; correct it.")
    if not isinstance(url, str):
        raise BadTemplate(f"{where}.url must be a text; enter an address.")
    body = first.body
    if "body" in given:
        body = checked(given["body"], f"{where}.body", _of_body(True))
    return Call(method, _address(f"{where}.url", url.strip()), body)


def _of_body(later: bool) -> Tuple[str, ...]:
    return FIELDS if later else tuple(one for one in FIELDS if one != KEPT)


def _address(where: str, url: str) -> str:
    """Check an address: no field may be in its host, unless the whole address is the secret."""
    check_text(url, where, _SHORT)
    if url.startswith(WHOLE):
        if re.match(r"[^/?&#]", url[len(WHOLE) :]):
            raise BadTemplate(f"{where} must continue with / ? & or # after {WHOLE}; correct it.")
        return url
    if fields_of(url.partition("://")[2].partition("/")[0].partition("?")[0]):
        raise BadTemplate(
            f"{where} has a field in its host; the only field allowed there is {WHOLE}, at the "
            "beginning, where the secret is a whole address."
        )
    _well_formed(where, filled_text(url, dict.fromkeys(_SHORT, "x")))
    return url


def _well_formed(where: str, url: str) -> str:
    # Imported here: it loads TLS, which most readers of the file do not need.
    from ...outside.transport import BadUrl, checked_url

    try:
        checked_url(url, where)
    except BadUrl as error:
        raise BadTemplate(str(error)) from None
    parts = urlsplit(url)
    if parts.username or parts.password:
        raise BadTemplate(f"{where} has a user name or password before its host; remove it.")
    return url.strip()


def _headers(where: str, text: str) -> Dict[str, str]:
    found = _object(where, text)
    for name, value in found.items():
        if not _NAME.fullmatch(name) or name.lower() in _NOT_HEADERS:
            raise BadTemplate(f"{where} contains '{name[:40]}', which can't be set; remove it.")
        if not isinstance(value, str) or not (value.isascii() and value.isprintable()):
            raise BadTemplate(f"{where}.{name} must be a text of ASCII characters; correct it.")
        check_text(value, f"{where}.{name}", _SHORT)
        if name.lower() == "authorization" and fields_of(value).isdisjoint(SECRETS):
            raise BadTemplate(
                f"{where}.{name} contains a key that many people can read; enter the key as the "
                "secret, and write {secret} in its place."
            )
    return found


def _words(where: str, text: str) -> Dict[str, Dict[str, Any]]:
    found = _object(where, text)
    for name, words in found.items():
        if name not in _WORDED:
            raise BadTemplate(
                f"{where} has the unknown field '{name[:40]}'; use {', '.join(_WORDED)}."
            )
        if not isinstance(words, dict) or not all(
            isinstance(one, (str, int, float, bool)) for one in words.values()
        ):
            raise BadTemplate(
                f'{where}.{name} must be an object of words, such as {{"critical": "P1", "*": '
                '"P3"}}; correct it.'
            )
        known = {"severity": SEVERITIES, "status": STATUSES}.get(name, tuple(words))
        strange = [word for word in words if word not in (*known, "*")]
        if strange:
            raise BadTemplate(
                f"{where}.{name} has '{strange[0][:40]}'; use {', '.join(known)}, and * for all "
                "others."
            )
    return found


def _object(where: str, text: str) -> Dict[str, Any]:
    if not text.strip():
        return {}
    found = json_of(text, where)
    if not isinstance(found, dict):
        raise BadTemplate(f"{where} must be a JSON object; correct it.")
    return found


def _id_field(where: str, text: str) -> Tuple[str, ...]:
    if text and not _PLACE.fullmatch(text):
        raise RoutingError(
            f"{where} id_field is '{text[:60]}'; name a field of the response, such as id or "
            "data.id."
        )
    return tuple(text.split(".")) if text else ()
