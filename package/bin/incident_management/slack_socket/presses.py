"""Reads Slack's payloads of buttons, forms, commands and shortcuts as one request each. Pure.

Sources: "block_actions payload", "view_submission payload" and "Shortcuts payloads" of Slack's
reference on interaction payloads; "Implementing slash commands". A payload is written by Slack; of
a person's it contains the text that they typed, or the message that they chose.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ..incidents.identity import INCIDENT_ID
from ..notify.services.slack_buttons import (
    ACKNOWLEDGE,
    APPROVE,
    REJECT,
    RESOLVE,
    TAKE,
)
from ..notify.services.slack_limits import METADATA_CHARACTERS
from .commands import forms, parsing
from .commands.message import unescaped
from .commands.tasks import TASK_CHANGE, TASK_DONE

__all__ = ["ADD", "Press", "Unreadable", "metadata", "read"]

# The callback id of the message shortcut in the Slack app.
ADD = "incident_add_message"

_PLAN = re.compile(r"(PLAN-[0-9a-f]{10}) ([0-9a-f]{64})")
_TASK = re.compile(rf"({INCIDENT_ID.pattern}) ((?:TASK|STEP)-[0-9a-f]{{10}}) (\d+\.\d+) (mine|its)")
_OF_INCIDENT = (ACKNOWLEDGE, TAKE, RESOLVE)
_OF_PLAN = (APPROVE, REJECT)
_OF_TASK = (TASK_DONE, TASK_CHANGE)
_OF_COMMAND = (
    "user_id", "team_id", "trigger_id", "text", "command", "channel_id", "response_url",
)  # fmt: skip
# The API's field for the text after a command.
_FIELDS = {
    parsing.NOTE: "text",
    parsing.TASK: "title",
    parsing.ASSIGN: "owner",
    parsing.SEVERITY: "severity",
    parsing.REOPEN: "reason",
}
_BROUGHT = ("channel", "thread", "response_url", "task", "listed")


class Unreadable(ValueError):
    """A payload lacks something that Slack's reference promises; the text says what."""


@dataclass(frozen=True)
class Press:
    """A pressed button, a submitted form, a command or a shortcut.

    ``action`` is a button's (:mod:`..notify.services.slack_buttons`), a form's
    (:mod:`.commands.forms`), a command's (:mod:`.commands.parsing`) or ADD. ``target`` is an
    incident's or a plan's id; for a command it may be a part of one. ``body`` is the API request's.
    ``command`` is the slash command's name, if it is one. ``user`` and ``workspace`` are the Slack
    ids of the person; ``workspace`` is empty if it is already known to be the app's own. ``key`` is
    the same whenever Slack delivers the press again. ``channel`` and ``thread`` are its place; an
    empty ``thread`` means none. ``task`` is one of the incident's, ``listed`` the list of tasks
    that contains the button (:mod:`.commands.tasks`); empty: none. ``response_url`` accepts answers
    for half an hour, ``trigger_id`` opens one form within seconds; until then both are as sensitive
    as a password. ``blocks`` are those of the message, and empty for a message that only its reader
    sees; None if there is no message.
    """

    action: str
    target: str
    user: str
    workspace: str
    key: str
    typed: str = ""
    command: str = ""
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    channel: str = ""
    thread: str = ""
    task: str = ""
    listed: str = ""
    response_url: str = field(default="", repr=False)
    trigger_id: str = field(default="", repr=False)
    blocks: Optional[List[Any]] = field(default=None, repr=False)

    def at_home(self, workspace: str) -> Press:
        """Return the press with an empty workspace if it is the given one, the app's own."""
        return replace(self, workspace="") if self.workspace == workspace else self


def read(payload: Mapping[str, Any]) -> Optional[Press]:
    """Return what a payload asks for; None if it is none of ours, such as a link.

    Raises Unreadable.
    """
    kind = payload.get("type")
    if kind == "block_actions":
        return _button(payload)
    if kind == "view_submission":
        return _form(payload)
    if kind == "message_action":
        return _message(payload)
    return _command(payload) if payload.get("command") else None


def metadata(press: Press, **more: Any) -> str:
    """Return the data that the form opened by a press has to return."""
    brought = {"incident": press.target, "channel": press.channel, "thread": press.thread, **more}
    brought.update({"task": press.task, "listed": press.listed} if press.task else {})
    text = json.dumps({**brought, "response_url": press.response_url})
    return text if len(text) <= METADATA_CHARACTERS else json.dumps(brought)


def _button(payload: Mapping[str, Any]) -> Optional[Press]:
    actions = payload.get("actions")
    action = actions[0] if isinstance(actions, list) and actions else None
    if not isinstance(action, Mapping):
        raise Unreadable("The payload has no 'actions'.")
    name = str(action.get("action_id"))
    if name not in _OF_INCIDENT + _OF_PLAN + _OF_TASK:
        return None
    about = _about(name, str(action.get("value") or ""))
    user, workspace = _who(payload)
    message = _part(payload, "message")
    blocks = message.get("blocks")
    of = (about["target"], *filter(None, [about.get("task")]))
    container = _part(payload, "container")
    when = str(action.get("action_ts") or "")
    where = [str(container.get(part) or "") for part in ("channel_id", "message_ts")]
    if not when:
        raise Unreadable("The payload does not say when the button was pressed.")
    return Press(
        name,
        user=user,
        workspace=workspace,
        key=_key(workspace, user, name, *of, when, *where),
        **about,
        channel=where[0],
        thread=_thread(message, where[1]),
        response_url=str(payload.get("response_url") or ""),
        trigger_id=str(payload.get("trigger_id") or ""),
        blocks=blocks if isinstance(blocks, list) else [],
    )


def _form(payload: Mapping[str, Any]) -> Optional[Press]:
    view = _part(payload, "view")
    form = str(view.get("callback_id"))
    if form not in forms.FORMS:
        return None
    try:
        brought = json.loads(str(view.get("private_metadata") or ""))
        filled = forms.filled(form, view, brought)
        where: Dict[str, Any] = {name: str(brought.get(name) or "") for name in _BROUGHT}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Unreadable("The form did not bring back what it was opened with.") from None
    user, workspace = _who(payload)
    opened = str(view.get("id") or "")
    if not opened:
        raise Unreadable("The form has no 'id'.")
    key = _key(workspace, user, form, filled.target, opened)
    return Press(
        form, filled.target, user, workspace, key, typed=filled.typed, body=filled.body, **where
    )


def _message(payload: Mapping[str, Any]) -> Optional[Press]:
    if payload.get("callback_id") != ADD:
        return None
    user, workspace = _who(payload)
    message, channel = _part(payload, "message"), _part(payload, "channel")
    trigger = str(payload.get("trigger_id") or "")
    if not trigger:
        raise Unreadable("The shortcut has no 'trigger_id'.")
    return Press(
        ADD,
        "",
        user,
        workspace,
        _key(workspace, user, ADD, trigger),
        channel=str(channel.get("id") or ""),
        thread=str(message.get("thread_ts") or ""),
        response_url=str(payload.get("response_url") or ""),
        trigger_id=trigger,
        body={"message": message, "channel": channel},
    )


def _command(payload: Mapping[str, Any]) -> Press:
    given = {name: str(payload.get(name) or "") for name in _OF_COMMAND}
    if not (given["user_id"] and given["team_id"] and given["trigger_id"]):
        raise Unreadable("The command does not say whose it is, or lacks its 'trigger_id'.")
    said = parsing.read(unescaped(given["text"]))
    body = {_FIELDS[said.action]: said.rest} if said.action in _FIELDS else {}
    if said.action == parsing.ASSIGN:
        # Slack offers names with an "@".
        body = {"owner": said.rest.lstrip("@")}
    if said.action == parsing.SEVERITY:
        body = {"severity": said.rest.lower()}
    who = (given["user_id"], given["team_id"])
    return Press(
        said.action,
        said.target,
        *who,
        _key(given["team_id"], given["user_id"], given["command"], given["trigger_id"]),
        typed=said.rest,
        command=given["command"],
        body=body,
        channel=given["channel_id"],
        response_url=given["response_url"],
        trigger_id=given["trigger_id"],
    )


def _thread(message: Mapping[str, Any], ts: str) -> str:
    """Return the thread that a message is in; the first message of a thread is in none."""
    thread = str(message.get("thread_ts") or "")
    return "" if thread == ts else thread


def _about(name: str, value: str) -> Dict[str, Any]:
    """Return the fields of Press that are in a button's value. Raises Unreadable."""
    if name in _OF_INCIDENT:
        if not INCIDENT_ID.fullmatch(value):
            raise Unreadable("The button names no incident.")
        return {"target": value}
    found = (_TASK if name in _OF_TASK else _PLAN).fullmatch(value)
    if not found:
        raise Unreadable(f"The button names no {'task' if name in _OF_TASK else 'plan'}.")
    if name in _OF_TASK:
        target, task, seen_at, listed = found.groups()
        body = {"state": "done", "seen_at": float(seen_at)} if name == TASK_DONE else {}
        return {"target": target, "task": task, "listed": listed, "body": body}
    body = {"plan_hash": found.group(2)} if name == APPROVE else {}
    return {"target": found.group(1), "body": body}


def _who(payload: Mapping[str, Any]) -> Tuple[str, str]:
    user = _part(payload, "user")
    # A shortcut's user may lack the workspace: shortcuts start only in the app's own.
    home = _part(payload, "team").get("id") if payload.get("type") == "message_action" else ""
    name, workspace = str(user.get("id") or ""), str(user.get("team_id") or home or "")
    if not name or not workspace:
        raise Unreadable("The payload does not say who pressed the button, or of which workspace.")
    return name, workspace


def _part(payload: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = payload.get(name)
    return part if isinstance(part, Mapping) else {}


def _key(*parts: str) -> str:
    """Return a press's key: short, as an Idempotency-Key has to be, and without names."""
    return "slack:" + hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()
