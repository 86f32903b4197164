"""Online log template mining: which lines are the same sentence with other values.

The way of a line: its message (:mod:`.templates_event`), its words with their values masked
(:mod:`.templates_words`), its shape (:mod:`.templates_shape`), and the shapes that are one template
(:mod:`.templates_merge`). Each step is done once for each distinct input and remembered by the
line without its numbers (:mod:`.templates_fold`), so most lines cost one look-up.

A template's id is a hash of its text. So it is the same on every machine and in every run in which
the same template is found. A template never splits; it may widen when later lines show that a word
in it is a value, and then has another text and id. Give the miner the templates that are known
(``known``) to keep their ids: a line that one of them describes belongs to it.
"""

from __future__ import annotations

from collections import Counter
from typing import Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from .templates_event import exception_line, message_of
from .templates_fold import folded, without_numbers
from .templates_group import Bucket, Template, template_id
from .templates_merge import Keys
from .templates_shape import MAX_TOKENS, Shape, shape_of
from .templates_values import Plan, plan_for, values_of
from .templates_words import WILDCARD, Words, is_mark, mask, numbered_in

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
LONGEST_CACHED = 1_000
"""Bytes; a longer line is worked out each time, so that remembered lines take bounded memory."""
MOST_IN_BUCKET = 2_000
"""Templates of one length and punctuation that are compared."""
MOST_UNSETTLED = 8_000
"""The same while a batch is learned from: beyond it they are merged before the batch's end."""
_ASK = -1


class Match(NamedTuple):
    """What one line is: its template, the template's id, and the values at its wildcards."""

    template_id: str
    template: str
    variables: List[str]


class _Leaf:
    """A shape with its template, and how to read a line's values under that template."""

    __slots__ = ("header", "masked", "names", "plan", "planned", "shape", "template")

    def __init__(
        self, header: int, masked: Tuple[str, ...], shape: Shape, template: Template
    ) -> None:
        # Words before the message, or _ASK when the message is not the rest of the line.
        self.header = header
        self.masked = masked
        # What is no value although it has a digit, and so must be compared as it is.
        self.names: Tuple[str, ...] = ()
        self.shape = shape
        self.template = template
        self.plan: Plan = ()
        self.planned: Optional[str] = None

    def fits(self, line: str) -> bool:
        """Whether the names with digits are in a line that is like this one but for its digits."""
        return all(map(line.__contains__, self.names))

    def prepare(self, template: Template) -> None:
        """Work out where the values stand under the template as it is now."""
        if self.planned is not template.text:
            self.plan = plan_for(self.shape, self.masked, template.texts)
            self.planned = template.text

    def values(self, line: str) -> List[str]:
        """Return the values of a line, once :meth:`prepare` has been called."""
        if not self.plan:
            return []
        if self.header == 0:
            words = line.split(None, MAX_TOKENS)
        elif self.header == _ASK:
            words = message_of(line).split(None, MAX_TOKENS)
        else:
            words = line.split(None, MAX_TOKENS + self.header)[self.header :]
        return values_of(self.plan, words)


class Placed:
    """An event among the templates."""

    __slots__ = ("_leaf", "_line", "_miner")

    def __init__(self, miner: TemplateMiner, leaf: _Leaf, line: str) -> None:
        self._miner = miner
        self._leaf = leaf
        self._line = line

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
        leaf.prepare(template)
        return Match(template.id, template.text, leaf.values(self._line))


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
        self._leaves: Dict[Tuple[int, Tuple[str, ...]], _Leaf] = {}
        self._named = False
        self._buckets: Dict[Keys, Bucket] = {}
        self._pending: List[Bucket] = []
        for text in known:
            self._know(text)

    def __len__(self) -> int:
        return sum(len(bucket.by_keys) for bucket in self._buckets.values())

    def learn(self, raw: str) -> Match:
        """Return the template of an event, after having learned from it.

        For many events :meth:`place_all` is faster, and templates are merged once, so that alike
        lines get the same template, whichever came first.
        """
        return self.place(raw).match()

    def place(self, raw: str) -> Placed:
        """Learn from an event, and return its place, whose template further events may widen."""
        return self.place_all([raw])[0]

    def place_all(self, raws: Sequence[str]) -> List[Placed]:
        """Learn from events, and return their places."""
        lines = _lines(raws)
        return [Placed(self, leaf, line) for leaf, line in zip(self._leaves_of(lines), lines)]

    def templates_of(self, raws: Sequence[str]) -> List[Template]:
        """Learn from events, and return the template of each as it is after all of them."""
        leaves = self._leaves_of(_lines(raws))
        self.settle()
        now = {leaf: leaf.template.current() for leaf in set(leaves)}
        return [now[leaf] for leaf in leaves]

    def match_all(self, raws: Sequence[str]) -> List[Match]:
        """Learn from events, and return what each is after all of them."""
        lines = _lines(raws)
        leaves = self._leaves_of(lines)
        self.settle()
        named: Dict[_Leaf, Tuple[str, str]] = {}
        for leaf in set(leaves):
            template = leaf.template = leaf.template.current()
            leaf.prepare(template)
            named[leaf] = (template.id, template.text)
        return [Match(*named[leaf], leaf.values(line)) for leaf, line in zip(leaves, lines)]

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

    def _leaves_of(self, lines: Sequence[str]) -> List[_Leaf]:
        keys = folded(lines)
        found = list(map(self._folded.get, keys))
        new = self._new_leaves(lines, keys, found)
        leaves = [leaf or new[key] for leaf, key in zip(found, keys)]
        if self._named:
            for place, leaf in enumerate(leaves):
                if leaf.names and not leaf.fits(lines[place]):
                    leaves[place] = self._leaf(lines[place])
        for leaf, count in Counter(leaves).items():
            leaf.template.current().count += count
        return leaves

    def _new_leaves(
        self, lines: Sequence[str], keys: Sequence[bytes], found: Sequence[Optional[_Leaf]]
    ) -> Dict[bytes, _Leaf]:
        """Return the leaves of the folded lines that were not found, and remember them."""
        missing = [key for leaf, key in zip(found, keys) if leaf is None]
        new: Dict[bytes, _Leaf] = {}
        if not missing:
            return new
        first: Dict[bytes, int] = dict.fromkeys(missing, -1)
        for place, leaf in enumerate(found):
            if leaf is None and first[keys[place]] < 0:
                first[keys[place]] = place
        cache = self._folded
        if len(cache) + len(first) > CACHED_SHAPES:
            cache.clear()
        for key, place in first.items():
            leaf = new[key] = self._leaf(lines[place])
            if len(key) <= LONGEST_CACHED:
                cache[key] = leaf
        return new

    def _leaf(self, line: str) -> _Leaf:
        """Return the leaf of a line whose folded form is not known, or has another name in it."""
        message = message_of(line)
        # A word without its numbers is masked as the word is, but for names with a number.
        words = without_numbers(message).split(None, MAX_TOKENS)
        masked = tuple(map(self._words.__getitem__, words))
        names: Tuple[str, ...] = ()
        if "0" in "".join(masked):
            words = message.split(None, MAX_TOKENS)
            masked = tuple([mask(w) if "0" in m else m for w, m in zip(words, masked)])
            names = tuple([name for word in masked for name in numbered_in(word)])
            self._named = True
        header = 0 if message is line else _header(line, message)
        leaf = self._leaves.get((header, masked))
        if leaf is None:
            leaf = self._new_leaf(header, masked)
            leaf.names = names
        return leaf

    def _forget_lines(self) -> None:
        self._leaves.clear()
        self._folded.clear()

    def _new_leaf(self, header: int, masked: Tuple[str, ...]) -> _Leaf:
        shape = shape_of(masked or ("",))
        bucket = self._bucket(shape.keys)
        template = bucket.find(shape.keys)
        if template is None:
            template = Template(shape)
            bucket.add(template)
            if not bucket.pending:
                bucket.pending = True
                self._pending.append(bucket)
            if len(bucket.by_keys) > MOST_UNSETTLED:
                self.settle()
        elif not template.fixed:
            template.widen(template.keys, shape.shown, shape.blanks)
        if len(self._leaves) >= CACHED_SHAPES:
            self._leaves.clear()
        leaf = self._leaves[header, masked] = _Leaf(header, masked, shape, template.current())
        return leaf

    def _bucket(self, keys: Keys) -> Bucket:
        marks = tuple([key if is_mark(key) else "" for key in keys])
        bucket = self._buckets.get(marks)
        if bucket is None:
            bucket = self._buckets[marks] = Bucket()
        return bucket

    def _know(self, text: str) -> None:
        template = Template(shape_of(text.split(None, MAX_TOKENS) or [""]), fixed=True)
        template.call(text)
        bucket = self._bucket(template.keys)
        bucket.add(template)
        bucket.index()

    def _forget(self) -> None:
        """Keep the templates that are known and the half of the others that was seen most."""
        everything = [t for b in self._buckets.values() for t in b.by_keys.values()]
        everything.sort(key=lambda t: (not t.fixed, -t.count, t.text))
        for bucket in self._buckets.values():
            bucket.by_keys = {}
        kept = everything[: max(1, self._max // 2)]
        for template in kept:
            self._bucket(template.keys).add(template)
        self._buckets = {key: b for key, b in self._buckets.items() if b.by_keys}
        for bucket in self._buckets.values():
            bucket.index()
        self._forget_lines()


def _lines(raws: Sequence[str]) -> Sequence[str]:
    """Return events as single lines: one of several lines is given as its message."""
    if "\n" not in "".join(raws):
        return raws
    return [message_of(raw) if "\n" in raw else raw for raw in raws]


def _header(line: str, message: str) -> int:
    """Return how many words stand before a message in its line."""
    all_words, words = line.split(), message.split()
    before = len(all_words) - len(words)
    return before if before >= 0 and all_words[before:] == words else _ASK
