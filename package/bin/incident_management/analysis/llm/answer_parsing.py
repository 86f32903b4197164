"""Read a model's answer from Converse's reply, in the forms in which models return it.

The requested form is the input of a tool. Two others occur: lists within it that are JSON texts,
followed by rest of the model's own markup (boto/boto3 issue 4644 on GitHub), and the call written
as text, by models and gateways that make no call (BerriAI/litellm issue 28596). Anything else is no
answer.
"""

from __future__ import annotations

import json
from typing import Any, Dict, Mapping, Optional, Sequence

from .briefing import TOOL

__all__ = ["answer_in"]

LISTS = ("order", "claims", "hypotheses")
LONGEST_TEXT = 200_000
OBJECTS_TRIED = 5
"""Beginnings of an object in a text that are tried."""
_ARGUMENTS = ("input", "arguments", "parameters")


def answer_in(blocks: Sequence[Mapping[str, Any]]) -> Optional[Dict[str, Any]]:
    """Return the answer in the content blocks of a message, None if there is none."""
    for block in blocks:
        use = block.get("toolUse") or {}
        if use.get("name") == TOOL and _is_answer(use.get("input")):
            return _whole(use["input"])
    for block in blocks:
        text = block.get("text")
        written = _written_out(text[:LONGEST_TEXT]) if isinstance(text, str) else None
        if written is not None:
            return _whole(written)
    return None


def _is_answer(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("summary"), str)


def _whole(answer: Mapping[str, Any]) -> Dict[str, Any]:
    """Return an answer in which the lists are lists, not JSON texts."""
    return {
        name: _parsed(value) if name in LISTS and isinstance(value, str) else value
        for name, value in answer.items()
    }


def _parsed(text: str) -> Any:
    """Return the JSON at the beginning of a text, or the text itself if it has none."""
    try:
        return json.JSONDecoder().raw_decode(text[:LONGEST_TEXT].strip())[0]
    except (ValueError, RecursionError):
        return text


def _written_out(text: str) -> Optional[Dict[str, Any]]:
    """Return the answer that a text holds as JSON, as such or as the arguments of a call."""
    place = text.find("{")
    for _ in range(OBJECTS_TRIED):
        if place < 0:
            return None
        found = _parsed(text[place:])
        if isinstance(found, dict):
            inside = next((found[key] for key in _ARGUMENTS if key in found), found)
            return inside if _is_answer(inside) else None
        place = text.find("{", place + 1)
    return None
