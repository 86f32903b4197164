"""The scope of an investigation: one incident, its time windows, and searches within a budget."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, List, Mapping, Sequence, Tuple

from ..ports import Searcher, SearchFailed, SearchResult
from ..splunk.searching import spl
from .case import Pattern
from .changes import Change
from .evidence import Event, Finding

__all__ = [
    "ADDRESS",
    "BEFORE",
    "EVENT_FIELDS",
    "NOW",
    "Limits",
    "Scope",
    "change_events",
    "error_terms",
    "error_terms_of_few",
    "some_of",
]

NOW = "now"
BEFORE = "before"
MOST_NAMED = 5

# Terms that mark an event as a sign of trouble. They are words and phrases, not substrings: splunkd
# finds them in its index and reads no other events. "too", "down" and "alert" alone occur in much
# that is no trouble: each deploy logs "shutting down".
_ERROR_TERMS = (
    "error", "err", "errors", "failed", "failure", "fail", "exception", "exceptions", "fatal",
    "panic", "critical", "crit", "severe", "warn", "warning", "timeout", "refused", "denied",
    "rejected",
    "unavailable", "traceback", "expired", "exceeded", "unable", "cannot", "aborted", "unreachable",
    "overloaded", "throttled", "segfault", "killed", "oom", "outofmemoryerror", "oomkilled",
    "timed", "panicked", "emerg", "deadlock", "forbidden", "unauthorized", "insufficient",
    "too many", "too large", "is down", "[alert]",
    # The most frequent exceptions of Java, Python, .NET, JavaScript and Ruby, each one word of the
    # index: a stack trace may contain no other sign of trouble.
    "nullpointerexception", "illegalstateexception", "illegalargumentexception", "ioexception",
    "runtimeexception", "sqlexception", "classcastexception", "unknownhostexception",
    "connectexception", "sockettimeoutexception", "timeoutexception", "nullreferenceexception",
    "invalidoperationexception", "argumentexception", "valueerror", "typeerror", "keyerror",
    "attributeerror", "runtimeerror", "oserror", "importerror", "modulenotfounderror",
    "indexerror", "zerodivisionerror", "assertionerror", "connectionerror", "timeouterror",
    "referenceerror", "syntaxerror", "nomethoderror", "argumenterror", "stackoverflowerror",
)  # fmt: skip

# The names of all other exceptions. The index can't be searched for the ends of words, so splunkd
# reads every event.
_ERROR_ENDINGS = ("*exception", "*error")

_ENTITY = spl.Fragment("eval entity=coalesce(`incident_service`, host), event_time=_time")
# The fields that the macro incident_service reads, and the host.
_NAMED_BY = ("service", "service.name", "host")
ADDRESS = spl.Fragment("eval event_cd=_cd, event_bkt=_bkt")
EVENT_FIELDS = ("event_time", "index", "entity", "sourcetype", "event_cd", "event_bkt", "_raw")


@dataclass(frozen=True)
class Limits:
    """Limits of one investigation. Times are in seconds."""

    lookback: float = 3 * 3600.0
    """How far before the incident calm is looked for."""
    warmup: float = 300.0
    """How long before the incident's first event counts as part of it."""
    longest_span: float = 1800.0
    """How much of a long incident is read, from its beginning."""
    change_lookback: float = 24 * 3600.0
    events: int = 5000
    changes: int = 500
    entities: int = 10
    searches: int = 20
    search_timeout: float = 60.0


@dataclass
class Scope:
    """The incident that is investigated, and what finders have found so far.

    ``incident`` is the incident's document. Finders leave results for later finders here:
    ``failing`` (entity to time of its first error), ``patterns``, ``onset``, ``early_errors``
    (their times around the onset), ``changes``, ``depends_on``, ``volume_ratio``,
    ``ordinary_ratio``.
    """

    incident: Mapping[str, Any]
    searcher: Searcher
    now: float
    limits: Limits = field(default_factory=Limits)
    searches_left: int = -1
    failing: Dict[str, float] = field(default_factory=dict)
    patterns: List[Pattern] = field(default_factory=list)
    onset: float = 0.0
    early_errors: List[float] = field(default_factory=list)
    changes: List[Change] = field(default_factory=list)
    depends_on: Dict[str, List[str]] = field(default_factory=dict)
    volume_ratio: Dict[str, float] = field(default_factory=dict)
    ordinary_ratio: Dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.searches_left = self.limits.searches
        self.onset = self.first_time

    @property
    def entities(self) -> List[str]:
        """The incident's entities that a search can name."""
        return [entity for entity in self._named() if spl.is_searchable(entity)]

    @property
    def unsearchable(self) -> List[str]:
        """The incident's entities that no search can name, because their names hold a line
        break.
        """
        return [entity for entity in self._named() if not spl.is_searchable(entity)]

    def _named(self) -> List[str]:
        return [str(entity) for entity in self.incident.get("entities") or [] if entity]

    @property
    def first_time(self) -> float:
        """The time of the incident's first event in epoch seconds, or of its opening if unknown."""
        return float(self.incident.get("first_time") or self.incident.get("opened_at") or self.now)

    def window(self, which: str) -> Tuple[float, float]:
        """Return the start and end of the incident's window, or of the calm window before it."""
        start = self.first_time - self.limits.warmup
        if which == BEFORE:
            return self.first_time - self.limits.lookback, start
        last = float(self.incident.get("last_time") or self.first_time)
        end = min(max(last + 1.0, self.first_time + 60.0), self.now + 1.0)
        return start, max(start + 1.0, min(end, self.first_time + self.limits.longest_span))

    def run(
        self, finding: Finding, search: spl.Search, window: Tuple[float, float], limit: int
    ) -> SearchResult:
        """Run a search within the budget, and record it and splunkd's warnings on the finding.

        Raises:
            SearchFailed: splunkd refused it, it took too long, or the budget is used up.
        """
        if self.searches_left <= 0:
            raise SearchFailed("The investigation has reached its limit of searches.")
        self.searches_left -= 1
        text = str(search)
        finding.searches.append(text)
        result = self.searcher.run(
            text,
            spl.number(window[0]),
            spl.number(window[1]),
            limit=limit,
            timeout=self.limits.search_timeout,
        )
        finding.incomplete.extend(w for w in result.lacking(limit) if w not in finding.incomplete)
        return result

    def relevant_entities(self) -> List[str]:
        """Return the incident's entities, their dependencies and other failing ones, up to a limit.

        If the incident has too many entities, those that failed first are kept.
        """
        ordered = self.entities
        if len(ordered) > self.limits.entities:
            ordered.sort(key=lambda entity: self.failing.get(entity, math.inf))
        for entity in self.entities:
            ordered.extend(self.depends_on.get(entity, []))
        ordered.extend(sorted(self.failing, key=lambda e: (self.failing[e], e)))
        names = [entity for entity in dict.fromkeys(ordered) if spl.is_searchable(entity)]
        return names[: self.limits.entities]

    def unread_entities(self) -> str:
        """Return a sentence that not all of the incident's entities are searched, or "" if all
        are.
        """
        entities, most = len(self.entities), self.limits.entities
        if entities <= most:
            return ""
        return (
            f"Only {most} of the incident's {entities} entities were searched, the first to fail."
        )


def application_events(*conditions: spl.Fragment) -> spl.Search:
    """Return a search for events that applications log: no change events, no events of this app.

    An event with the fields of a change counts as a change event only where change events are
    expected. Elsewhere somebody may have typed these fields, and that would hide the line that logs
    them.
    """
    changes = spl.macro("incident_change_index")
    told = spl.all_of(changes, spl.field_is("change_id", "*"), spl.field_is("kind", "*"))
    return spl.Search(
        spl.macro("incident_indexes"),
        *conditions,
        spl.negate(told),
        spl.negate(spl.field_is("sourcetype", "incident_management*")),
        spl.negate(spl.field_is("source", "*incident_management_*")),
    )


def some_of(names: Sequence[str]) -> str:
    """Return names for a sentence: of very many, the first ones and the number of others."""
    shown = ", ".join(names[:MOST_NAMED])
    left = len(names) - MOST_NAMED
    return f"{shown} and {left} more" if left > 0 else shown


def change_events(*conditions: spl.Fragment) -> spl.Search:
    """Return a search for change events, which may share an index with other events."""
    where = spl.macro("incident_change_index")
    return spl.Search(*conditions, where, spl.field_is("change_id", "*"))


def error_terms() -> spl.Fragment:
    """Return the condition that an event reports trouble."""
    return spl.either(*(spl.term(word) for word in _ERROR_TERMS))


def error_terms_of_few() -> spl.Fragment:
    """Return the condition of :func:`error_terms`, extended to exceptions of any name.

    Only for searches that name entities, if the words alone find nothing: it reads all events of
    these entities, which may be millions.
    """
    return spl.either(*(spl.term(word) for word in (*_ERROR_TERMS, *_ERROR_ENDINGS)))


def from_entities(entities: Iterable[str]) -> spl.Fragment:
    """Return the condition that an event comes from one of the entities."""
    names = list(entities)
    return spl.either(*(spl.any_of(field, names) for field in _NAMED_BY))


def with_entity(search: spl.Search) -> spl.Search:
    """Add the field ``entity`` (service, or else host) as the app's detections do."""
    return search.pipe(_ENTITY)


def events_of(search: spl.Search, limit: int, more: Sequence[str] = ()) -> spl.Search:
    """End a search with the newest ``limit`` events and the fields of their addresses."""
    return with_entity(search).pipe(
        spl.command("head", spl.number(limit)), ADDRESS, spl.fields("table", [*EVENT_FIELDS, *more])
    )


def events(result: SearchResult) -> List[Event]:
    """Return a result's events, oldest first."""
    found = [Event.from_row(row) for row in result.rows]
    return sorted((e for e in found if e.raw), key=lambda event: (event.time, event.raw))
