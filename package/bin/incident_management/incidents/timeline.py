"""Writes, reads, folds and verifies timelines; no other module writes entries.

Writers only insert. An incident's document is derived from the timeline by the last writer: see
:func:`save_documents`.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import (
    Any,
    Callable,
    Collection,
    Dict,
    Iterable,
    List,
    Mapping,
    Optional,
    Sequence,
    Set,
    Tuple,
)

from ..ports import Document, Stores
from .act import Act
from .entry_validation import readable_entries
from .errors import NotFound
from .fold import effective, fold, heads, ordered, signal_keys
from .model import Entry, Head, Incident
from .stores import find_by, keys_since
from .story import OutOfOrder, Story, by_incident

__all__ = [
    "LOST",
    "Verdict",
    "append",
    "catch_up",
    "current",
    "effective",
    "fold",
    "head_of",
    "load",
    "named_keys",
    "ordered",
    "read",
    "read_existing",
    "read_many",
    "read_verified",
    "record",
    "refresh",
    "refresh_many",
    "save_documents",
    "signal_keys",
    "verify",
    "write",
]

# A refresh that is overtaken this often leaves the rest to the next writer, or to the worker.
REFRESH_ROUNDS = 20

# Nobody makes a backup and restores it in so short a time.
RESTORE_SECONDS = 120.0
# The field of an incident's document with the keys of entries that no longer exist.
LOST = "lost"
_KEY = re.compile("[0-9a-f]{64}")

Monotonic = Callable[[], float]


def read(stores: Stores, incident_id: str) -> List[Entry]:
    """Return an incident's entries in order; empty for an unknown id."""
    return read_many(stores, [incident_id])[incident_id]


def read_existing(stores: Stores, incident_id: str) -> List[Entry]:
    """Return an incident's entries in order. Raises NotFound when there are none."""
    entries = read(stores, incident_id)
    if not entries:
        raise not_found(incident_id)
    return entries


def current(stores: Stores, incident_id: str) -> Incident:
    """Return the incident that the entries add up to now. Raises NotFound when there are none."""
    return fold(read_existing(stores, incident_id))


def read_many(stores: Stores, incident_ids: Iterable[str]) -> Dict[str, List[Entry]]:
    """Return the entries of many incidents, in few calls, by incident id."""
    wanted = list(dict.fromkeys(incident_ids))
    found: Dict[str, List[Entry]] = {incident_id: [] for incident_id in wanted}
    for entry in readable_entries(find_by(stores.timeline, "incident_id", wanted)):
        found[entry.incident_id].append(entry)
    return {incident_id: ordered(entries) for incident_id, entries in found.items()}


def append(act: Act, incident_id: str, kind: str, data: Mapping[str, Any], once: str = "") -> Entry:
    """Write one entry after all known ones, and return it.

    If an entry with this ``once`` exists, it is returned and nothing is written. In an act with
    several entries, the one that does what was requested carries the act's own ``once``. The
    incident's document is not updated: write the last entry by :func:`record`, or call
    :func:`refresh`.

    Raises:
        NotFound: the incident has no entries, unless this one opens it.
        Invalid: ``data`` holds a field name that the KV store refuses.
    """
    return _append(act, incident_id, kind, data, once)[0]


def record(
    act: Act, incident_id: str, kind: str, data: Mapping[str, Any], once: str = ""
) -> Incident:
    """Write one entry as :func:`append` does, save the document, and return the incident.

    Like :func:`append` and :func:`refresh`, without reading the timeline twice.
    """
    _entry, known = _append(act, incident_id, kind, data, once)
    return _known(incident_id, _saved(act.stores, {incident_id: Story(known)}))


def _append(
    act: Act, incident_id: str, kind: str, data: Mapping[str, Any], once: str
) -> Tuple[Entry, List[Entry]]:
    """Write one entry; return it, and all entries."""
    entries = read(act.stores, incident_id)
    if not entries and kind != "opened":
        raise not_found(incident_id)
    if once:
        for entry in entries:
            if entry.once == once:
                return entry, entries
    now, head = act.clock.now(), head_of(entries)
    entry = Entry.create(incident_id, kind, data, act.actor, now, head, once)
    act.stores.timeline.insert(entry.to_document())
    return entry, [*entries, entry]


def read_verified(stores: Stores, incident_id: str) -> Tuple[List[Entry], Verdict]:
    """Return an incident's entries, and whether they are complete. Raises NotFound for none."""
    # Document first: the last entry it names is then among the entries read after it.
    document = stores.incidents.get(incident_id) or {}
    entries = read_existing(stores, incident_id)
    return entries, verify(entries, sorted(named_keys(document)))


def named_keys(document: Mapping[str, Any]) -> Set[str]:
    """Return the keys of entries that an incident's document or an entry names, lost ones included.

    An entry names those that it follows. Values that are not keys are ignored, as the document may
    have been edited by hand.
    """
    listed = [document.get(field) for field in ("head", LOST, "prev")]
    values = [key for keys in listed if isinstance(keys, list) for key in keys]
    return {key for key in values if isinstance(key, str) and _KEY.fullmatch(key)}


def write(stores: Stores, entries: Sequence[Entry]) -> None:
    """Write many new entries in few calls; a key is a hash, so a repeat changes nothing."""
    if entries:
        stores.timeline.save([entry.to_document() for entry in entries])


def head_of(entries: Sequence[Entry]) -> Head:
    """Return the head that a new entry must follow."""
    return Head(max((entry.seq for entry in entries), default=0), tuple(heads(entries)))


def refresh(stores: Stores, incident_id: str) -> Incident:
    """Update an incident's document from all its entries, save it, and return the incident.

    Raises NotFound if the incident has no entries.
    """
    return _known(incident_id, refresh_many(stores, [incident_id]))


def refresh_many(stores: Stores, incident_ids: Iterable[str]) -> Dict[str, Incident]:
    """Refresh many incidents in few calls; returns those that have entries."""
    return _saved(stores, load(stores, incident_ids))


def _known(incident_id: str, found: Mapping[str, Incident]) -> Incident:
    if incident_id not in found:
        raise not_found(incident_id)
    return found[incident_id]


def _saved(stores: Stores, stories: Dict[str, Story]) -> Dict[str, Incident]:
    """Save the documents of stories; returns the incidents that have entries."""
    save_documents(stores, stories)
    found = {incident_id: story.incident for incident_id, story in stories.items()}
    return {incident_id: incident for incident_id, incident in found.items() if incident}


def save_documents(
    stores: Stores, stories: Dict[str, Story], clock: Monotonic = time.monotonic
) -> None:
    """Save the documents of these incidents until each holds all entries of its timeline.

    Saves, checks for new entries, and repeats for incidents that have some. So an outdated document
    is never the last one saved: its writer sees the newer entries in the check after its save.

    Entries that the previous document named and no timeline has are lost, as after a restore. The
    new document names them in ``lost``, so that the worker's sweep can restore them.
    """
    pending = [incident_id for incident_id, story in stories.items() if story.keys]
    began = clock()
    named = _named(stores, stories, pending, clock)
    for _round in range(REFRESH_ROUNDS):
        if not pending:
            return
        incidents = {one: incident for one in pending if (incident := stories[one].incident)}
        stores.incidents.save(
            [_document(one, stories[key], named[key], began) for key, one in incidents.items()]
        )
        pending = sorted(catch_up(stores, stories, pending, clock))


def _named(
    stores: Stores, stories: Dict[str, Story], incident_ids: Sequence[str], clock: Monotonic
) -> Dict[str, Set[str]]:
    """Return the keys that the documents name; stories that lack some are brought up to date.

    Most of what a story lacks was just added by another writer. Documents that this process has
    just saved are not read.
    """
    named: Dict[str, Set[str]] = {incident_id: set() for incident_id in incident_ids}
    just_now = clock() - RESTORE_SECONDS
    looked_at = [one for one in incident_ids if stories[one].saved_at < just_now]
    for one in find_by(stores.incidents, "_key", looked_at, fields=("head", LOST)):
        named[str(one["_key"])] = named_keys(one)

    def behind() -> List[str]:
        return [one for one, keys in named.items() if not keys <= stories[one].keys]

    catch_up(stores, stories, behind(), clock)
    # A restored entry belongs before entries that the story has already read.
    stories.update(_read_whole(stores, behind(), clock))
    return named


def _document(incident: Incident, story: Story, named: Set[str], now: float) -> Document:
    """Return the document to save now; updates ``named`` and the story's ``saved_at``."""
    document = incident.to_document()
    lost = sorted(named - story.keys)
    named.update(document["head"])
    if lost:
        return {**document, LOST: lost}
    story.saved_at = now
    return document


def load(
    stores: Stores,
    incident_ids: Iterable[str],
    remembered: Optional[Dict[str, Story]] = None,
    clock: Monotonic = time.monotonic,
) -> Dict[str, Story]:
    """Return the current stories of incidents; empty for an unknown id.

    The ``remembered`` ones are brought up to date instead of being read as a whole.
    """
    known = {key: story for key, story in (remembered or {}).items() if story.keys}
    cold = [incident_id for incident_id in incident_ids if incident_id not in known]
    catch_up(stores, known, list(known), clock)
    known.update(_read_whole(stores, cold, clock))
    return known


def catch_up(
    stores: Stores,
    stories: Dict[str, Story],
    incident_ids: Sequence[str],
    clock: Monotonic = time.monotonic,
) -> Set[str]:
    """Add new entries to these stories; return the incidents that had some.

    Reads only the keys from each story's floor on, and the new entries. A story is read anew if it
    lost an entry, or if a new one belongs before its last or follows an unknown entry.
    """
    began = clock()
    floors = {incident_id: stories[incident_id].floor for incident_id in incident_ids}
    there = keys_since(stores.timeline, "incident_id", "seq", floors)
    recent = {incident_id: stories[incident_id].recent() for incident_id in incident_ids}
    anew = {incident_id for incident_id, keys in recent.items() if not keys <= there}
    known = {key for keys in recent.values() for key in keys}
    documents = find_by(stores.timeline, "_key", there - known)
    ended = clock()
    fresh = by_incident(readable_entries(documents))
    for incident_id, entries in fresh.items():
        try:
            for entry in entries:
                if not stories[incident_id].follows(entry):
                    raise OutOfOrder(entry.key)
                stories[incident_id].add(entry)
        except OutOfOrder:
            anew.add(incident_id)
    stories.update(_read_whole(stores, sorted(anew), clock))
    for incident_id in set(incident_ids) - anew:
        stories[incident_id].note_full_read(began, ended)
    return anew | set(fresh)


def _read_whole(stores: Stores, incident_ids: Sequence[str], clock: Monotonic) -> Dict[str, Story]:
    """Read the whole timelines of some incidents."""
    began = clock()
    stories = {key: Story(found) for key, found in read_many(stores, incident_ids).items()}
    ended = clock()
    for story in stories.values():
        story.note_full_read(began, ended)
    return stories


@dataclass(frozen=True)
class Verdict:
    """Whether a timeline is complete and unchanged; ``problems`` has a sentence for each fault."""

    ok: bool
    entries: int
    problems: List[str] = field(default_factory=list)


def verify(
    entries: Sequence[Entry], head: Sequence[str] = (), masked: Collection[str] = ()
) -> Verdict:
    """Verify a timeline: every hash, every link, every position in the order.

    Args:
        head: keys that must exist, such as those of a copy of the incident's document. The links
            alone reveal a changed or missing entry, but not a missing last one.
        masked: keys of entries whose text was masked on its way here; their hashes are not checked.
    """
    problems = []
    by_key = {entry.key: entry for entry in entries}
    if entries and not any(entry.kind == "opened" and not entry.prev for entry in entries):
        problems.append("No first entry opens the incident.")
    for entry in ordered(entries):
        what = f"Entry {entry.key[:12]} ({entry.kind})"
        if entry.key not in masked and entry.hash() != entry.key:
            problems.append(f"{what} was changed after it was written.")
        missing = [key for key in entry.prev if key not in by_key]
        problems.extend(f"{what} follows {key[:12]}, which is missing." for key in missing)
        seen = max((by_key[key].seq for key in entry.prev if key in by_key), default=0)
        if not missing and entry.seq != seen + 1:
            problems.append(f"{what} has seq {entry.seq} after {seen}.")
    if len({entry.incident_id for entry in entries}) > 1:
        problems.append("Entries of several incidents are mixed.")
    problems.extend(
        f"Entry {key[:12]} is missing. It was the incident's last known entry."
        for key in head
        if key not in by_key
    )
    return Verdict(not problems, len(entries), problems)


def not_found(incident_id: str) -> NotFound:
    """Return the error for an unknown incident."""
    return NotFound(f"No incident {incident_id[:60]} exists. Search for it in the workbench.")
