"""Notes of entries that are brought back from the index, for whoever announces.

The announcer reads what is newer than its checkpoint. An entry that was lost before it was told
comes back with the time that it had, so a note names it. It is written before the entry is, and
goes when all that it names is there and was told: a notification is put on the outbox once, so what
was told before the loss is not told again.
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
    """Note that the entries with these keys are about to be brought back.

    The same keys are the same note, whoever writes it.
    """
    some = [list(part) for part in chunks(sorted(keys), KEYS_A_NOTE)]
    stores.claims.save([_document(now, part) for part in some])


def _document(now: float, keys: Sequence[str]) -> Document:
    key = f"{RESTORED}:{digest(keys, 40)}"
    return claim_document(key, now, {"keys": keys}, purpose=RESTORED)


def entries(stores: Stores, notes: Sequence[Document], fields: Sequence[str]) -> List[Document]:
    """Return those fields of the entries that notes name, as far as they are there."""
    return find_by(stores.timeline, "_key", {key for one in notes for key in _keys(one)}, fields)


def delete_done(stores: Stores, notes: Sequence[Document], told: Set[str], oldest: float) -> None:
    """Delete the notes of which all is told, and those from before ``oldest`` (epoch seconds).

    ``told`` are keys of entries that are there, and of which all that is wanted was told.
    """
    over = [str(one["_key"]) for one in notes if _keys(one) <= told or _time(one) < oldest]
    if over:
        stores.claims.delete_matching(any_of("_key", over))


def _keys(note: Mapping[str, Any]) -> Set[str]:
    """What a note names; one that somebody changed by hand names nothing."""
    keys = readable_claim(note)["value"].get("keys")
    return set(map(str, keys)) if isinstance(keys, list) else set()


def _time(note: Mapping[str, Any]) -> float:
    return float(readable_claim(note)["time"])
