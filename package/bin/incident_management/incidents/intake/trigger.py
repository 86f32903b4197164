"""Decide from a saved search's settings when it triggers its actions, and how often.

"Notification options" of savedsearches.conf.spec (``counttype``, ``relation``, ``quantity``,
``alert.digest_mode``); ``saved/searches`` in the REST API Reference calls the first three
``alert_type``, ``alert_comparator`` and ``alert_threshold``.
"""

from __future__ import annotations

import operator
from typing import Any, Callable, Dict, Mapping, Optional

__all__ = ["always_triggers", "condition_of", "triggers", "triggers_for_each"]

_RELATIONS: Dict[str, Callable[[int, int], bool]] = {
    "greater than": operator.gt,
    "less than": operator.lt,
    "equal to": operator.eq,
    "not equal to": operator.ne,
}


def triggers(settings: Mapping[str, Any], results: int) -> Optional[bool]:
    """Tell whether this number of results triggers; None if the number does not decide it.

    Conditions on hosts or sources, on the run before, and those in SPL need more than the number.
    """
    kind = _text(settings, "counttype", "alert_type")
    if _text(settings, "alert_condition"):
        return None
    if always_triggers(settings):
        return True
    relation = _RELATIONS.get(_text(settings, "relation", "alert_comparator"))
    if kind not in ("number of events", "number of results") or relation is None:
        return None
    limit = _text(settings, "quantity", "alert_threshold")
    return relation(results, int(limit)) if limit.isdecimal() else None


def always_triggers(settings: Mapping[str, Any]) -> bool:
    """Tell whether a saved search triggers regardless of its results."""
    kind = _text(settings, "counttype", "alert_type") or "always"
    return kind == "always" and not _text(settings, "alert_condition")


def condition_of(settings: Mapping[str, Any]) -> str:
    """Return the condition as text, for error messages."""
    parts = (
        _text(settings, "counttype", "alert_type"),
        _text(settings, "relation", "alert_comparator"),
        _text(settings, "quantity", "alert_threshold"),
        _text(settings, "alert_condition"),
    )
    return " ".join(part for part in parts if part)


def triggers_for_each(settings: Mapping[str, Any]) -> bool:
    """Tell whether a saved search runs its actions once for each result (``alert.digest_mode``)."""
    return (_text(settings, "alert.digest_mode") or "1") in ("0", "false")


def _text(settings: Mapping[str, Any], *names: str) -> str:
    """Return the first of these settings that is not empty, in lowercase."""
    found = (str(settings.get(name) or "").strip().lower() for name in names)
    return next((text for text in found if text), "")
