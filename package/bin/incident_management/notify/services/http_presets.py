"""Presets for channels that are an HTTP call: settings of [channel:…] for known services.

Each follows its service's documentation; ``tests/contract/services/http_desks.py`` checks them.
"""

from __future__ import annotations

import json
from typing import Any, Dict, Mapping

__all__ = ["PRESETS"]

# Less than 4,000 characters, the limit of an event of ServiceNow.
_DETAILS = "\n".join(
    (
        "{headline:150}",
        "{text:1500}",
        "Where: {entity:300}",
        "Since: {since}",
        "Likely cause: {cause:500}",
        "{quote:500}",
        "Found by: {rule:300}",
        "{link:300}",
    )
)
# Even with the longest values less than 2,000 characters, the limit of Discord.
_CHAT = "\n".join(
    (
        "{severity} · {headline:150}: {title:200}",
        "{text:500}",
        "Where: {entity:150}",
        "Since: {since}",
        "Next update by: {next_update}",
        "Likely cause: {cause:250}",
        "{quote:200}",
        "Team: {team}",
        "Owner: {owner}",
        "{incident} {link:200}",
    )
)


def _settings(**settings: Any) -> Dict[str, str]:
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in settings.items()
    }


def _on_call(kind: str) -> Dict[str, Any]:
    return {
        "message_type": kind,
        "entity_id": "{dedup}",
        "entity_display_name": "{title}",
        "state_message": _DETAILS,
        "state_start_time": "{since_epoch}",
        "monitoring_tool": "Splunk",
        "incident": "{incident}",
        "team": "{team}",
    }


def _opsgenie(step: str) -> Dict[str, Any]:
    return {
        "url": f"https://api.opsgenie.com/v2/alerts/{{dedup}}/{step}?identifierType=alias",
        "body": {"source": "Splunk", "note": "{headline}\n{text}\n{link}"},
    }


def _event(severity: str, state: str) -> Dict[str, Any]:
    return {
        "records": [
            {
                "source": "Splunk",
                "event_class": "Incident Management",
                "node": "{entity:100}",
                "type": "{rule:100}",
                "resource": "{incident}",
                "severity": severity,
                "resolution_state": state,
                "message_key": "{dedup}",
                "description": "{title}\n" + _DETAILS,
            }
        ]
    }


PRESETS: Mapping[str, Dict[str, str]] = {
    # https://help.splunk.com/splunk-observability-cloud/splunk-on-call/integrations-with-splunk-on-call/rest-endpoint-integration-for-splunk-on-call
    "on_call": _settings(
        url="{secret}",
        body=_on_call("{severity}"),
        calls={
            "acknowledged": {"body": _on_call("ACKNOWLEDGEMENT")},
            "resolved": {"body": _on_call("RECOVERY")},
        },
        words={
            "severity": {
                "critical": "CRITICAL",
                "high": "CRITICAL",
                "medium": "WARNING",
                "*": "INFO",
            }
        },
        read_by="software",
    ),
    # https://docs.opsgenie.com/docs/alert-api
    "opsgenie": _settings(
        url="https://api.opsgenie.com/v2/alerts",
        headers={"Authorization": "GenieKey {secret}"},
        body={
            "message": "{title:130}",
            "alias": "{dedup}",
            "description": _DETAILS,
            "entity": "{entity:500}",
            "source": "Splunk",
            "priority": "{severity}",
            "details": {"incident": "{incident}", "team": "{team}", "link": "{link}"},
        },
        calls={
            "changed": _opsgenie("notes"),
            "acknowledged": _opsgenie("acknowledge"),
            "resolved": _opsgenie("close"),
        },
        words={
            "severity": {"critical": "P1", "high": "P2", "medium": "P3", "low": "P4", "*": "P5"}
        },
        read_by="software",
    ),
    # https://www.servicenow.com/docs (Event Management, "Pushing events to the instance using web
    # service API", "Event field format for event collection")
    "servicenow_events": _settings(
        headers={"Authorization": "Basic {secret}"},
        body=_event("{severity}", "New"),
        calls={"resolved": {"body": _event("0", "Closing")}},
        words={"severity": {"critical": "1", "high": "2", "medium": "3", "low": "4", "*": "5"}},
        read_by="software",
    ),
    # https://developers.google.com/workspace/chat/quickstart/webhooks
    "google_chat": _settings(
        url="{secret}&messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD",
        body={"text": _CHAT, "thread": {"threadKey": "{dedup}"}},
    ),
    # https://apphub.webex.com/applications/incoming-webhooks-cisco-systems-38054-23307-75252
    "webex": _settings(url="{secret}", body={"text": _CHAT}),
    # https://developers.mattermost.com/integrate/webhooks/incoming/
    "mattermost": _settings(url="{secret}", body={"text": _CHAT}),
    # https://docs.discord.com/developers/resources/webhook#execute-webhook
    "discord": _settings(
        url="{secret}", body={"content": _CHAT, "allowed_mentions": {"parse": []}}
    ),
}
