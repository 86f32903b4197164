"""Online log template mining: which lines are the same sentence with other values.

The way of a line: its form without digits (:mod:`.fold`), by which it is known if one like it came
before; its message (:mod:`.event`); its words with their values masked (:mod:`.words`); values of
several words as one (:mod:`.spans`); and the lines that are one template (:mod:`.merge`, and where
texts of any length differ :mod:`.heads`, :mod:`.texts` and :mod:`.alike`). Each step is done for
all lines of a batch together and once for each distinct input, so most lines cost one look-up.

A template's id is a hash of its text. So it is the same on every machine and in every run in which
the same template is found. A template never splits; it may widen when later lines show that a word
in it is a value, and then has another text and id. Give the miner the templates that are known
(``known``) to keep their ids: a line that one of them describes belongs to it.
"""

from __future__ import annotations

from collections import Counter
from typing import Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from .alike import Alike
from .described import Described
from .event import exception_line, message_of, messages_of
from .fold import folded, keep_names, name_parts, names_kept, without_digits
from .group import Bucket, Template, template_id
from .heads import Heads
from .spans import TWO_VALUES, compared, name_as_value, one_value
from .texts import Frames, frames_of
from .words import WILDCARD, Words, marks_of

__all__ = [
    "WILDCARD",
    "Match",
    "TemplateMiner",
    "exception_line",
    "message_of",
    "template_id",
]

CACHED_LINES = 50_000
LONGEST_CACHED = 1_000
"""Bytes; a longer line is worked out each time, so that remembered lines take bounded memory."""
MAX_WORDS = 96
"""Words of a line that are looked at; the rest is one value."""
MOST_IN_BUCKET = 2_000
"""Templates of one length and punctuation that are compared."""
_ASK = -1

Line = Tuple[str, ...]


class Match(NamedTuple):
    """What one line is: its template, the template's id, and the values at its wildcards."""

    template_id: str
    template: str
    variables: List[str]


class TemplateMiner:
    """Finds the template of each line, learning new ones as it goes.

    Args:
        max_templates: beyond it the least seen templates are forgotten, so memory is bounded.
        known: texts of templates that keep their text and id.
    """

    def __init__(self, max_templates: int = 10_000, known: Iterable[str] = ()) -> None:
        self._max = max_templates
        self._words = Words()
        # By a line's form without digits: its template, and how many words stand before its message
        # where that is more than none (or _ASK).
        self._lines: Dict[bytes, Template] = {}
        self._headers: Dict[bytes, int] = {}
        self._templates: Dict[Line, Template] = {}
        self._buckets: Dict[bytes, Bucket] = {}
        self._compare_anew()
        self._described = Described()
        self._any_text = False  # whether a template has a value that may be any text
        known = list(known)
        if known:
            self._know(known)

    def __len__(self) -> int:
        return sum(len(bucket.by_keys) for bucket in self._buckets.values())

    def learn(self, raw: str) -> Match:
        """Return the template of an event, after having learned from it.

        For many events :meth:`match_all` is faster, and templates are merged once, so that alike
        lines get the same template, whichever came first.
        """
        return self.match_all([raw])[0]

    def templates_of(self, raws: Sequence[str]) -> List[Template]:
        """Learn from events, and return the template of each as it is after all of them."""
        _, templates = self._learned(_as_lines(raws))
        return templates

    def match_all(self, raws: Sequence[str]) -> List[Match]:
        """Learn from events, and return what each is after all of them."""
        lines = _as_lines(raws)
        keys, templates = self._learned(lines)
        header = self._headers.get
        named = {template: (template.id, template.text) for template in set(templates)}
        return [
            Match(*named[template], template.values_of(_words(line, header(key, _unknown(key)))))
            for line, key, template in zip(lines, keys, templates)
        ]

    def _learned(self, lines: Sequence[str]) -> Tuple[List[bytes], List[Template]]:
        """Learn from lines; return the keys that they are remembered by, and their templates."""
        known = self._lines
        keys = without_digits(lines)
        examples = dict(zip(keys, lines))
        new = [key for key in examples if key not in known]
        parts = name_parts(new)
        if parts and keep_names(keys, lines, parts):
            examples = dict(zip(keys, lines))
            new = [key for key in examples if key not in known]
        if new:
            if len(known) + len(new) > CACHED_LINES:
                known.clear()
                self._headers.clear()
                new = list(examples)
            self._learn(new, [examples[key] for key in new], bool(parts))
        templates = list(map(known.__getitem__, keys))
        counts = Counter(templates)
        if any(template.wider for template in counts):
            templates = [template.current() for template in templates]
            counts = Counter(templates)
        for template, count in counts.items():
            template.count += count
        if new:
            for key in new:
                if len(key) > LONGEST_CACHED:
                    del known[key]
            if len(self) > self._max:
                self._forget()
        return keys, templates

    def _learn(self, keys: Sequence[bytes], lines: Sequence[str], named: bool) -> None:
        """Find and remember the templates of lines that are not known yet.

        ``named`` is whether a name that ends in a number may be in them.
        """
        forms = folded(names_kept(lines) if named else lines)
        examples = dict(zip(forms, lines))
        messages = dict(zip(examples, messages_of(list(examples.values()))))
        headers = {
            form: _header(line, messages[form])
            for form, line in examples.items()
            if messages[form] is not line
        }
        if headers:
            said = folded(names_kept([messages[form] for form in headers]))
            message_forms = dict(zip(headers, said))
            for key, form in zip(keys, forms):
                if form in headers and len(key) <= LONGEST_CACHED:
                    self._headers[key] = headers[form]
            forms = [message_forms.get(form, form) for form in forms]
        templates = self._templates_of(forms)
        self._lines.update(zip(keys, map(templates.__getitem__, forms)))

    def _templates_of(self, forms: Sequence[str]) -> Dict[str, Template]:
        """Return the templates of folded messages."""
        mask = self._words.__getitem__
        masked = {
            form: tuple(map(mask, form.split(None, MAX_WORDS))) for form in dict.fromkeys(forms)
        }
        known = self._templates
        new = [words for words in dict.fromkeys(masked.values()) if words not in known]
        pending: Dict[Bucket, None] = {}
        for words in new:
            text = compared(" ".join(words))
            keys = tuple(text.split())
            bucket = self._bucket_of(text)
            template = bucket.find(keys) or self._framed(keys) or self._described.find(words, keys)
            if template is None:
                template = Template(keys, words)
                bucket.add(template)
                pending[bucket] = None
            else:
                template.widen(template.keys, words)
            known[words] = template
        for bucket in pending:
            bucket.settle()
            if len(bucket.by_keys) > MOST_IN_BUCKET:
                bucket.forget(MOST_IN_BUCKET // 2)
                self._compare_anew()
        fresh = [t for b in pending for t in b.by_keys.values() if t.framed is not t.keys]
        fresh = self._shorten(fresh)
        fresh = self._merge_heads(fresh)
        self._merge_frames(fresh)
        self._merge_alike(fresh)
        found = {form: known[words].current() for form, words in masked.items()}
        if len(known) > CACHED_LINES:
            known.clear()
        return found

    def _shorten(self, templates: Sequence[Template]) -> List[Template]:
        """Make a value and one in brackets behind it one value, as they are in lines.

        Returns the templates as they are then.
        """
        texts = [(" ".join(t.keys), t) for t in templates]
        self._merge(
            [(tuple(one_value(text).split()), (t,)) for text, t in texts if TWO_VALUES in text], 1
        )
        return list(dict.fromkeys([t.current() for t in templates]))

    def _merge_heads(self, templates: Sequence[Template]) -> List[Template]:
        """Merge the templates that differ only in what a thing is called at their start.

        Returns the templates as they are then.
        """
        self._merge(self._heads.take(templates))
        return list(dict.fromkeys([t.current() for t in templates]))

    def _merge_frames(self, templates: Sequence[Template]) -> None:
        """Merge the templates that differ only in a text of any length."""
        taken = self._frames.take(templates)
        self._merge((tuple(frame.split()), members) for frame, members in taken)

    def _merge_alike(self, templates: Sequence[Template]) -> None:
        """Merge the templates that are one statement by the words that they have in common."""
        fresh = list(dict.fromkeys([t.current() for t in templates]))
        while fresh:
            pairs = self._alike.pairs(fresh)
            fresh = self._merge((pair.keys, (pair.one, pair.other)) for pair in pairs)

    def _merge(
        self, groups: Iterable[Tuple[Line, Sequence[Template]]], fewest: int = 2
    ) -> List[Template]:
        """Make groups of templates one each, with a text of any length, under the keys given.

        What has become part of another one in the meantime, and what is known under other keys, is
        left out, and so is a group of which fewer than ``fewest`` are left. Returns the templates
        as they are then.
        """
        found: Dict[Template, None] = {}
        buckets: Dict[Bucket, None] = {}
        for keys, members in groups:
            free = [t for t in members if t.wider is None and (t.keys == keys or not t.fixed)]
            if len(free) >= fewest:
                bucket = self._bucket(keys)
                found[self._merge_one(bucket, keys, free)] = buckets[bucket] = None
        for bucket in buckets:
            bucket.settle()
            bucket.index()
        return list(dict.fromkeys([t.current() for t in found]))

    def _merge_one(self, bucket: Bucket, keys: Line, members: Sequence[Template]) -> Template:
        target = bucket.by_keys.get(keys)
        if target is None:
            target = Template(keys, keys)
            bucket.add(target)
        for member in members:
            if member is not target:
                self._bucket(member.keys).remove(member)
                target.count += member.count
                member.wider = target
        target.any_text = self._any_text = True
        return target

    def _framed(self, keys: Line) -> Optional[Template]:
        """Return the template in which a text of this line is one value."""
        named = name_as_value(keys)
        if named:
            bucket = self._buckets.get(marks_of(named))
            template = bucket.find(tuple(named.split())) if bucket else None
            if template is not None:
                return template
        if self._any_text:
            for frame, _ in frames_of(keys):
                bucket = self._buckets.get(marks_of(frame))
                template = bucket.find(tuple(frame.split())) if bucket else None
                if template is not None and template.any_text:
                    return template
        return None

    def _bucket(self, keys: Line) -> Bucket:
        return self._bucket_of(" ".join(keys))

    def _bucket_of(self, text: str) -> Bucket:
        marks = marks_of(text)
        bucket = self._buckets.get(marks)
        if bucket is None:
            bucket = self._buckets[marks] = Bucket()
        return bucket

    def _know(self, texts: Sequence[str]) -> None:
        lines = [tuple(text.split(None, MAX_WORDS)) for text in texts]
        for words in lines:
            template = Template(tuple(compared(" ".join(words)).split()), words, fixed=True)
            self._bucket(template.keys).add(template)
            text = " ".join(template.keys)
            template.any_text = any(frame == text for frame, _ in frames_of(template.keys))
            self._any_text = self._any_text or template.any_text
            self._alike.add(template)
            self._described.add(template)
        for bucket in self._buckets.values():
            bucket.index()

    def _compare_anew(self) -> None:
        """Forget what templates have in common: of some that it tells of is nothing left."""
        self._frames = Frames()
        self._alike = Alike()
        self._heads = Heads()

    def _forget(self) -> None:
        """Keep the templates that are known and the half of the others that was seen most."""
        everything = [t for b in self._buckets.values() for t in b.by_keys.values()]
        everything.sort(key=lambda t: (not t.fixed, -t.count, t.text))
        self._buckets = {}
        for template in everything[: max(1, self._max // 2)]:
            self._bucket(template.keys).add(template)
        for bucket in self._buckets.values():
            bucket.index()
        self._compare_anew()
        self._templates.clear()
        self._lines.clear()
        self._headers.clear()


def _as_lines(raws: Sequence[str]) -> Sequence[str]:
    """Return events as single lines: one of several lines is given as its message."""
    if "\n" not in "".join(raws):
        return raws
    return [message_of(raw) if "\n" in raw else raw for raw in raws]


def _header(line: str, message: str) -> int:
    """Return how many words stand before a message in its line."""
    all_words, words = line.split(), message.split()
    before = len(all_words) - len(words)
    return before if before >= 0 and all_words[before:] == words else _ASK


def _unknown(key: bytes) -> int:
    """The header of a line for whose key none is remembered: none, unless the key is too long."""
    return 0 if len(key) <= LONGEST_CACHED else _ASK


def _words(line: str, header: int) -> str:
    """Return the words of a line's message, a blank between them."""
    if not header and "  " not in line and line.isprintable():
        return line.strip()
    words = (message_of(line) if header == _ASK else line).split()
    return " ".join(words[header:] if header > 0 else words)
