"""[general], [capacity] and [announce] of incident_routing.conf as tables of the page.

Each row is one setting of the stanza. The app defines which settings exist, so none is added or
deleted. Endpoint: see :mod:`.routing_file`.
"""

from __future__ import annotations

from typing import Dict, Mapping

from ....incidents.errors import Invalid, NotFound
from ....incidents.model import SEVERITIES
from ....incidents.routing.changes import check_settings
from ....notify.events import HEADLINES
from ...session import Session, path_of
from .. import conf
from .routing_file import FILE, PATH, check_lines

__all__ = ["ABOUT", "RoutingSettings"]

# The settings of each stanza, and what one is for.
ABOUT: Dict[str, Dict[str, str]] = {
    "general": {
        "reopen_window": "A problem that returns this soon after its resolve reopens its incident",
        "group_window": "How far apart related problems may be to join one open incident",
        "group_by": "What relates problems: entity, fields, topology, wording, coincidence",
        "flap_count": "More openings than this in flap_window make an incident flap; 0: never",
        "flap_window": "The time span in which openings are counted",
        "flap_calm": "A flapping incident is calm after this time without a would-be resolve",
        "tell_singly": "Messages per event and team in tell_window before summaries; 0: all",
        "tell_critical_singly": "The same for critical incidents, which are counted separately",
        "tell_window": "The time span in which messages are counted",
        "roles": "Incident roles, such as scribe. The lead is the incident's owner and is not "
        "listed here",
        "review_severities": "Incidents of these severities get a review",
    },
    "capacity": {
        severity: f"The workload of an open incident with severity {severity}"
        for severity in SEVERITIES
    },
    "announce": HEADLINES,
}


class RoutingSettings:
    """The settings of one stanza, by their names: each with ``about`` and ``value``.

    All methods may raise SplunkError; those that change something raise Invalid for invalid
    changes.
    """

    def __init__(self, session: Session, stanza: str) -> None:
        self._session = session
        self._stanza = stanza

    def all(self) -> Dict[str, Dict[str, str]]:
        """Return each setting's fields, by its name."""
        values = conf.load_with_disabled(self._session, FILE).get(self._stanza, {})
        return {
            name: {"about": about, "value": values.get(name, "")}
            for name, about in ABOUT[self._stanza].items()
        }

    def one(self, name: str) -> Dict[str, str]:
        """Return a setting's fields. Raises NotFound."""
        found = self.all()
        if name not in found:
            raise NotFound(f"There is no setting '{name[:100]}'. Reload the list.")
        return found[name]

    def create(self, name: str, fields: Mapping[str, str]) -> None:
        """Raise Invalid: settings can't be added."""
        raise Invalid("Settings can't be added. Edit one that is in the list.")

    def edit(self, name: str, fields: Mapping[str, str]) -> None:
        """Change the value, if given; an empty value is valid too."""
        known = self.one(name)["value"]
        value = fields.get("value", known).strip()
        if value == known:
            return
        values = {name: value}
        check_lines(values)
        check_settings(conf.load_with_disabled(self._session, FILE), self._stanza, values)
        self._session.post(f"{PATH}/{path_of(self._stanza)}", values)

    def remove(self, name: str) -> None:
        """Raise Invalid: settings can't be deleted."""
        raise Invalid("Settings can't be deleted. Change the value instead.")
