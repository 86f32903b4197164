"""``TRANSFORMS-<class>`` of props.conf: what transforms.conf does to an event before it is stored.

Sources: transforms.conf.spec 10.0 (``REGEX``, ``FORMAT``, ``SOURCE_KEY``, ``DEST_KEY``,
``WRITE_META``, ``DEFAULT_VALUE``, ``REPEAT_MATCH``, ``LOOKAHEAD``, and its section "KEYS"); "Route
and filter data" in Forwarding Data.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pcre2

from tools.splunkd_lite.runners.errors import RunnerError, Unsupported
from tools.splunkd_lite.runners.settings import truthy

__all__ = ["NULL_QUEUE", "Draft", "Transform"]

NULL_QUEUE = "nullQueue"
_METADATA = {
    "metadata:host": ("host", "host::"),
    "metadata:source": ("source", "source::"),
    "metadata:sourcetype": ("sourcetype", "sourcetype::"),
}
_SETTINGS = {
    "REGEX", "FORMAT", "SOURCE_KEY", "DEST_KEY", "WRITE_META", "DEFAULT_VALUE", "REPEAT_MATCH",
    "LOOKAHEAD", "MATCH_LIMIT", "DEPTH_LIMIT", "CLEAN_KEYS", "KEEP_EMPTY_VALS", "CAN_OPTIMIZE",
    "MV_ADD",
}  # fmt: skip
_OTHER_KINDS = {"CLONE_SOURCETYPE", "INGEST_EVAL", "STOP_PROCESSING_IF", "METRIC_NAME"}
_REFERENCE = re.compile(r"\$(\d+)")
_PAIR = re.compile(r'(?P<name>\S+?)::(?P<value>"(?:[^"\\]|\\.)*"|\S*)')


@dataclass
class Draft:
    """An event on its way into an index: its index, its fields, and the queue it is in."""

    index: str
    event: dict[str, Any]
    queue: str = "indexQueue"


@dataclass(frozen=True)
class Transform:
    """One stanza of transforms.conf, as an index-time transform."""

    name: str
    regex: Any
    format: str
    source_key: str
    dest_key: str
    default: str
    repeat: bool
    lookahead: int

    @classmethod
    def of(cls, name: str, settings: Mapping[str, str]) -> Transform:
        """Raises: RunnerError: malformed, or something that is not done here."""
        where = f"[{name}] of transforms.conf"
        for key in settings:
            if key.startswith(tuple(_OTHER_KINDS)) or (key not in _SETTINGS and key.isupper()):
                raise Unsupported(f"{key} in {where} is not supported here.")
        pattern = settings.get("REGEX", "")
        if not pattern:
            raise RunnerError(f"{where} is an index-time transform without REGEX.")
        try:
            compiled = pcre2.compile(pattern)
        except pcre2.error as error:
            raise RunnerError(f"REGEX in {where} is malformed: {error}.") from error
        meta = truthy(settings.get("WRITE_META"), False, f"WRITE_META in {where}")
        dest = settings.get("DEST_KEY", "").strip() or ("_meta" if meta else "")
        if not dest:
            raise RunnerError(f"{where} has neither DEST_KEY nor WRITE_META.")
        known = ("_raw", "_meta", "queue", "_metadata:index", *_METADATA)
        if dest.lower() not in known:
            raise Unsupported(f"DEST_KEY = {dest} in {where} is not supported here.")
        source = settings.get("SOURCE_KEY", "_raw").strip()
        if source.lower() not in known or source.lower() == "queue":
            raise Unsupported(f"SOURCE_KEY = {source} in {where} is not supported here.")
        return cls(
            name,
            compiled,
            settings.get("FORMAT") or (f"{name}::$1" if dest.lower() == "_meta" else "$1"),
            source.lower(),
            dest.lower(),
            settings.get("DEFAULT_VALUE", ""),
            truthy(settings.get("REPEAT_MATCH"), False, f"REPEAT_MATCH in {where}"),
            _number(settings.get("LOOKAHEAD", "4096"), where),
        )

    def apply(self, draft: Draft) -> None:
        """Change the event where its source key matches."""
        subject = _read(draft, self.source_key)[: self.lookahead]
        matches = list(self.regex.finditer(subject))[: None if self.repeat else 1]
        if not matches:
            if self.default:
                _write(draft, self.dest_key, self.default, self.name)
            return
        before = _read(draft, self.dest_key) if "$0" in self.format else ""
        for match in matches:
            _write(draft, self.dest_key, _formatted(self.format, match, before), self.name)


def _formatted(text: str, match: Any, before: str) -> str:
    """``$n`` is a group of the match, ``$0`` what the destination held before."""

    def one(reference: re.Match[str]) -> str:
        number = int(reference.group(1))
        if number == 0:
            return before
        return (match.group(number) or "") if number <= match.re.groups else ""

    return _REFERENCE.sub(one, text)


def _read(draft: Draft, key: str) -> str:
    if key in _METADATA:
        field, prefix = _METADATA[key]
        return prefix + str(draft.event.get(field, ""))
    if key == "_metadata:index":
        return draft.index
    if key == "queue":
        return draft.queue
    if key == "_raw":
        return str(draft.event["_raw"])
    own = {"_raw", "_time", "host", "source", "sourcetype", "_dedup"}
    pairs = ((k, v) for k, v in draft.event.items() if k not in own)
    return " ".join(f"{name}::{value}" for name, value in pairs)


def _write(draft: Draft, key: str, value: str, name: str) -> None:
    if key in _METADATA:
        field, prefix = _METADATA[key]
        draft.event[field] = value[len(prefix) :] if value.startswith(prefix) else value
    elif key == "_metadata:index":
        draft.index = value
    elif key == "queue":
        if value not in (NULL_QUEUE, "indexQueue"):
            raise Unsupported(f"The queue '{value}' of [{name}] is not supported here.")
        draft.queue = value
    elif key == "_raw":
        draft.event["_raw"] = value
    else:
        for pair in _PAIR.finditer(value):
            _add(draft.event, pair["name"], pair["value"].strip('"'))


def _add(event: dict[str, Any], name: str, value: str) -> None:
    """An indexed field; a second value makes it multivalue."""
    if name not in event:
        event[name] = value
    elif isinstance(event[name], list):
        event[name].append(value)
    else:
        event[name] = [event[name], value]


def _number(text: str, where: str) -> int:
    if not text.strip().isdigit():
        raise RunnerError(f"LOOKAHEAD = {text} in {where} is not a number of characters.")
    return int(text)
