"""``/incidents/{id}/tasks`` and ``/roles``: who does what in an incident."""

from __future__ import annotations

from ...incidents.editing import version
from ...incidents.items import ITEM_STATES, REASON_CHARACTERS
from ...incidents.model import Incident
from ...incidents.signal import TITLE_CHARACTERS
from ...incidents.tasks import steps, writing
from ..router import Request, Response, route
from ..schema import any_text, any_whole, listed, number, obj, one_of, record, text
from ..shapes import NAME, TIME
from .acting import acted, change, document_of

_SEEN_AT = number(about="Its `at` as it was read: 409 if somebody has changed it since.")
_LAST = {"by": any_text("Who has changed it last."), "at": TIME}
_TASK = obj(
    {
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
    },
    ("id", "title", "state", "who"),
    more=True,
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
    tasks = steps.tasks_of(routing, incident)
    return Response(
        {
            "incident_id": incident.id,
            "tasks": tasks,
            "open": 0 if incident.merged_into else sum(one["state"] == "open" for one in tasks),
            "roles": steps.roles_of(routing, incident),
        },
        headers={"ETag": f'"{version(incident.head)}"'},
    )


@change(
    "/incidents/{id}/tasks",
    body=obj({"title": text(TITLE_CHARACTERS, 1), "owner": NAME}, ("title",)),
)
def add_task(request: Request) -> Response:
    """Note something to be done in an incident; in any state but merged."""
    title, owner = request.text("title", required=True), request.text("owner")
    return acted(request, writing.add_task, title, owner)


@change(
    "/incidents/{id}/tasks/{task}",
    body=obj(
        {
            "owner": {**NAME, "description": "Empty: anybody's."},
            "state": one_of(ITEM_STATES),
            "reason": text(REASON_CHARACTERS),
            "seen_at": _SEEN_AT,
        }
    ),
)
def change_task(request: Request) -> Response:
    """Say that a task is done, dropped (with the reason) or open again, or hand it to somebody."""
    changes = dict(request.body)
    seen = changes.pop("seen_at", None)
    task = request.params["task"]
    return acted(request, writing.change_task, task, changes, seen, routed=True)


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
    return acted(request, writing.give_role, role, person, seen, routed=True)
