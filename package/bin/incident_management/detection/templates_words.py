# ruff: noqa: SIM905  # lists of words read best as text
"""What in one word of a log line is a value by its form, and what sort of word the rest is.

A word is what stands between blanks. Numbers, addresses, identifiers, paths, times and the value
of ``key=value`` become ``<*>``; punctuation stays, so ``user=42,`` becomes ``user=<*>,``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Dict, List, Tuple

__all__ = [
    "LONGEST_WORD",
    "WILDCARD",
    "Words",
    "is_fixed",
    "is_mark",
    "is_name",
    "is_shouted",
    "mask",
    "numbered_in",
    "tokens_of",
]

WILDCARD = "<*>"
LONGEST_WORD = 200
"""Characters; a longer word is a value."""
CACHED_WORDS = 50_000

_MARK = r"\.{3,}|[=,;:(){}\[\]\"'|<>]"
_SPLIT = re.compile(f"({_MARK})")
_TOKEN = re.compile(rf"<\*>|{_MARK}|(?:(?!<\*>|\.{{3}})[^=,;:(){{}}\[\]\"'|<>])+")

# Words that stand for a value although they are words.
_VALUE_WORDS = frozenset(["true", "false", "null", "none", "nil", "nan", "undefined", "root"])

# Names that end in a number; any number, because the cache of lines knows numbers only as such.
_NUMBERED_NAME = re.compile(
    r"(?:ssh|ipv|utf-?|sha-?|ext|amd|arm|http|tls|sslv|base|oauth|x86_|l)\d{1,3}\Z", re.I
)

# A value as a whole, punctuation and all; tried on the word without what encloses it.
_WHOLE = re.compile(
    r"""(?:
      [a-z][a-z0-9+.-]{1,15}://.*                          # URL
    | [a-z]:\\.*                                           # path of Windows
    | [<>~!]=?-?\d[\w.,%]*                                 # <1  >=20
    | [a-z][+-]                                            # X+ z-
    | [+-]?\d+(?:,\d+)+(?:\.\d+)?[a-z%]{0,3}               # 1,000
    | [0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,9}(?:%\w+|/\d+)?   # IPv6, MAC
    | /?(?:[\w-]+\.)+[\w-]+(?:/[\d.]+)?:\d+(?::[\d.]+)*    # host:port
    )\Z""",
    re.X | re.I | re.S,
)
# A value between punctuation.
_PATH = re.compile(r"(?:~|\.{1,2})?/[^\s/]*(?:/[^\s/]*)*\Z|[\w.+~-]+(?:/[\w.+~*-]+){2,}/?\Z")
_DOMAIN = re.compile(
    r"(?:[a-z0-9-]+\.)+(?:com|net|org|edu|gov|io|info|biz|local|internal|localdomain|lan|cn|hk|tw"
    r"|jp|kr|de|fr|it|nl|se|uk|eu|ru|br|in|au|ca|us|ch|es|pl)\Z"
)
# Digits inside a name that ends in letters: jk2_init, Brcm43xx, e1000_watchdog.
_NAME_WITH_DIGITS = re.compile(r"[A-Za-z_]{2,}\d+_?[A-Za-z]*(?<=[A-Za-z]{2})\Z")
_DIGIT = re.compile(r"\d")
_HEX_WORD = re.compile(r"(?:[0-9a-f]{8,}|[0-9A-F]{8,})\Z")
_ADDRESS = re.compile(r"[\w.+-]+@[\w.-]+\Z")

# The value of ws=WorkSource{1}.
_BRACKETED_VALUE = re.compile(r"=[\w.$-]{1,80}(?:\{[^{}]*\}|\([^()]*\)|\[[^\[\]]*\]|<[^<>]*>)")

# The value of requires:>=3.8,<4
_COMPARED = re.compile(r"(?:[<>!~]=|==)\d[\w.*+-]*(?:,(?:[<>!~]=|==|[<>])\d[\w.*+-]*)*")

_JOINED = re.compile(r"<\*>(?:[:,]<\*>)+")

_NAME = re.compile(r"[A-Za-z].*(?:[_.$\\/@~#%\d]\w|[a-z][A-Z])")
_SHOUTED = re.compile(r"[A-Z][A-Z_-]{2,}\Z")

# Words that carry a message's meaning: two lines that differ in one are two messages.
_FUNCTION_WORDS = frozenset(
    """a an the and or nor but not no in on at to of off from for by with without within into onto
    over under up down out via per as is are was were be been being has have had do does did can
    cannot could can't will would shall should may might must if then else when while until since
    before after again now yet already still only all any each every some more most less than
    that this these those it its we you i there here because so too very also both either
    neither instead get post put delete head patch options ok okay yes
    success successful successfully succeeded failure fail failed error errors warning info debug
    fatal critical notice start stop open close read write send receive enable disable enter exit
    begin end first last new old min max start-up startup shutdown login logout connect
    disconnect online offline ready busy idle active inactive alive dead valid invalid available
    unavailable normal abnormal true false input output request response allow deny accept reject
    add remove create update insert drop lock unlock acquire release load unload push pop true
    primary secondary master slave left right""".split()
)
_PARTICIPLE = re.compile(r"[a-z]{2,}(?:ed|ing)\Z")


def mask(word: str) -> str:
    """Return a word with its values as ``<*>``, its punctuation kept."""
    if word.isalpha():
        return WILDCARD if word.lower() in _VALUE_WORDS else word
    if len(word) > LONGEST_WORD:
        return WILDCARD
    if WILDCARD in word:
        word = word.replace(WILDCARD, "*")
    start, end = _core(word)
    core = word[start:end]
    if not core:
        return word
    if _WHOLE.match(core):
        return word[:start] + WILDCARD + word[end:]
    if "=" in core:
        core = _COMPARED.sub("0", core)
        core = _BRACKETED_VALUE.sub("=" + WILDCARD, core)
    pieces = _SPLIT.split(core)
    before = ""
    for place, piece in enumerate(pieces):
        if place % 2:
            before = piece
        elif piece and (before == "=" or _is_value(piece)):
            pieces[place] = _without_end(piece)
    return word[:start] + _JOINED.sub(WILDCARD, "".join(pieces)) + word[end:]


def _core(word: str) -> Tuple[int, int]:
    """Return where a word begins and ends without brackets, quotes and the marks of a sentence."""
    start = len(word) - len(word.lstrip("([{\"',;=|"))
    end = max(start, len(word.rstrip(")]}\"',;:.!?|=")))
    # keep a pair that belongs to the core, as in f(x)
    while end < len(word) and word[end] in ")]}" and _opens(word[end]) in word[start:end]:
        end += 1
    return start, end


def _opens(closing: str) -> str:
    return "([{"[")]}".index(closing)]


def _without_end(piece: str) -> str:
    bare = piece.rstrip(".!?")
    return WILDCARD + piece[len(bare) :] if bare else piece


def _is_value(piece: str) -> bool:
    bare = piece.rstrip(".!?")
    if not bare:
        return False
    if bare.isalpha():
        return bare.lower() in _VALUE_WORDS
    if _DIGIT.search(bare):
        return not (_NUMBERED_NAME.match(bare) or _NAME_WITH_DIGITS.match(bare))
    if "/" in bare:
        return len(bare) > 1 and _PATH.match(bare) is not None
    if "\\" in bare or "@" in bare:
        return bare.count("\\") > 1 or _ADDRESS.match(bare) is not None
    return _HEX_WORD.match(bare) is not None or _DOMAIN.match(bare) is not None


@lru_cache(CACHED_WORDS)
def tokens_of(masked: str) -> List[str]:
    """Cut a masked word into wildcards, punctuation marks, and what is between them."""
    return _TOKEN.findall(masked)


@lru_cache(CACHED_WORDS)
def is_mark(token: str) -> bool:
    """Whether a token is punctuation: no letter or digit in it."""
    return token != WILDCARD and not any(map(str.isalnum, token))


@lru_cache(CACHED_WORDS)
def is_name(token: str) -> bool:
    """Whether a word looks like the name of something: dotted, camelCase, with a digit or _."""
    return _NAME.match(token) is not None


@lru_cache(CACHED_WORDS)
def is_shouted(token: str) -> bool:
    """Whether a word is in capitals, as the values of an enumeration are."""
    return _SHOUTED.match(token) is not None


@lru_cache(CACHED_WORDS)
def is_fixed(token: str) -> bool:
    """Whether a word is never the value of a variable: it tells what happened, or joins words."""
    low = token.rstrip(".!?").lower()
    return not low or low in _FUNCTION_WORDS or _PARTICIPLE.match(low) is not None


@lru_cache(CACHED_WORDS)
def numbered_in(masked: str) -> Tuple[str, ...]:
    """Return the names with a digit in a masked word."""
    return tuple([t for t in tokens_of(masked) if _DIGIT.search(t)])


class Words(Dict[str, str]):
    """Words already masked; a new one is masked when it is asked for."""

    def __missing__(self, word: str) -> str:
        if len(self) >= CACHED_WORDS:
            self.clear()
        masked = self[word] = mask(word)
        return masked
