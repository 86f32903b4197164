"""Index-time settings of props.conf for one source, source type and host.

Source: props.conf.spec 10.0: ``[source::…]`` beats ``[host::…]`` beats ``[<sourcetype>]``; in their
patterns ``*`` stops at ``/`` and ``...`` does not; ``priority`` settles ties.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import pcre2

from tools.splunkd_lite.runners.errors import RunnerError, Unsupported
from tools.splunkd_lite.runners.settings import names, truthy

from .indextime import Edits

__all__ = ["Props", "props_for", "source_pattern"]

DEFAULT_LINE_BREAKER = r"([\r\n]+)"
_UNSUPPORTED = ("INGEST_EVAL", "EVENT_BREAKER", "MUST_NOT_BREAK_BEFORE",
                "MUST_NOT_BREAK_AFTER", "PREAMBLE_REGEX", "RULESET-")  # fmt: skip


@dataclass(frozen=True)
class Props:
    """The settings that breaking and timestamping use; the defaults are splunkd's."""

    line_breaker: Any = field(default_factory=lambda: _bytes_regex(DEFAULT_LINE_BREAKER))
    merge: bool = True
    break_only_before: Any = None
    break_before_date: bool = True
    must_break_after: Any = None
    max_events: int = 256
    truncate: int = 10_000
    time_prefix: Any = None
    time_format: str = ""
    lookahead: int = 128
    timezone: str = ""
    current_time: bool = False
    charset: str = "utf-8"
    sourcetype: str = ""
    json: bool = False  # INDEXED_EXTRACTIONS = json
    timestamp_fields: tuple[str, ...] = ()
    edits: Edits = field(default_factory=Edits)

    @classmethod
    def of(cls, settings: Mapping[str, str], conf: Any = None) -> Props:
        """Props from merged settings; ``conf`` is where their transforms are.

        Raises:
            RunnerError: a setting is malformed, or is one of those that are not done here.
        """
        for key in settings:
            if key.startswith(_UNSUPPORTED):
                raise Unsupported(f"The setting {key} of props.conf is not supported here.")
        get = settings.get
        datetime_config = get("DATETIME_CONFIG", "").strip().upper()
        return cls(
            line_breaker=_with_group(get("LINE_BREAKER") or DEFAULT_LINE_BREAKER),
            merge=truthy(get("SHOULD_LINEMERGE"), True, "SHOULD_LINEMERGE"),
            break_only_before=_optional(get("BREAK_ONLY_BEFORE"), _bytes_regex),
            break_before_date=truthy(get("BREAK_ONLY_BEFORE_DATE"), True, "BREAK_ONLY_BEFORE_DATE"),
            must_break_after=_optional(get("MUST_BREAK_AFTER"), _bytes_regex),
            max_events=_number(get("MAX_EVENTS", "256"), "MAX_EVENTS"),
            truncate=_number(get("TRUNCATE", "10000"), "TRUNCATE"),
            time_prefix=_optional(get("TIME_PREFIX"), _text_regex),
            time_format=get("TIME_FORMAT", ""),
            lookahead=_number(get("MAX_TIMESTAMP_LOOKAHEAD", "128"), "MAX_TIMESTAMP_LOOKAHEAD"),
            timezone=get("TZ", ""),
            current_time=datetime_config in ("CURRENT", "NONE"),
            charset=_charset(get("CHARSET", "UTF-8")),
            sourcetype=get("sourcetype", ""),
            json=_structured(get("INDEXED_EXTRACTIONS", "")),
            timestamp_fields=tuple(names(get("TIMESTAMP_FIELDS"))),
            edits=Edits.of(settings, conf),
        )


def props_for(conf: Any, source: str, sourcetype: str, host: str) -> Props:
    """The settings for one input. A ``[source::…]`` stanza may itself name the source type.

    Raises:
        RunnerError: as for :meth:`Props.of`.
    """
    stanzas = conf.stanzas("props")
    by_source = _matching(stanzas, "source::", source)
    sourcetype = sourcetype or by_source.get("sourcetype", "")
    merged = dict(stanzas.get(sourcetype, {}))
    merged.update(_matching(stanzas, "host::", host))
    merged.update(by_source)
    return Props.of({**merged, "sourcetype": sourcetype}, conf)


@lru_cache(maxsize=512)
def source_pattern(pattern: str) -> re.Pattern[str]:
    """A path pattern of props.conf or inputs.conf: ``...`` any depth, ``*`` within one folder."""
    parts = re.split(r"(\.\.\.|\*)", pattern)
    wild = {"...": ".*", "*": "[^/]*"}
    return re.compile("".join(wild.get(part, re.escape(part)) for part in parts) + r"\Z")


def _matching(stanzas: Mapping[str, Mapping[str, str]], kind: str, value: str) -> dict[str, str]:
    found = [
        (int(settings.get("priority", "0")), name, settings)
        for name, settings in stanzas.items()
        if name.startswith(kind) and source_pattern(name[len(kind) :]).match(value)
    ]
    merged: dict[str, str] = {}
    for _, _, settings in sorted(found, key=lambda item: item[:2]):
        merged.update(settings)
    return merged


def _structured(kind: str) -> bool:
    if kind.strip().lower() not in ("", "none", "json"):
        raise Unsupported(f"INDEXED_EXTRACTIONS = {kind} of props.conf is not done: only json.")
    return kind.strip().lower() == "json"


def _with_group(pattern: str) -> Any:
    compiled = _bytes_regex(pattern)
    if compiled.groups < 1:
        raise RunnerError(f"The LINE_BREAKER '{pattern}' has no capturing group.")
    return compiled


def _bytes_regex(pattern: str) -> Any:
    try:
        return pcre2.compile(pattern.encode())
    except pcre2.error as error:
        raise RunnerError(f"The regular expression '{pattern}' is malformed: {error}.") from error


def _text_regex(pattern: str) -> Any:
    try:
        return pcre2.compile(pattern)
    except pcre2.error as error:
        raise RunnerError(f"The regular expression '{pattern}' is malformed: {error}.") from error


def _optional(pattern: str | None, compile_it: Any) -> Any:
    return compile_it(pattern) if pattern else None


def _number(text: str, setting: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise RunnerError(f"The value '{text}' of {setting} is not a whole number.") from error


def _charset(name: str) -> str:
    if name.upper() == "AUTO":
        return "utf-8"
    try:
        "".encode(name)
    except LookupError as error:
        raise RunnerError(f"The CHARSET '{name}' is not known.") from error
    return name
