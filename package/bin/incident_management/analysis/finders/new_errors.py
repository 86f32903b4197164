"""What the errors say, and which of it is new or has risen against the calm time before."""

from __future__ import annotations

from typing import Dict, List, Tuple

from ...detection.templates.miner import TemplateMiner
from ..case import Pattern
from ..evidence import Citation, Event, Finding
from ..scope import (
    BEFORE,
    NOW,
    Scope,
    application_events,
    error_terms,
    events,
    events_of,
    from_entities,
)

NAME = "new_errors"
LOOKS_FOR = "error messages that are new, or more frequent than in the calm time before"
RISE = 3.0
LONGEST_GAP = 300.0
"""Errors with no longer gap than this, in seconds, are one burst."""
EVENTS_KEPT = 200
BEGINNING = 60.0
"""Seconds from the first event that are read apart when there are too many events for one read."""


def find(scope: Scope) -> Finding:
    """Group error events by template into ``scope.patterns``, and set ``scope.onset``.

    Raises SearchFailed when an events search fails.
    """
    finding = Finding(NAME, LOOKS_FOR)
    entities = scope.relevant_entities()
    if not entities:
        finding.not_found.append("The incident names no entity, so there is nothing to look at.")
        return finding
    base = application_events(error_terms(), from_entities(entities))
    search = events_of(base, scope.limits.events)
    found: Dict[str, List[Event]] = {}
    for which in (BEFORE, NOW):
        result = scope.run(finding, search, scope.window(which), scope.limits.events)
        found[which] = events(result)
        if len(found[which]) >= scope.limits.events:
            finding.not_found.append(f"Only the newest {scope.limits.events} events were read.")
    if len(found[NOW]) >= scope.limits.events:
        # Newest first: the beginning, where the cause shows, would be what was left out.
        start = (scope.window(NOW)[0], scope.first_time + BEGINNING)
        early = events(scope.run(finding, search, start, scope.limits.events))
        found[NOW] = sorted({*early, *found[NOW]}, key=lambda event: (event.time, event.raw))
    scope.patterns = _risen(scope, found[BEFORE], found[NOW])
    scope.onset = _onset(scope)
    for pattern in scope.patterns[:8]:
        calm = f"{pattern.before} before" if pattern.before else "new"
        finding.found.append(f"{pattern.entity}: {pattern.template} ({pattern.count}, {calm})")
        finding.citations.append(Citation.of_event(_example(pattern, scope.onset)))
    if not scope.patterns:
        finding.not_found.append("No error message is new or more frequent than before.")
    return finding


def _risen(scope: Scope, before: List[Event], now: List[Event]) -> List[Pattern]:
    both = before + now
    templates = TemplateMiner().templates_of([event.raw for event in both])
    groups: Dict[Tuple[str, str], Pattern] = {}
    boundary = scope.window(NOW)[0]
    for event, template in zip(both, [found.text for found in templates]):
        pattern = groups.get((event.entity, template))
        if pattern is None:
            pattern = Pattern(template, event.entity, 0, 0, event.time)
            groups[(event.entity, template)] = pattern
        if event.time < boundary:
            pattern.before += 1
        else:
            pattern.count += 1
        if len(pattern.events) < EVENTS_KEPT:
            pattern.events.append(event)
    risen = [pattern for pattern in groups.values() if _has_risen(pattern, scope)]
    return sorted(risen, key=lambda p: (-p.count, p.first_time, p.template))


def _has_risen(pattern: Pattern, scope: Scope) -> bool:
    (before_start, before_end), (start, end) = scope.window(BEFORE), scope.window(NOW)
    calm = pattern.before / max(1.0, before_end - before_start)
    return pattern.count > 0 and pattern.count / max(1.0, end - start) >= RISE * calm


def _onset(scope: Scope) -> float:
    """Return when the burst that the incident belongs to began: back over short gaps only."""
    times = sorted(event.time for p in scope.patterns for event in p.events)
    later = [time for time in times if time >= scope.window(NOW)[0]]
    if not later:
        return scope.first_time
    onset = later[0]
    for time in reversed([time for time in times if time < onset]):
        if onset - time > LONGEST_GAP:
            break
        onset = time
    return onset


def _example(pattern: Pattern, onset: float) -> Event:
    return min(pattern.events, key=lambda event: (event.time < onset - 60, event.time, event.raw))
