# ruff: noqa: SIM905  # lists of words read best as text
"""The shape of a line: its masked words as comparable tokens, whatever length its values have.

What one value is may take several words: a date, a list, a number and its unit, a quoted text. In a
shape each of them is one token, so that lines with longer and shorter lists can be compared token
by token.
"""

from __future__ import annotations

from itertools import chain
from typing import List, NamedTuple, Sequence, Tuple

from .templates_words import WILDCARD, is_fixed, is_mark, tokens_of

__all__ = ["MAX_TOKENS", "Shape", "shape_of"]

MAX_TOKENS = 96
"""Tokens of a line that are looked at; the rest is one value."""
LONGEST_QUOTE = 12
LONGEST_LIST = 40
"""Tokens of a quoted text or a list that is still seen as one."""

_UNITS = frozenset(
    "b kb mb gb tb kib mib gib tib byte bytes ns us µs ms s sec secs second seconds min mins minute"
    " minutes h hr hrs hour hours day days msec msecs usec millis milliseconds microseconds"
    " nanoseconds hz khz mhz ghz rpm pct percent".split()
)
_CALENDAR = frozenset(
    "Mon Tue Wed Thu Fri Sat Sun Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec Monday Tuesday"
    " Wednesday Thursday Friday Saturday Sunday AM PM am pm UTC GMT CET CEST PST EST".split()
)
_BEFORE_ADDRESS = frozenset("to from at via server host proxy by on old new address node".split())
_CLOSES = {"(": ")", "[": "]", "{": "}", "<": ">"}


# Where a cell may be more than one token: after these cells, and where one of these tokens begins.
_LEADS = frozenset("= : ( [ { < \" '".split())
_BEGINS = _CALENDAR | {WILDCARD}
_MAY_FOLLOW = _BEGINS | {",", "****"}


class Shape(NamedTuple):
    """A line's cells, which are what is compared, and its tokens.

    Of each cell: ``keys`` is what is compared; ``shown`` is what a template shows for it (a number
    keeps its unit); ``blanks``: whether a blank stands before it; ``firsts`` and ``lasts`` are the
    tokens that it covers. Of each token: its text, and the word that it is in (an index).
    """

    keys: Tuple[str, ...]
    shown: List[str]
    blanks: List[bool]
    firsts: List[int]
    lasts: List[int]
    texts: List[str]
    words: List[int]


class _Tokens(NamedTuple):
    texts: List[str]
    words: List[int]

    def blank(self, place: int) -> bool:
        """Whether a blank stands before a token that is not the first."""
        return self.words[place] != self.words[place - 1]


def shape_of(masked: Sequence[str]) -> Shape:
    """Return the shape of a line given as masked words."""
    tokens = _tokens(masked)
    texts, words = tokens
    count = len(texts)
    keys: List[str] = []
    shown: List[str] = []
    firsts: List[int] = []
    lasts: List[int] = []
    place, before = 0, ""
    while place < count:
        text = texts[place]
        last, is_value = place, text == WILDCARD
        if before in _LEADS or (text in _BEGINS and _may_go_on(texts, place)):
            last, is_value = _extent(tokens, place, keys)
            if last > place:
                text = _covered(tokens, place, last, is_value)
        if not is_value and ":" in texts[place + 1 : place + 2] and _is_address(tokens, place):
            last, is_value, text = place + 2, True, WILDCARD
        before = WILDCARD if is_value else text
        keys.append(before)
        shown.append(text if last > place else before)
        firsts.append(place)
        lasts.append(last)
        place = last + 1
    blanks = [not first or words[first] != words[first - 1] for first in firsts]
    return Shape(tuple(keys), shown, blanks, firsts, lasts, texts, words)


def _tokens(masked: Sequence[str]) -> _Tokens:
    some = list(map(tokens_of, masked))
    texts = list(chain.from_iterable(some))
    words: List[int] = []
    for place, tokens in enumerate(some):
        words += [place] * len(tokens)
    if len(texts) > MAX_TOKENS:
        texts[MAX_TOKENS:] = [WILDCARD]
        # As a word of its own.
        words[MAX_TOKENS:] = [max(words[MAX_TOKENS], words[MAX_TOKENS - 1] + 1)]
    return _Tokens(texts, words)


def _is_address(tokens: _Tokens, place: int) -> bool:
    """Whether a word begins host:port, as after ``connect to``; ``uid:0`` is no address."""
    texts, words = tokens
    if (
        texts[place + 2 : place + 3] != [WILDCARD]
        or words[place] != words[place + 2]
        or is_mark(texts[place])
    ):
        return False
    if (
        place + 3 < len(words)
        and words[place + 3] == words[place]
        and texts[place + 3] not in ".,)"
    ):
        return False
    before = texts[place - 1 - (texts[place - 1] in ":[(/")] if place > 1 else ""
    return before.lower() in _BEFORE_ADDRESS


def _may_go_on(texts: List[str], place: int) -> bool:
    """Whether a value or a word of a date may be more than its first token."""
    if texts[place] != WILDCARD:
        return True
    after = texts[place + 1] if place + 1 < len(texts) else ""
    return after in _MAY_FOLLOW or after.lower() in _UNITS


def _covered(tokens: _Tokens, first: int, last: int, is_value: bool) -> str:
    """How a template shows several tokens: a value that has words as a wildcard alone."""
    texts = tokens.texts[first : last + 1]
    if is_value and not all(t in (WILDCARD, ",") or t.lower() in _UNITS for t in texts):
        return WILDCARD
    blanks = [False] + [tokens.blank(place) for place in range(first + 1, last + 1)]
    return "".join([" " + t if blank else t for t, blank in zip(texts, blanks)])


def _extent(tokens: _Tokens, place: int, keys: List[str]) -> Tuple[int, bool]:
    """Return the last token of the cell that begins here, and whether it is a value."""
    texts = tokens.texts
    text = texts[place]
    before = keys[-1] if keys else ""
    in_quotes = before == '"' or before == "'"
    if text == WILDCARD and in_quotes:
        # What begins with a value in quotes is a value up to the closing quote.
        end = _end_of_quote(texts, place, before)
        if end:
            return end, True
    if _is_value(texts, place):
        return _end_of_run(tokens, place), True
    if before == "=" and not is_mark(text):
        return _end_of_run(tokens, place), True
    end = 0
    if before == "<":
        end = _end_of_object(texts, place)
    if not end and before in _CLOSES:
        end = _end_of_list(texts, place, _CLOSES[before])
    elif before == ":" and tokens.blank(place):
        end = _end_of_words(texts, place)
    elif in_quotes and len(keys) > 1 and keys[-2] == "=":
        end = _end_of_quote(texts, place, before)
    return (end, True) if end else (place, False)


def _is_value(texts: List[str], place: int) -> bool:
    """A masked token, or a word of a date beside one."""
    text = texts[place]
    if text == WILDCARD:
        return True
    if text not in _CALENDAR:
        return False
    return WILDCARD in texts[max(0, place - 1) : place + 3]


def _end_of_run(tokens: _Tokens, place: int) -> int:
    """Values one after the other, by blank or comma, are one list; units belong to their number."""
    texts = tokens.texts
    end = place
    while end + 1 < len(texts):
        after = texts[end + 1]
        if _is_value(texts, end + 1):
            if not tokens.blank(end + 1):
                break
            end += 1
        elif (
            (after.lower() in _UNITS and texts[end] == WILDCARD) or after == "****"
        ) and tokens.blank(end + 1):
            end += 1
        elif (
            after == ","
            and end + 2 < len(texts)
            and _is_value(texts, end + 2)
            and not (end + 3 < len(texts) and texts[end + 3] in "=:([")
        ):
            end += 2
        else:
            break
    return end


def _end_of_list(texts: List[str], place: int, closing: str) -> int:
    """``TERM, HUP, INT]``: words by comma up to the closing bracket; 0 for anything else."""
    for end in range(place, min(len(texts) - 1, place + LONGEST_LIST)):
        text = texts[end]
        if (end - place) % 2 == 0:
            if text != WILDCARD and is_mark(text):
                return 0
            if end > place and texts[end + 1] == closing:
                return end
        elif text != ",":
            return 0
    return 0


def _end_of_object(texts: List[str], place: int) -> int:
    """``<Job 'x' of <Pool object at 0x7f>>``: the last token of such an object; 0 for another."""
    depth = 1
    for end in range(place, min(len(texts), place + LONGEST_LIST)):
        depth += (texts[end] == "<") - (texts[end] == ">")
        if depth == 0:
            inner = [text for text in texts[place:end] if text != ">"]
            return end - 1 if inner[-2:] == ["at", WILDCARD] else 0
    return 0


def _end_of_words(texts: List[str], place: int) -> int:
    """``: amber, birch`` to the end of the line: the last token of such a list; 0 for another."""
    count = len(texts) - place
    if count < 3 or count > LONGEST_LIST or count % 2 == 0:
        return 0
    if any(text != "," for text in texts[place + 1 :: 2]):
        return 0
    if any(is_mark(text) or is_fixed(text) for text in texts[place::2]):
        return 0
    return len(texts) - 1


def _end_of_quote(texts: List[str], place: int, quote: str) -> int:
    """The last token before the closing quote; 0 when the quote is empty or does not close."""
    for end in range(place, min(len(texts) - 1, place + LONGEST_QUOTE)):
        if texts[end] == quote:
            return 0
        if texts[end + 1] == quote:
            return end
    return 0
