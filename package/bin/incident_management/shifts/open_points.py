"""What an open incident waits for, in short sentences. Pure."""

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

# What becomes of a fix, by the status of its newest plan. Of others nothing is to be waited for.
_FIXES = {
    "proposed": "A fix waits for an approval",
    "approved": "A fix is approved and waits to be carried out",
    "running": "A fix is being carried out",
    "done": "A fix was carried out, and its proof is running",
    "not_recovered": "A fix did not help and is being undone",
    "rolling_back": "A fix is being undone",
    "did_not_help": "A fix did not help, and stays",
    "insufficient_data": "A fix was carried out, and can't be proved",
    "failed": "A fix failed",
    "rollback_failed": "A fix could not be undone",
}


class Point(NamedTuple):
    """A text without secrets; where ``at`` (epoch seconds) is set, that time ends it."""

    text: str
    at: float = 0.0

    def to_document(self) -> Document:
        return {"text": self.text, **({"at": self.at} if self.at else {})}


def open_points_of(facts: Facts, routing: Routing, document: Mapping[str, Any]) -> List[Point]:
    """Return what somebody who takes an open incident over has to know of it."""
    incident = Incident.from_document({"id": document["_key"], **document})
    now, key = facts.shift.until, str(document["_key"])
    return [
        *_vacant(incident),
        *_deadlines(incident, now),
        *_fix(facts.plans.get(key, ())),
        *_tasks(routing, incident),
        *_held_back(facts.suppressions, incident, now),
        *_state(incident),
        *_note(facts.notes.get(key)),
    ]


def _vacant(incident: Incident) -> Iterator[Point]:
    if incident.handed_on:
        yield Point(f"It waits for somebody of {one_line(incident.team, 80)}")
    elif not incident.owner:
        yield Point("Nobody has it")


def _deadlines(incident: Incident, now: float) -> Iterator[Point]:
    unacknowledged = incident.status != "in_progress" and incident.acknowledged_at is None
    if unacknowledged and incident.sla_ack_due is None:
        yield Point("Nobody has acknowledged it")
    elif unacknowledged:
        yield _due("Nobody has acknowledged it, which {} due", incident.sla_ack_due, now)
    if incident.sla_resolve_due is not None:
        yield _due("It {} to be resolved by", incident.sla_resolve_due, now)
    if incident.update_due is not None:
        yield _due("An update for stakeholders {} due", incident.update_due, now)


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
    # Those that somebody has come first: the others are the checklists' steps most often.
    still_open.sort(key=lambda one: not one["who"])
    for one in still_open[:MOST_TASKS]:
        who = one_line(one["who"] or one["role"], 80) or "unassigned"
        yield Point(f"To do: {one_line(one['title'], TITLE)} ({who})")
    more = len(still_open) - MOST_TASKS
    if more > 0:
        yield Point(f"{more} more task{'s are' if more > 1 else ' is'} open")


def _held_back(
    suppressions: Sequence[Suppression], incident: Incident, now: float
) -> Iterator[Point]:
    for one in suppressions:
        if one.in_force(now) and _is_about(one, incident):
            end, reason = one.next_end(now), one_line(one.reason, TITLE)
            until = " until" if end else ""
            yield Point(f"Signals of it are held back ({one.kind}: {reason}){until}", end)
            return


def _is_about(one: Suppression, incident: Incident) -> bool:
    """Whether signals like this incident's are held back, as far as it tells."""
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
        yield Point(f"It was escalated to level {incident.level}")
    if incident.pinned:
        yield Point("It is pinned, so it does not resolve by itself")
    if incident.flapping:
        yield Point("It opens again and again, and is held open until it is calm")
    cause = one_line(incident.cause, TEXT)
    if cause:
        yield Point(f"Likely cause: {cause}")


def _note(note: Any) -> Iterator[Point]:
    if note is not None:
        text = one_line(note["data"].get("text"), TEXT)
        yield Point(f"“{text}”, {one_line(note['actor'], 80)} at", float(note["time"]))
