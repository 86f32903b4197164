"""``count``, ``offset``, ``search``, ``sort_*`` and ``f`` of lists.

Source: "Pagination and filtering parameters" in the REST API Reference introduction. A list is
sorted by name, ascending, unless it is asked otherwise; one of jobs by when they were dispatched,
the newest first ("Search endpoint descriptions", ``search/jobs``).
"""

from __future__ import annotations

import fnmatch
import re
from typing import Any

from tools.splunkd_lite.errors import SplunkdError
from tools.splunkd_lite.rest.atom import Entry, Feed
from tools.splunkd_lite.rest.request import RestRequest

__all__ = ["paged"]

_TERM = re.compile(r'([\w.:*]+)=("(?:[^"\\]|\\.)*"|.*?)(?=\s+[\w.:*]+=|\s*$)', re.DOTALL)
_DEFAULT_COUNT = 30


def paged(
    title: str,
    entries: list[Entry],
    request: RestRequest,
    links: tuple[str, ...] = ("create",),
    in_order: bool = False,
) -> Feed:
    """Filter, sort and cut a list. ``count`` of 0 or -1 means all.

    ``in_order``: the entries are in the order that a request without ``sort_*`` gets.
    """
    found = [entry for entry in entries if _matches(entry, request.param("search"))]
    if not in_order or request.has("sort_key") or request.has("sort_dir"):
        found = _sorted(found, request)
    count = request.number("count", _DEFAULT_COUNT)
    offset = max(0, request.number("offset", 0))
    page = found[offset:] if count <= 0 else found[offset : offset + count]
    wanted = request.param_list("f")
    for entry in page if wanted else []:
        entry.content = {
            key: value
            for key, value in entry.content.items()
            if any(fnmatch.fnmatchcase(key, pattern) for pattern in wanted)
        }
    return Feed(title, page, len(found), offset, count if count > 0 else len(found), links=links)


def _sorted(entries: list[Entry], request: RestRequest) -> list[Entry]:
    key = request.param("sort_key", "name")
    direction = request.param("sort_dir", "asc")
    if direction not in ("asc", "desc"):
        raise SplunkdError(400, f"Invalid sort_dir '{direction}': use asc or desc.")
    return sorted(
        entries, key=lambda entry: _natural(_field(entry, key)), reverse=direction == "desc"
    )


def _natural(value: Any) -> tuple[int, float, str]:
    try:
        return (0, float(value), "")
    except (TypeError, ValueError):
        return (1, 0.0, str(value).lower())


def _matches(entry: Entry, search: str) -> bool:
    """``field=value`` terms (all must hold; ``*`` is a wildcard), or text found in any field."""
    search = search.strip()
    if not search:
        return True
    terms = _TERM.findall(search)
    if not terms:
        needle = search.strip('"*').lower()
        return any(needle in str(value).lower() for value in [entry.name, *entry.content.values()])
    return all(
        fnmatch.fnmatchcase(str(_field(entry, key)).lower(), _pattern(value))
        for key, value in terms
    )


def _pattern(value: str) -> str:
    """The value with only ``*`` special; a backslash makes the next character plain."""
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = value[1:-1]
    value = re.sub(r"\\(.)", r"\1", value).lower()
    return re.sub(r"[\[\]?]", lambda found: f"[{found.group()}]", value)


def _field(entry: Entry, key: str) -> Any:
    if key in ("name", "title"):
        return entry.name
    if key.startswith("eai:acl."):
        return getattr(entry.acl, key.removeprefix("eai:acl."), "")
    return entry.content.get(key, "")
