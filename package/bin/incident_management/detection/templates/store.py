"""The templates found so far: which one a line belongs to, and which of them are one statement.

A line belongs to the template that describes it (:meth:`Store.take`). A line without one starts a
template of its own, until all lines of a batch are added. Then templates that are one statement are
merged (:meth:`Store.settle`), in this order:

1. within their buckets (:mod:`.merge`);
2. across lengths, if other templates have a value in the place of a word (:mod:`.inferred_values`);
3. by the name that they begin with (:mod:`.leading_names`);
4. by the words around a free text (:mod:`.free_text`);
5. by how much they have in common (:mod:`.similarity`).
"""

from __future__ import annotations

from typing import Callable, Dict, Iterable, List, Optional, Sequence, Set, Tuple

from .free_text import Frames, frames_of, has_frame, without_error
from .group import DEARER, Bucket, Effort, Template, Words, rows_of
from .inferred_values import with_value, without_name
from .known_matches import KnownMatches
from .leading_names import LeadingNames
from .similarity import Alike
from .spans import IN_BRACKETS, compared, name_as_value
from .words import marks_of

__all__ = ["Store"]

_Find = Callable[[Template], Optional[Template]]

MAX_IN_BUCKET = 2_000
"""Templates of one length and punctuation that are compared."""
MAX_EFFORT = 4_000_000
"""Words that are compared for a batch: a second. All lines of 32 systems took 250,000."""


class Store:
    """Templates, each in the bucket of its length and punctuation.

    Args:
        known: words of templates that keep their text.
    """

    def __init__(self, known: Iterable[Words] = ()) -> None:
        self._buckets: Dict[bytes, Bucket] = {}
        self._pending: Dict[Bucket, None] = {}
        self._taken: Dict[str, Template] = {}  # of the lines taken since the last time, as compared
        self._described = KnownMatches()
        self._effort = Effort(MAX_EFFORT)
        self._any_text = False  # whether a template has a value that may be any text
        self._rows: Set[int] = set()  # how long those are that have values in a row
        self._known = [_known(words) for words in known]
        self._compare_anew()
        for template in self._known:
            self._bucket(template.keys).add(template)
            self._any_text = self._any_text or template.any_text
            self._described.add(template)
        self._index()

    def __len__(self) -> int:
        return sum(len(bucket.by_keys) for bucket in self._buckets.values())

    def take(self, words: Words) -> Template:
        """Return the template of a masked line; a new one is settled later."""
        said = " ".join(words)
        text = compared(said)
        template = self._taken.get(text) or self._found(text, words)
        if template is None:
            return self._added(text, said, words)
        template.widen(template.keys, words)
        return template

    def _found(self, text: str, words: Words) -> Optional[Template]:
        """Return the template that describes a line, given as it is compared and in words."""
        keys = tuple(text.split())
        template = self._bucket_of(text).find(keys) or self._framed(text, keys)
        if template is None:
            return self._described.find(words, keys)
        self._taken[text] = template
        return template

    def _added(self, text: str, said: str, words: Words) -> Template:
        template = self._taken[text] = Template(tuple(text.split()), words)
        bucket = self._bucket_of(text)
        bucket.add(template)
        self._pending[bucket] = None
        if "> <" in said or ">, <" in said:
            template.rows = rows_of(template.keys, words)
            if template.rows:
                self._rows.add(len(template.keys))
        return template

    def settle(self) -> None:
        """Merge the templates that are one statement, as new lines show."""
        effort = self._effort = Effort(MAX_EFFORT)
        pending = list(self._pending)
        self._pending.clear()
        self._taken.clear()
        for bucket in pending:
            bucket.settle(effort)
            if len(bucket.by_keys) > MAX_IN_BUCKET:
                bucket.forget(MAX_IN_BUCKET // 2)
                self._compare_anew()
        fresh = [t for b in pending for t in b.by_keys.values() if t.framed is not t.keys]
        if self._rows:
            self._join(fresh, self._with_row)
        self._join(fresh, self._with_value)
        fresh = _current(fresh)
        self._merge(self._heads.take(fresh))
        fresh = _current(fresh)
        frames = self._frames.take(fresh)
        self._merge((tuple(frame.split()), members) for frame, members in frames)
        fresh = _current(fresh)
        at_first = fresh
        while fresh:
            pairs = self._alike.pairs(fresh, effort)
            fresh = self._merge((pair.keys, (pair.one, pair.other)) for pair in pairs)
        self._join(at_first, self._with_value)

    def forget(self, most: int) -> None:
        """Keep the known templates, and the most frequent others, ``most`` in all."""
        everything = [t for b in self._buckets.values() for t in b.by_keys.values()]
        everything.sort(key=lambda t: (not t.fixed, -t.count, t.text))
        self._buckets = {}
        for template in everything[:most]:
            self._bucket(template.keys).add(template)
        self._index()
        self._compare_anew()

    def _join(self, templates: Sequence[Template], find: _Find) -> None:
        """Merge templates into those that have a value where they have words that may be one."""
        for template in templates:
            other = None if template.fixed or template.wider else find(template)
            if other is not None and other.current() is not template:
                self._bucket(template.keys).remove(template)
                other.current().take_in(template)

    def _with_row(self, template: Template) -> Optional[Template]:
        """Return the template that has two values in place of a name beside a value.

        As in ``lost peer cedar <*>``: of ``lost peer <*> <*>`` one value is compared.
        """
        if len(template.keys) - 1 in self._rows:
            for mine, theirs, words in without_name(template.keys):
                other = None if mine in template.rows else self._find(" ".join(words))
                if other is not None and theirs in other.rows:
                    return other
        return None

    def _with_value(self, template: Template) -> Optional[Template]:
        for words in with_value(template.keys):
            if not self._effort.takes(DEARER * len(words)):
                return None
            found = self._find(" ".join(words))
            if found is not None:
                return found
        return None

    def _merge(
        self, groups: Iterable[Tuple[Words, Sequence[Template]]], fewest: int = 2
    ) -> List[Template]:
        """Merge each group of templates into one, with a text of any length, under the given keys.

        Templates that were absorbed in the meantime, and known ones with other keys, are left out.
        So is a group with fewer than ``fewest`` left. Return the resulting templates.
        """
        found: Dict[Template, None] = {}
        buckets: Dict[Bucket, None] = {}
        for keys, members in groups:
            free = [t for t in members if t.wider is None and (t.keys == keys or not t.fixed)]
            if len(free) >= fewest:
                bucket = self._bucket(keys)
                found[self._merge_one(bucket, keys, free)] = buckets[bucket] = None
        for bucket in buckets:
            if not bucket.settle(self._effort):
                bucket.index()
        return _current(found)

    def _merge_one(self, bucket: Bucket, keys: Words, members: Sequence[Template]) -> Template:
        target = bucket.by_keys.get(keys)
        if target is None:
            target = Template(keys, keys)
            bucket.add(target)
        else:
            target.widen(keys, keys)
        for member in members:
            if member is not target:
                self._bucket(member.keys).remove(member)
                target.count += member.count
                if len(member.keys) == len(keys):
                    target.rows |= member.rows
                member.wider = target
        target.any_text = self._any_text = True
        return target

    def _framed(self, text: str, keys: Words) -> Optional[Template]:
        """Return the template in which a part of this line is one value."""
        named = name_as_value(keys) if IN_BRACKETS in text else text
        for one in (named, without_error(text)):
            template = self._find(one) if one != text else None
            if template is not None:
                return template
        if self._any_text:
            for frame, _ in frames_of(keys):
                template = self._find(frame)
                if template is not None and template.any_text:
                    return template
        return None

    def _find(self, text: str) -> Optional[Template]:
        bucket = self._buckets.get(marks_of(text))
        return bucket.find(tuple(text.split())) if bucket else None

    def _that_is(self, text: str) -> Optional[Template]:
        """Return the template of exactly these words, values included."""
        bucket = self._buckets.get(marks_of(text))
        return bucket.by_keys.get(tuple(text.split())) if bucket else None

    def _bucket(self, keys: Words) -> Bucket:
        return self._bucket_of(" ".join(keys))

    def _bucket_of(self, text: str) -> Bucket:
        marks = marks_of(text)
        bucket = self._buckets.get(marks)
        if bucket is None:
            bucket = self._buckets[marks] = Bucket()
        return bucket

    def _index(self) -> None:
        for bucket in self._buckets.values():
            bucket.index()

    def _compare_anew(self) -> None:
        """Forget the comparisons, because some of the compared templates no longer exist."""
        self._frames = Frames(self._that_is)
        self._alike = Alike()
        self._heads = LeadingNames()
        for template in self._known:
            self._alike.add(template)


def _known(words: Words) -> Template:
    template = Template(tuple(compared(" ".join(words)).split()), words, fixed=True)
    template.any_text = has_frame(template.keys, " ".join(template.keys))
    return template


def _current(templates: Iterable[Template]) -> List[Template]:
    """Return the current form of templates, each once."""
    return list(dict.fromkeys([template.current() for template in templates]))
