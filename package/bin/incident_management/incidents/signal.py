"""A signal: one finding of one detection, its keys, and how its fields are kept.

See docs/DATA.md for its document. Times are epoch seconds, rounded to milliseconds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from .canonical import dedup_keys, milliseconds
from .errors import Invalid
from .field_values import NAME, VALUE_CHARACTERS
from .model import SEVERITIES, Document

__all__ = ["DEFAULTS", "NORMALIZERS", "Signal", "first_values", "show_hidden_characters"]

SAMPLE_ROWS = 5
SAMPLE_FIELDS = 250
SAMPLE_NAME_CHARACTERS = 200
# The most values kept of a multivalue field.
SAMPLE_VALUES = 100
SAMPLE_VALUE_CHARACTERS = 4000
TITLE_CHARACTERS = 300
# The rule and the title's prefix of an incident that someone opened as a test.
SIMULATED = "Simulated incident"
TEST_MARK = "[Test]"
TEXT_CHARACTERS = 10_000
LINK_CHARACTERS = 2000
NAME_CHARACTERS = 100
MAX_ACTIONS = 20
MAX_TAGS = 20
MAX_GROUP_VALUES = 20
MAX_FIELDS = 50
# Control characters except tab and line ends (Windows has ``\r\n``), and characters that change the
# direction of the text around them: a dashboard would show ``exe.png`` for a name that ends in
# ``gnp.exe``. Not the marks U+200E and U+200F, which turn no letters and are in ordinary Hebrew and
# Arabic.
_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Signal:
    """One finding of one detection. Create it with :meth:`create`, which computes its keys.

    ``count`` is the number of events it stands for; ``group`` allows it to join an incident of a
    related entity; ``run`` is the detection's run that found it; ``runbook`` is a link to
    instructions for people, ``actions`` the suitable entries of the catalogue. ``tags`` are the
    detection's own words, for routing and suppression. ``group_values`` (``customer=acme``) are
    values it shares with related problems. ``after`` says when it opens an incident
    (:mod:`.intake.conditions`); empty: at once. ``fields`` are values of the incident's custom
    fields, by name.
    """

    key: str
    dedup_key: str
    rule: str
    app: str
    owner: str
    entity: str
    severity: str
    title: str
    description: str
    first_time: float
    last_time: float
    count: int
    sid: str
    received_at: float
    rows: List[Document] = field(default_factory=list)
    search: Document = field(default_factory=dict)
    group: bool = True
    incident_id: str = ""
    runbook: str = ""
    actions: List[str] = field(default_factory=list)
    tags: List[str] = field(default_factory=list)
    after: Document = field(default_factory=dict)
    group_values: List[str] = field(default_factory=list)
    fields: Document = field(default_factory=dict)

    @classmethod
    def create(cls, *, run: str, dedup: Optional[Mapping[str, Any]] = None, **given: Any) -> Signal:
        """Create a signal and its keys.

        ``given`` are the other fields; ``rule``, ``entity``, ``severity``, ``first_time``,
        ``last_time`` and ``received_at`` are required. ``dedup`` holds the values that make two
        findings the same problem (by default the entity); with app and rule they make the
        ``dedup_key``. The ``dedup_key`` and ``run`` make the signal's own key, so the same run
        delivered twice is one signal.

        Raises:
            Invalid: no rule, no entity, an unknown severity, a span that ends before it begins.
        """
        unknown = given.keys() - _SIGNAL_FIELDS
        if unknown:
            raise TypeError(f"A signal has no field {', '.join(sorted(unknown))}.")
        fields = {**DEFAULTS, **given}
        for name, change in NORMALIZERS.items():
            fields[name] = change(fields[name])
        return cls.of(fields, run, dedup)

    @classmethod
    def of(cls, fields: Document, run: str, dedup: Optional[Mapping[str, Any]]) -> Signal:
        """Create a signal as :meth:`create` does, from fields that NORMALIZERS has normalized.

        ``fields`` holds all fields but the keys. The signal keeps the mapping itself.
        """
        rule, entity, severity = fields["rule"], fields["entity"], fields["severity"]
        if not rule.strip() or not entity.strip():
            raise Invalid("A signal needs a rule and an entity.")
        if severity not in SEVERITIES:
            raise Invalid(f"'{severity}' is not a severity; use {', '.join(SEVERITIES)}.")
        if fields["last_time"] < fields["first_time"]:
            raise Invalid(f"The signal of '{rule}' ends before it begins.")
        values = {name: str(value) for name, value in (dedup or {"entity": entity}).items()}
        fields["dedup_key"], fields["key"] = dedup_keys(fields["app"], rule, values, run)
        if not fields["title"]:
            fields["title"] = NORMALIZERS["title"](f"{rule}: {entity}")
        signal = cls.__new__(cls)
        # All at once, because this is hot: a frozen dataclass sets its two dozen fields one by one.
        object.__setattr__(signal, "__dict__", fields)
        return signal

    def to_document(self) -> Document:
        document = dict(self.__dict__)
        document["_key"] = document.pop("key")
        if not self.tags:
            del document["tags"]
        if not self.after:
            del document["after"]
        if not self.group_values:
            del document["group_values"]
        if not self.fields:
            del document["fields"]
        return document

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Signal:
        """Read a document; a value that someone saved with another type counts as missing."""
        values = {
            name: document[name] if isinstance(document.get(name), kinds) else _EMPTY[name]
            for name, kinds in _KINDS.items()
        }
        return cls(key=str(document["_key"]), **values)


def first_values(signals: Iterable[Signal]) -> Document:
    """Return the custom field values of signals: for each field the first value."""
    found: Document = {}
    for signal in signals:
        for name, value in signal.fields.items():
            found.setdefault(name, value)
    return found


def _cut(characters: int) -> Callable[[str], str]:
    return lambda text: text[:characters]


def show_hidden_characters(text: str) -> str:
    """Return the text with what could hide or reorder other text made visible."""
    return text if text.isprintable() else _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text)


def _cut_readable(characters: int) -> Callable[[str], str]:
    return lambda text: show_hidden_characters(text[:characters])


def _first_names(most: int) -> Callable[[Sequence[str]], List[str]]:
    return lambda names: [name[:NAME_CHARACTERS] for name in dict.fromkeys(names)][:most]


def _field_values(values: Mapping[str, Any]) -> Document:
    """Keep single values with valid field names, each cut one character above the limit.

    The extra character lets later checks recognize a value that is too long.
    """
    found = {
        name: str(value)[: VALUE_CHARACTERS + 1]
        for name, value in values.items()
        if NAME.fullmatch(name) and isinstance(value, (str, int, float))
    }
    return dict(list(found.items())[:MAX_FIELDS])


def _samples(rows: Sequence[Mapping[str, Any]]) -> List[Document]:
    return [_sample(row) for row in list(rows)[:SAMPLE_ROWS]]


def _sample(row: Mapping[str, Any]) -> Document:
    """Return a result row as a document; field names that the KV store refuses are changed.

    Fields and values are limited to what people look at, so that no client can fill the KV store.
    """
    fields = row.items() if len(row) <= SAMPLE_FIELDS else list(row.items())[:SAMPLE_FIELDS]
    return {
        _safe(name[:SAMPLE_NAME_CHARACTERS]): (
            value[:SAMPLE_VALUE_CHARACTERS] if type(value) is str else _shown(value)
        )
        for name, value in fields
    }


@lru_cache(maxsize=1000)
def _safe(name: str) -> str:
    if "." in name or name[:1] in ("$", ""):
        return name.replace(".", "_").replace("$", "_") or "_"
    return name


def _shown(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [str(part)[:SAMPLE_VALUE_CHARACTERS] for part in value[:SAMPLE_VALUES]]
    return str(value)[:SAMPLE_VALUE_CHARACTERS]


# Normalizes each field's value for storage: texts cut, times rounded to milliseconds.
NORMALIZERS: Dict[str, Callable[[Any], Any]] = {
    "title": _cut_readable(TITLE_CHARACTERS),
    "description": _cut_readable(TEXT_CHARACTERS),
    "runbook": _cut(LINK_CHARACTERS),
    "first_time": milliseconds,
    "last_time": milliseconds,
    "received_at": milliseconds,
    "count": lambda count: max(1, int(count)),
    "rows": _samples,
    "search": dict,
    "after": dict,
    "actions": _first_names(MAX_ACTIONS),
    "tags": _first_names(MAX_TAGS),
    "group_values": _first_names(MAX_GROUP_VALUES),
    "fields": _field_values,
}
DEFAULTS: Document = {
    **dict.fromkeys(("app", "owner", "title", "description", "sid", "runbook", "incident_id"), ""),
    "rows": [],
    "search": {},
    "actions": [],
    "tags": [],
    "group_values": [],
    "after": {},
    "fields": {},
    "count": 1,
    "group": True,
}
"""The default values of a signal's fields."""
_SIGNAL_FIELDS = [name for name in Signal.__dataclass_fields__ if name != "key"]
_EMPTY: Document = {
    **DEFAULTS,
    **dict.fromkeys(("dedup_key", "rule", "entity"), ""),
    **dict.fromkeys(("first_time", "last_time", "received_at"), 0.0),
    "severity": SEVERITIES[-1],
}
_KINDS: Dict[str, Tuple[type, ...]] = {
    name: (int, float) if type(_EMPTY[name]) in (int, float) else (type(_EMPTY[name]),)
    for name in _SIGNAL_FIELDS
}
