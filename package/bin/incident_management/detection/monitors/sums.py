"""Sums of bad and of all events over any window that ends now, kept as running sums by cell.

A window costs two lookups, however long it is. Times are the starts of cells, in epoch seconds.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from itertools import accumulate
from typing import Any, Iterator, List, Sequence, Tuple

__all__ = ["Sums"]


class Sums:
    """Bad and all events of one series; cells without events take no room."""

    __slots__ = ("_at", "_bad", "_total")

    def __init__(self) -> None:
        self._at = array("q")
        # One more than cells: the first is the sum before them.
        self._bad = array("q", [0])
        self._total = array("q", [0])

    def __bool__(self) -> bool:
        return bool(self._at)

    def add(self, at: int, bad: int, total: int) -> None:
        """Add to the cell that begins then, if it is a new one, or else to the newest cell.

        Cells of another length than before may begin before the newest.
        """
        if at > self.newest:
            self._at.append(at)
            self._bad.append(self._bad[-1])
            self._total.append(self._total[-1])
        self._bad[-1] += bad
        self._total[-1] += total

    @property
    def newest(self) -> int:
        """The start of the newest cell; 0 if there is none."""
        return self._at[-1] if self._at else 0

    def since(self, moment: int) -> Tuple[int, int]:
        """Return the bad and all events of the cells that begin at a moment or later."""
        first = bisect_left(self._at, moment)
        return self._bad[-1] - self._bad[first], self._total[-1] - self._total[first]

    def forget_before(self, moment: int) -> None:
        """Drop the cells that begin before a moment."""
        first = bisect_left(self._at, moment)
        del self._at[:first], self._bad[:first], self._total[:first]

    def newest_first(self, moment: int) -> Iterator[Tuple[int, int, int]]:
        """Yield start, bad and all events of the cells since a moment, the newest first."""
        for cell in range(len(self._at) - 1, bisect_left(self._at, moment) - 1, -1):
            yield (
                self._at[cell],
                self._bad[cell + 1] - self._bad[cell],
                self._total[cell + 1] - self._total[cell],
            )

    def to_state(self) -> List[List[int]]:
        """Return starts, bad and all events; each start as the difference from the one before."""
        return [_steps([0, *self._at]), _steps(self._bad), _steps(self._total)]

    @classmethod
    def from_state(cls, state: Sequence[Sequence[Any]]) -> Sums:
        """Restore the sums from a state."""
        sums = cls()
        starts, bad, total = ([int(one) for one in part] for part in state)
        if not len(starts) == len(bad) == len(total):
            raise ValueError("a monitor's sums are incomplete; they are of another version.")
        sums._at.extend(accumulate(starts))
        sums._bad.extend(accumulate(bad))
        sums._total.extend(accumulate(total))
        return sums


def _steps(running: Sequence[int]) -> List[int]:
    return [after - before for before, after in zip(running, running[1:])]
