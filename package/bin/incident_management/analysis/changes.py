"""Parse a change event: what changed, where, when, by whom, to which version."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Dict, List, Mapping, Optional, Tuple

from .evidence import LOOKED_AT, Event, first_text

__all__ = ["CHANGE_FIELDS", "PLACE_FIELDS", "Change"]

PLACE_FIELDS = ("alias", "cluster", "namespace", "account", "region", "environment")
"""Fields that tell services of one name apart. A value is a name, or a full ARN."""
CHANGE_FIELDS = (
    "change_id", "service", "kind", "summary", "actor", "version", "previous_version",
    *PLACE_FIELDS,
)  # fmt: skip
"""The fields that a search for change events requests."""
CANARY = "canary"
"""The kind of a partial deploy: most instances keep running the earlier version."""

DIFF_LIMIT = 20000
"""The most characters read of a diff, of each side of changed settings, and of file names."""
DEEPEST = 10
LINE_LIMIT = 1000
"""The most characters read of one line of a diff: a longer line is generated code."""

# The header of a log line (time, host, program). It has no level and nothing quoted.
_LEVEL = r"(?:trace|debug|info|notice|warn\w*|err\w*|crit\w*|fatal|severe|alert|emerg\w*)"
_HEADER = re.compile(rf"(?!.*\b{_LEVEL}\b)[^=?&\"'{{}}]{{0,120}}", re.I)
_PAIRS_UP_TO_ID = re.compile(
    r"(?<![\w.])(?:(?!level|severity|loglevel)[\w.]{1,60}="
    r"(?:\"[^\"\n]{0,400}\"[,;]?|[^\s\"=]{1,400})\s{1,4}){0,30}"
    r"change_id\s?=",
    re.I,
)

_DIFF_FIELDS = ("diff", "patch", "changes", "details", "body")
_FILE_FIELDS = ("files", "files_changed", "paths", "file")
_BEFORE_FIELDS = ("before", "old", "old_value", "from", "previous")
_AFTER_FIELDS = ("after", "new", "new_value", "to", "current")
_NAME_FIELDS = ("key", "name", "setting", "parameter", "option", "flag")
_SWITCH = re.compile(
    r"(?:[^:]{1,200}: )?(?:true|false|on|off|enabled|disabled|\d{1,3}(?:\.\d{1,3})?\s?%?)", re.I
)
_HUNK_FILE = re.compile(r"^(?:\+\+\+ b/|@@ )([\w./-]+\.\w+|[\w-]+(?:/[\w.-]+)+)", re.M)


@dataclass
class Change:
    """A change event. ``time`` is epoch seconds; a text is "" if the event does not contain it.

    ``removed`` and ``added`` are the lines that a diff removes and adds, or the setting's values
    before and after. ``kind`` is ``deploy``, ``config``, ``flag``, ``commit`` or another kind that
    the event names. ``replaced`` is the earlier change event that supplied ``previous_version``,
    if this event does not contain it. ``place`` holds the event's :data:`PLACE_FIELDS`.
    """

    change_id: str
    time: float
    service: str = ""
    kind: str = ""
    summary: str = ""
    actor: str = ""
    version: str = ""
    previous_version: str = ""
    place: Dict[str, str] = field(default_factory=dict)
    files: List[str] = field(default_factory=list)
    removed: List[str] = field(default_factory=list)
    added: List[str] = field(default_factory=list)
    context: str = ""
    event: Event = field(default_factory=lambda: Event(0.0, ""))
    replaced: Optional[Event] = None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Change:
        """Build a change from a result row with the change fields and ``_raw``.

        Fields that search-time extraction left empty come from the event's JSON, if it is JSON.
        """
        event = Event.from_row(row)
        document = _json_object(event.raw)

        def text(name: str) -> str:
            said = first_text(row.get(name)) or first_text(_plain(document.get(name)))
            return said[:LOOKED_AT]

        removed, added, context = _difference(document, event.raw)
        kind = text("kind").lower() or "change"
        if kind == "flag" and all(_SWITCH.fullmatch(line) for line in (*removed, *added)):
            removed, added = [], []  # A flag's new state does not show what the flag does.
        files = _files(document) or _HUNK_FILE.findall(context)
        return cls(
            change_id=text("change_id"),
            time=event.time,
            service=text("service") or event.entity,
            kind=kind,
            summary=text("summary") or text("message"),
            actor=text("actor") or text("author"),
            version=text("version"),
            previous_version=text("previous_version"),
            place={name: text(name) for name in PLACE_FIELDS if text(name)},
            files=files,
            removed=removed,
            added=added,
            context=context,
            event=event,
        )

    def is_change_event(self) -> bool:
        """Return whether the event reports a change, instead of only quoting such a text.

        splunkd extracts ``change_id=…`` from any text, so a request's URL or logged form input
        could otherwise name a cause. If the event does not contain the field's name, the field
        comes from the administrator's configuration (an alias, a calculated field).
        """
        raw = self.event.raw
        if "change_id" not in raw:
            return True
        start = raw.find("{")
        if start >= 0 and _HEADER.fullmatch(raw[:start].strip()):
            return "change_id" in _json_object(raw)
        return any(
            _HEADER.fullmatch(raw[: found.start()].strip())
            for found in _PAIRS_UP_TO_ID.finditer(raw[:LINE_LIMIT])
        )

    def replaced_by(self, later: Change) -> str:
        """Return the version that a later change replaced, if this change precedes it.

        Return "" if the two changes are about different services or places.
        """
        if (self.service, self.place) != (later.service, later.place) or self.time >= later.time:
            return ""
        if self.kind != CANARY:
            return self.version
        # Most instances keep the earlier version; once the canary has ended, all run it again.
        return "" if self.previous_version == later.version else self.previous_version

    def has_diff(self) -> bool:
        """Return whether the event shows what was changed, not only that something was."""
        return bool(self.removed or self.added)

    def label(self) -> str:
        """Describe the change in a few words, for use in a sentence."""
        said = f" ({self.summary})" if self.summary else ""
        where = f" of {self.service}" if self.service else ""
        return "{} {}{}{}".format(self.kind, self.change_id or "without an id", where, said)


def _plain(value: Any) -> Any:
    return value if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ""


def _json_object(raw: str) -> Dict[str, Any]:
    start = raw.find("{")
    if start < 0:
        return {}
    try:
        document = json.loads(raw[start:])
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _files(document: Mapping[str, Any]) -> List[str]:
    for name in _FILE_FIELDS:
        value = document.get(name)
        if isinstance(value, str) and value:
            return [value[:LINE_LIMIT]]
        if isinstance(value, list):
            return _bounded([str(item)[:LINE_LIMIT] for item in value[:200]])
    return []


def _bounded(lines: List[str]) -> List[str]:
    """Return the first lines that together fit in :data:`DIFF_LIMIT` characters."""
    ends = accumulate(len(line) + 1 for line in lines)
    return [line for line, end in zip(lines, ends) if end <= DIFF_LIMIT]


def _sides(removed: List[str], added: List[str]) -> Tuple[List[str], List[str], str]:
    """Return both sides of changed settings, each at most :data:`DIFF_LIMIT` characters.

    If a side is longer, lines that both sides share are dropped before the cut. Otherwise a line
    that only the cut removed from one side would look like a removed or added setting.
    """
    if max(sum(len(line) + 1 for line in side) for side in (removed, added)) > DIFF_LIMIT:
        same = {*removed}.intersection(added)
        removed = [line for line in removed if line not in same]
        added = [line for line in added if line not in same]
    return _bounded(removed), _bounded(added), ""


def _difference(document: Mapping[str, Any], raw: str) -> Tuple[List[str], List[str], str]:
    """Return the removed lines, the added lines and the rest of the diff."""
    for name in _DIFF_FIELDS:
        value = document.get(name)
        if isinstance(value, str) and value.strip():
            return _diff_lines(value[:DIFF_LIMIT])
        if isinstance(value, (dict, list)) and value:
            return _settings_difference(value)
    before = _first(document, _BEFORE_FIELDS)
    after = _first(document, _AFTER_FIELDS)
    if before is not None or after is not None:
        name = first_text(_plain(_first(document, _NAME_FIELDS)))
        return _sides(_flat_lines(before, name), _flat_lines(after, name))
    if not document:
        return _diff_lines(raw[:DIFF_LIMIT]) if "\n@@" in raw or "\n+" in raw else ([], [], "")
    return [], [], ""


def _first(document: Mapping[str, Any], names: Tuple[str, ...]) -> Any:
    for name in names:
        if name in document:
            return document[name]
    return None


def _diff_lines(diff: str) -> Tuple[List[str], List[str], str]:
    removed, added, context = [], [], []
    for whole in diff.splitlines():
        line = whole[:LINE_LIMIT]
        if line.startswith(("---", "+++", "@@")):
            context.append(line)
        elif line.startswith("-"):
            removed.append(line[1:].strip())
        elif line.startswith("+"):
            added.append(line[1:].strip())
        else:
            context.append(line)
    return [x for x in removed if x], [x for x in added if x], "\n".join(context)


def _settings_difference(value: Any) -> Tuple[List[str], List[str], str]:
    """Read ``{"setting": {"from": 10, "to": 1}}``, ``{"setting": [10, 1]}`` or a list of such."""
    removed: List[str] = []
    added: List[str] = []
    items = value.items() if isinstance(value, dict) else [("", item) for item in value]
    for name, item in items:
        if isinstance(item, list) and len(item) == 2:
            before, after = item
        elif isinstance(item, dict):
            name = first_text(_plain(_first(item, _NAME_FIELDS))) or name
            before, after = _first(item, _BEFORE_FIELDS), _first(item, _AFTER_FIELDS)
        else:
            before, after = None, item
        removed.extend(_flat_lines(before, name))
        added.extend(_flat_lines(after, name))
    return _sides(removed, added)


def _flat_lines(value: Any, name: str = "", depth: int = 0) -> List[str]:
    """Return a (nested) setting as ``name: value`` lines, down to :data:`DEEPEST` levels."""
    if value is None or depth > DEEPEST:
        return []
    if isinstance(value, dict):
        lines: List[str] = []
        for key, inner in value.items():
            lines.extend(_flat_lines(inner, f"{name}.{key}" if name else str(key), depth + 1))
        return lines
    if isinstance(value, list):
        value = ", ".join(str(item) for item in value if not isinstance(item, (dict, list)))
    return [(f"{name}: {value}" if name else str(value))[:LINE_LIMIT]]
