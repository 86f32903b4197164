"""The owner and the team of an incident, from its entries. Pure.

People and the app may write at the same time; then the person's assignment counts.
"""

from __future__ import annotations

from typing import Optional

from .model import Document, Entry, Incident

__all__ = ["Ownership"]


class Ownership:
    """Sets an incident's team and owner, and the fields that depend on them, entry by entry."""

    def __init__(self, incident: Incident) -> None:
        self.incident = incident
        self._handover: Optional[Entry] = None

    def routed(self, entry: Entry) -> None:
        self.incident.team = str(entry.data.get("team") or "")
        if entry.data.get("owner"):
            self._own(entry.data)

    def assigned(self, entry: Entry) -> None:
        incident, data = self.incident, entry.data
        if (data.get("vacant") and not self._is_vacant(data)) or self._is_late(data):
            # Vacancies are filled by the app: another writer was faster, and a person's choice
            # wins.
            return
        team, before = str(data.get("team") or ""), incident.team
        if team:
            incident.team = team
        if data.get("owner"):
            self._own(data)
            self._handover = entry if data.get("handover") else None
        elif team and incident.owner and (team != before or entry.kind == "escalation"):
            incident.handed_on = True

    def escalation(self, entry: Entry) -> None:
        self.incident.level = max(self.incident.level, int(entry.data.get("level") or 0))
        if entry.data.get("until") == "acknowledged" and self.incident.status == "in_progress":
            # Someone acknowledged it at the moment of the escalation, and keeps it.
            return
        self.assigned(entry)

    def begun(self, entry: Entry) -> None:
        """Undo a handover if the previous owner began work before the handover reached them."""
        handover = self._handover
        if handover and entry.seq <= handover.seq and entry.actor != self.incident.owner:
            self.incident.owner = str(handover.data["instead_of"])

    def _own(self, data: Document) -> None:
        self.incident.owner = str(data["owner"])
        self.incident.rota = str(data.get("rota") or "")
        # A handover's new owner, too, keeps it only until the waiting team can take it.
        self.incident.handed_on = self.incident.handed_on and bool(data.get("handover"))
        if self.incident.status == "new":
            self.incident.status = "assigned"

    def _is_late(self, data: Document) -> bool:
        """Tell whether work began, or the owner changed, before a rota's handover took effect."""
        incident = self.incident
        is_as_it_was = (incident.status, incident.owner) == ("assigned", data.get("instead_of"))
        return bool(data.get("handover")) and not is_as_it_was

    def _is_vacant(self, data: Document) -> bool:
        incident = self.incident
        kept_for_now = incident.handed_on and incident.owner == data.get("instead_of")
        return kept_for_now or not incident.owner
