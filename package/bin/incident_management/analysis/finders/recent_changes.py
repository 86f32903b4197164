"""Find deploys, settings, flags and commits before the incident."""

from __future__ import annotations

from typing import Dict, Hashable, List

from ...ports import SearchFailed
from ...splunk.searching import spl
from ..changes import CHANGE_FIELDS, Change
from ..evidence import Citation, Finding
from ..scope import Scope, change_events, events_of
from ..times import how_long

NAME = "recent_changes"
LOOKS_FOR = "change events in the day before the errors began"
MOST_TOLD = 10
"""Of the changes, the nearest before the errors, these first."""
AFTER_SECONDS = 900.0
"""Changes shortly after the onset are read too, so that a reader sees why they are ruled out."""
LONG_LOOKBACK = 30 * 86400.0
"""Seconds before the onset: a service may be deployed once a month."""
MOST_TRACED, MOST_OLDER = 5, 100
"""Services whose deploy before is looked for that far back, and their events that are read."""
WORDS = (
    "change_id", "CreateAlias20150331", "UpdateAlias20150331", "CreateService", "UpdateService"
)  # fmt: skip
"""One of them stands in an event that far back: all events of a month would else be read."""


def find(scope: Scope) -> Finding:
    """Read change events into ``scope.changes``, the oldest first. Raises SearchFailed."""
    finding = Finding(NAME, LOOKS_FOR)
    window = (scope.onset - scope.limits.change_lookback, scope.onset + AFTER_SECONDS)
    search = events_of(change_events(), scope.limits.changes, CHANGE_FIELDS)
    result = scope.run(finding, search, window, scope.limits.changes)
    read = [Change.from_row(row) for row in result.rows]
    told = [change for change in read if change.is_change_event()]
    changes = _once_each(told)
    _fill_previous_versions(changes)
    _trace_back(scope, finding, changes)
    scope.changes = changes
    for change in [c for c in reversed(changes) if c.time <= scope.onset][:MOST_TOLD]:
        finding.found.append(f"{change.label()}, {how_long(scope.onset - change.time)} before")
        finding.citations.append(Citation.of_event(change.event, kind="change"))
    if len(told) < len(read):
        finding.not_found.append(
            f"{len(read) - len(told)} events only quote change_id=… within other text, so they "
            "are not changes."
        )
    if not changes:
        finding.not_found.append(
            "No change events. If changes are indexed, check the macro incident_change_index."
        )
    if len(result.rows) >= scope.limits.changes:
        finding.not_found.append(f"Only the newest {scope.limits.changes} changes were read.")
    return finding


def _once_each(changes: List[Change]) -> List[Change]:
    """Return the changes, the oldest first, without those that were delivered twice, as by two
    trails.
    """
    known: Dict[Hashable, Change] = {}
    for change in sorted(changes, key=lambda change: (change.time, change.change_id)):
        said = (change.kind, change.version, *change.removed, *change.added)
        known.setdefault((change.change_id, change.time, _where(change), said), change)
    return list(known.values())


def _where(change: Change) -> Hashable:
    return change.service, frozenset(change.place.items())


def _fill_previous_versions(changes: List[Change]) -> None:
    """Fill in which version a deploy replaced, if its event does not say so.

    It is the version of the deploy before it of the same service in the same place, such as its
    cluster.
    """
    running: Dict[Hashable, Change] = {}
    for change in changes:
        if not change.version:
            continue
        where = _where(change)
        earlier = running.get(where)
        if earlier and not change.previous_version:
            before = earlier.replaced_by(change)
            change.previous_version, change.replaced = before, earlier.event if before else None
        running[where] = change


def _trace_back(scope: Scope, finding: Finding, changes: List[Change]) -> None:
    """Search further back for the versions that the deploys nearest to the errors replaced."""
    unknown = [c for c in reversed(changes) if c.version and not c.previous_version]
    services = [c.service for c in unknown if c.time <= scope.onset]
    names = [one for one in dict.fromkeys(services) if spl.is_searchable(one)][:MOST_TRACED]
    if not names:
        return
    words = spl.either(*(spl.term(word) for word in WORDS))
    older = change_events(words, spl.any_of("service", names), spl.field_is("version", "*"))
    window = (scope.onset - LONG_LOOKBACK, scope.onset - scope.limits.change_lookback)
    try:
        result = scope.run(finding, events_of(older, MOST_OLDER, CHANGE_FIELDS), window, MOST_OLDER)
    except SearchFailed as error:
        finding.not_found.append(f"The version before the deploy of {names[0]} is unknown. {error}")
        return
    read = [Change.from_row(row) for row in result.rows]
    before = _once_each([change for change in read if change.is_change_event()])
    _fill_previous_versions([*before, *changes])
