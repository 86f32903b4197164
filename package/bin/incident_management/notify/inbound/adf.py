"""Reads the text of a document in Atlassian Document Format, without its formatting.

It is walked without recursion and with a limit, as the document comes from outside.

Source: "Atlassian Document Format", the nodes that hold text of their own or end a line; a date is
its day in UTC, stored as milliseconds since the epoch.
"""

from __future__ import annotations

import time
from typing import Any, List

__all__ = ["text_of"]

MAX_NODES = 20_000
_LINES = frozenset(
    (
        "paragraph",
        "heading",
        "codeBlock",
        "listItem",
        "tableRow",
        "rule",
        "taskItem",
        "decisionItem",
        "blockCard",
        "embedCard",
    )
)
# The attribute with the text that a node shows besides its content.
_SHOWN = {
    "mention": "text",
    "emoji": "text",
    "status": "text",
    "inlineCard": "url",
    "blockCard": "url",
    "embedCard": "url",
}
# Nodes with a title above their content.
_TITLED = frozenset(("expand", "nestedExpand"))
_END = object()


def text_of(document: Any) -> str:
    """Return a document's text, one line for each paragraph; empty if it is no document."""
    parts: List[str] = []
    waiting: List[Any] = [document]
    for _node in range(MAX_NODES):
        if not waiting:
            break
        node = waiting.pop()
        if node is _END:
            parts.append("\n")
        elif isinstance(node, dict):
            kind = str(node.get("type"))
            parts.append(_node_text(kind, node))
            if kind in _LINES:
                waiting.append(_END)
            content = node.get("content")
            waiting.extend(reversed(content) if isinstance(content, list) else ())
    lines = "".join(parts).split("\n")
    return "\n".join(line.strip() for line in lines if line.strip())


def _node_text(kind: str, node: Any) -> str:
    attributes = node.get("attrs")
    if not isinstance(attributes, dict):
        attributes = {}
    if kind == "text":
        return _with_address(str(node.get("text") or ""), node.get("marks"))
    if kind == "hardBreak":
        return "\n"
    if kind == "date":
        return _day(str(attributes.get("timestamp") or ""))
    if kind in _TITLED:
        return f"{attributes.get('title') or ''}\n"
    return str(attributes.get(_SHOWN[kind]) or "") if kind in _SHOWN else ""


def _with_address(text: str, marks: Any) -> str:
    """Return a text with the address that it links to, unless it already contains it."""
    for mark in marks if isinstance(marks, list) else ():
        attributes = mark.get("attrs") if isinstance(mark, dict) else None
        if isinstance(attributes, dict) and mark.get("type") == "link":
            address = str(attributes.get("href") or "")
            return text if not address or address in text else f"{text} ({address})"
    return text


def _day(timestamp: str) -> str:
    """Return a date node's day; a value that can't be read is returned unchanged."""
    try:
        return time.strftime("%Y-%m-%d", time.gmtime(int(timestamp) / 1000))
    except (ValueError, OverflowError, OSError):
        return timestamp
