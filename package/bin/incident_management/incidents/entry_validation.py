"""Checks which timeline documents are well-formed entries.

The app never changes an entry, but a user may edit its document by hand, in a lookup editor or by
the KV store's REST API. A document with a field of the wrong type counts as missing. It must not
stop work on other incidents; the worker's sweep restores it from the index
(:mod:`..worker.lost_entries`).
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Tuple

from .model import Entry
from .stores import LARGEST, is_number

__all__ = ["is_readable", "readable_entries"]

# Float and int, even for whole numbers: how the KV store returns numbers is not documented.
_NUMBER = (int, float)
_FIELDS: Dict[str, Tuple[type, ...]] = {
    "incident_id": (str,),
    "kind": (str,),
    "time": _NUMBER,
    "seq": _NUMBER,
    "data": (dict,),
    "prev": (list, type(None)),
}
# The types of what the fold reads from ``data``, for all kinds. None counts as missing.
_DATA: Dict[str, Tuple[type, ...]] = {
    **dict.fromkeys(("first_time", "last_time", "due"), _NUMBER),
    **dict.fromkeys(("acknowledge_due", "resolve_due"), _NUMBER),
    **dict.fromkeys(("search", "fields", "signals"), (dict,)),
    **dict.fromkeys(("entities", "rules", "tags", "actions", "wordings", "group_values"), (list,)),
}
# Only these kinds: the ``number`` of a ``ticket`` entry is a text.
_OF_KINDS: Dict[str, Dict[str, Tuple[type, ...]]] = {
    **{
        kind: {**_DATA, "number": _NUMBER}
        for kind in ("joined", "merged", "room", "split", "unmerged")
    },
    "escalation": {**_DATA, "level": _NUMBER},
    "fields": {**_DATA, "set": (dict,)},
}
_NEEDED = {"joined": "from"}


def readable_entries(documents: Iterable[Mapping[str, Any]]) -> List[Entry]:
    """Return the entries of the documents that are well-formed."""
    return [Entry.from_document(one) for one in documents if is_readable(one)]


def is_readable(document: Mapping[str, Any], fields: Iterable[str] = tuple(_FIELDS)) -> bool:
    """Tell whether the given fields of an entry's document have the right types.

    ``fields`` are those that were read; other fields are not checked.
    """
    if not all(isinstance(document.get(name), _FIELDS[name]) for name in fields):
        return False
    if not all(abs(document[name]) <= LARGEST for name in ("time", "seq") if name in fields):
        return False  # NaN is not, either.
    if "prev" in fields and not {*map(type, document.get("prev") or ())} <= {str}:
        return False
    return "data" not in fields or _has_readable_data(
        str(document.get("kind", "")), document["data"]
    )


def _has_readable_data(kind: str, data: Mapping[str, Any]) -> bool:
    """Tell whether the data that the fold reads from an entry of this kind has the right types."""
    types = _OF_KINDS.get(kind, _DATA)
    if kind in _NEEDED and not data.get(_NEEDED[kind]):
        return False
    if not all(
        name not in types or value is None or _is_one_of(value, types[name])
        for name, value in data.items()
    ):
        return False
    return all(map(is_number, (data.get("signals") or {}).values()))


def _is_one_of(value: Any, types: Tuple[type, ...]) -> bool:
    return is_number(value) if types is _NUMBER else isinstance(value, types)
