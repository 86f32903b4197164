"""Words that are values because other lines of the same words have a value in their place.

Where a value of several words is compared as one, such lines have unequal lengths, and so are not
compared word by word. What a line would be with a value there is looked up instead.
"""

from __future__ import annotations

import re
from typing import Iterator, Tuple

from .group import Words
from .words import NAME, PLAIN, WILDCARD, constants, kind_of

__all__ = ["with_value", "without_name"]

FEWEST_CONSTANT = 2
"""Words around such a word that are no values."""

_HOST = re.compile(r"[A-Za-z][\w-]*:<\*>[,.;)]?\Z")
_PART_OF_NAME = re.compile(r"[A-Z][a-z]+(?<!ed)\Z")
_FIELD = re.compile(r"[\w.-]+=")


def without_name(keys: Words) -> Iterator[Tuple[int, Words]]:
    """Yield a line's words without one that stands beside a value and may be one as well.

    The number is the place of that value in them.
    """
    for value in [place for place, word in enumerate(keys) if word == WILDCARD]:
        for place in (value - 1, value + 1):
            if 0 <= place < len(keys) and kind_of(keys[place]) in (NAME, PLAIN):
                words = (*keys[:place], *keys[place + 1 :])
                if constants(words) >= FEWEST_CONSTANT:
                    yield min(place, value), words


def with_value(keys: Words) -> Iterator[Words]:
    """Yield a line's words with one value for hosts and their ports, or for a field's name.

    As in ``connect cedar:<*> refused`` and ``lock name=<*> Out held=<*>``.
    """
    text = " ".join(keys)
    found = [*_without_hosts(keys)] if ":<*>" in text else []
    if "=<*> " in text:
        found += _without_names(keys)
    for words in found:
        if constants(words) >= FEWEST_CONSTANT:
            yield words


def _without_hosts(keys: Words) -> Iterator[Words]:
    hosts = [place for place, word in enumerate(keys) if ":<" in word and _HOST.match(word)]
    for places in ([hosts] if len(hosts) > 1 else []) + [[place] for place in hosts]:
        words = list(keys)
        for place in places:
            words[place] = words[place][words[place].index(WILDCARD) :]
        yield tuple(words)


def _without_names(keys: Words) -> Iterator[Words]:
    for place, word in enumerate(keys):
        if word[-4:] == "=<*>":
            end = place + 1
            while end < len(keys) and _PART_OF_NAME.match(keys[end]):
                end += 1
            if place + 1 < end < len(keys) and _FIELD.match(keys[end]):
                yield (*keys[: place + 1], *keys[end:])
