"""The searches that raised an incident, and the windows over which they can run again."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, List, Mapping, Protocol, Sequence, Set, Tuple

from ..incidents.joining.signals import signals_query
from ..incidents.model import Entry, Incident
from ..ports import Document, Stores
from .catalogue import Action
from .plan import PlanState

__all__ = [
    "CannotJudge",
    "Grid",
    "RaisingSearch",
    "Rerun",
    "Search",
    "Windows",
    "opening_data",
    "raising_searches",
    "search_identity",
]

# Events are indexed late, so a window is judged this long after its end.
INDEX_LAG_SECONDS = 5.0
FINDINGS_READ = 1000
MAX_SEARCHES = 20
# The fields that are read of a finding; its sample rows are long.
SEARCH_FIELDS = ("search", "app", "owner")

Search = Mapping[str, Any]


@dataclass(frozen=True)
class Rerun:
    """What a raising search found in a window: rows, and the field that names the entity.

    ``events``: how many events it saw of each entity, whether reported or not, if it can tell.
    """

    spl: str
    entity_field: str
    rows: List[Dict[str, Any]]
    events: Mapping[str, int] = field(default_factory=dict)

    def entities(self) -> Set[str]:
        """Return the entities that the rows name."""
        found: Set[str] = set()
        for row in self.rows:
            value = row.get(self.entity_field)
            found.update(str(v) for v in (value if isinstance(value, list) else [value]) if v)
        return found


class CannotJudge(Exception):
    """The search that raised the incident can't run again, now or later; the text says why."""


@dataclass(frozen=True)
class Windows:
    """A window before the fix and one after it, of the same length, in epoch seconds."""

    before: Tuple[float, float]
    after: Tuple[float, float]

    @property
    def length(self) -> float:
        return self.after[1] - self.after[0]

    def to_document(self) -> Dict[str, Any]:
        """Return the windows as the timeline stores them."""
        return {"before": list(self.before), "after": list(self.after)}


@dataclass(frozen=True)
class Grid:
    """Which windows a search can judge, in seconds, and how long after their end: ``lag``.

    With ``length``, only windows of exactly that length, because the search's limits are set for
    it. Otherwise they are as long as the action asks for; with ``span``, in whole multiples of it.
    """

    span: int = 0
    lag: float = INDEX_LAG_SECONDS
    length: float = 0.0

    def first(self, action: Action, state: PlanState) -> Windows:
        """Return the windows next to a fix: one that ends at its start, one after its end."""
        begin, begun = state.done_at + action.verify_delay, state.started_at
        length = action.verify_window
        if self.length:
            begin, length = begin + max(0.0, length - self.length), self.length
        elif self.span:
            begin = math.ceil(begin / self.span) * float(self.span)
            begun = math.floor(begun / self.span) * float(self.span)
            length = math.ceil(length / self.span) * float(self.span)
        return Windows((begun - length, begun), (begin, begin + length))

    def newest(self, action: Action, state: PlanState, now: float) -> Windows:
        """Return the windows with the newest one after the fix that can be judged."""
        first = self.first(action, state)
        start, end = first.after
        moved = max(0, int((now - self.lag - end) // first.length)) * first.length
        after = (round(start + moved, 3), round(end + moved, 3))
        return Windows((round(first.before[0], 3), round(first.before[1], 3)), after)


class RaisingSearch(Protocol):
    """Runs again, over another window, what raised an incident, without its alert actions.

    ``search`` is a signal's ``search``: a saved search has a ``name``, a monitor has ``monitor``.
    Both methods raise SearchFailed and CannotJudge.
    """

    def grid(self, search: Search, at: float) -> Grid:
        """Return the windows it can judge, given its definition at the time ``at``."""

    def run(self, search: Search, earliest: float, latest: float) -> Rerun:
        """Judge a window of its grid; times are epoch seconds."""


def raising_searches(stores: Stores, incident: Incident) -> List[Search]:
    """Return the searches that raised an incident: one of each rule, and each series of a monitor.

    Of a series that raised several signals, it is the first if that opened the incident, because it
    knows what was normal before the problem. Otherwise it is the newest.

    Raises:
        CannotJudge: a rule's findings name no search, or there are too many.
    """
    found: Dict[str, Search] = {}
    for rule in incident.rules:
        for search in _searches(stores, incident, rule):
            found.setdefault(search_identity(search), search)
    if not found:
        raise CannotJudge("No search that can be run again raised the incident.")
    if len(found) > MAX_SEARCHES:
        raise CannotJudge(
            f"{len(found)} searches and series raised the incident, more than the "
            f"{MAX_SEARCHES} that can be run again."
        )
    return list(found.values())


def _searches(stores: Stores, incident: Incident, rule: str) -> Iterator[Search]:
    """Yield the searches that a rule's findings name, starting with the incident's opener.

    A saved search's findings name that search. A finding that names another one may be forged, and
    must not hide any.
    """
    own = incident.search
    found: List[Search] = [own] if rule in (own.get("name"), own.get("monitor")) else []
    about = [signals_query(incident), {"rule": rule}]
    if not found:
        found = [_search(one) for one in stores.signals.find({"$and": about}, "received_at:-1", 1)]
    if not found or not found[0]:
        raise CannotJudge(f"'{rule}' is not a search that can be run again.")
    query = {"$and": [*about, *_not_of(found[0])]}
    others = stores.signals.find(query, "received_at:-1", FINDINGS_READ + 1, 0, SEARCH_FIELDS)
    if len(others) > FINDINGS_READ:
        raise CannotJudge(f"'{rule}' has more than {FINDINGS_READ} findings on the incident.")
    yield from [*found, *filter(None, map(_search, others))]


def _not_of(search: Search) -> List[Document]:
    """Return the conditions for findings that name another search; none for a monitor."""
    if not search.get("name"):
        return []
    differs: List[Document] = [
        {f"search.{name}": {"$ne": search[name]}} for name in ("name", "app") if search.get(name)
    ]
    return [{"$or": differs}]


def _search(signal: Document) -> Search:
    """Return a signal's search; a saved one with app and owner, from the signal if missing."""
    search: Dict[str, Any] = dict(signal.get("search") or {})
    if search.get("name"):
        for name in ("app", "owner"):
            search[name] = search.get(name) or signal.get(name) or ""
    return search if search.get("name") or search.get("monitor") else {}


def opening_data(entries: Sequence[Entry]) -> Mapping[str, Any]:
    """Return the data of an incident's first entry, such as its ``search`` and ``entities``."""
    return next((entry.data for entry in entries if entry.kind == "opened"), {})


def search_identity(search: Search) -> str:
    """Return a text that identifies a search, or a monitor's series."""
    names = ("name", "app") if search.get("name") else ("monitor", "series", "template_id")
    return repr([search.get(name) or "" for name in names])
