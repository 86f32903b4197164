"""Slack's limits for messages and forms, and functions that fit blocks into them. Pure.

Sources: in Slack's Block Kit reference "Blocks" (50 in a message, 100 in a view), "Header block",
"Section block", "Actions block", "Context block", "Input block", "Plain-text input element",
"Select menu element", "Option object", "Button element" and "Modal views"; "view_too_large" of
"views.open" (250 kB).

Layouts put the most important first and shorten their own texts carefully. The limits here are the
last guard: people would see nothing of a message or form that Slack rejects.
"""

from __future__ import annotations

import json
import re
from typing import Any, Dict, List, Mapping

__all__ = [
    "FIELD_CHARACTERS",
    "HEADER_CHARACTERS",
    "INPUT_CHARACTERS",
    "METADATA_CHARACTERS",
    "OPTIONS",
    "OPTION_CHARACTERS",
    "TEXT_CHARACTERS",
    "fitted_blocks",
    "fitted_view",
    "size_of",
]

Block = Dict[str, Any]

BLOCKS_OF_MESSAGE, BLOCKS_OF_VIEW = 50, 100
VIEW_BYTES = 250_000
# For the sentence about what was left out, and what Slack's client adds to a request.
SPARE_BYTES = 5_000
METADATA_CHARACTERS = 3000
HEADER_CHARACTERS = 150
TEXT_CHARACTERS = 3000
FIELD_CHARACTERS = 2000
INPUT_CHARACTERS = 3000
OPTIONS = 100
OPTION_CHARACTERS, OPTION_VALUE_CHARACTERS = 75, 150
# Limits of a block's texts, by their names in the block.
_TEXTS = {"label": 2000, "hint": 2000, "fields": FIELD_CHARACTERS}
# A character reference, link or mention that was cut in the middle.
_CUT_THROUGH = re.compile(r"(&[a-z]{0,3}|<[^<>]*)$")


def size_of(value: Any) -> int:
    """Return a value's bytes in a request, where all characters but ASCII are escaped."""
    return len(json.dumps(value))


def fitted_blocks(blocks: List[Block]) -> List[Block]:
    """Return a message's blocks within Slack's limits, with a sentence about what was left out."""
    kept = [one for one in map(_fitted, blocks) if one]
    if len(kept) <= BLOCKS_OF_MESSAGE:
        return kept
    shown = kept[: BLOCKS_OF_MESSAGE - 1]
    left = len(kept) - len(shown)
    return [*shown, _note_block(f"{left:,} more parts do not fit into one Slack message.")]


def fitted_view(view: Mapping[str, Any]) -> Block:
    """Return a form within Slack's limits: its last optional inputs are removed as needed.

    A sentence in it says how many were removed. A menu has at most OPTIONS choices.
    """
    blocks = [one for one in map(_fitted, view["blocks"]) if one]
    sizes = [size_of(one) + len(", ") for one in blocks]
    rest = size_of({**view, "blocks": []}) + SPARE_BYTES
    left = 0
    for place in reversed(range(len(blocks))):
        # The sentence is one more block.
        if len(blocks) + bool(left) <= BLOCKS_OF_VIEW and sum(sizes) + rest <= VIEW_BYTES:
            break
        if blocks[place].get("optional"):
            del blocks[place], sizes[place]
            left += 1
    if left:
        fields = "field does" if left == 1 else "fields do"
        blocks.append(_note_block(f"{left:,} more {fields} not fit here. Use the incident's page."))
    return {**view, "blocks": blocks}


def _fitted(block: Mapping[str, Any]) -> Block:
    """Return a block with its texts cut to Slack's limits; empty if no text is left."""
    fit = dict(block)
    if "text" in fit:
        most = HEADER_CHARACTERS if fit.get("type") == "header" else TEXT_CHARACTERS
        fit["text"] = _cut(fit["text"], most)
        if not fit["text"]["text"].strip():
            return {}
    for name, most in _TEXTS.items():
        given = fit.get(name)
        if isinstance(given, list):
            fit[name] = [_cut(one, most) for one in given]
        elif given:
            fit[name] = _cut(given, most)
    element = fit.get("element")
    if element and element.get("type") == "static_select":
        fit["element"] = _menu(element)
    if fit.get("type") == "context":
        fit["elements"] = [_cut(one, TEXT_CHARACTERS) for one in fit["elements"]]
    return fit


def _menu(element: Mapping[str, Any]) -> Block:
    """Return a menu with at most the choices that Slack allows, including the chosen one."""
    known = [one for one in element["options"] if len(one["value"]) <= OPTION_VALUE_CHARACTERS]
    first = element.get("initial_option")
    chosen = [first] if first in known[OPTIONS:] else []
    menu = {**element, "options": [*chosen, *known][:OPTIONS]}
    if first not in known:
        menu.pop("initial_option", None)
    return menu


def _cut(text: Any, most: int) -> Any:
    """Return a text object of at most ``most`` characters, not cut in the middle of a link."""
    if not isinstance(text, dict) or len(text.get("text", "")) <= most:
        return text
    return {**text, "text": _CUT_THROUGH.sub("", text["text"][: most - 1]) + "…"}


def _note_block(sentence: str) -> Block:
    element = {"type": "plain_text", "text": sentence, "emoji": False}
    return {"type": "context", "elements": [element]}
