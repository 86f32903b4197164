"""Breaks a stream of bytes into events.

Source: "Configure event line breaking" in Getting Data In, props.conf.spec 10.0. The text before
the first capturing group of LINE_BREAKER ends an event, the group is dropped, and what follows
starts the next one. With SHOULD_LINEMERGE (the default), lines are then merged until
BREAK_ONLY_BEFORE matches or, failing that, a line holds a date; MUST_BREAK_AFTER ends an event.
With INDEXED_EXTRACTIONS = json an event is an object.
"""

from __future__ import annotations

from dataclasses import dataclass

from .jsondata import object_spans
from .props import Props
from .timestamps import find_time

__all__ = ["Span", "break_events", "text_of_span"]


@dataclass(frozen=True)
class Span:
    """An event's bytes ``start:end``; the next one starts at ``next``."""

    start: int
    end: int
    next: int


def break_events(data: bytes, props: Props, final: bool) -> list[Span]:
    """The finished events of ``data``, which starts where an event starts.

    An event is finished when the next one's start has been seen. With ``final`` what is left is an
    event too: the stream has ended, or nothing came for a while.
    """
    if props.json:
        return [Span(*each) for each in object_spans(data, final)]
    lines = _lines(data, props, final)
    if not props.merge:
        return [line for line in lines if line.end > line.start]
    return [s for s in _merge(data, lines, props, final) if data[s.start : s.end].strip(b"\r\n")]


def text_of_span(data: bytes, span: Span, props: Props) -> str:
    """An event's text, cut at TRUNCATE bytes (0: never)."""
    raw = data[span.start : span.end]
    if props.truncate and len(raw) > props.truncate:
        raw = raw[: props.truncate]
    return raw.decode(props.charset, "replace")


def _lines(data: bytes, props: Props, final: bool) -> list[Span]:
    """What LINE_BREAKER makes of the bytes.

    A break is only sure once a byte follows its group: ``[\\r\\n]+`` may go on, and a pattern may
    need to see the start of the next event.
    """
    spans, start = [], 0
    match = props.line_breaker.search(data)
    while match is not None:
        begin, end = match.span(1)
        if end >= len(data) and not final and not data.endswith(b"\n"):
            break
        if end > start and begin >= start:
            spans.append(Span(start, begin, end))
            start = end
        match = props.line_breaker.search(data, max(end, match.start() + 1))
    if final and start < len(data):
        tail = data[start:].rstrip(b"\r\n")
        spans.append(Span(start, start + len(tail), len(data)))
    return spans


def _merge(data: bytes, lines: list[Span], props: Props, final: bool) -> list[Span]:
    events: list[Span] = []
    current: Span | None = None
    count = 0
    for line in lines:
        if current is None:
            current, count = line, 1
        elif count >= props.max_events or _starts_event(data, line, props):
            events.append(current)
            current, count = line, 1
        else:
            current, count = Span(current.start, line.end, line.next), count + 1
        if props.must_break_after is not None and _matches(props.must_break_after, data, line):
            events.append(current)
            current = None
    if current is not None and final:
        events.append(current)
    return events


def _starts_event(data: bytes, line: Span, props: Props) -> bool:
    if props.break_only_before is not None:
        return _matches(props.break_only_before, data, line)
    if not props.break_before_date:
        return False
    return find_time(text_of_span(data, line, props), props) is not None


def _matches(pattern: object, data: bytes, line: Span) -> bool:
    return pattern.search(data[line.start : line.end]) is not None  # type: ignore[attr-defined]
