"""Services that have ready-made HTTP channels: each refuses what its documents do not list.

Written from the pages that ``notify/services/http_presets.py`` names.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Tuple

import jsonschema  # type: ignore[import-untyped]

from .receiver import Answer, Request

__all__ = ["DESKS", "Desk"]


def _text(most: int) -> Dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": most}


def _object(required: Tuple[str, ...], **properties: Any) -> Dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


ON_CALL = {
    "type": "object",
    "required": ["message_type", "entity_id"],
    "properties": {
        "message_type": {"enum": ["CRITICAL", "WARNING", "ACKNOWLEDGEMENT", "INFO", "RECOVERY"]},
        "entity_id": _text(512),
        "entity_display_name": _text(512),
        "state_message": _text(20_480),
        "state_start_time": {"type": "integer", "minimum": 1_000_000_000, "maximum": 9_999_999_999},
        "monitoring_tool": _text(100),
    },
    # Others are shown as they are.
    "additionalProperties": {"type": "string"},
}
_ALERT = _object(
    ("message",),
    message=_text(130),
    alias=_text(512),
    description=_text(15_000),
    entity=_text(512),
    source=_text(100),
    priority={"enum": ["P1", "P2", "P3", "P4", "P5"]},
    details={"type": "object", "additionalProperties": {"type": "string"}},
)
_NOTED = _object((), user=_text(100), source=_text(100), note=_text(25_000))
_EVENT = _object(
    ("source", "severity", "message_key"),
    source=_text(100),
    event_class=_text(100),
    node=_text(100),
    type=_text(100),
    resource=_text(100),
    severity={"enum": ["0", "1", "2", "3", "4", "5"]},
    resolution_state={"enum": ["New", "Closing"]},
    message_key=_text(1024),
    description=_text(4000),
)
EVENTS = _object(("records",), records={"type": "array", "minItems": 1, "items": _EVENT})
CHAT = _object(("text",), text=_text(4096), thread=_object(("threadKey",), threadKey=_text(4000)))
DISCORD = _object(
    ("content",),
    content=_text(2000),
    allowed_mentions=_object(("parse",), parse={"type": "array", "maxItems": 0}),
)


class Desk:
    """One service: where it is called, what it takes, what it has.

    ``ways``: by the ends of paths, the schema of a body. ``proof``: header and value of the key.
    """

    def __init__(
        self, path: str, ways: Dict[str, Any], ok: Answer, proof: Tuple[str, str] = ("", "")
    ) -> None:
        self.path = path
        self._ways = ways
        self._ok = ok
        self._proof = proof
        self.taken: List[Tuple[str, Any]] = []

    def respond(self, request: Request) -> Answer:
        header, value = self._proof
        if header and request.headers.get(header) != value:
            return 403, {}, {"message": f"{request.headers.get(header)} is not known here."}
        end = request.path.removeprefix(self.path)
        if request.method != "POST" or end not in self._ways or end == request.path:
            return 404, {}, {"message": "no such way"}
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            return 415, {}, {"message": "no JSON"}
        try:
            jsonschema.validate(request.json, self._ways[end])
        except (ValueError, jsonschema.ValidationError) as error:
            return 422, {}, {"message": str(error).splitlines()[0]}
        self.taken.append((end, request.json))
        return self._ok


def _opsgenie() -> Desk:
    incident = "/INC-20260202-0A1B2C"
    steps = {f"{incident}/{step}?identifierType=alias": _NOTED for step in ("acknowledge", "close")}
    notes = {f"{incident}/notes?identifierType=alias": {**_NOTED, "required": ["note"]}}
    ways = {"": _ALERT, **steps, **notes}
    return Desk(
        "/v2/alerts", ways, (202, {}, {"result": "taken"}), ("authorization", "GenieKey s3cret-key")
    )


DESKS: Dict[str, Callable[[], Desk]] = {
    "on_call": lambda: Desk(
        "/integrations/generic/20131114/alert/s3cret-key/database",
        {"": ON_CALL},
        (200, {}, {"result": "success", "entity_id": "x"}),
    ),
    "opsgenie": _opsgenie,
    "servicenow_events": lambda: Desk(
        "/api/global/em/jsonv2",
        {"": EVENTS},
        (200, {}, {"Default Bulk Endpoint": "1 events were inserted"}),
        ("authorization", "Basic c3BsdW5rOnMzY3JldC1rZXk="),
    ),
    "google_chat": lambda: Desk(
        "/v1/spaces/AAA/messages?key=k&token=s3cret-key",
        {"&messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD": CHAT},
        (200, {}, {"name": "spaces/AAA/messages/1"}),
    ),
    "webex": lambda: Desk(
        "/v1/webhooks/incoming/s3cret-key",
        {"": _object(("text",), text=_text(7439))},
        (204, {}, b""),
    ),
    "mattermost": lambda: Desk(
        "/hooks/s3cret-key", {"": _object(("text",), text=_text(16_383))}, (200, {}, b"ok")
    ),
    "discord": lambda: Desk("/api/webhooks/1/s3cret-key", {"": DISCORD}, (204, {}, b"")),
}
