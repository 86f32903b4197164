"""PagerDuty's Events API v2.

Source: the published OpenAPI description (PagerDuty/api-schema, reference/events-v2) for the shape,
and https://developer.pagerduty.com/docs/events-api-v2/trigger-events/ for the limits: ``summary``
1,024 characters, ``dedup_key`` 255, an event 512 KB.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]

from tools.demo.receivers.exchange import Answer, Incoming, described

MAX_BYTES = 512 * 1024
_URL = {"type": "string", "pattern": "^https?://"}
_HTTPS = {"type": "string", "pattern": "^https://"}
_STRING = {"type": "string"}
_PAYLOAD = {
    "type": "object",
    "additionalProperties": False,
    "required": ["summary", "severity", "source"],
    "properties": {
        "summary": {"type": "string", "minLength": 1, "maxLength": 1024},
        "timestamp": {"type": "string", "format": "date-time"},
        "severity": {"enum": ["critical", "error", "warning", "info"]},
        "source": {"type": "string", "minLength": 1},
        "component": _STRING,
        "group": _STRING,
        "class": _STRING,
        "custom_details": {"type": "object"},
    },
}
_LINK = {
    "type": "object",
    "additionalProperties": False,
    "required": ["href"],
    "properties": {"href": _URL, "text": _STRING},
}
_IMAGE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["src"],
    "properties": {"src": _HTTPS, "href": _URL, "alt": _STRING},
}
EVENT = {
    "type": "object",
    "additionalProperties": False,
    "required": ["routing_key", "event_action"],
    "properties": {
        "routing_key": {"type": "string", "minLength": 32, "maxLength": 32},
        "event_action": {"enum": ["trigger", "acknowledge", "resolve"]},
        "dedup_key": {"type": "string", "minLength": 1, "maxLength": 255},
        "payload": _PAYLOAD,
        "client": _STRING,
        "client_url": _URL,
        "links": {"type": "array", "items": _LINK},
        "images": {"type": "array", "items": _IMAGE},
    },
    "if": {"properties": {"event_action": {"const": "trigger"}}},
    "then": {"required": ["payload"]},
    "else": {"required": ["dedup_key"]},
}
_VALIDATOR = Draft202012Validator(EVENT, format_checker=FormatChecker())
_STATES = {"trigger": "triggered", "acknowledge": "acknowledged", "resolve": "resolved"}


class PagerDuty:
    """One service with an Events v2 integration: its routing key and its alerts."""

    name = "pagerduty"

    def __init__(self, routing_key: str) -> None:
        self._routing_key = routing_key
        self._alerts: dict[str, str] = {}
        self._seen: set[str] = set()
        self._lock = threading.Lock()

    def serves(self, path: str) -> bool:
        """Tell whether a path is the Events API's."""
        return path == "/v2/enqueue"

    def answer(self, request: Incoming) -> Answer:
        """Answer an event."""
        if request.method != "POST":
            return Answer(405, problems=["not a POST"])
        if len(request.body) > MAX_BYTES:
            return Answer(413, problems=[f"the event has {len(request.body)} bytes"])
        event = request.json_object()
        if event is None:
            return _invalid(["the body is not a JSON object"])
        wrong = [
            f"{described(error)} at {error.json_path}" for error in _VALIDATOR.iter_errors(event)
        ]
        if not wrong and not hmac.compare_digest(event["routing_key"], self._routing_key):
            wrong = ["Invalid routing key"]
        if wrong:
            return _invalid(wrong)
        with self._lock:
            return self._accept(event)

    def limited(self, retry_after: int) -> Answer:
        """Say that there were too many requests."""
        body = {"status": "throttle exceeded", "message": "Requests for this service are limited."}
        return Answer(429, body, {"Retry-After": str(retry_after)})

    def _accept(self, event: dict[str, Any]) -> Answer:
        """Apply an event to its alert.

        A repeated trigger of an open alert is merged into it by its dedup key, so nobody hears of
        it twice: that is marked, and whoever reads the record judges it. Other repeats are wrong.
        """
        shown = {key: event[key] for key in event if key != "routing_key"}
        content = json.dumps(shown, sort_keys=True)
        identity = hashlib.sha256(content.encode()).hexdigest()[:40]
        key = event.get("dedup_key") or identity[:32]
        problems = []
        is_open = self._alerts.get(key, "resolved") != "resolved"
        merged = identity in self._seen and is_open and event["event_action"] == "trigger"
        if identity in self._seen and not merged:
            problems.append(f"the same {event['event_action']} of {key} was sent before")
        elif event["event_action"] != "trigger" and not is_open:
            problems.append(f"{event['event_action']} of {key}, which has no open alert")
        self._seen.add(identity)
        self._alerts[key] = _STATES[event["event_action"]]
        body = {"status": "success", "message": "Event processed", "dedup_key": key}
        message = {**shown, "state": self._alerts[key], "merged": merged}
        return Answer(202, body, problems=problems, message=message, identity=identity)


def _invalid(wrong: list[str]) -> Answer:
    body = {"status": "invalid event", "message": "Event object is invalid", "errors": wrong}
    return Answer(400, body, problems=wrong)
