"""``/incidents/{id}/tasks`` and ``/roles``: who does what in an incident; ``/tasks``: in all."""

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
_SEEN_AT = number(about="Its `at` as it was read: 409 if somebody has changed it since.")
_LAST = {"by": any_text("Who has changed it last."), "at": TIME}
_FIELDS = {
    "id": any_text(),
    "title": any_text("What is to be done."),
    "owner": any_text("Whose it is; empty: whose role it is, or anybody's."),
    "role": any_text("`lead` is the incident's owner."),
    "who": any_text("The owner, else who has the role."),
    "runbook": any_text("An address."),
    "checklist": any_text("Whose step it is; empty: somebody added it."),
    "from": any_text("The merged incident that it came with, or empty."),
    "state": one_of(ITEM_STATES),
    "reason": any_text("Why it is dropped, done or open again."),
    **_LAST,
}
_TASK = obj(_FIELDS, ("id", "title", "state", "who"), more=True)
_OF = {"incident_id": any_text(), "incident_title": any_text(), "severity": SEVERITY}
_LISTED_TASK = obj({**_FIELDS, **_OF}, ("id", "title", "state", "who", *_OF), more=True)
# So many incidents are looked through, the gravest first: two hundred tasks each are more than
# anybody reads.
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
                "open": any_whole("How many are to be done here yet; merged: none."),
                "roles": listed(_ROLE),
            }
        )
    },
)
def get_tasks(request: Request) -> Response:
    """What is to be done in an incident, and who has which role; the lead is its owner.

    The steps of the checklists that fit come first. A step that nobody has touched is shown as the
    checklist has it now, while the incident is open or if another of its checklist was touched. The
    tasks of a merged incident went along, and are here as they were. The ETag is the incident's.
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
        "owner": {**NAME, "description": "Who is to do it; `me` for the caller."},
        "state": one_of(ITEM_STATES, "All unless given."),
        "limit": LIMIT,
        "offset": OFFSET,
    },
    answers={
        200: obj(
            {
                "tasks": listed(_LISTED_TASK),
                "more": flag(),
                "left_out": flag("There are less grave incidents, which were not looked through."),
            },
            ("tasks", "more", "left_out"),
            more=True,
        )
    },
)
def list_tasks(request: Request) -> Response:
    """The tasks of all open incidents, as each incident has them; of the gravest first.

    Of somebody, those whose owner they are, or whose role they have. 500 incidents are looked
    through.
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
    """Note something to be done in an incident; in any state but merged."""
    title, owner = request.text("title", required=True), request.text("owner")
    return run_action(request, writing.add_task, title, owner)


@change(
    "/incidents/{id}/tasks/{task}",
    body=obj(
        {
            "title": text(TITLE_CHARACTERS, 1),
            "owner": {**NAME, "description": "Empty: anybody's."},
            "state": one_of(ITEM_STATES),
            "reason": text(REASON_CHARACTERS),
            "seen_at": _SEEN_AT,
        }
    ),
)
def change_task(request: Request) -> Response:
    """Say that a task is done, dropped (with the reason) or open again; hand it on; rename it."""
    changes = dict(request.body)
    seen = changes.pop("seen_at", None)
    task = request.params["task"]
    return run_action(request, writing.change_task, task, changes, seen, routed=True)


@change(
    "/incidents/{id}/roles",
    body=obj(
        {
            "role": NAME,
            "person": {**NAME, "description": "Empty: it is given up."},
            "seen_at": _SEEN_AT,
        },
        ("role", "person"),
    ),
)
def give_role(request: Request) -> Response:
    """Give a role to a person, whoever had it, or give it up."""
    role, person = request.text("role", required=True), request.text("person")
    seen = request.body.get("seen_at")
    return run_action(request, writing.assign_role, role, person, seen, routed=True)
