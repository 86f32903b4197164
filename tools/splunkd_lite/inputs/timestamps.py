"""Finds the time of an event in its text.

Source: "How timestamp assignment works" and "Configure timestamp recognition" in Getting Data In:
TIME_FORMAT after TIME_PREFIX within MAX_TIMESTAMP_LOOKAHEAD characters; else a known form of
timestamp in those characters; else the time of the event before it in the same source; else now.
Of a JSON object with TIMESTAMP_FIELDS, the text of those fields is looked at (props.conf.spec).
"""

from __future__ import annotations

import os
import re
from datetime import datetime, tzinfo
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tools.splunkd_lite.runners.errors import RunnerError
from tools.splunkd_lite.spl.timeformat import parse_time

from .jsondata import time_text
from .props import Props

__all__ = ["find_time"]

_KNOWN = re.compile(
    r"(?P<iso>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:\s?(?:Z|[+-]\d\d:?\d\d))?)"
    r"|(?P<slash>\d{4}/\d\d/\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:\s?(?:Z|[+-]\d\d:?\d\d))?)"
    r"|(?P<apache>\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d(?:\.\d+)?(?: [+-]\d{4})?)"
    r"|(?P<splunkd>\d\d-\d\d-\d{4} \d\d:\d\d:\d\d\.\d+ [+-]\d{4})"
    r"|(?P<syslog>\b[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d\b)"
    r"|(?P<epoch>(?<![\d.])1\d{9}(?:\.\d{1,6})?(?![\d]))"
)
_FORMATS = {
    "iso": "%Y-%m-%d %H:%M:%S", "slash": "%Y/%m/%d %H:%M:%S", "apache": "%d/%b/%Y:%H:%M:%S",
    "splunkd": "%m-%d-%Y %H:%M:%S", "syslog": "%b %e %H:%M:%S", "epoch": "%s",
}  # fmt: skip
_FRACTION = re.compile(r"(?<=\d\d)[.,](\d+)")
_ZONE = re.compile(r"\s?(Z|[+-]\d\d:?\d\d)\Z")
_STARTS = re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9]")


def find_time(text: str, props: Props) -> float | None:
    """The event's time in epoch seconds, or None when its text holds none."""
    if props.current_time:
        return None
    if props.json and props.timestamp_fields:
        found = time_text(text, props.timestamp_fields)
        if found is None:
            return None
        text = found
    start = 0
    if props.time_prefix is not None:
        prefix = props.time_prefix.search(text)
        if prefix is None:
            return None
        start = prefix.end()
    end = len(text) if props.lookahead < 0 else start + props.lookahead
    window = text[start:end]
    zone = _zone(props.timezone)
    if props.time_format:
        return _by_format(window, props.time_format, zone)
    return _by_look(window, zone)


def _by_format(window: str, pattern: str, zone: tzinfo) -> float | None:
    """The first place where the format fits, a number or word at a time."""
    for found in _STARTS.finditer(window):
        moment = parse_time(window[found.start() :], pattern, zone)
        if moment is not None:
            return moment
    return parse_time(window, pattern, zone)


def _by_look(window: str, zone: tzinfo) -> float | None:
    found = _KNOWN.search(window)
    if found is None:
        return None
    kind = found.lastgroup or ""
    text, pattern = found.group(), _FORMATS[kind]
    if kind == "epoch":
        return float(text)
    stated = _ZONE.search(text) if kind not in ("syslog",) else None
    if stated:
        text, pattern = text[: stated.start()], pattern + " %z"
    fraction = _FRACTION.search(text)
    if fraction:
        text = text[: fraction.start()] + text[fraction.end() :]
    text = text.replace("T", " ") + (" " + stated.group(1) if stated else "")
    moment = parse_time(text, pattern, zone)
    if moment is None:
        return None
    return moment + (float("0." + fraction.group(1)) if fraction else 0.0)


@lru_cache(maxsize=64)
def _named_zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise RunnerError(f"The TZ '{name}' of props.conf is not known.") from error


def _zone(name: str) -> tzinfo:
    return _named_zone(name) if name else _local_zone()


@lru_cache(maxsize=1)
def _local_zone() -> tzinfo:
    """The machine's time zone, by its name where it has one, so that summer time is right."""
    name = os.environ.get("TZ", "").lstrip(":")
    link = str(Path("/etc/localtime").resolve())
    if not name and "/zoneinfo/" in link:
        name = link.rpartition("/zoneinfo/")[2]
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        local = datetime.now().astimezone().tzinfo
        assert local is not None  # an aware time has one
        return local
