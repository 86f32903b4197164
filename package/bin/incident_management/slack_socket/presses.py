"""What Slack says was pressed, as one thing to do. Pure.

Sources: "block_actions payload" and "view_submission payload" of Slack's reference on interaction
payloads. A payload is Slack's; what it holds of a person's is the text of the form alone.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field, replace
from typing import Any, List, Mapping, Optional, Tuple

from ..incidents.identity import INCIDENT_ID
from ..notify.services.slack_buttons import (
    ACKNOWLEDGE,
    APPROVE,
    FORM,
    REJECT,
    RESOLUTION,
    RESOLVE,
    TAKE,
)

__all__ = ["Press", "Unreadable", "metadata", "read"]

_PLAN = re.compile(r"(PLAN-[0-9a-f]{10}) ([0-9a-f]{64})")
_OF_INCIDENT = (ACKNOWLEDGE, TAKE, RESOLVE)
_OF_PLAN = (APPROVE, REJECT)
# What "Modal views" allows for private_metadata.
METADATA_CHARACTERS = 3000


class Unreadable(ValueError):
    """A payload lacks what Slack's reference promises; the text says what."""


@dataclass(frozen=True)
class Press:
    """A button that was pressed, or a form that was sent.

    ``action`` is a button's, see :mod:`..notify.services.slack_buttons`; ``target`` an incident's
    or a plan's id, ``plan_hash`` what was shown of the plan. ``user`` and ``workspace`` are Slack's
    ids of who did it, and ``workspace`` is empty for the app's own where that was found out before.
    ``key`` is the same whenever Slack delivers it again. ``channel`` is where, ``thread`` within
    which thread; empty: in none. ``response_url`` takes answers for half an hour, ``trigger_id``
    opens one form within seconds; until then both are as good as a password. ``blocks`` are those
    of the message, None for a form, whose message is not told.
    """

    action: str
    target: str
    user: str
    workspace: str
    key: str
    plan_hash: str = ""
    typed: str = ""
    channel: str = ""
    thread: str = ""
    response_url: str = field(default="", repr=False)
    trigger_id: str = field(default="", repr=False)
    blocks: Optional[List[Any]] = field(default=None, repr=False)

    def at_home(self, workspace: str) -> Press:
        """Return it with an empty workspace where it is that one, the app's own."""
        return replace(self, workspace="") if self.workspace == workspace else self


def read(payload: Mapping[str, Any]) -> Optional[Press]:
    """Return what a payload asks for; None where it is nothing of ours, such as a link.

    Raises Unreadable.
    """
    kind = payload.get("type")
    if kind == "block_actions":
        return _button(payload)
    if kind == "view_submission":
        return _form(payload)
    return None


def metadata(press: Press) -> str:
    """Return what the form that a press opens has to bring back."""
    brought = {"incident": press.target, "channel": press.channel, "thread": press.thread}
    text = json.dumps({**brought, "response_url": press.response_url})
    return text if len(text) <= METADATA_CHARACTERS else json.dumps(brought)


def _button(payload: Mapping[str, Any]) -> Optional[Press]:
    actions = payload.get("actions")
    action = actions[0] if isinstance(actions, list) and actions else None
    if not isinstance(action, Mapping):
        raise Unreadable("The payload has no 'actions'.")
    name = str(action.get("action_id"))
    if name not in _OF_INCIDENT + _OF_PLAN:
        return None
    target, plan_hash = _target(name, str(action.get("value") or ""))
    user, workspace = _who(payload)
    message = _part(payload, "message")
    blocks = message.get("blocks")
    container = _part(payload, "container")
    when = str(action.get("action_ts") or "")
    where = [str(container.get(part) or "") for part in ("channel_id", "message_ts")]
    if not when:
        raise Unreadable("The payload does not say when the button was pressed.")
    return Press(
        name,
        target,
        user,
        workspace,
        _key(workspace, user, name, target, when, *where),
        plan_hash=plan_hash,
        channel=where[0],
        thread=_thread(message, where[1]),
        response_url=str(payload.get("response_url") or ""),
        trigger_id=str(payload.get("trigger_id") or ""),
        blocks=blocks if isinstance(blocks, list) else [],
    )


def _form(payload: Mapping[str, Any]) -> Optional[Press]:
    view = _part(payload, "view")
    if view.get("callback_id") != FORM:
        return None
    try:
        brought = json.loads(str(view.get("private_metadata") or ""))
        typed = view["state"]["values"][RESOLUTION][RESOLUTION]["value"] or ""
        target, _ = _target(RESOLVE, str(brought["incident"]))
    except (ValueError, KeyError, TypeError):
        raise Unreadable("The form did not bring back what it was opened with.") from None
    user, workspace = _who(payload)
    opened = str(view.get("id") or "")
    if not opened:
        raise Unreadable("The form has no 'id'.")
    return Press(
        FORM,
        target,
        user,
        workspace,
        _key(workspace, user, FORM, target, opened),
        typed=str(typed).strip(),
        channel=str(brought.get("channel") or ""),
        thread=str(brought.get("thread") or ""),
        response_url=str(brought.get("response_url") or ""),
    )


def _thread(message: Mapping[str, Any], ts: str) -> str:
    """Return the thread that a message is in; the one that begins a thread is in the channel."""
    thread = str(message.get("thread_ts") or "")
    return "" if thread == ts else thread


def _target(name: str, value: str) -> Tuple[str, str]:
    if name in _OF_INCIDENT:
        if not INCIDENT_ID.fullmatch(value):
            raise Unreadable("The button names no incident.")
        return value, ""
    found = _PLAN.fullmatch(value)
    if not found:
        raise Unreadable("The button names no plan.")
    return found.group(1), found.group(2)


def _who(payload: Mapping[str, Any]) -> Tuple[str, str]:
    user = _part(payload, "user")
    name, workspace = str(user.get("id") or ""), str(user.get("team_id") or "")
    if not name or not workspace:
        raise Unreadable("The payload does not say who pressed the button, or of which workspace.")
    return name, workspace


def _part(payload: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = payload.get(name)
    return part if isinstance(part, Mapping) else {}


def _key(*parts: str) -> str:
    """Name a press; as an Idempotency-Key it has to be short, and it names nobody."""
    return "slack:" + hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()
