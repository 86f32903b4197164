# ruff: noqa: SIM905  # lists of words read best as text
"""The shape of a line: its masked words as comparable tokens, whatever length its values have.

What one value is may take several words: a date, a list, a number and its unit, a quoted text. In a
shape each of them is one token, so that lines with longer and shorter lists can be compared token
by token.
"""

from __future__ import annotations

from typing import List, NamedTuple, Sequence, Tuple

from .templates_words import WILDCARD, is_fixed, is_mark, tokens_of

__all__ = ["MAX_TOKENS", "Cell", "Shape", "shape_of"]

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
_CLOSES = {"(": ")", "[": "]", "{": "}", "<": ">"}


class Cell(NamedTuple):
    """One comparable token.

    ``key`` is what is compared; ``text`` is what a template shows for it (a number keeps its unit);
    ``blank``: whether a blank stands before it; ``first`` and ``last`` are the tokens of the line
    that it covers.
    """

    key: str
    text: str
    blank: bool
    first: int
    last: int


class _Token(NamedTuple):
    text: str
    blank: bool
    word: int


class Shape(NamedTuple):
    """A line's cells, its tokens, and for each token the word it is in (an index)."""

    cells: Tuple[Cell, ...]
    tokens: Tuple[_Token, ...]


def shape_of(masked: Sequence[str]) -> Shape:
    """Return the shape of a line given as masked words."""
    tokens: List[_Token] = []
    for place, word in enumerate(masked):
        for text in tokens_of(word):
            tokens.append(_Token(text, not tokens or tokens[-1].word != place, place))
        if len(tokens) > MAX_TOKENS:
            tokens[MAX_TOKENS:] = [_Token(WILDCARD, True, min(t.word for t in tokens[MAX_TOKENS:]))]
            break
    cells: List[Cell] = []
    place = 0
    while place < len(tokens):
        last, is_value = _extent(tokens, place, cells)
        if last == place:
            text = tokens[place].text
            key = WILDCARD if is_value else text
            cells.append(Cell(key, key, tokens[place].blank, place, place))
            place += 1
            continue
        covered = tokens[place : last + 1]
        text = "".join((" " if t.blank and i else "") + t.text for i, t in enumerate(covered))
        key = WILDCARD if is_value else text
        shown = _shown(covered) if is_value else text
        cells.append(Cell(key, shown, covered[0].blank, place, last))
        place = last + 1
    return Shape(tuple(cells), tuple(tokens))


def _shown(covered: Sequence[_Token]) -> str:
    """How a template shows a value: with its wildcards and units, or as one if it has words."""
    if all(t.text == WILDCARD or t.text == "," or t.text.lower() in _UNITS for t in covered):
        return "".join((" " if t.blank and i else "") + t.text for i, t in enumerate(covered))
    return WILDCARD


def _extent(tokens: List[_Token], place: int, cells: List[Cell]) -> Tuple[int, bool]:
    """Return the last token of the cell that begins here, and whether it is a value."""
    text = tokens[place].text
    before = cells[-1].key if cells else ""
    if text == WILDCARD and before and before in "\"'":
        # What begins with a value in quotes is a value up to the closing quote.
        end = _end_of_quote(tokens, place, before)
        if end:
            return end, True
    if _is_value(tokens, place):
        return _end_of_run(tokens, place), True
    if before == "=" and not is_mark(text):
        return _end_of_run(tokens, place), True
    if before in _CLOSES:
        end = _end_of_list(tokens, place, _CLOSES[before])
        if end:
            return end, True
    if before == ":" and tokens[place].blank:
        end = _end_of_words(tokens, place)
        if end:
            return end, True
    if before in "\"'" and before and len(cells) > 1 and cells[-2].key == "=":
        end = _end_of_quote(tokens, place, before)
        if end:
            return end, True
    return place, False


def _is_value(tokens: List[_Token], place: int) -> bool:
    """A masked token, or a word of a date beside one."""
    text = tokens[place].text
    if text == WILDCARD:
        return True
    if text not in _CALENDAR:
        return False
    near = tokens[max(0, place - 1) : place] + tokens[place + 1 : place + 3]
    return any(t.text == WILDCARD for t in near)


def _end_of_run(tokens: List[_Token], place: int) -> int:
    """Values one after the other, by blank or comma, are one list; units belong to their number."""
    end = place
    while end + 1 < len(tokens):
        after = tokens[end + 1]
        if _is_value(tokens, end + 1):
            if not after.blank:
                break
            end += 1
        elif after.blank and (
            (after.text.lower() in _UNITS and tokens[end].text == WILDCARD) or after.text == "****"
        ):
            end += 1
        elif (
            after.text == ","
            and end + 2 < len(tokens)
            and _is_value(tokens, end + 2)
            and not (end + 3 < len(tokens) and tokens[end + 3].text in "=:([")
        ):
            end += 2
        else:
            break
    return end


def _end_of_list(tokens: List[_Token], place: int, closing: str) -> int:
    """``TERM, HUP, INT]``: words by comma up to the closing bracket; 0 for anything else."""
    for end in range(place, min(len(tokens) - 1, place + LONGEST_LIST)):
        text = tokens[end].text
        if (end - place) % 2 == 0:
            if text != WILDCARD and is_mark(text):
                return 0
            if end > place and tokens[end + 1].text == closing:
                return end
        elif text != ",":
            return 0
    return 0


def _end_of_words(tokens: List[_Token], place: int) -> int:
    """``: amber, birch`` to the end of the line: the last token of such a list; 0 for another."""
    words = tokens[place::2]
    if place + 1 == len(tokens) or len(words) > LONGEST_LIST or (len(tokens) - place) % 2 == 0:
        return 0
    if any(token.text != "," for token in tokens[place + 1 :: 2]):
        return 0
    if any(is_mark(token.text) or is_fixed(token.text) for token in words):
        return 0
    return len(tokens) - 1


def _end_of_quote(tokens: List[_Token], place: int, quote: str) -> int:
    """The last token before the closing quote; 0 when the quote is empty or does not close."""
    for end in range(place, min(len(tokens) - 1, place + LONGEST_QUOTE)):
        if tokens[end].text == quote:
            return 0
        if tokens[end + 1].text == quote:
            return end
    return 0
