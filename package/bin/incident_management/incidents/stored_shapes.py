"""Reads documents that someone may have changed by hand, in a lookup editor or by the REST API.

A shape is an example of a document: each field with a value of its type. A malformed field gets the
shape's value, so that one document can't stop work on others; the stored document stays as it is. A
field whose name ends with ``?`` may be absent, and is left out if it is malformed.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Tuple

from ..ports import Document, Stores
from .stores import is_number

__all__ = [
    "ANALYSIS",
    "MAX_SUBSCRIPTIONS",
    "SUBSCRIPTION",
    "fitted",
    "malformed_subscriptions",
    "read_analysis",
    "read_subscriptions",
    "readable_analysis",
    "readable_subscription",
]

MAX_SUBSCRIPTIONS = 100

_TEXTS: List[Any] = [""]
_CITATION: Dict[str, Any] = {
    **dict.fromkeys(("kind", "quote"), ""),
    **dict.fromkeys(("id?", "status?", "reason?", "index?", "entity?", "sourcetype?"), ""),
    **dict.fromkeys(("cd?", "bkt?", "sha256?", "statistic?"), ""),
    "time?": 0.0,
}
_CHANGE = dict.fromkeys(("change_id", "service", "version", "previous_version", "confidence"), "")
ANALYSIS: Dict[str, Any] = {
    **dict.fromkeys(("incident_id", "actor", "verdict", "cause"), ""),
    **_CHANGE,
    "time": 0.0,
    "onset?": 0.0,
    "kept_from?": {"analysis_id": "", "actor": "", "time": 0.0},
    "evidence": [{"finder": "", "found": _TEXTS, "not_found": _TEXTS}],
    "citations": [_CITATION],
    "hypotheses": [
        {
            **dict.fromkeys(("kind", "cause"), ""),
            **dict.fromkeys(("id?", "advice?", "source?"), ""),
            **{f"{name}?": example for name, example in _CHANGE.items()},
            "score": 0.0,
            "for": _TEXTS,
            "against": _TEXTS,
            # A hypothesis names a citation by its id, or has it in place.
            "citations": ["", _CITATION],
            "claims?": [{}],
            "blamed?": False,
        }
    ],
    "claims": [{}],
    "checked": {},
    "model": {"detail": ""},
}
SUBSCRIPTION: Dict[str, Any] = {
    **dict.fromkeys(("url", "description", "created_by"), ""),
    **dict.fromkeys(("events", "severities", "teams"), _TEXTS),
    "enabled": True,
    "created_at": 0.0,
}
_BY_HAND = "Its document was changed by hand and can't be read: {0}."


def readable_analysis(document: Mapping[str, Any]) -> Dict[str, Any]:
    """Return an analysis without its malformed parts, which its verdict then names."""
    found, malformed = fitted(document, ANALYSIS)
    if malformed:
        said = _BY_HAND.format(", ".join(malformed))
        found["verdict"] = f"{found['verdict']} {said}".lstrip()
    return found


def read_analysis(stores: Stores, key: str) -> Optional[Document]:
    """Return an analysis by its id, without its malformed parts; None if it does not exist."""
    document = stores.analyses.get(key) if key else None
    return None if document is None else readable_analysis(document)


def read_subscriptions(stores: Stores) -> Dict[str, Document]:
    """Return the subscriptions by their ids; malformed ones are switched off."""
    found = stores.subscriptions.find({}, limit=MAX_SUBSCRIPTIONS)
    return {str(one["_key"]): readable_subscription(one)[0] for one in found}


def malformed_subscriptions(stores: Stores) -> List[str]:
    """Return a sentence for each malformed subscription."""
    found = stores.subscriptions.find({}, limit=MAX_SUBSCRIPTIONS)
    read = [(str(one["_key"]), readable_subscription(one)[1]) for one in found]
    return [f"Subscription {key} is off. {why} Replace or delete it." for key, why in read if why]


def readable_subscription(document: Mapping[str, Any]) -> Tuple[Dict[str, Any], str]:
    """Return a subscription, and a sentence that names its malformed fields ("" if none).

    A malformed one is switched off: which incidents it is for is unknown.
    """
    found, malformed = fitted(document, SUBSCRIPTION)
    missing = [name for name in ("url", "events") if name not in document]
    if not malformed and not missing:
        return found, ""
    found["enabled"] = False
    return found, _BY_HAND.format(", ".join([*malformed, *missing]))


def fitted(value: Mapping[str, Any], shape: Mapping[str, Any]) -> Tuple[Dict[str, Any], List[str]]:
    """Return a document with valid values in all fields of a shape, and its malformed fields.

    Fields that the shape lacks may have any type, but no number that JSON lacks. A missing field
    and null are not malformed, as earlier versions wrote fewer fields: they get the shape's value,
    and an empty list for a list.
    """
    malformed: Dict[str, None] = {}
    found = _object(value, shape, "", malformed)
    return found, list(malformed)


def _object(
    value: Mapping[str, Any], shape: Mapping[str, Any], path: str, malformed: Dict[str, None]
) -> Dict[str, Any]:
    found = {name: _finite(one, f"{path}{name}", malformed) for name, one in value.items()}
    for marked, example in shape.items():
        name = marked.rstrip("?")
        found.pop(name, None)
        given = value.get(name)
        known = _value(given, example, f"{path}{name}", malformed)
        if name == marked or (given is not None and _is_like(given, example)):
            found[name] = known
    return found


def _value(value: Any, example: Any, path: str, malformed: Dict[str, None]) -> Any:
    if value is not None and not _is_like(value, example):
        malformed[path] = None
        value = None
    if isinstance(example, dict):
        return _object(value or {}, example, f"{path}.", malformed)
    if not isinstance(example, list):
        return example if value is None else value
    found = []
    for one in value or ():
        like = [inner for inner in example if _is_like(one, inner)]
        if like:
            found.append(_value(one, like[0], path, malformed))
        else:
            malformed[path] = None
    return found


def _finite(value: Any, path: str, malformed: Dict[str, None]) -> Any:
    """Return a value of any type with null for numbers that JSON does not have."""
    if isinstance(value, dict):
        return {name: _finite(one, path, malformed) for name, one in value.items()}
    if isinstance(value, list):
        return [_finite(one, path, malformed) for one in value]
    if isinstance(value, float) and not is_number(value):
        malformed[path] = None
        return None
    return value


def _is_like(value: Any, example: Any) -> bool:
    """Tell whether a value has an example's type; see :func:`.stores.is_number`."""
    if type(example) in (int, float):
        return is_number(value)
    return isinstance(value, type(example))
