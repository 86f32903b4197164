"""The values of an incident's custom fields, as its timeline gives them. Pure.

The first value that a detection brings stands, unless a person sets another or takes it away. Which
fields there are, and what they take: :mod:`.routing.custom_fields`.
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
NAME_RULE = "A field's name has 1 to 40 lowercase letters, digits and _, and begins with a letter."
VALUE_CHARACTERS = 500
# Of one incident, those of fields that are not defined any more among them.
MAX_VALUES = 100
# A comma between two values: a name and = follow, and no backslash precedes it that is not itself
# one of two.
_BETWEEN = re.compile(r"(?<!\\)((?:\\\\)*),\s*(?=[a-z][a-z0-9_]*=)", re.ASCII)
_ESCAPED = re.compile(r"\\([\\,])")


class FieldValues:
    """Adds up what entries say of the fields."""

    def __init__(self) -> None:
        self.values: Dict[str, str] = {}
        self._by_people: Set[str] = set()

    def found(self, values: Mapping[str, Any]) -> None:
        """Take what detections, or an incident that was merged into this one, bring."""
        for name, value in values.items():
            if name not in self._by_people and len(self.values) < MAX_VALUES:
                self.values.setdefault(name, str(value))

    def set(self, values: Mapping[str, Any]) -> None:
        """Take what a person set; empty takes a value away."""
        for name, value in values.items():
            self._by_people.add(name)
            self.values.pop(name, None)
            if value:
                self.values[name] = str(value)


def search_tokens(values: Mapping[str, Any]) -> List[str]:
    """Return what incidents are found by, and rules match: ``region=eu`` for each value."""
    return [f"{name}={value}" for name, value in sorted(values.items())]


def parse_pairs(text: str) -> List[Tuple[str, str]]:
    """Return the names and values that people write as ``region=eu, vendor_case=17``.

    In a value ``\\,`` is a comma and ``\\\\`` a backslash; both may stand without one where what
    follows is no other name and ``=``. Raises Invalid for what names no field, or no value.
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
    """Return such values by name. Raises Invalid, also for a field that is named twice."""
    found = parse_pairs(text)
    values = dict(found)
    if len(values) < len(found):
        raise Invalid(f"'{text[:40]}' names a field twice. Give each field one value.")
    return values


def describe_changes(data: Document, labels: Optional[Mapping[str, str]] = None) -> str:
    """Say what an entry ``fields`` changed: ``customer impact: high (was low)``.

    ``labels``: of these fields alone, under these names; of all unless given.
    """
    was = data.get("was") or {}
    parts = []
    for name, value in (data.get("set") or {}).items():
        if labels is None or name in labels:
            label = labels[name] if labels else name.replace("_", " ")
            before = f" (was {was[name]})" if was.get(name) else ""
            parts.append(f"{label}: {value or 'empty'}{before}")
    return "; ".join(parts)
