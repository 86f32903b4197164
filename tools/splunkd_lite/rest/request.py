"""A REST request after parsing, and a response before sending."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Iterator
from urllib.parse import unquote_plus

from tools.splunkd_lite.access import SYSTEM_USER, User
from tools.splunkd_lite.conf import ANY, NOBODY
from tools.splunkd_lite.errors import SplunkdError

__all__ = ["Pairs", "RestRequest", "RestResponse", "split_path", "whole"]

Pairs = list[tuple[str, str]]
DEFAULT_APP = "search"


@dataclass
class RestRequest:
    """``owner`` and ``app`` are None for ``/services``; ``rest_path`` is what follows them.

    ``token`` is "" without a session key. ``path_info`` is set for custom endpoints only: what
    follows the ``match`` of their restmap.conf stanza.
    """

    method: str
    path: str
    owner: str | None = None
    app: str | None = None
    rest_path: str = ""
    segments: tuple[str, ...] = ()
    query: Pairs = field(default_factory=list)
    form: Pairs = field(default_factory=list)
    body: bytes = b""
    headers: Pairs = field(default_factory=list)
    user: User | None = None
    token: str = ""
    remote: str = "127.0.0.1"
    path_info: str = ""
    vars: dict[str, str] = field(default_factory=dict)

    @property
    def params(self) -> Pairs:
        """Query and form parameters; splunkd does not tell them apart."""
        return [*self.query, *self.form]

    def param(self, name: str, default: str = "") -> str:
        """The last value of a parameter."""
        return next((value for key, value in reversed(self.params) if key == name), default)

    def param_list(self, name: str) -> list[str]:
        return [value for key, value in self.params if key == name]

    def has(self, name: str) -> bool:
        return any(key == name for key, _ in self.params)

    def number(self, name: str, default: int) -> int:
        """Raises: SplunkdError: 400, not a whole number."""
        return whole(self.param(name) or str(default), name)

    def only(self, *names: str) -> None:
        """Refuse arguments that the endpoint does not take, as it would act without them.

        Raises:
            SplunkdError: 400, it names the first of them.
        """
        for name, _ in self.params:
            if name not in names and name != "output_mode":
                raise SplunkdError(400, f"Argument '{name}' is not supported by this endpoint.")

    def header(self, name: str, default: str = "") -> str:
        return next((v for k, v in self.headers if k.lower() == name.lower()), default)

    def json(self) -> object:
        """Raises: SplunkdError: 400, the body is not JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise SplunkdError(400, f"JSON in the request is invalid. ( {error} )") from error

    @property
    def who(self) -> User:
        """The caller; only for endpoints behind authentication."""
        if self.user is None:
            raise SplunkdError(401, "call not properly authenticated", "WARN")
        return self.user

    @property
    def context_app(self) -> str:
        """The app to look in; ``-`` is all of them."""
        return self.app or DEFAULT_APP

    @property
    def context_owner(self) -> str:
        """The user to look for; ``-`` is all of them. ``/services`` means the caller."""
        return self.owner or self.who.name

    @property
    def write_app(self) -> str:
        """The app to write to: a wildcard means the default app."""
        return DEFAULT_APP if self.app in (None, ANY) else str(self.app)

    @property
    def write_owner(self) -> str:
        """Who a new object belongs to: a user keeps it private, ``nobody`` shares it."""
        owner = self.who.name if self.owner in (None, ANY) else str(self.owner)
        return NOBODY if owner == SYSTEM_USER else owner

    @property
    def json_wanted(self) -> bool:
        return self.param("output_mode") == "json"


@dataclass
class RestResponse:
    """``stream`` replaces ``body`` for answers that are sent as they are made."""

    status: int = 200
    body: bytes = b""
    content_type: str | None = None
    headers: Pairs = field(default_factory=list)
    stream: Iterator[bytes] | None = None

    @classmethod
    def of_json(cls, value: object, status: int = 200) -> RestResponse:
        body = json.dumps(value, separators=(",", ":")).encode()
        return cls(status, body, "application/json; charset=utf-8")

    @classmethod
    def of_xml(cls, text: str, status: int = 200) -> RestResponse:
        body = '<?xml version="1.0" encoding="UTF-8"?>\n' + text
        return cls(status, body.encode(), "text/xml; charset=UTF-8")


def whole(value: object, name: str) -> int:
    """Raises: SplunkdError: 400, ``value`` of the parameter ``name`` is no whole number."""
    try:
        return int(str(value))
    except ValueError as error:
        raise SplunkdError(400, f"The value '{value}' of '{name}' is not a number.") from error


def split_path(raw_path: str) -> tuple[str | None, str | None, tuple[str, ...]]:
    """Owner, app and the decoded segments of a raw (still percent-encoded) path.

    A slash inside a name arrives as ``%2F`` or, as Splunk's documentation asks, ``%252F``.
    """
    parts = [part for part in raw_path.split("/") if part]
    decoded = [unquote_plus(part).replace("%2F", "/").replace("%2f", "/") for part in parts]
    if decoded[:1] == ["servicesNS"] and len(decoded) >= 3:
        return decoded[1], decoded[2], tuple(decoded[3:])
    if decoded[:1] == ["services"]:
        return None, None, tuple(decoded[1:])
    raise SplunkdError(404, "Not Found")
