"""An incident's tasks as people see them: the recorded ones, and steps of its checklists.

A step is recorded when someone changes it. Until then it follows the checklist's current text; from
then on its entry counts.
"""

from __future__ import annotations

from typing import Dict, Iterator, List, Tuple

from ..canonical import digest
from ..model import Document, Incident
from ..routing import Checklist, Routing
from ..routing.checklists import LEAD, ListedStep
from .task_state import BLANK_TASK

__all__ = ["find_step", "open_task_titles", "roles_of", "tasks_of"]

# The most open tasks that a resolve lists: all, unless many merges brought more.
MOST_NAMED = 500


def tasks_of(routing: Routing, incident: Incident) -> List[Document]:
    """Return the steps of the matching checklists, then the other tasks, the oldest first.

    Each is a :data:`.task_state.BLANK_TASK`, with ``who``: its owner, else the person in its role.
    Unchanged steps are listed while the incident is open; afterwards only those of a checklist that
    was begun, unless the incident was merged into another.
    """
    written = {str(one["id"]): one for one in incident.tasks}
    begun = {one["checklist"] for one in incident.tasks} if not incident.merged_into else set()
    found: List[Document] = []
    for key, checklist, step in _steps(routing, incident):
        if key in written:
            found.append(written.pop(key))
        elif incident.is_open or checklist.name in begun:
            found.append(_untouched(key, checklist, step))
    people = {str(one["id"]): str(one["person"]) for one in incident.roles}
    people[LEAD] = incident.owner
    return [
        {**one, "who": one["owner"] or people.get(one["role"], "")}
        for one in (*found, *written.values())
    ]


def find_step(routing: Routing, incident: Incident, task: str) -> Document:
    """Return a step of a matching checklist that is not recorded yet; empty if there is none."""
    for key, checklist, step in _steps(routing, incident):
        if key == task:
            return _untouched(key, checklist, step)
    return {}


def open_task_titles(routing: Routing, incident: Incident) -> List[str]:
    """Return the titles of the open tasks, at most MOST_NAMED."""
    tasks = (one for one in tasks_of(routing, incident) if one["state"] == "open")
    return [str(one["title"]) for one in tasks][:MOST_NAMED]


def roles_of(routing: Routing, incident: Incident) -> List[Document]:
    """Return each role: those of the settings, then others that someone still has."""
    held: Dict[str, Document] = {str(one["id"]): one for one in incident.roles}
    found = []
    for role in routing.roles:
        one = held.pop(role, {"person": "", "by": "", "at": 0.0})
        found.append({**one, "id": role})
    return found + [one for one in held.values() if one["person"]]


def _steps(routing: Routing, incident: Incident) -> Iterator[Tuple[str, Checklist, ListedStep]]:
    """Return the steps of matching checklists, each with its key."""
    found = [
        # The key contains the title: a reworded step is another step, to be done anew.
        ("STEP-" + digest([checklist.name, step.title], 10), checklist, step)
        for checklist in routing.checklists
        if checklist.fits(incident)
        for step in checklist.steps
    ]
    touched = {str(one["id"]): (one["checklist"], one["title"]) for one in incident.tasks}
    now = {key for key, _checklist, _step in found}
    # If people had renamed a step in the incident to the new wording, it is the same step.
    renamed = {said: key for key, said in touched.items() if key not in now}
    for key, checklist, step in found:
        mine = key if key in touched else renamed.get((checklist.name, step.title), key)
        yield mine, checklist, step


def _untouched(key: str, checklist: Checklist, step: ListedStep) -> Document:
    said = {"title": step.title, "role": step.role, "runbook": step.runbook}
    return {"id": key, **BLANK_TASK, **said, "checklist": checklist.name, "by": "", "at": 0.0}
