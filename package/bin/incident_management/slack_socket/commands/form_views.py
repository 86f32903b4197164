"""Chooses the form that a press opens, and fills it. Slack needs it open within three seconds.

A form opens only for people who may submit it; otherwise they would lose what they typed.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping

from ...incidents.model import ENDED
from ...notify.message import one_line
from ...notify.services.slack_buttons import RESOLVE
from ...notify.services.slack_limits import INPUT_CHARACTERS, OPTION_CHARACTERS, OPTIONS
from ..people import Api, Declined
from ..presses import ADD, Press, metadata
from . import lookup
from .field_inputs import inputs_for
from .forms import (
    View,
    add_form,
    open_form,
    resolve_form,
    task_form,
    update_form,
)
from .message import source, text_of
from .parsing import OPEN, UPDATE
from .tasks import TASK_CHANGE

__all__ = ["OPENS", "view_for"]

TITLE_CHARACTERS = 100
# The actions that open a form, and their names for people who lack the capability.
OPENS = {
    RESOLVE: "Resolving",
    OPEN: "Opening an incident",
    UPDATE: "Writing an update",
    ADD: "Adding to an incident",
    TASK_CHANGE: "Changing a task",
}


def view_for(press: Press, user: str, api: Api, link: Callable[[str, str], str]) -> View:
    """Return the form that a press opens. Raises Declined, SplunkError.

    ``link`` returns the address of a channel's message, by its ts; empty if there is none.
    """
    api.must(user, "incident_write", OPENS[press.action])
    if press.action == RESOLVE:
        title = _must_be_open(press, user, api)["title"] if press.command else ""
        return resolve_form(press.target, _shown(title), press.typed, metadata(press))
    if press.action == OPEN:
        fields = inputs_for(api.routing().fields)
        return open_form(" ".join(press.typed.split()), metadata(press), fields)
    if press.action == UPDATE:
        return _update(press, user, api)
    if press.action == TASK_CHANGE:
        return _task(press, user, api)
    return _add(press, user, api, link)


def _must_be_open(press: Press, user: str, api: Api) -> Mapping[str, Any]:
    """Return the incident. Raises Declined if it has ended, as a typed id may be wrong."""
    incident = _unmerged(press, user, api)
    if incident["status"] in ENDED:
        raise Declined(f"{press.target} is already {incident['status']}.")
    return incident


def _unmerged(press: Press, user: str, api: Api) -> Mapping[str, Any]:
    """Return the incident. Raises Declined if it was merged, so that it accepts no changes."""
    incident = api.read(f"/incidents/{press.target}", press, user)
    if incident.get("merged_into"):
        raise Declined(
            f"{press.target} was merged into {incident['merged_into']}. Use that incident instead."
        )
    return incident


def _update(press: Press, user: str, api: Api) -> View:
    title = _shown(_unmerged(press, user, api)["title"])
    known = api.read(f"/incidents/{press.target}/updates", press, user)
    draft = known["draft"]
    hears = [str(one["name"]) for one in known["stakeholders"]]
    text = press.typed or draft["text"]
    return update_form(press.target, title, text, draft["state"], hears, metadata(press))


def _task(press: Press, user: str, api: Api) -> View:
    title = _shown(_unmerged(press, user, api)["title"])
    tasks = api.read(f"/incidents/{press.target}/tasks", press, user)["tasks"]
    task = next((one for one in tasks if one["id"] == press.task), None)
    if task is None:
        raise Declined(f"{press.target} no longer has this task.")
    brought = metadata(press, seen_at=float(task.get("at") or 0.0), state=task["state"])
    people = sorted(api.routing().members)
    # If a menu has no room for all people, "anybody" and the owner, the name is typed.
    longest = max(map(len, (*people, task["owner"])))
    has_room = len(people) <= OPTIONS - 2 and longest <= OPTION_CHARACTERS
    listed = people if has_room else []
    return task_form(f"{press.target} {title}", task, listed, brought)


def _add(press: Press, user: str, api: Api, link: Callable[[str, str], str]) -> View:
    message = press.body["message"]
    channel, ts = press.channel, str(message.get("ts") or "")
    place = lookup.by_place(api.stores(), api.clock, channel, press.thread or ts)
    asked: Dict[str, Any] = {"status": "open", "sort": "-severity", "fields": "title"}
    listed = api.read("/incidents", press, user, limit=OPTIONS, **asked)["incidents"]
    # The place's own incident comes first, even if it has ended: later findings belong to it.
    known = [*([place] if place else []), *listed]
    options: Dict[str, str] = {one["id"]: _shown(one["title"]) for one in known}
    if not options:
        raise Declined("There is no open incident to add this message to.")
    line = source(message, press.body["channel"], link(channel, ts), api.member)
    text = text_of(message, INPUT_CHARACTERS)
    chosen = place["id"] if place else ""
    return add_form(text, line, list(options.items()), chosen, metadata(press, source=line))


def _shown(title: Any) -> str:
    return one_line(title, TITLE_CHARACTERS)
