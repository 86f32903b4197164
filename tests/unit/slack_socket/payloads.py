"""What Slack sends when somebody presses a button or sends the form."""

from __future__ import annotations

import json
from typing import Any, Dict

from incident_management.notify.message import Message
from incident_management.notify.services.slack_buttons import buttons

HOME, ELSEWHERE = "T0HOME", "T0ELSE"
INCIDENT = "INC-20260101-AAAAAA"
PLAN, PLAN_HASH = "PLAN-0123456789", "0123456789" + "a" * 54


def blocks_of(event: str = "opened", **more: Any) -> Any:
    message = Message(event, "Incident opened", "Errors", INCIDENT, status="new", **more)
    return [{"type": "header", "block_id": "x"}, *buttons(message, answers=True)]


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
