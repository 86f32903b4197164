"""Online log template mining: which lines are the same sentence with other values.

The way of a line: its message (:mod:`.templates_event`), its words with their values masked
(:mod:`.templates_words`), its shape (:mod:`.templates_shape`), and the shapes that are one template
(:mod:`.templates_merge`). Each step is done once for each distinct input and remembered, so most
lines cost a few look-ups.

A template's id is a hash of its text. So it is the same on every machine and in every run in which
the same template is found. A template never splits; it may widen when later lines show that a word
in it is a value, and then has another text and id. Give the miner the templates that are known
(``known``) to keep their ids: a line that one of them describes belongs to it.
"""

from __future__ import annotations

import hashlib
from typing import Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from .templates_event import exception_line, message_of
from .templates_fold import without_hex, without_numbers
from .templates_merge import Keys, merged
from .templates_shape import MAX_TOKENS, Cell, Shape, shape_of
from .templates_values import Plan, plan_for, values_of
from .templates_words import WILDCARD, Words, is_mark, numbered_in

__all__ = [
    "WILDCARD",
    "Match",
    "Placed",
    "TemplateMiner",
    "exception_line",
    "message_of",
    "template_id",
]

CACHED_SHAPES = 50_000
MOST_IN_BUCKET = 2_000
"""Templates of one length and punctuation that are compared."""


class Match(NamedTuple):
    """What one line is: its template, the template's id, and the values at its wildcards."""

    template_id: str
    template: str
    variables: List[str]


def template_id(template: str) -> str:
    """Return the id of a template's text: 12 hex digits of its SHA-256."""
    return hashlib.sha256(template.encode("utf-8", "replace")).hexdigest()[:12]


class Template:
    """One template: what is compared, what is shown, and how many lines it had."""

    __slots__ = ("_id", "_text", "blanks", "count", "fixed", "keys", "texts", "wider")

    def __init__(self, cells: Sequence[Cell], fixed: bool = False) -> None:
        self.keys: Keys = tuple(cell.key for cell in cells)
        self.texts = [cell.text for cell in cells]
        self.blanks = [cell.blank for cell in cells]
        self.count = 0
        self.fixed = fixed
        self.wider: Optional[Template] = None
        self._text = self._id = ""

    @property
    def text(self) -> str:
        """The template as it is shown; made when it is asked for."""
        if not self._text:
            parts = [" " + t if blank else t for t, blank in zip(self.texts, self.blanks)]
            self._text = "".join(parts).strip()
        return self._text

    @property
    def id(self) -> str:
        """The id of the text."""
        if not self._id:
            self._id = template_id(self.text)
        return self._id

    def call(self, text: str) -> None:
        """Show this text, whatever the tokens would be shown as."""
        self._text, self._id = text, ""

    def widen(self, keys: Keys, texts: Sequence[str], blanks: Sequence[bool]) -> None:
        """Show a wildcard wherever the other template is wider or shows something else."""
        shown = [
            mine if mine == theirs and (key != WILDCARD or WILDCARD in mine) else WILDCARD
            for key, mine, theirs in zip(keys, self.texts, texts)
        ]
        either = [mine or theirs for mine, theirs in zip(self.blanks, blanks)]
        if keys != self.keys or shown != self.texts or either != self.blanks:
            self.keys, self.texts, self.blanks = keys, shown, either
            self._text = self._id = ""

    def current(self) -> Template:
        """Return the template that this one has become part of, or itself."""
        template = self
        while template.wider is not None:
            template = template.wider
        return template


class _Leaf:
    """A shape with its template, and how to read a line's values under that template."""

    __slots__ = ("masked", "names", "plan", "planned", "shape", "template")

    def __init__(self, masked: Tuple[str, ...], shape: Shape, template: Template) -> None:
        self.masked = masked
        # What is no value although it has a digit, and so must be compared as it is.
        self.names = tuple([name for word in masked for name in numbered_in(word)])
        self.shape = shape
        self.template = template
        self.plan: Plan = ()
        self.planned = ""


class Placed:
    """An event among the templates."""

    __slots__ = ("_leaf", "_message", "_miner")

    def __init__(self, miner: TemplateMiner, leaf: _Leaf, message: str) -> None:
        self._miner = miner
        self._leaf = leaf
        self._message = message

    def template(self) -> Template:
        """Return the template as it is now."""
        if self._miner.unsettled:
            self._miner.settle()
        leaf = self._leaf
        if leaf.template.wider is not None:
            leaf.template = leaf.template.current()
        return leaf.template

    def match(self) -> Match:
        """Return the template as it is now, with this event's values."""
        template, leaf = self.template(), self._leaf
        if leaf.planned != template.id:
            leaf.plan = plan_for(leaf.shape, leaf.masked, template.texts)
            leaf.planned = template.id
        words = self._message.split(None, MAX_TOKENS) if leaf.plan else []
        return Match(template.id, template.text, values_of(leaf.plan, words))


class _Bucket:
    """The templates of one length and punctuation."""

    __slots__ = ("by_keys", "patterns", "pending")

    def __init__(self) -> None:
        self.by_keys: Dict[Keys, Template] = {}
        # places of the words, to the templates by these words
        self.patterns: Dict[Tuple[int, ...], Dict[Keys, Template]] = {}
        self.pending = False

    def find(self, keys: Keys) -> Optional[Template]:
        """Return the template that describes a line, if one does."""
        found = self.by_keys.get(keys)
        if found is not None:
            return found
        for places, by_words in self.patterns.items():
            found = by_words.get(tuple([keys[place] for place in places]))
            if found is not None:
                return found
        return None

    def add(self, template: Template) -> None:
        self.by_keys[template.keys] = template

    def settle(self) -> None:
        """Merge what is one template. Known templates take lines in, and stay as they are."""
        free = [t for t in self.by_keys.values() if not t.fixed]
        for narrow, wide in merged([t.keys for t in free]).items():
            template = self.by_keys[narrow]
            if narrow == wide:
                continue
            target = self.by_keys.get(wide)
            if target is None:
                template.widen(wide, template.texts, template.blanks)
                self.by_keys[wide] = template
            else:
                if not target.fixed:
                    target.widen(wide, template.texts, template.blanks)
                target.count += template.count
                template.wider = target
            del self.by_keys[narrow]
        self.pending = False
        self._index()

    def _index(self) -> None:
        self.patterns = {}
        for template in self.by_keys.values():
            if WILDCARD in template.keys:
                places = tuple(i for i, key in enumerate(template.keys) if key != WILDCARD)
                words = tuple([template.keys[place] for place in places])
                if words:
                    self.patterns.setdefault(places, {})[words] = template

    def forget(self, most: int) -> int:
        """Keep the templates that are known and those seen most; return how many are gone."""
        ranked = sorted(self.by_keys.values(), key=lambda t: (not t.fixed, -t.count, t.text))
        self.by_keys = {t.keys: t for t in ranked[:most]}
        self._index()
        return max(0, len(ranked) - most)


class TemplateMiner:
    """Finds the template of each line, learning new ones as it goes.

    Args:
        max_templates: beyond it the least seen templates are forgotten, so memory is bounded.
        known: texts of templates that keep their text and id.
    """

    def __init__(self, max_templates: int = 10_000, known: Iterable[str] = ()) -> None:
        self._max = max_templates
        self._words = Words()
        self._folded: Dict[bytes, _Leaf] = {}
        self._leaves: Dict[Tuple[str, ...], _Leaf] = {}
        self._buckets: Dict[Keys, _Bucket] = {}
        self._pending: List[_Bucket] = []
        self._count = 0
        for text in known:
            self._know(text)

    def __len__(self) -> int:
        return sum(len(bucket.by_keys) for bucket in self._buckets.values())

    def learn(self, raw: str) -> Match:
        """Return the template of an event, after having learned from it.

        For many events :meth:`place` them all first: templates are merged once, and alike lines
        get the same template, whichever came first.
        """
        return self.place(raw).match()

    def place(self, raw: str) -> Placed:
        """Learn from an event, and return its place, whose template further events may widen."""
        message = message_of(raw)
        folded = without_numbers(message)
        leaf = self._folded.get(folded)
        if leaf is None or (leaf.names and not all(name in message for name in leaf.names)):
            leaf = self._leaf(message, folded)
        leaf.template.count += 1
        return Placed(self, leaf, message)

    @property
    def unsettled(self) -> bool:
        """Whether lines were placed that may show templates to be one."""
        return bool(self._pending)

    def settle(self) -> None:
        """Merge the templates that the lines placed since the last time show to be one."""
        pending, self._pending = self._pending, []
        for bucket in pending:
            bucket.settle()
            if len(bucket.by_keys) > MOST_IN_BUCKET:
                bucket.forget(MOST_IN_BUCKET // 2)
                self._forget_lines()
        if pending and len(self) > self._max:
            self._forget()

    def _leaf(self, message: str, folded: bytes) -> _Leaf:
        """Return the leaf of a line whose folded form is not known, or has another name in it."""
        shorter = without_hex(folded)
        leaf = self._folded.get(shorter)
        if leaf is not None and all(name in message for name in leaf.names):
            return leaf
        masked = tuple(map(self._words.__getitem__, message.split(None, MAX_TOKENS)))
        leaf = self._leaves.get(masked)
        if leaf is None:
            leaf = self._new_leaf(masked)
        if len(self._folded) >= CACHED_SHAPES:
            self._folded.clear()
        self._folded[shorter] = leaf
        if len(shorter) == len(folded) or len(self._folded) < CACHED_SHAPES // 2:
            self._folded[folded] = leaf
        return leaf

    def _forget_lines(self) -> None:
        self._leaves.clear()
        self._folded.clear()

    def _new_leaf(self, masked: Tuple[str, ...]) -> _Leaf:
        shape = shape_of([word.replace("\0", "") for word in masked] or [""])
        bucket = self._bucket(shape.cells)
        template = bucket.find(tuple([cell.key for cell in shape.cells]))
        if template is None:
            template = Template(shape.cells)
            bucket.add(template)
            if not bucket.pending:
                bucket.pending = True
                self._pending.append(bucket)
        elif not template.fixed:
            template.widen(
                template.keys,
                [cell.text for cell in shape.cells],
                [cell.blank for cell in shape.cells],
            )
        if len(self._leaves) >= CACHED_SHAPES:
            self._leaves.clear()
        leaf = self._leaves[masked] = _Leaf(masked, shape, template.current())
        return leaf

    def _bucket(self, cells: Sequence[Cell]) -> _Bucket:
        key = tuple([cell.key if is_mark(cell.key) else "" for cell in cells])
        return self._buckets.setdefault(key, _Bucket())

    def _know(self, text: str) -> None:
        cells = shape_of(text.split(None, MAX_TOKENS) or [""]).cells
        template = Template(cells, fixed=True)
        template.call(text)
        bucket = self._bucket(cells)
        bucket.add(template)
        bucket._index()

    def _forget(self) -> None:
        """Keep the templates that are known and the half of the others that was seen most."""
        everything = [t for b in self._buckets.values() for t in b.by_keys.values()]
        everything.sort(key=lambda t: (not t.fixed, -t.count, t.text))
        for bucket in self._buckets.values():
            bucket.by_keys = {}
        kept = everything[: max(1, self._max // 2)]
        for template in kept:
            key = tuple([key if is_mark(key) else "" for key in template.keys])
            self._buckets[key].add(template)
        self._buckets = {key: b for key, b in self._buckets.items() if b.by_keys}
        for bucket in self._buckets.values():
            bucket._index()
        self._forget_lines()
