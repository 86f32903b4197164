"""``GET /incidents``: filters, sorting and stable cursor pagination."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ... import conf_values
from ...incidents.canonical import digest
from ...incidents.clocks.sla_state import SLA_STATUSES, SLA_STATUSES_OF_OPEN
from ...incidents.errors import Invalid
from ...incidents.field_values import parse_pairs
from ...incidents.model import OPEN_STATUSES, SEVERITIES, STATUSES, Document
from ...incidents.routing.values import user_name
from ...incidents.stores import IS_OPEN, any_of, find_by
from ...ports import Collection
from ..router import Request, Response, route
from ..schema import Schema, any_text, any_whole, flag, listed, nullable, number, obj, one_of, text
from ..shapes import INCIDENT_FIELDS, LIMIT, LISTED_INCIDENT, OFFSET
from .guard import shown
from .reviews import REVIEW_FILTER, review_clauses

__all__ = ["FILTER_ARGUMENTS", "matching"]

# The most incidents that one call searches for a text; the cursor goes on from there.
TEXT_SCAN = 10_000
SCAN_PAGE = 1000
# What a list is sorted by -> the field of the document, which always holds a number.
ORDERS = {
    "opened_at": "opened_at",
    "updated_at": "updated_at",
    "severity": "urgency",
    "status": "status_rank",
    "signals": "signals",
    "last_time": "last_seen",
    "sla_due": "next_due",
}
SORTS = tuple(sign + name for name in ORDERS for sign in ("-", ""))
_KEY = re.compile(r"[\w-]{1,100}", re.ASCII)
SEVERAL = "Separate several values by commas."
NAMES = f"{SEVERAL} A name that contains commas is matched, too."
# Filter value for "no owner": Splunk's name for no particular user, which no account has.
NOBODY = "nobody"
# How the overview labels an incident without a rule: a person opened it.
BY_HAND = "by hand"
_FILTER = text(1000, about=SEVERAL)

# Argument -> field of the document.
FILTERS = {
    "status": "status",
    "severity": "severity",
    "team": "team",
    "owner": "owner",
    "entity": "entities",
    "sla_status": "sla_status",
}
KNOWN: Dict[str, Tuple[str, ...]] = {
    "status": (*STATUSES, "open"),
    "severity": SEVERITIES,
    "sla_status": SLA_STATUSES,
}
RANGES = {
    "opened_after": ("opened_at", "$gte"),
    "opened_before": ("opened_at", "$lt"),
    "updated_after": ("updated_at", "$gte"),
    "updated_before": ("updated_at", "$lt"),
}


# The filters, as a query and as a body take them.
FILTER_ARGUMENTS: Dict[str, Schema] = {
    "status": text(1000, about="Also `open`, for new, assigned and in_progress. " + SEVERAL),
    "severity": _FILTER,
    "team": text(1000, about=f"`{NOBODY}` for incidents without a team. {NAMES}"),
    "owner": text(1000, about=f"`{NOBODY}` for incidents without an owner. {NAMES}"),
    "entity": text(1000, about=NAMES),
    "sla_status": text(1000, about=f"{', '.join(SLA_STATUSES)}. {SEVERAL}"),
    **{name: number(about="Epoch seconds.") for name in RANGES},
    "text": text(
        200,
        about="Part of title, description, id, an entity, a rule "
        f"(`{BY_HAND}` where there is none) or a tag; case-insensitive.",
    ),
    "review": REVIEW_FILTER,
    "field": text(
        2000,
        about="Custom field values, such as `region=eu`, separated by commas. Values of the same "
        "field are alternatives; different fields must all match. Escape a comma in a value as "
        "`\\,`, a backslash as `\\\\`.",
    ),
}
# Field that a list shows -> the field of the document that it is made of, where that is another.
SHOWN_FROM = {"affected_systems": "entities"}
SEARCHED_FIELDS = ("id", "title", "description", "entities", "rules", "tags")


class Place(NamedTuple):
    """Where a page ended: the last incident's value of the sorted field, and its key."""

    value: float
    key: str


class Asked(NamedTuple):
    """Clauses that must all hold, a text in lower case (empty: any), and how to sort."""

    clauses: List[Document]
    text: str
    sort: str

    @property
    def sorted_by(self) -> str:
        """The document's field."""
        return ORDERS[self.sort.lstrip("-")]

    @property
    def order(self) -> str:
        """For the store: both the same way, as the accelerations of collections.conf are."""
        way = -1 if self.sort.startswith("-") else 1
        return f"{self.sorted_by}:{way},_key:{way}"

    def query(self, place: Optional[Place]) -> Document:
        """The KV store's query for what comes after a place."""
        clauses = list(self.clauses)
        if place:
            name, beyond = self.sorted_by, "$lt" if self.sort.startswith("-") else "$gt"
            same = {"$and": [{name: place.value}, {"_key": {beyond: place.key}}]}
            clauses.append({"$or": [{name: {beyond: place.value}}, same]})
        return {"$and": clauses} if clauses else {}

    def place_of(self, document: Document) -> Place:
        return Place(float(document.get(self.sorted_by) or 0.0), str(document["_key"]))


@route(
    "GET",
    "/incidents",
    capability="incident_read",
    query={
        **FILTER_ARGUMENTS,
        "sort": one_of(
            SORTS,
            "`severity`: from info to critical, within a severity the latest deadline first; "
            "`status`: from new to closed; `sla_due`: the next deadline first, incidents without "
            "a deadline last.",
        ),
        "limit": {**LIMIT, "minimum": 1},
        "cursor": text(2000, about="`next_cursor` of the previous page, with the same filters."),
        "offset": OFFSET,
        "fields": text(1000, about=f"Fields to return besides `id`; default all. {SEVERAL}"),
    },
    answers={
        200: obj(
            {
                "incidents": listed(LISTED_INCIDENT),
                "more": flag(),
                "next_cursor": nullable(any_text()),
                "offset": any_whole(),
            },
            ("incidents", "more", "next_cursor"),
        )
    },
)
def list_incidents(request: Request) -> Response:
    """List incidents, newest first.

    ``next_cursor`` leads to the next page; null after the last. Sorted by ``opened_at``, which
    never changes, no incident is repeated or skipped while others are opened.
    """
    sort = str(request.args.get("sort", SORTS[0]))
    limit = int(request.args.get("limit", 100))
    offset = int(request.args.get("offset", 0))
    clauses = _all_clauses(request, request.args)
    wanted, fields = _wanted(request.args), _fields(request.args)
    mark = digest([clauses, sort, wanted], 16)
    place = _place_of(request.args.get("cursor"), mark)
    if place and offset:
        raise Invalid("Give either 'cursor' or 'offset'.")
    incidents = request.stores.incidents
    asked = Asked(clauses, wanted, sort)
    found, place = _page(incidents, asked, place, limit, offset, fields)
    if wanted:
        found = _to_show(incidents, found, fields)
    return Response(
        {
            "incidents": [_only(fields, shown(document)) for document in found],
            "more": place is not None,
            "next_cursor": _cursor(place, mark) if place else None,
            "offset": offset,
        },
    )


def _page(
    incidents: Collection,
    asked: Asked,
    place: Optional[Place],
    limit: int,
    offset: int = 0,
    fields: Sequence[str] = (),
) -> Tuple[List[Document], Optional[Place]]:
    """Return a page's documents, and where the next one begins (None: there is none).

    ``fields``: what a list shows of each; all unless given. Where a text is looked for, they hold
    what that was looked for in, and the sorted field.
    """
    if asked.text:
        return _page_with_text(incidents, asked, place, limit, offset)
    read = {asked.sorted_by, *(SHOWN_FROM.get(name, name) for name in fields)} if fields else ()
    found = incidents.find(asked.query(place), asked.order, limit + 1, offset, sorted(read))
    return found[:limit], asked.place_of(found[limit - 1]) if len(found) > limit else None


def _page_with_text(
    incidents: Collection, asked: Asked, place: Optional[Place], limit: int, offset: int
) -> Tuple[List[Document], Optional[Place]]:
    """The same, of those that hold a text: it is looked for in thousands."""
    read = sorted({asked.sorted_by, *SEARCHED_FIELDS})
    found: List[Document] = []
    for _batch in range(TEXT_SCAN // SCAN_PAGE):
        batch = incidents.find(asked.query(place), asked.order, SCAN_PAGE, fields=read)
        for document in batch:
            if asked.text in _searched(document):
                if offset:
                    offset -= 1
                elif len(found) == limit:
                    return found, place
                else:
                    found.append(document)
            place = asked.place_of(document)
        if len(batch) < SCAN_PAGE:
            return found, None
    return found, place


def _to_show(
    incidents: Collection, found: Sequence[Document], fields: Sequence[str]
) -> List[Document]:
    """Read what is shown of those that a text was found in; one may be deleted by now."""
    read = sorted({SHOWN_FROM.get(field, field) for field in fields})
    keys = [str(one["_key"]) for one in found]
    known = {str(one["_key"]): one for one in find_by(incidents, "_key", keys, read)}
    return [known[key] for key in keys if key in known]


def _all_clauses(request: Request, arguments: Mapping[str, Any]) -> List[Document]:
    return [*clauses_of(arguments), *review_clauses(request, arguments)]


def matching(request: Request, arguments: Mapping[str, Any], most: int) -> List[str]:
    """Return the ids of all incidents that these filters match, the oldest first.

    Raises Invalid when there is no filter, when more than ``most`` match, and when there are too
    many to look for a text in all of them.
    """
    clauses, wanted = _all_clauses(request, arguments), _wanted(arguments)
    if not clauses and not wanted:
        raise Invalid("The 'filter' is empty. Name at least one field, such as status.")
    asked = Asked(clauses, wanted, "opened_at")
    found, rest = _page(request.stores.incidents, asked, None, most, fields=("id",))
    if rest and len(found) < most:
        raise Invalid(
            f"A text filter searches at most {TEXT_SCAN} incidents, and there are more. "
            "Narrow the filter down by status or times."
        )
    if rest:
        raise Invalid(f"The filter matches more than {most} incidents. Narrow it down.")
    return [str(document["_key"]) for document in found]


def _wanted(arguments: Mapping[str, Any]) -> str:
    return str(arguments.get("text", "")).strip().lower()


def _fields(arguments: Mapping[str, Any]) -> List[str]:
    """Return the fields to show, none for all. Raises Invalid for one that incidents lack."""
    named = conf_values.listed(arguments.get("fields"))
    for name in named:
        if name not in INCIDENT_FIELDS:
            known = ", ".join(INCIDENT_FIELDS)
            raise Invalid(f"Incidents have no field '{name[:40]}'. Known fields: {known}.")
    return ["id", *named] if named else []


def _only(fields: Sequence[str], incident: Document) -> Document:
    if not fields:
        return incident
    return {name: value for name, value in incident.items() if name in fields}


def clauses_of(arguments: Mapping[str, Any]) -> List[Document]:
    """Return the clauses of a query for these filters. Raises Invalid for an unknown value."""
    clauses: List[Document] = []
    for name, stored in FILTERS.items():
        values = list(conf_values.listed(arguments.get(name)))
        known = KNOWN.get(name)
        for value in values:
            if known and value not in known:
                raise Invalid(f"'{value[:40]}' is not a {name}; use {', '.join(known)}.")
        if name == "status" and "open" in values:
            values = [value for value in values if value != "open"] + list(OPEN_STATUSES)
        if name in ("owner", "team"):
            values = ["" if value == NOBODY else value for value in values]
        if not known and len(values) > 1:
            # It may be one name that has commas.
            values.append(str(arguments[name]).strip())
        if name == "owner":
            # Versions before this one kept the letters that somebody typed.
            values = list(dict.fromkeys([*map(user_name, values), *values]))
        if values:
            clauses.append({"$or": [{stored: value} for value in values]})
        if name == "sla_status" and values and set(values) <= set(SLA_STATUSES_OF_OPEN):
            # Without it, all incidents would be looked at for the few that are open.
            clauses.append(IS_OPEN)
    clauses += [any_of("field_values", tokens) for tokens in _fields_named(arguments.get("field"))]
    for name, (stored, operator) in RANGES.items():
        if name in arguments:
            # As a float, which the stored times are: a whole number may be beyond the store's.
            clauses.append({stored: {operator: float(arguments[name])}})
    return clauses


def _fields_named(text: Any) -> List[List[str]]:
    """Return what the filter ``field`` asks for: of each field, the tokens of its values."""
    found: Dict[str, List[str]] = {}
    for name, value in parse_pairs(str(text or "")):
        found.setdefault(name, []).append(f"{name}={value}")
    return list(found.values())


def _searched(document: Document) -> str:
    parts = [document.get(name) for name in SEARCHED_FIELDS[:3]]
    for name in SEARCHED_FIELDS[3:]:
        parts += document.get(name) or ([BY_HAND] if name == "rules" else [])
    return "\n".join(str(part or "") for part in parts).lower()


def _cursor(place: Place, mark: str) -> str:
    text = json.dumps([mark, place.value, place.key])
    return base64.urlsafe_b64encode(text.encode("utf-8")).decode("ascii")


def _place_of(cursor: Optional[str], mark: str) -> Optional[Place]:
    """Read a cursor. Raises Invalid when it is not one of ours for these filters."""
    if cursor is None:
        return None
    try:
        known, value, key = json.loads(base64.b64decode(cursor, altchars=b"-_", validate=True))
        place = Place(float(value), str(key))
        if not math.isfinite(place.value) or not _KEY.fullmatch(place.key):
            raise ValueError
    except (binascii.Error, ValueError, TypeError, UnicodeDecodeError, RecursionError):
        raise Invalid("'cursor' is invalid. Use the next_cursor of a previous page.") from None
    if known != mark:
        raise Invalid("'cursor' belongs to other filters. Omit it to start over.")
    return place
