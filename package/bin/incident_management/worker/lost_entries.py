"""Restores entries that are missing in the KV store from the audit events in the index.

An entry's key is the hash of its content, and entries name the keys of those before them. So an
event whose content has a key that is named and missing is the missing entry, whoever wrote that
event. An event in which a secret was masked has another hash, and can't be restored. Notifications
that were not sent before the loss are sent after the restore (:mod:`..notify.announcing.restored`).
"""

from __future__ import annotations

from typing import Callable, Iterable, Set

from ..incidents import timeline
from ..incidents.model import Entry
from ..notify.announcing import restored
from ..ports import Clock, Stores

__all__ = ["IndexedEntries", "restore_entries"]

IndexedEntries = Callable[[str], Iterable[Entry]]
"""Returns the entries of an incident that the index has."""


def restore_entries(
    stores: Stores, clock: Clock, incident_id: str, named: Iterable[str], indexed: IndexedEntries
) -> Set[str]:
    """Write an incident's missing entries again; return the keys of those that stay missing.

    ``named`` are the entries that its document names. Raises what the stores and the index raise;
    no entry is written then.
    """
    entries = timeline.read(stores, incident_id)
    missing = _missing(entries, named)
    if not missing:
        return set()
    found = {
        entry.key: entry
        for entry in indexed(incident_id)
        if entry.incident_id == incident_id and entry.hash() == entry.key
    }
    back = []
    while known := sorted(missing & found.keys()):
        back += [found[key] for key in known]
        missing = _missing([*entries, *back], named)
    if back:
        # The note first: an entry that exists is not restored again.
        restored.note(stores, clock.now(), [entry.key for entry in back])
        timeline.write(stores, back)
    return missing


def _missing(entries: Iterable[Entry], named: Iterable[str]) -> Set[str]:
    """Return the keys that entries or a document name and no entry has."""
    known = list(entries)
    followed = {key for entry in known for key in entry.prev}
    return (followed | set(named)) - {entry.key for entry in known}
