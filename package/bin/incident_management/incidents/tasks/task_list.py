"""An incident's tasks as people see them: what was written down, and the steps of its checklists.

A step is written down when somebody changes it. Until then it is what the checklist says now; from
then on what its entry says.
"""

from __future__ import annotations

from typing import Dict, Iterator, List, Tuple

from ..canonical import digest
from ..model import Document, Incident
from ..routing import Checklist, Routing
from ..routing.checklists import LEAD, ListedStep
from .task_state import BLANK_TASK

__all__ = ["find_step", "open_task_titles", "roles_of", "tasks_of"]

# Of what was left open at a resolve so many are named: all there are, but for what many merges
# have brought.
MOST_NAMED = 500


def tasks_of(routing: Routing, incident: Incident) -> List[Document]:
    """Return each task: the steps of the checklists that fit, then the others, the oldest first.

    As :data:`.task_state.BLANK_TASK`, with ``who`` is to do it: its owner, else who has its role.
    Steps that nobody touched are shown while the incident is open; afterwards those of a checklist
    that was begun, unless the incident was merged into another.
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
    """Return a step that nobody touched yet, of a checklist that fits; empty: there is none."""
    for key, checklist, step in _steps(routing, incident):
        if key == task:
            return _untouched(key, checklist, step)
    return {}


def open_task_titles(routing: Routing, incident: Incident) -> List[str]:
    """Return what is to be done yet, in words; of very many the first."""
    tasks = (one for one in tasks_of(routing, incident) if one["state"] == "open")
    return [str(one["title"]) for one in tasks][:MOST_NAMED]


def roles_of(routing: Routing, incident: Incident) -> List[Document]:
    """Return each role: those of the settings, then those that somebody has all the same."""
    held: Dict[str, Document] = {str(one["id"]): one for one in incident.roles}
    found = []
    for role in routing.roles:
        one = held.pop(role, {"person": "", "by": "", "at": 0.0})
        found.append({**one, "id": role})
    return found + [one for one in held.values() if one["person"]]


def _steps(routing: Routing, incident: Incident) -> Iterator[Tuple[str, Checklist, ListedStep]]:
    """Return the steps of what fits, by the key that each is known by."""
    found = [
        # By what it says: one that its checklist words otherwise is another, to be done anew.
        ("STEP-" + digest([checklist.name, step.title], 10), checklist, step)
        for checklist in routing.checklists
        if checklist.fits(incident)
        for step in checklist.steps
    ]
    touched = {str(one["id"]): (one["checklist"], one["title"]) for one in incident.tasks}
    now = {key for key, _checklist, _step in found}
    # Where people had worded it so in the incident, it is the step that they have.
    renamed = {said: key for key, said in touched.items() if key not in now}
    for key, checklist, step in found:
        mine = key if key in touched else renamed.get((checklist.name, step.title), key)
        yield mine, checklist, step


def _untouched(key: str, checklist: Checklist, step: ListedStep) -> Document:
    said = {"title": step.title, "role": step.role, "runbook": step.runbook}
    return {"id": key, **BLANK_TASK, **said, "checklist": checklist.name, "by": "", "at": 0.0}
