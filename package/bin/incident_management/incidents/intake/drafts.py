"""Draft the timeline entries of ingest: opened, signal, routed, reopened."""

from __future__ import annotations

from typing import Any, Dict

from ...ports import Clock, Document
from ..canonical import digest
from ..lifecycle import reopen_entry
from ..model import Entry, Head, Incident
from ..routing import Routing
from ..upkeep import flapping
from .batch import Batch, Problem

__all__ = ["Drafts"]


class Drafts:
    """Adds entries to batches, each after all entries that the batch has; writes nothing."""

    def __init__(self, clock: Clock, routing: Routing) -> None:
        self._clock = clock
        self._routing = routing

    def open_or_add(self, problem: Problem, batch: Batch, incident_id: str, previous: str) -> None:
        """Open an incident or, if it exists, add to it; ``previous``: the last episode's."""
        if batch.incident(incident_id) is not None:
            self.add(problem, batch, incident_id, "added")
            return
        first = problem.first
        data: Document = {
            **problem.data(),
            **problem.wordings(),
            "title": first.title,
            "description": first.description,
            "dedup_key": first.dedup_key,
            "search": first.search,
            "previous": previous,
        }
        if problem.gate and problem.gate.reason:
            data["reason"] = problem.gate.reason
        self.draft(batch, incident_id, "opened", data, "opened")
        self.route(batch, incident_id)
        batch.record(problem.signals, incident_id, "opened")

    def add(
        self, problem: Problem, batch: Batch, incident_id: str, what: str, reason: str = ""
    ) -> None:
        """Draft an entry with the signals that the timeline does not have yet."""
        story = batch.stories[incident_id]
        missing = story.uncounted([signal.key for signal in problem.signals])
        if missing:
            data: Dict[str, Any] = problem.data(missing)
            if reason:
                data.update(problem.wordings(), reason=reason)
            self.draft(batch, incident_id, "signal", data, f"signals:{digest(sorted(missing), 40)}")
        # The process that opened the incident may have been killed before it routed it.
        self.route(batch, incident_id)
        batch.touched.add(incident_id)
        batch.record(problem.signals, incident_id, what)

    def reopen(self, problem: Problem, batch: Batch, incident: Incident, since: float) -> None:
        """Reopen an incident whose problem was found again, so many seconds after its resolve."""
        story = batch.stories[incident.id]
        reason = f"'{problem.first.rule}' found the problem {since:.0f} seconds after the resolve."
        data, once = reopen_entry(incident, story.last_resolve, reason, found=True)
        self.draft(batch, incident.id, "status", data, once)
        too_often = flapping.flapping_entry(story, self._routing, self._clock.now())
        if too_often:
            self.draft(batch, incident.id, "flapping", *too_often)

    def route(self, batch: Batch, incident_id: str) -> None:
        """Assign an incident to a team, unless that is done."""
        incident = batch.incident(incident_id)
        if incident is None or batch.stories[incident_id].has("routed"):
            return
        named = (incident.entities, incident.rules, incident.tags, incident.field_values)
        decision = self._routing.decide(incident.severity, *named)
        self.draft(batch, incident_id, "routed", decision.to_data(), "routed")

    def draft(self, batch: Batch, incident_id: str, kind: str, data: Document, once: str) -> None:
        """Draft one entry of an incident, after all of its entries in the batch."""
        story = batch.stories.get(incident_id)
        head, now = story.head if story else Head(), self._clock.now()
        batch.draft(Entry.create(incident_id, kind, data, batch.actor, now, head, once))
