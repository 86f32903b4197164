"""The part of Splunk's own ``splunk`` package that solnlib, splunktaucclib and apps may use.

Written for the stand-in. What is not here is named when it is asked for, so that an app which
needs more of Splunk fails with a clear sentence.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "AuthenticationFailed",
    "AuthorizationFailed",
    "BadRequest",
    "InternalServerError",
    "RESTException",
    "ResourceNotFound",
    "SplunkdConnectionException",
    "SplunkdException",
    "getDefault",
    "getSessionKey",
    "setDefault",
]

_defaults = {"sessionKey": None, "host": "127.0.0.1", "namespace": None, "owner": None}


def setDefault(key: str | None = None, value: Any = None) -> None:
    """Set a default of this process; without arguments, forget the session key."""
    if key is None:
        _defaults["sessionKey"] = None
    elif key not in _defaults:
        raise ValueError(f"splunk.setDefault: '{key}' is not a setting this stand-in knows")
    else:
        _defaults[key] = value


def getDefault(key: str) -> Any:
    """A default of this process."""
    if key not in _defaults:
        raise ValueError(f"splunk.getDefault: '{key}' is not a setting this stand-in knows")
    return _defaults[key]


def getSessionKey() -> str | None:
    """The session key that was set for this process, or None."""
    return _defaults["sessionKey"]


class SplunkdException(Exception):
    """Something went wrong between this process and splunkd."""


class SplunkdConnectionException(SplunkdException):
    """splunkd could not be reached."""


class RESTException(SplunkdException):
    """splunkd refused a request."""

    def __init__(self, statusCode: Any, messages: Any = None, extendedMessages: Any = None) -> None:
        self.statusCode = statusCode
        self.msg = messages
        self.extendedMessages = extendedMessages
        super().__init__(f"[HTTP {statusCode}] {self.get_message_text()}")

    def get_message_text(self) -> str:
        """The messages as one text."""
        if isinstance(self.msg, (list, tuple)):
            return "; ".join(str(part.get("text", part)) for part in self.msg)
        return str(self.msg or "")

    def get_extended_message_text(self) -> str:
        """Further messages as one text."""
        return str(self.extendedMessages or self.get_message_text())


class AuthenticationFailed(RESTException):
    """401."""

    def __init__(self, messages: Any = None, extendedMessages: Any = None) -> None:
        super().__init__(401, messages, extendedMessages)


class AuthorizationFailed(RESTException):
    """403."""

    def __init__(self, messages: Any = None, extendedMessages: Any = None) -> None:
        super().__init__(403, messages, extendedMessages)


class ResourceNotFound(RESTException):
    """404."""

    def __init__(self, messages: Any = None, extendedMessages: Any = None) -> None:
        super().__init__(404, messages, extendedMessages)


class BadRequest(RESTException):
    """400."""

    def __init__(self, messages: Any = None, extendedMessages: Any = None) -> None:
        super().__init__(400, messages, extendedMessages)


class InternalServerError(RESTException):
    """500."""

    def __init__(self, messages: Any = None, extendedMessages: Any = None) -> None:
        super().__init__(500, messages, extendedMessages)


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    raise AttributeError(f"splunk.{name} is not provided by this stand-in for Splunk")
