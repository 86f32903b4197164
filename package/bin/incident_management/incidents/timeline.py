"""The timeline: the one place where entries are written, read, folded and checked.

Writers only insert. A document of an incident is derived, by whoever wrote last: see
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

# A refresh that is overtaken so often leaves the rest to the next writer, or to the worker.
REFRESH_ROUNDS = 20

# Nobody makes a backup and restores it in so short a time.
RESTORE_SECONDS = 120.0
# The field of an incident's document for the keys of entries that are no longer there.
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
    """Write one entry after all those known now, and return it.

    When an entry with this ``once`` is there already, that one is returned and nothing is written.
    Of the entries of an act, that which does what was asked for bears the act's own. The incident's
    document is not touched: write the last entry by :func:`record`, or call :func:`refresh`.

    Raises:
        NotFound: the incident has no entries, unless this one opens it.
        Invalid: ``data`` holds a field name that the KV store refuses.
    """
    return _append(act, incident_id, kind, data, once)[0]


def record(
    act: Act, incident_id: str, kind: str, data: Mapping[str, Any], once: str = ""
) -> Incident:
    """Write one entry as :func:`append` does, save the document, and return the incident.

    As :func:`refresh` after it, without reading the timeline twice.
    """
    _entry, known = _append(act, incident_id, kind, data, once)
    return _known(incident_id, _saved(act.stores, {incident_id: Story(known)}))


def _append(
    act: Act, incident_id: str, kind: str, data: Mapping[str, Any], once: str
) -> Tuple[Entry, List[Entry]]:
    """Return the entry, and all that are known."""
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
    """Return an incident's entries, and whether all are there. Raises NotFound for none."""
    # First the document: what it names as the last entry is among those that are read after it.
    document = stores.incidents.get(incident_id) or {}
    entries = read_existing(stores, incident_id)
    return entries, verify(entries, sorted(named_keys(document)))


def named_keys(document: Mapping[str, Any]) -> Set[str]:
    """Return the keys of the entries that an incident's document names, those that are lost, too.

    An entry names those that it follows. Left out is what is no key: somebody saved something else.
    """
    listed = [document.get(field) for field in ("head", LOST, "prev")]
    values = [key for keys in listed if isinstance(keys, list) for key in keys]
    return {key for key in values if isinstance(key, str) and _KEY.fullmatch(key)}


def write(stores: Stores, entries: Sequence[Entry]) -> None:
    """Write many new entries in few calls; a key is a hash, so a repeat changes nothing."""
    if entries:
        stores.timeline.save([entry.to_document() for entry in entries])


def head_of(entries: Sequence[Entry]) -> Head:
    """Return what a new entry must follow."""
    return Head(max((entry.seq for entry in entries), default=0), tuple(heads(entries)))


def refresh(stores: Stores, incident_id: str) -> Incident:
    """Make an incident's document hold all its entries, save it, and return the incident.

    Raises NotFound when the incident has no entries.
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
    """Save the documents of these incidents, until each holds all entries of its timeline.

    Saves, looks for entries that have come, and repeats for the incidents that have some. So a
    document that is older than its entries is never the last one saved: its writer would see the
    newer entries in the look after its save.

    What the document before named and no timeline has is lost, as after a restore. The new one
    names it as ``lost``, so that the worker's walk can bring it back.
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
    """Return what the documents of incidents name, with stories that have all of it that is there.

    Most of what a story lacks is what another writer has just added. Those documents are not looked
    at which this process has just saved.
    """
    named: Dict[str, Set[str]] = {incident_id: set() for incident_id in incident_ids}
    just_now = clock() - RESTORE_SECONDS
    looked_at = [one for one in incident_ids if stories[one].saved_at < just_now]
    for one in find_by(stores.incidents, "_key", looked_at, fields=("head", LOST)):
        named[str(one["_key"])] = named_keys(one)

    def behind() -> List[str]:
        return [one for one, keys in named.items() if not keys <= stories[one].keys]

    catch_up(stores, stories, behind(), clock)
    # One that was brought back belongs before what was looked at.
    stories.update(_anew(stores, behind(), clock))
    return named


def _document(incident: Incident, story: Story, named: Set[str], now: float) -> Document:
    """Return the document to save now; ``named`` and the story learn what that says."""
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
    """Return the stories of incidents as they are now; empty for an unknown id.

    Those that are ``remembered`` are brought up to date instead of being read as a whole.
    """
    known = {key: story for key, story in (remembered or {}).items() if story.keys}
    cold = [incident_id for incident_id in incident_ids if incident_id not in known]
    catch_up(stores, known, list(known), clock)
    known.update(_anew(stores, cold, clock))
    return known


def catch_up(
    stores: Stores,
    stories: Dict[str, Story],
    incident_ids: Sequence[str],
    clock: Monotonic = time.monotonic,
) -> Set[str]:
    """Add what is not in these stories yet; returns the incidents that had something new.

    Only the keys from each story's floor on are read, and the new entries. A story that lost an
    entry, has a new one before its last, or one that follows what it never saw, is read anew.
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
    stories.update(_anew(stores, sorted(anew), clock))
    for incident_id in set(incident_ids) - anew:
        stories[incident_id].looked(began, ended)
    return anew | set(fresh)


def _anew(stores: Stores, incident_ids: Sequence[str], clock: Monotonic) -> Dict[str, Story]:
    """Read the whole of some timelines."""
    began = clock()
    stories = {key: Story(found) for key, found in read_many(stores, incident_ids).items()}
    ended = clock()
    for story in stories.values():
        story.looked(began, ended)
    return stories


@dataclass(frozen=True)
class Verdict:
    """Whether a timeline is whole and unchanged; ``problems`` says what is wrong, one a line."""

    ok: bool
    entries: int
    problems: List[str] = field(default_factory=list)


def verify(
    entries: Sequence[Entry], head: Sequence[str] = (), masked: Collection[str] = ()
) -> Verdict:
    """Check a timeline: every hash, every link, every place in the order.

    ``head`` are keys that must be there, such as those of a copy of the incident's document: the
    links alone show a changed entry or a missing one, but not a missing last one. ``masked`` are
    keys of entries whose text was masked on its way here: their hashes are not checked.
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
    """Return the error for an id that no entry has."""
    return NotFound(f"There is no incident {incident_id[:60]}. Search for it in the workbench.")
