"""Texts of any length at the place of one value: ``connect failed: <any reason>``, ``CMD (<any>)``.

Lines that differ in such a text have unequal lengths, and so are not compared word by word. They
are told by the rest of the line: where many texts stand in one frame, the text is a value.
"""

from __future__ import annotations

import re
from typing import Dict, Iterable, Iterator, List, Sequence, Tuple

from .templates_group import Template
from .templates_words import WILDCARD, is_verb

__all__ = ["Frames", "frames_of"]

MANY_REASONS = 6
"""Different texts after a colon that are a value, where a verb or a value stands before it."""
MANY_FAILURES = 3
"""The same after a word that announces why something failed."""
MANY_TEXTS = 12
"""The same where what stands before the colon has no verb, and so may be the name of a part."""
MANY_ENCLOSED = 3
"""The same for texts in brackets."""
MOST_FRAMES = 20_000

_FAILURES = frozenset(["failed", "failure", "error", "exception", "reason", "because", "cause"])
# What systems say of an error's number (strerror).
_ERRORS = tuple(
    """Operation not permitted|No such file or directory|No such process|Interrupted system call
    |Input/output error|No such device or address|Argument list too long|Exec format error
    |Bad file descriptor|No child processes|Resource temporarily unavailable|Cannot allocate memory
    |Permission denied|Bad address|Device or resource busy|File exists|Invalid cross-device link
    |No such device|Not a directory|Is a directory|Invalid argument|Too many open files in system
    |Too many open files|Text file busy|File too large|No space left on device|Illegal seek
    |Read-only file system|Too many links|Broken pipe|Resource deadlock avoided|File name too long
    |Function not implemented|Directory not empty|Protocol error|Connection timed out
    |Connection refused|Connection reset by peer|Network is unreachable|Network is down
    |No route to host|Host is down|Address already in use|Cannot assign requested address
    |Operation not supported|Operation already in progress|Operation now in progress
    |Transport endpoint is not connected|Software caused connection abort|Message too long
    |No buffer space available|Stale file handle|Disk quota exceeded|Operation canceled""".replace(
        "\n    ", ""
    ).split("|")
)
# What may stand after a reason: as a tag or the logger's name, or the error's number.
_TAG = re.compile(r" (?:\[[\w.-]+\]|\((?:[\w.$-]+|<\*>)\))\Z")
_BRACKETS = re.compile(r"(?<=\()[^()]*(?=\)[.,;:]?(?: |\Z))")


def frames_of(keys: Sequence[str]) -> Iterator[Tuple[str, int]]:
    """Yield each frame of a line, a wildcard for the text in it, and how many texts are many."""
    text = " ".join(keys)
    frame = _without_error(text)
    if frame is not text:
        yield frame, MANY_FAILURES
    if ": " in text:
        yield from _after_colons(text)
    if "(" not in text:
        return
    for found in _BRACKETS.finditer(text):
        yield text[: found.start()] + WILDCARD + text[found.end() :], MANY_ENCLOSED
    place = text.find(" (")
    if (
        place > 0
        and text[-1] == ")"
        and text.find("(", place + 2) > 0
        and _balanced(text[place + 2 : -1])
    ):
        yield f"{text[: place + 2]}{WILDCARD})", MANY_ENCLOSED


def _without_error(text: str) -> str:
    """Return a text with a wildcard for what a system says of an error's number at its end."""
    tag = _TAG.search(text) if text[-1:] in ")]" else None
    end = tag.start() if tag else len(text)
    if not text.endswith(_ERRORS, 0, end):
        return text
    reason = max((e for e in _ERRORS if text.endswith(e, 0, end)), key=len)
    before = text[: end - len(reason)]
    return before + WILDCARD + text[end:] if before[-1:] in (" ", '"') else text


def _after_colons(text: str) -> Iterator[Tuple[str, int]]:
    # What is in brackets at the end, as a tag or the logger's name, is no part of a reason.
    tag = _TAG.search(text)
    end = tag.start() if tag else len(text)
    place = text.find(": ")
    while 0 < place < end:
        words = text[:place].split()
        if sum([word.rstrip(":").isalpha() for word in words]) > 1:
            many = MANY_TEXTS
            if words[-1] in _FAILURES:
                many = MANY_FAILURES
            elif WILDCARD in words or any(map(is_verb, words)):
                many = MANY_REASONS
            yield f"{text[:place]}: {WILDCARD}{text[end:]}", many
        place = text.find(": ", place + 1)


def _balanced(text: str) -> bool:
    depth = 0
    for mark in re.findall("[()]", text):
        depth += 1 if mark == "(" else -1
        if depth < 0:
            return False
    return depth == 0


class Frames:
    """The frames of templates: which templates differ only in a text of any length."""

    def __init__(self) -> None:
        self._members: Dict[str, List[Template]] = {}

    def take(self, templates: Iterable[Template]) -> Iterator[Tuple[str, List[Template]]]:
        """Take in templates; yield the frames that now have many texts, with their templates."""
        touched: Dict[str, int] = {}
        for template in templates:
            template.framed = template.keys
            for frame, many in frames_of(template.keys):
                touched[frame] = min(many, touched.get(frame, many))
                self._members.setdefault(frame, []).append(template)
        for frame, many in touched.items():
            members = list(dict.fromkeys([t.current() for t in self._members[frame]]))
            self._members[frame] = members
            if len(members) >= many:
                yield frame, members
        if len(self._members) > MOST_FRAMES:
            self._members.clear()
