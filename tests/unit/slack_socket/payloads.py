"""Slack's payloads for a pressed button or a submitted form."""

from __future__ import annotations

import json
from typing import Any, Dict

from incident_management.notify.message import Message
from incident_management.notify.services.slack_buttons import buttons
from tests.fakes.views import submitted

HOME, ELSEWHERE = "T0HOME", "T0ELSE"
INCIDENT = "INC-20260101-AAAAAA"
PLAN, PLAN_HASH = "PLAN-0123456789", "0123456789" + "a" * 54


def blocks_of(event: str = "opened", **more: Any) -> Any:
    message = Message(event, "Incident opened", "Errors", INCIDENT, status="new", **more)
    return [{"type": "divider", "block_id": "x"}, *buttons(message, answers=True)]


def pressed(
    action_id: str,
    user: str = "U0MIA",
    workspace: str = HOME,
    when: str = "1.1",
    **more: Any,
) -> Dict[str, Any]:
    plan = {"plan_id": PLAN, "plan_hash": PLAN_HASH} if action_id.startswith("plan") else {}
    laid = blocks_of("plan" if plan else "opened", url="https://splunk.example/x", **plan)
    (element,) = [
        e for block in laid for e in block.get("elements", []) if e["action_id"] == action_id
    ]
    return {
        "type": "block_actions",
        "user": {"id": user, "team_id": workspace},
        "team": {"id": HOME},
        "container": {"message_ts": "1.0", "channel_id": "C1"},
        "trigger_id": "trigger-1",
        "message": {"blocks": laid},
        "response_url": "https://hooks.slack.example/actions/secret",
        "actions": [{**element, "action_ts": when}],
        **more,
    }


def sent(
    typed: Any = "Rolled back", user: str = "U0MIA", view: str = "V1", channel: str = "C1"
) -> Dict[str, Any]:
    brought = {
        "incident": INCIDENT,
        "channel": channel,
        "thread": "",
        "response_url": "https://hooks.slack.example/actions/secret",
    }
    return {
        "type": "view_submission",
        "user": {"id": user, "team_id": HOME},
        "view": {
            "id": view,
            "callback_id": "incident_resolve_form",
            "private_metadata": json.dumps(brought),
            "state": {"values": {"resolution": {"resolution": {"value": typed}}}},
        },
    }


def typed(text: str, user: str = "U0MIA", workspace: str = HOME, trigger: str = "t1") -> Any:
    """A slash command ("Implementing slash commands")."""
    return {
        "token": "legacy-verification-token",
        "team_id": workspace,
        "team_domain": "shop",
        "channel_id": "C1",
        "channel_name": "incidents",
        "user_id": user,
        "user_name": user.lower(),
        "command": "/incident",
        "text": text,
        "api_app_id": "A0TEST",
        "is_enterprise_install": "false",
        "response_url": "https://hooks.slack.example/commands/secret",
        "trigger_id": trigger,
    }


def chosen(message: Dict[str, Any], user: str = "U0MIA", **more: Any) -> Dict[str, Any]:
    """The message shortcut, used on a message ("Shortcuts payloads")."""
    return {
        "type": "message_action",
        "callback_id": "incident_add_message",
        "trigger_id": "t1",
        "action_ts": "1.1",
        "response_url": "https://hooks.slack.example/app/secret",
        "user": {"id": user, "name": user.lower(), "team_id": HOME},
        "channel": {"id": "C1", "name": "shop"},
        "team": {"id": HOME, "domain": "shop"},
        "message_ts": message.get("ts"),
        "message": {"type": "message", **message},
        **more,
    }


def submit(view: Dict[str, Any], user: str = "U0MIA", opened: str = "V1", **values: str) -> Any:
    """Return the payload of a form as it was opened, filled in and submitted."""
    return {
        "type": "view_submission",
        "user": {"id": user, "team_id": HOME},
        "view": {**view, "id": opened, "state": submitted(view, **values)},
    }
