"""Find the open incidents that a new problem may join, each with the reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Collection, Dict, FrozenSet, Iterable, Iterator, List, Mapping, Set, Tuple

from ..model import Incident
from ..signal import Signal
from .wording import Wordings, wording_of

__all__ = ["DEFAULT_GROUNDS", "GROUNDS", "Candidates", "Join", "Topology"]

GROUNDS = ("entity", "fields", "topology", "wording", "coincidence")
"""Why a problem may join an incident, the surest first."""
DEFAULT_GROUNDS = GROUNDS[:4]


@dataclass(frozen=True)
class Topology:
    """Direct dependencies between services."""

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
        """Return an entity and its neighbours, each with how they are related, in words."""
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
    """Open incidents that a new problem could join, found by entity and by wording."""

    def __init__(self, incidents: Iterable[Incident] = ()) -> None:
        self._incidents: Dict[str, Incident] = {}
        self._by_entity: Dict[str, Set[str]] = {}
        self._by_value: Dict[str, Set[str]] = {}
        self._wordings = Wordings()
        for incident in incidents:
            self.put(incident)

    def put(self, incident: Incident) -> None:
        """Add an incident, or replace it by its new state."""
        self._incidents[incident.id] = incident
        for entity in incident.entities:
            self._by_entity.setdefault(entity, set()).add(incident.id)
        for value in incident.group_values:
            self._by_value.setdefault(value, set()).add(incident.id)
        self._wordings.put(incident.id, incident.wordings)

    def choose(
        self,
        signal: Signal,
        topology: Topology,
        window: float,
        grounds: Collection[str] = DEFAULT_GROUNDS,
        coincidence_seconds: float = 0.0,
    ) -> List[Join]:
        """Return the incidents that a new problem could join, the closest first.

        Related means, as far as ``grounds`` allow: one of the incident's entities is the signal's
        own; both have a value of a grouping field in common; an entity of one depends on the
        other's; their events say nearly the same; both began within ``coincidence_seconds``. And
        their times are at most ``window`` seconds apart. A surer ground comes first, then the
        nearer in time, then the lower id.
        """
        found: Dict[str, Tuple[int, float, str, str]] = {}
        for rank, incident_id, words in self._related(
            signal, topology, grounds, coincidence_seconds
        ):
            incident = self._incidents[incident_id]
            gap = _gap(signal, incident)
            if incident.is_open and gap <= window:
                found.setdefault(incident_id, (rank, gap, incident_id, words))
        return [_join(*choice[1:], window) for choice in sorted(found.values())]

    def _related(
        self,
        signal: Signal,
        topology: Topology,
        grounds: Collection[str],
        coincidence_seconds: float,
    ) -> Iterator[Tuple[int, str, str]]:
        """Yield (rank, incident id, reason), the surest ground of each first."""
        neighbours = topology.related(signal.entity)
        own = neighbours.pop(signal.entity)
        if "entity" in grounds:
            for incident_id in self._by_entity.get(signal.entity, ()):
                yield 0, incident_id, own
        if "fields" in grounds:
            for value in signal.group_values:
                for incident_id in self._by_value.get(value, ()):
                    yield 1, incident_id, f"both have {value}"
        if "topology" in grounds:
            for entity, words in neighbours.items():
                for incident_id in self._by_entity.get(entity, ()):
                    yield 2, incident_id, words
        if "wording" in grounds:
            for incident_id, share in self._wordings.similar(wording_of(signal)).items():
                words = f"their events say the same ({share:.0%} of the significant words)"
                yield 3, incident_id, words
        if "coincidence" in grounds and coincidence_seconds > 0:
            for incident in self._incidents.values():
                began = signal.first_time if incident.first_time is None else incident.first_time
                apart = abs(signal.first_time - began)
                if apart <= coincidence_seconds:
                    words = f"both began within {apart:.0f} seconds, which is rare here"
                    yield 4, incident.id, words


def _join(gap: float, incident_id: str, words: str, window: float) -> Join:
    when = "at the same time" if gap == 0 else f"{gap:.0f} seconds apart"
    return Join(incident_id, f"Joined because {words}, {when} (limit {window:.0f} seconds).")


def _gap(signal: Signal, incident: Incident) -> float:
    """Seconds between two spans; 0 when they overlap."""
    first = signal.first_time if incident.first_time is None else incident.first_time
    last = signal.last_time if incident.last_time is None else incident.last_time
    return max(0.0, signal.first_time - last, first - signal.last_time)
