"""List what the next person has to know of an open incident, in short points. Pure."""

from __future__ import annotations

from typing import Any, Iterator, List, Mapping, NamedTuple, Sequence

from ..incidents.model import Incident
from ..incidents.patterns import matches
from ..incidents.routing import Routing
from ..incidents.suppression import Suppression
from ..incidents.tasks.task_list import tasks_of
from ..notify.message import one_line
from ..ports import Document
from .facts import Facts

__all__ = ["Point", "open_points_of"]

MOST_TASKS = 5
TITLE = 120
TEXT = 300

# Texts by the status of the newest plan; a plan with another status needs no attention.
_FIXES = {
    "proposed": "A fix is waiting for approval",
    "approved": "A fix is approved and waiting to be executed",
    "running": "A fix is being executed",
    "done": "A fix was executed and is being verified",
    "not_recovered": "A fix did not help and is being rolled back",
    "rolling_back": "A fix is being rolled back",
    "did_not_help": "A fix did not help and stays in place",
    "insufficient_data": "A fix was executed, but its effect can't be verified",
    "failed": "A fix failed",
    "rollback_failed": "The rollback of a fix failed",
}


class Point(NamedTuple):
    """A text without secrets; if ``at`` (epoch seconds) is set, the text ends with that time."""

    text: str
    at: float = 0.0

    def to_document(self) -> Document:
        return {"text": self.text, **({"at": self.at} if self.at else {})}


def open_points_of(facts: Facts, routing: Routing, document: Mapping[str, Any]) -> List[Point]:
    """Return what a person who takes over an open incident has to know."""
    incident = Incident.from_document({"id": document["_key"], **document})
    now, key = facts.shift.until, str(document["_key"])
    return [
        *_vacant(incident),
        *_deadlines(incident, now),
        *_fix(facts.plans.get(key, ())),
        *_tasks(routing, incident),
        *_suppressed(facts.suppressions, incident, now),
        *_state(incident),
        *_note(facts.notes.get(key)),
    ]


def _vacant(incident: Incident) -> Iterator[Point]:
    if incident.handed_on:
        yield Point(f"Waiting for a member of {one_line(incident.team, 80)}")
    elif not incident.owner:
        yield Point("No owner")


def _deadlines(incident: Incident, now: float) -> Iterator[Point]:
    unacknowledged = incident.status != "in_progress" and incident.acknowledged_at is None
    if unacknowledged and incident.sla_ack_due is None:
        yield Point("Not acknowledged")
    elif unacknowledged:
        yield _due("Not acknowledged; the acknowledgement {} due by", incident.sla_ack_due, now)
    if incident.sla_resolve_due is not None:
        yield _due("Resolution {} due by", incident.sla_resolve_due, now)
    if incident.update_due is not None:
        yield _due("An update for stakeholders {} due by", incident.update_due, now)


def _due(words: str, moment: Any, now: float) -> Point:
    is_late = float(moment) <= now
    return Point(words.format("was" if is_late else "is"), float(moment))


def _fix(plans: Sequence[Mapping[str, Any]]) -> Iterator[Point]:
    newest = plans[0] if plans else {}
    said = _FIXES.get(str(newest.get("status")))
    if said:
        yield Point(f"{said}: {one_line(newest.get('summary'), TEXT)}")


def _tasks(routing: Routing, incident: Incident) -> Iterator[Point]:
    still_open = [one for one in tasks_of(routing, incident) if one["state"] == "open"]
    # Assigned tasks come first: the others are mostly steps of checklists.
    still_open.sort(key=lambda one: not one["who"])
    for one in still_open[:MOST_TASKS]:
        who = one_line(one["who"] or one["role"], 80) or "unassigned"
        yield Point(f"To do: {one_line(one['title'], TITLE)} ({who})")
    more = len(still_open) - MOST_TASKS
    if more > 0:
        yield Point(f"{more} more task{'s are' if more > 1 else ' is'} open")


def _suppressed(
    suppressions: Sequence[Suppression], incident: Incident, now: float
) -> Iterator[Point]:
    for one in suppressions:
        if one.in_force(now) and _is_about(one, incident):
            end, reason = one.next_end(now), one_line(one.reason, TITLE)
            until = " until" if end else ""
            yield Point(f"Its signals are suppressed ({one.kind}: {reason}){until}", end)
            return


def _is_about(one: Suppression, incident: Incident) -> bool:
    """Tell whether a suppression matches signals like this incident's."""
    return all(
        pattern == "*" or any(matches(value, pattern) for value in values)
        for pattern, values in (
            (one.rule, incident.rules),
            (one.entity, incident.entities),
            (one.tag, incident.tags),
        )
    )


def _state(incident: Incident) -> Iterator[Point]:
    if incident.level:
        yield Point(f"Escalated to level {incident.level}")
    if incident.pinned:
        yield Point("Pinned, so it does not resolve automatically")
    if incident.flapping:
        yield Point("Flapping, so it is kept open until it is calm")
    cause = one_line(incident.cause, TEXT)
    if cause:
        yield Point(f"Likely cause: {cause}")


def _note(note: Any) -> Iterator[Point]:
    if note is not None:
        text = one_line(note["data"].get("text"), TEXT)
        yield Point(f"“{text}”, {one_line(note['actor'], 80)} at", float(note["time"]))
