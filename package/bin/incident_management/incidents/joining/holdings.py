"""Tell which signals on its timeline an incident still holds after merges and splits. Pure.

Merges and splits have numbers, one order for all incidents (:mod:`.moves`). Of the moves that name
a signal the one with the largest number decides, whatever the order in which entries arrived. What
ingest writes has the number 0, so a late delivery never brings back what was moved away.
"""

from __future__ import annotations

from typing import Dict, Iterable, Mapping

__all__ = ["Holdings"]


class Holdings:
    """The moves of one incident's signals."""

    def __init__(self) -> None:
        self._into: Dict[str, int] = {}
        self._out: Dict[str, int] = {}
        # What merges brought, by the merged incident, and the last undoing of a merge of that.
        self._joined: Dict[str, Dict[str, int]] = {}
        self._undone: Dict[str, int] = {}
        # The number of the merge that took everything away; 0 while there is none.
        self.whole = 0

    def __bool__(self) -> bool:
        """Tell whether anything was moved away; if not, every signal counts."""
        return bool(self._out or self.whole)

    @property
    def untouched(self) -> bool:
        """Tell whether no move has named any signal."""
        return not (self._into or self._out or self.whole)

    def came(self, keys: Iterable[str], number: int) -> None:
        """Signals came from another incident."""
        for key in keys:
            self._into[key] = max(number, self._into.get(key, 0))

    def joined(self, keys: Iterable[str], number: int, merged: str) -> None:
        """Signals came with a merge of the incident ``merged``.

        Who writes that may not have seen that the merge was undone: then they do not stay.
        """
        known = self._joined.setdefault(merged, {})
        known.update((key, max(number, known.get(key, 0))) for key in keys)
        self.came(keys, number)
        undone = self._undone.get(merged, 0)
        if number < undone:
            self.left(keys, undone)

    def undone(self, merged: str, number: int) -> None:
        """The merges of an incident up to this number were undone: what came with them left."""
        self._undone[merged] = max(number, self._undone.get(merged, 0))
        came = self._joined.get(merged, {})
        self.left([key for key, merge in came.items() if merge < number], number)

    def left(self, keys: Iterable[str], number: int) -> None:
        """Signals went to another incident."""
        for key in keys:
            self._out[key] = max(number, self._out.get(key, 0))

    def merged(self, number: int) -> None:
        """All signals went to another incident, those that are still to arrive as well."""
        self.whole = number

    def unmerged(self) -> None:
        """What arrives from now on counts here again."""
        self.whole = 0

    def latest(self, key: str) -> int:
        """Return the number of the last move that names a signal; -1 without any."""
        return max(self._into.get(key, -1), self._out.get(key, -1))

    def owns(self, key: str) -> bool:
        """Tell whether a signal is here, or would be without the merge."""
        return self._into.get(key, 0) > self._out.get(key, -1)

    def holds(self, key: str) -> bool:
        """Tell whether a signal counts here."""
        return self.owns(key) and (not self.whole or self._into.get(key, 0) > self.whole)

    def held(self, events: Mapping[str, int]) -> Dict[str, int]:
        """Return those of some signals that count here."""
        return {key: count for key, count in events.items() if self.holds(key)}

    def owned(self, events: Mapping[str, int]) -> Dict[str, int]:
        """Return those that are here, or would be without the merge."""
        return {key: count for key, count in events.items() if self.owns(key)}
