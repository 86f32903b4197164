"""Number merges and splits, so that they have one order in the whole cluster.

The only atomic operation of the KV store is an insert. A move is decided by inserting the document
of its number, which holds all that is to be done. A process inserts a number only after it has
finished the move before. So if two people merge two incidents into each other at once, one move is
first, and the other is decided after it. An interrupted move is finished by the next one, or by the
worker.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Collection, Dict, List, Mapping, Optional

from ...ports import Document, Stores
from ..act import Act
from ..stores import claim_document, readable_claim

__all__ = ["Move", "latest_matching", "newest", "since", "take"]

PURPOSE = "moves"
# The most moves since a request was first made that are searched for what it did.
MAX_SEARCHED = 1000


@dataclass(frozen=True)
class Move:
    """A decision to move signals from ``source`` to ``target``.

    ``kind``: ``merge`` (all signals), ``split`` (some, to a new incident) or ``undo`` (of a merge:
    the target's signals go back). ``signals`` are the moved keys with their event counts; empty for
    a merge. ``detail`` holds further data of the entries.
    """

    number: int
    kind: str
    source: str
    target: str
    actor: str
    time: float
    reason: str = ""
    signals: Dict[str, int] = field(default_factory=dict)
    detail: Document = field(default_factory=dict)

    def to_document(self) -> Document:
        key = f"{PURPOSE}:{self.number:09d}"
        return claim_document(key, self.time, asdict(self), purpose=PURPOSE, holder=self.actor)

    def once(self, kind: str, part: str = "") -> str:
        """Return the ``once`` of an entry of this move; ``part`` separates several of a kind."""
        named = f"move:{self.number}:{kind}"
        return f"{named}:{part}" if part else named

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Move:
        return cls(**document["value"])


def newest(stores: Stores) -> Optional[Move]:
    """Return the move with the largest number; a malformed one has only its number."""
    found = stores.claims.find({"purpose": PURPOSE}, sort="_key:-1", limit=1)
    if not found or _is_readable(found[0]):
        return Move.from_document(found[0]) if found else None
    return replace(_NO_MOVE, number=int(str(found[0]["_key"]).partition(":")[2]))


def _is_readable(document: Mapping[str, Any]) -> bool:
    """Tell whether a move's document is well-formed, and not changed by hand."""
    value = {"reason": "", "signals": {}, "detail": {}, **readable_claim(document)["value"]}
    return value.keys() == vars(_NO_MOVE).keys() and all(
        isinstance(value[name], (int, float) if name in ("number", "time") else type(default))
        for name, default in vars(_NO_MOVE).items()
    )


_NO_MOVE = Move(0, "", "", "", "", 0.0)


def since(stores: Stores, time: float, most: int) -> List[Move]:
    """Return the well-formed moves decided since a time, the oldest first."""
    query = {"$and": [{"purpose": PURPOSE}, {"time": {"$gte": time}}]}
    found = stores.claims.find(query, sort="_key:1", limit=most)
    return [Move.from_document(document) for document in found if _is_readable(document)]


def latest_matching(
    act: Act,
    time: float,
    kind: str,
    source: str,
    target: str = "",
    signals: Collection[str] = (),
) -> Optional[Move]:
    """Return the actor's last move since then that matches; None without one.

    A split names no ``target``, and only a split names ``signals``.
    """
    found = [
        move
        for move in since(act.stores, time, MAX_SEARCHED)
        if (move.kind, move.source, move.actor) == (kind, source, act.actor)
        and target in ("", move.target)
        and (not signals or set(signals) == set(move.signals))
    ]
    return found[-1] if found else None


def take(stores: Stores, move: Move) -> bool:
    """Decide a move; return False if its number is already taken, and nothing was decided."""
    return stores.claims.insert(move.to_document())
