"""A memory-saving set of keys."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from typing import Iterable

__all__ = ["KeySet"]

DIGITS = 16


class KeySet:
    """A set of hex hashes at 8 bytes each, to which keys can only be added.

    Only the first 64 bits of a key are kept: of a million keys, two collide in one of forty million
    sets.
    """

    def __init__(self) -> None:
        self._sorted = array("Q")

    def __len__(self) -> int:
        return len(self._sorted)

    def __contains__(self, key: str) -> bool:
        if not self._sorted:
            return False
        number = int(key[:DIGITS], 16)
        place = bisect_left(self._sorted, number)
        return place < len(self._sorted) and self._sorted[place] == number

    def update(self, keys: Iterable[str]) -> None:
        """Add keys that are not in the set yet.

        The cost grows with the size of the set: add many at once.
        """
        self._sorted = array("Q", sorted([*self._sorted, *(int(k[:DIGITS], 16) for k in keys)]))
