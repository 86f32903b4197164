"""The forms that open in Slack, and the data that they return: Block Kit, pure.

Sources: "Modal views" (title and buttons 24 characters), "Input block", "Plain-text input element"
and "Select menu element" in Slack's Block Kit reference. :mod:`...notify.services.slack_limits`
keeps a form within Slack's limits.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ...incidents.identity import INCIDENT_ID
from ...incidents.items import ITEM_STATES, REASON_CHARACTERS
from ...incidents.model import SEVERITIES
from ...incidents.signal import TITLE_CHARACTERS
from ...incidents.updates import STATES, TEXT_CHARACTERS
from ...notify.request_fields import truncated
from ...notify.services.slack_buttons import plain_text
from ...notify.services.slack_limits import INPUT_CHARACTERS, OPTION_CHARACTERS, fitted_view

__all__ = [
    "ADD_FORM",
    "FIELD",
    "FORMS",
    "OPEN_FORM",
    "RESOLVE_FORM",
    "TASK_FORM",
    "UPDATE_FORM",
    "Filled",
    "View",
    "add_form",
    "choice_input",
    "filled",
    "input_block",
    "open_form",
    "resolve_form",
    "task_form",
    "text_input",
    "update_form",
]

View = Dict[str, Any]
Option = Tuple[str, str]

RESOLVE_FORM, OPEN_FORM = "incident_resolve_form", "incident_open_form"
UPDATE_FORM, ADD_FORM = "incident_update_form", "incident_add_form"
TASK_FORM = "incident_task_form"
FORMS = (RESOLVE_FORM, OPEN_FORM, UPDATE_FORM, ADD_FORM, TASK_FORM)
RESOLUTION = "resolution"
# The prefix of a custom field's name in a form.
FIELD = "field."
RESOLUTION_CHARACTERS = 2000
# Stands for nobody among the people that a task can be assigned to.
ANYBODY = "(anybody)"
MOST_AFFECTED = 100
NAME_CHARACTERS = 200
_NEXT = (
    ("15m", "in 15 minutes"), ("30m", "in 30 minutes"), ("1h", "in an hour"),
    ("2h", "in 2 hours"), ("4h", "in 4 hours"), ("24h", "in a day"),
)  # fmt: skip


class Filled(NamedTuple):
    """A submitted form: its incident (empty: a new one) and the body of its API request.

    ``typed`` is the text to give back to the person if the request fails.
    """

    target: str
    body: Mapping[str, Any]
    typed: str


def resolve_form(incident_id: str, title: str, done: str, metadata: str) -> View:
    """Return the view that asks how an incident was resolved; ``metadata`` is returned with it.

    ``title`` is the incident's, empty if it is next to the button; ``done`` is the text typed with
    the command.
    """
    label = f"How was {incident_id} resolved?"
    asked = text_input(RESOLUTION, label, RESOLUTION_CHARACTERS, done)
    blocks = [_note(title), asked] if title else [asked]
    return _view(RESOLVE_FORM, "Resolve the incident", "Resolve", metadata, blocks)


def open_form(title: str, metadata: str, fields: Sequence[View] = ()) -> View:
    """Return the view for a new incident.

    ``fields``: the inputs for custom fields.
    """
    return _view(
        OPEN_FORM,
        "Open an incident",
        "Open",
        metadata,
        [
            text_input("title", "What is wrong?", TITLE_CHARACTERS, title, lines=False),
            choice_input("severity", "Severity", _plainly(SEVERITIES), "medium"),
            text_input(
                "affected", "What is affected?", lines=False, optional=True,
                hint="Services or hosts, separated by commas.",
            ),
            text_input("description", "What do you see?", optional=True),
            *fields,
        ],
    )  # fmt: skip


def update_form(
    incident_id: str, title: str, draft: str, state: str, hears: Sequence[str], metadata: str
) -> View:
    """Return the view for an update to stakeholders.

    Args:
        draft, state: the proposed text, with facts only, and the proposed state.
        hears: the names of the groups that receive the update.
    """
    told = ", ".join(hears) or "nobody; no stakeholder group matches this incident"
    return _view(
        UPDATE_FORM,
        "Update stakeholders",
        "Send update",
        metadata,
        [
            _note(f"{incident_id} {title}. Recipients: {told}."),
            text_input("text", "Message", TEXT_CHARACTERS, draft),
            choice_input("state", "Status", _plainly(STATES), state, True),
            choice_input(
                "next", "Next update", _NEXT, optional=True,
                hint="Empty: the group's interval. With 'resolved', no next update is promised.",
            ),
        ],
    )  # fmt: skip


def add_form(
    text: str, source: str, incidents: Sequence[Option], chosen: str, metadata: str
) -> View:
    """Return the view that asks which incident a message belongs to.

    Args:
        incidents: ids and titles of the choices, at least one; a hundred are shown.
        chosen: the id of the proposed one; empty if there is none.
    """
    options = [(key, f"{key} · {title}") for key, title in incidents]
    return _view(
        ADD_FORM,
        "Add to an incident",
        "Add",
        metadata,
        [
            choice_input("incident", "Incident", options, chosen),
            text_input("text", "Note", value=text),
            _note(source),
        ],
    )


def task_form(incident: str, task: Mapping[str, Any], people: Sequence[str], metadata: str) -> View:
    """Return the view that changes a task.

    Args:
        incident: the id and the title of its incident.
        task: the task as the API returns it.
        people: those it can be assigned to; if empty, the name is typed.
    """
    owner = str(task["owner"])
    if people:
        role = f" (the {task['role']}'s)" if task.get("role") else ""
        options = [(ANYBODY, f"anybody{role}")]
        options += [(one, one) for one in dict.fromkeys([*filter(None, [owner]), *people])]
        given = choice_input("owner", "Assignee", options, owner or ANYBODY)
    else:
        hint = "A Splunk user name. Leave empty for anybody."
        given = text_input("owner", "Assignee", NAME_CHARACTERS, owner, False, True, hint)
    return _view(
        TASK_FORM,
        "Change a task",
        "Change",
        metadata,
        [
            _note(incident),
            text_input(
                "title", "Task", TITLE_CHARACTERS, str(task["title"]), lines=False
            ),
            given,
            choice_input("state", "Status", _plainly(ITEM_STATES), str(task["state"])),
            text_input(
                "reason", "Reason", REASON_CHARACTERS, optional=True,
                hint="Required if the task is dropped.",
            ),
        ],
    )  # fmt: skip


def _task_changes(given: Callable[[str], str], brought: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the changes of a task.

    They include the state only if it is another one: a reason is kept with a new state.
    """
    owner, state = given("owner"), given("state")
    changes: Dict[str, Any] = {
        "title": given("title"),
        "owner": "" if owner == ANYBODY else owner,
        "seen_at": float(brought["seen_at"]),
    }
    if state != brought["state"]:
        changes["state"] = state
    if given("reason"):
        changes["reason"] = given("reason")
    return changes


def filled(form: str, view: Mapping[str, Any], brought: Mapping[str, Any]) -> Filled:
    """Return the request of a submitted form; ``brought`` is its metadata.

    Raises KeyError, TypeError or ValueError if the form is none of ours.
    """
    values = view["state"]["values"]

    def given(name: str) -> str:
        element = values[name][name]
        chosen = element.get("selected_option") or {}
        value = chosen.get("value") or element.get("value") or element.get("selected_date")
        return str(value or "").strip()

    if form == OPEN_FORM:
        affected = [one.strip()[:NAME_CHARACTERS] for one in given("affected").split(",")]
        body: Dict[str, Any] = {name: given(name) for name in ("title", "severity", "description")}
        body["affected_systems"] = list(dict.fromkeys(filter(None, affected)))[:MOST_AFFECTED]
        names = [name[len(FIELD) :] for name in values if name.startswith(FIELD)]
        fields = {name: value for name in names if (value := given(FIELD + name))}
        if fields:
            body["fields"] = fields
        said = [f"{name}: {value}" for name, value in fields.items()]
        kept = filter(None, (body["title"], body["description"], *said))
        return Filled("", body, "\n".join(kept))
    target = given("incident") if form == ADD_FORM else str(brought["incident"])
    if not INCIDENT_ID.fullmatch(target):
        raise ValueError(target)
    if form == RESOLVE_FORM:
        return Filled(target, {RESOLUTION: given(RESOLUTION)}, given(RESOLUTION))
    if form == TASK_FORM:
        kept = filter(None, (given("title"), given("reason")))
        return Filled(target, _task_changes(given, brought), "\n".join(kept))
    text = given("text")
    if form == ADD_FORM:
        return Filled(target, {"text": f"{text}\n\n{brought['source']}"}, text)
    state = given("state")
    next_in = "" if state == "resolved" else given("next")
    return Filled(target, {"text": text, "state": state, "next_update_in": next_in}, text)


def _view(form: str, title: str, submit: str, metadata: str, blocks: List[Any]) -> View:
    view = {
        "type": "modal",
        "callback_id": form,
        "private_metadata": metadata,
        "title": plain_text(title),
        "submit": plain_text(submit),
        "close": plain_text("Cancel"),
        "blocks": blocks,
    }
    return fitted_view(view)


def _note(text: str) -> View:
    return {"type": "context", "elements": [plain_text(truncated(text, 2000))]}


def _plainly(values: Sequence[str]) -> List[Option]:
    return [(one, one) for one in values]


def text_input(
    name: str,
    label: str,
    most: int = INPUT_CHARACTERS,
    value: str = "",
    lines: bool = True,
    optional: bool = False,
    hint: str = "",
) -> View:
    element = {
        "type": "plain_text_input",
        "action_id": name,
        "multiline": lines,
        "max_length": most,
        **({"initial_value": truncated(value, most)} if value else {}),
    }
    return input_block(name, label, element, optional, hint)


def choice_input(
    name: str,
    label: str,
    options: Sequence[Option],
    chosen: str = "",
    optional: bool = False,
    hint: str = "",
) -> View:
    made = [
        {"text": plain_text(truncated(text, OPTION_CHARACTERS)), "value": value}
        for value, text in options
    ]
    first: Optional[View] = next((one for one in made if one["value"] == chosen), None)
    element = {
        "type": "static_select",
        "action_id": name,
        "options": made,
        **({"initial_option": first} if first else {}),
    }
    return input_block(name, label, element, optional, hint)


def input_block(name: str, label: str, element: View, optional: bool, hint: str) -> View:
    return {
        "type": "input",
        "block_id": name,
        "label": plain_text(label),
        "element": element,
        **({"optional": True} if optional else {}),
        **({"hint": plain_text(hint)} if hint else {}),
    }
