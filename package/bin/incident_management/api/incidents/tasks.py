"""``/incidents/{id}/tasks`` and ``/roles``: tasks and roles; ``/tasks``: those of all incidents."""

from __future__ import annotations

from ...incidents.editing import version
from ...incidents.items import ITEM_STATES, REASON_CHARACTERS
from ...incidents.model import Incident
from ...incidents.signal import TITLE_CHARACTERS
from ...incidents.stores import IS_OPEN
from ...incidents.tasks import task_list, writing
from ..router import Request, Response, route
from ..schema import any_text, any_whole, flag, listed, number, obj, one_of, record, text
from ..shapes import LIMIT, NAME, OFFSET, SEVERITY, TIME
from .guard import change, document_of, run_action

ME = "me"
_SEEN_AT = number(about="The `at` that you read; answers 409 if it changed since.")
_LAST = {"by": any_text("Who changed it last."), "at": TIME}
_FIELDS = {
    "id": any_text(),
    "title": any_text("What to do."),
    "owner": any_text("Assignee; empty: the holder of its role, or anybody."),
    "role": any_text("`lead` is the incident's owner."),
    "who": any_text("The owner, otherwise the holder of the role."),
    "runbook": any_text("URL of the runbook."),
    "checklist": any_text("The checklist it belongs to; empty: added manually."),
    "from": any_text("The merged incident it came from; empty: none."),
    "state": one_of(ITEM_STATES),
    "reason": any_text("Why it was dropped, completed or reopened."),
    **_LAST,
}
_TASK = obj(_FIELDS, ("id", "title", "state", "who"), more=True)
_OF = {"incident_id": any_text(), "incident_title": any_text(), "severity": SEVERITY}
_LISTED_TASK = obj({**_FIELDS, **_OF}, ("id", "title", "state", "who", *_OF), more=True)
# The most incidents that are searched, the most urgent first.
MOST_INCIDENTS = 500
_READ = (
    *("id", "title", "status", "severity", "team", "owner", "entities", "rules", "tags"),
    *("tasks", "roles"),
)
_ROLE = obj({"id": any_text("Its name."), "person": any_text(), **_LAST}, ("id", "person"))


@route(
    "GET",
    "/incidents/{id}/tasks",
    capability="incident_read",
    answers={
        200: record(
            {
                "incident_id": any_text(),
                "tasks": listed(_TASK),
                "open": any_whole("Number of open tasks; 0 if the incident was merged."),
                "roles": listed(_ROLE),
            }
        )
    },
)
def get_tasks(request: Request) -> Response:
    """List an incident's tasks and roles; the lead is the incident's owner.

    The steps of matching checklists come first. An unchanged step is shown as the checklist has it
    now, while the incident is open or if another step of its checklist was changed. A merged
    incident's tasks moved to the target; the merged incident shows their last state. The ETag is
    the incident's.
    """
    incident, routing = Incident.from_document(document_of(request)), request.routing()
    tasks = task_list.tasks_of(routing, incident)
    return Response(
        {
            "incident_id": incident.id,
            "tasks": tasks,
            "open": 0 if incident.merged_into else sum(one["state"] == "open" for one in tasks),
            "roles": task_list.roles_of(routing, incident),
        },
        headers={"ETag": f'"{version(incident.head)}"'},
    )


@route(
    "GET",
    "/tasks",
    capability="incident_read",
    query={
        "owner": {**NAME, "description": "The assignee; `me` for the caller."},
        "state": one_of(ITEM_STATES, "All unless given."),
        "limit": LIMIT,
        "offset": OFFSET,
    },
    answers={
        200: obj(
            {
                "tasks": listed(_LISTED_TASK),
                "more": flag(),
                "left_out": flag("Less urgent incidents were not searched."),
            },
            ("tasks", "more", "left_out"),
            more=True,
        )
    },
)
def list_tasks(request: Request) -> Response:
    """List the tasks of all open incidents, the most urgent incident first.

    With `owner`: tasks that they own or whose role they hold. At most 500 incidents are searched.
    """
    who = str(request.args.get("owner", "")).strip().lower()
    who = request.user.lower() if who == ME else who
    query = {"$and": [IS_OPEN, {"people": who}]} if who else IS_OPEN
    order, most = "urgency:-1,_key:-1", MOST_INCIDENTS + 1
    documents = request.stores.incidents.find(query, order, most, fields=_READ)
    routing, state = request.routing(), request.args.get("state", "")
    found = [
        {**one, "incident_id": incident.id, "incident_title": incident.title,
         "severity": incident.severity}
        for incident in map(Incident.from_document, documents[:MOST_INCIDENTS])
        for one in task_list.tasks_of(routing, incident)
        if who in ("", one["who"].lower()) and state in ("", one["state"])
    ]  # fmt: skip
    limit, offset = request.args.get("limit", 100), request.args.get("offset", 0)
    return Response(
        {
            "tasks": found[offset : offset + limit],
            "more": len(found) > offset + limit,
            "left_out": len(documents) == most,
        }
    )


@change(
    "/incidents/{id}/tasks",
    body=obj({"title": text(TITLE_CHARACTERS, 1), "owner": NAME}, ("title",)),
)
def add_task(request: Request) -> Response:
    """Add a task to an incident; allowed in any state but merged."""
    title, owner = request.text("title", required=True), request.text("owner")
    return run_action(request, writing.add_task, title, owner)


@change(
    "/incidents/{id}/tasks/{task}",
    body=obj(
        {
            "title": text(TITLE_CHARACTERS, 1),
            "owner": {**NAME, "description": "Empty: unassigned."},
            "state": one_of(ITEM_STATES),
            "reason": text(REASON_CHARACTERS),
            "seen_at": _SEEN_AT,
        }
    ),
)
def change_task(request: Request) -> Response:
    """Mark a task done, dropped (requires a reason) or open again; reassign it; rename it."""
    changes = dict(request.body)
    seen = changes.pop("seen_at", None)
    task = request.params["task"]
    return run_action(request, writing.change_task, task, changes, seen, routed=True)


@change(
    "/incidents/{id}/roles",
    body=obj(
        {
            "role": NAME,
            "person": {**NAME, "description": "Empty: remove the holder."},
            "seen_at": _SEEN_AT,
        },
        ("role", "person"),
    ),
)
def give_role(request: Request) -> Response:
    """Assign a role to a person in place of its holder, or remove its holder."""
    role, person = request.text("role", required=True), request.text("person")
    seen = request.body.get("seen_at")
    return run_action(request, writing.assign_role, role, person, seen, routed=True)
