"""What nobody sees of a text, and what may stand within a secret or the name that announces one.

Programs colour what they log (``ESC[36mpassword ESC[0m=…``), also when it goes to a file or a
container's runtime: ECMA-48, "Control functions", 5.4 and 8.3.117. ``tput sgr0`` ends a colour with
``ESC(B ESC[m`` on most terminals: the first chooses a set of characters (ECMA-35, 14.3). The escape
character comes as it is, as JSON, Rust, a shell or rsyslog write it, or not at all.
"""

from __future__ import annotations

import re
from typing import List, Match, Tuple

__all__ = ["without_colours", "without_invisible", "without_links"]

_ESC = r"(?:\x1b|\\{1,7}(?:u001[bB]|u\{1[bB]\}|x1[bB]|0?33|e)|#033|\^\[)"
_COLOUR = re.compile(
    rf"{_ESC}(?:\[[\d;:?]{{0,60}}[A-HJKSTfhlm]|\([AB0])"
    r"|(?:\(B)?\[(?:\d{1,3}(?:;\d{1,3}){0,15}m|m(?!\w))"
)
# A hyperlink of a terminal: ESC ] 8 ; parameters ; address, and ESC \ or BEL. It goes on until one
# without an address (as iTerm2, VTE and others have it since 2017; xterm's OSC, ended by its ST).
_LINK = re.compile(
    rf"{_ESC}\]8;[\w:=.-]{{0,100}};(?P<address>(?:(?!{_ESC})[^\s\x07]){{0,2000}}?)"
    rf"(?:\x07|\\{{1,7}}(?:u0007|x07|a)|{_ESC}\\{{1,8}})"
)
# Control and format characters and fillers, but no line end or tab; as JSON writes them, too. And
# the sign for what can't be shown, in whose place a NUL may have been (splunk/nul.py).
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffd"
    "\ue000-\uf8ff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_ESCAPED = re.compile(
    r"\\{1,7}u(?:00(?:0[0-8b]|1[0-9a-f]|7f|ad)|200[b-f]|202[a-e]|206[0-9a-f]|feff)", re.I
)
# Letters, digits, - and _ as wide as a Chinese sign, and what they look like (Unicode's "Halfwidth
# and Fullwidth Forms").
_WIDE = {
    ord(one) + 0xFEE0: one
    for one in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
}


# Letters of Cyrillic and Greek that look like Latin ones: раssword is no word of any language. What
# they look like is in Unicode's "confusables.txt" (UTS 39).
_ALIKE = {
    ord(one): other
    for letters, others in (
        ("аеорсухіјѕһԁԛԝкмтвн", "aeopcyxijshdqwkmtbh"),
        ("АВЕКМНОРСТУХІЈЅӀ", "ABEKMHOPCTYXIJSI"),
        ("αορνικτ", "aopvikt"),
        ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX"),
    )
    for one, other in zip(letters, others)
}
_ALIKE_LETTERS = "".join(map(chr, _ALIKE))
_MIXED = re.compile(rf"[A-Za-z][{_ALIKE_LETTERS}]|[{_ALIKE_LETTERS}][A-Za-z]")
_WORD = re.compile(r"\w+")


def without_links(text: str) -> Tuple[str, List[str]]:
    """Return the text without what makes hyperlinks of it, and the addresses of these."""
    if "]8;" not in text:
        return text, []
    return _LINK.sub("", text), [m["address"] for m in _LINK.finditer(text) if m["address"]]


def without_colours(text: str) -> str:
    """Return the text without what sets colours, and without escaped characters of no shape."""
    if "[" in text:
        text = _COLOUR.sub("", text)
    return _ESCAPED.sub("", text) if "\\u" in text else text


def without_invisible(text: str) -> str:
    """Return the text without characters that nobody sees.

    Plain letters stand for wide ones and, in words that mix alphabets, for what looks like them.
    """
    if text.isascii():
        return text if text.isprintable() else _INVISIBLE.sub("", text)
    seen = _INVISIBLE.sub("", text).translate(_WIDE)
    return _WORD.sub(_in_one_alphabet, seen) if _MIXED.search(seen) else seen


def _in_one_alphabet(word: Match[str]) -> str:
    return word[0].translate(_ALIKE) if _MIXED.search(word[0]) else word[0]
