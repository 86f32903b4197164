"""Which open incident of another problem takes the signals of a new one."""

from __future__ import annotations

from typing import Optional

from ...ports import Stores
from ..grouping import Candidates, Join, Topology
from ..model import Incident
from ..routing import Routing
from .batch import Batch, Problem
from .reading import Reader

__all__ = ["Joins"]

CANDIDATES = 1000


class Joins:
    """Finds incidents to join, among those that are stored and those that a batch has drafted.

    Args:
        stores: the app's collections.
        routing: tells how far apart in time related problems may be.
        topology: the service dependencies.
        reader: reads the timeline of an incident before it is joined.
    """

    def __init__(self, stores: Stores, routing: Routing, topology: Topology, reader: Reader):
        self._stores = stores
        self._routing = routing
        self._topology = topology
        self._reader = reader

    def find(self, problem: Problem, batch: Batch) -> Optional[Join]:
        """Find the incident that a condition names, or an open one of a related entity."""
        gate = problem.gate
        if gate and gate.with_problem in batch.placed:
            return Join(batch.placed[gate.with_problem], gate.reason)
        if not problem.first.group:
            return None
        window = self._routing.group_window
        if batch.candidates is None:
            batch.candidates = self._candidates(batch.earliest - window)
            for incident_id in sorted(batch.touched):
                self.offer(incident_id, batch)
        for join in batch.candidates.choose(problem.as_one(), self._topology, window):
            self._reader.read(batch, [join.incident_id])
            incident = batch.incident(join.incident_id)
            # The document that proposed it may be older than the timeline.
            if incident is not None and incident.is_open:
                return join
        return None

    @staticmethod
    def offer(incident_id: str, batch: Batch) -> None:
        """Let the batch's later problems join what was drafted for this one."""
        incident = batch.incident(incident_id)
        if batch.candidates is not None and incident is not None:
            batch.candidates.put(incident)

    def _candidates(self, since: float) -> Candidates:
        documents = self._stores.incidents.find(
            {
                "$and": [
                    {"last_time": {"$gte": since}},
                    {"status": {"$ne": "resolved"}},
                    {"status": {"$ne": "closed"}},
                ]
            },
            sort="last_time:-1",
            limit=CANDIDATES,
        )
        return Candidates(Incident.from_document(document) for document in documents)
