"""The base class of persistent REST handlers, as an app imports it."""

from __future__ import annotations

from typing import Any

__all__ = ["PersistentServerConnectionApplication"]


class PersistentServerConnectionApplication:
    """One request. ``handle`` gets it as JSON in bytes and returns an object or JSON text with
    ``status``, ``payload`` and ``headers``.
    """

    def __init__(self) -> None:
        pass

    def handle(self, in_bytes: bytes) -> Any:
        """Answer one request."""
        raise NotImplementedError("handle() of a persistent REST handler is not defined")

    def handleStream(self, handle: Any, in_bytes: bytes) -> None:
        """Streamed answers are not done by this stand-in."""
        raise NotImplementedError("streamed answers (handleStream) are not supported here")

    def done(self) -> None:
        """Called after the answer was written; apps may define it."""
