"""What of an event its message is: past the header, inside JSON, the telling lines of a trace.

A header is what loggers put before a message: times, levels, host, process, thread, component. It
is taken as such only where a time stands near the start of the line. Headers vary from line to
line and machine to machine, and so are no part of a template.
"""

from __future__ import annotations

import json
import re
from typing import Dict, List, Optional, Sequence, Tuple

__all__ = ["LONGEST_MESSAGE", "exception_line", "message_of", "messages_of"]

LONGEST_MESSAGE = 5000
"""Characters; a longer message is cut."""
TRACE_LINES = 400
"""Lines of one event that are looked at."""
LONGEST_EXCEPTION = 500
DEEPEST = 5
"""Levels of a JSON event in which its message is looked for."""
MOST_FIELDS = 40
"""Fields of a JSON event without a message that make its template."""

_MESSAGE_FIELDS = ("message", "msg", "log", "event", "body", "error", "text")
# Of a JSON event without a message: the fields whose value says what happened.
_KIND_FIELDS = ("eventName", "eventType", "event_type", "type", "kind", "action", "operation")

_CLOCK = r"\d{1,2}[:.]\d{1,2}[:.]\d{1,2}(?:[.,:]\d{1,9})?"
_ZONE = r"(?:\s?(?:Z\b|UTC|GMT|[+-]\d\d:?\d\d))?"
_STAMP = rf"""(?:
    \d{{4}}[-/.]\d\d[-/.]\d\d(?:[T\s_-]\s?{_CLOCK}{_ZONE})?          # 2026-01-31 10:00:00,123
  | \d\d[-/.]\d\d(?:[-/.]\d\d(?:\d\d)?)?\s{_CLOCK}                   # 17/06/09 20:10:40
  | (?:[A-Z][a-z]{{2}}\s+)?[A-Z][a-z]{{2}}\s+\d{{1,2}}\s+{_CLOCK}(?:\s[A-Z]{{3,4}})?(?:\s\d{{4}})?
  | \d{{1,2}}[/-][A-Z][a-z]{{2}}[/-]\d{{4}}[:\s]{_CLOCK}{_ZONE}      # 31/Jan/2026:10:00:00 +0000
  | \d{{6,8}}[\s-]\d{{6}}(?=\s) | \d{{8}}-{_CLOCK}                   # 081109 203615
  | \d\d:\d\d:\d\d(?:[.,]\d{{1,9}})?
  | 1\d{{9}}\.\d{{1,9}} | (?<!\[)1\d{{9}}                            # epoch seconds; [1…]: an id
  | (?<=\[)\s{{0,8}}\d{{1,9}}\.\d{{6}}                               # kernel's seconds since boot
)"""
_LEVEL = (
    r"(?:TRACE|DEBUG|INFO|INFORMATION|NOTICE|WARN|WARNING|ERROR|ERR|SEVERE|CRIT|CRITICAL|FATAL"
    r"|ALERT|EMERG|PANIC|LOG|FAILURE|FINE|FINER|FINEST|CONFIG"
    r"|trace|debug|info|notice|warn|warning|error|err|crit|critical|fatal|alert|emerg"
    r"|Trace|Debug|Info|Notice|Warn|Warning|Error|Critical|Fatal|[VDIWEF])"
)
_START = re.compile(
    rf"""(?:(?:-|\d{{1,12}}(?:\.\d+)*(?::[A-Z])?|[\w-]+\.log[\w.:-]*|node\S{{0,40}}|[\w.]{{1,40}}_[\w.]{{1,40}}
        |[a-z]+\.[a-z]+)\s+){{0,4}}                                  # what may stand before a time
        [\[<(]?{_STAMP}[\])>]?[,:]?(?=[\s|]|\Z)""",
    re.X,
)
_PART = re.compile(
    rf"""[\s|]*(?:
        [\[<(]?{_STAMP}[\])>]?[,:]?(?=[\s|])
      | [\[<(]?{_LEVEL}[\])>]?:?(?=[\s|])                            # level
      | \[?\#?\d{{1,10}}\]?:?(?=[\s|])                               # process or thread
      | [|-]+(?=\s)
      | (?:[\w.-]+\#\d+:)(?=\s)
      | \[(?:[^\[\]]|\[[^\[\]]{{0,60}}\]){{0,200}}\]:?(?=[\s|])      # [main], [req-1 - - -]
      | (?:[A-Z]{{3,12}}\s+){{1,2}}(?={_LEVEL}\s)                    # RAS KERNEL INFO
      | R\d\d-\S{{1,40}}(?=\s)
      | [\w.-]{{1,80}}(?:/[\w.-]{{1,80}})?(?=\s{_STAMP})
    )""",
    re.X,
)
# host process[1]: of syslog; or a component, closed by a colon or dotted
_SYSLOG = re.compile(
    r"[\s|]*[\w.:/-]{1,80}\s+(?=[\w.@/+-]{1,60}(?:\([\w:.-]{1,60}\))?(?:\[\d{1,10}\])?:(?:\s|\Z))"
)
_COMPONENT = re.compile(
    r"""[\s|]*(?:
        (?!\S{0,120}(?:Error|Exception)\s?:)
        [\w.$@/+-]{1,120}(?:\([\w:.-]{1,60}\))?(?:\[[\w.\s-]{0,40}\])?\s?:(?=\s|\Z)
      | (?:[A-Za-z_][\w$-]*\.)+[\w$-]+(?:\s\[req-[^\]]{0,200}\]|\s-)?(?=\s)  # logger.name
      | [A-Za-z_]\w{0,30}\|[\w]{0,20}\|                               # component|id|
      | [A-Z]{2,12}(?=\s{2,})                                         # a column
      | -(?=\s)
    )""",
    re.X,
)
_MAY_BE_HEADER = re.compile(r"[\[<(\d-]|[A-Z][a-z]{2}\s|node|[a-z_-][\w.-]{0,80}\d{4}-")
_MAY_NOT_BE_MESSAGE = re.compile(r"\s|\{|" + _MAY_BE_HEADER.pattern)
_EXCEPTION = re.compile(r"^(?:Caused by: )?([A-Za-z_][\w.]*(?:Error|Exception|Warning|Fault)\b.*)$")
_WORD_FOLLOWS = re.compile(r"[\s|]*\S")


def message_of(raw: str) -> str:
    """Return what a person would call the message of an event.

    The header is dropped. JSON: the first of the usual message fields; without one, what the event
    says it is, and the names of its fields. Several lines: the first one, and the last line that
    names an exception.
    """
    text = raw.strip()
    if text[:1] == "{":
        text = _of_json(text) or text
    if "\n" in text:
        text = _of_lines(text)
    if len(text) > LONGEST_MESSAGE:
        text = text[:LONGEST_MESSAGE]
    return _without_header(text) if _MAY_BE_HEADER.match(text) else text


def messages_of(lines: Sequence[str]) -> List[str]:
    """Return the messages of lines: the line itself where nothing in it can be a header."""
    return [
        message_of(line) if _MAY_NOT_BE_MESSAGE.match(line) or len(line) > LONGEST_MESSAGE else line
        for line in lines
    ]


def exception_line(text: str) -> str:
    """Return the last line of a stack trace that names an exception, "" when there is none."""
    for line in reversed(text.split("\n")[1:TRACE_LINES]):
        found = _EXCEPTION.match(line.strip()[:LONGEST_EXCEPTION])
        if found:
            return found.group(1)
    return ""


def _without_header(text: str) -> str:
    found = _START.match(text)
    if found is None:
        return text
    end = found.end()
    for _ in range(8):
        part = _PART.match(text, end)
        if part is None or not part.group().strip():
            break
        end = part.end()
    host = _SYSLOG.match(text, end)
    if host:
        end = host.end()
    component = _COMPONENT.match(text, end)
    if component:
        end = component.end()
    # A line that is nothing but a header is its own message.
    return text[end:].lstrip(" \t|") if _WORD_FOLLOWS.match(text, end) else text


def _of_lines(text: str) -> str:
    first = text.split("\n", 1)[0].strip()
    said = exception_line(text)
    return f"{first} {said}" if said else first


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
    """``RunInstances eventTime=… userIdentity.type=…``: kinds first, then all fields by name."""
    fields: List[Tuple[str, object]] = []
    _flatten(document, "", 0, fields)
    kinds = [_kind(document.get(name)) for name in _KIND_FIELDS]
    named = [f"{name}={_word(value)}" for name, value in sorted(fields)[:MOST_FIELDS]]
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
    """A value as one word, so that each field stays one word."""
    return re.sub(r"\s+", "_", str(value)) or '""'
