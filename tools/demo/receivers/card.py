"""Checks Adaptive Cards: a JSON Schema of the elements that a notification has use for.

Source of the shapes: https://adaptivecards.io/explorer/ (version 1.5, which Teams renders). An
element, action or property that isn't known here is reported, never let through: Teams drops
what it doesn't know without a word.
"""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from tools.demo.receivers.exchange import described

Schema = dict[str, Any]

VERSIONS = ["1.0", "1.1", "1.2", "1.3", "1.4", "1.5"]


def _words(*words: str) -> Schema:
    """Return an enumeration. The published schema takes its words in any case."""
    return {"type": "string", "pattern": f"^(?i:{'|'.join(words)})$"}


_SPACING = _words("default", "none", "small", "medium", "large", "extraLarge", "padding")
_STYLE = _words("default", "emphasis", "good", "attention", "warning", "accent")
_ALIGN = _words("left", "center", "right")
_VERTICAL = _words("top", "center", "bottom")
_BOOLEAN = {"type": "boolean"}
_STRING = {"type": "string"}
_LINK = {"type": "string", "pattern": "^https?://"}
_ELEMENTS = {"type": "array", "items": {"$ref": "#/$defs/element"}}
_ACTIONS = {"type": "array", "maxItems": 6, "items": {"$ref": "#/$defs/action"}}


def _object(properties: Schema, *required: str) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def _element(kind: str, properties: Schema, *required: str) -> Schema:
    common: Schema = {
        "type": {"const": kind},
        "id": _STRING,
        "spacing": _SPACING,
        "separator": _BOOLEAN,
        "isVisible": _BOOLEAN,
        "height": _words("auto", "stretch"),
        "horizontalAlignment": _ALIGN,
    }
    return _object({**common, **properties}, "type", *required)


_TEXT_STYLE: Schema = {
    "color": _words("default", "dark", "light", "accent", "good", "warning", "attention"),
    "fontType": _words("default", "monospace"),
    "isSubtle": _BOOLEAN,
    "size": _words("default", "small", "medium", "large", "extraLarge"),
    "weight": _words("lighter", "default", "bolder"),
}
_CONTAINER: Schema = {
    "items": _ELEMENTS,
    "style": _STYLE,
    "bleed": _BOOLEAN,
    "minHeight": _STRING,
    "verticalContentAlignment": _VERTICAL,
    "selectAction": {"$ref": "#/$defs/action"},
}
_COLUMN = _element(
    "Column",
    {**_CONTAINER, "width": {"anyOf": [_STRING, {"type": "number"}]}},
)
_FACT = _object({"title": _STRING, "value": _STRING}, "title", "value")
_RUN = _object(
    {
        "type": {"const": "TextRun"},
        "text": _STRING,
        **_TEXT_STYLE,
        "italic": _BOOLEAN,
        "strikethrough": _BOOLEAN,
        "highlight": _BOOLEAN,
        "underline": _BOOLEAN,
        "selectAction": {"$ref": "#/$defs/action"},
    },
    "type",
    "text",
)
_ELEMENT_KINDS: dict[str, Schema] = {
    "TextBlock": _element(
        "TextBlock",
        {
            "text": _STRING,
            **_TEXT_STYLE,
            "maxLines": {"type": "number"},
            "wrap": _BOOLEAN,
            "style": _words("default", "heading"),
        },
        "text",
    ),
    "RichTextBlock": _element(
        "RichTextBlock",
        {"inlines": {"type": "array", "items": {"anyOf": [_STRING, _RUN]}}},
        "inlines",
    ),
    "FactSet": _element(
        "FactSet", {"facts": {"type": "array", "minItems": 1, "items": _FACT}}, "facts"
    ),
    "Container": _element("Container", _CONTAINER, "items"),
    "ColumnSet": _element(
        "ColumnSet",
        {
            "columns": {"type": "array", "items": _COLUMN},
            "style": _STYLE,
            "bleed": _BOOLEAN,
            "minHeight": _STRING,
            "selectAction": {"$ref": "#/$defs/action"},
        },
        "columns",
    ),
    "ActionSet": _element("ActionSet", {"actions": _ACTIONS}, "actions"),
}
_ACTION_COMMON: Schema = {
    "title": _STRING,
    "id": _STRING,
    "iconUrl": _STRING,
    "style": _words("default", "positive", "destructive"),
    "tooltip": _STRING,
    "isEnabled": _BOOLEAN,
    "mode": _words("primary", "secondary"),
}
_ACTION_KINDS: dict[str, Schema] = {
    "Action.OpenUrl": _object(
        {"type": {"const": "Action.OpenUrl"}, "url": _LINK, **_ACTION_COMMON}, "type", "url"
    ),
    "Action.ToggleVisibility": _object(
        {
            "type": {"const": "Action.ToggleVisibility"},
            "targetElements": {"type": "array", "minItems": 1},
            **_ACTION_COMMON,
        },
        "type",
        "targetElements",
    ),
}


def _one_of_kind(kinds: dict[str, Schema]) -> Schema:
    """Return a schema that picks by ``type``, so that an error names what is really wrong."""
    choices = [
        {"if": {"properties": {"type": {"const": kind}}}, "then": schema}
        for kind, schema in kinds.items()
    ]
    return {
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"enum": sorted(kinds)}},
        "allOf": choices,
    }


_CARD = _object(
    {
        "type": {"const": "AdaptiveCard"},
        "$schema": _STRING,
        "version": {"enum": VERSIONS},
        "body": {**_ELEMENTS, "minItems": 1},
        "actions": _ACTIONS,
        "fallbackText": _STRING,
        "speak": _STRING,
        "lang": _STRING,
        "minHeight": _STRING,
        "verticalContentAlignment": _VERTICAL,
        "msteams": _object({"width": _words("Full"), "entities": {"type": "array"}}),
    },
    "type",
    "version",
    "body",
)
_ATTACHMENT = _object(
    {
        "contentType": {"const": "application/vnd.microsoft.card.adaptive"},
        "contentUrl": {"type": ["string", "null"]},
        "content": _CARD,
        "name": _STRING,
    },
    "contentType",
    "content",
)
MESSAGE: Schema = {
    **_object(
        {
            "type": {"const": "message"},
            "attachments": {
                "type": "array",
                "minItems": 1,
                "maxItems": 1,
                "items": _ATTACHMENT,
            },
            "summary": _STRING,
        },
        "type",
        "attachments",
    ),
    "$defs": {
        "element": _one_of_kind(_ELEMENT_KINDS),
        "action": _one_of_kind(_ACTION_KINDS),
    },
}
_VALIDATOR = Draft202012Validator(MESSAGE)


def problems(message: Any) -> list[str]:
    """Return what is wrong with a message to a Workflows webhook, each with its place."""
    return [
        f"{described(error)} at /{'/'.join(str(step) for step in error.absolute_path)}"
        for error in _VALIDATOR.iter_errors(message)
    ]
