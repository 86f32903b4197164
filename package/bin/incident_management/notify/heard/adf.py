"""The text of a document in Atlassian Document Format: its words, without what they look like.

A walk without recursion and with a bound: the document comes from outside.

Source: "Atlassian Document Format", the nodes that hold text of their own or end a line.
"""

from __future__ import annotations

from typing import Any, List

__all__ = ["text_of"]

MAX_NODES = 20_000
_LINES = frozenset(
    ("paragraph", "heading", "codeBlock", "listItem", "tableRow", "rule", "taskItem")
)
# The attribute in which a node without content says what people see.
_SHOWN = {
    "mention": "text",
    "emoji": "text",
    "status": "text",
    "inlineCard": "url",
    "blockCard": "url",
}
_END = object()


def text_of(document: Any) -> str:
    """Return what a document says, a line a paragraph; empty for what is none."""
    parts: List[str] = []
    waiting: List[Any] = [document]
    for _node in range(MAX_NODES):
        if not waiting:
            break
        node = waiting.pop()
        if node is _END:
            parts.append("\n")
        elif isinstance(node, dict):
            parts.append(_said(node))
            if node.get("type") in _LINES:
                waiting.append(_END)
            content = node.get("content")
            waiting.extend(reversed(content) if isinstance(content, list) else ())
    lines = "".join(parts).split("\n")
    return "\n".join(line.strip() for line in lines if line.strip())


def _said(node: Any) -> str:
    kind = node.get("type")
    if kind == "text":
        return str(node.get("text") or "")
    if kind == "hardBreak":
        return "\n"
    attributes = node.get("attrs")
    if kind in _SHOWN and isinstance(attributes, dict):
        return str(attributes.get(_SHOWN[kind]) or "")
    return ""
