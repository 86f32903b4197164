"""Templates, and the buckets of templates that can be compared with each other."""

from __future__ import annotations

import hashlib
from typing import Dict, Optional, Sequence, Tuple

from .templates_merge import Keys, merged
from .templates_shape import Shape
from .templates_words import WILDCARD

__all__ = ["Bucket", "Template", "template_id"]


def template_id(template: str) -> str:
    """Return the id of a template's text: 12 hex digits of its SHA-256."""
    return hashlib.sha256(template.encode("utf-8", "replace")).hexdigest()[:12]


class Template:
    """One template: what is compared, what is shown, and how many lines it had."""

    __slots__ = ("_id", "_text", "blanks", "count", "fixed", "keys", "texts", "wider")

    def __init__(self, shape: Shape, fixed: bool = False) -> None:
        self.keys: Keys = shape.keys
        self.texts = shape.shown
        self.blanks = shape.blanks
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
        if keys == self.keys and texts == self.texts and blanks == self.blanks:
            return
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


class Bucket:
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
        """Take in a template; one with wildcards describes lines only after :meth:`index`."""
        self.by_keys[template.keys] = template

    def settle(self) -> None:
        """Merge what is one template. Known templates take lines in, and stay as they are."""
        self.pending = False
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
        self.index()

    def index(self) -> None:
        """Prepare :meth:`find` for the templates with wildcards."""
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
        self.index()
        return max(0, len(ranked) - most)
