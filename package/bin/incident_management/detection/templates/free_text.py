"""Find texts of any length in place of one value: ``connect failed: <any reason>``, ``CMD
(<any>)``.

Lines that differ in such a text have different lengths, and so are not compared word by word. The
rest of the line shows them: if many texts occur in one frame, the text is a value.
"""

from __future__ import annotations

import re
from typing import Callable, Dict, Iterator, List, Optional, Sequence, Set, Tuple

from .group import Template, Words
from .vocabulary import LEVELS
from .words import NAME, PLAIN, VALUE, WILDCARD, is_called, is_verb, kind_of

__all__ = ["Frames", "frames_of", "has_frame", "without_error"]

MANY_REASONS = 3
"""Different texts after a colon that are a value, where a verb or a value stands before it."""
MANY_ANNOUNCED = 3
"""The same after a word that announces why something failed, or how a thing is."""
MANY_TEXTS = 12
"""The same where what stands before the colon has no verb, and so may be the name of a part."""
MANY_ENCLOSED = 3
"""The same for texts in brackets."""
MANY_NAMES = 3
"""The same for names of some words within a line."""
MANY_THINGS = 3
"""The same for what follows the verbs at the start of a line, where it follows others, too."""
RECURRING = 1_000_000
"""Instead of a number of texts: ``MANY_THINGS`` that are with other verbs, too."""
FEWEST = 2
"""The least templates of a frame that may have so many texts."""
LONGEST_NAME = 3
"""Words of such a name."""
ENOUGH_AROUND = 4
"""Words that are no values around such a name."""
LONGEST_AROUND = 40
"""Words of a line in which such names are looked for."""
MAX_FRAMES = 20_000

# Words before a colon that announce why something failed, or the state of a thing.
_ANNOUNCES = frozenset(
    ["failed", "failure", "error", "exception", "reason", "because", "cause", "status", "state"]
)
# The systems' texts for error numbers (strerror).
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
_ERROR_ENDS = frozenset([error.rpartition(" ")[2] for error in _ERRORS])
# What may follow a reason: a tag, the logger's name, or the error's number.
_TAG = re.compile(r" (?:\[[\w.-]+\]|\((?:[\w.$-]+|<\*>)\))\Z")
_ENDS = ".,;:"
# Fields and calls with named arguments are part of the statement, no reason.
_FIELDS = re.compile(r"\w+(?:\(\w+)?=|[^,;()\[\]{}]*[,;] [\w.-]+(?:: |=)")
# A frame whose text ends the line, and signs in a text that something happens.
_REASON = ": " + WILDCARD
_TELLS = re.compile(r"(?<![\w-])[A-Za-z][a-z]{2,}(?:ed|ing)(?!\w)")
_NAMES = frozenset([PLAIN, NAME])
_ARTICLES = frozenset(["A", "An", "The"])
_LETTER = re.compile("[A-Za-z]")
# The content of brackets, after the opening bracket.
_BRACKETS = re.compile(
    r"\([^()]+(?=\)[.,;:]?(?: |\Z))|\[(?<![\w)\]]\[)[^\[\]]+(?=\][.,;:]?(?: |\Z))"
)


def frames_of(keys: Sequence[str]) -> Iterator[Tuple[str, int]]:
    """Yield each frame of a line, with a wildcard for its text, and how many texts are many.

    A frame may come several times; the lowest number counts.
    """
    text = " ".join(keys)
    frame = without_error(text)
    if frame is not text:
        yield frame, MANY_ANNOUNCED
    if ": " in text:
        yield from _after_colons(text)
    if "[" in text or "(" in text:
        yield from _in_brackets(text)
    done = _done(keys)
    if done:
        yield done[0], RECURRING
    if ENOUGH_AROUND < len(keys) < LONGEST_AROUND:
        yield from _inside(keys)


def has_frame(keys: Sequence[str], frame: str) -> bool:
    """Return whether a line has a frame."""
    return any(frame == other for other, _ in frames_of(keys))


def _done(keys: Sequence[str]) -> Optional[Tuple[str, str]]:
    """Return the frame of a line that says what is done with a thing, and the thing's name.

    As in ``Failed to start Daily clean up.``: its verbs, and the words behind them up to a mark.
    None for another line.
    """
    verbs = 0
    while verbs < len(keys) and is_verb(keys[verbs]) and keys[verbs] not in _ARTICLES:
        verbs += 1
    if not verbs or verbs == len(keys) or not _may_begin_thing(keys[verbs]):
        return None
    last = verbs
    while last + 1 < len(keys) and keys[last][-1] not in _ENDS:
        last += 1
    text = " ".join(keys[verbs : last + 1])
    thing = text.rstrip(_ENDS)
    rest = " ".join((text[len(thing) :], *keys[last + 1 :])).rstrip()
    return f"{' '.join(keys[:verbs])} {WILDCARD}{rest}", thing


def _may_begin_thing(word: str) -> bool:
    return kind_of(word) in _NAMES or word in _ARTICLES


def _inside(keys: Sequence[str]) -> Iterator[Tuple[str, int]]:
    """Yield the frames of names of several words, as in ``on volume My Disk from <*>``.

    Such a name ends before a value, a significant word or a mark.
    """
    kinds = list(map(kind_of, keys))
    around = len(keys) - kinds.count(VALUE) - ENOUGH_AROUND
    if around < 1:
        return
    text = " ".join(keys)
    place = -1
    for last, word in enumerate(keys):
        place += len(word) + 1  # where the word ends
        if kinds[last] not in _NAMES:
            continue
        mark = word[-1] in _ENDS
        if not mark and last + 1 < len(keys) and kinds[last + 1] in _NAMES:
            continue
        if is_called(keys[last + 1 :]) and word.islower():
            continue  # what follows is what the thing is called
        begin = place + 1
        for first in range(last, max(0, last - min(LONGEST_NAME, around)), -1):
            if kinds[first] not in _NAMES or (first < last and keys[first][-1] in _ENDS):
                break
            begin -= len(keys[first]) + 1
            yield text[:begin] + WILDCARD + text[place - mark :], MANY_NAMES


def _in_brackets(text: str) -> Iterator[Tuple[str, int]]:
    found = [(one.start() + 1, one.end()) for one in _BRACKETS.finditer(text)]
    ends = [0, *[end for _, end in found]]
    around = [text[end:start] for end, (start, _) in zip(ends, found)] + [text[ends[-1] :]]
    if not any(map(_LETTER.search, around)):
        return  # nothing but brackets
    for start, end in found:
        yield text[:start] + WILDCARD + text[end:], MANY_ENCLOSED
    if len(found) > 1:
        yield WILDCARD.join(around), MANY_ENCLOSED
    place = text.find(" (")
    if (
        place > 0
        and text[-1] == ")"
        and text.find("(", place + 2) > 0
        and _balanced(text[place + 2 : -1])
    ):
        yield f"{text[: place + 2]}{WILDCARD})", MANY_ENCLOSED


def without_error(text: str) -> str:
    """Return a text with a wildcard for the system's text of an error number at its end.

    Return the same text if it has none.
    """
    end = _end(text)
    said = text[:end]
    if said.rpartition(" ")[2] not in _ERROR_ENDS or not text.endswith(_ERRORS, 0, end):
        return text
    reason = max((e for e in _ERRORS if text.endswith(e, 0, end)), key=len)
    before = text[: end - len(reason)]
    return before + WILDCARD + text[end:] if before[-1:] in (" ", '"') else text


def _end(text: str) -> int:
    """Return where a text ends, without what follows it in brackets.

    That is a tag, the logger's name or an error's number, and no part of a reason.
    """
    last = text.rfind(" ")
    return last if last >= 0 and _TAG.match(text, last) else len(text)


def _after_colons(text: str) -> Iterator[Tuple[str, int]]:
    end = _end(text)
    place = text.find(": ")
    while 0 < place < end:
        words = text[:place].split()
        if sum([_LETTER.search(word) is not None for word in words]) > 1:
            many = MANY_TEXTS
            if words[-1] in _ANNOUNCES:
                many = MANY_ANNOUNCED
            elif any(is_verb(word) and word.lower() not in LEVELS for word in words):
                many = MANY_REASONS
            if not _FIELDS.match(text, place + 2):
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
    """The frames of templates, to find templates that differ only in a text of any length.

    Lines of one frame begin alike, so a beginning that few templates share can't have a useful
    frame. The frames of a template are worked out only once enough templates begin like it.
    """

    def __init__(self, find: Callable[[str], Optional[Template]] = lambda frame: None) -> None:
        self._find = find  # the template of a frame's words
        self._members: Dict[str, List[Template]] = {}
        self._things: Dict[str, Set[str]] = {}  # to the frames in which they are
        # By their beginning: how many templates, and those of them whose frames are not worked out,
        # with their keys.
        self._begun: Dict[str, int] = {}
        self._waiting: Dict[str, List[Tuple[Template, Words]]] = {}

    def take(self, templates: Sequence[Template]) -> Iterator[Tuple[str, List[Template]]]:
        """Add templates; yield the frames that now have many texts, with their templates.

        A template that has a value in place of the text has had at least two texts.
        """
        for template in templates:
            template.framed = keys = template.keys
            done = _done(keys)
            if done:
                self._things.setdefault(done[1], set()).add(done[0])
            begin = keys[0].partition("(")[0].partition("[")[0] if keys else ""
            self._begun[begin] = self._begun.get(begin, 0) + 1
            self._waiting.setdefault(begin, []).append((template, keys))
        touched = self._work_out(set(templates))
        # An order that does not depend on the lines' order: the frame of most templates first.
        for frame in sorted(touched, key=lambda frame: (-len(self._members[frame]), frame)):
            wide = self._find(frame)
            more = 1 if wide else 0
            if len(self._members[frame]) + more < FEWEST:
                continue
            many = touched[frame]
            members = list(dict.fromkeys([t.current() for t in self._members[frame]]))
            members = [t for t in members if _is_in(frame, t)]
            self._members[frame] = members
            if many == RECURRING:
                members = [t for t in members if self._recurs(t)]
                many = MANY_THINGS
            if wide and wide not in members:
                members = [*members, wide]
            if len(members) + more >= many and _are_texts(frame, members, many):
                yield frame, members
        if len(self._members) > MAX_FRAMES:
            self._members.clear()
            self._things.clear()
            self._begun.clear()
            self._waiting.clear()

    def _work_out(self, taken: Set[Template]) -> Dict[str, int]:
        """Work out the frames of templates whose beginning many share.

        Return the frames of the new ones, and how many texts are many in each.
        """
        touched: Dict[str, int] = {}
        ready = [begin for begin in self._waiting if self._begun[begin] >= FEWEST]
        for begin in ready:
            for template, keys in self._waiting.pop(begin):
                for frame, many in frames_of(keys):
                    self._members.setdefault(frame, []).append(template)
                    if template in taken:
                        touched[frame] = min(many, touched.get(frame, many))
        return touched

    def _recurs(self, template: Template) -> bool:
        """Return whether other things are also done with the thing of a template."""
        done = _done(template.keys)
        return done is not None and len(self._things.get(done[1], ())) > 1


def _is_in(frame: str, template: Template) -> bool:
    """Return whether a template is still in a frame, or is the frame itself; it may be wider by
    now.
    """
    keys = template.keys
    return template.framed is keys or " ".join(keys) == frame or has_frame(keys, frame)


def _common_start(texts: Sequence[str]) -> Iterator[str]:
    """Yield the words that all texts begin with."""
    for words in zip(*[text.split() for text in texts]):
        if len(set(words)) > 1:
            return
        yield words[0]


def _are_texts(frame: str, members: Sequence[Template], many: int) -> bool:
    """Return whether the difference between lines is one text, not statements that begin alike.

    ``many`` is how many texts are many in the frame. If little shows that a text follows, values
    distinguish statements: those of one part of a program mostly have values of their own, texts
    seldom. Behind a colon with a verb before it, unless that says that something failed, these are
    statements: texts that begin differently, most of which have values of their own and say that
    something happens, as in ``Mirrored queue 'a': Adding mirror on node 7``.
    """
    lines = [" ".join(t.keys) for t in members]
    if many == MANY_TEXTS:
        values = frame.count(WILDCARD)
        return 2 * sum([line.count(WILDCARD) >= values for line in lines]) <= len(lines)
    said = frame[: -len(_REASON)] if frame.endswith(_REASON) else ""
    if said and said.rpartition(" ")[2] not in _ANNOUNCES:
        texts = [line[len(frame) - len(WILDCARD) :] for line in lines]
        if any(WILDCARD in word for word in _common_start(texts)):
            return False  # what differs begins further behind
        told = sum([WILDCARD in text and _TELLS.search(text) is not None for text in texts])
        begun = len({text.partition(" ")[0] for text in texts})
        return 2 * min(told, begun) <= len(texts)
    return True
