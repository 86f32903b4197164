"""[general], [capacity] and [announce] of incident_routing.conf as tables of the page.

Each row is one setting of the stanza. Which there are is the app's to say, so none is added or
deleted. Endpoint: see :mod:`.routing_file`.
"""

from __future__ import annotations

from typing import Dict, Mapping

from ..incidents.errors import Invalid, NotFound
from ..incidents.model import SEVERITIES
from ..incidents.routing.changes import check_settings
from ..notify.message import HEADLINES
from . import conf
from .routing_file import FILE, PATH, check_lines
from .session import Session, path_of

__all__ = ["ABOUT", "RoutingSettings"]

ABOUT: Dict[str, Dict[str, str]] = {
    "general": {
        "reopen_window": "A problem that comes back so soon after its resolve reopens its incident",
        "group_window": "A related problem joins an open incident at most so long after it",
        "group_by": "Why it may join, of entity, fields, topology, wording, coincidence",
        "flap_count": "An incident that opens more often within flap_window is held open; 0: never",
        "flap_window": "The time in which openings are counted",
        "flap_calm": "One that was held open is calm after so long",
        "tell_singly": "So many messages of one event and team are told singly in tell_window; "
        "0: all",
        "tell_critical_singly": "So many of critical incidents",
        "tell_window": "The time in which messages are counted",
    },
    "capacity": {
        severity: f"Points of work that an open incident is: {severity}" for severity in SEVERITIES
    },
    "announce": HEADLINES,
}
"""The settings of each stanza, and what one is for."""


class RoutingSettings:
    """The settings of one stanza, by their names: each with ``about`` and ``value``.

    All may raise SplunkError; what changes something raises Invalid for what is not to be.
    """

    def __init__(self, session: Session, stanza: str) -> None:
        self._session = session
        self._stanza = stanza

    def all(self) -> Dict[str, Dict[str, str]]:
        """Return each setting's fields, by its name."""
        values = conf.every(self._session, FILE).get(self._stanza, {})
        return {
            name: {"about": about, "value": values.get(name, "")}
            for name, about in ABOUT[self._stanza].items()
        }

    def one(self, name: str) -> Dict[str, str]:
        """Return a setting's fields. Raises NotFound."""
        found = self.all()
        if name not in found:
            raise NotFound(f"There is no setting '{name[:100]}'; look at the list anew.")
        return found[name]

    def create(self, name: str, fields: Mapping[str, str]) -> None:
        """Refuse it."""
        raise Invalid("All settings that there are stand in the list: change one there.")

    def edit(self, name: str, fields: Mapping[str, str]) -> None:
        """Change the value."""
        value = fields.get("value", "").strip()
        if value == self.one(name)["value"]:
            return
        values = {name: value}
        check_lines(values)
        check_settings(conf.every(self._session, FILE), self._stanza, values)
        self._session.post(f"{PATH}/{path_of(self._stanza)}", values)

    def remove(self, name: str) -> None:
        """Refuse it."""
        raise Invalid("A setting of the app can't be deleted: change its value.")
