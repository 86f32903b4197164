"""Changes that people make to tasks (add, complete, assign, rename, drop) and roles.

Every function appends one entry, refreshes and returns the incident. All raise NotFound for an
unknown id, Invalid for a value that is missing or too long, and IllegalMove if another user's
change prevents it. ``seen_at``: change the item only if its last change (``at``) was then.
"""

from __future__ import annotations

import uuid
from typing import Any, Mapping, Optional

from ...ports import Document
from .. import timeline
from ..act import Act
from ..canonical import digest
from ..errors import IllegalMove, Invalid, NotFound
from ..items import (
    changed_fields,
    check_unchanged,
    checked_line,
    checked_user,
    claim_turn,
    display_name,
)
from ..joining import execution
from ..lifecycle import require_not_merged
from ..model import Incident
from ..routing import Routing
from ..routing.checklists import LEAD
from ..signal import TITLE_CHARACTERS
from .task_list import find_step

__all__ = ["MAX_TASKS", "add_task", "assign_role", "change_task"]

# Besides those from merges. A larger plan belongs into another tool.
MAX_TASKS = 200


def add_task(act: Act, incident_id: str, title: str, owner: str = "") -> Incident:
    """Add a task to an incident, with its owner; empty: no owner."""
    known = require_not_merged(act.stores, incident_id, "continue there")
    _check_room(known.incident)
    data = {"title": _title(title)}
    if owner:
        data["owner"] = checked_user("owner", owner, "who owns it")
    key = "TASK-" + digest([incident_id, act.once or uuid.uuid4().hex], 10)
    return _written(act, incident_id, {"task": key, "event": "added", **data})


def change_task(
    act: Act,
    routing: Routing,
    incident_id: str,
    task: str,
    changes: Mapping[str, Any],
    seen_at: Optional[float] = None,
) -> Incident:
    """Change a task's ``title``, ``owner`` (empty: none) or ``state`` (with a ``reason``).

    An unrecorded step of a checklist is recorded in its current form, and stays that step under a
    new title. Dropping a task requires the reason.
    """
    known = require_not_merged(act.stores, incident_id, "continue there")
    one, told = known.task_state.tasks.get(task), ["title"]
    if one is None:
        one = find_step(routing, known.incident, task)
        if not one:
            raise NotFound(f"{incident_id} has no task {task[:40]}.")
        _check_room(known.incident)
        told += [name for name in ("role", "runbook", "checklist") if one[name]]
    check_unchanged(one, seen_at)
    fields = {}
    if "title" in changes:
        fields["title"] = _title(changes["title"])
    if "owner" in changes:
        owner = str(changes["owner"]).strip()
        fields["owner"] = checked_user("owner", owner, "who owns it") if owner else ""
    data = changed_fields(one, fields, changes.get("state"), changes.get("reason"))
    if data:
        if "title" in data:
            data["was"] = one["title"]
        whole = {"task": task, "event": "changed", **{name: one[name] for name in told}, **data}
        turn = known.task_state.tasks.turns(task)
        claim_turn(act, incident_id, f"task {task}", turn)
        incident = _written(act, incident_id, whole)
        if all(each["id"] != task for each in incident.tasks):
            text = f"{display_name(one)} has just moved back to {one['from']}. Change it there."
            raise IllegalMove(text)
        return incident
    return timeline.refresh(act.stores, incident_id)


def assign_role(
    act: Act,
    routing: Routing,
    incident_id: str,
    role: str,
    to: str,
    seen_at: Optional[float] = None,
) -> Incident:
    """Assign a role to a person, replacing any holder; to nobody (empty): unassign it."""
    known = require_not_merged(act.stores, incident_id, "continue there")
    one = known.task_state.roles.get(role)
    if role == LEAD:
        raise NotFound("The lead is the incident's owner: assign the incident instead.")
    if one is None and role not in routing.roles:
        raise NotFound(f"There is no role '{role[:40]}'; use {', '.join(routing.roles) or 'none'}.")
    one = one or {"id": role, "person": "", "by": "", "at": 0.0}
    check_unchanged(one, seen_at)
    to = checked_user("person", to, "who gets it") if to.strip() else ""
    if to == one["person"]:
        has_it = (
            f"{to} already has the role {role}" if to else f"The role {role} is already unassigned"
        )
        raise IllegalMove(f"{has_it}.")
    data: Document = {"role": role, "person": to}
    if one["person"]:
        data["instead_of"] = one["person"]
    claim_turn(act, incident_id, f"role {role}", known.task_state.roles.turns(role))
    return timeline.record(act, incident_id, "role", data, act.once)


def _title(text: Any) -> str:
    return checked_line("title", text, "what is to be done", TITLE_CHARACTERS)


def _written(act: Act, incident_id: str, data: Document) -> Incident:
    """Write an entry of a task; if the incident is being merged, the task goes along."""
    incident = timeline.record(act, incident_id, "task", data, act.once)
    if incident.merged_into:
        execution.forward(act.stores, act.clock, incident_id, execution.IN_A_REQUEST)
    return incident


def _check_room(incident: Incident) -> None:
    if sum(not one["from"] for one in incident.tasks) >= MAX_TASKS:
        raise Invalid(f"{incident.id} already has {MAX_TASKS} tasks, the maximum.")
