"""The words of an incident's errors, and how many of them a change touches."""

from __future__ import annotations

import math
import re
from typing import Dict, List, Mapping, NamedTuple, Sequence, Set, Tuple

from ...terms import identifiers, terms
from ..case import Case
from ..changes import Change
from .effects import balance, moved_dependencies

__all__ = ["ErrorWords", "Overlap"]

PLAIN_WORDS = 0.4
"""The most that shared plain words, without an identifier, count for."""
NEAR_SHARE, SAID_SHARE = 0.2, 0.3
"""What a word counts for that stands beside what was changed, or in the summary alone."""
SAID_SHARE_ALONE = 0.8
"""The same of a summary where a change shows nothing else."""
WHOLE_NAME, SHORTEST_WHOLE = 0.6, 8
"""What the name of a flag counts for that errors say as a whole, and how long it must be."""
TELLING = 0.25
"""Weight from which on a shared word is told as a reason."""

_PARTED = re.compile(r"(?<![\w/.-])[A-Za-z]{2,30}(?:[-_][A-Za-z]{2,30}){1,5}(?![\w/.-])")
_NUMBERED_NAME = re.compile(
    r"(?<![\w./-])(?=[\w.-]*\d)[A-Za-z]\w*(?:[.-]\w+)+(?![\w-])"  # ip-10-0-3-7, node-41
    r"|(?<![\w.-])\d{1,3}(?:\.\d{1,3}){3}(?![\w-]|\.\d)"  # 10.4.0.9
)
# A quoted word is what a sentence is about; keys and values of JSON are not meant.
_QUOTED = re.compile(
    r"(?<![\w{\[,])(?<![{\[,] )(?<![\"']:)(?<![\"']: )(['\"`])([A-Za-z_][\w-]{1,40})\1(?!\s?[:\]])"
)


class Overlap(NamedTuple):
    """How much a change touches of what errors name, 0 to 1, and the most significant words of
    it.
    """

    share: float
    names: List[str]


class ErrorWords:
    """How significant each word of errors is: rare among the changes, frequent in the errors.

    ``whole`` are words that are names on their own: identifiers, names with numbers, quoted words.
    """

    def __init__(self, texts: Mapping[str, float], case: Case) -> None:
        """Weigh the words; ``texts`` are the error texts with their weights."""
        self._text = "\n".join(texts).lower()
        self._named: Dict[str, bool] = {}
        total = sum(texts.values()) or 1.0
        self._squeezed = re.sub(r"[-_]", "", self._text)
        known = {w for e in [*case.entities, *case.failing] for w in terms(e) | {e.lower()}}
        places = [*case.entities, *case.failing, *(change.service for change in case.changes)]
        self._known = {re.sub(r"[-_]", "", place.lower()) for place in places}
        documents = [_words_of(_text_of(change)) for change in case.changes]
        self.whole: Set[str] = set()
        self._weights: Dict[str, float] = {}
        for text, weight in texts.items():
            self.whole |= (identifiers(text) | _numbered(text) | _quoted(text)) - known
            for word in (_words_of(text) | _quoted(text)) - known:
                self._weights[word] = self._weights.get(word, 0.0) + weight / total
        size = len(documents) + 1
        for word in self._weights:
            seen = sum(1 for document in documents if word in document)
            rarity = math.log((size + 1) / (seen + 1)) / math.log(size + 1)
            prominence = min(1.0, self._weights[word] * 1.5) ** 0.5
            self._weights[word] = rarity * prominence * (1.6 if word in self.whole else 0.6)

    def overlap(self, change: Change) -> Overlap:
        """Return how much of what the errors name the change touches."""
        removed, added = balance(change)
        lines = _words_of(" ".join([*change.removed, *change.added]))
        touched = _words_of(" ".join([*removed, *added])) | (lines & self._whole_names(change))
        touched |= _words_of(" ".join(moved_dependencies(change)))
        near = _words_of(" ".join([change.context, *change.files])) - touched
        said = _words_of(change.summary) - touched - near
        said_share = SAID_SHARE if change.has_diff() else SAID_SHARE_ALONE
        whole = plain = 0.0
        telling: List[Tuple[float, str]] = []
        for words, share in ((touched, 1.0), (near, NEAR_SHARE), (said, said_share)):
            for word, weight in self._shared(words):
                if word in self.whole:
                    whole += weight * share
                else:
                    plain += weight * share
                telling.append((-weight * share, word))
        whole_names = [] if change.has_diff() else self._compound_names(change.summary)
        telling += [(-WHOLE_NAME, name) for name in whole_names]
        total = whole + min(PLAIN_WORDS, plain) + WHOLE_NAME * bool(whole_names)
        strong = sorted(telling)
        names = [word for _, word in strong[:4]] if strong and -strong[0][0] > TELLING else []
        return Overlap(1.0 - math.exp(-total / 1.2), names)

    def name(self, service: str) -> bool:
        """Return whether errors name a service, as a word of its own."""
        small = service.lower()
        if small not in self._named:
            alone = rf"(?<![\w-]){re.escape(small)}(?![\w-])"
            said = len(small) > 3 and small in self._text
            self._named[small] = said and re.search(alone, self._text) is not None
        return self._named[small]

    def _compound_names(self, summary: str) -> List[str]:
        """Return names of several parts, such as a flag's, that errors write together or apart."""
        names = {name.lower() for name in _PARTED.findall(summary)}
        squeezed = {name: re.sub(r"[-_]", "", name) for name in names}
        return sorted(
            name
            for name, whole in squeezed.items()
            if len(whole) >= SHORTEST_WHOLE and whole in self._squeezed and whole not in self._known
        )

    def _shared(self, words: Set[str]) -> List[Tuple[str, float]]:
        """Return the words that errors and ``words`` share, with their weights."""
        return [(w, self._weights[w]) for w in words if self._weights.get(w, 0.0) > 0.05]

    def _whole_names(self, change: Change) -> Set[str]:
        """Return names with numbers in the changed lines, whose parts may cancel each other out."""
        one, other = (_numbered(" ".join(side)) for side in (change.removed, change.added))
        return one ^ other


def _words_of(text: str) -> Set[str]:
    return identifiers(text) | terms(text) | _numbered(text)


def _numbered(text: str) -> Set[str]:
    return {name.lower() for name in _NUMBERED_NAME.findall(text)}


def _quoted(text: str) -> Set[str]:
    return {term for _, name in _QUOTED.findall(text) for term in terms(name)}


def _text_of(change: Change) -> str:
    parts: Sequence[str] = [*change.files, *change.removed, *change.added]
    return " ".join([change.summary, *parts, change.context])
