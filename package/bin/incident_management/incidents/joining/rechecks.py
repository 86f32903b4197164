"""Which moves of the last hour need no check: nothing has come to their incidents since the last.

A writer that was slow adds an entry to one of them, so that its head changes, or saves a signal's
document, which changes nothing that is cheap to see. So a move is looked at again when a head has
changed, and else more and more rarely: each time after half as long as it has been left alone, and
after ten minutes at the latest.
What was found is a note, ``worker:moves:finished``; where it is lost, all are looked at again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Sequence, Set

from ...ports import Clock, Document, Stores
from ..canonical import digest
from ..stores import claim_document, find_by
from .moves import Move

__all__ = ["Rechecks"]

NOTE = "worker:moves:finished"
LONGEST_SECONDS = 600.0


@dataclass(frozen=True)
class _Check:
    """The last check at a move; ``since`` when its incidents have had these heads, by a mark."""

    at: float
    since: float
    heads: str


class Rechecks:
    """What is known of the moves that were looked at."""

    def __init__(self, stores: Stores, clock: Clock) -> None:
        self._stores = stores
        self._clock = clock
        known = stores.claims.get(NOTE) or {"value": {}}
        self._checks: Dict[int, _Check] = {
            int(number): _Check(*check) for number, *check in known["value"].get("moves", [])
        }

    def due(self, recent: Sequence[Move]) -> List[Move]:
        """Return the moves to check now, and those that share an incident with one of them."""
        heads = self._heads(recent)
        due = {move.number for move in recent if self._is_due(move, heads)}
        involved: Set[str] = set()
        size = -1
        while size != len(involved):
            size = len(involved)
            for move in recent:
                if move.number in due or involved & {move.source, move.target}:
                    due.add(move.number)
                    involved |= {move.source, move.target}
        return [move for move in recent if move.number in due]

    def record(self, recent: Sequence[Move], checked: Sequence[Move]) -> None:
        """Note that some of the moves were looked at, and finished; only the recent ones count."""
        if not checked:
            return
        now, heads = self._clock.now(), self._heads(checked)
        for move in checked:
            known = self._checks.get(move.number)
            is_same = known is not None and known.heads == _mark(move, heads)
            since = known.since if known is not None and is_same else now
            self._checks[move.number] = _Check(now, since, _mark(move, heads))
        kept = [move.number for move in recent if move.number in self._checks]
        checks = [(number, self._checks[number]) for number in kept]
        moves = [[number, check.at, check.since, check.heads] for number, check in checks]
        self._stores.claims.save([claim_document(NOTE, now, {"moves": moves})])

    def _is_due(self, move: Move, heads: Document) -> bool:
        check = self._checks.get(move.number)
        if check is None or check.heads != _mark(move, heads):
            return True
        wait = min(LONGEST_SECONDS, (check.at - check.since) / 2)
        # A check in the future was timed by a clock that has been put right since.
        return not 0 <= self._clock.now() - check.at < wait

    def _heads(self, some: Sequence[Move]) -> Document:
        involved = sorted({name for move in some for name in (move.source, move.target)})
        found = find_by(self._stores.incidents, "_key", involved, fields=("head",))
        return {str(one["_key"]): one.get("head") for one in found}


def _mark(move: Move, heads: Document) -> str:
    return digest([heads.get(move.source), heads.get(move.target)], 16)
