# ruff: noqa: SIM905  # lists of words read best as text
"""Find words that are values because other lines of the same words have a value in their place.

A value of several words is compared as one, so such lines have different lengths and are not
compared word by word. Instead, the line that it would be with a value there is looked up.
"""

from __future__ import annotations

import re
from typing import Iterator, Tuple

from .group import Words
from .words import NAME, PLAIN, WILDCARD, constants, is_verb, kind_of

__all__ = ["with_value", "without_name"]

FEWEST_CONSTANT = 2
"""Words around such a word that are no values."""

LONGEST_PREPOSITION = 3
"""Letters of words that join others, and may be part of a name."""

_HOST = re.compile(r"[A-Za-z][\w-]*:<\*>[,.;)]?\Z")
# Names of numbers, which are no hosts: uid:17
_LABELS = frozenset(
    """id uid gid pid tid ppid sid user group line code rc err errno error seq port size len length
    count total try retry attempt step level status state type time ms offset index row rank cpu
    core job task""".split()
)
_PART_OF_NAME = re.compile(r"[A-Z][a-z]+\Z")
_CAPITALISED = re.compile(r"(?:[A-Z][A-Za-z-]+|<\*>)\.?\Z")
_FIELD = re.compile(r"[\w.-]+=")
_RUN = re.compile(r"<\*>(?: <\*>)+")


def without_name(keys: Words) -> Iterator[Tuple[int, int, Words]]:
    """Yield a line's words without one word beside a value that may be a value as well.

    Before them come the places of that value, in the line and in these words.
    """
    for value in [place for place, word in enumerate(keys) if word == WILDCARD]:
        for place in (value - 1, value + 1):
            if 0 <= place < len(keys) and kind_of(keys[place]) in (NAME, PLAIN):
                words = (*keys[:place], *keys[place + 1 :])
                if constants(words) >= FEWEST_CONSTANT:
                    yield value, min(place, value), words


def with_value(keys: Words) -> Iterator[Words]:
    """Yield a line's words with one value for hosts and their ports, or for names of several words.

    As in ``connect cedar:<*> refused``, ``lock name=<*> Out held=<*>`` and ``maker: Acme Works``.
    """
    text = " ".join(keys)
    found = [*_without_hosts(keys)] if ":<*>" in text else []
    if "=<*> " in text:
        found += _without_names(keys)
    if "<*> <*>" in text:
        found.append(tuple(_RUN.sub(WILDCARD, text).split()))
    found += _without_last_name(keys)
    for words in found:
        if constants(words) >= FEWEST_CONSTANT:
            yield words


def _without_hosts(keys: Words) -> Iterator[Words]:
    hosts = [place for place, word in enumerate(keys) if ":<" in word and _is_host(word)]
    for places in ([hosts] if len(hosts) > 1 else []) + [[place] for place in hosts]:
        words = list(keys)
        for place in places:
            words[place] = words[place][words[place].index(WILDCARD) :]
        yield tuple(words)


def _is_host(word: str) -> bool:
    return _HOST.match(word) is not None and word.partition(":")[0].lower() not in _LABELS


def _without_names(keys: Words) -> Iterator[Words]:
    for place, word in enumerate(keys):
        if word[-4:] == "=<*>":
            end = place + 1
            while end < len(keys) and _is_part_of_name(keys[end]):
                end += 1
            if place + 1 < end < len(keys) and _FIELD.match(keys[end]):
                yield (*keys[: place + 1], *keys[end:])


def _without_last_name(keys: Words) -> Iterator[Words]:
    begin = len(keys)
    while begin > 1 and _CAPITALISED.match(keys[begin - 1]):
        begin -= 1
    if begin < len(keys) - 1 and not is_verb(keys[begin]):
        yield (*keys[:begin], WILDCARD)
        if keys[-1][-1] == ".":
            yield (*keys[:begin], WILDCARD + ".")


def _is_part_of_name(word: str) -> bool:
    """Return whether a word is like ``Audio`` and ``Out``, and does not say that something
    happened.
    """
    if _PART_OF_NAME.match(word) is None:
        return False
    return len(word) <= LONGEST_PREPOSITION or not (is_verb(word) or word.endswith("ed"))
