"""Ends notifications whose document was changed by hand and is malformed.

A malformed notification can't be sent and must not delay others. It becomes ``dead``, which its
incident's timeline and the list of undelivered messages show.
"""

from __future__ import annotations

from typing import Any, Dict, List

from ...ports import Document

__all__ = ["as_dead", "is_malformed"]

# The initial values of a notification's fields. Earlier versions wrote no urgency.
_BEGINS: Dict[str, Any] = {
    **dict.fromkeys(("incident_id", "lane", "order", "channel", "target", "event"), ""),
    **dict.fromkeys(("state", "last_error"), ""),
    **dict.fromkeys(("attempts", "spent"), 0),
    **dict.fromkeys(("next_attempt", "first_sent", "created_at"), 0.0),
    **{name: {} for name in ("message", "receipt", "thread")},
    "recorded": False,
}
_NUMBER = (int, float)
_WHY = "Its document in incident_outbox is malformed after a manual change: {0}."


def is_malformed(document: Document) -> bool:
    """Return whether a field of a notification is missing or has the wrong type."""
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
