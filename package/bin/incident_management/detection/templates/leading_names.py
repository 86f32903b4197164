"""Find values of any length at the start of a line: ``Web Helper (7): tunnel opened``.

What follows decides whether the beginning of a line is a thing's name or says what happened. The
same statements are made about many things, while few other words are followed by the same
statements, and hardly three by a statement of many words.
"""

from __future__ import annotations

from itertools import islice
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from .group import Template, Words
from .words import VALUE, WILDCARD, constants, is_event, is_verb, kind_of

__all__ = ["SEPARATORS", "LeadingNames"]

SHARED = 3
"""Statements that are made of two things, at least, where what they are called is a value."""
MANY_HEADS = 3
LONG_TAIL = 3
"""So many things of which a statement is made, with so many words that are no values."""
LONGEST_HEAD = 7
"""Words of what a line begins with, up to its first value or colon."""
FEWEST_CONSTANT = 2
"""Words behind it that are no values."""
SEPARATORS = frozenset(["-", "--", "->", "=>", "|"])
"""What may stand between a name and what follows."""
MAX_COMPARED = 50
"""LeadingNames of one statement that another is compared with: the first ones."""
MAX_TAKEN = 20_000
"""Templates that are remembered; beyond it all are forgotten, so memory is bounded."""


class LeadingNames:
    """The beginnings of lines, and what follows each."""

    def __init__(self) -> None:
        self._tails: Dict[Words, Dict[Words, None]] = {}
        self._heads: Dict[Words, Dict[Words, Template]] = {}
        self._taken = 0

    def take(self, templates: Sequence[Template]) -> Iterator[Tuple[Words, List[Template]]]:
        """Add templates; yield the words of each statement and its templates to merge."""
        if self._taken > MAX_TAKEN:
            self._tails.clear()
            self._heads.clear()
            self._taken = 0
        touched: Dict[Words, List[Words]] = {}
        for template in templates:
            cut = _cut(template.keys)
            if cut:
                head, tail = template.keys[:cut], template.keys[cut:]
                self._tails.setdefault(head, {})[tail] = None
                self._heads.setdefault(tail, {})[head] = template
                self._taken += 1
                touched.setdefault(tail, []).append(head)
        for tail in sorted(touched):
            known = list(islice(self._heads[tail], MAX_COMPARED))
            heads = dict.fromkeys(known + touched[tail])
            long = constants(tail) >= LONG_TAIL
            alike = [head for head in heads if self._is_name(head, known, long)]
            if alike:
                members = [self._heads[tail][head].current() for head in alike]
                yield (_common_end(alike), *tail), list(dict.fromkeys(members))

    def _is_name(self, head: Words, known: Sequence[Words], long: bool) -> bool:
        """Return whether a head is a thing's name, as other heads of a statement are.

        ``long``: whether it is a statement of many words.
        """
        others = [other for other in known if other != head and _mark(other) == _mark(head)]
        many = long and len(others) >= MANY_HEADS - 1
        return many or any(self._share_statements(head, other) for other in others)

    def _share_statements(self, one: Words, other: Words) -> bool:
        mine, theirs = self._tails[one], self._tails[other]
        return min(len(mine), len(theirs)) >= SHARED and len(mine.keys() & theirs) >= SHARED


def _cut(keys: Words) -> Optional[int]:
    """Return how many words of a line may be a thing's name; None if none may be."""
    if keys and is_event(keys[0]):
        return None
    for place, word in enumerate(keys[:LONGEST_HEAD]):
        if is_verb(word) and (place or word[-1] != ":"):
            return None  # it says what happened; only a level may stand there alone
        if place and (word in SEPARATORS or kind_of(word) == VALUE or word[-1] == ":"):
            cut = place if word in SEPARATORS else place + 1
            return cut if constants(keys[cut:]) >= FEWEST_CONSTANT else None
    return None


def _common_end(heads: Sequence[Words]) -> str:
    return WILDCARD + _mark(heads[0])


def _mark(head: Words) -> str:
    """Return the mark at the end of a head, "" for none."""
    last = head[-1][-1]
    return last if last in ":,;|" else ""
