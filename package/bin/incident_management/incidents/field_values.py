"""The values of an incident's custom fields, computed from its timeline. Pure.

The first value that a detection brings stays, unless a person sets another or removes it.
:mod:`.routing.custom_fields` defines the fields and their values.
"""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping, Optional, Set, Tuple

from ..ports import Document
from .errors import Invalid

__all__ = [
    "MAX_VALUES",
    "NAME",
    "NAME_RULE",
    "VALUE_CHARACTERS",
    "FieldValues",
    "describe_changes",
    "parse_pairs",
    "parse_values",
    "search_tokens",
]

NAME = re.compile(r"^[a-z][a-z0-9_]{0,39}$")
NAME_RULE = "Enter a name of 1 to 40 lowercase letters, digits and _ that starts with a letter."
VALUE_CHARACTERS = 500
# Per incident, including values of fields that are no longer defined.
MAX_VALUES = 100
# A comma that separates two values: a name and ``=`` follow, and the comma is not escaped (an even
# number of backslashes precedes it).
_BETWEEN = re.compile(r"(?<!\\)((?:\\\\)*),\s*(?=[a-z][a-z0-9_]*=)", re.ASCII)
_ESCAPED = re.compile(r"\\([\\,])")


class FieldValues:
    """Collects the field values of an incident, entry by entry."""

    def __init__(self) -> None:
        self.values: Dict[str, str] = {}
        self._by_people: Set[str] = set()

    def found(self, values: Mapping[str, Any]) -> None:
        """Add values from detections, or from an incident that was merged into this one."""
        for name, value in values.items():
            if name not in self._by_people and len(self.values) < MAX_VALUES:
                self.values.setdefault(name, str(value))

    def set(self, values: Mapping[str, Any]) -> None:
        """Set values that a person entered; an empty value removes the field."""
        for name, value in values.items():
            self._by_people.add(name)
            self.values.pop(name, None)
            if value:
                self.values[name] = str(value)


def search_tokens(values: Mapping[str, Any]) -> List[str]:
    """Return the values as searches and rules match them: ``region=eu`` for each."""
    return [f"{name}={value}" for name, value in sorted(values.items())]


def parse_pairs(text: str) -> List[Tuple[str, str]]:
    """Parse field values that people write as ``region=eu, vendor_case=17`` into pairs.

    In a value, ``\\,`` stands for a comma and ``\\\\`` for a backslash. A comma needs no backslash
    unless another name and ``=`` follow.

    Raises:
        Invalid: a part has no valid field name, or no value.
    """
    found = []
    cut = [*_BETWEEN.split(text.strip()), ""]
    for part in filter(None, map("".join, zip(cut[::2], cut[1::2]))):
        name, _, value = (one.strip() for one in part.partition("="))
        if not NAME.fullmatch(name) or not value:
            raise Invalid(f"'{part[:40]}' is not a field value; write it as region=eu.")
        found.append((name, _ESCAPED.sub(r"\1", value)))
    return found


def parse_values(text: str) -> Dict[str, str]:
    """Parse such values into a dict by name. Raises Invalid, also if a field is named twice."""
    found = parse_pairs(text)
    values = dict(found)
    if len(values) < len(found):
        raise Invalid(f"'{text[:40]}' names a field twice. Give each field one value.")
    return values


def describe_changes(data: Document, labels: Optional[Mapping[str, str]] = None) -> str:
    """Describe what a ``fields`` entry changed: ``customer impact: high (was low)``.

    ``labels``: the fields to describe, with their labels; by default all fields.
    """
    was = data.get("was") or {}
    parts = []
    for name, value in (data.get("set") or {}).items():
        if labels is None or name in labels:
            label = labels[name] if labels else name.replace("_", " ")
            before = f" (was {was[name]})" if was.get(name) else ""
            parts.append(f"{label}: {value or 'empty'}{before}")
    return "; ".join(parts)
