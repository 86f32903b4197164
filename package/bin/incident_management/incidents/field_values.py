"""The values of an incident's custom fields, as its timeline gives them. Pure.

The first value that a detection brings stands, unless a person sets another or takes it away. Which
fields there are, and what they take: :mod:`.routing.custom_fields`.
"""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping, Optional, Set

from ..ports import Document

__all__ = ["MAX_VALUES", "NAME", "NAME_RULE", "VALUE_CHARACTERS", "FieldValues", "tokens", "told"]

NAME = re.compile(r"^[a-z][a-z0-9_]{0,39}$")
NAME_RULE = "A field's name has 1 to 40 small letters, digits and _, and begins with a letter."
VALUE_CHARACTERS = 500
# Of one incident, those of fields that are not defined any more among them.
MAX_VALUES = 100


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


def tokens(values: Mapping[str, Any]) -> List[str]:
    """Return what incidents are found by, and rules match: ``region=eu`` for each value."""
    return [f"{name}={value}" for name, value in sorted(values.items())]


def told(data: Document, labels: Optional[Mapping[str, str]] = None) -> str:
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
