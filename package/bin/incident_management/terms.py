"""The words of a text that tell something: of an error and a change, of two errors."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import List, Set, Tuple

__all__ = ["identifiers", "terms"]

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{2,60}")
_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_HEX = re.compile(r"^(?=[a-f]*\d)[0-9a-f]{7,}$", re.I)

# Words of every program, log and commit message: sharing one of them means nothing.
_COMMON = set(  # one text: a list of words, not a list of strings
    """
    the and for with from this that has have had was were not are but its into out via per new old
    add added adds use used using set get put post got let var val def end begin start started
    stop error errors err errno fail failed failing failure exception exceptions warn warning
    fatal panic info debug trace level log logs logger logging message msg text print printf
    println stderr request requests req response resp res service services server client handler
    handle handled http https api url uri path route status code codes context ctx value values
    key keys name names type types string str int integer float bool boolean byte bytes list map
    dict array object func function method class struct interface return returns returned self
    null nil none true false else elif then case switch break continue while import package const
    static public private void async await defer try catch throw raise except finally main test
    tests data file files line lines span time timestamp date hour minute second seconds duration
    update updated change changed changes fix fixed fixes chore feat feature refactor simplify
    tidy cleanup clean docs doc bump support handling upstream downstream call calls called caller
    user users app application process thread worker run running after before over under than more
    less only also default config configuration settings option options event events count total
    number size id ids version deploy deployed release build operation could cannot does did exist
    exists
    """.split()  # noqa: SIM905
)


def _split(identifier: str) -> List[str]:
    parts: List[str] = []
    for piece in identifier.split("_"):
        parts.extend(_CAMEL.findall(piece))
    return parts


def identifiers(text: str) -> Set[str]:
    """Return the whole identifiers of a text that are more than one plain word.

    ``dashboard_favorites``, ``GetItem`` and ``casretry`` are identifiers; ``request`` is a word.
    Identifiers are lower-cased.
    """
    found = set()
    for name in _IDENTIFIER.findall(text):
        if _HEX.match(name):
            continue
        if len([p for p in _split(name) if len(p) > 1]) > 1:
            found.add(name.lower())
    return found


def terms(text: str) -> Set[str]:
    """Return the telling words of a text: parts of identifiers and plain words, lower-cased."""
    found: Set[str] = set()
    for name in _IDENTIFIER.findall(text):
        found.update(_terms_of(name))
    return found


@lru_cache(maxsize=50_000)
def _terms_of(name: str) -> Tuple[str, ...]:
    """Return the telling words of one identifier."""
    if _HEX.match(name):
        return ()
    words = (_stem(part.lower()) for part in _split(name))
    return tuple(w for w in words if len(w) > 2 and w not in _COMMON and not w.isdigit())


def _stem(word: str) -> str:
    """Fold the plainest English endings, so that ``expired`` and ``expiry`` meet."""
    for ending, keep in (
        ("ations", 4),
        ("ation", 4),
        ("iries", 3),
        ("ies", 3),
        ("ings", 4),
        ("ing", 4),
        ("ired", 3),
        ("iry", 3),
        ("ed", 4),
        ("es", 4),
        ("s", 3),
        ("e", 4),
        ("y", 4),
    ):
        if word.endswith(ending) and len(word) - len(ending) >= keep:
            return word[: -len(ending)]
    return word
