"""Notes, for the announcer, which entries are restored from the index.

The announcer reads what is newer than its checkpoint. An entry that was lost before it was
announced is restored with its old time, so a note names it. The note is written before the entry,
and deleted when all entries that it names exist and are announced. A notification is enqueued only
once, so what was announced before the loss is not announced again.
"""

from __future__ import annotations

from typing import Any, Collection, List, Mapping, Sequence, Set

from ...incidents.canonical import digest
from ...incidents.stores import any_of, chunks, claim_document, find_by, readable_claim
from ...ports import Document, Stores

__all__ = ["RESTORED", "delete_done", "entries", "note"]

RESTORED = "brought back"
"""The purpose of the claims that are such notes."""
KEYS_A_NOTE = 1000


def note(stores: Stores, now: float, keys: Collection[str]) -> None:
    """Note that the entries with these keys are about to be restored.

    The same keys make the same note, whichever process writes it.
    """
    some = [list(part) for part in chunks(sorted(keys), KEYS_A_NOTE)]
    stores.claims.save([_document(now, part) for part in some])


def _document(now: float, keys: Sequence[str]) -> Document:
    key = f"{RESTORED}:{digest(keys, 40)}"
    return claim_document(key, now, {"keys": keys}, purpose=RESTORED)


def entries(stores: Stores, notes: Sequence[Document], fields: Sequence[str]) -> List[Document]:
    """Return these fields of the existing entries that the notes name."""
    return find_by(stores.timeline, "_key", {key for one in notes for key in _keys(one)}, fields)


def delete_done(stores: Stores, notes: Sequence[Document], told: Set[str], oldest: float) -> None:
    """Delete the notes that are fully announced, and those from before ``oldest`` (epoch seconds).

    ``told`` are the keys of existing entries whose notifications are all enqueued.
    """
    over = [str(one["_key"]) for one in notes if _keys(one) <= told or _time(one) < oldest]
    if over:
        stores.claims.delete_matching(any_of("_key", over))


def _keys(note: Mapping[str, Any]) -> Set[str]:
    """Return the keys that a note names; none if the note was changed by hand."""
    keys = readable_claim(note)["value"].get("keys")
    return set(map(str, keys)) if isinstance(keys, list) else set()


def _time(note: Mapping[str, Any]) -> float:
    return float(readable_claim(note)["time"])
