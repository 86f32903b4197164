"""Since when each detection is enabled with its present schedule, which splunkd does not record.

Without it, a detection enabled a minute ago would look as if its last runs had been skipped. The
worker checks every two minutes, and keeps one document. Times are epoch seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Iterable, Optional

from ...incidents.canonical import digest
from ...incidents.stores import claim_document
from ...ports import Clock, Stores
from ...splunk.searching.detections import SavedDetection

__all__ = ["enabled_since", "note_enabled"]

KEY = "detections enabled"
UNSEEN_SECONDS = 600.0
"""After this long without a check, it is unknown whether a detection was disabled meanwhile."""


@dataclass(frozen=True)
class Enabled:
    """``since``: start of the time in which it is known to have been enabled without a pause.
    ``first``: when it was first seen enabled; a missed check does not reset it. None: unknown."""

    since: Optional[float] = None
    first: Optional[float] = None


def note_enabled(stores: Stores, clock: Clock, detections: Iterable[SavedDetection]) -> None:
    """Record which detections are enabled now."""
    now = clock.now()
    known = stores.claims.get(KEY)
    is_recent = known is not None and now - float(known["time"]) <= UNSEEN_SECONDS
    seen = known["value"]["since"] if known else {}
    first = {**seen, **known["value"].get("first", {})} if known else {}
    before = seen if is_recent else {}
    names = [_name(one) for one in detections if one.enabled]
    value = {
        "since": {name: before.get(name, now) for name in names},
        "first": {name: first.get(name, now) for name in names},
    }
    stores.claims.save([claim_document(KEY, now, value)])


def enabled_since(stores: Stores) -> Callable[[SavedDetection], Enabled]:
    """Return a function that gives the time since when a detection is enabled."""
    known = stores.claims.get(KEY)
    value = known["value"] if known else {}

    def of(search: SavedDetection) -> Enabled:
        since = value.get("since", {}).get(_name(search))
        return Enabled(since, value.get("first", {}).get(_name(search), since))

    return of


def _name(search: SavedDetection) -> str:
    parts = [search.name, search.app, search.owner, search.settings.get("cron_schedule", "")]
    return digest(parts, 40)
