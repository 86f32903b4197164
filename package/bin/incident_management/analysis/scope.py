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

# Terms by which an event is taken as a sign of trouble. Words and phrases, not substrings: splunkd
# finds them in its index, and reads no other events. "too", "down" and "alert" alone are in much
# that is no trouble: "shutting down" is what each deploy says.
_ERROR_TERMS = (
    "error", "err", "errors", "failed", "failure", "fail", "exception", "exceptions", "fatal",
    "panic", "critical", "crit", "severe", "warn", "warning", "timeout", "refused", "denied",
    "rejected",
    "unavailable", "traceback", "expired", "exceeded", "unable", "cannot", "aborted", "unreachable",
    "overloaded", "throttled", "segfault", "killed", "oom", "outofmemoryerror", "oomkilled",
    "timed", "panicked", "emerg", "deadlock", "forbidden", "unauthorized", "insufficient",
    "too many", "too large", "is down", "[alert]",
    # What the runtimes of Java, Python, .NET, JavaScript and Ruby throw most, as one word of the
    # index each: a stack trace need not say more than that.
    "nullpointerexception", "illegalstateexception", "illegalargumentexception", "ioexception",
    "runtimeexception", "sqlexception", "classcastexception", "unknownhostexception",
    "connectexception", "sockettimeoutexception", "timeoutexception", "nullreferenceexception",
    "invalidoperationexception", "argumentexception", "valueerror", "typeerror", "keyerror",
    "attributeerror", "runtimeerror", "oserror", "importerror", "modulenotfounderror",
    "indexerror", "zerodivisionerror", "assertionerror", "connectionerror", "timeouterror",
    "referenceerror", "syntaxerror", "nomethoderror", "argumenterror", "stackoverflowerror",
)  # fmt: skip

# The names of any other exception. An index can't be looked through for the ends of words: splunkd
# reads every event for them.
_ERROR_ENDINGS = ("*exception", "*error")

_ENTITY = spl.Fragment("eval entity=coalesce(`incident_service`, host), event_time=_time")
# What the macro incident_service reads, and the host.
_NAMED_BY = ("service", "service.name", "host")
ADDRESS = spl.Fragment("eval event_cd=_cd, event_bkt=_bkt")
EVENT_FIELDS = ("event_time", "index", "entity", "sourcetype", "event_cd", "event_bkt", "_raw")


@dataclass(frozen=True)
class Limits:
    """Bounds of one investigation. Times are seconds."""

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
    """An incident to investigate, with what finders have found so far.

    ``incident`` is the incident's document. What one finder found it leaves here for the next:
    ``failing`` (entity to time of first error), ``patterns``, ``onset``, ``early_errors`` (their
    times around it), ``changes``, ``depends_on``, ``volume_ratio``, ``ordinary_ratio``.
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
        """The incident's other entities: their names hold a line break."""
        return [entity for entity in self._named() if not spl.is_searchable(entity)]

    def _named(self) -> List[str]:
        return [str(entity) for entity in self.incident.get("entities") or [] if entity]

    @property
    def first_time(self) -> float:
        """The incident's first event, epoch seconds; when it was opened if that is not known."""
        return float(self.incident.get("first_time") or self.incident.get("opened_at") or self.now)

    def window(self, which: str) -> Tuple[float, float]:
        """Return the start and end of the time now (the incident's) or before it (the calm)."""
        start = self.first_time - self.limits.warmup
        if which == BEFORE:
            return self.first_time - self.limits.lookback, start
        last = float(self.incident.get("last_time") or self.first_time)
        end = min(max(last + 1.0, self.first_time + 60.0), self.now + 1.0)
        return start, max(start + 1.0, min(end, self.first_time + self.limits.longest_span))

    def run(
        self, finding: Finding, search: spl.Search, window: Tuple[float, float], limit: int
    ) -> SearchResult:
        """Run a search within the budget, and note it on the finding; so what splunkd warns of.

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
        """Return the incident's entities, what they depend on, and others that fail, bounded.

        Of too many of its own, those that failed first.
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
        """Say that not all of the incident's entities are looked at; "" where they are."""
        entities, most = len(self.entities), self.limits.entities
        if entities <= most:
            return ""
        return (
            f"Only {most} of the incident's {entities} entities were searched, the first to fail."
        )


def application_events(*conditions: spl.Fragment) -> spl.Search:
    """Return a search for what applications log: not change events, nor this app's own events.

    Only where changes are told of is an event with their fields one: elsewhere somebody may have
    typed them, and would hide the line that logs it.
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
    """Return names for a sentence; of very many the first, and how many more there are."""
    shown = ", ".join(names[:MOST_NAMED])
    left = len(names) - MOST_NAMED
    return f"{shown} and {left} more" if left > 0 else shown


def change_events(*conditions: spl.Fragment) -> spl.Search:
    """Return a search for change events, which may share an index with other events."""
    where = spl.macro("incident_change_index")
    return spl.Search(*conditions, where, spl.field_is("change_id", "*"))


def error_terms() -> spl.Fragment:
    """Return the condition that an event speaks of trouble."""
    return spl.either(*(spl.term(word) for word in _ERROR_TERMS))


def error_terms_of_few() -> spl.Fragment:
    """Return what :func:`error_terms` does, with exceptions of every name.

    Only for searches that name entities, where the words alone find nothing: it reads all their
    events, which may be millions.
    """
    return spl.either(*(spl.term(word) for word in (*_ERROR_TERMS, *_ERROR_ENDINGS)))


def from_entities(entities: Iterable[str]) -> spl.Fragment:
    """Return the condition that an event comes from one of the entities."""
    names = list(entities)
    return spl.either(*(spl.any_of(field, names) for field in _NAMED_BY))


def with_entity(search: spl.Search) -> spl.Search:
    """Add the field ``entity`` (service, else host) as the app's detections do."""
    return search.pipe(_ENTITY)


def events_of(search: spl.Search, limit: int, more: Sequence[str] = ()) -> spl.Search:
    """End a search with the newest ``limit`` events, in the fields that make up an address."""
    return with_entity(search).pipe(
        spl.command("head", spl.number(limit)), ADDRESS, spl.fields("table", [*EVENT_FIELDS, *more])
    )


def events(result: SearchResult) -> List[Event]:
    """Return a result's events, oldest first."""
    found = [Event.from_row(row) for row in result.rows]
    return sorted((e for e in found if e.raw), key=lambda event: (event.time, event.raw))
