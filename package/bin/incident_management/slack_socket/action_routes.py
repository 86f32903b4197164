"""The API request of each press, and the sentence about its outcome. Pure."""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple, Tuple

from ..notify.services.slack_buttons import ACKNOWLEDGE, APPROVE, REJECT, TAKE
from .commands.forms import ADD_FORM, OPEN_FORM, RESOLVE_FORM, TASK_FORM, UPDATE_FORM
from .commands.parsing import ASSIGN, NOTE, REOPEN, SEVERITY, TASK
from .commands.tasks import TASK_DONE
from .presses import Press

__all__ = ["outcome_line", "request_of"]


class _Action(NamedTuple):
    """A route: ``path`` may contain the press's target and task.

    ``line`` is the outcome's sentence, with the user, and the new owner or severity.
    """

    path: str
    line: str
    method: str = "POST"


_ACTIONS = {
    ACKNOWLEDGE: _Action("/incidents/{target}/acknowledge", "Acknowledged by {user}"),
    TAKE: _Action("/incidents/{target}/assign", "Taken by {user}"),
    ASSIGN: _Action("/incidents/{target}/assign", "Assigned to {owner} by {user}"),
    SEVERITY: _Action("/incidents/{target}", "Severity set to {severity} by {user}", "PATCH"),
    REOPEN: _Action("/incidents/{target}/reopen", "Reopened by {user}"),
    RESOLVE_FORM: _Action("/incidents/{target}/resolve", "Resolved by {user}"),
    OPEN_FORM: _Action("/incidents", "Opened by {user}"),
    UPDATE_FORM: _Action("/incidents/{target}/updates", "Stakeholder update sent by {user}"),
    NOTE: _Action("/incidents/{target}/notes", "Note written by {user}"),
    ADD_FORM: _Action("/incidents/{target}/notes", "Message noted by {user}"),
    TASK: _Action("/incidents/{target}/tasks", "Task added by {user}"),
    TASK_DONE: _Action("/incidents/{target}/tasks/{task}", "Task done by {user}"),
    TASK_FORM: _Action("/incidents/{target}/tasks/{task}", "Task changed by {user}"),
    APPROVE: _Action("/plans/{target}/approve", "Approved by {user}"),
    REJECT: _Action("/plans/{target}/reject", "Rejected by {user}"),
}


def request_of(press: Press) -> Tuple[str, str]:
    """Return the method and the path of a press's API request."""
    action = _ACTIONS[press.action]
    return action.method, action.path.format(target=press.target, task=press.task)


def outcome_line(press: Press, user: str, body: Mapping[str, Any]) -> str:
    """Return the sentence that says what was done; ``body`` is the API's answer."""
    said = _ACTIONS[press.action].line.format(
        user=user, owner=body.get("owner") or "nobody", severity=body.get("severity")
    )
    if press.action == TASK_FORM and not body.get("merged_into") and _stayed(press, body):
        return "Nothing was changed"
    if press.action == APPROVE and body.get("status") == "proposed":
        said += ", and a second person must approve it"
    if press.action in (ACKNOWLEDGE, TAKE) and press.typed:
        said += ". The text after the id was not saved: use note for that"
    if press.action in (NOTE, ADD_FORM) and body.get("merged_into"):
        said += f", on an incident that was merged into {body['merged_into']}"
    return said


def _stayed(press: Press, body: Mapping[str, Any]) -> bool:
    """Return whether a task form was submitted unchanged, judged by the incident's tasks."""
    seen = press.body["seen_at"]
    return all(one["at"] == seen for one in body["tasks"] if one["id"] == press.task)
