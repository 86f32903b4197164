"""Templates, and the buckets of templates that can be compared with each other."""

from __future__ import annotations

import hashlib
from itertools import islice
from typing import Dict, FrozenSet, List, Optional, Tuple

from .merge import merged, varying_of
from .words import VALUE, WILDCARD, kind_of, union_of

__all__ = ["Bucket", "Effort", "Template", "Words", "rows_of", "template_id"]

Words = Tuple[str, ...]
_NO_ROWS: FrozenSet[int] = frozenset()
MAX_PATTERNS = 200
"""Of a bucket's templates, the sets of places of their values that a line is looked up by."""


def aligned(keys: Words, words: Words) -> List[Words]:
    """Return for each key the words that it stands for: one, or several values in a row.

    Return nothing if a key stands for words of another sort, such as a text or a number's unit.
    """
    found: List[Words] = []
    at = 0
    for key in keys:
        begin = at
        if key == WILDCARD:
            while at < len(words) and words[at].rstrip(",") == WILDCARD:
                at += 1
        if at == begin:
            if words[at : at + 1] != (key,):
                return []
            at += 1
        found.append(words[begin:at])
    return found if at == len(words) else []


def rows_of(keys: Words, words: Words) -> FrozenSet[int]:
    """Return the places of keys that stand for several values in a row."""
    return frozenset([p for p, some in enumerate(aligned(keys, words)) if len(some) > 1])


def template_id(template: str) -> str:
    """Return the id of a template's text: 12 hex digits of its SHA-256."""
    return hashlib.sha256(template.encode("utf-8", "replace")).hexdigest()[:12]


class Template:
    """One template: what is compared, what is shown, and its number of lines.

    ``keys`` are words in which a value is one wildcard, however long it is. ``shown`` are the words
    of its lines if all of them agree on the length of the values, and else ``keys``.
    """

    __slots__ = (
        "_id",
        "_literals",
        "_text",
        "any_text",
        "count",
        "fixed",
        "framed",
        "keys",
        "rows",
        "shown",
        "wider",
    )

    def __init__(self, keys: Words, shown: Words, fixed: bool = False) -> None:
        self.keys = keys
        self.shown = shown
        self.count = 0
        self.fixed = fixed
        # Whether one of its values may be a text of any length, and for which keys its frames were
        # looked at.
        self.any_text = False
        # places of keys that stand for several values in a row
        self.rows = _NO_ROWS
        self.framed: Optional[Words] = None
        self.wider: Optional[Template] = None
        # the texts between the wildcards of the text; computed on first use
        self._literals: Optional[List[str]] = None
        self._text = self._id = ""

    @property
    def text(self) -> str:
        """The template as it is shown."""
        if not self._text:
            self._text = " ".join(self.shown)
        return self._text

    @property
    def id(self) -> str:
        """The id of the text."""
        if not self._id:
            self._id = template_id(self.text)
        return self._id

    def literals(self) -> List[str]:
        """Return the texts before, between and behind the wildcards of the text."""
        if self._literals is None:
            self._literals = self.text.split(WILDCARD)
        return self._literals

    def values_of(self, text: str) -> List[str]:
        """Return the parts of a line's text (its words, joined by blanks) at the wildcards.

        These are the parts between the literals of the template, in their order.
        """
        literals = self.literals()
        values: List[str] = []
        start = len(literals[0])
        for literal in literals[1:-1]:
            # around an empty value, a line has only one of the two blanks
            if literal[:1] == " " != literal and text.startswith(literal, start - 1):
                start -= 1
            end = text.find(literal, start) if literal else start
            if end < 0:
                end = len(text)
            values.append(text[start:end])
            start = end + len(literal)
        if len(literals) > 1:
            values.append(text[start : max(start, len(text) - len(literals[-1]))])
        return values

    def widen(self, keys: Words, shown: Words) -> None:
        """Absorb another template or a line that belongs to this one under these wider keys."""
        if self.fixed or (shown == self.shown and keys == self.keys):
            return
        if len(shown) == len(self.shown) and (shown == self.shown or len(shown) == len(keys)):
            shown = tuple([s if s == o else union_of(s, o) for s, o in zip(shown, self.shown)])
            if keys is not self.keys:
                shown = _widened(self.keys, keys, shown)
        else:
            shown = keys
        self.keys, self.shown = keys, shown
        self._text = self._id = ""
        self._literals = None

    def take_in(self, template: Template) -> None:
        """Absorb a template that has words in place of a value of this one; the keys stay."""
        self.count += template.count
        template.wider = self
        if self.fixed:
            return
        if len(self.shown) == len(template.shown) == len(template.keys):
            self.shown = tuple(map(union_of, self.shown, template.shown))
        else:
            self.shown = self.keys
        self._text = self._id = ""
        self._literals = None

    def current(self) -> Template:
        """Return the template that absorbed this one, or itself."""
        template = self
        while template.wider is not None:
            template = template.wider
        return template


def _widened(keys: Words, wider: Words, shown: Words) -> Words:
    """Return the shown words under wider keys, or these keys if that can't be determined."""
    if keys == wider:
        return shown
    if len(shown) == len(keys):
        return tuple([s if k == o else k for k, o, s in zip(wider, keys, shown)])
    some = aligned(keys, shown)
    if not some:
        return wider
    return tuple(
        [
            word
            for key, wide, words in zip(keys, wider, some)
            for word in (words if key == wide else (wide,))
        ]
    )


DEARER = 4
"""How much more a word costs where it is not compared within a bucket."""


class Effort:
    """How many more words may be compared for the new templates of a batch.

    Anyone who writes log lines influences how much there is to compare, so it is limited. What is
    not compared stays a template of its own.
    """

    __slots__ = ("left",)

    def __init__(self, words: int) -> None:
        self.left = words

    def takes(self, words: int) -> bool:
        """Return whether that many words may still be compared, and count them."""
        if words > self.left:
            return False
        self.left -= words
        return True


class Bucket:
    """The templates of one length and punctuation."""

    __slots__ = ("by_keys", "patterns")

    def __init__(self) -> None:
        self.by_keys: Dict[Words, Template] = {}
        # places of the words without wildcards, to the templates by these words
        self.patterns: Dict[Tuple[int, ...], Dict[Words, Template]] = {}

    def find(self, keys: Words) -> Optional[Template]:
        """Return the template that describes a line, None for none."""
        found = self.by_keys.get(keys)
        if found is not None or not self.patterns:
            return found
        for places, by_words in islice(self.patterns.items(), MAX_PATTERNS):
            found = by_words.get(tuple([keys[place] for place in places]))
            if found is not None:
                return found
        return None

    def add(self, template: Template) -> None:
        """Add a template; one with wildcards describes lines only after :meth:`index`."""
        self.by_keys[template.keys] = template

    def remove(self, template: Template) -> None:
        """Remove a template that another one elsewhere has absorbed."""
        if self.by_keys.get(template.keys) is template:
            del self.by_keys[template.keys]

    def settle(self, effort: Effort) -> bool:
        """Merge the templates that are one. Known templates absorb lines, and stay as they are.

        Return whether something was merged; then the bucket is indexed anew.
        """
        if len(self.by_keys) < 2:
            return False
        free = [t.keys for t in self.by_keys.values() if not t.fixed]
        varying = varying_of(free)
        if not varying or not effort.takes(len(free) * len(varying) * len(free[0])):
            return False
        found = merged(free, varying)
        for narrow, wide in found.items():
            self._merge(self.by_keys.pop(narrow), wide)
        if found:
            self.index()
            self._absorb()
        return bool(found)

    def _absorb(self) -> None:
        """Let templates absorb those that they describe, but that differ at several places."""
        for places, by_words in list(self.patterns.items()):
            for keys, template in list(self.by_keys.items()):
                wide = by_words.get(tuple([keys[place] for place in places]))
                if wide is None or wide is template or template.fixed or len(places) < 2:
                    continue
                if wide.wider is None and self.by_keys.get(keys) is template:
                    del self.by_keys[keys]
                    self._merge(template, wide.keys)
        self.index()

    def _merge(self, template: Template, wide: Words) -> None:
        target = self.by_keys.get(wide)
        if target is None:
            template.widen(wide, template.shown)
            self.by_keys[wide] = template
        else:
            shown = template.shown
            if len(wide) != len(shown) == len(target.shown) and shown != target.shown:
                shown = _widened(template.keys, wide, shown)
            target.widen(wide, shown)
            target.count += template.count
            target.any_text = target.any_text or template.any_text
            target.rows |= template.rows
            template.wider = target

    def index(self) -> None:
        """Prepare :meth:`find` for the templates with wildcards."""
        self.patterns = {}
        for keys, template in self.by_keys.items():
            if WILDCARD in " ".join(keys):
                places = tuple([i for i, key in enumerate(keys) if kind_of(key) != VALUE])
                if places and len(places) < len(keys):
                    words = tuple([keys[place] for place in places])
                    self.patterns.setdefault(places, {})[words] = template

    def forget(self, most: int) -> int:
        """Keep the known and the most frequent templates; return how many were removed."""
        ranked = sorted(self.by_keys.values(), key=lambda t: (not t.fixed, -t.count, t.text))
        self.by_keys = {t.keys: t for t in ranked[:most]}
        self.index()
        return max(0, len(ranked) - most)
