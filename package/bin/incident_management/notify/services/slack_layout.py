"""Lays a message out for Slack: Block Kit, pure.

Slack's limits are in :mod:`.slack_limits`. Text from outside is escaped (``& < >``) and
``verbatim``; without that, Slack makes links and "certain mentions" out of plain words ("Text
object"). So a log line can neither mention people nor make links.
"""

from __future__ import annotations

from typing import Any, Dict, List

from ...durations import span
from ...incidents.model import ENDED
from ...utc import to_the_second
from ..message import STANDING, SUMMARY, Message, field_facts, listed
from ..request_fields import truncated
from .slack_buttons import buttons
from .slack_limits import FIELD_CHARACTERS, HEADER_CHARACTERS, TEXT_CHARACTERS, fitted_blocks

__all__ = ["EMOJI", "blocks", "date", "escape", "fallback", "section"]

EMOJI = {
    "critical": "🔴",
    "high": "🟠",
    "medium": "🟡",
    "low": "🔵",
    "info": "⚪",
}
# Events whose headline is the incident's title.
_TITLED = ("opened", STANDING, SUMMARY)


def escape(text: str, length: int = TEXT_CHARACTERS) -> str:
    """Escape for mrkdwn, cut so that the escaped text is at most ``length`` long."""

    def escaped(part: str) -> str:
        return part.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    result = escaped(text)
    keep = len(text)
    while len(result) > length:
        keep = min(keep - 1, max(keep - (len(result) - length) // 5, 1))
        result = escaped(text[:keep].rstrip()) + "…"
    return result


def fallback(message: Message) -> str:
    """Return the line for phone notifications: severity, event, title, place."""
    parts = [_subject(message)]
    if message.event == "alert":
        parts = [_marked(message, message.title), truncated(message.text, 300)]
    elif message.event == "update":
        parts += [message.title, truncated(message.text, 300)]
    elif message.event not in _TITLED:
        parts.append(message.title)
    where = listed(message.where)
    if where not in message.title:
        parts.append(where)
    line = " · ".join(part for part in (*parts, message.incident_id) if part)
    return escape(" ".join(line.split()), 600)


def blocks(message: Message, answers: bool = False) -> List[Dict[str, Any]]:
    """Lay a message out in Block Kit; ``answers``: see :func:`.slack_buttons.buttons`."""
    laid: List[Dict[str, Any]] = [_header(message)]
    if message.event not in _TITLED and message.incident_id:
        laid.append(section(f"*{escape(message.title, 600)}*"))
    custom = [_field(escape(label, 100), escape(v, 1900)) for label, v in field_facts(message)]
    found = [{"type": "section", "fields": some} for some in (_fields(message), custom) if some]
    said = [section(escape(message.text))] if message.text else []
    # A text that a person wrote for others comes before the facts.
    laid += [*said, *found] if message.event == "update" else [*found, *said]
    if message.room:
        laid.append(section(f"<#{escape(message.room)}>"))
    if message.cause:
        laid.append(section(f"*Likely cause*\n{escape(message.cause, 2800)}"))
    if message.quote:
        laid.append(_preformatted(message.quote))
    laid += buttons(message, answers)
    laid.append(_context(message))
    return fitted_blocks(laid)


def _header(message: Message) -> Dict[str, Any]:
    text = truncated(_subject(message), HEADER_CHARACTERS)
    return {"type": "header", "text": {"type": "plain_text", "text": text, "emoji": False}}


def _subject(message: Message) -> str:
    return _marked(message, message.title if message.event in _TITLED else message.headline)


def _marked(message: Message, text: str) -> str:
    mark = "✅" if _is_over(message) else EMOJI.get(message.severity, "⚪")
    return f"{mark} {message.severity.upper()} · {' '.join(text.split())}"


def _fields(message: Message) -> List[Dict[str, Any]]:
    pairs = []
    if message.where:
        name = "Affected" if message.stakeholders else "Where"
        pairs.append((name, escape(listed(message.where), 1900)))
    if message.since:
        pairs.append(("Since", _since(message)))
    if message.next_by:
        pairs.append(("Next update by", date(message.next_by)))
    if message.events:
        pairs.append(("Events", f"{message.events:,}"))
    if message.incident_id and not message.stakeholders:
        people = " · ".join(part for part in (message.team, message.owner) if part)
        mention = f" <@{message.mention}>" if message.mention else ""
        pairs.append(("Team · owner", escape(people or "unassigned", 1900) + mention))
        pairs += [("Roles", escape(message.roles, 1900))] if message.roles else []
    elif message.mention:
        called = " ".join(f"<@{one}>" for one in message.mention.split(","))
        pairs.append(("For", called))
    if message.rules:
        pairs.append(("Found by", escape(listed(message.rules), 1900)))
    if message.status and not (message.stakeholders or message.event in ("opened", "resolved")):
        pairs.append(("Status", escape(message.status.replace("_", " "), 100)))
    return [_field(name, text) for name, text in pairs]


def _field(name: str, text: str) -> Dict[str, Any]:
    return _mrkdwn(f"*{name}*\n{text}"[:FIELD_CHARACTERS])


def _since(message: Message) -> str:
    text = date(message.since)
    if _is_over(message) and message.time > message.since:
        return f"{text} (for {span(message.time - message.since)})"
    return text


def _is_over(message: Message) -> bool:
    is_resolved = message.event in (STANDING, "update") and message.status in ENDED
    return message.event == "resolved" or is_resolved


def date(when: float) -> str:
    """Return a time that Slack shows to each reader in their own time zone."""
    return f"<!date^{int(when)}^{{date_short_pretty}} {{time_secs}}|{to_the_second(when)}>"


def section(text: str) -> Dict[str, Any]:
    """Return a block of a text that is already escaped."""
    return {"type": "section", "text": _mrkdwn(text)}


def _mrkdwn(text: str) -> Dict[str, Any]:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _preformatted(text: str) -> Dict[str, Any]:
    """Return a quote as rich text, which is not parsed for markup."""
    return {
        "type": "rich_text",
        "elements": [
            {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": text}]}
        ],
    }


def _context(message: Message) -> Dict[str, Any]:
    when = date(message.time) if message.event == STANDING and message.time else ""
    parts = (escape(message.headline, 300), when, escape(message.incident_id, 100))
    return {"type": "context", "elements": [_mrkdwn(" · ".join(part for part in parts if part))]}
