"""Whether a new problem belongs to an incident that is open already, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, FrozenSet, Iterable, List, Mapping, Set, Tuple

from ..model import Incident, Signal

__all__ = ["Candidates", "Join", "Topology"]


@dataclass(frozen=True)
class Topology:
    """Which service depends on which, one step far."""

    depends_on: Dict[str, FrozenSet[str]] = field(default_factory=dict)

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, str]]) -> Topology:
        """Read rows of ``service, depends_on``, one dependency a row."""
        edges: Dict[str, Set[str]] = {}
        for row in rows:
            service, other = row.get("service", "").strip(), row.get("depends_on", "").strip()
            if service and other and service != other:
                edges.setdefault(service, set()).add(other)
        return cls({service: frozenset(others) for service, others in edges.items()})

    def related(self, entity: str) -> Dict[str, str]:
        """Return an entity and its neighbours, each with how they hang together, in words."""
        related = {
            other: f"'{other}' depends on '{entity}'"
            for other, others in self.depends_on.items()
            if entity in others
        }
        for other in self.depends_on.get(entity, ()):
            related[other] = f"'{entity}' depends on '{other}'"
        related[entity] = f"both are about '{entity}'"
        return related


@dataclass(frozen=True)
class Join:
    """The incident to join, and the reason as a sentence."""

    incident_id: str
    reason: str


class Candidates:
    """Open incidents that a new problem could join, found by entity."""

    def __init__(self, incidents: Iterable[Incident] = ()) -> None:
        self._incidents: Dict[str, Incident] = {}
        self._by_entity: Dict[str, Set[str]] = {}
        for incident in incidents:
            self.put(incident)

    def put(self, incident: Incident) -> None:
        """Add an incident, or what it has become."""
        self._incidents[incident.id] = incident
        for entity in incident.entities:
            self._by_entity.setdefault(entity, set()).add(incident.id)

    def choose(self, signal: Signal, topology: Topology, window: float) -> List[Join]:
        """Return the incidents that a new problem could join, the closest first.

        Related means: one of the incident's entities is the signal's own, or depends on it, or it
        depends on that one; and their times are at most ``window`` seconds apart. Sharing the
        entity comes before a dependency, then the nearer in time, then the lower id.
        """
        found: List[Tuple[bool, float, str, str]] = []
        for entity, words in topology.related(signal.entity).items():
            for incident_id in self._by_entity.get(entity, ()):
                incident = self._incidents[incident_id]
                gap = _gap(signal, incident)
                if incident.is_open and gap <= window:
                    found.append((entity != signal.entity, gap, incident_id, words))
        return [_join(*choice, window) for choice in sorted(found)]


def _join(_distant: bool, gap: float, incident_id: str, words: str, window: float) -> Join:
    when = "at the same time" if gap == 0 else f"{gap:.0f} seconds apart"
    return Join(incident_id, f"Joined because {words}, {when} (limit {window:.0f} seconds).")


def _gap(signal: Signal, incident: Incident) -> float:
    """Seconds between two spans; 0 when they overlap."""
    first = signal.first_time if incident.first_time is None else incident.first_time
    last = signal.last_time if incident.last_time is None else incident.last_time
    return max(0.0, signal.first_time - last, first - signal.last_time)
