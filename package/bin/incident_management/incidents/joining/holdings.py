"""Determine which signals an incident still holds after merges and splits. Pure.

Merges and splits have numbers, one order for all incidents (:mod:`.moves`). Of the moves that name
a signal, the one with the largest number decides, in whichever order the entries arrived. Entries
of ingest have the number 0, so a late delivery never brings back a signal that was moved away.
"""

from __future__ import annotations

from typing import Dict, Iterable, Mapping

__all__ = ["Holdings"]


class Holdings:
    """The moves of one incident's signals."""

    def __init__(self) -> None:
        self._into: Dict[str, int] = {}
        self._out: Dict[str, int] = {}
        # Signals by the merged incident they came from, and the last undo of such a merge.
        self._joined: Dict[str, Dict[str, int]] = {}
        self._undone: Dict[str, int] = {}
        # The number of the merge that moved all signals away; 0 without one.
        self.whole = 0

    def __bool__(self) -> bool:
        """Tell whether anything was moved away; if not, every signal counts."""
        return bool(self._out or self.whole)

    @property
    def untouched(self) -> bool:
        """Tell whether no move has named any signal."""
        return not (self._into or self._out or self.whole)

    def came(self, keys: Iterable[str], number: int) -> None:
        """Record signals that came from another incident."""
        for key in keys:
            self._into[key] = max(number, self._into.get(key, 0))

    def joined(self, keys: Iterable[str], number: int, merged: str) -> None:
        """Record signals that came with a merge of the incident ``merged``.

        Their writer may not have seen that the merge was undone; then the signals leave again.
        """
        known = self._joined.setdefault(merged, {})
        known.update((key, max(number, known.get(key, 0))) for key in keys)
        self.came(keys, number)
        undone = self._undone.get(merged, 0)
        if number < undone:
            self.left(keys, undone)

    def undone(self, merged: str, number: int) -> None:
        """Record that the merges of an incident up to this number were undone."""
        self._undone[merged] = max(number, self._undone.get(merged, 0))
        came = self._joined.get(merged, {})
        self.left([key for key, merge in came.items() if merge < number], number)

    def left(self, keys: Iterable[str], number: int) -> None:
        """Record signals that went to another incident."""
        for key in keys:
            self._out[key] = max(number, self._out.get(key, 0))

    def merged(self, number: int) -> None:
        """Record that all signals, including future ones, went to another incident."""
        self.whole = number

    def unmerged(self) -> None:
        """Count signals that arrive from now on here again."""
        self.whole = 0

    def latest(self, key: str) -> int:
        """Return the number of the last move that names a signal; -1 without any."""
        return max(self._into.get(key, -1), self._out.get(key, -1))

    def owns(self, key: str) -> bool:
        """Tell whether a signal is here, or would be without the merge."""
        return self._into.get(key, 0) > self._out.get(key, -1)

    def holds(self, key: str) -> bool:
        """Tell whether a signal counts in this incident."""
        return self.owns(key) and (not self.whole or self._into.get(key, 0) > self.whole)

    def held(self, events: Mapping[str, int]) -> Dict[str, int]:
        """Return those of some signals that count in this incident."""
        return {key: count for key, count in events.items() if self.holds(key)}

    def owned(self, events: Mapping[str, int]) -> Dict[str, int]:
        """Return those of some signals that are here, or would be without the merge."""
        return {key: count for key, count in events.items() if self.owns(key)}
