"""The notify_* alert actions and create_ticket: request one notification for a fired alert."""

from __future__ import annotations

from typing import Dict

from ..incidents.canonical import digest
from ..incidents.severities import DEFAULT_SEVERITY, configured_severity
from ..splunk.scripts.alert_action import Payload, deliver, report
from .request_fields import CHARACTERS, is_target, truncated

__all__ = ["ask", "ask_for_ticket"]

TICKET_SYSTEMS = ("servicenow", "jira")

# As in default/alert_actions.conf.
_SEVERITIES = {"pagerduty": "high"}


def ask_for_ticket(payload: Payload) -> str:
    """Request a ticket in the system that the parameter ``system`` names; see :func:`ask`."""
    system = payload.configuration.get("system", "").strip().lower()
    if system not in TICKET_SYSTEMS:
        report(
            "WARN",
            f"Alert '{payload.search_name}': create_ticket param.system is '{system[:40]}', "
            f"neither of {' and '.join(TICKET_SYSTEMS)}; {TICKET_SYSTEMS[0]} is used.",
        )
        system = TICKET_SYSTEMS[0]
    return ask(payload, system, "create_ticket")


def ask(payload: Payload, channel: str, action: str = "") -> str:
    """Request a notification of a fired alert from the API; return a line for splunkd.log.

    Parameters: ``message``, ``severity``, for Slack also ``channel``. The search id, and the number
    of the result if the search triggers for each result, make the request safe to repeat.

    A value that the API would reject, such as a wrongly filled token, is replaced by a default with
    a warning, and long texts are cut, so that the message is still sent. ``action``: the name of
    the alert action, by default ``notify_`` and the channel.

    Raises ActionFailed: the API rejected the request.
    """
    action = action or f"notify_{channel}"
    (answer,) = deliver(payload, "/notifications", [_request(payload, channel, action)])
    if answer is None:
        return f"{action}: kept for the worker"
    state = "on the outbox" if answer["new"] else "on the outbox already"
    return f"{action}: notification {answer['id']} is {state}"


def _request(payload: Payload, channel: str, action: str) -> Dict[str, str]:
    given, setting = payload.configuration, f"Alert '{payload.search_name}': {action} param"
    default = _SEVERITIES.get(channel, DEFAULT_SEVERITY)
    severity, problem = configured_severity(given.get("severity"), default, f"{setting}.severity")
    if problem:
        report("WARN", problem)
    message = given.get("message", "").strip()
    if not message:
        report("WARN", f"{setting}.message is empty; only the alert's name is sent.")
    target = given.get("channel", "").strip() if channel == "slack" else ""
    if target and not is_target(target):
        report(
            "WARN", f"{setting}.channel is '{target[:40]}', no Slack channel; the app's is used."
        )
        target = ""
    request = {
        "channel": channel,
        "id": _id(payload, channel),
        "title": payload.search_name,
        "message": message or payload.search_name,
        "rule": payload.search_name,
        "severity": severity,
        "target": target,
    }
    return {name: truncated(value, CHARACTERS[name]) for name, value in request.items()}


def _id(payload: Payload, channel: str) -> str:
    parts = [part for part in (payload.sid, channel, payload.result) if part]
    text = ":".join(parts)
    return text if len(text) <= CHARACTERS["id"] else digest(parts)
