"""Decide which two templates are one statement that writes any text at one place.

Two templates have the words before and behind such a place in common. A logistic model of the place
decides whether the difference is a value, by the number of constant words around it, by what stands
before and behind it, and by what the texts look like. Its weights were fitted to pairs of templates
of 51 systems' logs whose statements are known, each system counting alike.
"""

from __future__ import annotations

import math
import re
from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence

from .group import DEARER, Effort, Template, Words
from .spans import IN_BRACKETS, NOTHING, compared
from .vocabulary import LEVELS, TRANSFERS
from .words import (
    FIXED,
    VALUE,
    WILDCARD,
    constants,
    is_called,
    is_infinitive,
    is_loud,
    is_verb,
    kind_of,
    pieces_of,
    says_what_happened,
)

__all__ = ["FEWEST_CONSTANT", "Alike", "Pair", "denies", "takes_any_text"]

FEWEST_CONSTANT = 3
"""Words that are no values, and that two templates of one statement have in common."""
MAX_COMPARED = 50
"""Templates of one beginning that a new one is compared with: the latest."""
MAX_STARTS = 20_000

# How much each feature of a place adds to the logarithm of the odds that it is a value.
_WEIGHTS = {
    "always": -2.42,
    "before": 1.52,
    "behind": 0.68,
    "word_behind": -0.83,
    "length": -0.54,
    "verb": -1.52,
    "enclosed": 2.40,
    "capital": 1.75,
}
_CERTAIN = 100.0
_DENYING = frozenset(
    ["not", "never", "no", "cannot", "can't", "couldn't", "failed", "unable", "without"]
)
_RUN = re.compile(r"<\*>(?: <\*>)+")
_VALUE = (WILDCARD,)
# The name of a field: host=, referrer:
_LABEL = re.compile(r"[A-Za-z][\w.-]*(?::$|=)")
_OPENING, _CLOSING = "([{<\"'`", ")]}>\"'`"
_MARKS = ":|-=,"
_ENDS = ",;:.)]}"
_BEFORE_SENTENCE = ":|-])"
_APART = tuple(_MARKS + _OPENING)


class Pair(NamedTuple):
    """Two templates that are one statement, with the common keys and the confidence."""

    score: float
    keys: Words
    one: Template
    other: Template


class Alike:
    """Templates by their beginnings, to find those that are one statement."""

    def __init__(self) -> None:
        self._by_start: Dict[Words, Dict[Template, None]] = {}

    def add(self, template: Template) -> List[Template]:
        """Add a template; return those that may be one statement with it."""
        if len(self._by_start) > MAX_STARTS:
            self._by_start.clear()
        others: Dict[Template, None] = {}
        for start in _starts(template.keys):
            alike = self._by_start.setdefault(start, {})
            others.update(alike)
            alike[template] = None
            if len(alike) > MAX_COMPARED:
                del alike[next(iter(alike))]
        return [other for other in others if other.wider is None and other is not template]

    def pairs(self, templates: Iterable[Template], effort: Effort) -> List[Pair]:
        """Add templates; return the pairs that are one statement, the surest first."""
        found = [
            _pair(template, other)
            for template in templates
            for other in self.add(template)
            if effort.takes(DEARER * (len(template.keys) + len(other.keys)))
        ]
        pairs = [pair for pair in found if pair is not None]
        return sorted(pairs, key=lambda pair: (-pair.score, pair.keys))


def denies(before: str, text: Iterable[str]) -> bool:
    """Return whether a text says that something did not happen; ``before`` is the text before it.

    Behind a colon or in brackets a denial is not about the line.
    """
    return before.rstrip()[-1:] not in _APART and not _DENYING.isdisjoint(text)


def takes_any_text(before: Words, behind: Words) -> bool:
    """Return whether any text may stand between these words, as far as they show."""
    return _score(before, behind, _VALUE, _VALUE) > 0


def _starts(keys: Words) -> Iterator[Words]:
    """Yield the beginnings that a template shares with those that may be one statement with it.

    That is everything up to its first constant word, and the next one or the last one.
    """
    constant = [place for place, word in enumerate(keys) if kind_of(word) != VALUE]
    if len(constant) >= FEWEST_CONSTANT - 1:
        start = keys[: constant[0] + 1]
        yield (*start, keys[constant[1]])
        yield (*start, "", keys[constant[-1]])


def _pair(one: Template, other: Template) -> Optional[Pair]:
    """Return two templates as a pair if they are one statement. A fixed one stays as it is."""
    a, b = one.keys, other.keys
    shortest = min(len(a), len(b))
    first = last = 0
    while first < shortest and a[first] == b[first]:
        first += 1
    while last < shortest - first and a[-1 - last] == b[-1 - last]:
        last += 1
    before, behind = a[:first], a[len(a) - last :]
    mine, theirs = a[first : len(a) - last], b[first : len(b) - last]
    fixed = one.fixed or other.fixed
    if fixed and denies(" ".join(before), mine + theirs):
        return None
    # A known template may have been learned from any texts, of which those in brackets (a wildcard
    # counts as one) are likeliest to be values; it stays as it is.
    score = _score(before, behind, *((_VALUE, _VALUE) if fixed else (mine, theirs)))
    if score <= 0 and (fixed or not (one.any_text or other.any_text)):
        return None
    keys = (*before, _union(mine, theirs), *behind)
    if (one.any_text and a == keys) or (other.any_text and b == keys):
        score = _CERTAIN
    keys = _as_one(keys)
    if (one.fixed and a != keys) or (other.fixed and b != keys):
        return None
    return Pair(score, keys, one, other) if score > 0 else None


def _as_one(keys: Words) -> Words:
    """Return words in which each value is one wildcard, as in all templates."""
    return tuple(_RUN.sub(WILDCARD, compared(" ".join(keys))).split())


def _union(one: Words, other: Words) -> str:
    """Return a wildcard for two texts, within the brackets, quotes and marks that both have."""
    mine, theirs = pieces_of(" ".join(one)), pieces_of(" ".join(other))
    most = min(len(mine), len(theirs)) - 1
    begin = end = 0
    while begin < most and mine[begin] == theirs[begin] in _OPENING:
        begin += 1
    while end < most - begin and mine[-1 - end] == theirs[-1 - end] and _is_mark(mine[-1 - end]):
        end += 1
    return "".join(mine[:begin]) + WILDCARD + "".join(mine[len(mine) - end :])


def _is_mark(piece: str) -> bool:
    return piece == WILDCARD or not (" " in piece or piece[-1].isalnum())


def _score(before: Words, behind: Words, one: Words, other: Words) -> float:
    """Return the logarithm of the odds that two texts are values of one statement."""
    kinds = list(map(kind_of, before))
    constant = len(kinds) - kinds.count(VALUE)
    constant_behind = constants(behind)
    named = _is_named(one) and _is_named(other)
    fewest = FEWEST_CONSTANT - (named and not behind)
    if not constant or constant + constant_behind < fewest:
        return -math.inf
    score = _WEIGHTS["always"]
    score += _WEIGHTS["before"] * math.log2(constant + 1)
    score += _WEIGHTS["behind"] * math.log2(constant_behind + 1)
    score += _WEIGHTS["length"] * math.log2(max(len(one), len(other)) + 1)
    if before[-1][-1] not in ":|-=" and _begin_with_verbs(one, other, kinds[-1] == VALUE):
        score += _WEIGHTS["verb"]
    if behind and kind_of(behind[0]) not in (VALUE, FIXED):
        score += _WEIGHTS["word_behind"]
    if _is_enclosed(one) and _is_enclosed(other):
        score += _WEIGHTS["enclosed"]
    if named and not is_called(behind):
        score += _WEIGHTS["capital"]
    # most texts are unlikely to be values, and need no further check
    return -math.inf if score > 0 and _are_apart(before, behind, one, other) else score


def _are_apart(before: Words, behind: Words, one: Words, other: Words) -> bool:
    """Return whether two texts are never values of one statement, whatever is around them."""
    return (
        _say_what_happens(before, one, other, behind)
        or _say_what_it_is(one, other, behind)
        or _is_optional(before, one, other, behind)
        or _are_statements(before, one, other)
    )


def _begin_with_verbs(one: Words, other: Words, of_a_thing: bool) -> bool:
    """Return whether texts begin with verbs.

    Of two words one may look like a verb, as in an exclusive lock, a shared lock; but not if they
    say something about a thing: hold <*> released, hold <*> set.
    """
    verbs = sum(map(_begins_with_verb, (one, other)))
    return verbs == 2 or (verbs == 1 and (of_a_thing or not len(one) == len(other) == 1))


def _is_named(text: Words) -> bool:
    """Return whether each word of a text begins with a capital, as in a name, or is a value."""
    return any(map(_is_capital, text)) and all(_is_name_part(word) for word in text)


def _is_name_part(word: str) -> bool:
    return kind_of(word) == VALUE or (_is_capital(word) and (word.isupper() or not is_verb(word)))


def _is_capital(word: str) -> bool:
    return word.lstrip(_OPENING)[:1].isupper()


def _begins_with_verb(text: Words) -> bool:
    return bool(text) and is_verb(text[0]) and not text[0].isupper()


def _say_what_happens(before: Words, one: Words, other: Words, behind: Words) -> bool:
    """Return whether two texts say what happens, or begin sentences that do."""
    if denies(before[-1], one) != denies(before[-1], other):
        return True
    if before[-1][-1] == ".":
        return all(map(_begins_with_verb, (one, other)))
    if not len(one) == len(other) == 1:
        return not behind and _is_of_a_thing(before, one, other) and _are_told((one, other))
    if before[-1].lower() in TRANSFERS and one[0].isupper() and other[0].isupper():
        return True
    if behind and is_infinitive(before[-1], behind[0]):
        return WILDCARD not in one[0] + other[0]
    if is_loud(before + behind):
        return is_verb(one[0].lower()) and is_verb(other[0].lower())
    # a sentence's verb may be in capitals, as in "agent: Synced check: <*>"
    begins = before[-1][-1] in _BEFORE_SENTENCE and behind and kind_of(behind[0]) != VALUE
    return all(map(is_verb if begins else says_what_happened, (one[0], other[0])))


def _say_what_it_is(one: Words, other: Words, behind: Words) -> bool:
    """Return whether two texts say what kind of thing the name in quotes or brackets behind them
    is.

    As in ``web archive [<*>]``, ``directory [<*>]``.
    """
    return is_called(behind) and all("".join(text).isalpha() for text in (one, other))


def _is_of_a_thing(before: Words, one: Words, other: Words) -> bool:
    """Return whether texts follow a value, or each begin with one."""
    if kind_of(before[-1]) == VALUE:
        return before[-1][-1] not in _MARKS
    return all(bool(text) and kind_of(text[0]) == VALUE for text in (one, other))


def _are_told(texts: Sequence[Words]) -> bool:
    """Return whether all texts have words, and one a verb, as in ``finished`` and ``: late by 3
    s``.
    """
    told = any(is_verb(word.strip(",;:.")) for text in texts for word in text)
    return told and all(map(constants, texts))


def _is_enclosed(text: Words) -> bool:
    return bool(text) and text[0][0] in _OPENING and text[-1].rstrip(".,;:")[-1:] in _CLOSING


def _is_optional(before: Words, one: Words, other: Words, behind: Words) -> bool:
    """Return whether one of two lines continues where the other ends: with words, fields or a
    note.
    """
    short, long = sorted((one, other), key=len)
    if _have_other_fields(before, short, long):
        return True
    if _have_other_values(short, long):
        return True
    if not short and behind:
        is_flag = _is_field(before[-1]) and _is_field(behind[0]) and constants(long) > 0
        is_told_of = long[-1][-1] == ":" and kind_of(long[-1]) == VALUE
        return is_flag or is_told_of or _says_of_what(long, behind[0])
    if len(short) == 1 < len(long) and kind_of(short[0]) != FIXED and behind:
        return _says_of_what(long[:-1], long[-1])
    return not behind and (_goes_on(short, long) or _ends_in_note(one) != _ends_in_note(other))


def _says_of_what(text: Words, value: str) -> bool:
    """Return whether a text says what kind a value is: ``unknown account`` before a name."""
    return kind_of(value) == VALUE and all(word.isalpha() and word.islower() for word in text)


def _goes_on(short: Words, long: Words) -> bool:
    """Return whether a text has words or fields behind those of another text."""
    if not short:
        return any("=" in word for word in long) or constants(long) > 1
    last = len(short) - 1
    rest = long[len(short) :]
    if not rest or long[:last] != short[:last]:
        return False
    if long[last].rstrip(_ENDS) != short[last].rstrip(_ENDS):
        return False
    told = long[last][-1] == ":" != short[last][-1]
    return told or _is_field(rest[0]) or constants(rest) > 1


def _have_other_fields(before: Words, short: Words, long: Words) -> bool:
    """Return whether two texts are among fields, or one is empty, and have fields with other
    names.
    """
    if _labels(short) == _labels(long):
        return False
    return not short or _is_field(before[-1]) or (_is_field(short[0]) and _is_field(long[0]))


def _have_other_values(short: Words, long: Words) -> bool:
    """Return whether one of two texts has one more value in brackets, and both have the same words.

    As in ``<*> bytes sent, <*> bytes (<*>) received``; brackets may be empty.
    """
    mine, theirs = ([word for word in text if kind_of(word) != VALUE] for text in (short, long))
    if NOTHING in mine + theirs:
        return mine != theirs
    return mine == theirs and any(word.startswith(IN_BRACKETS) for word in (*short, *long))


def _is_field(word: str) -> bool:
    return _LABEL.match(word) is not None


def _labels(text: Words) -> List[str]:
    """Return the names of the fields of a text, without those of a value in brackets."""
    names, depth = [], 0
    for word in text:
        found = _LABEL.match(word)
        if found and not depth:
            names.append(found.group()[:-1])
        depth = max(0, depth + sum(map(word.count, "([{")) - sum(map(word.count, ")]}")))
    return names


def _ends_in_note(text: Words) -> bool:
    last = text[-1] if text else ""
    return last[:1] in ("(", "[") and last[-1:] in (")", "]") and kind_of(last) != VALUE


def _are_statements(before: Words, one: Words, other: Words) -> bool:
    """Return whether texts are statements of one part of a program, behind its name.

    They have words and values of their own, and nothing is said before them. The values that they
    begin with may be equal.
    """
    name = before
    while len(name) > 1 and kind_of(name[-1]) == VALUE:
        name = name[:-1]
    if name[-1][-1] not in _MARKS:
        return False
    begin = before[len(name) :]
    one, other = begin + one, begin + other
    return (
        max(len(one), len(other)) > 1
        and all(map(_has_words_and_values, (one, other)))
        and not any(is_verb(word) and word.strip("<>[]:").lower() not in LEVELS for word in name)
    )


def _has_words_and_values(text: Words) -> bool:
    return WILDCARD in " ".join(text) and any(kind_of(word) != VALUE for word in text)
