"""Find the open incident of another problem that a new problem joins."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence, Tuple

from ...ports import Stores
from ..grouping import Candidates, Join, Topology, wording_of
from ..model import Incident
from ..routing import Routing
from .batch import Batch, Problem
from .reading import Reader

__all__ = ["Joins", "group_identical"]

CANDIDATES = 1000
# Two simultaneous problems are related if chance would bring them so close only once in a hundred
# times at the recent rate of incidents: the share of an interval between two arrivals of a Poisson
# process in which the next one falls. Below LEAST_INCIDENTS, the rate is unknown.
CHANCE = 0.01
RATE_SECONDS = 7 * 86400.0
LEAST_INCIDENTS = 20


class Joins:
    """Finds incidents to join, among those that are stored and those that a batch has drafted.

    The timeline of an incident is read before it is joined.
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
        window, grounds = self._routing.group_window, self._routing.group_by
        if batch.candidates is None:
            batch.candidates = self._candidates(batch.earliest - window)
            for incident_id in sorted(batch.touched):
                self.offer(incident_id, batch)
        coincidence_seconds = 0.0
        # A recurring problem is no sign of a new coincidence.
        if "coincidence" in grounds and not problem.episode:
            coincidence_seconds = self._coincidence_seconds(batch)
        one = problem.as_one()
        for join in batch.candidates.choose(
            one, self._topology, window, grounds, coincidence_seconds
        ):
            self._reader.read(batch, [join.incident_id])
            incident = batch.incident(join.incident_id)
            # The candidate's document may be older than its timeline.
            if incident is not None and incident.is_open:
                return join
        return None

    @staticmethod
    def offer(incident_id: str, batch: Batch) -> None:
        """Add an incident of the batch to the candidates for its later problems."""
        incident = batch.incident(incident_id)
        if batch.candidates is not None and incident is not None:
            batch.candidates.put(incident)

    def _coincidence_seconds(self, batch: Batch) -> float:
        """Return the seconds within which two beginnings are unlikely to be a coincidence."""
        if batch.coincidence_seconds is None:
            since = batch.earliest - RATE_SECONDS
            week = {"first_time": {"$gte": since, "$lt": batch.earliest}}
            # ``opened_at`` has an acceleration, and no incident opens before its trouble begins.
            query = {"$and": [{"opened_at": {"$gte": since}}, week]}
            count = len(self._stores.incidents.keys(query))
            known = count >= LEAST_INCIDENTS
            batch.coincidence_seconds = CHANCE * RATE_SECONDS / count if known else 0.0
        return batch.coincidence_seconds

    def _candidates(self, since: float) -> Candidates:
        documents = self._stores.incidents.find(
            {
                "$and": [
                    {"last_seen": {"$gte": since}},
                    {"last_time": {"$gte": since}},
                    {"status": {"$ne": "resolved"}},
                    {"status": {"$ne": "closed"}},
                ]
            },
            sort="last_seen:-1",
            limit=CANDIDATES,
        )
        return Candidates(Incident.from_document(document) for document in documents)


def group_identical(problems: Sequence[Problem]) -> List[List[Problem]]:
    """Group new problems that can't be told apart, such as one fault on many hosts.

    They have the same rule, entity, time, severity, group values and wording.
    """
    found: List[List[Problem]] = []
    latest: Dict[Tuple[Any, ...], List[Problem]] = {}
    for problem in problems:
        key = _identity_key(problem)
        alike = latest.get(key)
        if alike is None or not _at_one_time(alike[0], problem):
            alike = latest[key] = []
            found.append(alike)
        alike.append(problem)
    return found


def _identity_key(problem: Problem) -> Tuple[Any, ...]:
    first = problem.first
    if problem.gate or problem.incidents or not first.group or len(problem.signals) > 1:
        return (problem.dedup_key,)
    values = tuple(sorted(first.group_values))
    return first.app, first.rule, first.entity, first.severity, values, wording_of(first)


def _at_one_time(one: Problem, other: Problem) -> bool:
    return one.first_time <= other.last_time and other.first_time <= one.last_time
