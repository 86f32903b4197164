"""Reads a Slack message as plain text: its content and its source. Pure.

Sources: "Formatting message text" (``& < >`` are escaped, links and mentions are in ``< >``),
"message_action payload" (``shortcuts``), "Attachments", "File object" and "Blocks" in Slack's
documentation. A person's message always has a ``text``; an app's message may have only blocks.
"""

from __future__ import annotations

import re
from typing import Any, Callable, Iterable, List, Mapping

from ...notify.message import one_line
from ...notify.request_fields import truncated
from ...utc import to_the_second

__all__ = ["source", "text_of", "unescaped"]

NAME_CHARACTERS = 80
MOST_PARTS = 20
# The depth at which texts are found in a block: a list's items in rich text are the deepest.
LEVELS = 6
# Mentions and links; anything else between < and > is not Slack's markup.
_MARKED = re.compile(r"<([@#!][^<>|\n]*|[A-Za-z][\w+.-]*:[^<>|\n]+)(?:\|([^<>\n]*))?>")


def unescaped(text: str) -> str:
    """Return text as people see it, without Slack's escapes."""
    shown = _MARKED.sub(_shown, text)
    return shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def text_of(message: Mapping[str, Any], most: int) -> str:
    """Return a message's text with its attachments, at most ``most`` characters."""
    parts: List[str] = [unescaped(str(message.get("text") or "")) or _laid(message.get("blocks"))]
    for one in _objects(message.get("attachments")):
        whole = "\n".join(str(one.get(name) or "") for name in ("pretext", "title", "text"))
        shown = unescaped(whole.strip()) or _laid(one.get("blocks"))
        parts.append(shown or unescaped(str(one.get("fallback") or "")))
    for one in _objects(message.get("files")):
        name = one_line(one.get("title") or one.get("name") or "a file", NAME_CHARACTERS)
        parts.append(f"{name}: {one.get('permalink') or 'not to be linked to'}")
    return truncated("\n".join(part.strip() for part in parts if part.strip()), most)


def source(
    message: Mapping[str, Any],
    channel: Mapping[str, Any],
    link: str,
    member: Callable[[str, str], str],
) -> str:
    """Return the line with a message's author, time and place.

    ``member`` returns the Splunk user of a workspace's user (both Slack ids); empty: none.
    """
    try:
        when = f", {to_the_second(float(message.get('ts') or ''))}"
    except (ValueError, OverflowError, OSError):
        when = ""
    where = one_line(channel.get("name"), NAME_CHARACTERS)
    within = f" in #{where}" if where else ""
    return (
        f"(Slack message of {_author(message, member)}{within}{when}{': ' if link else ''}{link})"
    )


def _author(message: Mapping[str, Any], member: Callable[[str, str], str]) -> str:
    user = str(message.get("user") or "")
    # In a shared channel, a message belongs to its author's workspace ("Slack Connect").
    workspace = str(message.get("user_team") or message.get("team") or "")
    bot = message.get("bot_profile")
    named = message.get("username") or (bot.get("name") if isinstance(bot, Mapping) else "")
    return one_line(member(workspace, user) or named or user or "somebody", NAME_CHARACTERS)


def _shown(found: re.Match[str]) -> str:
    target, label = found.group(1), found.group(2) or ""
    if target[0] in "@#":
        return f"{target[0]}{label.lstrip('@#') or target[1:]}"
    if target[0] == "!":
        return label or f"@{target[1:].partition('^')[0]}"
    address = target[7:] if target.startswith("mailto:") else target
    return f"{label} ({address})" if label and label not in target else address


def _laid(blocks: Any) -> str:
    """Return the readable text of blocks, without buttons."""
    read = [one for one in _objects(blocks) if one.get("type") != "actions"]
    lines = (("" if one.get("type") == "rich_text" else "\n").join(_texts(one)) for one in read)
    return "\n".join(filter(None, lines))


def _texts(part: Any, levels: int = LEVELS) -> Iterable[str]:
    if isinstance(part, str):
        yield unescaped(part)
    elif levels:
        for one in [part] if isinstance(part, Mapping) else _objects(part):
            for name in ("text", "fields", "elements"):
                yield from _texts(one.get(name), levels - 1)


def _objects(value: Any) -> Iterable[Mapping[str, Any]]:
    found = value if isinstance(value, list) else []
    return [one for one in found if isinstance(one, Mapping)][:MOST_PARTS]
