"""``INDEXED_EXTRACTIONS = json``: each JSON object is an event, its fields are indexed.

Source: props.conf.spec 10.0, "Structured Data Header Extraction and configuration"; "Extract fields
from files with structured data" in Getting Data In. Names are those that ``spath`` gives. A field
that is called like one of the event's own (``host``) is indexed as ``extracted_host``; text that
is no object is an event of its line, without fields. Both are as told, not written in the manual.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from tools.splunkd_lite.spl.structured import flatten

__all__ = ["indexed_fields", "object_spans", "time_text"]

_MARK = re.compile(rb'["{}]')
_STRING_END = re.compile(rb'(?:[^"\\]|\\.)*"', re.S)
_SPACE = re.compile(rb"\s+")
_LINE = re.compile(rb"[^\r\n]*")
_OWN = frozenset({"host", "source", "sourcetype", "index"})


def object_spans(data: bytes, final: bool) -> Iterator[tuple[int, int, int]]:
    """``(start, end, next)`` of each finished object, or of a line that starts no object.

    What is not finished is left out, unless ``final`` says that no more will come.
    """
    at = 0
    while at < len(data):
        space = _SPACE.match(data, at)
        start = space.end() if space else at
        if start >= len(data):
            return
        end = _object_end(data, start) if data[start : start + 1] == b"{" else -1
        if end < 0:
            line = _LINE.match(data, start)
            assert line is not None  # it matches the empty string, too
            end = line.end()
            if data[start : start + 1] == b"{" or end == len(data):
                if not final:
                    return
                end = len(data.rstrip())
        following = _SPACE.match(data, end)
        at = following.end() if following else end
        yield start, end, at


def _object_end(data: bytes, start: int) -> int:
    """Where the object that starts there ends; -1 if it does not."""
    depth, at = 0, start
    while (mark := _MARK.search(data, at)) is not None:
        at = mark.end()
        if mark.group() == b'"':
            string = _STRING_END.match(data, at)
            if string is None:
                return -1
            at = string.end()
        elif mark.group() == b"{":
            depth += 1
        else:
            depth -= 1
            if depth == 0:
                return at
    return -1


def indexed_fields(text: str) -> dict[str, Any]:
    """The leaves of an event's object by their paths; none if it is not a JSON object."""
    found: dict[str, Any] = {}
    for path, value in flatten(_loaded(text)):
        name = f"extracted_{path}" if path in _OWN or path.startswith("_") else path
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    return found


def time_text(text: str, fields: tuple[str, ...]) -> str | None:
    """The values of ``TIMESTAMP_FIELDS``, with spaces; None if the event has none of them."""
    leaves = dict(flatten(_loaded(text)))
    found = [str(leaves[name]) for name in fields if name in leaves]
    return " ".join(found) if found else None


def _loaded(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
