"""Find the known template that describes a line in which a value may be several words.

A known template is only its text. The values from which it was learned are not known, so the words
around a value decide whether it may be several words, as when templates are merged
(:mod:`.similarity`). Without this, the lines that a baseline was learned from would be new to it.
"""

from __future__ import annotations

import re
from typing import Dict, List, Optional

from .group import Template, Words
from .leading_names import SEPARATORS
from .similarity import FEWEST_CONSTANT, denies, takes_any_text
from .words import WILDCARD, constants

__all__ = ["KnownMatches"]

# A missing value after a colon: "Trace ID: , Message: none"
_EMPTY = re.compile(r"(?<=[A-Za-z>]:)(?= [,;|]|\Z)")


class KnownMatches:
    """Known templates, by their longest constant word."""

    def __init__(self) -> None:
        self._by_word: Dict[str, List[Template]] = {}
        # For each value of a template, whether it may be several words; computed on first use.
        self._any_text: Dict[Template, List[bool]] = {}

    def add(self, template: Template) -> None:
        """Add a known template; one without a constant word describes nothing here."""
        constant = [word for word in template.shown if WILDCARD not in word]
        if constant and len(constant) < len(template.shown):
            self._by_word.setdefault(max(constant, key=len), []).append(template)

    def find(self, words: Words, keys: Words) -> Optional[Template]:
        """Return the template that describes a line; of several, the one with most constant text.

        Args:
            words: the line's masked words.
            keys: the words that are compared.
        """
        if not self._by_word:
            return None
        return self._find(words) or (None if keys == words else self._find(keys))

    def _find(self, words: Words) -> Optional[Template]:
        text = _EMPTY.sub(" " + WILDCARD, " ".join(words))
        candidates = [t for word in dict.fromkeys(words) for t in self._by_word.get(word, ())]
        found = [template for template in candidates if self._describes(template, text)]
        return max(found, key=lambda t: (len(t.text.replace(WILDCARD, "")), t.text), default=None)

    def _describes(self, template: Template, text: str) -> bool:
        values = template.values_of(text)
        literals = template.literals()
        if literals[0] + "".join([v + after for v, after in zip(values, literals[1:])]) != text:
            return False
        places = self._any_text.get(template)
        if places is None:
            places = self._any_text[template] = _places(template.shown)
        return all(map(_may_be_value, values, places, literals))


def _may_be_value(value: str, any_text: bool, before: str) -> bool:
    if " " not in value:
        return bool(value)
    return any_text and not denies(before, value.split())


def _places(shown: Words) -> List[bool]:
    """Return for each value of a template whether it may be several words."""
    found: List[bool] = []
    for place, word in enumerate(shown):
        if WILDCARD in word:
            before, behind = shown[:place], shown[place + 1 :]
            may = takes_any_text(before, behind) if place else _name_may_be_long(word, behind)
            found += [may] * word.count(WILDCARD)
    return found


def _name_may_be_long(word: str, behind: Words) -> bool:
    """Return whether a line begins with a thing's name, which may be several words."""
    ends = word[-1] == ":" or (behind and behind[0] in SEPARATORS)
    return bool(ends) and constants(behind) >= FEWEST_CONSTANT
