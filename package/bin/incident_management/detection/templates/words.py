"""Find which parts of a word of a log line are values by their form, and the kind of the rest.

Words are separated by blanks. Numbers, addresses, identifiers, paths, times and the value of
``key=value`` become ``<*>``; punctuation stays, so ``user=42,`` becomes ``user=<*>,``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Dict, List, Sequence, Tuple

from .fold import ESCAPED_QUOTE, numbers_shown
from .vocabulary import DETERMINERS, FUNCTION_WORDS, MAY_BE_STATES, VALUE_WORDS

__all__ = [
    "CACHED_WORDS",
    "FIXED",
    "NAME",
    "PLAIN",
    "VALUE",
    "WILDCARD",
    "Masked",
    "constants",
    "is_called",
    "is_event",
    "is_infinitive",
    "is_loud",
    "is_shouted",
    "is_verb",
    "kind_of",
    "marks_of",
    "mask",
    "may_be_value",
    "part_of",
    "paths_joined",
    "pieces_of",
    "says_what_happened",
    "union_of",
]

WILDCARD = "<*>"
LONGEST_WORD = 200
"""Characters; a longer word is a value."""
CACHED_WORDS = 50_000

_MARK = r"\.{3,}|[=,;:(){}\[\]\"'`|<>]"
_SPLIT = re.compile(f"({_MARK})")
_PIECE = re.compile(rf"<\*>|{_MARK}|(?:(?!<\*>|\.{{3}})[^=,;:(){{}}\[\]\"'`|<>])+")

_NO_MARKS = bytes([code for code in range(128) if chr(code) not in " =,;:(){}[]\"'`|<>"])

# A value as a whole, with its punctuation; tried on the word without its enclosing marks.
_WHOLE = re.compile(
    r"""(?:
      [a-z][a-z0-9+.-]{1,15}://.*                          # URL
    | [a-z]:\\.*                                           # path of Windows
    | [<>~!]=?-?\d[\d.,%]*                                 # <1  >=20
    | [+-]?\d+(?:,\d+)+(?:\.\d+)?[a-z%]{0,3}               # 1,000
    | [0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,9}(?:%\w+|/\d+)?   # IPv6, MAC
    | /?(?:[\w-]+\.)+[\w-]+(?:/[\d.]+)?:\d+(?::[\d.]+)*    # host:port
    )\Z""",
    re.X | re.I | re.S,
)
# A plain IPv6 or hardware address, which needs no further check.
_COLONS = re.compile(r"0?(?:[0-9a-f]{0,4}:){2,9}[0-9a-f]{1,4}\Z", re.I)
# A value between punctuation.
_PATH = re.compile(
    r"(?:~|\.{1,2})?/[^\s/]*(?:/[^\s/]*)*\Z|[\w.+~-]+(?:/[\w.+~*-]+){2,}/?\Z"
    r"|[a-z]\w*(?:\.\w+)+/\.?[A-Za-z][\w.$]*\Z"  # com.example.app/.MainActivity
)
# C:\\Program Files (x86)\\a: a part with blanks has no dot, and its last word begins with a capital
_SPACED_PATH = re.compile(
    r"(?<!\w)[A-Za-z]:\\(?:[^\s\"'<>|,;]*\\)?[^\s\"'<>|,;.\\]+"
    r"(?: (?:[A-Z(0&][\w.()&+-]{0,40}|and|of)){0,2}? [A-Z(0][\w.()&+-]*\\"
)
MAX_SPACED = 4
"""Parts with blanks in a path that are looked for."""
# table,row,0a1b: a word with more commas is a line of a table
_WITH_COMMAS = re.compile(r"[\w.:/$#@+~-]+(?:,[\w.:/$#@+~-]*){1,3}\Z")
# The part of a program that logs, and the line of its source: core/proxy/http: src/io/file.rs:0:
_PART = re.compile(r"((?:0\.)?[A-Za-z][A-Za-z_.+-]*(?:/[A-Za-z_.+-]+)+:)(?:0:)?\Z")
_DOMAIN = re.compile(
    r"(?:[a-z0-9-]+\.)+(?:com|net|org|edu|gov|io|info|biz|local|internal|localdomain|lan|cn|hk|tw"
    r"|jp|kr|de|fr|it|nl|se|uk|eu|ru|br|in|au|ca|us|ch|es|pl)\Z"
)
_UNIT = re.compile(
    r"[\w@-][\w@.:\\-]*\.(?:service|socket|timer|mount|device|slice|scope|target|swap)\Z"
)
_SURNAME = re.compile(r"(?<!\w)[Oo]'[A-Za-z]{2,}(?!\w)")  # O'Neil
_HEX_WORD = re.compile(r"(?:[0-9a-f]{8,}|[0-9A-F]{8,})\Z")
_SIGN = re.compile(r"[A-Za-z][+-]\Z")  # X+ z-
_ADDRESS = re.compile(r"[\w.+-]+@[\w.-]+\Z")

# A host with a port within a word, as in tcp:www.example.dev:443
_HOST_PORT = re.compile(r"(?<![\w.-])(?:[A-Za-z0-9][\w-]{0,62}\.)+[A-Za-z]{2,20}:0+(?![\w.])")

# The value of ws=WorkSource{1}.
_BRACKETED_VALUE = re.compile(r"=[\w.$-]{1,80}(?:\{[^{}]*\}|\([^()]*\)|\[[^\[\]]*\]|<[^<>]*>)")

# The value of tag="View", tag='View' and user=<ann>, if it has no blank.
_ENCLOSED_VALUE = re.compile(r"""=(?:"[^"]*"|'[^']*'|<[^<>]*>)""")

# The value of requires:>=3.8,<4
_COMPARED = re.compile(r"(?:[<>!~]=|==)\d[\w.*+-]*(?:,(?:[<>!~]=|==|[<>])\d[\w.*+-]*)*")

# The value of tag=a:b and the like, up to the marks that may end it.
_GIVEN = re.compile(r"=[^\s,;()\[\]{}\"'<>=|]+")
# A word that is a field, its value without brackets, and the rest behind it.
_FIELD = re.compile(r"""([A-Za-z_]\w*)=[^\s,;()\[\]{}"'<>=|`]*\w([)\]}"'`,;:.!?|]*)\Z""")
# A hardware address of which only some parts have a digit.
_HEX_PARTS = re.compile(
    r"(?<![\w.])(?:(?:0|XX|[0-9a-f]{2}|[0-9a-f]{4}):)+(?:0|XX|[0-9a-f]{2}|[0-9a-f]{4})(?!\w)", re.I
)

# An IPv6 address in brackets, with a port.
_WITH_PORT = re.compile(r"\[[0-9a-f:.]*:[0-9a-f:.]*(?:%\w+)?\]:0", re.I)

# An old and a new state, as OPEN→CLOSED; small letters before -> may be a pointer.
_CHANGE = re.compile(
    r"[A-Za-z][\w-]*→[A-Za-z][\w-]*|[A-Z][A-Z_]+[-=]>[A-Z][A-Z_]+(?!\w)"
    r"|[A-Za-z][\w.#-]*<->\S*\w"  # the two ends of a connection: br-int<->unix#7
)

_JOINED = re.compile(r"<\*>(?:[:,]<\*>)+")

_NAME = re.compile(r"[A-Za-z].*(?:[_.$\\/@~#%\d]\w|[a-z][A-Z])")
_QUOTED = re.compile(r"""(["'`])[^"'`]+\1\Z""")
_CAPITALS = re.compile("[A-Z]{3}")
_SHOUTED = re.compile(r"[A-Z][A-Z_-]{2,}\Z")

# [conn=<*>], which precedes all messages of one connection or thread
_TAG = re.compile(r"\[[\w.-]+=<\*>[\],]\Z")
# The text before a value in brackets, as in sshd[17]; the name in user=17 never is a value.
_NAMED = re.compile(r"[A-Za-z][\w.$-]*(?=[({\[])")
_PARTICIPLE = re.compile(r"[a-z]{2,}(?:ed|ing)\Z")

VALUE, NAME, PLAIN, FIXED = range(4)
"""Kinds of word: a value; what looks like a name; another word; one that is never a value."""


# Marks that may enclose a word.
_ENDS = "()[]{}\"'`,;:.!?|"


def mask(word: str) -> str:
    """Return a word with its values as ``<*>``, its punctuation kept."""
    if ESCAPED_QUOTE in word:
        return ESCAPED_QUOTE.join(map(mask, word.split(ESCAPED_QUOTE)))
    if "'" in word:
        word = _SURNAME.sub("0", word)
    bare = word.strip(_ENDS)
    if bare == "0" or bare in VALUE_WORDS:
        return word.replace(bare, WILDCARD, 1)
    if bare.isalpha() and (len(bare) < 8 or not _HEX_WORD.match(bare)):
        return word
    if len(word) > LONGEST_WORD:
        return WILDCARD
    if bare.count(":") > 1 and _COLONS.match(bare):
        return word.replace(bare, WILDCARD, 1)
    if ">" in word or not word.isascii():
        word = _CHANGE.sub("0", word)
        bare = word.strip(_ENDS)
    if bare.isalnum() or (bare[-1:].isalnum() and not _SPLIT.search(bare)):
        return word.replace(bare, WILDCARD, 1) if _is_value(bare) else word
    field = _FIELD.match(word) if "=" in word else None
    if field:
        name, end = field.groups()
        return f"{WILDCARD if _is_value(name) else name}={WILDCARD}{end}"
    if WILDCARD in word:
        word = word.replace(WILDCARD, "*")
    if "0:" in word or ":0" in word:
        word = _HEX_PARTS.sub("0", _WITH_PORT.sub("0", word) if "]:0" in word else word)
    if "=" in word:
        word = _ENCLOSED_VALUE.sub(_enclosed, word)
    start, end = _core(word)
    core = word[start:end]
    if not core:
        return word
    if core == "_" or (start and word[start - 1] in "'\"" and not any(map(str.isalnum, core))):
        return word[:start] + WILDCARD + word[end:]
    if _WHOLE.match(core) or _is_made_of_parts(core):
        return word[:start] + WILDCARD + word[end:]
    if "=" in core:
        if "=0" in core:
            core = _COMPARED.sub("0", core)
        core = _BRACKETED_VALUE.sub("=0", core)
        core = _GIVEN.sub("=0", core)
    if ":0" in core:
        core = _HOST_PORT.sub("0", core)
    pieces = _SPLIT.split(core)
    before = ""
    for place, piece in enumerate(pieces):
        if place % 2:
            before = piece
        elif piece and (before == "=" or _is_value(piece)):
            pieces[place] = _without_end(piece)
    masked = "".join(pieces)
    if ">:<" in masked or ">,<" in masked:
        masked = _JOINED.sub(WILDCARD, masked)
    return word[:start] + masked + word[end:]


def _is_made_of_parts(core: str) -> bool:
    """Return whether this is one identifier of many parts, at least one of them a number.

    As ``UPID:host:0000A1B2:11:vzdump:101:root`` and ``table,row,0a1b``.
    """
    if "=" in core or "0" not in core:
        return False
    if core.count(":") > 3 and core.count("0") > 1:
        return True
    return "," in core and core.count(":") < 2 and _WITH_COMMAS.match(core) is not None


def _enclosed(found: re.Match[str]) -> str:
    text = found.group()
    return text[:2] + "0" + text[-1]


def _core(word: str) -> Tuple[int, int]:
    """Return where a word begins and ends without brackets, quotes and the marks of a sentence."""
    start = len(word) - len(word.lstrip("([{\"'`,;=|"))
    end = max(start, len(word.rstrip(")]}\"'`,;:.!?|=")))
    # keep a pair that belongs to the core, as in f(x)
    while end < len(word) and word[end] in ")]}" and _opens(word[end]) in word[start:end]:
        end += 1
    return start, end


def _opens(closing: str) -> str:
    return "([{"[")]}".index(closing)]


def _without_end(piece: str) -> str:
    bare = piece.rstrip(".!?")
    return WILDCARD + piece[len(bare) :] if bare else piece


def _is_value(piece: str) -> object:
    bare = piece.rstrip(".!?")
    if "0" in bare or bare in VALUE_WORDS:
        return True
    if bare.isalpha() or not bare:
        return len(bare) > 7 and _HEX_WORD.match(bare) is not None
    if "/" in bare:
        return len(bare) > 1 and _PATH.match(bare) is not None
    if "\\" in bare or "@" in bare:
        return bare.count("\\") > 1 or _ADDRESS.match(bare) is not None
    return bare == "_" or _is_dotted(bare) or _SIGN.match(bare)


def _is_dotted(bare: str) -> bool:
    """Return whether this is a host's full name, or the name of a systemd unit."""
    return "." in bare and bool(_DOMAIN.match(bare) or _UNIT.match(bare))


def part_of(first: str) -> str:
    """Return a line's first word if it is the path of a part of the program, else ""."""
    return first.replace("0", WILDCARD) if "/" in first and _PART.match(first) else ""


def paths_joined(text: str) -> str:
    """Return a text in which a path with blanks, as in ``C:\\My Files\\a``, is one word."""
    for _ in range(MAX_SPACED):
        joined = _SPACED_PATH.sub(_without_blanks, text)
        if joined == text:
            break
        text = joined
    return text


def _without_blanks(found: re.Match[str]) -> str:
    return found.group().replace(" ", "")


@lru_cache(CACHED_WORDS)
def pieces_of(masked: str) -> List[str]:
    """Split a masked word into wildcards, punctuation marks, and the text between them."""
    return _PIECE.findall(masked)


def marks_of(text: str) -> bytes:
    """Return the blanks and the punctuation of a masked text.

    Texts with other punctuation are not compared.
    """
    return text.replace(WILDCARD, "").encode("utf-8", "replace").translate(None, _NO_MARKS)


@lru_cache(CACHED_WORDS)
def union_of(one: str, other: str) -> str:
    """Return two words as one, with a wildcard for the difference between their punctuation."""
    if one == other:
        return one
    mine, theirs = pieces_of(one), pieces_of(other)
    if len(mine) != len(theirs):
        if one.replace(WILDCARD, "") == other.replace(WILDCARD, ""):
            return max(one, other, key=len)  # one of them has an empty value
        return WILDCARD
    return "".join([a if a == b else WILDCARD for a, b in zip(mine, theirs)])


@lru_cache(CACHED_WORDS)
def kind_of(masked: str) -> int:
    """Return the kind of a masked word."""
    if WILDCARD in masked:
        others = masked.replace(WILDCARD, "")
        if not any(map(str.isalnum, others)) or _TAG.match(masked):
            return VALUE
        named = _NAMED.match(masked.lstrip("(["))
        return kind_of(named.group()) if named else FIXED
    core = masked.strip("()[]{}<>\"'`,;:.!?|")
    if not any(map(str.isalnum, core)) or "=" in core or "..." in core:
        return FIXED
    if _QUOTED.match(masked.strip("()[].,;:")):
        return NAME
    low = core.lower()
    if low in FUNCTION_WORDS and not (low in MAY_BE_STATES and is_shouted(core)):
        return FIXED
    if _PARTICIPLE.match(low) is not None and core[1:].islower():
        return FIXED
    if masked[0] in "<([" and masked.rstrip(",.;:")[-1] in ">)]":
        return NAME
    if "(" in core:
        inner = core[core.index("(") :]
        is_one = "(" not in inner.lstrip("([{")
        return PLAIN if is_one and kind_of(inner) == FIXED else NAME
    if ":" in core or _NAME.match(core) is not None:
        return NAME
    return PLAIN


@lru_cache(CACHED_WORDS)
def is_verb(masked: str) -> bool:
    """Return whether a word says what happened, or joins words; names of things have no such
    word.
    """
    return kind_of(masked) == FIXED and masked.strip(",;:.!?\"'").isalpha()


def constants(words: Sequence[str]) -> int:
    """Return how many masked words are no values."""
    return sum([kind_of(word) != VALUE for word in words])


def says_what_happened(masked: str) -> bool:
    """Return whether a lower-case word says what happened, or joins words: opened, up, to."""
    return is_verb(masked) and masked.islower()


def is_event(first: str) -> bool:
    """Return whether a line's first word is an event's name in some programs: +sdown, -monitor."""
    return first[0] in "+-" and first[1:2].isalpha()


def is_called(behind: Sequence[str]) -> bool:
    """Return whether the word before these says what a thing is, as in Service "web", Check
    "web-3".
    """
    return bool(behind) and behind[0][0] in "\"'`["


def is_infinitive(before: str, after: str) -> bool:
    """Return whether the word between these is a verb, as in "took 3 s to destroy the instance"."""
    return before == "to" and after in DETERMINERS


def may_be_value(word: str) -> bool:
    """Return whether a plain word is more likely a value than others: KILLED, Absent,
    order-service.
    """
    core = word.strip("()[]{}<>\"'`,;:.!?|")
    return core[:1].isupper() or "-" in core


def is_shouted(word: str) -> bool:
    """Return whether a word is in capitals, as the values of an enumeration are."""
    return _SHOUTED.match(word) is not None


def is_loud(words: Sequence[str]) -> bool:
    """Return whether a line is written in capitals, so that they say nothing about a word in it."""
    said = "".join(words)
    return said.isupper() and _CAPITALS.search(said) is not None


class Masked(Dict[str, str]):
    """Masked words by word; a new word is masked on first use."""

    def __missing__(self, word: str) -> str:
        if len(self) >= CACHED_WORDS:
            self.clear()
        is_plain = word.isalpha() and len(word) < 8 and word not in VALUE_WORDS
        masked = self[word] = word if is_plain else numbers_shown(mask(word))
        return masked
