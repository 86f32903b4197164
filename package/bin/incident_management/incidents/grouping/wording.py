"""Compare the wording of events, to recognize two problems with nearly the same message.

Compared are the significant words (:func:`...terms.terms`) of one event's message: without numbers,
words that every log has, and the entity's name. The similarity of two sets of words is their
Jaccard index: the share of all their words that both have (P. Jaccard, 1912). The detection's own
title and description are ignored, as they are the same for all its findings.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Dict, FrozenSet, Iterable, List, Mapping, Tuple

from ...terms import terms
from ..signal import Signal

__all__ = ["LEAST_ALIKE", "Wordings", "wording_of"]

LEAST_ALIKE = 0.7
LEAST_SHARED = 4
"""With fewer shared significant words, two texts may be alike by chance."""
MAX_WORDS = 32
MAX_CHARACTERS = 2000
# The fields of a result row that hold an event, the surest first.
EVENT_FIELDS = ("_raw", "sample", "message", "msg", "error_message", "errorMessage", "error")


def wording_of(signal: Signal) -> str:
    """Return the significant words of a signal's first sample, sorted; may be empty."""
    # Not at the module's head: its patterns take long to compile, and each handler's start counts.
    from ...detection.templates.event import message_of

    for row in signal.rows[:1]:
        for name in EVENT_FIELDS:
            if not row.get(name):
                continue
            words = terms(message_of(_text(row, name))[:MAX_CHARACTERS]) - terms(signal.entity)
            if len(words) >= LEAST_SHARED:
                return " ".join(sorted(words)[:MAX_WORDS])
    return ""


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name) or ""
    return str(value[0] if isinstance(value, list) and value else value)[: 2 * MAX_CHARACTERS]


class Wordings:
    """Known wordings by place, searched by the wording of a new problem."""

    def __init__(self) -> None:
        self._known: Dict[Tuple[str, str], FrozenSet[str]] = {}
        self._saying: Dict[str, List[Tuple[str, str]]] = {}

    def put(self, place: str, wordings: Iterable[str]) -> None:
        """Add wordings of ``place``, such as an incident; known ones change nothing."""
        for wording in wordings:
            key = (place, wording)
            if key not in self._known:
                self._known[key] = words = frozenset(wording.split())
                for word in words:
                    self._saying.setdefault(word, []).append(key)

    def similar(self, wording: str) -> Dict[str, float]:
        """Return the places with nearly the same wording, each with its similarity (0 to 1)."""
        words = frozenset(wording.split())
        shared = Counter(key for word in words for key in self._saying.get(word, ()))
        found: Dict[str, float] = {}
        for key, both in shared.items():
            share = both / len(words | self._known[key])
            if both >= LEAST_SHARED and share >= LEAST_ALIKE:
                found[key[0]] = max(found.get(key[0], 0.0), share)
        return found
