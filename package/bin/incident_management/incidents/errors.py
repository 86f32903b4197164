"""The errors of this library; the text of each is one sentence for a person."""

from __future__ import annotations

__all__ = ["Contended", "Forbidden", "IllegalMove", "Invalid", "NotFound", "RoutingError"]


class Contended(Exception):
    """Other writers were faster again and again; trying later is safe."""


class Forbidden(Exception):
    """Somebody may do this, but not whoever asks."""


class NotFound(Exception):
    """There is no such incident, plan or document."""


class IllegalMove(Exception):
    """The incident's state does not allow this."""


class Invalid(Exception):
    """A value is missing, of the wrong kind, or beyond its limit."""


class RoutingError(Exception):
    """incident_routing.conf holds a malformed value."""
