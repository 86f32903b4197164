"""Detect that the mix of kinds in a burst has changed, which means that a new problem began.

Two problems may follow each other too closely to be separated by a pause. The alerts after the
pause are then compared with all alerts before it: as two histograms over the kinds, by their
intersection (Swain and Ballard, "Color Indexing", 1991): 1 for the same mix, 0 for none in common.
"""

from __future__ import annotations

import re
from typing import Dict, FrozenSet, Set

__all__ = ["SAMPLE", "Mix"]

SAMPLE = 30
"""Alerts that are compared; with fewer, a difference may be chance."""
LIKE = 0.5
KINDS = 64

_WORD = re.compile(r"[^\W_]+")


def _words(kind: str) -> FrozenSet[str]:
    return frozenset(_WORD.findall(kind.lower()))


class Mix:
    """How often each kind came before a burst's last pause, and since.

    Of more than ``KINDS`` kinds the first are kept; the others count in the totals and stay
    unfamiliar.
    """

    __slots__ = ("_before", "_before_total", "_kinds", "_now", "_now_total", "_words")

    def __init__(self) -> None:
        self._kinds: Set[str] = set()
        self._words: Set[str] = set()
        self._before: Dict[str, int] = {}
        self._before_total = 0
        self._now: Dict[str, int] = {}
        self._now_total = 0

    def familiarity(self, kind: str) -> float:
        """Return 1 for a kind that came, else the share of its name's words that came in others."""
        if kind in self._kinds:
            return 1.0
        words = _words(kind)
        return len(words & self._words) / max(1, len(words))

    def pause(self) -> None:
        """Begin a new count, to compare later alerts with those before the pause."""
        for kind, count in self._now.items():
            self._before[kind] = self._before.get(kind, 0) + count
        self._before_total += self._now_total
        self._now, self._now_total = {}, 0

    def observe(self, kind: str) -> bool:
        """Count one alert; return whether it shows that the mix has changed since the pause.

        This is decided once for each pause, at alert number ``SAMPLE`` after it, if at least as
        many alerts came before it.
        """
        if kind not in self._kinds and len(self._kinds) < KINDS:
            self._learn(kind)
        if kind in self._kinds:
            self._now[kind] = self._now.get(kind, 0) + 1
        self._now_total += 1
        return (
            self._now_total == SAMPLE and self._before_total >= SAMPLE and self._in_common() < LIKE
        )

    def _learn(self, kind: str) -> None:
        self._kinds.add(kind)
        self._words |= _words(kind)

    def _in_common(self) -> float:
        return sum(
            min(count / self._now_total, self._before.get(kind, 0) / self._before_total)
            for kind, count in self._now.items()
        )
