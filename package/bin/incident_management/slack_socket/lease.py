"""The lease on the connection: one cluster member holds it for as long as the member lives.

The half-minute slots of duties (:mod:`..worker.cycle`) would move the connection around. So a lease
is a document ``slack socket:<number>`` that its holder renews; the first to insert the next number
takes it. It is free when the holder has released it, was a process of this machine that has ended,
or has not renewed it for a minute by this process's own clock, as the members' clocks may differ.
Two holders at once, after a pause that long, do no harm: each press is done once.
"""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, Mapping, Optional, Tuple

from ..incidents.stores import claim_document
from ..ports import Clock, Document, Stores

__all__ = ["FREE_AFTER_SECONDS", "PURPOSE", "Lease", "newest"]

PURPOSE = "slack socket"
FREE_AFTER_SECONDS = 60.0


def newest(stores: Stores) -> Optional[Document]:
    """Return the document of the current lease, if there has ever been one."""
    found = stores.claims.find({"purpose": PURPOSE})
    return max(found, key=_number) if found else None


class Lease:
    """One process's part in the lease. All methods raise SplunkError.

    Args:
        holder: the process's own name.
        gone: returns whether a holder has certainly ended.
    """

    def __init__(
        self,
        stores: Stores,
        clock: Clock,
        holder: str,
        gone: Callable[[str], bool],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._claims = stores.claims
        self._stores = stores
        self._clock = clock
        self._holder = holder
        self._gone = gone
        self._monotonic = monotonic
        self._mine = 0
        self._beats = 0
        self._watched: Tuple[Any, float] = (None, 0.0)

    def take(self, said: Mapping[str, str]) -> bool:
        """Renew the lease, or take it if it is free; return whether this process holds it.

        ``said`` is stored in the document as the connection's state.
        """
        if self._mine:
            self._claims.save([self._document(said)])
        present = newest(self._stores)
        number = _number(present) if present else 0
        if self._mine and number == self._mine:
            return True
        if self._mine:
            self._claims.delete(_key(self._mine))
            self._mine = 0
        if present is not None and not self._is_free(present):
            return False
        return self._insert(number + 1, said)

    def give_back(self, said: Mapping[str, str]) -> None:
        """Release the lease, so that another member continues at once."""
        if self._mine:
            self._claims.save([self._document(said, released=True)])
            self._mine = 0

    def _insert(self, number: int, said: Mapping[str, str]) -> bool:
        self._mine = number
        if not self._claims.insert(self._document(said)):
            self._mine = 0
            return False
        # Another process may have taken a later number, and cleaned up the one just inserted.
        present = newest(self._stores)
        if present is None or _number(present) != number:
            self._claims.delete(_key(number))
            self._mine = 0
            return False
        self._claims.delete(_key(number - 1))
        return True

    def _is_free(self, present: Document) -> bool:
        if present["value"].get("released") or self._gone(str(present["holder"])):
            return True
        beat = (_number(present), present["value"].get("beat"))
        if self._watched[0] != beat:
            self._watched = (beat, self._monotonic())
            return False
        return self._monotonic() - self._watched[1] >= FREE_AFTER_SECONDS

    def _document(self, said: Mapping[str, str], released: bool = False) -> Document:
        self._beats += 1
        value: Dict[str, Any] = {
            **said,
            "number": self._mine,
            "beat": self._beats,
            "released": released,
        }
        now = self._clock.now()
        return claim_document(_key(self._mine), now, value, purpose=PURPOSE, holder=self._holder)


def _key(number: int) -> str:
    return f"{PURPOSE}:{number}"


def _number(document: Mapping[str, Any]) -> int:
    return int(document["value"]["number"])
