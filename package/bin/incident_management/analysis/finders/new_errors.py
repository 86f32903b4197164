"""Find what the errors say, and which of them are new or more frequent than in the calm window."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Dict, List, NamedTuple, Sequence, Tuple

from ...detection.templates.miner import TemplateMiner
from ...ports import SearchFailed
from ...splunk.searching import spl
from ..budget import shorten
from ..case import Pattern
from ..evidence import Citation, Event, Finding, masked_line
from ..onset import RISE, Span, onset_of, seconds_of
from ..scope import (
    BEFORE,
    NOW,
    Scope,
    application_events,
    error_terms,
    error_terms_of_few,
    events,
    events_of,
    from_entities,
)

NAME = "new_errors"
LOOKS_FOR = "error messages that are new, or more frequent than in the calm time before"
EVENTS_KEPT = 200
LONGEST_REASON = 200
# A separate field in JSON or logfmt: {"msg": "fetch failed", "error": "no such host"}
_GIVEN = re.compile(
    r"""(?<![\w.])["']?(?:err|error|exception|cause|reason)["']?\s?[=:]\s?"((?:[^"\\]|\\.){6,400})\"""",
    re.I,
)
_WARNS = re.compile(r"(?<![\w-])WARN(?:ING)?(?![\w-])|(?i:\blevel[\"']?\s?[=:]\s?[\"']?warn)")
_SAYS_WORSE = re.compile(
    r"(?<![\w-])(?:ERROR|FATAL|SEVERE|CRIT(?:ICAL)?|EMERG|PANIC)(?![\w-])|Exception|Error\b|Traceback"
)
EARLY = 600.0
"""Up to this many seconds past the onset an error is an early one."""
BEGINNING = 60.0
"""Seconds from the first event that are read apart when there are too many events for one read."""


@dataclass
class _Read:
    """Events, the oldest first, and the time spans of which all events were read."""

    events: List[Event]
    spans: List[Span]


_Risen = Tuple[Pattern, List[Event]]
"""A pattern that has risen, and its calm events."""


class _Look(NamedTuple):
    risen: List[_Risen]
    spans: List[Span]


def find(scope: Scope) -> Finding:
    """Group error events by template into ``scope.patterns``.

    Sets ``scope.onset`` and ``scope.early_errors``. In ``scope.failing``, an entity's first error
    becomes its first one from the onset on. Raises SearchFailed if a search for events fails.
    """
    finding = Finding(NAME, LOOKS_FOR)
    entities = scope.relevant_entities()
    if not entities:
        finding.not_found.append("The incident names no entity, so there is nothing to search.")
        return finding
    unread = scope.unread_entities()
    if unread:
        finding.incomplete.append(unread)
    risen, spans = _search_errors(scope, finding, entities)
    scope.patterns = [pattern for pattern, _calm in risen]
    times = sorted(e.time for pattern, calm in risen for e in (*calm, *pattern.events))
    onset = onset_of(times, spans)
    if onset is not None:
        scope.onset = onset.time
        burst = [time for time in times if 0 <= time - onset.time <= EARLY]
        scope.early_errors = [*onset.growing, *burst]
    for pattern, calm in risen:
        _keep_the_burst(pattern, calm, scope.onset)
    _date_failures(scope)
    for pattern in scope.patterns[:8]:
        usual = f"{pattern.before} before" if pattern.before else "new"
        told = pattern.template + _reason(pattern)
        finding.found.append(f"{pattern.entity}: {told} ({pattern.count}, {usual})")
        finding.citations.append(Citation.of_event(pattern.events[0]))
    if not scope.patterns:
        finding.not_found.append("No error message is new or more frequent than before.")
    return finding


def _search_errors(scope: Scope, finding: Finding, entities: Sequence[str]) -> _Look:
    """Search for words of trouble and, if only warnings of the entities rose, for exceptions."""
    seen = _compare(scope, finding, entities, error_terms())
    own = [pattern for pattern, _calm in seen.risen if pattern.entity in scope.entities]
    if not all(_only_warns(pattern.events[0].begins) for pattern in own):
        return seen
    try:
        return _compare(scope, finding, entities, error_terms_of_few())
    except SearchFailed as failed:
        finding.incomplete.append(f"Exceptions of other names were not searched for: {failed}")
        return seen


def _only_warns(text: str) -> bool:
    """Return whether an event has the level of a warning, and names no error or exception."""
    return bool(_WARNS.search(text)) and not _SAYS_WORSE.search(text)


def _compare(scope: Scope, finding: Finding, entities: Sequence[str], terms: spl.Fragment) -> _Look:
    search = events_of(application_events(terms, from_entities(entities)), scope.limits.events)
    before = _read(scope, finding, search, scope.window(BEFORE), "errors before it")
    now = _read_now(scope, finding, search)
    return _Look(_risen(before, now), [*before.spans, *now.spans])


def _reason(pattern: Pattern) -> str:
    """Return the error that the first event gives beside its message, which may be only
    "failed".
    """
    found = _GIVEN.search(pattern.events[0].begins)
    words = shorten(masked_line(found[1].replace('\\"', '"')), LONGEST_REASON) if found else ""
    return f": {words}" if words and words.lower() not in pattern.template.lower() else ""


def _read(scope: Scope, finding: Finding, search: spl.Search, window: Span, what: str) -> _Read:
    """Read a window's events; of too many the newest, and say so with the name ``what``."""
    most = scope.limits.events
    result = scope.run(finding, search, window, most)
    found = events(result)
    if len(result.rows) < most or not found:
        return _Read(found, [window])
    told = f"Only the newest {most} of the {what} were read."
    if told not in finding.not_found:
        finding.not_found.append(told)
    return _Read(found, [(found[0].time, window[1])])


def _read_now(scope: Scope, finding: Finding, search: spl.Search) -> _Read:
    """Read the incident's events; of too many the newest ones and, if the cause shows in them,
    the first ones.
    """
    start, end = scope.window(NOW)
    late = _read(scope, finding, search, (start, end), "incident's errors")
    begun = late.spans[0][0]
    if begun <= start:
        return late
    first = (start, min(begun, scope.first_time + BEGINNING))
    early = _read(scope, finding, search, first, "errors of its first minute")
    seen = sorted({*early.events, *late.events}, key=lambda event: (event.time, event.raw))
    return _Read(seen, [*early.spans, *late.spans])


def _risen(before: _Read, now: _Read) -> List[_Risen]:
    """Return the patterns that have risen, the most frequent first, each with its calm events.

    The events of a pattern itself are those of the incident's window.
    """
    both = before.events + now.events
    mined = TemplateMiner().templates_of([event.raw for event in both])
    groups: Dict[Tuple[str, str], Tuple[List[Event], List[Event]]] = {}
    for place, (event, template) in enumerate(zip(both, (one.text for one in mined))):
        calm, seen = groups.setdefault((event.entity, template), ([], []))
        (calm if place < len(before.events) else seen).append(event)
    calm_seconds, seconds = seconds_of(before.spans), seconds_of(now.spans)
    found = []
    for (entity, template), (calm, seen) in groups.items():
        if seen and len(seen) * calm_seconds >= RISE * len(calm) * seconds:
            pattern = Pattern(template, entity, len(seen), len(calm), seen[0].time, seen)
            found.append((pattern, calm))
    return sorted(found, key=lambda one: (-one[0].count, one[0].first_time, one[0].template))


def _keep_the_burst(pattern: Pattern, calm: Sequence[Event], onset: float) -> None:
    """Keep a pattern's events from the onset on, or all of the incident's window if there are
    none.
    """
    burst = [event for event in (*calm, *pattern.events) if event.time >= onset]
    kept = burst or pattern.events
    pattern.events, pattern.first_time = kept[:EVENTS_KEPT], kept[0].time


def _date_failures(scope: Scope) -> None:
    """Date each failure by its burst, because the entity may have errors on any day.

    An entity of the incident that only logs exceptions with names of its own was not found to fail
    before. Any other entity that has errors all day does not fail just because of a new kind among
    them.
    """
    for pattern in sorted(scope.patterns, key=lambda p: p.first_time):
        if pattern.entity in scope.entities:
            scope.failing.setdefault(pattern.entity, pattern.first_time)
        if scope.failing.get(pattern.entity, math.inf) < scope.onset <= pattern.first_time:
            scope.failing[pattern.entity] = pattern.first_time
