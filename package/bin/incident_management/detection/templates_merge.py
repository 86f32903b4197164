# ruff: noqa: SIM905  # lists of words read best as text
"""Which shapes are one template: those that differ only where a value stands.

A word that differs between otherwise equal lines may be a value (a user, a host) or the message
itself (opened, closed). The word's form, the word before it, and how many different words stand
there tell which:

1. words with the form of a name, and words after one that announces a value ("user", "host"), are
   values as soon as two differ;
2. other words are values when at least ``MANY`` different ones stand there, in lines that are
   equal otherwise;
3. words that are rare beside the line's other words are values at several places at once, when at
   least ``MANY`` stand at each of them.

Words that tell what happened or join others (failed, closed, not, from) never are.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Dict, Hashable, Iterable, List, NamedTuple, Sequence, Set, Tuple

from .templates_words import WILDCARD, is_fixed, is_mark, is_name, is_shouted

__all__ = ["MANY", "Keys", "merged"]

Keys = Tuple[str, ...]

MANY = 5
"""Different plain words at one place that make it a value's place."""
MANY_FIRST = 8
"""The same for the first word of a line, which mostly says what the line is about."""
ROUNDS = 4
"""Merging at one place makes lines equal that then merge at another, at most this many times."""
RARER = 3.0
"""A word this many times rarer than the line's next commoner word is rare."""

_MARK, _VALUE, _FIXED, _NAME, _WORD = range(5)
_MAY_VARY = frozenset([_WORD, _NAME, _VALUE])

_ANNOUNCES = frozenset(
    """user username users account host hostname node server client peer named called name device
    interface service unit package module class process thread database table column index queue
    topic bucket zone group role job task file directory folder domain target plugin library driver
    container pod namespace volume image channel collection schema session key property parameter
    variable option attribute field element method function command program app""".split()
)
_BEFORE_STATES = frozenset("state status is in as mode type level phase".split())


class _Kinds(NamedTuple):
    """What each token of a line is, how many of its words are no names, and it without names."""

    kinds: List[int]
    plain: int
    masked: Keys


class _Known(Dict[Keys, _Kinds]):
    """The kinds of lines, worked out once for each line."""

    def __missing__(self, line: Keys) -> _Kinds:
        kinds = self[line] = _kinds(line)
        return kinds


def merged(lines: Sequence[Keys]) -> Dict[Keys, Keys]:
    """Return for each line (tokens, all of one length) the line with wildcards that it belongs to.

    Lines must be distinct. Time grows with their total length, times at most :data:`ROUNDS`.
    """
    if len(lines) < 2:
        return {line: line for line in lines}
    parents: Dict[Keys, Keys] = {}
    known = _Known()
    now = _names(sorted(lines), parents, known)
    for _ in range(ROUNDS):
        before = len(now)
        now = _one_place(now, parents, known)
        if len(now) == before:
            break
        now = _names(now, parents, known)
    _rare_words(now, parents, known)
    return {line: _root(line, parents) for line in lines}


def _root(line: Keys, parents: Dict[Keys, Keys]) -> Keys:
    while line in parents:
        line = parents[line]
    return line


def _kinds(line: Keys) -> _Kinds:
    kinds: List[int] = []
    before = ""
    for place, token in enumerate(line):
        if token == WILDCARD:
            kind = _VALUE
        elif is_mark(token):
            kind = _MARK
        else:
            kind = _kind_of_word(line, place, token, before)
        kinds.append(kind)
        if kind != _MARK:
            before = token
    masked = line
    if _NAME in kinds:
        masked = tuple([WILDCARD if kind == _NAME else t for kind, t in zip(kinds, line)])
    return _Kinds(kinds, kinds.count(_FIXED) + kinds.count(_WORD), masked)


def _kind_of_word(line: Keys, place: int, token: str, before: str) -> int:
    after = line[place + 1] if place + 1 < len(line) else ""
    if before in ("from", "to") and is_shouted(token):
        return _NAME
    previous = line[place - 1] if place else ""
    if previous == "," and after == "(" and is_shouted(token):
        return _NAME
    if after == "=" or is_fixed(token):
        return _FIXED
    if not before or after == "(" or line[place - 2 : place] == (":", ":"):
        return _WORD
    if previous in ("'", '"') and after == previous:
        return _NAME
    if after == ":":
        return _WORD
    if is_name(token) or (before.lower() in _ANNOUNCES and previous not in "()[]{}"):
        return _NAME
    if is_shouted(token) and (before.lower() in _BEFORE_STATES or previous in (":", "(", "[")):
        return _NAME
    return _WORD


def _names(lines: Sequence[Keys], parents: Dict[Keys, Keys], known: _Known) -> List[Keys]:
    """Merge the lines that differ only in names and values."""
    groups: Dict[Keys, List[Keys]] = defaultdict(list)
    enough: Dict[Keys, int] = {}
    for line in lines:
        _, plain, masked = known[line]
        groups[masked].append(line)
        enough[masked] = plain
    kept: List[Keys] = []
    for masked, members in groups.items():
        if len(members) > 1 and (enough[masked] >= 2 or (len(members) >= 3 and enough[masked])):
            kept.append(_union(members, parents))
        else:
            kept.extend(members)
    return kept


def _union(members: Sequence[Keys], parents: Dict[Keys, Keys]) -> Keys:
    columns = zip(*members)
    union = tuple(c[0] if c.count(c[0]) == len(c) else WILDCARD for c in columns)
    for member in members:
        if member != union:
            parents[member] = union
    return union


def _one_place(lines: Sequence[Keys], parents: Dict[Keys, Keys], known: _Known) -> List[Keys]:
    """Merge the lines that are equal but for one place where many words stand."""
    if len(lines) < 2:
        return list(lines)
    alike: Dict[Tuple[int, Hashable], List[Keys]] = defaultdict(list)
    for line in lines:
        # The sum of the hashes of all tokens but one stands for the line without it.
        hashes = list(map(hash, enumerate(line)))
        total = sum(hashes)
        for place, kind in enumerate(known[line].kinds):
            if kind in _MAY_VARY:
                alike[place, total - hashes[place]].append(line)
    taken: Set[Keys] = set()
    kept: List[Keys] = []
    for (place, _), members in alike.items():
        if len(members) < 2:
            continue
        free = [m for m in members if m not in taken]
        if len(free) >= 2 and _is_variable(place, free, known):
            taken.update(free)
            kept.append(_union(free, parents))
    kept.extend(line for line in lines if line not in taken)
    return list(dict.fromkeys(kept))


def _is_variable(place: int, lines: Sequence[Keys], known: _Known) -> bool:
    kinds = known[lines[0]].kinds
    others = sum(k in (_FIXED, _WORD, _NAME) for i, k in enumerate(kinds) if i != place)
    if others < 2:
        return others == 1 and len(lines) >= 2 * MANY_FIRST
    if any(known[line].kinds[place] == _VALUE for line in lines):
        return _first_word(kinds) != place
    first = all(kind in (_MARK, _VALUE) for kind in kinds[:place])
    return len(lines) >= (MANY_FIRST if first else MANY)


def _first_word(kinds: Sequence[int]) -> int:
    return next((i for i, kind in enumerate(kinds) if kind != _MARK), 0)


def _rare_words(lines: Sequence[Keys], parents: Dict[Keys, Keys], known: _Known) -> None:
    """Merge the lines whose common words agree and whose rare words are many."""
    if len(lines) < MANY:
        return
    count: Dict[Tuple[int, str], int] = defaultdict(int)
    for line in lines:
        for at in enumerate(line):
            count[at] += 1
    groups: Dict[Keys, List[Keys]] = defaultdict(list)
    for line in lines:
        groups[_common(line, count, known[line].kinds)].append(line)
    for skeleton, members in groups.items():
        if len(members) >= MANY and _all_many(skeleton, members):
            _union(members, parents)


def _common(line: Keys, count: Dict[Tuple[int, str], int], kinds: Sequence[int]) -> Keys:
    """The line with a wildcard for each rare word; the line itself when too few are left."""
    words = [
        (count[place, token], kind)
        for place, (token, kind) in enumerate(zip(line, kinds))
        if kind in (_WORD, _NAME, _FIXED)
    ]
    often = sorted((n for n, _ in words), reverse=True)
    limit = 0.0
    for some, fewer in zip(often, often[1:]):
        if some >= RARER * fewer:
            limit = fewer
    kept = sum(n > limit for n, _ in words)
    if not limit or kept < 2 or 2 * kept < len(words):
        return line
    if any(n <= limit and kind == _FIXED for n, kind in words):
        return line
    return tuple(
        WILDCARD if kind in (_WORD, _NAME) and count[place, token] <= limit else token
        for place, (token, kind) in enumerate(zip(line, kinds))
    )


def _all_many(skeleton: Keys, members: Iterable[Keys]) -> bool:
    columns = zip(*members)
    return all(
        token != WILDCARD
        or column.count(WILDCARD) == len(column)
        or len(set(column)) >= (MANY if place else MANY_FIRST)
        for place, (token, column) in enumerate(zip(skeleton, columns))
    )
