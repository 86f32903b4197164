"""Lays a message out as an e-mail: plain text, the same as simple HTML, and threading headers.

All mails of an incident have the same subject, and the same id in ``References``, which no mail has
as its own. So mail programs show them as one conversation: Gmail needs both, Outlook the first.
Severity and event are in headers, too (``X-Incident-…``), for mailbox rules.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timezone
from email.header import Header
from email.headerregistry import (
    Address,
    Group,
    HeaderRegistry,
    MessageIDHeader,
    UnstructuredHeader,
)
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape
from typing import Any, Dict, List, Sequence

from ..message import Message, facts, link_words, one_line

__all__ = ["letter"]

_NAME = "Incident Management"
_SUBJECT_CHARACTERS = 150
_URGENT = ("critical", "high")
_COLOURS = {"critical": "#b3261e", "high": "#b3261e", "medium": "#8a5a00", "low": "#0b5cad"}
_FONT = "font-family:Segoe UI,Helvetica,Arial,sans-serif;font-size:14px;color:#222"
# Outlook for Windows does not wrap the lines of a <pre>.
_QUOTE = "background:#f4f4f4;padding:8px;font-family:Consolas,monospace;word-break:break-word"
_WHY = (
    "You receive this because Splunk's Incident Management app sends notifications here. "
    "Replies to this mail are not read."
)


class _Text(UnstructuredHeader):
    """Header text that is kept as it is.

    Python's own class decodes encoded words (``=?utf-8?q?=0D=0A…?=``) that the text already
    contains, and before 3.9.20 and 3.12.5 wrote line ends from them as such (CVE-2024-6923).
    """

    @classmethod
    def parse(cls, value: str, kwds: Dict[str, Any]) -> None:
        kwds.update(parse_tree=None, decoded=value)

    def fold(self: Any, *, policy: Any) -> str:
        is_plain = self.isascii() and "=?" not in self
        words = Header(str(self), "us-ascii" if is_plain else "utf-8", header_name=self.name)
        return f"{self.name}: {words.encode(linesep=policy.linesep)}{policy.linesep}"


def _policy() -> Any:
    """Return a policy with CRLF line ends that never encodes ids, which would break threads."""
    registry: Any = HeaderRegistry(default_class=_Text)
    registry.map_to_type("subject", _Text)
    for name in ("references", "in-reply-to"):
        registry.map_to_type(name, MessageIDHeader)
    return SMTP.clone(header_factory=registry, cte_type="7bit")


_POLICY = _policy()


def letter(
    message: Message, notification_id: str, sender: str, recipients: Sequence[str], now: float
) -> bytes:
    """Lay a message out; the same notification always has the same ``Message-ID``.

    Args:
        sender, recipients: plain addresses, see :mod:`incident_management.mailboxes`.
        now: epoch seconds, for the ``Date`` header.
    """
    mail = EmailMessage(_POLICY)
    mail["From"] = Address(_NAME, addr_spec=sender)
    if message.stakeholders:
        # Stakeholders need not know each other: RFC 5322, 3.4, has an empty group for that.
        mail["To"] = [Group("undisclosed-recipients", ())]
    else:
        mail["To"] = [Address(addr_spec=one) for one in recipients]
    mail["Subject"] = _subject(message)
    mail["Date"] = format_datetime(datetime.fromtimestamp(now, timezone.utc))
    domain = sender.rpartition("@")[2]
    # The time makes it differ from that of a second installation with the same searches.
    own = hashlib.sha256(f"{notification_id} {message.time}".encode()).hexdigest()[:32]
    mail["Message-ID"] = f"<{own}@{domain}>"
    if message.incident_id:
        thread = f"<{one_line(message.incident_id, 40)}@{domain}>"
        mail["In-Reply-To"] = thread
        mail["References"] = thread
        mail["X-Incident-Id"] = one_line(message.incident_id, 40)
    mail["X-Incident-Event"] = one_line(message.event, 40)
    mail["X-Incident-Severity"] = one_line(message.severity, 40)
    if message.severity in _URGENT:
        mail["Importance"] = "high"
    # Asks for no automatic replies: RFC 3834, and the header that Exchange honors.
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(_plain(message), charset="utf-8", cte="quoted-printable")
    mail.add_alternative(_html(message), subtype="html", charset="utf-8", cte="quoted-printable")
    return mail.as_bytes()


def _subject(message: Message) -> str:
    title = one_line(message.opened_as or message.title, _SUBJECT_CHARACTERS)
    if not message.incident_id:
        return title
    again = "" if message.event == "opened" or message.stakeholders else "Re: "
    return f"{again}[{one_line(message.incident_id, 40)}] {title}".strip()


def _head(message: Message) -> str:
    return f"{message.severity.upper()} · {message.headline}"


def _plain(message: Message) -> str:
    parts: List[str] = [f"{_head(message)}\n{message.title}"]
    parts.append("\n".join(f"{name}: {value}" for name, value in facts(message)))
    parts.append(message.text)
    parts.append(f"Likely cause: {message.cause}" if message.cause else "")
    parts.append("\n".join(f"> {line}" for line in message.quote.splitlines()))
    parts.append(f"{link_words(message)}: {message.url}" if message.url else "")
    # Mail programs recognise this as a signature, and fold it.
    parts.append(f"-- \n{_WHY}")
    return "\n\n".join(part for part in parts if part) + "\n"


def _html(message: Message) -> str:
    """Return HTML without external images, styles or links; its only link is the incident's."""
    colour = "#1b6e3c" if message.event == "resolved" else _COLOURS.get(message.severity, "#222")
    rows = "".join(
        f'<tr><td style="padding:1px 12px 1px 0;color:#666;white-space:nowrap">{_safe(name)}</td>'
        f"<td>{_safe(value)}</td></tr>"
        for name, value in facts(message)
    )
    parts = [
        f'<p style="margin:0;color:{colour};font-weight:bold">{_safe(_head(message))}</p>',
        f'<p style="margin:2px 0 10px;font-size:18px;font-weight:bold">{_safe(message.title)}</p>',
        f'<table style="{_FONT};border-collapse:collapse">{rows}</table>' if rows else "",
        f"<p>{_safe(message.text)}</p>" if message.text else "",
        f"<p><b>Likely cause:</b> {_safe(message.cause)}</p>" if message.cause else "",
        f'<p style="{_QUOTE}">{_safe(message.quote)}</p>' if message.quote else "",
        f'<p><a href="{escape(message.url)}">{link_words(message)}</a></p>' if message.url else "",
        f'<p style="color:#666;font-size:12px">{_safe(_WHY)}</p>',
    ]
    body = "\n".join(part for part in parts if part)
    return f'<!DOCTYPE html>\n<html><body style="{_FONT}">\n{body}\n</body></html>\n'


def _safe(text: str) -> str:
    """Return text as HTML that keeps its lines and indents."""
    escaped = escape(text).expandtabs(4).replace("  ", "&nbsp;&nbsp;")
    return escaped.replace("\n", "<br>\n")
