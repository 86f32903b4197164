"""What becomes of a notification whose document somebody has changed by hand into something else.

It can't be sent, and must not keep the others waiting: it is dead, which its incident's timeline
and the list of what was not delivered then say.
"""

from __future__ import annotations

from typing import Any, Dict, List

from ...ports import Document

__all__ = ["as_dead", "is_malformed"]

# What a notification has, as it begins. Earlier versions wrote no urgency.
_BEGINS: Dict[str, Any] = {
    **dict.fromkeys(("incident_id", "lane", "order", "channel", "target", "event"), ""),
    **dict.fromkeys(("state", "last_error"), ""),
    **dict.fromkeys(("attempts", "spent"), 0),
    **dict.fromkeys(("next_attempt", "first_sent", "created_at"), 0.0),
    **{name: {} for name in ("message", "receipt", "thread")},
    "recorded": False,
}
_NUMBER = (int, float)
_WHY = "Its document in incident_outbox was changed by hand and can't be read any more: {0}."


def is_malformed(document: Document) -> bool:
    """Tell whether a field of a notification is of another type, or missing."""
    return bool(_malformed_fields(document))


def as_dead(document: Document) -> Document:
    """Return a malformed notification as ``dead``, its malformed fields reset."""
    malformed = _malformed_fields(document)
    begun = {name: _BEGINS[name] for name in malformed}
    why = _WHY.format(", ".join(malformed))
    return {**document, **begun, "state": "dead", "recorded": False, "last_error": why}


def _malformed_fields(document: Document) -> List[str]:
    malformed = [
        name
        for name, value in _BEGINS.items()
        if not isinstance(document.get(name), _NUMBER if type(value) in _NUMBER else type(value))
    ]
    return malformed if malformed or document["message"] else ["message"]
