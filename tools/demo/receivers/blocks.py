"""Checks Slack's Block Kit: the published limits, unknown properties, and slack_sdk's own rules.

Source of shapes and limits: https://docs.slack.dev/reference/block-kit/blocks and its pages on
block elements and composition objects. Only the blocks that a message may hold and that the app
has a use for are known here; another one is reported, never let through.
"""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block

from tools.demo.receivers.exchange import described

MAX_BLOCKS = 50
Schema = dict[str, Any]


def _object(properties: Schema, *required: str) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def _text(kinds: list[str], limit: int) -> Schema:
    properties = {
        "type": {"enum": kinds},
        "text": {"type": "string", "minLength": 1, "maxLength": limit},
        "emoji": {"type": "boolean"},
        "verbatim": {"type": "boolean"},
    }
    return _object(properties, "type", "text")


def _block(kind: str, properties: Schema, *required: str) -> Schema:
    common = {"type": {"const": kind}, "block_id": {"type": "string", "maxLength": 255}}
    return _object({**common, **properties}, "type", *required)


_PLAIN = ["plain_text"]
_ANY = ["plain_text", "mrkdwn"]
_IMAGE = {
    "image_url": {"type": "string", "maxLength": 3000},
    "alt_text": {"type": "string", "maxLength": 2000},
}
_IMAGE_ELEMENT = _object({"type": {"const": "image"}} | _IMAGE, "type", "alt_text")
_CONFIRM = _object(
    {
        "title": _text(_PLAIN, 100),
        "text": _text(_ANY, 300),
        "confirm": _text(_PLAIN, 30),
        "deny": _text(_PLAIN, 30),
        "style": {"enum": ["primary", "danger"]},
    },
    "title",
    "text",
    "confirm",
    "deny",
)
_BUTTON = _object(
    {
        "type": {"const": "button"},
        "text": _text(_PLAIN, 75),
        "action_id": {"type": "string", "maxLength": 255},
        "url": {"type": "string", "maxLength": 3000},
        "value": {"type": "string", "maxLength": 2000},
        "style": {"enum": ["primary", "danger"]},
        "accessibility_label": {"type": "string", "maxLength": 75},
        "confirm": _CONFIRM,
    },
    "type",
    "text",
)
_RICH_STYLE = _object(
    {one: {"type": "boolean"} for one in ("bold", "italic", "strike", "code", "underline")}
)
_RICH_TEXT = _object(
    {"type": {"const": "text"}, "text": {"type": "string", "minLength": 1}, "style": _RICH_STYLE},
    "type",
    "text",
)
_RICH_LINK = _object(
    {
        "type": {"const": "link"},
        "url": {"type": "string"},
        "text": {"type": "string"},
        "style": _RICH_STYLE,
    },
    "type",
    "url",
)
_RICH_PART = _object(
    {
        "type": {"enum": ["rich_text_section", "rich_text_preformatted", "rich_text_quote"]},
        "elements": {"type": "array", "items": {"anyOf": [_RICH_TEXT, _RICH_LINK]}},
        "border": {"enum": [0, 1]},
    },
    "type",
    "elements",
)
_BLOCKS: dict[str, Schema] = {
    "header": _block("header", {"text": _text(_PLAIN, 150)}, "text"),
    "divider": _block("divider", {}),
    "section": {
        **_block(
            "section",
            {
                "text": _text(_ANY, 3000),
                "fields": {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": 10,
                    "items": _text(_ANY, 2000),
                },
                "accessory": _BUTTON,
                "expand": {"type": "boolean"},
            },
        ),
        "anyOf": [{"required": ["text"]}, {"required": ["fields"]}],
    },
    "context": _block(
        "context",
        {
            "elements": {
                "type": "array",
                "minItems": 1,
                "maxItems": 10,
                "items": {"anyOf": [_text(_ANY, 3000), _IMAGE_ELEMENT]},
            }
        },
        "elements",
    ),
    "actions": _block(
        "actions",
        {"elements": {"type": "array", "minItems": 1, "maxItems": 25, "items": _BUTTON}},
        "elements",
    ),
    "rich_text": _block(
        "rich_text", {"elements": {"type": "array", "items": _RICH_PART}}, "elements"
    ),
    "image": _block("image", {**_IMAGE, "title": _text(_PLAIN, 2000)}, "image_url", "alt_text"),
}
_VALIDATORS = {kind: Draft202012Validator(schema) for kind, schema in _BLOCKS.items()}


def problems(blocks: Any) -> list[str]:
    """Return what is wrong with a message's blocks, each with its JSON pointer."""
    if not isinstance(blocks, list):
        return ["blocks is not an array"]
    found = []
    if len(blocks) > MAX_BLOCKS:
        found.append(f"no more than {MAX_BLOCKS} items allowed [json-pointer:/blocks]")
    for place, block in enumerate(blocks):
        found += _block_problems(place, block)
    return found + _repeated_ids(blocks)


def _block_problems(place: int, block: Any) -> list[str]:
    kind = block.get("type") if isinstance(block, dict) else None
    if kind not in _VALIDATORS:
        return [f"unsupported type: {kind} [json-pointer:/blocks/{place}/type]"]
    found = []
    for error in _VALIDATORS[kind].iter_errors(block):
        pointer = "/".join(str(step) for step in error.absolute_path)
        found.append(f"{described(error)} [json-pointer:/blocks/{place}/{pointer}]")
    if not found:
        try:
            parsed = Block.parse(block)
            if parsed is None:
                found.append(f"slack_sdk does not know this block [json-pointer:/blocks/{place}]")
            else:
                parsed.validate_json()
        except SlackObjectFormationError as reason:
            found.append(f"{reason} [json-pointer:/blocks/{place}]")
    return found


def _repeated_ids(blocks: list[Any]) -> list[str]:
    ids = [block["block_id"] for block in blocks if isinstance(block, dict) and "block_id" in block]
    return [f"block_id {name!r} is used twice" for name in sorted(set(ids)) if ids.count(name) > 1]
