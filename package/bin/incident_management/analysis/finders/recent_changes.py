"""Deploys, settings, flags and commits before the incident."""

from __future__ import annotations

from typing import Dict, List, Tuple

from ..changes import Change
from ..evidence import Citation, Finding
from ..scope import Scope, change_events, events_of
from ..times import how_long

NAME = "recent_changes"
LOOKS_FOR = "change events in the day before the errors began"
FIELDS = (
    "change_id", "service", "kind", "summary", "actor", "version", "previous_version", "alias"
)  # fmt: skip
CANARY = "canary"
"""A deploy to a part; the one that follows, of the same version, replaces what this one did."""
MOST_TOLD = 10
"""Of the changes, the nearest before the errors, these first."""
AFTER_SECONDS = 900.0
"""Changes shortly after the onset are read too, so that a reader sees why they are ruled out."""


def find(scope: Scope) -> Finding:
    """Read change events into ``scope.changes``, oldest first. Raises SearchFailed."""
    finding = Finding(NAME, LOOKS_FOR)
    window = (scope.onset - scope.limits.change_lookback, scope.onset + AFTER_SECONDS)
    search = events_of(change_events(), scope.limits.changes, FIELDS)
    result = scope.run(finding, search, window, scope.limits.changes)
    read = [Change.from_row(row) for row in result.rows]
    changes = [change for change in read if change.is_change_event()]
    changes.sort(key=lambda change: (change.time, change.change_id))
    _fill_previous_versions(changes)
    scope.changes = changes
    for change in [c for c in reversed(changes) if c.time <= scope.onset][:MOST_TOLD]:
        finding.found.append(f"{change.label()}, {how_long(scope.onset - change.time)} before")
        finding.citations.append(Citation.of_event(change.event, kind="change"))
    if len(changes) < len(read):
        finding.not_found.append(
            f"{len(read) - len(changes)} events only hold the words change_id=… within another "
            "text: they are no changes."
        )
    if not changes:
        finding.not_found.append(
            "No change events: check the macro incident_change_index if changes are indexed."
        )
    if len(result.rows) >= scope.limits.changes:
        finding.not_found.append(f"Only the newest {scope.limits.changes} changes were read.")
    return finding


def _fill_previous_versions(changes: List[Change]) -> None:
    """A deploy that does not say what it replaced replaced the one before it.

    That of the same service, and of the same alias where there are several.
    """
    running: Dict[Tuple[str, str], Change] = {}
    for change in changes:
        if not change.version:
            continue
        where = (change.service, change.alias)
        earlier = running.get(where)
        if earlier and not change.previous_version:
            goes_on = earlier.kind == CANARY and earlier.version == change.version
            replaced = earlier.previous_version if goes_on else earlier.version
            change.previous_version, change.replaced = replaced, earlier.event
        running[where] = change
