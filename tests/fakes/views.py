"""Checks Slack surfaces: forms by the published limits of modals, and answers' blocks.

Sources: "Modal views", "view_too_large" of "views.open" (250 kB), "Input block", "Plain-text input
element", "Select menu element", "Number
input element", "Date picker element" and "Option object" in Slack's Block Kit reference, and
slack_sdk's own rules. Elements that the app does not use are reported, never accepted.
"""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from slack_sdk.models.views import View

from tools.demo.receivers import blocks as block_kit

__all__ = ["answer_problems", "submitted", "view_problems"]

MAX_BLOCKS = 100
MAX_BYTES = 250_000


def _object(required: Dict[str, Any], **optional: Any) -> Dict[str, Any]:
    return {
        "type": "object",
        "properties": {**required, **optional},
        "required": list(required),
        "additionalProperties": False,
    }


def _plain(most: int) -> Dict[str, Any]:
    text = {"type": "string", "minLength": 1, "maxLength": most}
    return _object({"type": {"const": "plain_text"}, "text": text}, emoji={"type": "boolean"})


_NAME = {"type": "string", "minLength": 1, "maxLength": 255}
_OPTION = _object(
    {"text": _plain(75), "value": {"type": "string", "minLength": 1, "maxLength": 150}}
)
_TEXT_INPUT = _object(
    {"type": {"const": "plain_text_input"}, "action_id": _NAME},
    multiline={"type": "boolean"},
    max_length={"type": "integer", "minimum": 1, "maximum": 3000},
    initial_value={"type": "string", "maxLength": 3000},
)
_SELECT = _object(
    {
        "type": {"const": "static_select"},
        "action_id": _NAME,
        "options": {"type": "array", "minItems": 1, "maxItems": 100, "items": _OPTION},
    },
    initial_option=_OPTION,
)
_NUMBER = _object(
    {
        "type": {"const": "number_input"},
        "action_id": _NAME,
        "is_decimal_allowed": {"type": "boolean"},
    }
)
_DAY = _object({"type": {"const": "datepicker"}, "action_id": _NAME})
_INPUT = _object(
    {
        "type": {"const": "input"},
        "block_id": _NAME,
        "label": _plain(2000),
        "element": {"oneOf": [_TEXT_INPUT, _SELECT, _NUMBER, _DAY]},
    },
    optional={"type": "boolean"},
    hint=_plain(2000),
)
_VIEW = Draft202012Validator(
    _object(
        {
            "type": {"const": "modal"},
            "title": _plain(24),
            "submit": _plain(24),
            "blocks": {"type": "array", "minItems": 1, "maxItems": MAX_BLOCKS},
        },
        close=_plain(24),
        callback_id=_NAME,
        private_metadata={"type": "string", "maxLength": 3000},
    )
)
_INPUTS = Draft202012Validator(_INPUT)


def view_problems(view: Mapping[str, Any]) -> List[str]:
    """Return the problems for which "views.open" would refuse a view."""
    found = [error.message for error in _VIEW.iter_errors(view)]
    if len(json.dumps(view)) > MAX_BYTES:
        found.append("view_too_large")
    inputs = [one for one in view["blocks"] if one["type"] == "input"]
    found += [error.message for one in inputs for error in _INPUTS.iter_errors(one)]
    others = [one for one in view["blocks"] if one["type"] != "input"]
    found += block_kit.problems(others)
    names = [one["block_id"] for one in inputs]
    if len(names) != len(set(names)):
        found.append("A block_id is used twice.")
    for element in (one["element"] for one in inputs):
        first, most = element.get("initial_value", ""), element.get("max_length", 3000)
        if len(first) > most:
            found.append("initial_value is longer than max_length.")
        if "\n" in first and not element.get("multiline"):
            found.append("A line has no line breaks.")
        chosen = element.get("initial_option")
        if chosen is not None and chosen not in element["options"]:
            found.append("initial_option has to be one of the options.")
    if not found:
        View(**view).validate_json()
    return found


def answer_problems(body: Mapping[str, Any]) -> List[str]:
    """Return the problems of an answer that is sent to a ``response_url``."""
    known = {"response_type", "replace_original", "text", "blocks"}
    found = [f"{name} is unknown" for name in set(body) - known]
    if not body.get("text"):
        found.append("An answer needs a text.")
    return found + block_kit.problems(body.get("blocks", []))


def submitted(view: Mapping[str, Any], **values: str) -> Dict[str, Any]:
    """Return a view's ``state.values`` when it is sent: as it was filled, but for these values."""
    state: Dict[str, Any] = {}
    left = dict(values)
    for block in view["blocks"]:
        if block["type"] != "input":
            continue
        name, element = block["block_id"], block["element"]
        if element["type"] == "plain_text_input":
            typed = left.pop(name, element.get("initial_value")) or None
            assert typed is None or len(typed) <= element["max_length"]
            given: Dict[str, Any] = {"type": "plain_text_input", "value": typed}
        elif element["type"] == "number_input":
            typed = left.pop(name, None)
            given = {"type": "number_input", "value": typed}
        elif element["type"] == "datepicker":
            typed = left.pop(name, None)
            given = {"type": "datepicker", "selected_date": typed}
        else:
            typed = left.pop(name, element.get("initial_option", {}).get("value")) or None
            options = [one for one in element["options"] if one["value"] == typed]
            assert typed is None or options, f"{typed} is no option of {name}"
            given = {"type": "static_select", "selected_option": options[0] if typed else None}
        assert typed or block.get("optional"), f"Slack asks for {name}"
        state[name] = {element["action_id"]: given}
    assert not left, f"The form has no {left}"
    return {"values": state}
