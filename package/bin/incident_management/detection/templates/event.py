"""Find the message of an event: after its header, inside its wrapping, the significant line of
many.

A message may be wrapped by: JSON objects, with or without a header before them, as a container's
runtime writes them; logfmt (``level=info msg="…" id=7``); klog's quotes; Windows events, both as
XML and as Splunk's input writes them (a time, and then a line for each ``Name=value``);
java.util.logging, which has it in the second line; a first line that is only a header.
"""

from __future__ import annotations

import json
import re
from typing import Dict, List, Optional, Sequence, Tuple

from .header import MAY_BE_HEADER, after_header, is_header, is_klog

__all__ = ["exception_line", "message_of", "messages_of"]

LONGEST_MESSAGE = 5000
"""Characters; a longer message is cut."""
TRACE_LINES = 400
"""Lines of one event that are looked at."""
LONGEST_EXCEPTION = 500
DEEPEST = 5
"""Levels of a JSON event in which its message is looked for."""
MAX_FIELDS = 40
"""Fields of a JSON event without a message that make its template."""

_MESSAGE_FIELDS = (
    "message", "msg", "log", "event", "body", "error", "text",
    "Message", "MESSAGE", "short_message", "log_message", "@message",
)  # fmt: skip
# The fields whose value says what happened, for JSON events without a message.
_KIND_FIELDS = ("eventName", "eventType", "event_type", "type", "kind", "action", "operation")

_MAY_NOT_BE_MESSAGE = re.compile(r"\s|\{|[A-Za-z_][\w.-]{0,40}=|" + MAY_BE_HEADER.pattern)
_EXCEPTION = re.compile(r"^(?:Caused by: )?([A-Za-z_][\w.]*(?:Error|Exception|Warning|Fault)\b.*)$")
_QUOTED = r'"((?:[^"\\]|\\.)*)"'
# Fields, of which the last one holds the message.
_LOGFMT = re.compile(
    rf"""(?:[A-Za-z_@][\w.@-]*=(?:"(?:[^"\\]|\\.)*"|[^\s"]*)\s+){{0,40}}?
        (?:msg|message|event)=(?:{_QUOTED}|([\w./-]+))(?=\s|\Z)""",
    re.X,
)
_KLOG_TEXT = re.compile(rf"{_QUOTED}(?=\s+[\w.-]+=|\Z)")
_NAMED = re.compile(r"([A-Za-z]\w{0,40})=(.*)")
_WINDOWS_XML = re.compile(
    r"""<Event\s[^>]*>\s*<System>\s*<Provider\s[^>]*?Name=['"]([^'"]{1,200})['"][^>]*>"""
    r"""(?:</Provider>)?\s*<EventID[^>]{0,60}>(\d{1,5})</EventID>"""
)
_RENDERED = re.compile(r"<Message>\s*([^<\r\n]{1,500})")
_LEVEL_FIRST = re.compile(r"(?:SEVERE|WARNING|INFO|CONFIG|FINE|FINER|FINEST):\s+(?=\S)")


def message_of(raw: str) -> str:
    """Return the part of an event that a person would call its message.

    The header is dropped. Of JSON it is the first of the usual message fields; without one, the
    kind of event that it names and the names of its fields. Of several lines it is the first one
    with a message and the last one that names an exception.
    """
    text = raw.strip()
    if text[:1] == "{":
        text = _of_json(text) or text
    elif text[:7] == "<Event ":
        text = _of_windows_xml(text) or text
    if "\n" in text:
        text = _of_lines(text)
    if len(text) > LONGEST_MESSAGE:
        text = text[:LONGEST_MESSAGE]
    return _of_line(text)


def messages_of(lines: Sequence[str]) -> List[str]:
    """Return the messages of lines; a line in which nothing can be a header is its own message."""
    return [
        message_of(line) if _MAY_NOT_BE_MESSAGE.match(line) or len(line) > LONGEST_MESSAGE else line
        for line in lines
    ]


def exception_line(text: str) -> str:
    """Return the last line of a stack trace that names an exception, "" if there is none."""
    for line in reversed(text.split("\n")[1:TRACE_LINES]):
        found = _EXCEPTION.match(line.strip()[:LONGEST_EXCEPTION])
        if found:
            return found.group(1)
    return ""


def _of_line(text: str) -> str:
    rest = after_header(text) if MAY_BE_HEADER.match(text) else text
    if rest[:1] == "{" and rest is not text:
        return _of_json(rest) or rest
    if rest[:1] == '"' and is_klog(text):
        said = _KLOG_TEXT.match(rest)
        return _unescaped(said.group(1)) if said else rest
    return _of_fields(rest) or rest


def _of_fields(text: str) -> str:
    """Return the message among the fields at the beginning of a line, "" for none."""
    found = _LOGFMT.match(text) if "=" in text else None
    return _unescaped(found.group(1) or found.group(2) or "") if found else ""


def _unescaped(text: str) -> str:
    return text.replace('\\"', '"')


def _of_lines(text: str) -> str:
    lines = [line.strip() for line in text.split("\n", TRACE_LINES)[:TRACE_LINES]]
    lines = [line for line in lines if line] or [""]
    said = exception_line(text)
    if len(lines) > 1 and is_header(lines[0]):
        lines = lines[1:]
        named = _of_named(lines)
        if named:
            return named
    elif len(lines) > 1 and _LEVEL_FIRST.match(lines[1]) and MAY_BE_HEADER.match(lines[0]):
        lines = [_LEVEL_FIRST.sub("", lines[1])]
    first = lines[0]
    return f"{first} {said}" if said and said != first else first


def _of_named(lines: Sequence[str]) -> str:
    """Return the message of a Windows event after its code, "" for another event.

    The lines are ``Name=value``; the value of ``Message``, the last one, may have more lines.
    """
    fields: Dict[str, str] = {}
    for line in lines:
        found = _NAMED.match(line)
        if found is None:
            break
        fields.setdefault(found.group(1), found.group(2))
    if "EventCode" not in fields:
        return ""
    said = fields.get("Message") or fields.get("SourceName", "")
    return f"EventCode:{fields['EventCode']} {said}".rstrip()


def _of_windows_xml(text: str) -> str:
    """Return an event's code and its message, or else its provider; "" for other XML."""
    found = _WINDOWS_XML.match(text)
    if found is None:
        return ""
    said = _RENDERED.search(text, found.end())
    return f"EventCode:{found.group(2)} {said.group(1).strip() if said else found.group(1)}"


def _of_json(text: str) -> str:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(document, dict):
        return ""
    return _json_message(document) or _json_fields(document)


def _json_message(document: Dict[str, object], depth: int = 0) -> str:
    for name in _MESSAGE_FIELDS:
        value = document.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
        if isinstance(value, dict) and depth < DEEPEST:
            inner = _json_message(value, depth + 1)
            if inner:
                return inner
    return ""


def _json_fields(document: Dict[str, object]) -> str:
    """Return ``RunInstances eventTime=… userIdentity.type=…``: the kinds first, then all fields
    by name.
    """
    fields: List[Tuple[str, object]] = []
    _flatten(document, "", 0, fields)
    kinds = [_kind(document.get(name)) for name in _KIND_FIELDS]
    named = [f"{name}={_word(value)}" for name, value in sorted(fields)[:MAX_FIELDS]]
    return " ".join([kind for kind in kinds if kind] + named)


def _flatten(
    value: Dict[str, object], prefix: str, depth: int, into: List[Tuple[str, object]]
) -> None:
    for name, inner in value.items():
        if isinstance(inner, dict) and depth < DEEPEST:
            _flatten(inner, f"{prefix}{name}.", depth + 1, into)
        else:
            into.append((prefix + name, "" if inner is None else str(inner)))


def _kind(value: Optional[object]) -> str:
    return value if isinstance(value, str) and len(value) <= 80 else ""


def _word(value: object) -> str:
    """Return a value as one word, so that each field stays one word."""
    return re.sub(r"\s+", "_", str(value)) or '""'
