"""The errors of this package; the text of each is one or two sentences for the user."""

from __future__ import annotations

from typing import Mapping, Optional

__all__ = ["Contended", "Forbidden", "IllegalMove", "Invalid", "NotFound", "RoutingError"]


class Contended(Exception):
    """Other writers kept winning the race; retrying later is safe."""


class Forbidden(Exception):
    """Others may do this, but the requesting user may not."""


class NotFound(Exception):
    """There is no such incident, plan or document."""


class IllegalMove(Exception):
    """The incident's state does not allow this change."""


class Invalid(Exception):
    """A value is missing, of the wrong type, or beyond its limit.

    ``fields`` holds one sentence for each invalid custom field, by name.
    """

    def __init__(self, text: str, fields: Optional[Mapping[str, str]] = None) -> None:
        super().__init__(text)
        self.fields = dict(fields or {})


class RoutingError(Exception):
    """incident_routing.conf holds a malformed value."""
