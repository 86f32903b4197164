"""Which documents of the timeline can be read as entries.

Nobody changes an entry, but somebody may change its document by hand, in an editor of lookups or by
the KV store's REST API. One of which a field is then of another type counts as gone: it must not
stop what is done for all other incidents, and the worker's walk brings it back from the index
(:mod:`..worker.lost_entries`).
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Tuple

from .model import Entry

__all__ = ["is_readable", "readable_entries"]

# Of whole numbers, too: how a KV store gives back the numbers that it was given is not documented.
_NUMBER = (int, float)
_FIELDS: Dict[str, Tuple[type, ...]] = {
    "incident_id": (str,),
    "kind": (str,),
    "time": _NUMBER,
    "seq": _NUMBER,
    "data": (dict,),
    "prev": (list, type(None)),
}
# What the fold reads of ``data``, whatever the kind, where it is there; None is as good as nothing.
_DATA: Dict[str, Tuple[type, ...]] = {
    **dict.fromkeys(("first_time", "last_time", "due"), _NUMBER),
    **dict.fromkeys(("acknowledge_due", "resolve_due"), _NUMBER),
    **dict.fromkeys(("search", "fields", "signals"), (dict,)),
    **dict.fromkeys(("entities", "rules", "tags", "actions", "wordings", "group_values"), (list,)),
}
# A ticket's number is a text.
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
    """Return the entries among these documents that can be read."""
    return [Entry.from_document(one) for one in documents if is_readable(one)]


def is_readable(document: Mapping[str, Any], fields: Iterable[str] = tuple(_FIELDS)) -> bool:
    """Tell whether ``fields``, those that were read of an entry, are of the types that they have.

    Others that an entry has besides are not looked at.
    """
    if not all(isinstance(document.get(name), _FIELDS[name]) for name in fields):
        return False
    if "prev" in fields and not {*map(type, document.get("prev") or ())} <= {str}:
        return False
    return "data" not in fields or _says_what_it_must(
        str(document.get("kind", "")), document["data"]
    )


def _says_what_it_must(kind: str, data: Mapping[str, Any]) -> bool:
    """Tell whether what the fold reads of an entry of this kind is of the types that it has."""
    types = _OF_KINDS.get(kind, _DATA)
    if kind in _NEEDED and not data.get(_NEEDED[kind]):
        return False
    if not all(
        name not in types or value is None or isinstance(value, types[name])
        for name, value in data.items()
    ):
        return False
    return {*map(type, (data.get("signals") or {}).values())} <= {*_NUMBER}
