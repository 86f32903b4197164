"""Online log template mining: find which lines are the same sentence with other values.

The steps for a line: its form without digits (:mod:`.fold`), which is looked up in case a similar
line came before; its message (:mod:`.event`); its words with masked values (:mod:`.words`); values
of several words as one (:mod:`.spans`); and its template (:mod:`.store`). Each step runs for all
lines of a batch together and once for each distinct input, so most lines cost one lookup.

A template's id is a hash of its text. So it is the same on every machine and in every run that
finds the same template. A template never splits. It may widen when later lines show that a word in
it is a value, and then has another text and id. Pass the known templates (``known``) to keep their
ids: a line that one of them describes belongs to it.
"""

from __future__ import annotations

from collections import Counter
from typing import Dict, Iterable, List, NamedTuple, Sequence, Tuple

from .event import exception_line, message_of, messages_of
from .fold import folded, keep_names, names_in, names_kept, without_digits
from .group import Template, Words, template_id
from .store import Store
from .words import WILDCARD, Masked, part_of, paths_joined

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
_ASK = -1
_A_PART = WILDCARD + ":"


class Match(NamedTuple):
    """The template of a line, the template's id, and the values at its wildcards."""

    template_id: str
    template: str
    variables: List[str]


class TemplateMiner:
    """Finds the template of each line, and learns new ones.

    Args:
        max_templates: beyond it the rarest templates are forgotten, so memory is bounded.
        known: texts of templates that keep their text and id.
    """

    def __init__(self, max_templates: int = 10_000, known: Iterable[str] = ()) -> None:
        self._max = max_templates
        self._masked = Masked()
        # By a line's form without digits: its template, and the number of words before its message,
        # if there are any (or _ASK).
        self._lines: Dict[bytes, Template] = {}
        self._headers: Dict[bytes, int] = {}
        self._templates: Dict[Words, Template] = {}
        self._store = Store(tuple(text.split(None, MAX_WORDS)) for text in known)

    def __len__(self) -> int:
        return len(self._store)

    def learn(self, raw: str) -> Match:
        """Learn from an event and return its template.

        For many events :meth:`match_all` is faster, and templates are merged once, so that similar
        lines get the same template, whichever came first.
        """
        return self.match_all([raw])[0]

    def templates_of(self, raws: Sequence[str]) -> List[Template]:
        """Learn from events, and return the template of each as it is after all of them."""
        _, templates = self._learned(_as_lines(raws))
        return templates

    def match_all(self, raws: Sequence[str]) -> List[Match]:
        """Learn from events, and return the match of each after all of them."""
        lines = _as_lines(raws)
        keys, templates = self._learned(lines)
        header = self._headers.get
        named = {template: (template.id, template.text) for template in set(templates)}
        return [
            Match(*named[template], template.values_of(_words(line, header(key, _unknown(key)))))
            for line, key, template in zip(lines, keys, templates)
        ]

    def _learned(self, lines: Sequence[str]) -> Tuple[List[bytes], List[Template]]:
        """Learn from lines; return their cache keys and their templates."""
        known = self._lines
        keys = without_digits(lines)
        examples = dict(zip(keys, lines))
        new = [key for key in examples if key not in known]
        names = names_in(new, lines)
        if names and keep_names(keys, lines, names):
            examples = dict(zip(keys, lines))
            new = [key for key in examples if key not in known]
        if new:
            if len(known) + len(new) > CACHED_LINES:
                known.clear()
                self._headers.clear()
                new = list(examples)
            self._learn(new, [examples[key] for key in new], names)
        templates = list(map(known.__getitem__, keys))
        counts = Counter(templates)
        if any(template.wider for template in counts):
            templates = [template.current() for template in templates]
            counts = Counter(templates)
        for template, count in counts.items():
            template.count += count
        if new:
            if max(map(len, new)) > LONGEST_CACHED:
                for key in new:
                    if len(key) > LONGEST_CACHED:
                        del known[key]
            if len(self) > self._max:
                self._forget()
        return keys, templates

    def _learn(self, keys: Sequence[bytes], lines: Sequence[str], names: Sequence[str]) -> None:
        """Find and remember the templates of lines that are not known yet.

        ``names`` are those that end in a number and may be in them.
        """
        forms = folded(names_kept(lines, names) if names else lines)
        examples = dict(zip(forms, lines))
        messages = dict(zip(examples, messages_of(list(examples.values()))))
        headers = {
            form: _header(line, messages[form])
            for form, line in examples.items()
            if messages[form] is not line
        }
        if headers:
            message_forms = _message_forms(headers, messages)
            for key, form in zip(keys, forms):
                if form in headers and len(key) <= LONGEST_CACHED:
                    self._headers[key] = headers[form]
            forms = [message_forms.get(form, form) for form in forms]
        templates = self._templates_of(forms)
        self._lines.update(zip(keys, map(templates.__getitem__, forms)))

    def _templates_of(self, forms: Sequence[str]) -> Dict[str, Template]:
        """Return the templates of folded messages."""
        said = {form: paths_joined(form) if ":\\" in form else form for form in forms}
        masked = {form: self._mask(text.split(None, MAX_WORDS)) for form, text in said.items()}
        known = self._templates
        new = [words for words in dict.fromkeys(masked.values()) if words not in known]
        for words in new:
            known[words] = self._store.take(words)
        if new:
            self._store.settle()
        found = {form: known[words].current() for form, words in masked.items()}
        if len(known) > CACHED_LINES:
            known.clear()
        return found

    def _mask(self, words: Sequence[str]) -> Words:
        """Return the words of a message with masked values; a leading path of a program's part
        stays.
        """
        masked = tuple(map(self._masked.__getitem__, words))
        part = part_of(words[0]) if masked and masked[0] == _A_PART else ""
        return (part, *masked[1:]) if part else masked

    def _forget(self) -> None:
        self._store.forget(max(1, self._max // 2))
        self._templates.clear()
        self._lines.clear()
        self._headers.clear()


def _as_lines(raws: Sequence[str]) -> Sequence[str]:
    """Return events as single lines; an event of several lines is replaced by its message."""
    if "\n" not in "".join(raws):
        return raws
    return [message_of(raw) if "\n" in raw else raw for raw in raws]


def _header(line: str, message: str) -> int:
    """Return how many words precede a message in its line."""
    if line.endswith(message) and line[-len(message) - 1 : -len(message)].isspace():
        return len(line[: -len(message)].split())
    all_words, words = line.split(), message.split()
    before = len(all_words) - len(words)
    return before if before >= 0 and all_words[before:] == words else _ASK


def _message_forms(headers: Dict[str, int], messages: Dict[str, str]) -> Dict[str, str]:
    """Return the folded messages of folded lines: the part behind the words of their headers."""
    others = [form for form, header in headers.items() if header == _ASK]
    found = dict(zip(others, folded(names_kept([messages[form] for form in others]))))
    for form, header in headers.items():
        if header != _ASK:
            words = form.split(None, header)
            found[form] = words[header] if len(words) > header else ""
    return found


def _unknown(key: bytes) -> int:
    """Return the header of a line whose key has none remembered: none, unless the key is too
    long.
    """
    return 0 if len(key) <= LONGEST_CACHED else _ASK


def _words(line: str, header: int) -> str:
    """Return the words of a line's message, joined by blanks."""
    if not header and "  " not in line and line.isprintable():
        return line.strip()
    words = (message_of(line) if header == _ASK else line).split()
    return " ".join(words[header:] if header > 0 else words)
