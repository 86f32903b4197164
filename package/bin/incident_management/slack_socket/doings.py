"""What each press asks of the API, and what is said when it was done. Pure."""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple, Tuple

from ..notify.services.slack_buttons import ACKNOWLEDGE, APPROVE, REJECT, TAKE
from .commands.forms import ADD_FORM, OPEN_FORM, RESOLVE_FORM, TASK_FORM, UPDATE_FORM
from .commands.tasks import TASK_DONE
from .commands.typed import ASSIGN, NOTE, REOPEN, SEVERITY, TASK
from .presses import Press

__all__ = ["asked", "line"]


class _Doing(NamedTuple):
    """``path`` may name the press's target and task; ``line`` who did it, and the new owner and
    severity."""

    path: str
    line: str
    method: str = "POST"


_DOINGS = {
    ACKNOWLEDGE: _Doing("/incidents/{target}/acknowledge", "Acknowledged by {user}"),
    TAKE: _Doing("/incidents/{target}/assign", "Taken by {user}"),
    ASSIGN: _Doing("/incidents/{target}/assign", "Assigned to {owner} by {user}"),
    SEVERITY: _Doing("/incidents/{target}", "Severity set to {severity} by {user}", "PATCH"),
    REOPEN: _Doing("/incidents/{target}/reopen", "Reopened by {user}"),
    RESOLVE_FORM: _Doing("/incidents/{target}/resolve", "Resolved by {user}"),
    OPEN_FORM: _Doing("/incidents", "Opened by {user}"),
    UPDATE_FORM: _Doing("/incidents/{target}/updates", "Update for stakeholders written by {user}"),
    NOTE: _Doing("/incidents/{target}/notes", "Note written by {user}"),
    ADD_FORM: _Doing("/incidents/{target}/notes", "Message noted by {user}"),
    TASK: _Doing("/incidents/{target}/tasks", "Task added by {user}"),
    TASK_DONE: _Doing("/incidents/{target}/tasks/{task}", "Task done by {user}"),
    TASK_FORM: _Doing("/incidents/{target}/tasks/{task}", "Task changed by {user}"),
    APPROVE: _Doing("/plans/{target}/approve", "Approved by {user}"),
    REJECT: _Doing("/plans/{target}/reject", "Rejected by {user}"),
}


def asked(press: Press) -> Tuple[str, str]:
    """Return the method and the path of the request that a press is."""
    doing = _DOINGS[press.action]
    return doing.method, doing.path.format(target=press.target, task=press.task)


def line(press: Press, user: str, body: Mapping[str, Any]) -> str:
    """Say what was done, by the API's answer."""
    said = _DOINGS[press.action].line.format(
        user=user, owner=body.get("owner") or "nobody", severity=body.get("severity")
    )
    if press.action == TASK_FORM and not body.get("merged_into") and _stayed(press, body):
        return "Nothing was changed"
    if press.action == APPROVE and body.get("status") == "proposed":
        said += ", and somebody else has to approve it as well"
    if press.action in (ACKNOWLEDGE, TAKE) and press.typed:
        said += ". What you wrote after the id was not noted: that is what note is for"
    if press.action in (NOTE, ADD_FORM) and body.get("merged_into"):
        said += f", of an incident that was merged into {body['merged_into']}"
    return said


def _stayed(press: Press, body: Mapping[str, Any]) -> bool:
    """Tell whether a form of a task was sent as it was opened, by the incident's tasks."""
    seen = press.body["seen_at"]
    return all(one["at"] == seen for one in body["tasks"] if one["id"] == press.task)
