"""What the three notify_* alert actions do: one request a fired alert, sent once."""

from __future__ import annotations

from typing import Dict

from ..splunk.alert_action import ActionFailed, Payload, deliver

__all__ = ["ask"]


def ask(payload: Payload, channel: str) -> str:
    """Ask the API for a notification of a fired alert; returns a line for splunkd.log.

    Parameters: ``message``, ``severity``, for Slack also ``channel``. The search id, and the number
    of the result where the search triggers for each, make the request safe to repeat.

    Raises ActionFailed: there is no message, or the API refused it.
    """
    message = payload.configuration.get("message", "").strip()
    if not message:
        raise ActionFailed(f"param.message of notify_{channel} is empty: say what to tell.")
    body: Dict[str, str] = {
        "channel": channel,
        "id": _id(payload, channel),
        "title": payload.search_name,
        "message": message,
        "rule": payload.search_name,
        "severity": payload.configuration.get("severity", "").strip(),
        "target": payload.configuration.get("channel", "").strip() if channel == "slack" else "",
    }
    (answer,) = deliver(payload, "/notifications", [body])
    if answer is None:
        return f"notify_{channel}: kept for the worker"
    state = "on the outbox" if answer["new"] else "on the outbox already"
    return f"notify_{channel}: notification {answer['id']} is {state}"


def _id(payload: Payload, channel: str) -> str:
    return ":".join(part for part in (payload.sid, channel, payload.result) if part)
