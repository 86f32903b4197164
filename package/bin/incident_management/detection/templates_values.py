"""The values of a line at its template's wildcards.

Where they stand is worked out once for each shape and template (a plan); reading them from a line
is then mostly a look-up of its words.
"""

from __future__ import annotations

from typing import List, Sequence, Tuple

from .templates_shape import Shape
from .templates_words import WILDCARD

__all__ = ["Plan", "plan_for", "values_of"]

# For each wildcard: the word (an index; -1: the text is fixed), the last word, the lengths of what
# stands before and after the value in its word, the masked word when the value must be looked for
# in it (or the fixed text), and which wildcard of the masked word it is.
_Step = Tuple[int, int, int, int, str, int]
Plan = Tuple[_Step, ...]


def plan_for(shape: Shape, masked: Sequence[str], texts: Sequence[str]) -> Plan:
    """Return where the values of a line of this shape stand under a template's shown texts."""
    steps: List[_Step] = []
    for first, last, text in zip(shape.firsts, shape.lasts, texts):
        if WILDCARD not in text:
            continue
        if text == WILDCARD and first != last:
            steps.append((shape.words[first], shape.words[last], 0, 0, "", 0))
            continue
        for place in range(first, last + 1):
            token = shape.texts[place]
            if token == WILDCARD:
                steps.append(_step(shape, masked, place))
            elif text == WILDCARD:
                steps.append((-1, 0, 0, 0, token, 0))
    return tuple(steps)


def _step(shape: Shape, masked: Sequence[str], place: int) -> _Step:
    word = shape.words[place]
    if word >= len(masked) or masked[word] == WILDCARD:
        return (word, word, 0, 0, "", 0)
    literals = masked[word].split(WILDCARD)
    if len(literals) == 2:
        return (word, word, len(literals[0]), len(literals[1]), "", 0)
    first = place
    while first and shape.words[first - 1] == word:
        first -= 1
    nth = shape.texts[first:place].count(WILDCARD)
    return (word, word, 0, 0, masked[word], nth)


def values_of(plan: Plan, words: Sequence[str]) -> List[str]:
    """Return a line's values, one for each wildcard of its template."""
    values: List[str] = []
    for word, last, before, after, masked, nth in plan:
        if masked:
            values.append(masked if word < 0 else _part(words[word], masked, nth))
        elif last != word:
            values.append(_span(words[word : last + 1]))
        elif before or after:
            text = words[word]
            end = len(text) - after
            values.append(text[before:end] if end >= before else text[before:])
        else:
            values.append(words[word])
    return values


def _span(words: Sequence[str]) -> str:
    """Some words as one value, without what encloses it or names it (``tag="``)."""
    first = words[0]
    if "=" in first:
        first = first[first.index("=") + 1 :]
    return " ".join([first, *words[1:]]).strip("()[]{}<>\"',;")


def _part(word: str, masked: str, nth: int) -> str:
    """The text at a wildcard of a masked word, found by the literals around it."""
    literals = masked.split(WILDCARD)
    start = len(literals[0])
    if nth + 1 >= len(literals):
        # The line was cut within this word: the rest of it is the value.
        return word[start:]
    for place in range(nth + 1):
        after = literals[place + 1]
        last = place + 2 == len(literals)
        if last:
            end = len(word) - len(after)
        else:
            end = word.find(after, start + 1) if after else start + 1
        if end < start:
            end = len(word)
        if place == nth:
            return word[start:end]
        start = end + len(after)
    return ""
