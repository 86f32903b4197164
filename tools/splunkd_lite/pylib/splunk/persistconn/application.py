"""The base class of persistent REST handlers, as an app imports it."""

from __future__ import annotations

from typing import Any

__all__ = ["PersistentServerConnectionApplication"]


class PersistentServerConnectionApplication:
    """One endpoint. ``handle`` gets the request as JSON text and returns an object or JSON text
    with ``status``, ``payload`` and ``headers``.
    """

    def __init__(self, command_line: Any = None, command_arg: str | None = None) -> None:
        pass

    def handle(self, in_string: str) -> Any:
        """Answer one request."""
        raise NotImplementedError("handle() of a persistent REST handler is not defined")

    def handleStream(self, handle: Any, in_string: str) -> None:
        """Streamed answers are not done by this stand-in."""
        raise NotImplementedError("streamed answers (handleStream) are not supported here")

    def done(self) -> None:
        """Called by nothing here; apps may define it."""
