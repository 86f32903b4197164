# ruff: noqa: SIM905  # lists of words read best as text
"""Find which lines are one template: those that differ only where a value stands.

A word that differs between otherwise equal lines may be a value (a user, a host) or the message
itself (opened, closed). The word's form, the word before it, and the number of different words in
that place decide:

1. words with the form of a name, and words after one that announces a value ("user", "host"), are
values as soon as two differ;
2. other words are values if at least ``MANY`` different ones occur there, in lines that are
otherwise equal;
3. words that are rare compared with the line's other words are values at several places at once, if
at least ``MANY`` occur at each of them.

Words that say what happened or join others (failed, closed, not, from) never are.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import lru_cache
from typing import Dict, Hashable, Iterable, List, Sequence, Set, Tuple

from .spans import IN_BRACKETS, NOTHING
from .vocabulary import TRANSFERS
from .words import (
    CACHED_WORDS,
    FIXED,
    NAME,
    PLAIN,
    VALUE,
    WILDCARD,
    constants,
    is_called,
    is_event,
    is_infinitive,
    is_loud,
    is_shouted,
    is_verb,
    kind_of,
    may_be_value,
    union_of,
)

__all__ = ["MANY", "merged", "varying_of"]

Line = Tuple[str, ...]
Kinds = Tuple[int, ...]

MANY = 3
"""Different plain words at one place that make it a value's place."""
MANY_STATES = 2
"""The same for words that begin in capitals or have a hyphen, as names and states do."""
MANY_FIRST = 8
"""The same for the first word of a line, which mostly says what the line is about."""
MANY_LABELS = 5
"""The same where it is a label: parts of a program hardly say the same."""
ROUNDS = 4
"""Merging at one place makes lines equal that then merge at another, at most this many times."""
RARER = 3.0
"""A word this many times rarer than the line's next commoner word is rare."""

_ANNOUNCES = frozenset(
    """by from user username users account host hostname node server client peer named called
    name device interface service unit package module class process thread database table
    column index queue topic bucket zone group role job task file directory folder domain
    target plugin library driver container pod namespace volume image channel collection
    schema session key property parameter variable option attribute field element method
    function command program app""".split()
)
_STATES = frozenset(["state", "status"])
_LINKS = frozenset(["to", "is", "from", "was"])
_NO_STATES = frozenset("a an the in of to is its and from this that with".split())
_BEFORE_STATES = frozenset("from to state status is in as mode type level phase".split())
_TELLING = _ANNOUNCES | _STATES | _LINKS | _BEFORE_STATES
_ARROWS = frozenset(["->", "-->", "=>"])
_ANSWERS = frozenset("YES NO ON OFF OK yes no on off ok Yes No On Off".split())

_VALUES = frozenset([NAME, VALUE])


class _Known(Dict[Line, Kinds]):
    """The kinds of the words of lines; at the places that vary, together with their neighbours."""

    def __init__(self, varying: Sequence[int]) -> None:
        self.varying = varying

    def __missing__(self, line: Line) -> Kinds:
        kinds = list(map(kind_of, line))
        for place in self.varying:
            if kinds[place] != VALUE:
                kinds[place] = _kind_at(line, place, kinds[place])
        found = self[line] = tuple(kinds)
        return found


def varying_of(lines: Sequence[Line]) -> List[int]:
    """Return the places at which lines of one length differ."""
    return [place for place, column in enumerate(zip(*lines)) if len(set(column)) > 1]


def merged(lines: Sequence[Line], varying: Sequence[int]) -> Dict[Line, Line]:
    """Return, for each line (words, all of one length), the line with wildcards that it belongs to.

    Lines that stay as they are are left out. Lines must be distinct, and differ at the places
    ``varying``. Time grows with their total length, times the number of these places, times at most
    :data:`ROUNDS`.
    """
    if len(lines) < 2:
        return {}
    parents: Dict[Line, Line] = {}
    known = _Known(varying)
    now = _names(sorted(lines), parents, known)
    # Two lines that differ at several places are not handled below.
    for _ in range(ROUNDS if len(lines) > 2 or len(known.varying) < 2 else 0):
        before = len(now)
        now = _one_place(now, parents, known)
        if len(now) == before:
            break
        now = _names(now, parents, known)
    if len(now) >= MANY:
        _rare_words(now, parents, known)
    return {line: _root(line, parents) for line in lines if line in parents}


def _root(line: Line, parents: Dict[Line, Line]) -> Line:
    while line in parents:
        line = parents[line]
    return line


def _kind_at(line: Line, place: int, kind: int) -> int:
    """Return the kind of a word together with the words beside it."""
    word = line[place]
    after = line[place + 1] if place + 1 < len(line) else ""
    if not place:
        return _kind_of_first(word, after, kind)
    if kind == NAME and word[-1] == ":" and after and _are_values(line[place + 1 :]):
        kind = PLAIN
    return _kind_between(line[place - 2] if place > 1 else "", line[place - 1], word, after, kind)


def _kind_of_first(word: str, after: str, kind: int) -> int:
    if after[:1] == "=" or is_event(word):
        return FIXED
    return PLAIN if kind == NAME and not _is_argument(word) else kind


@lru_cache(CACHED_WORDS)
def _kind_between(two_before: str, before: str, word: str, after: str, kind: int) -> int:
    """Return the kind of a word that is not a line's first; a missing neighbour is ""."""
    if after[:1] == "=":
        return FIXED  # as in "size =3": what has a value is no value itself
    if is_shouted(word) and before.lower() in TRANSFERS:
        return FIXED  # as in "received HELLO"
    if kind == NAME:
        return NAME
    if kind == PLAIN and after.startswith(IN_BRACKETS):
        return NAME  # as in "store main (17)"
    if word.isalpha() and (after in _ARROWS or before in _ARROWS):
        return NAME  # as in "armed -> active"
    if is_infinitive(before, after):
        return FIXED
    after = after.rstrip(".,;")
    if after not in _STATES and not _tells(before):
        return kind
    low = before.lower().rstrip(":=")
    if word not in _NO_STATES and _is_state(two_before, before, low, after):
        return NAME
    if kind == PLAIN and low in _ANNOUNCES:
        return NAME
    if before[-1] in ":=" and _bare(word) in _ANSWERS:
        return NAME
    if is_shouted(_bare(word)) and (low in _BEFORE_STATES or before[-1] in ":(=["):
        return NAME
    return kind


def _are_values(words: Line) -> bool:
    """Return whether a label before these words says all that there is to say."""
    return all(kind_of(word) == VALUE for word in words)


def _tells(word: str) -> bool:
    """Return whether a word may announce that the next one is a value."""
    return word[-1] in ":(=[" or word.lower() in _TELLING


def _is_state(two_before: str, before: str, low: str, after: str) -> bool:
    """Return whether a word is one of ``state to up``, ``state: up``, ``entered up state``."""
    if after in _STATES:
        return True
    if low in _STATES:
        if before[-1] == ":" or two_before in _NO_STATES:
            return True
        return two_before != "" and not after and kind_of(two_before) == VALUE
    return low in _LINKS and two_before in _STATES


def _bare(word: str) -> str:
    return word.strip("()[].,;")


def _names(lines: Sequence[Line], parents: Dict[Line, Line], known: _Known) -> List[Line]:
    """Merge the lines that differ only in names and values."""
    groups: Dict[Line, List[Line]] = defaultdict(list)
    for line in lines:
        kinds = known[line]
        words = list(line)
        for place in known.varying:
            if kinds[place] in _VALUES:
                words[place] = _called(line[place]) + WILDCARD
        groups[tuple(words)].append(line)
    kept: List[Line] = []
    for key, members in groups.items():
        if len(members) > 1:
            plain = constants(key)
            if plain >= 2 or (plain and (len(members) >= MANY or not _STATES.isdisjoint(key))):
                kept.append(_union(members, parents))
                continue
        kept.extend(members)
    return kept


def _is_argument(word: str) -> bool:
    """Return whether a line's first word is ``(value``, or ``name(value`` and no ``part(of
    it):``.
    """
    return word[0] in "([<\"'`" or (word[-1] != ":" and _called(word) != "")


def _called(word: str) -> str:
    """Return ``name(`` of ``name(value``: the function's name is no part of the value."""
    name = 0 if WILDCARD in word else word.find("(")
    return word[: name + 1] if name > 0 else ""


def _union(members: Sequence[Line], parents: Dict[Line, Line]) -> Line:
    union = tuple(map(_one_word, zip(*members)))
    for member in members:
        if member != union:
            parents[member] = union
    return union


def _one_word(column: Sequence[str]) -> str:
    word = column[0]
    if column.count(word) != len(column):
        for other in sorted(set(column)):  # a text may depend on it, and must not on the run
            word = union_of(word, other)
    return word


def _one_place(lines: Sequence[Line], parents: Dict[Line, Line], known: _Known) -> List[Line]:
    """Merge the lines that are equal except for one place in which many words occur."""
    if len(lines) < 2:
        return list(lines)
    varying = known.varying
    values = [place for place in varying if any(known[line][place] == VALUE for line in lines)]
    alike: Dict[Tuple[int, Hashable], List[Line]] = defaultdict(list)
    for line in lines:
        kinds = known[line]
        for place in varying:
            if kinds[place] != FIXED or place in values:
                alike[place, line[:place] + line[place + 1 :]].append(line)
    taken: Set[Line] = set()
    kept: List[Line] = []
    for (place, _), members in alike.items():
        if len(members) < 2:
            continue
        free = [m for m in members if m not in taken]
        if len(free) >= 2 and _is_variable(place, free, known):
            taken.update(free)
            kept.append(_union(free, parents))
    kept.extend(line for line in lines if line not in taken)
    return list(dict.fromkeys(kept))


def _is_variable(place: int, lines: Sequence[Line], known: _Known) -> bool:
    kinds = known[lines[0]]
    others = len(kinds) - kinds.count(VALUE) - (kinds[place] != VALUE)
    if any(line[place] == NOTHING for line in lines):
        return False
    if others and any(known[line][place] == VALUE for line in lines):
        return place > 0 or others > 2 or lines[0][0][0] in "([<"
    if any(known[line][place] == FIXED for line in lines):
        return False
    if others < 2:
        return others == 1 and len(lines) >= 2 * MANY_FIRST
    if not place and all(line[0][-1] == ":" for line in lines):
        return len(lines) >= MANY_LABELS
    if all(kind == VALUE for kind in kinds[:place]):
        return len(lines) >= MANY_FIRST
    if lines[0][place][:1].isupper() and _tells_aloud(place, lines):
        return False
    if all(is_shouted(_bare(line[place])) for line in lines):
        return True
    if all(may_be_value(line[place]) for line in lines) and not is_called(lines[0][place + 1 :]):
        return len(lines) >= MANY_STATES
    return len(lines) >= MANY


def _tells_aloud(place: int, lines: Sequence[Line]) -> bool:
    """Return whether a place says what happened in lines of capitals, as STARTED and ENDED do."""
    around = lines[0][:place] + lines[0][place + 1 :]
    return is_loud(around) and any(is_verb(line[place].lower()) for line in lines)


def _rare_words(lines: Sequence[Line], parents: Dict[Line, Line], known: _Known) -> None:
    """Merge the lines whose common words agree and whose rare words are many."""
    counts = [Counter(column) for column in zip(*lines)]
    groups: Dict[Line, List[Line]] = defaultdict(list)
    for line in lines:
        groups[_common(line, counts, known[line])].append(line)
    for skeleton, members in groups.items():
        if len(members) >= MANY and _all_many(skeleton, members):
            _union(members, parents)


def _common(line: Line, counts: Sequence[Dict[str, int]], kinds: Kinds) -> Line:
    """Return the line with a wildcard for each rare word, or the line itself if too few are
    left.
    """
    often = [count[word] for count, word in zip(counts, line)]
    words = [(n, kind) for n, kind in zip(often, kinds) if kind != VALUE]
    ranked = sorted((n for n, _ in words), reverse=True)
    limit = 0.0
    for some, fewer in zip(ranked, ranked[1:]):
        if some >= RARER * fewer:
            limit = fewer
    kept = sum(n > limit for n, _ in words)
    if not limit or kept < 2 or 2 * kept < len(words):
        return line
    if any(n <= limit and kind == FIXED for n, kind in words):
        return line
    return tuple(
        [
            WILDCARD if n <= limit and kind in (PLAIN, NAME) else word
            for word, n, kind in zip(line, often, kinds)
        ]
    )


def _all_many(skeleton: Line, members: Iterable[Line]) -> bool:
    columns = zip(*members)
    return all(
        token != WILDCARD
        or column.count(WILDCARD) == len(column)
        or len(set(column)) >= (MANY if place else MANY_FIRST)
        for place, (token, column) in enumerate(zip(skeleton, columns))
    )
